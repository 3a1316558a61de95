//! A shipped driver with its own virtual device in virtual time: PMS Industry Standard.
//!
//! The device is the driver's; what ails it and when is the seed's. A card is found by the room it
//! opens, since every order has a room of its own.

use std::io;
use std::sync::Arc;
use std::task::Poll;

use driver_sdk::VirtualDevice;
use tokio::io::DuplexStream;

use super::cloud::{order_id, room};
use super::scenario::Trouble;
use super::world::{State, World};

/// Of `[device.NAME.settings]`, but for the encoder.
pub const SETTINGS: &str = "profile = \"salto\"\nanswer_timeout_ms = 3000\n\
                            keys_per_hour = 1000";

const TROUBLES: [Trouble; 7] = [
    Trouble::Deaf,
    Trouble::Paper,
    Trouble::ActsSilently,
    Trouble::ActsLate,
    Trouble::ActsAndCuts,
    Trouble::CutsBefore,
    Trouble::Refuses,
];

/// A lock PC with people who are quick with their cards.
pub fn lock_pc() -> Arc<dyn VirtualDevice> {
    let switches = [("card_ms", "150"), ("late_ms", "9000"), ("copies", "any")];
    let switches = switches.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let kinds = driver_bundle::KINDS.iter();
    let kind = kinds
        .copied()
        .find(|kind| kind.name() == "pms-industry-standard")
        .expect("it is shipped");
    let simulator = kind.simulator().expect("it has one");
    simulator
        .build(std::path::PathBuf::new(), &switches)
        .expect("known switches")
}

/// One conversation, until somebody hangs up or the device cuts it.
pub async fn serve(world: Arc<World>, port: DuplexStream, machine: usize) -> io::Result<()> {
    let Some(device) = world.state().machines[machine].real.clone() else {
        return Ok(());
    };
    let mut talk = device.clone().serve(Box::new(port));
    let mut fault = "";
    std::future::poll_fn(move |context| {
        {
            let mut state = world.state();
            let now = fault_of(state.strikes(&TROUBLES, Some(machine)));
            if now != fault {
                device.switch("fault", now).expect("a known fault");
                fault = now;
            }
        }
        let talked = talk.as_mut().poll(context);
        // At once: the worker has not yet heard of it.
        let mut state = world.state();
        state.sees_new_cards(machine, &*device);
        match talked {
            Poll::Ready(ended) => Poll::Ready(ended),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

fn fault_of(trouble: Option<Trouble>) -> &'static str {
    match trouble {
        Some(Trouble::Deaf) => "silent",
        Some(Trouble::Paper) => "no-card",
        Some(Trouble::ActsSilently) => "answer-lost",
        Some(Trouble::ActsLate) => "late",
        Some(Trouble::ActsAndCuts) => "cut-after",
        Some(Trouble::CutsBefore) => "cut-before",
        Some(Trouble::Refuses) => "nak",
        _ => "none",
    }
}

impl State {
    fn sees_new_cards(&mut self, first: usize, device: &dyn VirtualDevice) {
        let known = self.cards_seen[first];
        let cards = device.effects();
        for card in cards.iter().skip(known) {
            let orders = 0..self.plan.orders.len();
            let number = orders
                .into_iter()
                .find(|number| room(*number) == card.content)
                .expect("a card of no order");
            let machine = self.plan.orders[number].machine;
            self.has_made(order_id(self.plan.seed, number), machine);
        }
        self.cards_seen[first] = cards.len();
    }
}
