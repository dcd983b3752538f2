//! Generated hostile requests: every route, with what a client should not send, as everybody. No answer holds a canary, in whatever
//! form, and none is a failure. A seed makes a run repeatable; `CASQUE_HOSTILE=1000000` makes it as long as one likes.

use std::io::{BufRead, BufReader, Cursor, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::harness::{TestServer, setting};
use crate::promises::canaries::plant;

/// Requests in an ordinary run.
const USUAL: u64 = 4_000;

/// A seeded source of choices (SplitMix64).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, most: usize) -> usize {
        usize::try_from(self.next() % most as u64).unwrap()
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }
}

/// One kept connection, in plain bytes, so that anything can be sent.
struct Wire {
    address: String,
    stream: Option<BufReader<TcpStream>>,
}

/// What came back: status, head and body; nothing where the server hung up.
type Came = Option<(u16, String, Vec<u8>)>;

impl Wire {
    fn ask(&mut self, request: &[u8], has_body: bool) -> Came {
        if self.stream.is_none() {
            let stream = TcpStream::connect(&self.address).unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
            stream.set_nodelay(true).unwrap();
            self.stream = Some(BufReader::new(stream));
        }
        let came = self.try_ask(request, has_body);
        let closes = came.as_ref().is_none_or(|(_, head, _)| head.to_ascii_lowercase().contains("connection: close"));
        if closes {
            self.stream = None;
        }
        came
    }

    fn try_ask(&mut self, request: &[u8], has_body: bool) -> Came {
        let stream = self.stream.as_mut()?;
        stream.get_mut().write_all(request).ok()?;
        let (mut head, mut line) = (String::new(), Vec::new());
        loop {
            line.clear();
            if stream.read_until(b'\n', &mut line).ok()? == 0 {
                return None;
            }
            if line == b"\r\n" {
                break;
            }
            head.push_str(&String::from_utf8_lossy(&line));
        }
        let status: u16 = head.split(' ').nth(1)?.parse().ok()?;
        let lower = head.to_ascii_lowercase();
        let mut body = Vec::new();
        if !has_body || [204, 304].contains(&status) {
            return Some((status, head, body));
        }
        if lower.contains("transfer-encoding: chunked") {
            loop {
                line.clear();
                stream.read_until(b'\n', &mut line).ok()?;
                let size = usize::from_str_radix(std::str::from_utf8(&line).ok()?.trim(), 16).ok()?;
                let mut chunk = vec![0; size + 2];
                stream.read_exact(&mut chunk).ok()?;
                body.extend_from_slice(&chunk[..size]);
                if size == 0 {
                    break;
                }
            }
        } else {
            let length = lower.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
            body = vec![0; length.unwrap_or(0)];
            stream.read_exact(&mut body).ok()?;
        }
        Some((status, head, body))
    }
}

const GARBAGE: [&str; 24] = [
    "",
    "0",
    "-1",
    "null",
    "true",
    "NaN",
    "%00",
    "%2e%2e%2f",
    "..%2f..%2fetc%2fpasswd",
    "'%20OR%201=1--",
    "%27%3BDROP%20TABLE%20incident%3B--",
    "*",
    "%25",
    "_",
    "{\"$gt\":\"\"}",
    "[]",
    "9999999999999999999999",
    "MINUSMA-2022-0000",
    "%F0%9F%92%A9",
    "%E2%80%AE",
    "a%0d%0aX-Injected:%201",
    "${jndi:ldap://127.0.0.1/x}",
    "{{7*7}}",
    "%ff%fe",
];

const METHODS: [&str; 12] =
    ["GET", "GET", "GET", "GET", "POST", "POST", "PATCH", "PUT", "DELETE", "HEAD", "OPTIONS", "TRACE"];

/// Members and parameters that there are, and some that there are not.
const NAMES: [&str; 53] = [
    "mission",
    "status",
    "state",
    "act",
    "means",
    "from",
    "to",
    "limit",
    "after",
    "format",
    "edition",
    "as",
    "by",
    "unit",
    "fields",
    "sort",
    "search",
    "q",
    "filter",
    "expand",
    "include",
    "name",
    "name[starts_with]",
    "victims.name",
    "narrative",
    "exact_place",
    "coordinates",
    "index_number",
    "medical_detail",
    "aliases",
    "identifiers",
    "sources",
    "notes",
    "strategy",
    "rank",
    "sex",
    "court_file_number",
    "withheld_from",
    "hold_reason",
    "role",
    "graded",
    "noticas_id",
    "review_due",
    "waiting",
    "class",
    "incident",
    "reason",
    "reason_fields",
    "reason_note",
    "status",
    "accused",
    "clear",
    "code",
];

const VALUES: [&str; 22] = [
    "MINUSMA",
    "UNIFIL",
    "MLI",
    "TCD",
    "released",
    "working",
    "csv",
    "xlsx",
    "json",
    "geojson",
    "1",
    "200",
    "201",
    "2022-03-04",
    "victims",
    "mission,year",
    "name",
    "killed",
    "confidential",
    "strictly_confidential",
    "administrator",
    "true",
];

const HEADERS: [&str; 22] = [
    "Accept: text/csv",
    "Accept: application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "Accept: application/xml",
    "Accept: */*;q=0",
    "If-None-Match: *",
    "If-None-Match: \"00000000000000000000000000000000\"",
    "If-Match: *",
    "If-Match: \"x\"",
    "Range: bytes=0-10",
    "X-HTTP-Method-Override: DELETE",
    "X-Forwarded-For: 127.0.0.1",
    "X-Original-URL: /v1/audit",
    "X-Forwarded-Host: elsewhere.example",
    "Idempotency-Key: aaaaaaaaaaaaaaaa",
    "Idempotency-Key: short",
    "Content-Encoding: gzip",
    "Expect: 100-continue",
    "Origin: https://elsewhere.example",
    "Cookie: role=administrator",
    "Accept-Language: ar, zh;q=0.5",
    "traceparent: 00-00000000000000000000000000000000-0000000000000000-00",
    "Prefer: return=representation",
];

const TYPES: [&str; 7] = [
    "application/json",
    "application/json",
    "application/json",
    "application/merge-patch+json",
    "text/csv",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
];

fn value(dice: &mut Dice, deep: usize) -> String {
    match dice.below(if deep > 3 { 7 } else { 10 }) {
        0 => "null".into(),
        1 => "true".into(),
        2 => format!("{}", dice.next().cast_signed()),
        3 => "1e999".into(),
        4 => format!("\"{}\"", dice.pick(&VALUES)),
        5 => "{\"withheld\":\"confidential\",\"held\":true}".into(),
        6 => format!("\"{}\"", "x".repeat(dice.below(3_000))),
        7 => format!("[{},{}]", value(dice, deep + 1), value(dice, deep + 1)),
        8 => format!("{{\"{}\":{}}}", dice.pick(&NAMES), value(dice, deep + 1)),
        _ => format!("{}1{}", "[".repeat(200), "]".repeat(200)),
    }
}

fn body(dice: &mut Dice, records: &[String]) -> String {
    let record = dice.pick(records).trim_start_matches("/v1/").to_owned();
    match dice.below(12) {
        0 => String::new(),
        1 => "{".into(),
        2 => value(dice, 0),
        3 => format!(
            "{{\"record\":\"{record}\",\"class\":\"confidential\",\"purpose\":\"verification\",\"code\":\"x\"}}"
        ),
        4 => format!(
            "{{\"record\":\"{record}\",\"class\":\"strictly_confidential\",\"purpose\":\"verification\",\"emergency\":true,\"note\":\"x\",\"code\":\"12345\"}}"
        ),
        5 => format!(
            "{{\"records\":[\"{record}\"],\"class\":\"confidential\",\"purpose\":\"verification\",\"format\":\"csv\",\"code\":\"\"}}"
        ),
        6 => "{\"to\":\"submitted\",\"to\":\"released\"}".into(),
        7 => {
            let status = dice.pick(&["accepted", "returned", "withdrawn", "proposed"]);
            let pointer = dice.pick(&["/narrative", "/victims/000000/name", "canary", "/", ""]);
            format!(
                "{{\"status\":\"{status}\",\"reason\":\"unclear\",\"reason_note\":\"x\",\
                 \"reason_fields\":[{{\"pointer\":\"{pointer}\",\"reason\":{}}}]}}",
                value(dice, 0)
            )
        }
        8 => {
            let to = dice.pick(&["returned", "withdrawn", "released", "closed", "verified"]);
            format!("{{\"to\":\"{to}\",\"on\":\"2023-02-01\",\"reason\":\"other\",\"reason_note\":{}}}", value(dice, 0))
        }
        9 => {
            let reference = record.rsplit('/').next().unwrap_or_default().to_owned();
            format!("{{\"incident\":\"{reference}\",\"code\":\"{}\"}}", dice.below(1_000_000))
        }
        _ => {
            let members: Vec<String> =
                (0..dice.below(6)).map(|_| format!("\"{}\":{}", dice.pick(&NAMES), value(dice, 0))).collect();
            format!("{{{}}}", members.join(","))
        }
    }
}

fn path(dice: &mut Dice, routes: &[String], records: &[String]) -> String {
    let mut path = if dice.one_in(2) { dice.pick(records).clone() } else { dice.pick(routes).clone() };
    while let (Some(open), Some(close)) = (path.find('{'), path.find('}')) {
        let filled = if dice.one_in(3) {
            dice.pick(&GARBAGE).to_string()
        } else {
            dice.pick(records).rsplit('/').next().unwrap().to_owned()
        };
        path.replace_range(open..=close, &filled.replace(['{', '}'], "x"));
    }
    match dice.below(24) {
        0 => path.push('/'),
        1 => path = path.replacen("/v1/", "/v1//", 1),
        2 => path = path.to_uppercase(),
        3 => path = path.replacen("/v1/", "/v1/./", 1),
        4 => path = path.replacen("/v1/", "/v2/../v1/", 1),
        5 => path.push_str(TAILS[dice.below(TAILS.len())]),
        6 => path = format!("{path}/{}", dice.pick(&GARBAGE)),
        _ => {}
    }
    let pairs: Vec<String> = (0..dice.below(5).saturating_sub(1))
        .map(|_| {
            if dice.one_in(2) {
                return dice.pick(&GOOD).to_string();
            }
            let value = if dice.one_in(3) { dice.pick(&GARBAGE) } else { dice.pick(&VALUES) };
            format!("{}={value}", dice.pick(&NAMES))
        })
        .collect();
    if !pairs.is_empty() {
        path = format!("{path}?{}", pairs.join("&"));
    }
    path.replace(' ', "%20")
}

/// Parameters that lists take, so that the hostile ones are sometimes beside them.
const GOOD: [&str; 12] = [
    "format=csv",
    "format=xlsx",
    "format=json",
    "limit=1",
    "limit=200",
    "mission=MINUSMA",
    "edition=released",
    "as=MLI",
    "as=TCD",
    "unit=victims",
    "by=mission,year",
    "from=2020-01-01",
];

const TAILS: [&str; 8] = ["/history", "/victims", "/suspects", "/steps", "/accused", "/source-rows", ".csv", ";x=1"];

/// Whether bytes hold a canary, as they are or in the files that they pack.
fn holds_a_canary(bytes: &[u8]) -> bool {
    let in_plain = |bytes: &[u8]| bytes.windows(7).any(|window| window == b"canary-");
    if bytes.starts_with(b"PK") {
        let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
        return (0..archive.len()).any(|at| {
            let mut file = Vec::new();
            archive.by_index(at).unwrap().read_to_end(&mut file).unwrap();
            in_plain(&file)
        });
    }
    in_plain(bytes)
}

#[test]
fn no_generated_request_brings_a_canary_or_a_failure() {
    let (wanted, seed) = (setting("CASQUE_HOSTILE").unwrap_or(USUAL), setting("CASQUE_SEED").unwrap_or(2589));
    let server = TestServer::start();
    let incident = plant(&server);
    server.release("minusma", &incident);
    let shown = server.as_("minusma").get(&format!("/v1/incidents/{incident}"));
    let edit = serde_json::json!({"narrative": "canary-second-narrative"});
    server.as_("minusma").patch(&format!("/v1/incidents/{incident}"), &edit, shown.etag());
    server.settle_audit();
    let opened = server.opened();
    let mut records = vec![format!("/v1/incidents/{incident}")];
    for child in ["victims", "suspects"] {
        let listed = server.as_("minusma").get(&format!("/v1/incidents/{incident}/{child}")).json();
        let handles = listed["items"].as_array().unwrap().iter();
        records
            .extend(handles.map(|one| format!("/v1/incidents/{incident}/{child}/{}", one["handle"].as_str().unwrap())));
    }
    for list in crate::nouns::lists().filter(|list| *list != "incidents") {
        let listed = server.as_("verifier").get(&format!("/v1/{list}")).references();
        records.extend(listed.iter().map(|one| format!("/v1/{list}/{one}")));
    }
    // Signing people out, or their accounts' doings, would only make the rest of the run a stranger's.
    let ends = |method: &str, path: &str| {
        let path = path.to_ascii_lowercase();
        (method != "GET" && path.contains("account"))
            || (method == "DELETE" && path.contains("session"))
            || path.contains("/me/")
    };
    let routes: Vec<String> =
        server.routes().into_iter().map(|(_, route)| route).filter(|route| !route.starts_with("/docs")).collect();
    let people: Vec<String> = server.accounts().iter().map(|account| account.email.clone()).collect();
    let mut dice = Dice(seed);
    let mut wire = Wire { address: server.address.trim_start_matches("http://").to_owned(), stream: None };
    let mut statuses = std::collections::BTreeMap::<u16, u64>::new();
    let mut tokens: Vec<String> = Vec::new();
    for at in 0..wanted {
        if at % 20_000 == 0 {
            // What a node does by itself all the time; and tokens live for a quarter of an hour.
            server.regular();
            tokens = people.iter().map(|who| server.as_(who).token().unwrap().to_owned()).collect();
            if at > 0 {
                eprintln!("{at} requests of seed {seed}: {statuses:?}");
            }
        }
        let method = *dice.pick(&METHODS);
        let path = path(&mut dice, &routes, &records);
        if ends(method, &path) {
            continue;
        }
        let who = dice.below(people.len());
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: casque\r\n");
        match dice.below(12) {
            0 => {}
            1 => head.push_str("Authorization: Bearer eyJhbGciOiJub25lIn0.e30.\r\n"),
            2 => head.push_str("Authorization: Basic YWRtaW46YWRtaW4=\r\n"),
            _ => head.push_str(&format!("Authorization: Bearer {}\r\n", tokens[who])),
        }
        for _ in 0..dice.below(3) {
            let header = dice.pick(&HEADERS);
            if !header.starts_with("Expect") {
                head.push_str(&format!("{header}\r\n"));
            }
        }
        let body = if method == "GET" || method == "HEAD" { String::new() } else { body(&mut dice, &records) };
        if !body.is_empty() {
            head.push_str(&format!("Content-Type: {}\r\n", dice.pick(&TYPES)));
        }
        let request = format!("{head}Content-Length: {}\r\n\r\n{body}", body.len());
        let Some((status, head, came)) = wire.ask(request.as_bytes(), method != "HEAD") else {
            *statuses.entry(0).or_default() += 1;
            continue;
        };
        *statuses.entry(status).or_default() += 1;
        let held = holds_a_canary(&came) || holds_a_canary(head.as_bytes());
        assert!(
            !held,
            "request {at} of seed {seed}, as {}: {request}\n{head}{}",
            people[who],
            String::from_utf8_lossy(&came)
        );
        assert!(
            status < 500,
            "request {at} of seed {seed}, as {}: {request}\n{head}{}",
            people[who],
            String::from_utf8_lossy(&came)
        );
    }
    eprintln!("{wanted} requests of seed {seed}: {statuses:?}");
    assert!(statuses.keys().filter(|status| **status >= 400).count() >= 8, "hostile enough: {statuses:?}");
    assert!(statuses.get(&200).is_some_and(|answered| *answered > wanted / 50), "and let in: {statuses:?}");
    assert_eq!(server.opened(), opened, "nothing was opened");
}
