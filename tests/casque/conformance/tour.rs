//! The README stays true: its tour is run against the real program, its table of settings compared with the program's own.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use regex::Regex;

use crate::harness::process::{has, output_within};
use crate::harness::{rewriting, skipped};

const README: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
const CASQUE: &str = env!("CARGO_BIN_EXE_casque");

/// One test at a time writes the README anew.
static WRITING: std::sync::Mutex<()> = std::sync::Mutex::new(());

struct Stopped(Child);

impl Drop for Stopped {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What differs from run to run, by what it is.
fn steady(text: &str) -> String {
    let ways = [
        (r"\b(C-)?([A-Z]+-)(\d{4})-[0-9A-Z]{4}\b", "$1$2$3-····"),
        (r"\d{4}-\d{2}-\d{2}T[0-9:.]+Z", "TIME"),
        (r"\d{1,2} [A-Z][a-z]+ 20\d\d, \d\d:\d\d UTC", "TIME"),
    ];
    ways.iter().fold(text.to_owned(), |text, (pattern, with)| {
        Regex::new(pattern).unwrap().replace_all(&text, *with).into_owned()
    })
}

/// The tour's shell blocks with the output that the README shows below each: where the output's text begins and ends.
fn blocks(readme: &str) -> Vec<(&str, std::ops::Range<usize>)> {
    let begin = readme.find("<!-- tour -->").unwrap();
    let end = readme.find("<!-- /tour -->").unwrap();
    let pattern = Regex::new(r"(?s)```sh\n(.*?)```\n\n```text\n(.*?)```").unwrap();
    pattern
        .captures_iter(readme)
        .filter(|found| (begin..end).contains(&found.get(0).unwrap().start()))
        .map(|found| (found.get(1).unwrap().as_str(), found.get(2).unwrap().range()))
        .collect()
}

/// Runs the blocks in one shell, and gives what each printed.
fn run(folder: &Path, blocks: &[(&str, std::ops::Range<usize>)]) -> Vec<String> {
    const END: &str = "=== end of the block ===";
    // What `cargo run` would build is the program under test.
    let mut script =
        "set -eu\ncargo() { while [ \"$1\" != -- ]; do shift; done; shift; \"$CASQUE\" \"$@\"; }\n".to_owned();
    for (block, _) in blocks {
        script.push_str(&format!("{block}echo '{END}'\n"));
    }
    let mut shell = Command::new("sh")
        .current_dir(folder)
        .env("CASQUE", CASQUE)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    shell.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    let done = output_within(shell, std::time::Duration::from_secs(300));
    let text = String::from_utf8(done.stdout).unwrap();
    let errors = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success() && errors.is_empty(), "{text}\n{errors}");
    let mut parts: Vec<String> = text.split(&format!("{END}\n")).map(str::to_owned).collect();
    assert_eq!(parts.pop().as_deref(), Some(""));
    parts
}

#[test]
fn the_tour_in_the_readme_prints_what_it_says() {
    let _one = WRITING.lock();
    if skipped("curl", has("curl")) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut demo = Command::new(CASQUE);
    demo.args(["demo", "--json", "--port", "0", "--data", "casque-demo"]).current_dir(folder.path());
    let mut demo = Stopped(demo.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap());
    let mut ready = String::new();
    BufReader::new(demo.0.stdout.take().unwrap()).read_line(&mut ready).unwrap();
    assert!(ready.contains("\"address\""), "{ready}");
    let readme = std::fs::read_to_string(README).unwrap();
    let blocks = blocks(&readme);
    assert!(blocks.len() >= 8, "{} blocks", blocks.len());
    let printed = run(folder.path(), &blocks);
    if rewriting() {
        let mut fresh = readme.clone();
        for ((_, range), text) in blocks.iter().zip(&printed).rev() {
            fresh.replace_range(range.clone(), text);
        }
        std::fs::write(README, fresh).unwrap();
        return;
    }
    for ((block, range), text) in blocks.iter().zip(&printed) {
        assert_eq!(steady(&readme[range.clone()]), steady(text), "{block}");
    }
}

/// The table of settings, out of the command line's own definition.
fn settings() -> String {
    let mut table = "\n| option | of | environment | if absent | what |\n| --- | --- | --- | --- | --- |\n".to_owned();
    let mut seen = Vec::new();
    let command = casque::cli::command();
    for sub in ["serve", "demo"] {
        for option in command.find_subcommand(sub).unwrap().get_arguments() {
            let Some(name) = option.get_long() else { continue };
            if seen.contains(&name) || name == "help" {
                continue;
            }
            seen.push(name);
            let of = match (sub, name) {
                (
                    "serve",
                    "data" | "database" | "keys" | "ledger" | "recovery" | "read-url" | "without-tls" | "connections",
                ) => "every command",
                _ => sub,
            };
            let value =
                option.get_value_names().filter(|_| option.get_action().takes_values()).map_or("", |names| &names[0]);
            let env = option.get_env().map_or("", |env| env.to_str().unwrap());
            let defaults: Vec<_> = option.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
            let what = option.get_help().unwrap().to_string();
            table.push_str(
                &format!("| `--{name} {value}` | {of} | {env} | {} | {what} |\n", defaults.join(" "))
                    .replace(" ` |", "` |"),
            );
        }
    }
    table.push_str("| | every command | CASQUE_LOG | warn | Log level on standard error: `error`, `warn`, `info` (each request) or `debug`. The lines are JSON if standard error is not a terminal |\n\n");
    table
}

#[test]
fn the_table_of_settings_in_the_readme_is_the_programs_own() {
    let _one = WRITING.lock();
    let readme = std::fs::read_to_string(README).unwrap();
    let begin = readme.find("<!-- settings -->").unwrap() + "<!-- settings -->".len();
    let end = readme.find("<!-- /settings -->").unwrap();
    let now = settings();
    if rewriting() {
        let mut fresh = readme.clone();
        fresh.replace_range(begin..end, &now);
        std::fs::write(README, fresh).unwrap();
        return;
    }
    assert_eq!(&readme[begin..end], now);
}
