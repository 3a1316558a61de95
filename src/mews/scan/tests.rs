//! Elements come out whole, however the bytes are cut.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn elements(pieces: &[&[u8]], limit: usize) -> (Vec<Element>, ArrayScanner) {
    let mut scanner = ArrayScanner::new("Commands", limit);
    let mut found = Vec::new();
    for piece in pieces {
        let mut input = *piece;
        while let Some(element) = scanner.next(&mut input) {
            found.push(element);
        }
        assert!(input.is_empty());
    }
    (found, scanner)
}

fn whole(text: &str) -> Vec<String> {
    let (found, scanner) = elements(&[text.as_bytes()], 1000);
    assert!(scanner.complete(), "{text}");
    let text = |element| match element {
        Element::Whole(bytes) => String::from_utf8(bytes).expect("text"),
        Element::TooLong { .. } => panic!("too long"),
    };
    found.into_iter().map(text).collect()
}

#[test]
fn only_the_outermost_array_of_that_name_counts() {
    let text = r#" {"A":{"Commands":[1]},"B":["Commands",[2]],"Commands" : [ {"x":"]}\"\\"} ,
        [3,{}],4 , "five",null] ,"Cursor":"Commands"}"#;
    let found = whole(text);
    assert_eq!(
        found,
        [r#"{"x":"]}\"\\"}"#, "[3,{}]", "4", "\"five\"", "null"]
    );
}

#[test]
fn no_array_and_an_empty_one_are_complete() {
    for text in [
        "{}",
        r#"{"Commands":null}"#,
        r#"{"Commands":[]}"#,
        r#"{"Commands":{"a":1}}"#,
    ] {
        assert!(whole(text).is_empty(), "{text}");
    }
}

#[test]
fn what_is_no_object_is_broken_and_what_ends_early_is_not_complete() {
    for text in ["<html></html>", "[1]", "null", r#"{"Commands" [1]}"#] {
        assert!(elements(&[text.as_bytes()], 1000).1.broken(), "{text}");
    }
    for text in ["", "{", r#"{"Commands":[{"a":1},"#, r#"{"Commands":[1]"#] {
        let scanner = elements(&[text.as_bytes()], 1000).1;
        assert!(!scanner.complete() && !scanner.broken(), "{text}");
    }
}

#[test]
fn an_element_that_is_too_long_is_dropped_with_its_id_and_its_neighbours_live() {
    let id = "5d0c5b0e-6d6c-4b86-9a30-6f2a1f0c0001";
    let long = format!(
        r#"{{"Device":{{"Id":"x"}},"Id":"{id}","Data":"{}"}}"#,
        "a".repeat(9000)
    );
    let text = format!(r#"{{"Commands":[1,{long},2]}}"#);
    for size in [1, 7, 4096, 100_000] {
        let pieces: Vec<&[u8]> = text.as_bytes().chunks(size).collect();
        let (found, scanner) = elements(&pieces, 5000);
        assert!(scanner.complete() && found.len() == 3, "{size}");
        let Element::TooLong { head, bytes } = &found[1] else {
            panic!("dropped, at {size}")
        };
        assert!(
            head.len() <= HEAD && *bytes == long.len(),
            "{} {bytes}",
            head.len()
        );
        assert_eq!(
            found[1].skipped().id.map(|id| id.to_string()).as_deref(),
            Some(id)
        );
    }
}

#[test]
fn an_id_is_found_in_what_is_cut_off() {
    let found = |text: &str| find_id(text.as_bytes()).map(|id| id.to_string());
    let id = "5d0c5b0e-6d6c-4b86-9a30-6f2a1f0c0001";
    assert_eq!(
        found(&format!(r#"{{"Type":"Id", "Id" : "{id}","x":"#)).as_deref(),
        Some(id)
    );
    for text in [
        r#"{"Device":{"Id":"5d0c5b0e-6d6c-4b86-9a30-6f2a1f0c0001"}}"#,
        r#"{"Id":17}"#,
        "{\"Id",
    ] {
        assert_eq!(found(text), None, "{text}");
    }
}

proptest! {
    #[test]
    fn every_cut_gives_the_same_elements(
        values in proptest::collection::vec("[ -~]{0,20}", 0..6),
        cut in 1_usize..40,
    ) {
        let list: Vec<_> = values.iter().map(|text| json!({ "Id": text, "n": [text, 1] })).collect();
        let text = json!({ "Cursor": null, "Commands": list, "Z": values }).to_string();
        let pieces: Vec<&[u8]> = text.as_bytes().chunks(cut).collect();
        let (found, scanner) = elements(&pieces, 1000);
        prop_assert!(scanner.complete());
        let wanted: Vec<_> =
            list.iter().map(|value| Element::Whole(value.to_string().into_bytes())).collect();
        prop_assert_eq!(found, wanted);
    }

    #[test]
    fn no_input_panics_or_hangs(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let (found, _) = elements(&[br#"{"Commands":["#, &bytes], 50);
        prop_assert!(found.len() <= bytes.len());
    }
}
