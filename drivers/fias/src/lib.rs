//! Key encoders over FIAS.
