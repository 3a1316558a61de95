//! The event socket: events come late, twice or never; it is cut, deaf, refused.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use nightporter::mews::socket::{Closed, Dial, DialError, Heard, Socket};
use tokio::time::sleep;

use super::scenario::Trouble;
use super::world::World;

pub struct SimulatedDial {
    pub world: Arc<World>,
    pub property: usize,
}

struct SimulatedSocket {
    world: Arc<World>,
    property: usize,
    number: u64,
}

impl Dial for SimulatedDial {
    fn dial(&self) -> BoxFuture<'_, Result<Box<dyn Socket>, DialError>> {
        async {
            self.world.pass("dialling the socket").await;
            let (refused, wait) = {
                let mut state = self.world.state();
                let refused = state
                    .strikes_the_way(&[Trouble::SocketRefused], self.property)
                    .is_some();
                (refused, state.millis(20..300))
            };
            sleep(wait).await;
            if refused {
                return Err(DialError::Failed("refused".to_owned()));
            }
            let number = self.world.state().cloud.pick_up(self.property);
            Ok(Box::new(SimulatedSocket {
                world: self.world.clone(),
                property: self.property,
                number,
            }) as Box<dyn Socket>)
        }
        .boxed()
    }
}

impl Socket for SimulatedSocket {
    fn hear(&mut self) -> BoxFuture<'_, Heard> {
        async {
            loop {
                self.world.pass("hearing the socket").await;
                let wait = {
                    let mut state = self.world.state();
                    let cuts = [Trouble::SocketCut, Trouble::SocketGarbage];
                    match state.cloud.next_frame(self.number) {
                        Some(due) if due <= state.now() => {
                            if state
                                .strikes_the_way(&[Trouble::BlackHole], self.property)
                                .is_some()
                            {
                                state.cloud.goes_deaf(self.number);
                                continue;
                            }
                            let trouble = state.strikes_the_way(&cuts, self.property);
                            let heard = state.cloud.take_frame(self.number);
                            match (trouble, heard) {
                                (Some(Trouble::SocketCut), _) => {
                                    state.say(|| "the socket is cut".to_owned());
                                    return Heard::Closed(Closed("cut".to_owned()));
                                }
                                (Some(_), _) => {
                                    return Heard::Text("{\"Events\":[{\"Ty".to_owned());
                                }
                                (None, Some(text)) => {
                                    state.hears_events(&text);
                                    return text.map_or(Heard::Life, Heard::Text);
                                }
                                (None, None) => continue,
                            }
                        }
                        Some(due) => due - state.now(),
                        None => Duration::from_secs(3600),
                    }
                };
                tokio::select! {
                    biased;
                    () = self.world.socket_bell(self.property).notified() => {}
                    () = sleep(wait) => {}
                }
            }
        }
        .boxed()
    }

    fn ping(&mut self) -> BoxFuture<'_, Result<(), Closed>> {
        async {
            self.world.pass("pinging").await;
            let mut state = self.world.state();
            if state
                .strikes_the_way(&[Trouble::BlackHole], self.property)
                .is_some()
            {
                state.cloud.goes_deaf(self.number);
            } else {
                let due = state.now() + Duration::from_millis(30);
                state.cloud.pong(self.number, due);
                self.world.socket_bell(self.property).notify_one();
            }
            Ok(())
        }
        .boxed()
    }

    fn close(&mut self) -> BoxFuture<'_, ()> {
        async {}.boxed()
    }
}

impl Drop for SimulatedSocket {
    fn drop(&mut self) {
        self.world.state().cloud.close(self.number);
    }
}
