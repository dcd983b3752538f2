//! What CI refuses.

use std::process::Command;

use crate::harness::process::output;

#[test]
fn a_known_vulnerability_fails_and_only_what_cannot_be_fetched_is_not_checked() {
    let run = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/.ci/run")).unwrap();
    let from = run.find("if cargo deny fetch db").unwrap();
    let block = &run[from..run[from..].find("\nfi\n").unwrap() + from + 4];
    let outcome = |fetched: u8, found: u8| {
        let script = format!(
            "set -eu\ncargo() {{ case \"$*\" in 'deny fetch db') return {fetched};; 'deny check advisories') return {found};; *) return 9;; esac; }}\n{block}"
        );
        let done = output(Command::new("sh").args(["-c", &script]));
        (done.status.code(), String::from_utf8(done.stdout).unwrap())
    };
    assert_eq!(outcome(0, 0), (Some(0), String::new()));
    assert_eq!(outcome(0, 1).0, Some(1), "found");
    let (code, said) = outcome(1, 0);
    assert!(code == Some(0) && said.starts_with("NOT CHECKED"), "{said}");
}

#[test]
fn every_dollar_of_the_composition_is_doubled_or_names_a_variable() {
    // Compose refuses a file with any other: `$)` is no variable.
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docker-compose.yml")).unwrap();
    for (number, line) in (1..).zip(text.lines()) {
        let rest = line.replace("$$", "");
        let odd = rest
            .split('$')
            .skip(1)
            .any(|after| !after.starts_with(|c: char| c == '{' || c == '_' || c.is_ascii_alphabetic()));
        assert!(!odd, "docker-compose.yml:{number}: {line}");
    }
}
