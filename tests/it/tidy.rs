//! Rules of this repository that no compiler checks.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file under a folder whose name ends so, build folders left out.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder of the repository") {
        let path = entry.expect("an entry").path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if path.is_dir() {
            if name != "target" && name != ".git" {
                found.extend(files(&path, ending));
            }
        } else if name.ends_with(ending) {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn is_test(path: &Path) -> bool {
    path.iter()
        .any(|part| part == "tests" || part == "tests.rs")
}

/// A file's lines of code with their numbers: comments left out.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().enumerate();
    lines
        .map(|(at, line)| (at + 1, line))
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
}

fn none(what: &str, found: &[String]) {
    assert!(found.is_empty(), "{what}:\n{}", found.join("\n"));
}

fn drivers() -> Vec<PathBuf> {
    let all = fs::read_dir(root().join("drivers")).expect("the drivers");
    all.map(|entry| entry.expect("an entry").path())
        .filter(|path| path.join("Cargo.toml").exists())
        .collect()
}

#[test]
fn no_file_of_the_worker_but_main_names_a_driver() {
    let names: Vec<_> = drivers()
        .iter()
        .filter_map(|path| path.file_name()?.to_str().map(str::to_owned))
        .filter(|name| name != "sdk" && name != "link")
        .map(|name| format!("driver_{}", name.replace('-', "_")))
        .collect();
    assert!(names.len() >= 5, "{names:?}");
    let mut found = Vec::new();
    for path in files(&root().join("src"), ".rs") {
        let is_main = path.file_name().is_some_and(|name| name == "main.rs");
        // Tests of logs need the name of some real target.
        if is_main || is_test(&path) {
            continue;
        }
        for (at, line) in code(&read(&path)) {
            if names.iter().any(|name| line.contains(name)) {
                found.push(format!("{}:{at}: {line}", path.display()));
            }
        }
    }
    none("the worker knows only driver_sdk and driver_link", &found);
}

#[test]
fn no_driver_knows_the_hotel_system_by_name() {
    // Settings and pages are read by people who know it as Mews; code has no use for the name.
    let mut found = Vec::new();
    let mut seen = 0;
    for driver in drivers() {
        let sources = files(&driver.join("src"), ".rs");
        for path in sources.iter().filter(|path| !is_test(path)) {
            seen += 1;
            for (at, line) in code(&read(path)) {
                if line.to_lowercase().contains("mews") {
                    found.push(format!("{}:{at}: {line}", path.display()));
                }
            }
        }
    }
    assert!(seen > 50, "only {seen} files looked at");
    none("a driver's code names Mews", &found);
}

#[test]
fn every_verb_of_the_help_has_its_code() {
    let help = Command::new(env!("CARGO_BIN_EXE_nightporter"))
        .arg("--help")
        .output()
        .expect("the binary starts");
    let help = String::from_utf8(help.stdout).expect("text");
    let verbs: Vec<_> = help
        .lines()
        .skip_while(|line| !line.starts_with("Commands:"))
        .skip(1)
        .take_while(|line| line.starts_with("  "))
        .filter(|line| !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|verb| *verb != "help")
        .collect();
    assert!(verbs.len() >= 10, "{help}");
    let all: String = files(&root().join("src/cli"), ".rs")
        .iter()
        .map(|path| read(path))
        .collect();
    for verb in verbs {
        let own = root().join("src/cli").join(format!("{verb}.rs")).exists();
        let (first, rest) = verb.split_at(1);
        let shared = format!("pub(super) struct {}{rest}", first.to_uppercase());
        assert!(
            own || all.contains(&shared),
            "`{verb}` has no file and no struct"
        );
    }
}

#[test]
fn nothing_is_left_for_later() {
    // Put together here, so that this file does not find itself.
    let marks = [
        ["TO", "DO"],
        ["FIX", "ME"],
        ["todo", "!("],
        ["unimplemented", "!("],
    ];
    let marks = marks.map(|parts| parts.concat());
    let mut found = Vec::new();
    let mut seen = 0;
    for ending in [".rs", ".toml", ".md"] {
        for path in files(root(), ending) {
            seen += 1;
            for (at, line) in read(&path).lines().enumerate() {
                if marks.iter().any(|mark| line.contains(mark.as_str())) {
                    found.push(format!("{}:{}: {line}", path.display(), at + 1));
                }
            }
        }
    }
    assert!(seen > 300, "only {seen} files looked at");
    none("a stub or a note for later", &found);
}

/// Whether a text looks like a fault's code: `KEY-NO-CARD`, `EXPIRED`.
fn is_code(text: &str) -> bool {
    let letters = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '-';
    (text.contains('-') || text.len() > 6)
        && text.chars().all(letters)
        && text.starts_with(|c: char| c.is_ascii_uppercase())
        && !text.ends_with('-')
}

/// What stands between quotation marks.
fn quoted(line: &str) -> impl Iterator<Item = &str> {
    line.split('"').skip(1).step_by(2)
}

/// The pages of a build: code to its file.
fn pages() -> BTreeMap<String, PathBuf> {
    let mut folders: Vec<_> = drivers().iter().map(|path| path.join("faults")).collect();
    folders.push(root().join("src/faults"));
    let mut pages = BTreeMap::new();
    for folder in folders.iter().filter(|folder| folder.exists()) {
        for path in files(folder, ".md") {
            let code = path
                .file_stem()
                .expect("a name")
                .to_string_lossy()
                .into_owned();
            let text = read(&path);
            if let Some(other) = pages.insert(code.clone(), path) {
                // Two drivers may say the same; a build shows one page for it.
                assert_eq!(read(&other), text, "{code} has two different pages");
            }
        }
    }
    pages
}

/// Codes as they stand in code, and those of `page!` and of the worker's list.
fn codes() -> (BTreeMap<String, String>, BTreeSet<String>) {
    let (mut used, mut listed) = (BTreeMap::new(), BTreeSet::new());
    let mut sources = files(&root().join("src"), ".rs");
    for driver in drivers() {
        sources.extend(files(&driver.join("src"), ".rs"));
    }
    for path in sources.iter().filter(|path| !is_test(path)) {
        let is_list = path.ends_with("src/report/catalogue.rs");
        let text = read(path);
        let real = text
            .split("#[cfg(test)]\nmod tests {")
            .next()
            .unwrap_or_default();
        let lines: Vec<_> = code(real).collect();
        for (at, (number, line)) in lines.iter().enumerate() {
            let before = if at > 0 { lines[at - 1].1 } else { "" };
            for word in quoted(line).filter(|word| is_code(word)) {
                if is_list || line.contains("page!(") || before.trim_end().ends_with("page!(") {
                    listed.insert(word.to_owned());
                } else {
                    let place = format!("{}:{number}", path.display());
                    used.entry(word.to_owned()).or_insert(place);
                }
            }
        }
    }
    (used, listed)
}

#[test]
fn every_fault_has_a_page_and_every_page_a_fault() {
    let pages = pages();
    let (used, listed) = codes();
    assert!(pages.len() > 80, "only {} pages", pages.len());
    let mut found = Vec::new();
    for (code, path) in &pages {
        if !listed.contains(code) {
            found.push(format!("{}: the build does not include it", path.display()));
        }
        if !used.contains_key(code) {
            found.push(format!("{}: no code says it", path.display()));
        }
        let text = read(path);
        if text
            .lines()
            .next()
            .is_none_or(|line| line.trim().is_empty())
        {
            found.push(format!("{}: no sentence for the desk", path.display()));
        }
    }
    // Words of the same shape that are no faults (names of encodings and the like) stand in no
    // call that makes a fault.
    for path in files(root(), ".rs").iter().filter(|path| !is_test(path)) {
        let text = read(path);
        let real = text
            .split("#[cfg(test)]\nmod tests {")
            .next()
            .unwrap_or_default();
        for (at, line) in code(real) {
            for maker in [
                "transient(\"",
                "permanent(\"",
                "operator(\"",
                "in_doubt(\"",
                "Say::new(\"",
            ] {
                for rest in line.split(maker).skip(1) {
                    let word = rest.split('"').next().unwrap_or_default();
                    if is_code(word) && !pages.contains_key(word) {
                        found.push(format!("{}:{at}: {word} has no page", path.display()));
                    }
                }
            }
        }
    }
    none("faults and pages", &found);
}

#[test]
fn there_is_one_changelog() {
    let all = files(root(), ".md");
    let logs = all.iter().filter(|path| {
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .to_uppercase();
        name.starts_with("CHANGE") || name.starts_with("HISTORY") || name.starts_with("RELEASE")
    });
    assert_eq!(logs.collect::<Vec<_>>(), [&root().join("CHANGELOG.md")]);
}
