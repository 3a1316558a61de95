//! Takes real-time commands out of picture data.
//!
//! A printer scans everything it receives for `10 04`, `10 05` and `10 14`, also inside a picture,
//! and acts on them: a status byte nobody asked for, an error "recovery", a drawer that opens.
//! One neighbouring dot turns `10` into `18`; ordinary pages need it about once.

/// Adds one dot wherever the bytes would start a real-time command, across rows too.
pub fn scrub(bytes: &mut [u8]) {
    for at in 1..bytes.len() {
        if bytes[at - 1] == 0x10 && matches!(bytes[at], 0x04 | 0x05 | 0x14) {
            bytes[at - 1] = 0x18;
        }
    }
}

/// True if a printer would find a real-time command in these bytes.
#[must_use]
pub fn holds_real_time(bytes: &[u8]) -> bool {
    bytes
        .windows(2)
        .any(|pair| pair[0] == 0x10 && matches!(pair[1], 0x04 | 0x05 | 0x14))
}
