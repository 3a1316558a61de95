use driver_sdk::{Class, DriverKind};

use super::*;

/// Every example answers to the same two variables and to the token's usual file.
fn anybody() -> Drawer {
    Drawer::default()
        .with_variable("NIGHTPORTER_CLIENT_TOKEN", "0A1B-77F0")
        .with_variable("NIGHTPORTER_ACCESS_TOKEN", "9C8D-11E2")
        .with_file("/etc/nightporter/access-token", "55AA-0001\n", false)
}

fn anything(names: &[&str]) -> Build {
    let kinds = names.iter().map(|name| -> &'static dyn DriverKind {
        let name = name.to_string().leak();
        Box::leak(Box::new(toys::Toy {
            name,
            class: Class::Printer,
            lenient: true,
        }))
    });
    toys::build(kinds.collect::<Vec<_>>().leak())
}

fn examples() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("config");
    let entries = std::fs::read_dir(folder).expect("the repository has examples");
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.expect("the folder can be listed").path())
        .collect();
    paths.sort();
    paths
}

#[test]
fn every_example_is_read_without_a_finding() {
    let paths = examples();
    assert!(paths.iter().any(|path| path.ends_with("nightporter.toml")));
    for path in paths {
        // The drivers are not known here: any name and any setting will do. The integration tests
        // ask the real ones.
        let text = std::fs::read_to_string(&path).expect("an example can be read");
        let named: Vec<&str> = text
            .lines()
            .filter_map(|line| line.trim_start().strip_prefix("driver"))
            .filter_map(|rest| rest.split('"').nth(1))
            .collect();
        let loaded = load(&path, &anything(&named), &anybody());
        let loaded = loaded.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(loaded.warnings, [], "{}", path.display());
    }
}

#[test]
fn a_file_that_is_not_there_and_one_that_is_no_text_are_told_apart() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let path = folder.path().join("nightporter.toml");
    let missing = load(&path, &toys::build(toys::KINDS), &anybody()).expect_err("there is no file");
    assert!(matches!(missing, LoadError::Unreadable { .. }), "{missing}");
    std::fs::write(&path, b"[mews]\nenvironment = \"d\xffmo\"\n").expect("the test may write");
    let binary = load(&path, &toys::build(toys::KINDS), &anybody()).expect_err("it is no UTF-8");
    assert!(
        binary
            .to_string()
            .contains("toml:2:17: this is no UTF-8 text"),
        "{binary}"
    );
}

#[test]
fn whoever_asks_for_the_journal_needs_no_tokens() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let path = folder.path().join("nightporter.toml");
    let read = |text: &str| {
        std::fs::write(&path, text).expect("the test may write");
        load_journal(&path, &toys::build(toys::KINDS), &Drawer::default())
    };
    let journal = read("[mews]\nwrong = 1\n[journal]\npath = \"j.db\"\n");
    assert_eq!(
        journal.expect("the journal's table is good").path,
        folder.path().join("j.db")
    );
    let refused = read("[journal]\npaht = \"j.db\"\n").expect_err("a key is misspelt");
    assert!(
        refused.to_string().ends_with("did you mean `path`?"),
        "{refused}"
    );
    let refused = read("[jounral]\npath = \"j.db\"\n").expect_err("the table is misspelt");
    assert!(
        refused.to_string().ends_with("did you mean `journal`?"),
        "{refused}"
    );
}

#[cfg(unix)]
#[test]
fn the_real_disk_tells_who_may_read_a_secret() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("a folder for the test");
    let path = folder.path().join("token");
    std::fs::write(&path, "9C8D-11E2\n").expect("the test may write");
    for (mode, others) in [(0o600, false), (0o640, false), (0o644, true)] {
        let permissions = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(&path, permissions).expect("the file is ours");
        let stored = ThisPc.secret_file(&path).expect("the file is there");
        assert_eq!(stored.readable_by_others, others, "{mode:o}");
    }
    std::fs::write(&path, vec![b'x'; 70_000]).expect("the test may write");
    assert!(ThisPc.secret_file(&path).is_err());
}

#[test]
fn a_named_file_comes_first_and_places_without_a_file_are_listed() {
    let named = places::config_file(Some(Path::new("x.toml")), &anybody());
    assert_eq!(named.expect("it was named"), Path::new("x.toml"));
    let error = places::NoConfigFile {
        looked_at: vec!["./a".into(), "/etc/b".into()],
    };
    assert_eq!(
        error.to_string(),
        "no config file: neither ./a nor /etc/b exists; write one, or name it with --config PATH"
    );
}
