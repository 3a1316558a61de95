//! Every promise has a twin: the same toy with one guard removed, which the suite must find.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::lamps::{LampKind, Lamps};
use super::stamper::{Lacks, Stamper, StamperKind};
use crate::conformance::{Promise, Report, Suite};
use crate::*;

fn job(work: LocalWork) -> Job {
    Job {
        id: CommandId::local(),
        device: DeviceName::new("toy"),
        created: Timestamp::UNIX_EPOCH,
        now: Timestamp::UNIX_EPOCH,
        zone: TimeZone::UTC,
        repeat: false,
        attempt: 0,
        work: Work::Local(work),
    }
}

async fn stamping(kind: &'static StamperKind) -> Report {
    Suite::new(kind, Stamper::world, job(LocalWork::Test))
        .settings("copies = 2")
        .asks(2)
        .bad("no fiscal day", job(LocalWork::Z))
        .scenario("no ink", |stamper| stamper.switch("ink", "0"))
        .scenario("ink for one", |stamper| stamper.switch("ink", "1"))
        .run()
        .await
}

async fn lamps(kind: &'static LampKind) -> Report {
    Suite::new(kind, Lamps::world, job(LocalWork::Test))
        .counting(|effect| effect.content == "A")
        .bad("no fiscal day", job(LocalWork::Z))
        .beside("lamp = \"B\"", job(LocalWork::Test))
        .counting(|effect| effect.content == "B")
        .run()
        .await
}

#[tokio::test(start_paused = true)]
async fn a_whole_stream_driver_keeps_every_promise() {
    let report = stamping(&StamperKind(Lacks::Nothing)).await;
    report.assert();
    assert!(report.runs > 100, "only {} runs", report.runs);
}

#[tokio::test(start_paused = true)]
async fn two_devices_on_one_conversation_keep_every_promise() {
    let report = lamps(&LampKind { by_id: true }).await;
    report.assert();
    assert!(report.runs > 100, "only {} runs", report.runs);
}

#[tokio::test(start_paused = true)]
async fn a_conversation_without_ids_takes_a_late_answer_for_the_next() {
    let report = lamps(&LampKind { by_id: false }).await;
    assert!(report.broke(Promise::LateIsNotNext), "{report:?}");
}

/// One test per twin: its name, what the driver lacks, and the promise that it breaks.
macro_rules! twins {
    ($($name:ident: $lacks:ident breaks $promise:ident;)+) => {$(
        #[tokio::test(start_paused = true)]
        async fn $name() {
            let report = stamping(&StamperKind(Lacks::$lacks)).await;
            assert!(report.broke(Promise::$promise), "{report:?}");
        }
    )+};
}

twins! {
    a_stamp_too_many_is_found: Count breaks Works;
    an_impure_prepare_is_found: Purity breaks PrepareIsPure;
    a_driver_that_takes_any_job_is_found: Rejection breaks PrepareRejects;
    an_effect_before_the_commit_is_found: Commit breaks CommitFirst;
    a_crash_taken_for_nothing_is_found: Memory breaks CrashIsTold;
    a_silence_taken_for_nothing_is_found: DoubtInSilence breaks SilenceIsTold;
    a_cut_taken_for_nothing_is_found: DoubtInCut breaks CutIsTold;
    a_wait_without_end_is_found: Patience breaks EndsInTime;
    a_driver_that_never_recovers_is_found: Recovery breaks NextIsUnaffected;
    a_late_answer_taken_for_the_next_is_found: Resync breaks LateIsNotNext;
    a_lie_after_a_cancel_is_found: TruthOnCancel breaks CancelIsTold;
    a_lie_after_a_stop_is_found: TruthOnStop breaks StopIsTold;
    a_lie_about_a_part_is_found: TruthOnPart breaks PartIsTold;
    an_idle_that_may_not_be_dropped_is_found: CleanIdle breaks IdleMayBeDropped;
    endless_hearing_is_found: Bound breaks InputIsBounded;
    a_code_without_a_page_is_found: Page breaks Documented;
    a_code_without_its_argument_is_found: Argument breaks Documented;
    a_setting_that_nobody_knows_is_found: Settings breaks Documented;
    a_panic_is_found: Calm breaks NeverPanics;
}
