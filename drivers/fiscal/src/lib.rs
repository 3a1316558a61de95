//! What all fiscal drivers share.
