//! Signing in with a provider of single sign-on, which the test starts: OpenID Connect on the loopback.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::pkcs8::EncodePrivateKey;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::node::{Node, embedded};

/// What the provider answers for a code: who it is, and the challenge and nonce with which it was asked.
#[derive(Clone)]
struct Granted {
    subject: String,
    nonce: String,
    challenge: String,
}

/// A provider that vouches for whomever the test says.
#[derive(Clone)]
struct Provider {
    issuer: String,
    granted: Arc<Mutex<HashMap<String, Granted>>>,
    /// What it puts into tokens in place of what is true.
    lies: Arc<Mutex<Value>>,
    /// Blanks that it puts behind its answers.
    padding: Arc<Mutex<usize>>,
    key: Arc<ed25519_dalek::SigningKey>,
}

impl Provider {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let key = Arc::new(ed25519_dalek::SigningKey::from_bytes(&rand::random()));
        let provider = Self {
            issuer,
            granted: Arc::default(),
            lies: Arc::new(Mutex::new(json!({}))),
            padding: Arc::default(),
            key,
        };
        let here = provider.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                here.answer(stream.unwrap());
            }
        });
        provider
    }

    fn answer(&self, mut stream: TcpStream) {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let mut length = 0;
        loop {
            let mut header = String::new();
            reader.read_line(&mut header).unwrap();
            if header.trim().is_empty() {
                break;
            }
            if let Some(value) = header.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        let path = line.split_whitespace().nth(1).unwrap_or_default().to_owned();
        let (status, answer) = match path.as_str() {
            "/.well-known/openid-configuration" => (
                200,
                json!({
                    "issuer": self.issuer, "authorization_endpoint": format!("{}/authorize", self.issuer),
                    "token_endpoint": format!("{}/token", self.issuer), "jwks_uri": format!("{}/keys", self.issuer),
                    "response_types_supported": ["code"], "subject_types_supported": ["public"],
                    "id_token_signing_alg_values_supported": ["EdDSA"],
                }),
            ),
            "/keys" => {
                let public = URL_SAFE_NO_PAD.encode(self.key.verifying_key().as_bytes());
                (
                    200,
                    json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": "1", "x": public}]}),
                )
            }
            "/token" => self.token(&body),
            _ => (404, json!({})),
        };
        let padding = if path == "/token" { *self.padding.lock().unwrap() } else { 0 };
        let text = format!("{answer}{}", " ".repeat(padding));
        let head = format!(
            "HTTP/1.1 {status} .\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            text.len()
        );
        let _ = stream.write_all(format!("{head}{text}").as_bytes());
    }

    fn token(&self, body: &[u8]) -> (u16, Value) {
        let asked: HashMap<String, String> = url::form_urlencoded::parse(body).into_owned().collect();
        let granted = self.granted.lock().unwrap().remove(asked.get("code").map_or("", String::as_str));
        let verifier = asked.get("code_verifier").cloned().unwrap_or_default();
        let fits = |granted: &Granted| URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes())) == granted.challenge;
        let Some(granted) = granted.filter(fits) else { return (400, json!({"error": "invalid_grant"})) };
        let now = chrono::Utc::now().timestamp();
        let mut claims = json!({"iss": self.issuer, "aud": "casque", "sub": granted.subject, "nonce": granted.nonce,
            "iat": now, "exp": now + 300});
        for (name, lie) in self.lies.lock().unwrap().as_object().unwrap() {
            claims[name] = lie.clone();
        }
        let mut header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::EdDSA);
        header.kid = Some("1".into());
        let key = self.key.to_pkcs8_der().unwrap();
        let key = jsonwebtoken::EncodingKey::from_ed_der(key.as_bytes());
        let token = jsonwebtoken::encode(&header, &claims, &key).unwrap();
        (200, json!({"access_token": "of no use here", "token_type": "Bearer", "expires_in": 300, "id_token": token}))
    }

    /// The person signs in on the provider's page: what it sends them back with.
    fn authorize(&self, page: &str, subject: &str) -> (String, String) {
        let asked: HashMap<String, String> = url::Url::parse(page).unwrap().query_pairs().into_owned().collect();
        assert_eq!((asked["client_id"].as_str(), asked["code_challenge_method"].as_str()), ("casque", "S256"));
        assert_eq!(asked["redirect_uri"], "http://127.0.0.1:9/signed-in");
        let code = format!("code-{}", rand::random::<u64>());
        let granted = Granted {
            subject: subject.to_owned(),
            nonce: asked["nonce"].clone(),
            challenge: asked["code_challenge"].clone(),
        };
        self.granted.lock().unwrap().insert(code.clone(), granted);
        (code, asked["state"].clone())
    }
}

#[test]
fn whom_the_provider_vouches_for_signs_in_as_the_account_that_two_administrators_agreed_on() {
    let folder = tempfile::tempdir().unwrap();
    let accounts = embedded(folder.path());
    let provider = Provider::start();
    let data = folder.path().to_str().unwrap();
    let node = Node::start(&[
        "--data",
        data,
        "--oidc-issuer",
        &provider.issuer,
        "--oidc-client",
        "casque",
        "--oidc-redirect",
        "http://127.0.0.1:9/signed-in",
    ]);
    let anyone = node.client(None);
    let begin = || {
        let begun = anyone.post("/v1/sessions/single-sign-on", &json!({}));
        assert_eq!(begun.status, 201, "{}", begun.text);
        begun.json()
    };
    let complete = |begun: &Value, state: &str, code: &str, factor: Option<&str>| {
        let mut body = json!({"sign_on": begun["sign_on"], "state": state, "authorization_code": code});
        if let Some(factor) = factor {
            body["code"] = json!(factor);
        }
        anyone.post("/v1/sessions/single-sign-on/completion", &body)
    };
    let signed_in = |subject: &str, factor: Option<&str>| {
        let begun = begin();
        let (code, state) = provider.authorize(begun["page"].as_str().unwrap(), subject);
        complete(&begun, &state, &code, factor)
    };
    let wrong = anyone.post("/v1/sessions", &json!({"email": "mali@casque.example", "password": "not the password"}));
    let refused = signed_in("person-1", None);
    assert_eq!((refused.status, &refused.text), (401, &wrong.text), "nobody's account here");

    // The administrator asks, the deputy agrees: who is vouched for is part of an account's rights.
    let administrator = node.sign_in(&accounts, "administrator");
    let mali = node.client(Some(&administrator)).get("/v1/accounts?role=member_state&state=MLI&limit=200").json();
    let mali =
        mali["items"].as_array().unwrap().iter().find(|one| one["email"] == "mali@casque.example").unwrap().clone();
    let known_as = format!("{} person-1", provider.issuer);
    let change =
        json!({"role": "member_state", "state": "MLI", "state_function": "proposer", "single_sign_on": known_as});
    let path = format!("/v1/accounts/{}/changes", mali["id"].as_str().unwrap());
    let asked = node.client(Some(&administrator)).post(&path, &change);
    assert_eq!(asked.status, 200, "{}", asked.text);
    let waiting = asked.json()["waiting"].as_str().expect("it waits for a second administrator").to_owned();
    assert_eq!(signed_in("person-1", None).status, 401, "not yet");
    let deputy = node.sign_in(&accounts, "deputy");
    let decision = format!("/v1/account-changes/{waiting}/decision");
    let decided = node.prove(&accounts, "deputy", &deputy, &decision, &json!({"approve": true}));
    assert_eq!(
        (decided.status, &decided.json()["after"]["single_sign_on"]),
        (200, &json!(known_as)),
        "{}",
        decided.text
    );
    let other =
        json!({"email": "other@casque.example", "name": "Other", "role": "auditor", "single_sign_on": known_as});
    assert_eq!(node.client(Some(&administrator)).post("/v1/accounts", &other).status, 409, "one account is one person");

    assert_eq!(signed_in("person-1", None).status, 401, "the second factor is asked for here");
    let secret = &accounts.iter().find(|account| account.email.starts_with("mali")).unwrap().totp_secret;
    let factor = casque::identity::code_at(secret, casque::identity::step_at(chrono::Utc::now().naive_utc())).unwrap();
    let pair = signed_in("person-1", Some(&factor));
    assert_eq!(pair.status, 201, "{}", pair.text);
    let me = node.client(pair.json()["access_token"].as_str()).get("/v1/me").json();
    assert_eq!(me["email"], "mali@casque.example");
    assert_eq!(signed_in("person-1", Some(&factor)).status, 401, "a code is good once");

    // What somebody else brings, or brings twice, or what is not vouched for, is refused as a wrong password is.
    let (mine, theirs) = (begin(), begin());
    let (code, state) = provider.authorize(mine["page"].as_str().unwrap(), "person-1");
    assert_eq!(complete(&theirs, &state, &code, None).status, 401, "begun by another");
    let mut altered = mine.clone();
    altered["sign_on"] = json!(format!("A{}", &mine["sign_on"].as_str().unwrap()[1..]));
    assert_eq!(complete(&altered, &state, &code, None).status, 401);
    // Good once, whatever the provider says to a second.
    let twice = begin();
    let (first, state) = provider.authorize(twice["page"].as_str().unwrap(), "person-1");
    let (second, _) = provider.authorize(twice["page"].as_str().unwrap(), "person-1");
    assert_eq!(complete(&twice, &state, &first, Some("000000")).status, 401);
    let next = casque::identity::step_at(chrono::Utc::now().naive_utc()) + 1;
    let good = casque::identity::code_at(secret, next).unwrap();
    assert_eq!(complete(&twice, &state, &second, Some(&good)).status, 401);
    // The audit log says why: without a lie it is the code of the second factor, with one what the provider said.
    let auditor = node.client(Some(&node.sign_in(&accounts, "auditor")));
    let why = || {
        let entries = auditor.get("/v1/audit?action=session.refuse&limit=1").json();
        entries["items"][0]["entry"]["detail"]["why"].as_str().unwrap_or_default().to_owned()
    };
    assert_eq!((signed_in("person-1", Some("000000")).status, why().as_str()), (401, "code"));
    for lie in [
        json!({"nonce": "another"}),
        json!({"aud": "another"}),
        json!({"iss": "https://another.example"}),
        json!({"exp": 1_000_000_000}),
    ] {
        *provider.lies.lock().unwrap() = lie.clone();
        assert_eq!((signed_in("person-1", Some("000000")).status, why().as_str()), (401, "single_sign_on"), "{lie}");
    }
    *provider.lies.lock().unwrap() = json!({});
    // An answer without end is not read to it.
    *provider.padding.lock().unwrap() = 64 << 20;
    assert_eq!(signed_in("person-1", Some("000000")).status, 503);
    *provider.padding.lock().unwrap() = 0;
    // Whoever is not known as that person any more is signed out: one administrator is enough for that.
    let mine = node.client(pair.json()["access_token"].as_str());
    let untied = json!({"role": "member_state", "state": "MLI", "state_function": "proposer"});
    assert_eq!(node.client(Some(&administrator)).post(&path, &untied).json()["waiting"], Value::Null);
    super::node::until(std::time::Duration::from_secs(5), || mine.get("/v1/me").status == 401);
    assert_eq!(signed_in("person-1", Some("000000")).status, 401);

    let mut verify = std::process::Command::new(env!("CARGO_BIN_EXE_casque"));
    let entries = crate::harness::process::output(verify.args(["audit", "verify", "--data", data]));
    assert!(entries.status.success());
    node.terminate();
    let node = Node::start(&["--data", data]);
    assert_eq!(node.client(None).post("/v1/sessions/single-sign-on", &json!({})).status, 404, "no provider is named");
    node.terminate();
}
