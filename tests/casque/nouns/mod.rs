//! One file a noun: the API's contract, tried. A noun's file has its [`Fixture`] too: what the tests of every noun ask of it.

mod account;
mod assistance;
mod audit;
mod briefing;
mod case;
mod clearing;
mod contribution;
mod disclosure;
mod duplicate;
mod export;
mod follow_up;
mod import;
mod incident;
mod matching;
mod measure;
mod modes;
mod proceeding;
mod reference;
mod related;
mod session;
mod statistics;
mod task;
mod victim;

use casque::domain::Noun;
use serde_json::{Value, json};

use crate::harness::{TestServer, ambush};

/// What a record may be about.
#[derive(Debug, Clone)]
pub struct About {
    /// Reference of a case that concerns the host State.
    pub case: String,
}

/// A released incident with a case over it.
pub fn scene(server: &TestServer) -> About {
    let incident = server.report("minusma", &ambush());
    server.release("minusma", &incident);
    let case = json!({"mission": "MINUSMA", "opened_on": "2022-03-20", "incidents": [incident]});
    let made = server.as_("minusma").post("/v1/cases", &case);
    assert_eq!(made.status, 201, "{}", made.text);
    About { case: made.json()["reference"].as_str().unwrap().to_owned() }
}

/// Posts a record; gives its path.
pub fn recorded(server: &TestServer, who: &str, path: &str, body: &Value) -> String {
    let made = server.as_(who).post(path, body);
    assert_eq!(made.status, 201, "{path}: {}", made.text);
    format!("{path}/{}", made.json()["reference"].as_str().unwrap())
}

/// What the tests of every noun ask of one that is a record of its own: canaries, access, files, hostile requests.
#[derive(Clone, Copy)]
pub struct Fixture {
    /// Who records it.
    pub by: &'static str,
    /// A new record, with a canary in every sealed field that people type.
    pub new: fn(&About) -> Value,
    /// A change of it that is accepted.
    pub edit: fn() -> Value,
    /// Has the host State propose what another officer decides on; gives the path of the record that waits.
    pub propose: Option<fn(&TestServer, &About) -> String>,
    /// Why one person is enough to record it, where nobody decides; and to change it.
    pub alone: [&'static str; 2],
    /// Ends of further GET routes below `/v1/…`.
    pub reads: &'static [&'static str],
    /// Further routes below `/v1/…/{reference}`.
    pub more: &'static [Further],
}

/// A further route of a noun: its end, what is sent, and why one person is enough.
pub type Further = (&'static str, fn() -> Value, &'static str);

/// The fixture of a noun. Incidents with what belongs to them, cases and proceedings stand in every test's own scene.
pub fn fixture(noun: Noun) -> Option<Fixture> {
    match noun {
        Noun::Assistance => Some(assistance::FIXTURE),
        Noun::Measure => Some(measure::FIXTURE),
        Noun::FollowUp => Some(follow_up::FIXTURE),
        Noun::Contribution => Some(contribution::FIXTURE),
        Noun::Incident
        | Noun::Victim
        | Noun::Suspect
        | Noun::Case
        | Noun::Proceeding
        | Noun::Accused
        | Noun::Step
        | Noun::Disclosure => None,
    }
}

/// The nouns that have a fixture.
pub fn fixtures() -> impl Iterator<Item = (Noun, Fixture)> {
    <Noun as strum::VariantArray>::VARIANTS.iter().filter_map(|noun| Some((*noun, fixture(*noun)?)))
}

/// Paths of the lists of records of their own.
pub fn lists() -> impl Iterator<Item = &'static str> {
    <Noun as strum::VariantArray>::VARIANTS.iter().filter(|noun| noun.spec().openable).map(|noun| noun.path())
}

/// The noun of a route, with the end of the route below `/v1/…/{reference}`.
pub fn of_route(route: &str) -> Option<(Noun, Fixture, &str)> {
    let (path, rest) = route.strip_prefix("/v1/")?.split_once('/').unwrap_or((route.strip_prefix("/v1/")?, ""));
    let (noun, fixture) = fixtures().find(|(noun, _)| noun.path() == path)?;
    Some((noun, fixture, rest.strip_prefix("{reference}").unwrap_or(rest)))
}
