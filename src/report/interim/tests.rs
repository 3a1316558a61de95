use super::*;

fn interim() -> (Interim, CommandId) {
    (Interim::new(Arc::new(Notify::new())), CommandId::local())
}

/// What would be told now.
fn due(interim: &Interim) -> Option<(Said, Option<u8>)> {
    let (due, _) = interim.due(driver_sdk::clock::now());
    due.map(|(_, said, percent)| (said, percent))
}

async fn pass(ms: u64) {
    tokio::time::advance(Duration::from_millis(ms)).await;
}

#[tokio::test(start_paused = true)]
async fn received_is_worth_telling_after_300_ms_and_once() {
    let (interim, id) = interim();
    interim.waits(id, Said::Nothing);
    pass(299).await;
    assert_eq!(due(&interim), None);
    pass(1).await;
    assert_eq!(due(&interim), Some((Said::Received, None)));
    interim.told(id, Said::Received, None, driver_sdk::clock::now());
    pass(60_000).await;
    assert_eq!(due(&interim), None);
}

#[tokio::test(start_paused = true)]
async fn processing_is_worth_telling_after_300_ms_of_work_and_not_of_waiting() {
    let (interim, id) = interim();
    interim.waits(id, Said::Received);
    pass(5_000).await;
    interim.works(id, Said::Received);
    pass(299).await;
    assert_eq!(due(&interim), None);
    pass(1).await;
    assert_eq!(due(&interim), Some((Said::Processing, None)));
    // Its device is not well: nothing works on it any more.
    interim.rests(id);
    assert_eq!(due(&interim), None);
}

#[tokio::test(start_paused = true)]
async fn progress_is_told_every_2_s_at_most_and_the_latest_wins() {
    let (interim, id) = interim();
    interim.works(id, Said::Nothing);
    pass(300).await;
    interim.told(id, Said::Processing, None, driver_sdk::clock::now());
    interim.progress(id, 10);
    interim.progress(id, 40);
    pass(1_999).await;
    assert_eq!(due(&interim), None);
    pass(1).await;
    assert_eq!(due(&interim), Some((Said::Processing, Some(40))));
    interim.told(id, Said::Processing, Some(40), driver_sdk::clock::now());
    interim.progress(id, 40);
    pass(60_000).await;
    assert_eq!(due(&interim), None, "no news is told");
}

#[tokio::test(start_paused = true)]
async fn of_what_is_over_only_the_final_state_is_told() {
    let (interim, id) = interim();
    interim.works(id, Said::Nothing);
    pass(299).await;
    interim.ended(id);
    pass(60_000).await;
    assert_eq!(due(&interim), None);
}
