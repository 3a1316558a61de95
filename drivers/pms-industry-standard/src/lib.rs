//! Key encoders over PMS Industry Standard.
