use proptest::prelude::*;

use super::*;

#[test]
fn accents_go_where_the_peer_has_none() {
    assert_eq!(fold("Žižková", Repertoire::Ascii, &['|'], 40), "Zizkova");
    assert_eq!(fold("Žižková", Repertoire::Latin1, &['³'], 40), "Zizková");
    assert_eq!(
        fold("Müller-Łuczak", Repertoire::Ascii, &[], 40),
        "Mueller-Luczak"
    );
}

#[test]
fn what_no_table_knows_is_dropped() {
    assert_eq!(fold("محمد", Repertoire::Ascii, &[], 40), "");
    assert_eq!(fold("山田 Yamada", Repertoire::Latin1, &[], 40), "Yamada");
}

#[test]
fn separators_and_control_bytes_become_a_space() {
    assert_eq!(fold("A³B", Repertoire::Latin1, &['³'], 40), "A B");
    assert_eq!(fold("A|B", Repertoire::Ascii, &['|'], 40), "A B");
    assert_eq!(fold("A\u{2}\u{3}\r\nB", Repertoire::Ascii, &[], 40), "A B");
}

#[test]
fn long_names_are_cut() {
    assert_eq!(
        fold(&"x".repeat(300), Repertoire::Ascii, &[], 200).len(),
        200
    );
}

#[test]
fn the_folded_name_of_the_hotel_system_comes_first() {
    assert_eq!(prefer(Some("Zizkova"), Some("Žižková")), "Zizkova");
    assert_eq!(prefer(Some(" "), Some("Žižková")), "Žižková");
    assert_eq!(prefer(None, None), "");
}

proptest! {
    #[test]
    fn a_folded_name_never_breaks_a_message(text in ".{0,300}", max in 0usize..60) {
        let folded = fold(&text, Repertoire::Latin1, &['³', '|'], max);
        prop_assert!(!breaks_a_message(&folded, &['³', '|']));
        prop_assert!(folded.chars().count() <= max);
        prop_assert!(folded.chars().all(|c| u32::from(c) < 256));
    }
}
