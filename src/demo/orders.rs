//! What is ordered, and how each order must end.

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::hotel::{BAR, DemoHotel, ENCODER, FISCAL, RECEPTION};
use super::paper;
use crate::sandbox::{CommandState, KeyRequest};

/// One order.
pub(super) struct Order {
    pub id: Uuid,
    /// What it is, for people.
    pub what: &'static str,
    /// For whom.
    pub title: &'static str,
    /// How it must end.
    pub must: CommandState,
    /// What the note must hold.
    pub note: &'static str,
    /// It is cancelled as soon as the worker has it.
    pub cancel: bool,
}

/// How much there must be at the end: device, kind of thing, how many.
pub(super) const EXIST: [(&str, &str, usize); 3] = [
    (BAR, "receipt", 0),
    (ENCODER, "card", 2),
    (FISCAL, "document", 1),
];

/// Sends everything.
pub(super) fn send(hotel: &DemoHotel, now: Timestamp) -> Vec<Order> {
    let cloud = &hotel.cloud;
    let mut orders = Vec::new();
    let mut order = |id, what, title, must, note| {
        orders.push(Order {
            id,
            what,
            title,
            must,
            note,
            cancel: false,
        });
    };
    if let Some(desk) = hotel.desk(RECEPTION) {
        let text = paper::receipt();
        let id = cloud.add_print(desk.id, "text/plain", text.as_bytes(), 1);
        let done = CommandState::Processed;
        order(id, "a receipt, plain text", RECEPTION, done, "");
        let id = cloud.add_print(desk.id, "application/pdf", &paper::bill(), 1);
        order(id, "a bill, PDF of two pages", RECEPTION, done, "");
        let old = now
            .checked_sub(SignedDuration::from_hours(10))
            .unwrap_or(now);
        let stale = cloud.print(desk.id, "text/plain", b"Too late\n", 1);
        let id = cloud.add(stale.created(old));
        let what = "a receipt ordered 10 hours ago";
        order(id, what, RECEPTION, CommandState::Error, "10 h old");
    }
    if let Some(desk) = hotel.desk(ENCODER) {
        let key = KeyRequest {
            count: 2,
            encoder: None,
            data_json: None,
            ..KeyRequest::new("204", now)
        };
        let id = cloud.add_key(desk.id, &key);
        let what = "two key cards for room 204";
        order(id, what, ENCODER, CommandState::Processed, "204");
    }
    if let Some(desk) = hotel.desk(FISCAL) {
        let id = cloud.add_fiscal(desk.id, paper::fiscal_bill(cloud.id(), now));
        let what = "a fiscal receipt with two VAT rates";
        let note = "FISCAL OK doc=";
        order(id, what, FISCAL, CommandState::Processed, note);
    }
    if let Some(desk) = hotel.desk(BAR) {
        let id = cloud.add_print(desk.id, "text/plain", b"Without paper\n", 1);
        let what = "a receipt, but the printer has no paper";
        order(id, what, BAR, CommandState::Error, "Nothing was printed");
        let id = cloud.add_print(desk.id, "text/plain", b"Not wanted\n", 1);
        let what = "a receipt that staff cancel while it waits";
        order(id, what, BAR, CommandState::Cancelled, "");
        if let Some(last) = orders.last_mut() {
            last.cancel = true;
        }
    }
    orders
}
