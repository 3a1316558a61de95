//! What a device says when nobody has asked: health, news, chores.

use tokio::sync::mpsc;

use crate::fault::Fault;

/// How a device is.
#[derive(Debug, Clone)]
pub enum Health {
    /// Ready for work.
    Well,
    /// Ready, with something to tell: paper nearly out.
    Warned(Fault),
    /// Not ready: shown at once, and commands wait.
    Unwell(Fault),
}

/// One thing a device said unasked.
#[derive(Debug, Clone)]
pub enum WatchEvent {
    /// Its health.
    Health(Health),
    /// Late evidence may have come: a doubt is worth asking about again.
    News,
    /// Local work the driver would like to have done, such as `z`.
    Wish(&'static str),
}

/// A device's (or a session's) way to speak unasked. Never blocks.
#[derive(Debug, Clone)]
pub struct Watch {
    ears: Vec<mpsc::UnboundedSender<WatchEvent>>,
}

/// The worker's end of a [`Watch`].
pub type WatchEvents = mpsc::UnboundedReceiver<WatchEvent>;

impl Watch {
    /// A watch and the end that hears it.
    #[must_use]
    pub fn pair() -> (Self, WatchEvents) {
        let (ear, events) = mpsc::unbounded_channel();
        (Self { ears: vec![ear] }, events)
    }

    /// A watch that every one of these hears: a session's, for all its devices.
    #[must_use]
    pub fn all_of(watches: &[Self]) -> Self {
        Self {
            ears: watches
                .iter()
                .flat_map(|watch| watch.ears.iter().cloned())
                .collect(),
        }
    }

    /// Tells how the device is.
    pub fn health(&self, health: Health) {
        self.say(WatchEvent::Health(health));
    }

    /// Tells that late evidence may have come. It never settles a row itself: the lane asks
    /// `reconcile` again, so evidence has one path.
    pub fn news(&self) {
        self.say(WatchEvent::News);
    }

    /// Asks for local work, such as `z`.
    pub fn wish(&self, chore: &'static str) {
        self.say(WatchEvent::Wish(chore));
    }

    fn say(&self, event: WatchEvent) {
        for ear in &self.ears {
            // An ear that is gone belongs to a device that is being opened anew.
            let _ = ear.send(event.clone());
        }
    }
}
