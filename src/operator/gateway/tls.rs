//! The gateway's certificate: mounted files, or one that is made once and kept in a Secret for all replicas.
//!
//! Whoever comes through a port-forward cannot have it verified by a public CA. So the certificate (never the key) is in
//! the `ConfigMap` [`NAME`] of the operator's namespace, and `ambient events` accepts that certificate and no other: who
//! can write that `ConfigMap` can change the operator itself.

use std::{
    io,
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, SystemTime},
};

use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::{
    Api, Client,
    api::{Patch, PatchParams, PostParams},
};
use serde_json::json;
use tokio_rustls::rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

use crate::{operator::apply::MANAGER, security};

/// The name of the `ConfigMap` with the certificate, and of the Service.
pub const NAME: &str = "ambient-gateway";
/// The key of the certificate in it.
pub const KEY: &str = "tls.crt";
/// The Secret with the certificate that was made here.
const SECRET: &str = "ambient-gateway-tls";
/// How often mounted files are looked at.
const LOOK: Duration = Duration::from_secs(30);
/// How long to wait when the API server does not take the certificate.
const AGAIN: Duration = Duration::from_secs(5);

/// Mounted files, as cert-manager and `kubernetes.io/tls` Secrets have them.
#[derive(Debug, Clone)]
pub struct TlsFiles {
    /// The certificate and its chain, PEM.
    pub certificate: PathBuf,
    /// Its key, PEM.
    pub key: PathBuf,
}

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub(super) enum TlsError {
    #[error("cannot read {0}: {1}")]
    Read(String, io::Error),
    #[error("expected a certificate and its key as PEM: {0}")]
    Pem(String),
    #[error("Secret {SECRET}: {0}")]
    Api(#[from] kube::Error),
}

struct Pair {
    certificate: String,
    key: security::Secret,
}

/// What connections are made with: the newest certificate.
pub(super) struct Certificates(RwLock<Arc<ServerConfig>>);

impl Certificates {
    /// For the next connection.
    pub(super) fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The certificate of files, or the one of the namespace's Secret; keeps the `ConfigMap` and files in step from now on.
    pub(super) async fn of(client: &Client, namespace: &str, files: Option<TlsFiles>) -> Result<Arc<Self>, TlsError> {
        let pair = match &files {
            Some(files) => read(files)?,
            None => kept(client, namespace).await?,
        };
        let certificates = Arc::new(Self(RwLock::new(config(&pair)?)));
        tokio::spawn(keep(Arc::clone(&certificates), client.clone(), namespace.to_owned(), pair.certificate, files));
        Ok(certificates)
    }
}

fn config(pair: &Pair) -> Result<Arc<ServerConfig>, TlsError> {
    let bad = |error: &dyn std::fmt::Display| TlsError::Pem(error.to_string());
    let chain: Vec<CertificateDer<'static>> =
        CertificateDer::pem_slice_iter(pair.certificate.as_bytes()).collect::<Result<_, _>>().map_err(|e| bad(&e))?;
    let key = PrivateKeyDer::from_pem_slice(pair.key.expose().as_bytes()).map_err(|e| bad(&e))?;
    let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().map_err(|e| bad(&e))?;
    let mut config = builder.with_no_client_auth().with_single_cert(chain, key).map_err(|e| bad(&e))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn read(files: &TlsFiles) -> Result<Pair, TlsError> {
    let text = |path: &PathBuf| {
        std::fs::read_to_string(path).map_err(|error| TlsError::Read(path.display().to_string(), error))
    };
    Ok(Pair { certificate: text(&files.certificate)?, key: security::Secret::from(text(&files.key)?) })
}

/// The pair in the Secret; made if there is none. Of two replicas that make one, the first wins.
async fn kept(client: &Client, namespace: &str) -> Result<Pair, TlsError> {
    let secrets: Api<Secret> = Api::namespaced(client.clone(), namespace);
    if let Some(pair) = secrets.get_opt(SECRET).await?.as_ref().and_then(pair_in) {
        return Ok(pair);
    }
    let (certificate, key) = made(namespace)?;
    let object = json!({
        "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "metadata": { "name": SECRET },
        "stringData": { "tls.crt": certificate, "tls.key": key },
    });
    let object: Secret = serde_json::from_value(object).map_err(|error| TlsError::Pem(error.to_string()))?;
    match secrets.create(&PostParams::default(), &object).await {
        Ok(_) => {}
        Err(kube::Error::Api(status)) if status.code == 409 => {}
        Err(error) => return Err(error.into()),
    }
    let there = secrets.get(SECRET).await?;
    pair_in(&there).ok_or_else(|| TlsError::Pem(format!("Secret {SECRET} has none; delete it")))
}

fn pair_in(secret: &Secret) -> Option<Pair> {
    let text = |key: &str| String::from_utf8(secret.data.as_ref()?.get(key)?.0.clone()).ok();
    Some(Pair { certificate: text("tls.crt")?, key: security::Secret::from(text("tls.key")?) })
}

fn made(namespace: &str) -> Result<(String, String), TlsError> {
    let names = [
        "localhost".to_owned(),
        "127.0.0.1".to_owned(),
        NAME.to_owned(),
        format!("{NAME}.{namespace}"),
        format!("{NAME}.{namespace}.svc"),
    ];
    let made = rcgen::generate_simple_self_signed(names).map_err(|error| TlsError::Pem(error.to_string()))?;
    Ok((made.cert.pem(), made.signing_key.serialize_pem()))
}

/// Tells clients which certificate it is, and takes over mounted files that change.
async fn keep(
    certificates: Arc<Certificates>,
    client: Client,
    namespace: String,
    mut certificate: String,
    files: Option<TlsFiles>,
) {
    loop {
        while let Err(error) = publish(&client, &namespace, &certificate).await {
            tracing::warn!(%error, "the gateway's certificate is not in its ConfigMap; trying again");
            tokio::time::sleep(AGAIN).await;
        }
        let Some(files) = &files else { return };
        certificate = certificates.changed(files).await;
    }
}

async fn publish(client: &Client, namespace: &str, certificate: &str) -> Result<(), kube::Error> {
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
    let object = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": NAME }, "data": { KEY: certificate },
    });
    maps.patch(NAME, &PatchParams::apply(MANAGER).force(), &Patch::Apply(&object)).await.map(drop)
}

impl Certificates {
    /// Until the files hold another certificate, which is used from then on.
    async fn changed(&self, files: &TlsFiles) -> String {
        let mut seen = modified(files);
        loop {
            tokio::time::sleep(LOOK).await;
            let now = modified(files);
            if now == seen {
                continue;
            }
            match read(files).and_then(|pair| Ok((config(&pair)?, pair.certificate))) {
                Ok((config, certificate)) => {
                    *self.0.write().unwrap_or_else(PoisonError::into_inner) = config;
                    return certificate;
                }
                Err(error) => tracing::warn!(%error, "the gateway's new certificate is not used"),
            }
            seen = now;
        }
    }
}

fn modified(files: &TlsFiles) -> [Option<SystemTime>; 2] {
    [&files.certificate, &files.key].map(|path| std::fs::metadata(path).and_then(|meta| meta.modified()).ok())
}
