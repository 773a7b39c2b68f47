//! Finding or starting a ring.

use std::{
    fs::File,
    os::fd::AsFd,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// The kinds of rings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An API server and controllers.
    ControlPlane,
    /// That, and a node that runs pods.
    Node,
}

impl Kind {
    /// As the scripts call it. A ring of `make cluster-up` has the same name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::ControlPlane => "control-plane",
            Self::Node => "node",
        }
    }
}

/// A ring that is up and has our kinds.
#[derive(Debug, Clone)]
pub(crate) struct Ring {
    /// An administrator's access.
    pub(crate) kubeconfig: PathBuf,
    name: String,
    network: Option<PathBuf>,
}

impl Ring {
    /// Runs kubectl and gives what it printed, or why it failed.
    pub(crate) fn kubectl(&self, arguments: &[&str]) -> Result<String, String> {
        let script = root().join("hack/cluster/kubectl");
        let output = Command::new(script).env("RING", &self.name).args(arguments).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
    }

    /// Moves the thread into the ring's network, if it has one.
    pub(super) fn enter_network(&self) {
        if let Some(network) = &self.network {
            let network = File::open(network).unwrap();
            move_into_link_name_space(network.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
        }
    }

    /// A ring whose API server answers.
    fn join(name: &str) -> Option<Self> {
        let state = root().join("target/cluster").join(name);
        let kubeconfig = state.join("kubeconfig");
        if !kubeconfig.exists() {
            return None;
        }
        let network = std::fs::read_to_string(state.join("network")).ok().map(|path| PathBuf::from(path.trim()));
        let ring = Self { kubeconfig, name: name.to_owned(), network };
        ring.kubectl(&["get", "--raw", "/readyz"]).ok().map(|_| ring)
    }

    /// Our kinds, as the repository describes them.
    fn with_our_kinds(self) -> Self {
        let crds = root().join("crds");
        let crds = crds.to_str().unwrap();
        self.kubectl(&["apply", "--server-side", "--force-conflicts", "-f", crds]).unwrap();
        self.kubectl(&["wait", "--for=condition=Established", "--timeout=60s", "-f", crds]).unwrap();
        self
    }
}

/// The checkout.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The ring of this process, or what it lacks.
pub(super) fn ring(kind: Kind) -> Result<Ring, String> {
    static CONTROL_PLANE: OnceLock<Result<Ring, String>> = OnceLock::new();
    static NODE: OnceLock<Result<Ring, String>> = OnceLock::new();
    let (cell, found): (_, fn() -> Result<Ring, String>) = match kind {
        Kind::ControlPlane => (&CONTROL_PLANE, || Ring::join("control-plane").map_or_else(start_control_plane, Ok)),
        Kind::Node => {
            (&NODE, || Ring::join("node").ok_or_else(|| "a node ring: `make cluster-up` (as root)".to_owned()))
        }
    };
    cell.get_or_init(|| found().map(Ring::with_our_kinds)).clone()
}

/// A ring that ends with this process.
fn start_control_plane() -> Result<Ring, String> {
    if !root().join("target/tools/cluster/.stamp-rings").exists() {
        return Err("the cluster's programs: `make cluster-tools`".to_owned());
    }
    let name = format!("test-{}", std::process::id());
    let mut up = Command::new(root().join("hack/cluster/up.sh"));
    let up = up.args(["control-plane", &name]).env("RING_OWNER", std::process::id().to_string()).output().unwrap();
    assert!(up.status.success(), "{}", String::from_utf8_lossy(&up.stderr));
    Ok(Ring::join(&name).expect("the ring is up"))
}
