//! Imports go down only. If you are here because this failed: a room uses one above it. Move what you need down, or do it
//! in the room above; docs/architecture.md has the order.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Rooms from the ground up; a room uses those before its own row.
const FLOORS: [&[&str]; 7] = [
    &["domain"],
    &["policy"],
    &["store"],
    &["briefing", "exchange", "identity", "disclosure"],
    &["api"],
    &["node"],
    &["cli"],
];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

fn floor(room: &str) -> Option<usize> {
    FLOORS.iter().position(|rooms| rooms.contains(&room))
}

fn all() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    sources(&root, &mut found);
    found
        .into_iter()
        .map(|path| {
            let name = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
            (name, std::fs::read_to_string(path).unwrap())
        })
        .collect()
}

#[test]
fn imports_go_down_only() {
    let mut seen = 0;
    for (name, text) in all() {
        let room = name.split(['/', '.']).next().unwrap().to_owned();
        let Some(own) = floor(&room) else { continue };
        let depth = name.matches('/').count() + usize::from(!name.ends_with("mod.rs") && name.contains('/'));
        assert!(!text.contains(&"super::".repeat(depth + 1)), "{name}: super:: out of its room is crate:: in disguise");
        for part in text.split("crate::").skip(1) {
            // `crate::room` or `crate::{room, room::thing}`.
            let list = part.strip_prefix('{').map(|list| list.split("};").next().unwrap());
            for used in list.map_or_else(|| vec![part], |list| list.split(',').map(str::trim).collect()) {
                let used: String = used.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
                if let Some(other) = floor(&used) {
                    seen += 1;
                    assert!(other < own || used == room, "{name} uses {used}");
                }
            }
        }
    }
    assert!(seen > 100, "{seen} uses were found: does this test still read the sources?");
}

#[test]
fn sql_lives_in_the_store_and_knowledge_of_two_databases_in_its_one_room() {
    for (name, text) in all() {
        if !name.starts_with("store/") {
            assert!(!text.contains("diesel"), "{name} names diesel");
        }
        if !name.starts_with("store/db/") {
            for word in ["SqliteConnection", "PgConnection", "Db::Sqlite", "Db::Postgres", "PRAGMA"] {
                assert!(!text.contains(word), "{name} names {word}");
            }
        }
        if !name.starts_with("disclosure/") && !name.starts_with("seal/") && !name.starts_with("node/") {
            assert!(!text.contains("Opener"), "{name} names the opener");
        }
    }
}

#[test]
fn no_file_holds_two_rooms() {
    for (name, text) in all() {
        if name == "store/db/schema.rs" {
            continue; // diesel's own listing of columns
        }
        let lines = text.lines().count();
        assert!(lines <= 500, "{name} has {lines} lines: make it a folder");
    }
}

#[test]
fn every_concern_begins_by_an_act_of_two() {
    // Where a row is made, and who calls what makes one. Whoever adds a way says here which two people agreed to it.
    let ways = [
        ("insert_into(concern::table)", "store/concern/mod.rs", "what follows makes them"),
        (".concern_settle(", "store/concern/withholding.rs", "withholding, or lifting it: two officers"),
        (".concern_settle(", "store/incident/transition.rs", "release: verifier and releaser"),
        (".concern_of_proceeding(", "store/proceeding/verdict.rs", "another officer accepts a proceeding"),
        (".concern_of_proceeding(", "store/case/write.rs", "another officer accepts a later link"),
    ];
    for pattern in ["insert_into(concern::table)", ".concern_settle(", ".concern_of_proceeding("] {
        let found: BTreeSet<String> =
            all().into_iter().filter(|(_, text)| text.contains(pattern)).map(|(name, _)| name).collect();
        let known: BTreeSet<String> =
            ways.iter().filter(|(known, ..)| *known == pattern).map(|(_, path, _)| (*path).to_owned()).collect();
        assert_eq!(found, known, "{pattern}: which two people agree to it?");
    }
}

#[test]
fn a_long_body_is_read_off_the_async_threads() {
    // A body is read by `Call::body`, which hands a long one over, or inside the blocking work of a call, which the context comes with.
    let within = ["api/call/mod.rs", "api/fuzzing.rs", "api/disclosure/mod.rs"];
    let (mut reads, mut changes) = (0, 0);
    for (name, text) in all() {
        let read = text.matches("InputReader::read(").count();
        assert!(
            read == 0 || within.contains(&name.as_str()),
            "{name} reads a body on an async thread: call.body(…).await"
        );
        reads += read;
        for (at, pattern) in text.match_indices("InputReader::change(") {
            assert!(text[at + pattern.len()..].trim_start().starts_with("context"), "{name}");
            changes += 1;
        }
    }
    assert!(reads >= 3 && changes >= 3, "{reads} and {changes}: does this test still read the sources?");
}
