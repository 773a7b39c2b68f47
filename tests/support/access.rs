//! Access to a cluster as an account of it has it: with a token, and with no more rights than it was given.

use std::path::Path;

use k8s_openapi::api::{
    authentication::v1::{TokenRequest, TokenRequestSpec},
    core::v1::ServiceAccount,
};
use kube::{
    Api, Client,
    api::PostParams,
    config::{AuthInfo, Kubeconfig},
};

/// Longer than anything here takes, in seconds.
const LONG: i64 = 6 * 3600;

/// The text of a kubeconfig like `administrator`'s, for an account. `client` may ask for its token.
pub(crate) async fn of(
    client: Client,
    administrator: &Path,
    namespace: &str,
    account: &str,
) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
    let accounts: Api<ServiceAccount> = Api::namespaced(client, namespace);
    let spec = TokenRequestSpec { expiration_seconds: Some(LONG), ..TokenRequestSpec::default() };
    let wanted = TokenRequest { spec, ..TokenRequest::default() };
    let given = accounts.create_token_request(account, &PostParams::default(), &wanted).await?;
    let token = given.status.ok_or("no token was given")?.token;
    let mut config = Kubeconfig::read_from(administrator)?;
    for user in &mut config.auth_infos {
        user.auth_info = Some(AuthInfo { token: Some(token.clone().into()), ..AuthInfo::default() });
    }
    Ok(serde_json::to_string(&config)?)
}
