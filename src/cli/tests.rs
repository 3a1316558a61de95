use clap::CommandFactory;

use super::Exit;
use super::arguments::Arguments;
use crate::journal::OpenError;

#[test]
fn the_words_of_the_command_line_contradict_nothing() {
    Arguments::command().debug_assert();
}

#[test]
fn help_shows_the_verbs_that_work_and_no_others() {
    let help = Arguments::command().render_long_help().to_string();
    for verb in [
        "demo", "status", "resolve", "cancel", "retry", "test", "events", "explain", "doctor",
        "run", "check", "queue", "show", "sandbox", "simulate", "audit", "version",
    ] {
        assert!(help.contains(&format!("\n  {verb} ")), "{verb}: {help}");
    }
    for verb in ["helper", "init", "replay", "bundle", "completions"] {
        assert!(!help.contains(&format!("\n  {verb} ")), "{verb}: {help}");
    }
}

#[test]
fn exits_have_the_numbers_that_service_managers_know() {
    let named = [
        Exit::Done,
        Exit::Failed,
        Exit::Usage,
        Exit::Unavailable,
        Exit::TryLater,
        Exit::NotPermitted,
        Exit::Config,
        Exit::Helper(7),
    ];
    assert_eq!(named.map(Exit::code), [0, 1, 2, 69, 75, 77, 78, 7]);
}

#[test]
fn a_journal_that_cannot_be_had_says_who_must_act() {
    let path = std::path::PathBuf::from("j.db");
    let folder = |kind: std::io::ErrorKind| {
        Exit::without_journal(&OpenError::Folder {
            path: path.clone(),
            cause: kind.into(),
        })
    };
    assert_eq!(
        folder(std::io::ErrorKind::PermissionDenied),
        Exit::NotPermitted
    );
    assert_eq!(folder(std::io::ErrorKind::StorageFull), Exit::Unavailable);
    let second = OpenError::SecondWorker { path: path.clone() };
    assert_eq!(Exit::without_journal(&second), Exit::TryLater);
    let lost = OpenError::Lost {
        path: path.clone(),
        id: path.clone(),
    };
    assert_eq!(Exit::without_journal(&lost), Exit::Config);
}
