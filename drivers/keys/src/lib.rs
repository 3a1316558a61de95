//! What all key encoder drivers share.
