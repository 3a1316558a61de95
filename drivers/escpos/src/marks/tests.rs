use proptest::prelude::*;

use super::*;

proptest! {
    #[test]
    fn ids_are_printable_ascend_and_belong_to_one_attempt(
        attempt in any::<u32>(),
        count in 1..=MARKS_MAX,
        other in any::<u32>(),
    ) {
        let marks = Marks::of_attempt(attempt);
        let id = marks.id(count);
        prop_assert!(id.iter().all(|byte| (0x20..=0x7E).contains(byte)));
        prop_assert_eq!(marks.count(id), Some(count));
        prop_assert!(count == 1 || marks.id(count - 1) < id);
        let stranger = Marks::of_attempt(other);
        prop_assert_eq!(stranger.count(id).is_some(), stranger == marks);
    }
}

#[test]
fn a_fence_confirms_nothing() {
    for attempt in [0, 1, 94, 95, 9_024] {
        let marks = Marks::of_attempt(attempt);
        assert!(Marks::is_fence(marks.id(0)));
        assert_eq!(marks.count(marks.id(0)), Some(0));
        assert!(!Marks::is_fence(marks.id(1)) && !Marks::is_fence(marks.id(95)));
        assert!(!Marks::is_fence(marks.id(MARKS_MAX)));
    }
    assert!(Marks::is_fence(Marks::fence()));
}
