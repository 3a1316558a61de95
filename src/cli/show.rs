//! `nightporter show ID`: the whole story of one command.

use clap::Args;

use super::context::Context;
use super::exit::Exit;
use super::{queue, times};
use crate::journal::{Row, StoryStep};

/// Tells the whole story of one command, step by step
#[derive(Debug, Args)]
pub(super) struct Show {
    /// The command's id, or its first digits as `queue` shows them
    id: String,
}

impl Show {
    pub(super) fn run(self, context: &Context) -> Exit {
        match self.tell(context) {
            Ok(exit) | Err(exit) => exit,
        }
    }

    fn tell(&self, context: &Context) -> Result<Exit, Exit> {
        let failed = |error| context.journal_failed(&error);
        let journal = context.journal()?;
        let row = &context.one(&journal, &self.id)?;
        let steps = journal.story(row.entry.id).map_err(failed)?;
        for line in facts(row).into_iter().chain(steps.iter().map(step)) {
            context.out.line(line);
        }
        Ok(Exit::Done)
    }
}

fn facts(row: &Row) -> Vec<String> {
    let entry = &row.entry;
    let mut lines = vec![
        format!("command   {}", entry.id),
        format!(
            "device    {} ({}, \"{}\" in Mews)",
            row.device,
            entry.class.to_string().replace('_', " "),
            row.device_title
        ),
        format!("created   {}", times::second(row.created)),
        format!("state     {}", queue::state(row)),
    ];
    let mut fact = |name: &str, value: Option<String>| {
        lines.extend(value.map(|value| format!("{name:10}{value}")));
    };
    let of_property = (!row.property.is_empty()).then(|| row.property.clone());
    fact(
        "property",
        of_property.or_else(|| entry.local.then(|| "work of this PC".to_owned())),
    );
    fact("too old", entry.expires.map(times::second));
    fact(
        "attempts",
        (row.attempt > 0).then(|| row.attempt.to_string()),
    );
    fact("paper", row.repeat.then(|| "marked REPEAT".to_owned()));
    let proof = row.outcome.as_ref().and_then(|outcome| outcome.grade);
    fact("proof", proof.map(|grade| grade.to_string()));
    fact(
        "in Mews",
        row.pms_state.as_ref().map(|state| state.0.clone()),
    );
    fact("note", row.note.clone());
    fact("resolved", row.resolved.clone());
    lines.push(String::new());
    lines
}

fn step(step: &StoryStep) -> String {
    let StoryStep { at, what, detail } = step;
    let line = format!("{}  {what:20}{detail}", times::millisecond(*at));
    line.trim_end().to_owned()
}
