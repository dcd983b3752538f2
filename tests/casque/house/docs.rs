//! The documents name things that are there.

use std::path::Path;

use regex::Regex;

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
    ] {
        let text = std::fs::read_to_string(root().join(document)).unwrap();
        for found in paths.captures_iter(&text) {
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
fn every_test_that_adding_a_noun_names_is_there() {
    let text = std::fs::read_to_string(root().join("docs/adding-a-noun.md")).unwrap();
    let tests = Regex::new(r"`((?:promises|nouns|house)::\w+)`").unwrap();
    let mut seen = 0;
    for found in tests.captures_iter(&text) {
        let path = root().join("tests/casque").join(found[1].replace("::", "/")).with_extension("rs");
        assert!(path.exists(), "{}", &found[1]);
        seen += 1;
    }
    assert!(seen > 6, "{seen}");
}

#[test]
fn every_kind_of_problem_is_described() {
    let text = std::fs::read_to_string(root().join("docs/problems.md")).unwrap();
    for (status, name, _) in casque::api::KINDS {
        assert!(text.contains(&format!("| `{name}` | {status} |")), "{name}");
    }
}
