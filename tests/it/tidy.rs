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

/// Lines of code under a folder that name a driver's crate.
fn naming_a_driver(folder: &Path, names: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    for path in files(folder, ".rs") {
        let is_main = path.file_name().is_some_and(|name| name == "main.rs");
        // Tests of logs need the name of some real target.
        if is_main || is_test(&path) {
            continue;
        }
        for (at, line) in code(&read(&path)) {
            if names.iter().any(|name| line.contains(name.as_str())) {
                found.push(format!("{}:{at}: {line}", path.display()));
            }
        }
    }
    found
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
    let found = naming_a_driver(&root().join("src"), &names);
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

/// Every verb of the product, those of later versions included.
const VERBS: [&str; 24] = [
    "demo",
    "init",
    "check",
    "doctor",
    "run",
    "status",
    "devices",
    "ports",
    "queue",
    "show",
    "resolve",
    "cancel",
    "retry",
    "test",
    "events",
    "sandbox",
    "simulate",
    "replay",
    "audit",
    "bundle",
    "explain",
    "service",
    "completions",
    "version",
];

fn nightporter(words: &[&str]) -> std::process::Output {
    Command::new(env!("CARGO_BIN_EXE_nightporter"))
        .args(words)
        .current_dir(std::env::temp_dir())
        .output()
        .expect("the binary starts")
}

/// The verbs that `--help` shows.
fn shown() -> Vec<String> {
    let help = String::from_utf8(nightporter(&["--help"]).stdout).expect("text");
    help.lines()
        .skip_while(|line| !line.starts_with("Commands:"))
        .skip(1)
        .take_while(|line| line.starts_with("  "))
        .filter(|line| !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|verb| *verb != "help")
        .map(str::to_owned)
        .collect()
}

#[test]
fn help_shows_verbs_of_the_product_and_no_other_verb_is_half_there() {
    let shown = shown();
    assert!(shown.len() >= 17, "{shown:?}");
    let odd: Vec<_> = shown
        .iter()
        .filter(|verb| !VERBS.contains(&verb.as_str()))
        .cloned()
        .collect();
    none("verbs that the product does not have", &odd);
    for verb in VERBS {
        let code = nightporter(&[verb, "--help"]).status.code();
        let wanted = if shown.iter().any(|shown| shown == verb) {
            0
        } else {
            2
        };
        assert_eq!(code, Some(wanted), "{verb}: shown and there, or neither");
    }
}

/// What pages tell people to type.
fn typed(text: &str) -> impl Iterator<Item = &str> {
    text.split("`nightporter ")
        .chain(text.split("\nnightporter "))
        .skip(1)
        .filter_map(|rest| rest.split(|c: char| !c.is_ascii_lowercase()).next())
        .filter(|word| VERBS.contains(word))
}

#[test]
fn every_verb_that_a_page_tells_people_to_type_is_there() {
    let shown = shown();
    let (mut found, mut seen) = (Vec::new(), 0);
    for ending in [".md", ".toml"] {
        for path in files(root(), ending) {
            let text = read(&path);
            for verb in typed(&text) {
                seen += 1;
                if !shown.iter().any(|shown| shown == verb) {
                    found.push(format!("{}: nightporter {verb}", path.display()));
                }
            }
        }
    }
    assert!(seen > 40, "only {seen} seen");
    none("pages name verbs that are not there", &found);
}

#[test]
fn every_code_that_a_page_tells_people_to_explain_is_there() {
    let list = String::from_utf8(nightporter(&["explain"]).stdout).expect("text");
    let codes: Vec<&str> = list
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert!(codes.len() > 200, "{} codes", codes.len());
    let (mut found, mut seen) = (Vec::new(), 0);
    for path in files(root(), ".md") {
        let text = read(&path);
        for rest in text.split("nightporter explain ").skip(1) {
            let word = rest.split(|c: char| !c.is_ascii_uppercase() && c != '-');
            let code = word.into_iter().next().unwrap_or_default();
            seen += usize::from(!code.is_empty() && code != "CODE");
            if !["", "CODE"].contains(&code) && !codes.contains(&code) {
                found.push(format!("{}: nightporter explain {code}", path.display()));
            }
        }
    }
    assert!(seen > 0, "no page names a code");
    none("pages name codes that are not there", &found);
}

#[test]
fn every_verb_of_the_help_has_its_code() {
    let all: String = files(&root().join("src/cli"), ".rs")
        .iter()
        .map(|path| read(path))
        .collect();
    for verb in shown() {
        let own = root().join("src/cli").join(format!("{verb}.rs")).exists();
        let (first, rest) = verb.split_at(1);
        let shared = format!("pub(super) struct {}{rest}", first.to_uppercase());
        assert!(
            own || all.contains(&shared),
            "`{verb}` has no file and no struct"
        );
    }
}

/// Every driver is one folder, one line in the bundle, one file in config, and a row in README.
#[test]
fn every_driver_of_the_bundle_has_its_example_its_page_and_its_row() {
    let readme = read(&root().join("README.md"));
    let mut found = Vec::new();
    for kind in driver_bundle::KINDS {
        let name = kind.name();
        for path in [
            format!("config/{name}.toml"),
            format!("drivers/{name}/README.md"),
        ] {
            if !root().join(&path).exists() {
                found.push(format!("{path} is missing"));
            }
        }
        if !readme.contains(&format!("| `{name}` |")) {
            found.push(format!("README has no row for {name}"));
        }
    }
    for path in files(&root().join("config"), ".toml") {
        for line in read(&path).lines() {
            let named = line
                .strip_prefix("driver = \"")
                .map(|rest| rest.trim_end_matches('"'));
            let is_shipped = |named: &&str| {
                driver_bundle::KINDS
                    .iter()
                    .any(|kind| kind.name() == *named)
            };
            if let Some(named) = named.filter(|named| !is_shipped(named)) {
                found.push(format!("{}: nobody ships {named}", path.display()));
            }
        }
    }
    none("drivers and their files", &found);
}

/// The anchor of a heading.
fn anchor(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = text
        .chars()
        .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// Links of pages under a folder that lead nowhere, and how many were followed.
fn broken_links(root: &Path) -> (Vec<String>, usize) {
    let (mut found, mut seen) = (Vec::new(), 0);
    for path in files(root, ".md") {
        let text = read(&path);
        for link in text.split("](").skip(1) {
            let link = link.split(')').next().unwrap_or_default();
            if link.contains("://") || link.contains(char::is_whitespace) || link.is_empty() {
                continue;
            }
            seen += 1;
            let (file, part) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() {
                path.clone()
            } else {
                path.parent().unwrap_or(root).join(file)
            };
            let leads = target.exists()
                && (part.is_empty()
                    || read(&target)
                        .lines()
                        .any(|line| line.starts_with('#') && anchor(line) == part));
            // Links of rustdoc name items, not files.
            if !leads && !link.contains("::") {
                found.push(format!("{}: {link}", path.display()));
            }
        }
    }
    (found, seen)
}

#[test]
fn every_link_of_a_page_leads_somewhere() {
    let (found, seen) = broken_links(root());
    assert!(seen > 15, "only {seen} links");
    none("links that lead nowhere", &found);
}

/// The longest file of the product, in lines, its tests not counted.
const LINES_MAX: usize = 650;

/// Files of code that are longer than the limit.
fn long(root: &Path, limit: usize) -> Vec<(PathBuf, usize)> {
    let all = files(root, ".rs").into_iter().filter(|path| !is_test(path));
    all.map(|path| (read(&path).lines().count(), path))
        .filter(|(lines, _)| *lines > limit)
        .map(|(lines, path)| (path, lines))
        .collect()
}

#[test]
fn files_have_one_idea_and_are_not_longer() {
    let mut over = long(&root().join("src"), LINES_MAX);
    over.extend(long(&root().join("drivers"), LINES_MAX));
    let named = over
        .iter()
        .map(|(path, lines)| format!("{}: {lines} lines", path.display()));
    none("files too long", &named.collect::<Vec<_>>());
    let seen = long(&root().join("src"), LINES_MAX / 3);
    assert!(seen.len() > 5, "only {} files seen", seen.len());
}

/// Loads that CI sets are loads that a test reads.
#[test]
fn every_load_of_ci_is_read_by_a_test() {
    let tests: String = files(&root().join("tests"), ".rs")
        .iter()
        .map(|path| read(path))
        .collect();
    let script = read(&root().join(".ci/run"));
    let set: BTreeSet<_> = script
        .lines()
        .filter_map(|line| line.strip_prefix("export "))
        .flat_map(str::split_whitespace)
        .filter_map(|word| word.split_once('='))
        .map(|(name, _)| name)
        .filter(|name| name.starts_with("NIGHTPORTER_"))
        .collect();
    assert!(set.len() >= 3, "{set:?}");
    for name in set {
        assert!(
            tests.contains(&format!("\"{name}\"")),
            "{name} is read by no test"
        );
    }
}

/// The twin: a folder with one of each fault, and each is found.
#[test]
fn planted_faults_are_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let put = |name: &str, text: &str| {
        fs::write(folder.path().join(name), text).expect("ours");
    };
    put(
        "good.md",
        "# A heading, here\n[there](good.md#a-heading-here) [out](https://x.y)\n",
    );
    put("bad.md", "[gone](gone.md) [no part](good.md#nowhere)\n");
    put(
        "left.rs",
        &format!("fn later() {{}} // {}{}: write it\n", "TO", "DO"),
    );
    put("long.rs", &"// a line\n".repeat(80));
    put(
        "names.rs",
        "use driver_escpos::kind;\n// driver_escpos in a comment is none\n",
    );
    let (links, seen) = broken_links(folder.path());
    assert_eq!((links.len(), seen), (2, 3), "{links:?}");
    assert_eq!(left_for_later(folder.path()).0.len(), 1);
    assert_eq!(long(folder.path(), 79).len(), 1);
    let names = ["driver_escpos".to_owned()];
    assert_eq!(naming_a_driver(folder.path(), &names).len(), 1);
    assert_eq!(
        typed("say `nightporter replay x`").collect::<Vec<_>>(),
        ["replay"]
    );
}

/// Notes for later and stubs under a folder, and how many files were looked at.
fn left_for_later(root: &Path) -> (Vec<String>, usize) {
    // Put together here, so that this file does not find itself.
    let marks = [
        ["TO", "DO"],
        ["FIX", "ME"],
        ["todo", "!("],
        ["unimplemented", "!("],
    ];
    let marks = marks.map(|parts| parts.concat());
    let (mut found, mut seen) = (Vec::new(), 0);
    for ending in [".rs", ".toml", ".md"] {
        for path in files(root, ending) {
            seen += 1;
            for (at, line) in read(&path).lines().enumerate() {
                if marks.iter().any(|mark| line.contains(mark.as_str())) {
                    found.push(format!("{}:{}: {line}", path.display(), at + 1));
                }
            }
        }
    }
    (found, seen)
}

#[test]
fn nothing_is_left_for_later() {
    let (found, seen) = left_for_later(root());
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
