//! The cluster: what it has, and what is written into it.

use kube::{
    Api, Client, Config, ResourceExt,
    api::{Patch, PatchParams, PostParams},
    config::KubeConfigOptions,
};
use serde_json::json;

use super::{super::given::Given, Args, error::ClusterError, plan};
use crate::{
    api::{Run, object::Namespaced},
    cli::gateway::Gateway,
};

/// The field manager of what a person applies with this command.
const MANAGER: &str = "ambient-cli";

/// A namespace of a cluster, and the gateway of its operator.
pub(super) struct Cluster {
    client: Client,
    pub(super) namespace: String,
    pub(super) gateway: Gateway,
}

impl Cluster {
    /// Finds the cluster as kubectl does, and makes sure that the gateway can be reached: nothing is to run unseen.
    pub(super) async fn connect(args: &Args, given: &Given) -> Result<Self, ClusterError> {
        let config = config(args.context.as_deref()).await.map_err(ClusterError::Cluster)?;
        let namespace = plan::namespace(given, args.namespace.as_deref(), &config.default_namespace)?;
        let client = Client::try_from(config.clone()).map_err(|error| ClusterError::Cluster(error.to_string()))?;
        let gateway = Gateway::of(config, client.clone(), &args.gateway).map_err(ClusterError::NoGateway)?;
        gateway.check().await.map_err(ClusterError::NoGateway)?;
        Ok(Self { client, namespace, gateway })
    }

    pub(super) fn api<K: Namespaced>(&self) -> Api<K> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// How an object is called in errors.
    pub(super) fn called<K: Namespaced>(&self, name: &str) -> String {
        format!("{} {}/{name}", K::kind(&()), self.namespace)
    }

    /// An object, if it is there.
    pub(super) async fn get<K: Namespaced>(&self, name: &str) -> Result<Option<K>, ClusterError> {
        match self.api().get(name).await {
            Ok(object) => Ok(Some(object)),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(ClusterError::of(&self.called::<K>(name), &error)),
        }
    }

    /// The Runs of these names that are there.
    pub(super) async fn runs(&self, names: &[String]) -> Result<Vec<Run>, ClusterError> {
        let mut runs = Vec::new();
        for name in names {
            runs.extend(self.get::<Run>(name).await?);
        }
        Ok(runs)
    }

    /// Writes an object as its manifest says, also over what somebody else has written: the manifest is what a person wants.
    /// One without a name is created and gets one.
    pub(super) async fn write<K: Namespaced>(&self, object: &K) -> Result<K, ClusterError> {
        let name = object.name_any();
        let written = if object.meta().name.is_some() {
            let (params, body) = (PatchParams::apply(MANAGER).force(), plan::applied(object, &self.namespace));
            self.api().patch(&name, &params, &Patch::Apply(&body)).await
        } else {
            let params = PostParams { field_manager: Some(MANAGER.to_owned()), ..PostParams::default() };
            self.api().create(&params, object).await
        };
        written.map_err(|error| ClusterError::of(&self.called::<K>(&name), &error))
    }

    /// Asks for a Run's end.
    pub(super) async fn cancel(&self, run: &str) -> Result<(), ClusterError> {
        let patch = json!({ "spec": { "desiredState": "Cancelled" } });
        let params = PatchParams { field_manager: Some(MANAGER.to_owned()), ..PatchParams::default() };
        let patched = self.api::<Run>().patch(run, &params, &Patch::Merge(&patch)).await;
        patched.map(drop).map_err(|error| ClusterError::of(&self.called::<Run>(run), &error))
    }
}

/// The error says why there is none.
async fn config(context: Option<&str>) -> Result<Config, String> {
    let Some(context) = context else {
        return Config::infer().await.map_err(|error| error.to_string());
    };
    let options = KubeConfigOptions { context: Some(context.to_owned()), ..KubeConfigOptions::default() };
    Config::from_kubeconfig(&options).await.map_err(|error| error.to_string())
}

/// Whether the object is not there; a type or a namespace that is not there is something else.
fn is_absent(error: &kube::Error) -> bool {
    let kube::Error::Api(status) = error else { return false };
    let of = status.details.as_ref();
    let named = of.is_some_and(|of| !of.name.is_empty() && of.kind != "namespaces");
    status.code == 404 && status.reason == "NotFound" && named
}
