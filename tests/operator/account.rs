//! The operator's own account of `manifests/operator`: with no more rights than that all tests of the operator pass.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::{access, cluster::Cluster};

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
        let access = access::of(cluster.client.clone(), &cluster.ring.kubeconfig, namespace, account).await.unwrap();
        let dir = TempDir::new().unwrap();
        let kubeconfig = dir.path().join("kubeconfig");
        std::fs::write(&kubeconfig, access).unwrap();
        Self { _dir: dir, kubeconfig }
    }

    /// The kubeconfig.
    pub(crate) fn path(&self) -> &Path {
        &self.kubeconfig
    }
}
