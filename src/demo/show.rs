//! Sends the orders and tells the story of each as it happens.

use std::time::Duration;

use driver_sdk::CommandId;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{sleep_until, timeout};

use super::hotel::{DemoHotel, OPERATOR_WAIT_S};
use super::orders::{EXIST, Order, send};
use crate::board::{DeviceState, News};
use crate::clock::Clock;
use crate::sandbox::Hotel;

/// How the demo ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Everything as told beforehand.
    AsTold,
    /// Something ended otherwise.
    Otherwise,
}

/// The longest it may take, on a slow PC.
const LONGEST: Duration = Duration::from_secs(50);

/// Plays all of it; `line` prints.
pub async fn show(hotel: &DemoHotel, line: &(dyn Fn(String) + Sync)) -> Verdict {
    let up = |cloud: &Hotel| cloud.sockets() > 0;
    if timeout(LONGEST, hotel.cloud.wait_until(up)).await.is_err() {
        line("The worker did not connect to the sandbox.".to_owned());
        return Verdict::Otherwise;
    }
    line("The worker is connected. Orders from the front desk:".to_owned());
    let mut news = hotel.worker.board().follow();
    let orders = send(hotel, Clock::system().pc_time());
    for (number, order) in orders.iter().enumerate() {
        let number = number + 1;
        line(format!("  {number}. {} for {}", order.what, order.title));
    }
    line(format!(
        "What happens (here a printer waits {OPERATOR_WAIT_S} s for paper; a hotel's waits 60 s):"
    ));
    let mut ends: FuturesUnordered<_> = orders
        .iter()
        .enumerate()
        .map(|(index, order)| async move { (index, hotel.cloud.wait_final(order.id).await) })
        .collect();
    let latest = driver_sdk::clock::now() + LONGEST;
    let (mut ended, mut wrong) = (0, 0);
    while ended < orders.len() {
        tokio::select! {
            biased;
            heard = news.recv() => match heard {
                Ok(heard) => hear(hotel, &orders, &heard, line),
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => break,
            },
            Some((index, state)) = ends.next() => {
                ended += 1;
                let order = &orders[index];
                let note = hotel.cloud.notes(order.id).unwrap_or_default();
                let as_told = state == order.must && note.contains(order.note);
                wrong += usize::from(!as_told);
                let seen = if note.is_empty() { "no note".to_owned() } else { note };
                let mark = if as_told { "" } else { "   <- NOT AS TOLD" };
                line(format!("  {}. {} in Mews: {seen}{mark}", index + 1, state.name()));
            }
            () = sleep_until(latest) => {
                line(format!("Not everything ended within {LONGEST:?}."));
                return Verdict::Otherwise;
            }
        }
    }
    wrong += count(hotel, line);
    summary(orders.len(), wrong, line)
}

/// A step of somebody's story.
fn hear(hotel: &DemoHotel, orders: &[Order], news: &News, line: &(dyn Fn(String) + Sync)) {
    match news {
        News::Command { id, what, .. } => {
            let order = orders.iter().position(|order| CommandId(order.id) == *id);
            let Some(index) = order else { return };
            let order = &orders[index];
            // What a device waits for is told by its state, and the end as Mews shows it.
            let elsewhere = ["waits: ", "told Mews"];
            if !elsewhere.iter().any(|start| what.starts_with(start)) {
                line(format!("  {}. {}: {what}", index + 1, order.title));
            }
            if what == "accepted" && order.cancel {
                line(format!("  {}. staff cancel it in Mews", index + 1));
                hotel.cloud.cancel(order.id);
            }
        }
        News::Device { device, state } => {
            let DeviceState::Waiting { say } = state else {
                return;
            };
            let title = hotel.worker.board().device(device);
            let title = title.map_or_else(|| device.to_string(), |device| device.title);
            let sentence = hotel.worker.catalogue().sentence(say);
            line(format!("     {title} waits: {sentence}"));
        }
    }
}

/// What exists now, by the devices' own word.
fn count(hotel: &DemoHotel, line: &(dyn Fn(String) + Sync)) -> usize {
    let mut wrong = 0;
    line("What the devices made:".to_owned());
    for desk in &hotel.desks {
        let mut made = std::collections::BTreeMap::<String, usize>::new();
        for effect in desk.device.effects() {
            *made.entry(effect.kind).or_default() += 1;
        }
        let list: Vec<String> = made
            .iter()
            .map(|(kind, count)| format!("{count} x {kind}"))
            .collect();
        let list = if list.is_empty() {
            "nothing".to_owned()
        } else {
            list.join(", ")
        };
        let must = EXIST.iter().find(|(title, ..)| *title == desk.title);
        let otherwise =
            must.is_some_and(|(_, kind, count)| made.get(*kind).copied().unwrap_or(0) != *count);
        wrong += usize::from(otherwise);
        let mark = if otherwise { "   <- NOT AS TOLD" } else { "" };
        line(format!("  {}: {list}{mark}", desk.title));
    }
    wrong
}

fn summary(orders: usize, wrong: usize, line: &(dyn Fn(String) + Sync)) -> Verdict {
    if wrong == 0 {
        line(format!(
            "All {orders} orders ended as they must: done once, or not done and said why."
        ));
        Verdict::AsTold
    } else {
        line(format!("{wrong} things ended otherwise than they must."));
        Verdict::Otherwise
    }
}
