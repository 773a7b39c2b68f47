//! The images of `make image`, in the node ring.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::{OnceLock, PoisonError, RwLock},
};

use crate::cluster::{self, Cluster};

/// The names of the images.
#[derive(Clone)]
pub(crate) struct Images {
    pub(crate) ambient: String,
    pub(crate) agent: String,
}

/// Held for writing by a test that stops what all pods need.
static NODE: RwLock<()> = RwLock::new(());

/// Runs a test with a cluster that runs pods and has the images. Without the images it is skipped, and says so; in CI it
/// fails.
pub(crate) fn with_images<F: Future<Output = ()>>(test: impl FnOnce(Cluster, Images) -> F + Send) {
    let _shared = NODE.read().unwrap_or_else(PoisonError::into_inner);
    run(test);
}

/// The same, while no other test of this program has a pod.
pub(crate) fn alone<F: Future<Output = ()>>(test: impl FnOnce(Cluster, Images) -> F + Send) {
    let _alone = NODE.write().unwrap_or_else(PoisonError::into_inner);
    run(test);
}

fn run<F: Future<Output = ()>>(test: impl FnOnce(Cluster, Images) -> F + Send) {
    let Some(images) = built() else {
        assert!(std::env::var_os("CI").is_none(), "the images are missing: run `make image` (as root)");
        eprintln!("skipped: needs the images: `make image` (as root)");
        return;
    };
    cluster::node(|cluster| {
        load();
        test(cluster, images)
    });
}

fn built() -> Option<Images> {
    let reference = |target: &str| {
        let text = fs::read_to_string(folder().join(format!("{target}.ref"))).ok()?;
        folder().join(format!("{target}.tar")).exists().then(|| text.trim().to_owned())
    };
    Some(Images { ambient: reference("ambient")?, agent: reference("agent")? })
}

/// A ring that was up before the images were built has them now; one that has them is left alone.
fn load() {
    static LOADED: OnceLock<()> = OnceLock::new();
    LOADED.get_or_init(|| {
        let script = root().join("hack/cluster/load.sh");
        let archives = ["ambient.tar", "agent.tar"].map(|name| folder().join(name));
        let output = Command::new(script).arg("node").args(archives).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    });
}

fn folder() -> PathBuf {
    root().join("target/images")
}

/// The checkout.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
