//! The operator's own account of `manifests/operator`: it is measured as it is installed, with a token and with no more rights. A
//! client certificate, which the API server verifies at each request, would be something else.

use std::{fs::OpenOptions, io::Write, os::unix::fs::OpenOptionsExt, path::PathBuf};

use k8s_openapi::api::{
    authentication::v1::{TokenRequest, TokenRequestSpec},
    core::v1::ServiceAccount,
};
use kube::{
    Api,
    api::PostParams,
    config::{AuthInfo, Kubeconfig},
};

use crate::{Arguments, Result};

/// How long a benchmark may take.
const LONG: i64 = 6 * 3600;

/// Where the operator's access is.
pub(crate) fn path(arguments: &Arguments) -> PathBuf {
    arguments.results.join("operator.kubeconfig")
}

/// Writes it.
pub(crate) async fn write(arguments: &Arguments) -> Result<()> {
    let accounts: Api<ServiceAccount> = Api::namespaced(arguments.client().await?, "ambient-system");
    let spec = TokenRequestSpec { expiration_seconds: Some(LONG), ..TokenRequestSpec::default() };
    let wanted = TokenRequest { spec, ..TokenRequest::default() };
    let given = accounts.create_token_request("ambient-operator", &PostParams::default(), &wanted).await?;
    let token = given.status.ok_or("no token was given")?.token;
    let mut config = Kubeconfig::read_from(&arguments.kubeconfig)?;
    for user in &mut config.auth_infos {
        user.auth_info = Some(AuthInfo { token: Some(token.clone().into()), ..AuthInfo::default() });
    }
    let path = path(arguments);
    // What is there may be open to others.
    std::fs::remove_file(&path).or_else(|error| if path.exists() { Err(error) } else { Ok(()) })?;
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
    Ok(file.write_all(serde_json::to_string(&config)?.as_bytes())?)
}
