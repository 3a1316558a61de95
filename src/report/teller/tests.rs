use super::*;

#[test]
fn intermediate_states_leave_a_request_for_every_unreported_command_and_twenty() {
    assert!(is_spare(180, 159));
    assert!(!is_spare(180, 160));
    assert!(is_spare(21, 0));
    assert!(!is_spare(20, 0));
    assert!(!is_spare(180, usize::MAX));
}
