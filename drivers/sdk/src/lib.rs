//! The driver contract of Nightporter.
