//! A connection to the gateway.

use std::{path::Path, sync::Arc};

use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use kube::{Api, Client, ResourceExt, api::ListParams};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        ClientConfig, RootCertStore,
        crypto::ring,
        pki_types::{CertificateDer, ServerName, pem::PemObject},
    },
};
use url::Url;

use super::{Args, GatewayError, pinned::Pinned};
use crate::operator::gateway::{CERTIFICATE_KEY, NAME};

/// The operator's pods.
const OPERATOR: &str = "app.kubernetes.io/name=ambient-operator";
/// The name of the gateway's port in the pod, and its number where a pod names none.
const PORT: (&str, u16) = ("gateway", 8443);

/// Bytes to the gateway and back.
pub(super) trait Io: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Io for T {}

/// How the gateway is reached.
pub(super) enum Reach {
    /// By a tunnel through the API server.
    Tunnel { client: Client, namespace: String },
    /// At an address.
    Address { url: Url, config: Arc<ClientConfig> },
}

impl Reach {
    pub(super) fn new(client: Client, args: &Args) -> Result<Self, GatewayError> {
        let Some(text) = &args.gateway else {
            return Ok(Self::Tunnel { client, namespace: args.operator_namespace.clone() });
        };
        let bad = || GatewayError::Usage(format!("--gateway: expected https://HOST[:PORT], found {text:?}"));
        let url = Url::parse(text).ok().filter(|url| url.scheme() == "https" && url.has_host()).ok_or_else(bad)?;
        Ok(Self::Address { url, config: trusting(args.gateway_ca.as_deref())? })
    }

    /// What the `Host` header says.
    pub(super) fn host(&self) -> String {
        match self {
            Self::Tunnel { .. } => NAME.to_owned(),
            Self::Address { url, .. } => {
                let host = url.host_str().unwrap_or_default();
                url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
            }
        }
    }

    /// A new connection.
    pub(super) async fn connect(&self) -> Result<TlsStream<Box<dyn Io>>, GatewayError> {
        match self {
            Self::Tunnel { client, namespace } => {
                let config = pinned(client, namespace).await?;
                secure(tunnel(client, namespace).await?, config, NAME).await
            }
            Self::Address { url, config } => {
                let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
                let stream = TcpStream::connect((host, url.port_or_known_default().unwrap_or(443))).await;
                let stream = stream.map_err(|error| GatewayError::Unreachable(error.to_string()))?;
                secure(Box::new(stream), Arc::clone(config), host).await
            }
        }
    }
}

async fn secure(
    stream: Box<dyn Io>,
    config: Arc<ClientConfig>,
    host: &str,
) -> Result<TlsStream<Box<dyn Io>>, GatewayError> {
    let name = ServerName::try_from(host.to_owned()).map_err(|error| GatewayError::Usage(error.to_string()))?;
    let connected = TlsConnector::from(config).connect(name, stream).await;
    connected.map_err(|error| GatewayError::Unreachable(format!("TLS: {error}")))
}

/// A tunnel to a pod of the operator that is ready.
async fn tunnel(client: &Client, namespace: &str) -> Result<Box<dyn Io>, GatewayError> {
    let pods: Api<Pod> = Api::namespaced(client.clone(), namespace);
    let there =
        pods.list(&ListParams::default().labels(OPERATOR)).await.map_err(|error| asked("pods", namespace, &error))?;
    let Some(pod) = there.iter().find(|pod| is_ready(pod)) else {
        return Err(GatewayError::Unreachable(format!("no pod {OPERATOR} is ready in namespace {namespace}")));
    };
    let port = port(pod);
    let forwarded = pods.portforward(&pod.name_any(), &[port]).await;
    let mut forwarded = forwarded.map_err(|error| asked("pods/portforward", namespace, &error))?;
    let stream =
        forwarded.take_stream(port).ok_or_else(|| GatewayError::Unreachable("the tunnel has no stream".to_owned()))?;
    Ok(Box::new(stream))
}

fn is_ready(pod: &Pod) -> bool {
    let conditions = pod.status.iter().flat_map(|status| status.conditions.iter().flatten());
    conditions.into_iter().any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

fn port(pod: &Pod) -> u16 {
    let containers = pod.spec.iter().flat_map(|spec| &spec.containers);
    let mut ports = containers.flat_map(|container| container.ports.iter().flatten());
    let named = ports.find(|port| port.name.as_deref() == Some(PORT.0));
    named.and_then(|port| u16::try_from(port.container_port).ok()).unwrap_or(PORT.1)
}

/// Trust in the certificate that the operator has published.
async fn pinned(client: &Client, namespace: &str) -> Result<Arc<ClientConfig>, GatewayError> {
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
    let map = maps.get(NAME).await.map_err(|error| asked(&format!("configmaps/{NAME}"), namespace, &error))?;
    let pem = map.data.as_ref().and_then(|data| data.get(CERTIFICATE_KEY)).map(String::as_str).unwrap_or_default();
    let certificate = CertificateDer::from_pem_slice(pem.as_bytes())
        .map_err(|_| GatewayError::Unreachable(format!("ConfigMap {namespace}/{NAME} holds no certificate yet")))?;
    let provider = Arc::new(ring::default_provider());
    let verifier = Arc::new(Pinned { certificate, provider: Arc::clone(&provider) });
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| GatewayError::Usage(error.to_string()))?;
    let config = builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth();
    Ok(Arc::new(config))
}

/// Trust in the system's CAs, or in a file's.
fn trusting(file: Option<&Path>) -> Result<Arc<ClientConfig>, GatewayError> {
    let mut roots = RootCertStore::empty();
    match file {
        None => drop(roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs)),
        Some(file) => {
            let bad = |error: String| GatewayError::Usage(format!("--gateway-ca {}: {error}", file.display()));
            for certificate in CertificateDer::pem_file_iter(file).map_err(|error| bad(error.to_string()))? {
                let certificate = certificate.map_err(|error| bad(error.to_string()))?;
                roots.add(certificate).map_err(|error| bad(error.to_string()))?;
            }
        }
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder =
        builder.with_safe_default_protocol_versions().map_err(|error| GatewayError::Usage(error.to_string()))?;
    Ok(Arc::new(builder.with_root_certificates(roots).with_no_client_auth()))
}

/// What a failed request to the API server means.
fn asked(what: &str, namespace: &str, error: &kube::Error) -> GatewayError {
    match error {
        kube::Error::Api(status) if matches!(status.code, 401 | 403) => GatewayError::Denied(format!(
            "{what} in namespace {namespace}: {}; ask an administrator for the Role ambient-gateway-client there, or use \
             --gateway URL",
            status.message
        )),
        other => GatewayError::Unreachable(format!("{what} in namespace {namespace}: {other}")),
    }
}
