//! What comes out: text in the printer's code page, copies, cuts, the drawer, raw data; and the
//! bytes of a whole job.

use driver_sdk::Grade;

use super::*;

async fn printed(kind: Kind, settings: &str, text: &str, copies: i64) -> (Desk, End) {
    let mut desk = Desk::with(kind, settings, |_| {});
    let end = desk.finish(&job(text, copies)).await;
    desk.at_rest().await;
    (desk, end)
}

fn text_of(desk: &Desk) -> Vec<String> {
    desk.printer
        .receipts()
        .into_iter()
        .map(|r| r.text.trim().to_owned())
        .collect()
}

#[tokio::test(start_paused = true)]
async fn text_comes_out_in_the_printers_code_pages() {
    for (tables, text) in [
        ("\"cp437\"", "Grüße"),
        ("\"cp858\"", "Total 12,50 €"),
        ("\"windows-1252\"", "Grüße 5 €"),
        ("\"cp852\"", "Žluťoučký kůň"),
        ("\"windows-1250\"", "Žluťoučký kůň 5 €"),
        ("\"cp866\"", "Чек"),
        ("\"cp737\"", "Αθήνα"),
        ("\"cp857\"", "İstanbul ğş"),
        ("\"windows-1252\", \"cp852\"", "Žluťoučký kůň €"),
    ] {
        let settings = format!("code_tables = [{tables}]\n");
        let (desk, end) = printed(Kind::Epson, &settings, text, 1).await;
        assert!(matches!(end, End::Done(Grade::Done, _)), "{end:?}");
        assert_eq!(text_of(&desk), [text], "{tables}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_character_in_no_table_is_seen_on_paper() {
    let settings = "unmappable = \"replace\"\n";
    let (desk, _) = printed(Kind::Epson, settings, "price 5 €", 1).await;
    assert_eq!(text_of(&desk), ["price 5 ?"]);
    let (plain, _) = printed(Kind::Epson, settings, "price 5 ?", 1).await;
    let black = |desk: &Desk| desk.printer.receipts()[0].black;
    assert!(
        black(&desk) > black(&plain),
        "white on black, so that nobody overlooks it"
    );
    // By default the whole line is drawn: no character of it goes through a table.
    let (drawn, end) = printed(Kind::Clone, "", "price 5 €", 1).await;
    assert!(matches!(end, End::Done(..)), "{end:?}");
    assert_eq!(text_of(&drawn), [""]);
    assert!(black(&drawn) > 100, "{}", black(&drawn));
}

#[tokio::test(start_paused = true)]
async fn every_copy_is_the_same_and_cut_off() {
    for kind in Kind::ALL {
        let (desk, end) = printed(kind, "", "Total 12,50\n", 3).await;
        let receipts = desk.printer.receipts();
        assert_eq!(receipts.len(), 3, "{kind:?}: {end:?}");
        assert!(receipts.iter().all(|one| one.sha256 == receipts[0].sha256));
        assert!(
            receipts
                .iter()
                .all(|one| one.ending.name() == "partial-cut")
        );
        assert_eq!(
            desk.printer.hanging().1,
            "",
            "{kind:?}: nothing follows the last cut"
        );
        assert!(end.sentence().contains("3 copies"), "{end:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn it_is_cut_as_the_settings_say() {
    for (cut, endings) in [
        ("full", vec!["cut"]),
        ("partial", vec!["partial-cut"]),
        ("old-full", vec!["cut"]),
        ("old-partial", vec!["partial-cut"]),
        ("none", vec![]),
    ] {
        let settings = format!("cut = \"{cut}\"\n");
        let (desk, end) = printed(Kind::Epson, &settings, "one line\n", 1).await;
        assert!(matches!(end, End::Done(Grade::Done, _)), "{cut}: {end:?}");
        let found: Vec<_> = desk
            .printer
            .receipts()
            .iter()
            .map(|r| r.ending.name())
            .collect();
        assert_eq!(found, endings, "{cut}");
        assert_eq!(desk.lines_like("one line"), 1, "{cut}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_drawer_opens_once_for_a_command_and_not_for_each_copy() {
    for when in ["before", "after"] {
        for (drawer, openings) in [("pin2", 1), ("pin5", 1), ("none", 0)] {
            let settings = format!("drawer = \"{drawer}\"\ndrawer_when = \"{when}\"\n");
            let (desk, _) = printed(Kind::Epson, &settings, "cash\n", 3).await;
            assert_eq!(desk.printer.drawer_openings(), openings, "{when} {drawer}");
        }
    }
}

/// A drawer that opened is an effect: a job that failed after it never says that nothing happened.
#[tokio::test(start_paused = true)]
async fn a_drawer_that_may_have_opened_is_never_opened_again_by_itself() {
    let settings = "drawer = \"pin2\"\ndrawer_when = \"before\"\n";
    for bytes in 0..120 {
        let mut desk = Desk::with(Kind::Epson, settings, |_| {});
        desk.cable.break_after(bytes);
        let mend = desk
            .cable
            .clone()
            .mended_after(std::time::Duration::from_secs(1));
        let mended = tokio::spawn(mend);
        let end = desk.finish(&job("cash\n", 1)).await;
        mended.abort();
        desk.at_rest().await;
        assert!(desk.printer.drawer_openings() <= 1, "{bytes}: {end:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn raw_data_goes_out_untouched_as_often_as_asked() {
    let bytes = b"\x1b@raw \x1bt\x13\xd5\n\x1dV\x41\x00";
    let mut desk = Desk::new(Kind::Plain);
    let end = desk.finish(&raw(bytes, 2)).await;
    desk.at_rest().await;
    assert!(
        matches!(end, End::Done(Grade::Accepted | Grade::Sent, _)),
        "{end:?}"
    );
    assert_eq!(text_of(&desk), ["raw €", "raw €"]);
    let sent = desk.cable.take_sent();
    let after = |whole: &[u8], head: &[u8]| {
        let at = whole.windows(head.len()).position(|part| part == head);
        whole[at.expect("it was sent") + head.len()..].to_vec()
    };
    let job = after(&sent, &STATUS_BURST);
    assert!(
        job.starts_with(&[&bytes[..], &bytes[..]].concat()),
        "{job:02x?}"
    );
}

const STATUS_BURST: [u8; 12] = [0x10, 4, 1, 0x10, 4, 2, 0x10, 4, 3, 0x10, 4, 4];

/// The job of the command reference, byte by byte, as the cable saw it.
#[tokio::test(start_paused = true)]
async fn a_whole_job_is_these_bytes() {
    let (desk, end) = printed(Kind::Epson, "code_tables = [\"cp858\"]\n", "5 €\n", 1).await;
    assert!(matches!(end, End::Done(Grade::Done, _)), "{end:?}");
    let sent = desk.cable.take_sent();
    let start = [
        &STATUS_BURST[..],
        &[0x1b, 0x40],
        &[0x1c, 0x2e],
        &[0x1d, 0x61, 0x0e],
        &[0x1d, 0x28, 0x44, 0x05, 0x00, 0x14, 0x01, 0x00, 0x02, 0x00],
        &[0x1b, 0x74, 0x13, 0x35, 0x20, 0xd5, 0x0a],
        &[0x1d, 0x56, 0x42, 0x00],
        &[0x1d, 0x28, 0x48, 0x06, 0x00, 0x30, 0x30],
    ]
    .concat();
    assert!(sent.starts_with(&start), "{sent:02x?}");
    let (id, rest) = sent[start.len()..].split_at(4);
    assert!(
        id.iter().all(|byte| (0x20..=0x7e).contains(byte)),
        "{id:02x?}"
    );
    assert_eq!(rest, STATUS_BURST, "the post-flight");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_printed_is_refused_before_a_byte_is_sent() {
    for (text, copies, words) in [
        ("", 1, "empty"),
        (" \n\n", 1, "empty"),
        ("x", 0, "copies"),
        ("x", -1, "copies"),
        ("x", 1_000_000, "copies"),
    ] {
        let (desk, end) = printed(Kind::Epson, "", text, copies).await;
        assert!(
            matches!(&end, End::Nothing(told) if told.contains(words)),
            "{end:?}"
        );
        assert!(!desk.has_ink());
        let sent = desk.cable.take_sent();
        assert!(sent.is_empty() || sent == STATUS_BURST, "{sent:02x?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_repeat_says_so_on_every_copy_and_raw_data_is_never_repeated() {
    let mut desk = Desk::new(Kind::Epson);
    let mut again = job("Total 12,50\n", 2);
    again.repeat = true;
    let end = desk.finish(&again).await;
    desk.at_rest().await;
    assert!(matches!(end, End::Done(Grade::Done, _)), "{end:?}");
    let texts = text_of(&desk);
    assert_eq!(texts.len(), 2, "{texts:?}");
    for text in texts {
        assert!(
            text.starts_with("REPEAT\nThis may be a second copy."),
            "{text}"
        );
        assert!(text.ends_with("Total 12,50"), "{text}");
    }
    let mut again = raw(b"raw\n", 1);
    again.repeat = true;
    let (ended, committed) = desk.execute(&again).await;
    let fault = ended.expect_err("it cannot be marked");
    assert_eq!((fault.code(), committed), ("ESCPOS-RAW-REPEAT", false));
    assert_eq!(desk.lines_like("raw"), 0);
}

#[tokio::test(start_paused = true)]
async fn the_test_page_finds_out_what_the_printer_can_do_and_the_next_job_uses_it() {
    for (kind, grade) in [
        (Kind::Plain, Grade::Accepted),
        (Kind::Clone, Grade::Accepted),
        (Kind::Blind, Grade::Sent),
    ] {
        let mut desk = Desk::new(kind);
        let end = desk.finish(&test_page()).await;
        assert!(
            matches!(end, End::Done(proved, _) if proved == grade),
            "{kind:?}: {end:?}"
        );
        let end = desk.finish(&job("next\n", 1)).await;
        assert!(
            matches!(end, End::Done(proved, _) if proved == grade),
            "{kind:?}: {end:?}"
        );
    }
    // Nobody told the driver that this one has marks.
    let mut desk = Desk::with(Kind::Plain, "", |options| options.process_id = true);
    let end = desk.finish(&job("before\n", 1)).await;
    assert!(matches!(end, End::Done(Grade::Accepted, _)), "{end:?}");
    let end = desk.finish(&test_page()).await;
    assert!(matches!(end, End::Done(Grade::Done, _)), "{end:?}");
    desk.restart();
    let end = desk.finish(&job("after\n", 1)).await;
    assert!(
        matches!(end, End::Done(Grade::Done, _)),
        "kept on the shelf: {end:?}"
    );
}
