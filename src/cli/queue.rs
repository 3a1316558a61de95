//! `nightporter queue`: open and recent commands.

use clap::Args;

use super::context::Context;
use super::exit::Exit;
use super::times;
use crate::journal::Row;
use crate::life::Stage;

/// Lists open and recent commands
#[derive(Debug, Args)]
pub(super) struct Queue {
    /// How many ended commands are shown before the open ones
    #[arg(long, value_name = "COUNT", default_value_t = 20)]
    recent: u32,
}

impl Queue {
    pub(super) fn run(self, context: &Context) -> Exit {
        let rows = match context.journal().and_then(|journal| {
            journal
                .queue(self.recent)
                .map_err(|error| context.journal_failed(&error))
        }) {
            Ok(rows) => rows,
            Err(exit) => return exit,
        };
        if rows.is_empty() {
            context.out.line("no command yet");
            return Exit::Done;
        }
        for line in table(&rows) {
            context.out.line(line);
        }
        Exit::Done
    }
}

fn table(rows: &[Row]) -> Vec<String> {
    let head = ["ID", "CREATED", "DEVICE", "STATE", "NOTE"].map(str::to_owned);
    let mut lines = vec![head];
    lines.extend(rows.iter().map(|row| {
        [
            row.entry.id.to_string()[..8].to_owned(),
            times::second(row.created),
            row.device.to_string(),
            state(row),
            row.note.clone().unwrap_or_default(),
        ]
    }));
    let width = |column: usize| {
        lines
            .iter()
            .map(|line| line[column].chars().count())
            .max()
            .unwrap_or_default()
    };
    let [id, created, device, state] = [0, 1, 2, 3].map(width);
    let padded = lines.iter().map(|line| {
        format!(
            "{:id$}  {:created$}  {:device$}  {:state$}  {}",
            line[0], line[1], line[2], line[3], line[4],
        )
    });
    padded.map(|line| line.trim_end().to_owned()).collect()
}

/// Where it stands, in the words of the desk.
pub(super) fn state(row: &Row) -> String {
    let outcome = || {
        let outcome = row.outcome.as_ref();
        let kind = outcome.map_or("ended", |outcome| outcome.kind.as_str());
        match outcome.and_then(|outcome| outcome.grade) {
            Some(grade) if grade != driver_sdk::Grade::Done => format!("{kind} ({grade})"),
            Some(_) | None => kind.to_owned(),
        }
    };
    match &row.entry.stage {
        Stage::Accepted { .. } if row.entry.cancel_requested => "being cancelled".to_owned(),
        Stage::Accepted { .. } => "waiting".to_owned(),
        Stage::Committed { .. } => "under way".to_owned(),
        Stage::Settled(_) => format!("{}, to be told", outcome()),
        Stage::Reported { doubt: Some(_) } => "in doubt".to_owned(),
        Stage::Reported { doubt: None } => outcome(),
    }
}
