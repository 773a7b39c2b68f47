//! The operator's own account of `manifests/operator`: with no more rights than that all tests of the operator pass.

use std::path::{Path, PathBuf};

use k8s_openapi::api::{
    authentication::v1::{TokenRequest, TokenRequestSpec},
    core::v1::ServiceAccount,
};
use kube::{Api, api::PostParams, config::Kubeconfig};
use tempfile::TempDir;

use crate::cluster::Cluster;

/// Access to the cluster as the operator.
pub(crate) struct Account {
    _dir: TempDir,
    kubeconfig: PathBuf,
}

impl Account {
    /// Applies the manifests and asks for a token of the account.
    pub(crate) async fn of(cluster: &Cluster) -> Self {
        let manifests = Path::new(env!("CARGO_MANIFEST_DIR")).join("manifests/operator");
        let manifests = manifests.to_str().unwrap();
        cluster.ring.kubectl(&["apply", "--server-side", "--force-conflicts", "-k", manifests]).unwrap();
        Self::token_of(cluster, "ambient-system", "ambient-operator").await
    }

    /// Access as any account.
    pub(crate) async fn token_of(cluster: &Cluster, namespace: &str, account: &str) -> Self {
        let accounts: Api<ServiceAccount> = Api::namespaced(cluster.client.clone(), namespace);
        let wanted = TokenRequest {
            spec: TokenRequestSpec { expiration_seconds: Some(3600), ..TokenRequestSpec::default() },
            ..TokenRequest::default()
        };
        let given = accounts.create_token_request(account, &PostParams::default(), &wanted).await.unwrap();
        let token = given.status.unwrap().token;
        let mut config = Kubeconfig::read_from(&cluster.ring.kubeconfig).unwrap();
        for user in &mut config.auth_infos {
            let auth = serde_json::json!({ "token": token });
            user.auth_info = Some(serde_json::from_value(auth).unwrap());
        }
        let dir = TempDir::new().unwrap();
        let kubeconfig = dir.path().join("kubeconfig");
        std::fs::write(&kubeconfig, serde_json::to_string(&config).unwrap()).unwrap();
        Self { _dir: dir, kubeconfig }
    }

    /// The kubeconfig.
    pub(crate) fn path(&self) -> &Path {
        &self.kubeconfig
    }
}
