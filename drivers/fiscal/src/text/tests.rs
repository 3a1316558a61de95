use proptest::prelude::*;

use super::*;

#[test]
fn accents_are_composed_and_kept() {
    assert_eq!(clean("Caffe\u{300}", latin1, 38), "Caffè");
    assert_eq!(clean("CO₂ €", latin1, 38), "CO? ?");
}

#[test]
fn emoji_of_several_parts_is_one_mark() {
    assert_eq!(clean("Spa 👍🏽 ok", latin1, 38), "Spa ? ok");
}

#[test]
fn lines_and_spaces_collapse_and_nothing_is_a_dash() {
    assert_eq!(clean("  Room\r\n\t 101  ", latin1, 38), "Room 101");
    assert_eq!(clean(" \u{7}\u{200D} ", latin1, 38), "-");
}

#[test]
fn five_hundred_characters_are_cut_by_characters_and_the_suffix_stays() {
    let long = "è".repeat(500);
    assert_eq!(clean(&long, latin1, 38).chars().count(), 38);
    let suffixed = clean_between("2 x ", &long, " (1/2)", latin1, 38);
    assert_eq!(suffixed.chars().count(), 38);
    assert!(suffixed.starts_with("2 x è") && suffixed.ends_with("è (1/2)"));
}

proptest! {
    #[test]
    fn clean_text_fits_the_device(text in ".{0,120}", max in 1usize..80) {
        let out = clean(&text, latin1, max);
        prop_assert!(!out.is_empty());
        prop_assert!(out.chars().count() <= max);
        prop_assert!(out.chars().all(latin1));
        prop_assert_eq!(clean(&out, latin1, max), out);
    }
}
