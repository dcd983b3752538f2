//! Questions that ask for what is sealed by another way than its name.

use std::collections::BTreeSet;

use casque::domain::SealedField;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::harness::{TestServer, ambush};

/// Everything that takes parameters.
fn all_lists() -> impl Iterator<Item = String> {
    crate::nouns::lists().chain(["disclosures", "statistics"]).map(|list| format!("/v1/{list}"))
}

/// One who may open, one who may open much, and one who may open its own.
const ASKERS: [&str; 3] = ["minusma", "verifier", "chad"];

fn names() -> BTreeSet<&'static str> {
    SealedField::all().map(|field| field.name).collect()
}

fn server() -> TestServer {
    let server = TestServer::start();
    let reference = server.report("minusma", &ambush());
    server.release("minusma", &reference);
    server
}

#[test]
fn a01_filtering_on_a_hidden_field_is_as_filtering_on_nonsense() {
    let server = server();
    for who in ASKERS {
        let client = server.as_(who);
        let before = client.get("/v1/incidents").text;
        for list in all_lists() {
            let asked = |name: &str, operator: &str| {
                let answer = client.get(&format!("{list}?{name}{operator}=canary"));
                (answer.status, answer.text.replace(name, "…"))
            };
            for operator in ["", "[eq]", "[starts_with]", "[gt]", "[contains]", "__startswith", "_like"] {
                let nonsense = asked("nonsense", operator);
                assert_eq!(nonsense.0, 400, "{list}{operator}");
                // What a statistic counts is called `unit`, as a victim's is.
                for name in names().into_iter().filter(|name| (list.as_str(), *name) != ("/v1/statistics", "unit")) {
                    assert_eq!(asked(name, operator), nonsense, "{list} {name}{operator} as {who}");
                }
            }
        }
        assert_eq!(client.get("/v1/incidents").text, before);
    }
}

#[test]
fn a02_a_hidden_field_has_no_other_name() {
    let server = server();
    let (client, mut random) = (server.as_("minusma"), StdRng::seed_from_u64(2));
    let names: Vec<&str> = names().into_iter().collect();
    let before =
        ["", "t1.", "incident_edition.", "sealed_value.", "%22", "%5B", "..", "%2e", "%ef%bc%8e", "victims.", "$"];
    let after =
        ["", "%5D", "%00", "%2500", "%22", ".", "%20", "::text", "%5Beq%5D", "%5B%5D", "--", "/**/", "%e2%80%8b"];
    let lists: Vec<String> = all_lists().collect();
    for _ in 0..3_000 {
        let mut name = names[random.random_range(0..names.len())].to_owned();
        if random.random_range(0..3) == 0 {
            name = name.to_uppercase();
        }
        if random.random_range(0..3) == 0 {
            name = name.replace('e', "%d0%b5");
        }
        let head = before[random.random_range(0..before.len())];
        let tail = after[random.random_range(0..after.len())];
        let list = &lists[random.random_range(0..lists.len())];
        let path = format!("{list}?{head}{name}{tail}=canary");
        assert_eq!(client.get(&path).status, 400, "{path}");
    }
}

#[test]
fn a03_operators_cannot_be_nested_or_repeated() {
    let server = server();
    let client = server.as_("chad");
    for query in [
        "or[0][name]=canary",
        "and[0][or][name]=canary",
        "filter[name][_eq]=canary",
        "where=%7B%22name%22:%22canary%22%7D",
        "$or=name",
        "act=killing&act=assault",
        "mission=MINUSMA&mission=UNIFIL",
        "mission[]=MINUSMA",
        "mission[$ne]=MINUSMA",
    ] {
        assert_eq!(client.get(&format!("/v1/incidents?{query}")).status, 400, "{query}");
    }
}

#[test]
fn a04_a_parent_is_not_filtered_by_its_hidden_children() {
    let server = server();
    for query in
        ["victims.name=canary", "victims[name]=canary", "victim=canary", "suspects.status=at_large", "state=GIN"]
    {
        assert_eq!(server.as_("chad").get(&format!("/v1/incidents?{query}")).status, 400, "{query}");
    }
    let by_state = server.as_("chad").get("/v1/statistics?unit=victims&by=contributing_state");
    assert_eq!(
        (by_state.status, by_state.pointers()),
        (400, vec!["/by".to_owned()]),
        "no figure is by a victim's State"
    );
}

#[test]
fn a05_there_is_no_order_but_the_lists_own() {
    let server = server();
    for name in names().into_iter().chain(["occurred_on", "-name", "updated_at"]) {
        for parameter in ["sort", "order", "order_by", "sort_by"] {
            let path = format!("/v1/incidents?{parameter}={name}");
            assert_eq!(server.as_("minusma").get(&path).status, 400, "{path}");
        }
    }
}

#[test]
fn a06_a07_nothing_searches_what_is_sealed() {
    let server = server();
    for who in ASKERS {
        for parameter in ["q", "search", "query", "text", "find"] {
            for list in all_lists() {
                let path = format!("{list}?{parameter}=canary-narrative");
                assert_eq!(server.as_(who).get(&path).status, 400, "{path} as {who}");
            }
        }
    }
}

#[test]
fn a08_a_field_cannot_be_renamed_out_of_its_seal() {
    let server = server();
    for query in
        ["alias[x]=narrative", "fields=narrative", "select=narrative:x", "include=narrative", "expand=victims.name"]
    {
        assert_eq!(server.as_("verifier").get(&format!("/v1/incidents?{query}")).status, 400, "{query}");
    }
}

#[test]
fn a10_nothing_sealed_is_counted_or_grouped() {
    let server = server();
    for name in names() {
        for by in [name.to_owned(), format!("min({name})"), format!("mission,{name}"), format!("victims.{name}")] {
            let path = format!("/v1/statistics?by={by}");
            assert_eq!(server.as_("verifier").get(&path).status, 400, "{path}");
        }
    }
}

#[test]
fn a28_there_is_no_door_for_queries_of_ones_own() {
    let server = server();
    for path in ["/v1/sql", "/v1/query", "/v1/graphql", "/graphql", "/v1/search", "/v1/raw", "/v1/datastore"] {
        for answer in [server.as_("verifier").get(path), server.as_("verifier").post(path, &serde_json::json!({}))] {
            assert_eq!(answer.status, 404, "{path}");
        }
    }
}

#[test]
fn a54_why_a_seal_is_opened_is_never_in_an_address() {
    let server = server();
    for query in ["purpose=follow_up", "note=canary-note", "class=confidential", "code=123456"] {
        assert_eq!(server.as_("minusma").get(&format!("/v1/disclosures?{query}")).status, 400, "{query}");
    }
    let answer = server.as_("minusma").get("/v1/incidents");
    assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
}
