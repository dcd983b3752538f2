//! The documents name things that are there.

use std::collections::BTreeSet;
use std::path::Path;

use casque::domain::Noun;
use regex::Regex;
use strum::VariantArray as _;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn every_path_that_a_document_names_is_there() {
    let paths = Regex::new(r"`((?:src|tests|migrations|docs|benches|openapi|\.ci)/?[\w./-]*)`").unwrap();
    let links = Regex::new(r"\]\(([\w./-]+)\)").unwrap();
    let mut seen = 0;
    for document in [
        "README.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        "docs/architecture.md",
        "docs/adding-a-noun.md",
        "docs/problems.md",
        "docs/security.md",
        "docs/asvs.md",
        "docs/keys.md",
        "docs/access.md",
        "docs/statistics.md",
        "docs/threat-model.md",
        "SECURITY.md",
    ] {
        let text = std::fs::read_to_string(root().join(document)).unwrap();
        for found in paths.captures_iter(&text).filter(|found| !found[1].contains("NOUN")) {
            assert!(root().join(&found[1]).exists(), "{document} names {}", &found[1]);
            seen += 1;
        }
        for found in links.captures_iter(&text) {
            let target = root().join(document).parent().unwrap().join(&found[1]);
            assert!(target.exists(), "{document} links to {}", &found[1]);
            seen += 1;
        }
    }
    assert!(seen > 50, "{seen}");
}

#[test]
fn every_route_that_a_document_names_is_there() {
    let kept = std::fs::read_to_string(root().join("openapi/openapi.json")).unwrap();
    let description: serde_json::Value = serde_json::from_str(&kept).unwrap();
    let route = Regex::new(r"\b(GET|POST|PATCH|PUT|DELETE) (/v1/[\w/{}.-]*\w\}?)").unwrap();
    let parts = |path: &str| path.split('/').map(str::to_owned).collect::<Vec<_>>();
    let is = |template: &str, path: &str| {
        let (template, path) = (parts(template), parts(path));
        template.len() == path.len() && template.iter().zip(&path).all(|(a, b)| a == b || a.starts_with('{'))
    };
    let mut documents = vec![root().join("README.md"), root().join("CHANGELOG.md")];
    documents.extend(std::fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().path()));
    let mut seen = 0;
    for document in documents.iter().filter(|path| path.extension().is_some_and(|end| end == "md")) {
        let text = std::fs::read_to_string(document).unwrap();
        for found in route.captures_iter(&text) {
            let (method, path) = (found[1].to_lowercase(), &found[2]);
            let known = description["paths"].as_object().unwrap();
            let there = known.iter().any(|(template, routes)| is(template, path) && routes.get(&method).is_some());
            assert!(there, "{} names {}", document.display(), &found[0]);
            seen += 1;
        }
    }
    assert!(seen > 40, "{seen}");
}

#[test]
fn every_test_that_adding_a_noun_names_is_there() {
    let text = std::fs::read_to_string(root().join("docs/adding-a-noun.md")).unwrap();
    let tests = Regex::new(r"`((?:promises|nouns|conformance)::\w+)`").unwrap();
    let mut seen = 0;
    for found in tests.captures_iter(&text) {
        let path = root().join("tests/casque").join(found[1].replace("::", "/")).with_extension("rs");
        assert!(path.exists(), "{}", &found[1]);
        seen += 1;
    }
    assert!(seen > 2, "{seen}");
}

/// Sources below a folder, with their paths.
fn sources(below: &Path, found: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(below).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs" || end == "sql") {
            let text = std::fs::read_to_string(&path).unwrap();
            found.push((path.strip_prefix(root()).unwrap().display().to_string(), text));
        }
    }
}

#[test]
fn adding_a_noun_names_the_files_that_the_youngest_noun_has() {
    let spec = Noun::VARIANTS.iter().map(|noun| noun.spec()).rfind(|spec| spec.openable).unwrap();
    let (name, path, variant) = (spec.name, spec.path, format!("{:?}", spec.noun));
    let names = Regex::new(&format!(
        r"Noun::{variant}\b|\bmod {name};|\b{name}::(routes|ROOM|SPEC|FIXTURE)|CREATE TABLE {name} |/v1/{path}\b"
    ))
    .unwrap();
    let mut all = Vec::new();
    for folder in ["src", "tests", "migrations"] {
        sources(&root().join(folder), &mut all);
    }
    // The demo shows the noun, or not.
    all.retain(|(path, _)| path != "src/cli/demo/sample.rs");
    let has: BTreeSet<String> =
        all.into_iter().filter(|(_, text)| names.is_match(text)).map(|(path, _)| path).collect();
    let text = std::fs::read_to_string(root().join("docs/adding-a-noun.md")).unwrap();
    let row = Regex::new(r"(?m)^\| \d+ \| `([^`]+)` \|").unwrap();
    let told: BTreeSet<String> = row.captures_iter(&text).map(|found| found[1].replace("NOUN", name)).collect();
    assert_eq!(told, has, "the page, and the files of the youngest noun ({name})");
    assert!(told.len() < 10, "with CHANGELOG.md, ten files at most");
}

#[test]
fn every_kind_of_problem_is_described() {
    let text = std::fs::read_to_string(root().join("docs/problems.md")).unwrap();
    for (status, name, _) in casque::api::KINDS {
        assert!(text.contains(&format!("| `{name}` | {status} |")), "{name}");
    }
}

#[test]
fn every_attack_has_its_row_and_every_test_that_a_row_names_is_there() {
    let text = std::fs::read_to_string(root().join("docs/security.md")).unwrap();
    let mut rows: Vec<u32> = Vec::new();
    for line in text.lines().filter_map(|line| line.strip_prefix("| ")) {
        let numbers = line.split('|').next().unwrap();
        rows.extend(numbers.split(',').filter_map(|number| number.trim().parse::<u32>().ok()));
    }
    assert_eq!(rows, (1..=56).collect::<Vec<u32>>());
    let tests = Regex::new(r"`((?:attacks|promises|nouns|conformance|operations)::\w+)::(\w+)`").unwrap();
    let mut named = BTreeSet::new();
    for found in tests.captures_iter(&text) {
        let path = root().join("tests/casque").join(found[1].replace("::", "/")).with_extension("rs");
        let source = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(source.contains(&format!("fn {}()", &found[2])), "{}", &found[0]);
        named.insert(found[2].to_owned());
    }
    let attacks = Regex::new(r"fn (a\d\d_\w+)\(").unwrap();
    for file in std::fs::read_dir(root().join("tests/casque/attacks")).unwrap() {
        let source = std::fs::read_to_string(file.unwrap().path()).unwrap();
        for found in attacks.captures_iter(&source) {
            assert!(named.contains(&found[1]), "{} has no row", &found[1]);
        }
    }
}
