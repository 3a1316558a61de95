//! Epson RT fiscal printers over FPMate.
