//! The cluster: what it has, and what is written into it.

use std::fmt::Debug;

use kube::{
    Api, Client, Config, Resource, ResourceExt,
    api::{Patch, PatchParams, PostParams},
    config::KubeConfigOptions,
    core::NamespaceResourceScope,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;

use super::{super::given::Given, Args, error::ClusterError, plan};
use crate::{
    api::{AgenticSession, Run},
    cli::gateway::Gateway,
};

/// The field manager of what a person applies with this command.
const MANAGER: &str = "ambient-cli";

/// A kind that manifests hold.
pub(super) trait Object:
    Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug + Serialize + DeserializeOwned
{
}

impl Object for AgenticSession {}
impl Object for Run {}
impl Object for crate::api::ProjectSettings {}

/// A namespace of a cluster, and the gateway of its operator.
pub(super) struct Cluster {
    client: Client,
    pub(super) namespace: String,
    pub(super) gateway: Gateway,
}

impl Cluster {
    /// Finds the cluster as kubectl does, and makes sure that the gateway can be reached: nothing is to run unseen.
    pub(super) async fn connect(args: &Args, given: &Given) -> Result<Self, ClusterError> {
        let bad = |error: &dyn std::fmt::Display| ClusterError::Cluster(error.to_string());
        let config = config(args.context.as_deref()).await?;
        let namespace = plan::namespace(given, args.namespace.as_deref(), &config.default_namespace)?;
        let client = Client::try_from(config.clone()).map_err(|error| bad(&error))?;
        let gateway = Gateway::of(config, client.clone(), &args.gateway).map_err(ClusterError::NoGateway)?;
        gateway.check().await.map_err(ClusterError::NoGateway)?;
        Ok(Self { client, namespace, gateway })
    }

    pub(super) fn api<K: Object>(&self) -> Api<K> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// How an object is called in errors.
    pub(super) fn called<K: Object>(&self, name: &str) -> String {
        format!("{} {}/{name}", K::kind(&()), self.namespace)
    }

    /// An object, if it is there.
    pub(super) async fn get<K: Object>(&self, name: &str) -> Result<Option<K>, ClusterError> {
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
    pub(super) async fn write<K: Object>(&self, object: &K) -> Result<K, ClusterError> {
        let (name, body) = (object.name_any(), plan::applied(object, &self.namespace));
        let written = if object.meta().name.is_some() {
            let params = PatchParams::apply(MANAGER).force();
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

async fn config(context: Option<&str>) -> Result<Config, ClusterError> {
    let bad = |error: &dyn std::fmt::Display| ClusterError::Cluster(error.to_string());
    match context {
        None => Config::infer().await.map_err(|error| bad(&error)),
        Some(context) => {
            let options = KubeConfigOptions { context: Some(context.to_owned()), ..KubeConfigOptions::default() };
            Config::from_kubeconfig(&options).await.map_err(|error| bad(&error))
        }
    }
}

/// Whether the object is not there; a type or a namespace that is not there is something else.
fn is_absent(error: &kube::Error) -> bool {
    let kube::Error::Api(status) = error else { return false };
    let of = status.details.as_ref();
    let named = of.is_some_and(|of| !of.name.is_empty() && of.kind != "namespaces");
    status.code == 404 && status.reason == "NotFound" && named
}
