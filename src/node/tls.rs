//! The certificate with which a node answers over TLS.

use std::path::Path;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

type Failed = Box<dyn std::error::Error>;

/// TLS 1.2 and 1.3 with a certificate and its key. Clients give no certificate: who asks is told by a token.
pub(crate) fn server(certificate: &Path, key: &Path) -> Result<ServerConfig, Failed> {
    let cannot = |path: &Path, why: &dyn std::fmt::Display| format!("{} cannot be used: {why}", path.display());
    let chain = CertificateDer::pem_file_iter(certificate).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let chain = chain.map_err(|why| cannot(certificate, &why))?;
    if chain.is_empty() {
        return Err(cannot(certificate, &"it holds no certificate").into());
    }
    let private = PrivateKeyDer::from_pem_file(key).map_err(|why| cannot(key, &why))?;
    let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .map_err(|why| cannot(key, &why))?;
    Ok(config)
}
