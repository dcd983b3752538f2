//! `casque serve` and `casque migrate`.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::Outcome;
use super::output::say;
use crate::api::Limits;
use crate::identity::Provider;
use crate::node::{InstanceArgs, OpenOptions, Serving, until_stopped};
use crate::store::{Access, NodeRole};

/// Serve the API and its interactive documentation (at /docs).
#[derive(Debug, Args)]
pub(super) struct Serve {
    #[command(flatten)]
    instance: InstanceArgs,
    /// Address to listen on.
    #[arg(long, env = "CASQUE_LISTEN", value_name = "ADDRESS", default_value = "127.0.0.1:8589")]
    listen: String,
    /// Run without private keys: answer requests and accept reports, but do not sign people in or open sealed values.
    #[arg(long)]
    sealed: bool,
    /// Only read, from a standby. Nobody can write or sign in at this node.
    #[arg(long, conflicts_with = "sealed")]
    read_only: bool,
    /// Address for operators: metrics (/metrics, for Prometheus), health and readiness. Do not make it public.
    #[arg(long, env = "CASQUE_METRICS", value_name = "ADDRESS")]
    metrics: Option<String>,
    /// Collector that receives trace spans (OpenTelemetry OTLP over HTTP), such as http://127.0.0.1:4318.
    #[arg(long, env = "OTEL_EXPORTER_OTLP_ENDPOINT", value_name = "URL")]
    traces: Option<String>,
    /// Maximum number of concurrent requests. Further requests get 503.
    #[arg(long, env = "CASQUE_IN_FLIGHT", value_name = "N", default_value_t = 256, value_parser = clap::value_parser!(u16).range(1..))]
    in_flight: u16,
    /// Take the caller's address from X-Forwarded-For, where a proxy before this node adds it. Without this, all callers of the proxy are
    /// throttled together.
    #[arg(long, env = "CASQUE_BEHIND_PROXY")]
    behind_proxy: bool,
    /// Serve TLS (1.2 and 1.3) with this certificate chain (PEM). Restart to load a renewed certificate.
    #[arg(long, env = "CASQUE_TLS_CERTIFICATE", value_name = "FILE", requires = "tls_key")]
    tls_certificate: Option<PathBuf>,
    /// The certificate's private key, as PEM.
    #[arg(long, env = "CASQUE_TLS_KEY", value_name = "FILE", requires = "tls_certificate")]
    tls_key: Option<PathBuf>,
    /// Issuer URL of the single sign-on provider (OpenID Connect). If the provider needs a client secret, put it in the file oidc.secret
    /// in the folder of keys.
    #[arg(long, env = "CASQUE_OIDC_ISSUER", value_name = "URL", requires = "oidc_client", requires = "oidc_redirect")]
    oidc_issuer: Option<String>,
    /// Client ID of this service at the single sign-on provider.
    #[arg(long, env = "CASQUE_OIDC_CLIENT", value_name = "ID", requires = "oidc_issuer")]
    oidc_client: Option<String>,
    /// Redirect URL: the page of the client to which the provider sends people back.
    #[arg(long, env = "CASQUE_OIDC_REDIRECT", value_name = "URL", requires = "oidc_issuer")]
    oidc_redirect: Option<String>,
    /// Number of threads that answer requests.
    #[arg(long, env = "CASQUE_WORKERS", value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=1_024))]
    workers: u16,
}

/// Bring the database to this program's schema.
#[derive(Debug, Args)]
pub(super) struct Migrate {
    #[command(flatten)]
    instance: InstanceArgs,
    /// Give this PostgreSQL role the rights of a node with keys. The role must exist already, and should own nothing.
    #[arg(long, value_name = "ROLE")]
    service_role: Option<String>,
    /// Give this PostgreSQL role the rights of a node without private keys.
    #[arg(long, value_name = "ROLE")]
    sealed_role: Option<String>,
    /// Give this PostgreSQL role the rights of a node that only reads.
    #[arg(long, value_name = "ROLE")]
    reader_role: Option<String>,
}

impl Migrate {
    pub(super) fn run(self) -> Outcome {
        let roles: Vec<(NodeRole, &str)> = [
            (NodeRole::Service, &self.service_role),
            (NodeRole::Sealed, &self.sealed_role),
            (NodeRole::Reader, &self.reader_role),
        ]
        .into_iter()
        .filter_map(|(role, name)| Some((role, name.as_deref()?)))
        .collect();
        self.instance.migrate(&roles)?;
        say!("The database has this program's schema.")?;
        for (role, name) in roles {
            say!("The role {name} has the rights of a {} node.", format!("{role:?}").to_lowercase())?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Serve {
    pub(super) fn run(self) -> Outcome {
        let access = match (self.sealed, self.read_only) {
            (true, _) => Access::Sealed,
            (_, true) => Access::ReadOnly,
            _ => Access::Full,
        };
        let _traces = self.traces.as_deref().map(crate::api::trace).transpose()?;
        // What was set back is served to nobody, and its operator is told: a node that does not start tells less.
        let node = self.instance.open(OpenOptions { access, doubtful: true, ..OpenOptions::default() })?;
        if let (Some(issuer), Some(client), Some(redirect)) = (self.oidc_issuer, self.oidc_client, self.oidc_redirect) {
            let secret = node.keys.read("oidc.secret")?.map(|secret| secret.trim().to_owned().into());
            node.identity.trust(Provider { issuer, client, secret, redirect })?;
        }
        let bind =
            |address: &String| TcpListener::bind(address).map_err(|e| format!("cannot listen on {address}: {e}"));
        let listener = bind(&self.listen)?;
        let operators = self.metrics.as_ref().map(bind).transpose()?;
        if operators.is_some() {
            crate::api::measure()?;
        }
        let address = listener.local_addr()?;
        let limits = Limits { in_flight: self.in_flight.into(), behind_proxy: self.behind_proxy, ..Limits::default() };
        let tls = match (&self.tls_certificate, &self.tls_key) {
            (Some(certificate), Some(key)) => Some(crate::node::tls::server(certificate, key)?),
            _ => None,
        };
        let scheme = if tls.is_some() { "https" } else { "http" };
        let serving = Serving { listener, operators, workers: self.workers.into(), limits, tls };
        until_stopped(node, serving, || {
            // Nobody has to read it.
            let _ = say!("Casque answers at {scheme}://{address}, interactive documentation at /docs/");
        })?;
        let _ = say!("Stopped.");
        Ok(ExitCode::SUCCESS)
    }
}
