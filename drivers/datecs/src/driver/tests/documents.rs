//! What is issued, refused and read where nothing fails.

use std::sync::Arc;

use driver_sdk::{
    Correction, CorrectionKind, DeviceName, FaultKind, Hub, Settings, VirtualDevice as _,
};
use uuid::Uuid;

use super::super::*;
use super::desk::*;
use crate::Datecs;

#[tokio::test(start_paused = true)]
async fn a_sale_is_issued_with_its_number_read_back_in_every_dialect() {
    for dialect in ["x", "old-p", "old-c"] {
        let mut desk = Desk::with(dialect, "");
        let proof = done(desk.finish(&job()).await);
        assert!(proof.fixed_form, "{dialect}");
        assert_eq!(proof.say.args["doc"], "101", "{dialect}");
        assert_eq!(proof.say.args["total"], "153.20");
        assert_eq!(proof.say.args["serial"], "DT000001");
        let effects = desk.ours();
        assert_eq!(effects.len(), 1, "{dialect}");
        assert_eq!(effects[0].facts["total"], "153.20");
        assert_eq!(effects[0].facts["tax"], "12.47");
        assert!(
            effects[0].content.contains("2026-117"),
            "the bill's number is on paper"
        );
        let second = done(desk.finish(&job()).await);
        assert_eq!(
            second.say.args["doc"], "102",
            "{dialect}: another command is another document"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_negative_code_with_clean_status_bytes_is_no_success() {
    for command in [49, 53, 56] {
        let mut desk = Desk::new();
        desk.set("refuse", &format!("{command}:-111016"));
        let fault = desk.execute(&job()).await.expect_err("refused");
        assert_eq!(desk.count(), 0, "{command}");
        if fault.kind() == FaultKind::InDoubt {
            let ended = desk.verdict().await;
            let wanted = usize::from(matches!(ended, Verdict::Happened(_)));
            assert_eq!(desk.count(), wanted, "{command}");
        }
    }
}

/// A night of 151.00 with 10.00 off, in every dialect.
#[tokio::test(start_paused = true)]
async fn a_rebate_stands_on_its_line_in_every_dialect() {
    for dialect in DIALECTS {
        let mut desk = Desk::with(dialect, "");
        let mut job = job_with(1, 14_320, None, 117);
        let Work::Fiscal(work) = &mut job.work else {
            panic!("a fiscal job");
        };
        let lines = work.bill.revenue.as_mut().expect("lines");
        let mut rebate = lines[0].clone();
        rebate.id = Uuid::from_u128(9);
        rebate.kind = driver_sdk::ItemKind::Rebate;
        rebate.rebates = Some(lines[0].id);
        rebate.amount = Some(driver_fiscal::sample::amount(Some("BG-9"), -917, -83));
        lines.push(rebate);
        done(desk.finish(&job).await);
        let issued = &desk.ours()[0];
        assert_eq!(issued.facts["total"], "143.20", "{dialect}");
        assert!(issued.content.contains("-10.00"), "{}", issued.content);
    }
}

#[tokio::test(start_paused = true)]
async fn an_older_printer_that_does_not_tell_its_last_document_is_judged_by_what_it_tells() {
    for dialect in ["old-p", "old-c"] {
        // The running number of a UNP is seen at the opening: alone it proves no document.
        let mut desk = Desk::with(dialect, "");
        desk.set("last", "untold");
        assert!(matches!(desk.finish(&job()).await, Ended::Doubt(_)));
        // Where nobody else prints, one step on with our total is ours.
        let mut desk = Desk::with(dialect, "only_till = true");
        desk.set("last", "untold");
        done(desk.finish(&job()).await);
        desk.set("silent", "after-close");
        desk.execute(&job()).await.expect_err("silent");
        desk.set("silent", "off");
        desk.restart();
        assert!(matches!(desk.verdict().await, Verdict::Happened(_)));
        // Opened, refused and cancelled: its number was seen, and no document is behind it.
        desk.set("refuse", "49:-1");
        let fault = desk.execute(&job()).await.expect_err("refused");
        assert_eq!(fault.kind(), FaultKind::Permanent, "{fault}");
        desk.set("silent", "before-close");
        desk.execute(&job()).await.expect_err("silent");
        desk.set("silent", "off");
        desk.set("power", "cut");
        assert_eq!(desk.verdict().await, Verdict::DidNotHappen, "{dialect}");
        done(desk.finish(&job()).await);
        assert_eq!(desk.count(), 3, "{dialect}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_storno_is_not_made_with_a_time_that_is_only_guessed() {
    let correction = Correction {
        kind: Some(CorrectionKind::CreditNote),
        corrected: Some(Uuid::from_u128(117)),
    };
    let note = job_with(-1, -15_320, Some(correction), 118);
    for dialect in ["old-p", "old-c"] {
        // Read back at once, the clock is the document's time.
        let mut desk = Desk::with(dialect, "");
        done(desk.finish(&job()).await);
        done(desk.finish(&note).await);
        assert_eq!(desk.ours()[1].facts["kind"], "refund", "{dialect}");
        // Found later, nobody knows it.
        let mut desk = Desk::with(dialect, "");
        desk.set("silent", "after-close");
        desk.execute(&job()).await.expect_err("silent");
        desk.set("silent", "off");
        tokio::time::sleep(std::time::Duration::from_secs(600)).await;
        assert!(matches!(desk.verdict().await, Verdict::Happened(_)));
        let fault = desk.execute(&note).await.expect_err("no time");
        assert_eq!(fault.to_string(), "FISCAL-ORIGINAL-MISSING missing=time");
    }
}

#[tokio::test(start_paused = true)]
async fn a_credit_note_finds_its_original_in_our_own_memory() {
    let mut desk = Desk::new();
    let correction = Correction {
        kind: Some(CorrectionKind::CreditNote),
        corrected: Some(Uuid::from_u128(117)),
    };
    let note = job_with(-1, -15_320, Some(correction), 118);
    assert_eq!(
        desk.execute(&note).await.expect_err("unknown").code(),
        "FISCAL-ORIGINAL-MISSING"
    );
    done(desk.finish(&job()).await);
    let proof = done(desk.finish(&note).await);
    assert_eq!(proof.say.args["doc"], "102");
    assert_eq!(desk.ours()[1].facts["kind"], "refund");
}

#[tokio::test(start_paused = true)]
async fn a_rate_that_is_not_the_printers_blocks_the_sale() {
    let mut desk = Desk::new();
    desk.settings = desk.settings.replace("percent = \"9\"", "percent = \"20\"");
    desk.restart();
    let fault = desk.execute(&job()).await.expect_err("9 is not 20");
    assert_eq!(fault.code(), "FISCAL-VAT-RATE");
    assert_eq!(desk.count(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_test_reads_everything_and_changes_nothing() {
    let mut desk = Desk::new();
    let proof = desk
        .execute(&job_of(Work::Local(LocalWork::Test)))
        .await
        .expect("readable");
    let result = &proof.say.args["result"];
    for part in ["DT000001", "BG123456789", "B 9", "last Z 7"] {
        assert!(result.contains(part), "{part} in {result}");
    }
    assert!(desk.printer.effects().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_day_end_is_proved_by_its_number_and_never_printed_twice() {
    let mut desk = Desk::new();
    let z = job_of(Work::Local(LocalWork::Z));
    let proof = desk.execute(&z).await.expect("a Z");
    assert_eq!(proof.say.args["z"], "8");
}

#[tokio::test(start_paused = true)]
async fn settings_that_cannot_be_right_are_refused_by_key() {
    let cable = Desk::new().cable;
    for (text, key) in [
        ("operator = 31", "operator"),
        ("workplace = \"1\"", "workplace"),
        ("automatic_z_after_h = 24", "automatic_z_after_h"),
        ("[payments]\nCash = \"P\"", "`P`"),
        ("[vat]\nA = { group = 9 }", "VAT group 9"),
        ("paymnts = {}", "payments"),
    ] {
        let mut hub = Hub::new(Arc::new(cable.clone()));
        let settings = Settings::from_toml(text);
        let opened = hub.open(
            &Datecs,
            &DeviceName::new("f"),
            Some("tcp:192.168.7.31:3999"),
            &settings,
        );
        let error = opened.expect_err(text);
        assert!(error.message.contains(key), "{}", error.message);
    }
}
