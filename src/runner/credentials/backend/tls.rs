//! TLS to the backend: whose certificates are believed.

use std::{path::Path, sync::Arc};

use tokio_rustls::{
    TlsConnector,
    rustls::{self, CertificateError, ClientConfig, RootCertStore, crypto::ring},
};

/// The CA bundle that the platform mounts (`ConfigMap` `trusted-ca-bundle`).
const MOUNTED: &str = "/etc/pki/tls/certs/ca-bundle.crt";

/// A connector that believes the CAs of `SSL_CERT_FILE` and `SSL_CERT_DIR`, else the system's; and those of the mounted bundle.
/// The error is a sentence.
pub(super) fn connector() -> Result<TlsConnector, String> {
    let mut roots = RootCertStore::empty();
    let mut found = rustls_native_certs::load_native_certs();
    if Path::new(MOUNTED).is_file() {
        let mounted = rustls_native_certs::load_certs_from_paths(Some(Path::new(MOUNTED)), None);
        found.certs.extend(mounted.certs);
        found.errors.extend(mounted.errors);
    }
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        let why = found.errors.first().map_or_else(String::new, |error| format!(" ({error})"));
        return Err(format!("no CA certificates were found{why}: set SSL_CERT_FILE to a file of them in PEM format"));
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

/// What is wrong with a server's certificate and what to do; nothing: it is not the certificate.
pub(super) fn distrust(error: &std::io::Error) -> Option<String> {
    let error = error.get_ref()?.downcast_ref::<rustls::Error>()?;
    let rustls::Error::InvalidCertificate(why) = error else {
        return None;
    };
    Some(match why {
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "its certificate is signed by nobody who is trusted here; set SSL_CERT_FILE to the file with its CA"
                .to_owned()
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "its certificate is for another name; set BACKEND_API_URL to the name in it".to_owned()
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "its certificate has expired; have it renewed".to_owned()
        }
        other => format!("its certificate cannot be used ({other})"),
    })
}
