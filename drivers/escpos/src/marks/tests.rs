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
