//! Datecs fiscal printers.
