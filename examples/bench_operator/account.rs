//! The operator's own account of `manifests/operator`: it is measured as it is installed, with a token and with no more rights. A
//! client certificate, which the API server verifies at each request, would be something else.

use std::{fs::OpenOptions, io::Write, os::unix::fs::OpenOptionsExt, path::PathBuf};

use crate::{Arguments, Result, access};

/// Where the operator's access is.
pub(crate) fn path(arguments: &Arguments) -> PathBuf {
    arguments.results.join("operator.kubeconfig")
}

/// Writes it.
pub(crate) async fn write(arguments: &Arguments) -> Result<()> {
    let (client, administrator) = (arguments.client().await?, &arguments.kubeconfig);
    let access = access::of(client, administrator, "ambient-system", "ambient-operator").await?;
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path(arguments))?;
    Ok(file.write_all(access.as_bytes())?)
}
