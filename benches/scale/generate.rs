//! A seeded database of any size: incidents with victims, concerns and cases, proceedings with accused and steps. Everything is
//! made up, by arithmetic over the number of each incident, so that two runs and two databases have the same rows. What is
//! sealed is random bytes of the size of a real ciphertext: lists and figures never open it.

use casque::store::Location;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;

/// Missions that the program carries, each active for ten years in the generated data.
pub const MISSIONS: [(&str, &str); 20] = [
    ("MINUSMA", "MLI"),
    ("UNIFIL", "LBN"),
    ("MINUSCA", "CAF"),
    ("MONUSCO", "COD"),
    ("UNMISS", "SSD"),
    ("UNAMID", "SDN"),
    ("UNISFA", "SDN"),
    ("UNOCI", "CIV"),
    ("UNMIL", "LBR"),
    ("MINUSTAH", "HTI"),
    ("UNMIS", "SDN"),
    ("ONUB", "BDI"),
    ("UNTAET", "TLS"),
    ("UNAMSIL", "SLE"),
    ("MONUC", "COD"),
    ("UNMIK", "SRB"),
    ("UNMEE", "ERI"),
    ("MINURCAT", "TCD"),
    ("UNFICYP", "CYP"),
    ("UNDOF", "SYR"),
];
/// States of victims; the first is that of few, so that one scope is small.
pub const STATES: [&str; 10] = ["ISL", "TCD", "GIN", "IRL", "NPL", "BGD", "SEN", "IND", "RWA", "ETH"];

/// Which database, for the few words in which they differ.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Dialect {
    Sqlite,
    Postgres,
}

impl Dialect {
    fn id(self, kind: u8, number: &str) -> String {
        match self {
            Self::Sqlite => format!("unhex(printf('%02x%030x', {kind}, {number}))"),
            Self::Postgres => format!("decode('{kind:02x}' || lpad(to_hex(({number})::bigint), 30, '0'), 'hex')"),
        }
    }

    fn day(self, after: &str) -> String {
        match self {
            Self::Sqlite => format!("date('2005-01-01', ({after}) || ' days')"),
            Self::Postgres => format!("(DATE '2005-01-01' + ({after})::integer)"),
        }
    }

    fn year(self, day: &str) -> String {
        match self {
            Self::Sqlite => format!("CAST(strftime('%Y', {day}) AS INTEGER)"),
            Self::Postgres => format!("EXTRACT(YEAR FROM {day})::integer"),
        }
    }

    fn bytes(self, size: usize) -> String {
        let hex = "5a".repeat(size);
        match self {
            Self::Sqlite => format!("X'{hex}'"),
            Self::Postgres => format!("'\\x{hex}'::bytea"),
        }
    }

    /// `SELECT …` over the numbers below `count`.
    fn over(self, count: u64) -> String {
        match self {
            Self::Sqlite => {
                format!("WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {count} - 1)")
            }
            Self::Postgres => format!("WITH n AS (SELECT i FROM generate_series(0::bigint, {count} - 1) AS i)"),
        }
    }
}

/// A choice of a list by an expression.
fn pick(list: &[&str], by: &str) -> String {
    let cases: Vec<String> = list.iter().enumerate().map(|(at, value)| format!("WHEN {at} THEN '{value}'")).collect();
    format!("CASE ({by}) % {} {} END", list.len(), cases.join(" "))
}

/// Four digits of Crockford's base 32, different for every number below 2^20.
fn suffix(number: &str) -> String {
    let mixed = format!("(({number}) * 389417 + 7) % 1048576");
    let digit = |shift: u32| {
        format!("substr('0123456789ABCDEFGHJKMNPQRSTVWXYZ', CAST(({mixed}) / {shift} % 32 AS INTEGER) + 1, 1)")
    };
    format!("{} || {} || {} || {}", digit(32_768), digit(1_024), digit(32), digit(1))
}

const ACTS: [&str; 6] =
    ["killing", "wounding", "attack_on_convoy_transport", "attack_on_premises", "abduction_hostage_taking", "assault"];
const MEANS: [&str; 6] = ["small_arms", "ied", "indirect_fire", "ambush_complex", "mine_erw", "not_known"];
const STAGES: [&str; 8] = [
    "no_information",
    "reported",
    "preliminary_enquiry",
    "investigation",
    "charged",
    "trial",
    "first_judgement",
    "appeal",
];

/// Runs SQL.
type Run = Box<dyn FnMut(&str)>;

/// Fills a migrated database, with reference data and accounts, with `count` incidents. `author` is an account's id, in
/// hexadecimal.
pub fn fill(location: &Location, count: u64, seed: u64, author: &str) {
    let (dialect, mut run): (Dialect, Run) = match location {
        Location::Sqlite(path) => {
            let mut connection = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
            connection
                .batch_execute("PRAGMA synchronous = OFF; PRAGMA cache_size = -400000; PRAGMA temp_store = MEMORY;")
                .unwrap();
            (
                Dialect::Sqlite,
                Box::new(move |sql| connection.batch_execute(sql).unwrap_or_else(|e| panic!("{e}: {sql}"))),
            )
        }
        Location::Postgres(url) => {
            let mut connection = PgConnection::establish(url).unwrap();
            (
                Dialect::Postgres,
                Box::new(move |sql| connection.batch_execute(sql).unwrap_or_else(|e| panic!("{e}: {sql}"))),
            )
        }
    };
    let d = dialect;
    let author = match d {
        Dialect::Sqlite => format!("X'{author}'"),
        Dialect::Postgres => format!("'\\x{author}'::bytea"),
    };
    let tag = d.bytes(8);
    let at = "'2025-01-01 00:00:00'";
    let at = if d == Dialect::Postgres { format!("TIMESTAMP {at}") } else { at.to_owned() };
    let missions: Vec<&str> = MISSIONS.iter().map(|(mission, _)| *mission).collect();
    let hosts: Vec<&str> = MISSIONS.iter().map(|(_, host)| *host).collect();
    let (mission, host) = (pick(&missions, "i"), pick(&hosts, "i"));
    // Each mission for ten years, each year alike.
    let day = d.day(&format!("(i / 20 % 10) * 365 + (i / 200 * 37 + {seed}) % 365"));
    let year = d.year(&day);
    let reference = format!("{mission} || '-' || {year} || '-' || {}", suffix("i"));
    let (incident, edition) = (d.id(1, "i"), d.id(2, "i"));
    let (act, means) = (pick(&ACTS, &format!("i / 7 + {seed}")), pick(&MEANS, &format!("i / 11 + {seed}")));
    // One victim or two: 1.57 on average.
    let victims = "(CASE WHEN i % 100 < 57 THEN 2 ELSE 1 END)";
    let state = |place: u32| {
        let others: Vec<&str> = STATES[1..].to_vec();
        format!(
            "CASE WHEN (i / 3 + {place}) % 1000 = 0 THEN '{}' ELSE {} END",
            STATES[0],
            pick(&others, &format!("i / 5 + {place}"))
        )
    };
    let over = d.over(count);
    let mut into = |table: &str, columns: &str, select: &str, place: &str| {
        run(&format!("INSERT INTO {table} ({columns}) {over} SELECT {select} FROM n {place};"));
    };
    into("incident", "id, reference, created_by, created_at", &format!("{incident}, {reference}, {author}, {at}"), "");
    into(
        "incident_edition",
        "id, incident_id, reference, number, status, is_current, is_released, mission, host_state, occurred_on, \
         occurred_on_precision, occurred_year, act, means, activity, perpetrator_category, others_killed, others_injured, \
         victims, killed, injured, abducted, detained, public_file, updated_at, released_at",
        &format!(
            "{edition}, {incident}, {reference}, 1, 'released', TRUE, TRUE, {mission}, {host}, {day}, 'day', {year}, {act}, \
             {means}, 'patrol', 'non_state_armed_group', 0, 0, {victims}, 1, {victims} - 1, 0, 0, FALSE, {at}, {at}"
        ),
        "",
    );
    into(
        "edition_handling",
        "edition_id, author_id, created_at, tag_confidential, tag_strictly_confidential",
        &format!("{edition}, {author}, {at}, {tag}, {tag}"),
        "",
    );
    for place in 0..2 {
        let number = format!("i * 2 + {place}");
        let (row, record) = (d.id(3, &number), d.id(4, &number));
        let only = if place == 0 { "" } else { "WHERE i % 100 < 57" };
        let outcome = if place == 0 { "killed" } else { "injured" };
        into(
            "victim",
            "id, edition_id, victim_id, handle, position, category, states, outcome, kin_notified_on, state_notified_on",
            &format!(
                "{row}, {edition}, {record}, {} || '{place}0', {place}, 'contingent_troop', {}, '{outcome}', {day}, {day}",
                suffix("i"),
                state(place)
            ),
            only,
        );
        into(
            "concern",
            "id, incident_id, victim_id, state, basis, from_at, edition_id",
            &format!("{}, {incident}, {record}, {}, 'contributor', {at}, {edition}", d.id(5, &number), state(place)),
            only,
        );
        // A name, and medical detail, which is always held.
        for field in [24, 27] {
            into(
                "sealed_value",
                "holder_id, field, record_id, bytes",
                &format!("{row}, {field}, {record}, {}", d.bytes(96)),
                only,
            );
        }
    }
    into(
        "concern",
        "id, incident_id, state, basis, from_at, edition_id",
        &format!("{}, {incident}, {host}, 'host', {at}, {edition}", d.id(8, "i")),
        "",
    );
    into(
        "sealed_value",
        "holder_id, field, record_id, bytes",
        &format!("{edition}, 4, {incident}, {}", d.bytes(160)),
        "",
    );
    // Two incidents of five have a case, every fourth case a proceeding with one accused and two steps.
    let (case, stage) = (d.id(9, "i"), pick(&STAGES, &format!("i / 13 + {seed}")));
    into(
        "case_file",
        "id, reference, mission, status, opened_on, information_status, stage_furthest, stage_current, tag_confidential, \
         created_by, created_at, updated_at",
        &format!(
            "{case}, 'C-' || {reference}, {mission}, 'open', {day}, 'acknowledged_only', {stage}, {stage}, {tag}, {author}, \
             {at}, {at}"
        ),
        "WHERE i / 200 % 5 < 2",
    );
    into(
        "case_incident",
        "case_id, incident_id, status, since",
        &format!("{case}, {incident}, 'accepted', {at}"),
        "WHERE i / 200 % 5 < 2",
    );
    let proceedings = "WHERE i / 200 % 20 < 2";
    let (proceeding, accused) = (d.id(10, "i"), d.id(11, "i"));
    into(
        "proceeding",
        "id, reference, state, authority, forum, jurisdiction, opened_on, opened_on_precision, obstacles, stage_furthest, \
         stage_current, tag_confidential, tag_strictly_confidential, created_by, created_at, updated_at, decided_at, \
         status",
        &format!(
            "{proceeding}, 'P-' || {host} || '-' || {year} || '-' || {}, {host}, 'MADE-UP COURT', 'ordinary', 'territorial', \
             {day}, 'day', '', {stage}, {stage}, {tag}, {tag}, {author}, {at}, {at}, {at}, 'accepted'",
            suffix("i")
        ),
        proceedings,
    );
    into("proceeding_case", "proceeding_id, case_id", &format!("{proceeding}, {case}"), proceedings);
    into(
        "accused",
        "id, proceeding_id, number, stage_furthest, stage_current, outcome, in_absentia, detention, recorded_at, \
         handle, status",
        &format!(
            "{accused}, {proceeding}, 1, {stage}, {stage}, 'pending', FALSE, 'not_known', {at}, 'AAAAAA', 'accepted'"
        ),
        proceedings,
    );
    into("accused_incident", "accused_id, incident_id", &format!("{accused}, {incident}"), proceedings);
    for (kind, number) in [("stage_reached", 12), ("hearing", 13)] {
        let stage = if kind == "stage_reached" { stage.clone() } else { "NULL".into() };
        into(
            "step",
            "id, handle, proceeding_id, accused, kind, happened_on, happened_on_precision, stage, status, submitted_by, \
             submitted_at, recorded_at",
            &format!(
                "{}, {} || '{}', {proceeding}, 1, '{kind}', {day}, 'day', {stage}, 'accepted', {author}, {at}, {at}",
                d.id(number, "i"),
                suffix("i"),
                number
            ),
            proceedings,
        );
    }
    // Tallies are made anew by the first node that keeps the house.
    run("DELETE FROM tally_change; DELETE FROM tally; UPDATE heartbeat SET value = 0 WHERE name = 'tally';");
    if d == Dialect::Postgres {
        run("VACUUM ANALYZE;");
    } else {
        run("PRAGMA wal_checkpoint(TRUNCATE);");
    }
}
