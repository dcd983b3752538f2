//! A node that answers over TLS by itself.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned, SupportedProtocolVersion};

use super::node::{Node, embedded};
use crate::harness::process::output;

/// A made-up certificate for localhost, which nobody signed, and its key.
fn certificate(folder: &Path) -> (String, String) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (certificate, key) = (folder.join("certificate.pem"), folder.join("key.pem"));
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    (certificate.display().to_string(), key.display().to_string())
}

/// Asks over TLS for what needs no token; none when the two do not agree.
fn asked(address: &str, trusted: Option<&str>, version: &'static SupportedProtocolVersion) -> Option<String> {
    let mut roots = RootCertStore::empty();
    if let Some(path) = trusted {
        roots.add(CertificateDer::from_pem_file(path).unwrap()).unwrap();
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_protocol_versions(&[version]).unwrap();
    let config = config.with_root_certificates(roots).with_no_client_auth();
    let connection = ClientConnection::new(Arc::new(config), ServerName::try_from("localhost").unwrap()).unwrap();
    let stream = TcpStream::connect(address).unwrap();
    let mut stream = StreamOwned::new(connection, stream);
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    Some(String::from_utf8(answer).unwrap())
}

#[test]
fn a_node_answers_over_tls_when_asked_and_says_so_to_browsers() {
    let folder = tempfile::tempdir().unwrap();
    embedded(folder.path());
    let data = folder.path().to_str().unwrap().to_owned();
    let (certificate, key) = certificate(folder.path());
    let node = Node::start(&["--data", &data, "--tls-certificate", &certificate, "--tls-key", &key]);
    let address = node.address.strip_prefix("https://").expect("it says how it answers");
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let answer = asked(address, Some(&certificate), version).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(answer.contains("strict-transport-security: max-age=31536000"), "{answer}");
    }
    assert_eq!(asked(address, None, &rustls::version::TLS13), None, "nobody vouches for it");
    let mut plain = TcpStream::connect(address).unwrap();
    plain.write_all(b"GET /v1/me HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer);
    assert!(!String::from_utf8_lossy(&answer).contains("HTTP/1.1"), "nothing is said in the clear");
    node.terminate();
    let node = Node::start(&["--data", &data]);
    assert!(
        node.client(None).get("/healthz").header("strict-transport-security").is_none(),
        "that is the proxy's to say"
    );
    node.terminate();
}

#[test]
fn a_certificate_that_cannot_be_used_is_said_in_one_sentence_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    embedded(folder.path());
    let data = folder.path().to_str().unwrap();
    let (first, key) = certificate(folder.path());
    let other = tempfile::tempdir().unwrap();
    let (_, foreign) = certificate(other.path());
    let serve = |certificate: &str, key: &str| {
        let mut serve = Command::new(env!("CARGO_BIN_EXE_casque"));
        serve.args(["serve", "--data", data, "--listen", "127.0.0.1:0"]);
        let output = output(serve.args(["--tls-certificate", certificate, "--tls-key", key]).env_clear());
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    for (certificate, key) in [(first.as_str(), foreign.as_str()), (&key, &key), ("nowhere", &key), (&first, "nowhere")]
    {
        let (code, said) = serve(certificate, key);
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains("cannot be used") && said.trim().lines().count() == 1, "{said}");
    }
    let alone = output(Command::new(env!("CARGO_BIN_EXE_casque")).args(["serve", "--tls-key", &key]).env_clear());
    assert_eq!(alone.status.code(), Some(2), "both or none");
}
