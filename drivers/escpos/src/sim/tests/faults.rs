//! Every switch, and what stays true whatever the host hears.

use std::time::Duration;

use super::{BURST, Bench, CUT, ID, ID_ANSWER, PURGE, ROW};

#[test]
fn the_process_id_waits_for_the_paper_and_buffered_status_does_not() {
    let mut bench = Bench::with(|options| (options.speed, options.dpi) = (10, 254));
    // 10 mm/s at 10 rows a mm: a row takes 10 ms.
    bench.feed(&ROW.repeat(100)).feed(ID).feed("1D 72 01");
    assert_eq!(
        bench.said(),
        "00",
        "taken out of the buffer, not yet on paper"
    );
    assert_eq!(bench.pass(Duration::from_millis(990)).said(), "");
    assert_eq!(bench.pass(Duration::from_millis(10)).said(), ID_ANSWER);
    assert_eq!(bench.dots().len(), 100);
}

#[test]
fn paper_out_stops_the_print_and_new_paper_brings_the_rest() {
    let mut bench = Bench::new();
    bench
        .switch("paper", "out-after-rows:3")
        .feed(&ROW.repeat(5))
        .feed(CUT)
        .feed(ID);
    assert_eq!(bench.dots().len(), 3);
    assert_eq!(bench.said(), "", "no confirmation");
    assert!(bench.receipts().is_empty());
    assert_eq!(
        bench.ask("1D 72 01"),
        "",
        "buffered status is silent while offline"
    );
    bench.switch("paper", "loaded");
    let receipts = bench.receipts();
    let parts: Vec<_> = receipts.iter().map(|r| (r.rows, r.ending.name())).collect();
    assert_eq!(parts, [(3, "torn-off"), (2, "partial-cut")]);
    assert_eq!(bench.said(), format!("00 {ID_ANSWER}"));
}

#[test]
fn a_purge_while_out_of_paper_prevents_the_rest() {
    let mut bench = Bench::new();
    bench
        .switch("paper", "out-after-rows:3")
        .feed(&ROW.repeat(5))
        .feed(CUT)
        .feed(ID);
    assert_eq!(bench.ask(PURGE), "37 25 00");
    bench.switch("paper", "loaded");
    assert_eq!(bench.receipts().len(), 1, "only what was torn off");
    assert_eq!(bench.said(), "", "the pending id vanished");
    assert_eq!(bench.ask(BURST), "12 12 12 12");
}

#[test]
fn a_purge_can_be_ignored() {
    for purge in ["ignored", "not-without-paper"] {
        let mut bench = Bench::new();
        bench
            .switch("purge", purge)
            .switch("paper", "out")
            .feed(&format!("{ROW} {CUT}"));
        assert_eq!(bench.ask(PURGE), "");
        bench.switch("paper", "loaded");
        assert_eq!(bench.receipts().len(), 1, "the job comes out after all");
    }
    assert_eq!(
        Bench::new().switch("purge", "not-without-paper").ask(PURGE),
        "37 25 00"
    );
}

#[test]
fn an_open_cover_stops_and_a_closed_one_goes_on() {
    let mut bench = Bench::new();
    bench.switch("cover", "open").feed(ROW);
    assert!(bench.dots().is_empty());
    bench.switch("cover", "closed");
    assert_eq!(bench.dots().len(), 1);
}

#[test]
fn a_jam_needs_a_hand_and_a_command() {
    let mut bench = Bench::new();
    bench
        .switch("cutter", "jam")
        .feed(&format!("{ROW} {CUT} {ID}"));
    assert_eq!(bench.ask("10 05 01 10 04 01"), "1A", "still jammed");
    bench.switch("cutter", "clear");
    assert_eq!(
        bench.ask("10 04 01"),
        "1A",
        "cleared, but not told to go on"
    );
    assert_eq!(bench.ask("10 05 01 10 04 01"), format!("{ID_ANSWER} 12"));
    assert_eq!(bench.receipts().len(), 1);
}

#[test]
fn recovery_with_clearing_forgets_the_job() {
    let mut bench = Bench::new();
    bench
        .switch("cutter", "jam")
        .feed(&format!("{ROW} {CUT} {ID}"))
        .switch("cutter", "clear");
    assert_eq!(bench.ask("10 05 02 10 04 01"), "12");
    assert!(bench.receipts().is_empty());
    assert_eq!(
        Bench::new().switch("paper", "out").ask("10 05 02 10 04 02"),
        "32"
    );
}

#[test]
fn a_deaf_printer_prints_and_recovers_by_itself() {
    let mut bench = Bench::new();
    bench.switch("deaf", "5000");
    assert_eq!(bench.ask(&format!("{ROW} {CUT} {ID} 10 04 01")), "");
    assert_eq!(bench.receipts().len(), 1);
    assert_eq!(bench.pass(Duration::from_secs(5)).ask("10 04 01"), "12");
}

#[test]
fn silence_before_and_after_the_print_sound_alike() {
    for (mute, printed) in [("before-print", 0), ("after-print", 1)] {
        let mut bench = Bench::new();
        assert_eq!(bench.switch("mute", mute).ask("10 04 01"), "12");
        assert_eq!(bench.ask(&format!("1B 40 {ROW} {CUT} {ID}")), "", "{mute}");
        assert_eq!(bench.ask("10 04 01"), "", "{mute}");
        assert_eq!(bench.receipts().len(), printed, "{mute}");
        assert_eq!(
            bench.switch("power", "cycle").ask("10 04 01"),
            "12",
            "{mute}"
        );
    }
}

#[test]
fn a_power_cycle_loses_buffers_and_modes_but_no_paper() {
    let mut bench = Bench::with(|options| options.speed = 10);
    bench.ask("1D 61 0E");
    bench
        .feed(&ROW.repeat(10))
        .feed(ID)
        .pass(Duration::from_millis(30));
    let printed = bench.dots().len();
    assert!((1..10).contains(&printed), "in the middle: {printed}");
    bench.switch("power", "cycle").pass(Duration::from_secs(5));
    assert_eq!(bench.dots().len(), printed);
    assert_eq!(
        bench.switch("cover", "open").said(),
        "",
        "automatic status is off again"
    );
}

#[test]
fn a_printer_without_power_takes_nothing() {
    let mut bench = Bench::new();
    bench.switch("power", "off");
    assert_eq!(bench.ask(&format!("{ROW} {ID} 10 04 01")), "");
    assert_eq!(bench.switch("power", "on").ask("10 04 01"), "12");
    assert!(bench.dots().is_empty());
}

#[test]
fn process_ids_get_lost_as_often_as_told() {
    let mut bench = Bench::new();
    bench.switch("lose-id", "1");
    assert_eq!(bench.ask(&format!("{ID} {ID}")), ID_ANSWER);
    assert_eq!(
        bench
            .switch("lose-id", "all")
            .ask(&format!("{ID} {ID} 10 04 01")),
        "12"
    );
}

#[test]
fn garbage_comes_before_every_answer() {
    let mut bench = Bench::new();
    assert_eq!(
        bench.switch("garbage", "on").ask("10 04 01"),
        "FF 00 A5 11 C0 80 12"
    );
    assert_eq!(
        bench
            .switch("garbage", "off")
            .switch("garbage", "once")
            .said(),
        "FF 00 A5 11 C0 80"
    );
}

#[test]
fn a_slow_printer_takes_its_time() {
    let mut bench = Bench::with(|options| options.dpi = 254);
    bench.switch("slow", "1").feed(&ROW.repeat(10)).feed(ID);
    assert_eq!(bench.pass(Duration::from_millis(999)).said(), "");
    assert_eq!(bench.pass(Duration::from_millis(1)).said(), ID_ANSWER);
}

#[test]
fn real_time_commands_act_inside_a_picture_and_stay_dots() {
    let mut bench = Bench::new();
    assert_eq!(bench.ask("1D 76 30 00 03 00 02 00 10 04 01 10 14"), "12");
    bench.feed("08");
    let rows: Vec<_> = bench.dots().iter().map(|row| row[..6].to_owned()).collect();
    assert_eq!(rows, ["100401", "101408"]);
    let mut bench = Bench::new();
    bench.feed(&format!("{ROW} 1D 76 30 00 0B 00 01 00 {PURGE}"));
    assert_eq!(bench.said(), "37 25 00");
    assert_eq!(
        bench.dots().len(),
        1,
        "the row it was in the middle of is gone"
    );
}

#[test]
fn a_clone_without_a_block_parser_prints_the_parameters() {
    let mut bench = Bench::with(|options| options.blocks = false);
    assert_eq!(bench.ask(&format!("{ID} 0A")), "");
    assert_eq!(bench.text(), "H000001");
    let mut bench = Bench::with(|options| options.process_id = false);
    assert_eq!(bench.ask(&format!("{ID} 0A")), "");
    assert_eq!(bench.text(), "");
}

#[test]
fn a_blind_printer_prints_and_says_nothing() {
    let mut bench = Bench::with(|options| options.answers = false);
    assert_eq!(bench.ask(&format!("{BURST} 1D 61 0E {ROW} {CUT} {ID}")), "");
    assert_eq!(bench.receipts().len(), 1);
}

#[test]
fn a_full_buffer_takes_no_more() {
    let mut bench = Bench::with(|options| options.buffer = 16);
    bench.switch("cover", "open").feed(&ROW[..29]).feed("00 00");
    assert_eq!(bench.machine.room(), 4);
    bench.feed("00 00 00 00");
    assert_eq!(bench.machine.room(), 0);
    bench.switch("cover", "closed");
    assert_eq!(bench.machine.room(), 16);
    let mut bench = Bench::with(|options| options.busy_offline = true);
    assert_eq!(bench.switch("offline", "on").machine.room(), 0);
}

#[test]
fn software_flow_control_says_when_to_stop() {
    let mut bench = Bench::with(|options| (options.buffer, options.xon_xoff) = (300, true));
    bench.switch("offline", "on").feed(&"00".repeat(50));
    bench.machine.flow();
    assert_eq!(bench.said(), "13");
    bench.switch("offline", "off");
    bench.machine.flow();
    assert_eq!(bench.said(), "11");
}

#[test]
fn a_chinese_default_eats_pairs_until_told_otherwise() {
    let mut bench = Bench::with(|options| options.multi_byte = true);
    bench.feed("1B 40 81 E1 0A 1B 40 1C 2E 81 E1 0A");
    assert_eq!(bench.text(), "■■\nüß");
}

#[test]
fn unknown_switches_and_values_name_the_known_ones() {
    let mut bench = Bench::new();
    let now = bench.now;
    let error = bench
        .machine
        .switch("papre", "out", now)
        .expect_err("a typo");
    assert!(error.contains("paper"), "{error}");
    let error = bench
        .machine
        .switch("cover", "ajar", now)
        .expect_err("no such value");
    assert!(error.contains("open | closed"), "{error}");
}

#[test]
fn a_wedged_parser_is_freed_by_zero_bytes() {
    let mut bench = Bench::new();
    bench
        .feed("1D 76 30 00 48 00 71 00")
        .feed(&"00".repeat(8_192))
        .feed("41 0A");
    assert_eq!(bench.text(), "A");
}
