//! Counts, and the year's figures, on the whole sample.

use casque::briefing::figures;
use casque::policy::Scope;
use serde_json::json;

use crate::harness::TestServer;

#[test]
fn counts_say_what_paging_through_the_list_would() {
    let server = TestServer::with_sample();
    let counted = |who: &str, query: &str| {
        let answer = server.as_(who).get(&format!("/v1/statistics?{query}"));
        assert_eq!(answer.status, 200, "{}", answer.text);
        let cells = answer.json()["cells"].as_array().unwrap().clone();
        cells.iter().map(|cell| cell["count"].as_u64().unwrap()).sum::<u64>()
    };
    for who in ["verifier", "minusma", "mali", "ireland", "iceland"] {
        let mut listed = 0;
        let mut path = "/v1/incidents?limit=200&status=released".to_owned();
        loop {
            let page = server.as_(who).get(&path);
            listed += page.references().len() as u64;
            match page.header("link") {
                Some(link) => path = link.split(['<', '>']).nth(1).unwrap().to_owned(),
                None => break,
            }
        }
        assert_eq!(counted(who, "unit=incidents"), listed, "{who}");
        assert_eq!(counted(who, "unit=incidents&by=mission,year"), listed, "{who}");
    }
    assert_eq!(counted("iceland", "unit=victims"), 0);
    assert!(counted("ireland", "unit=victims&mission=UNIFIL") >= 20, "nationals of Ireland");
    let all = server.as_("ireland").get("/v1/statistics?unit=victims&by=mission").json();
    assert_eq!(all["scope"], "records that concern IRL");
}

#[test]
fn a_unit_has_its_own_dimensions_and_values_are_read_as_what_they_are() {
    let server = TestServer::start();
    for (query, pointer) in [
        ("unit=nothing", "/unit"),
        ("unit=incidents&by=stage", "/by"),
        ("unit=incidents&stage=trial", "/stage"),
        ("unit=incidents&by=mission,mission", "/by"),
        ("unit=incidents&act=nonsense", "/act"),
        ("unit=incidents&year=last", "/year"),
        ("unit=incidents&mission=NOWHERE", "/mission"),
        ("unit=accused&in_absentia=perhaps", "/in_absentia"),
    ] {
        let answer = server.as_("verifier").get(&format!("/v1/statistics?{query}"));
        assert_eq!((answer.status, answer.pointers()), (400, vec![pointer.to_owned()]), "{query}: {}", answer.text);
    }
    assert_eq!(server.as_("verifier").get("/v1/statistics?unit=incidents&by=mission").json()["cells"], json!([]));
}

#[test]
fn every_years_stock_and_flow_reconciles_and_follows_from_the_year_before() {
    let server = TestServer::with_sample();
    let mut before = None;
    for year in 2012..=2026 {
        let of = server.store.read(&Scope::Everything, |r| figures(r, year, r.now())).unwrap();
        let flow = &of.cases.flow;
        assert!(of.cases.reconciles, "{year}");
        if let Some(before) = before {
            assert_eq!(flow.open_at_start, before, "{year}");
        }
        before = Some(flow.open_at_end);
    }
    let quiet =
        server.store.read(&Scope::Everything, |r| figures(r, 2022, chrono::DateTime::UNIX_EPOCH.naive_utc())).unwrap();
    assert_eq!(quiet.by_mission.total.incidents, 0, "nothing was recorded by then");
}
