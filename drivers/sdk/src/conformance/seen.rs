//! Everything a driver said, to be held against its pages.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use crate::fault::{Catalogue, Fault, Say, Verdict};
use crate::watch::{Health, WatchEvent};

/// Codes with the names of their arguments, as they were said.
#[derive(Default)]
pub(super) struct Seen(Mutex<BTreeMap<String, BTreeSet<Vec<String>>>>);

impl Seen {
    pub fn say(&self, say: &Say) {
        self.said(&say.code, Some(say.args.keys().cloned().collect()));
    }

    fn said(&self, code: &str, arguments: Option<Vec<String>>) {
        let mut all = self
            .0
            .lock()
            .expect("no code panics while it holds this lock");
        all.entry(code.to_owned()).or_default().extend(arguments);
    }

    pub fn fault(&self, fault: &Fault) {
        match fault.effect() {
            // People read what exists; the fault's own code is for the log and its page.
            Some(proof) => {
                self.said(fault.code(), None);
                self.say(&proof.say);
            }
            None => self.say(fault.say()),
        }
    }

    pub fn verdict(&self, verdict: &Verdict) {
        match verdict {
            Verdict::Happened(proof) | Verdict::Partly(proof) => self.say(&proof.say),
            Verdict::CannotTell { check } => self.say(check),
            Verdict::DidNotHappen => {}
        }
    }

    pub fn event(&self, event: &WatchEvent) {
        match event {
            WatchEvent::Health(Health::Warned(fault) | Health::Unwell(fault)) => self.fault(fault),
            WatchEvent::Health(Health::Well) | WatchEvent::News | WatchEvent::Wish(_) => {}
        }
    }

    /// What the pages lack, in sentences.
    pub fn undocumented(&self, pages: &Catalogue) -> Vec<String> {
        let all = self
            .0
            .lock()
            .expect("no code panics while it holds this lock");
        let mut lacks = Vec::new();
        for (code, uses) in all.iter() {
            let Some(page) = pages.page(code) else {
                lacks.push(format!("`{code}` has no page"));
                continue;
            };
            for said in uses {
                for name in page.arguments() {
                    if !said.iter().any(|said| said == name) {
                        lacks.push(format!("`{code}` was said without its argument `{name}`"));
                    }
                }
            }
        }
        lacks
    }
}
