//! Why a cluster did not do what was wanted of it.

use crate::{api::outcome::exit, cli::gateway::GatewayError};

/// The kind says what a person does next.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli::run) enum ClusterError {
    #[error("there is no cluster: {0}; set KUBECONFIG, or name a context that it has with --context")]
    Cluster(String),
    #[error(
        "the cluster does not know {0}; install the resource types: ambient crds | kubectl apply --server-side -f -"
    )]
    NoTypes(String),
    #[error("there is no namespace {0}; create it (kubectl create namespace {0}), or name another one with -n")]
    NoNamespace(String),
    #[error(
        "{object}: {message}; ask an administrator for the ClusterRoles ambient-view and ambient-edit in the namespace, or \
         name another one with -n"
    )]
    Forbidden { object: String, message: String },
    #[error("{object}: {message}; correct the manifest")]
    Refused { object: String, message: String },
    #[error("{object}: {message}; run the command again")]
    Failed { object: String, message: String },
    #[error(
        "{object} names namespace {named}, and this is namespace {here}; correct metadata.namespace, or use -n {named}"
    )]
    Elsewhere { object: String, named: String, here: String },
    #[error("there is no AgenticSession {session} in namespace {namespace}; give its manifest too")]
    NoSession { session: String, namespace: String },
    #[error("name a manifest, or a session of the cluster: --session NAME -m \"…\"")]
    NothingNamed,
    #[error(
        "the operator has not made Run {run} of the session's initialPrompt; look whether it runs and watches namespace \
         {namespace}, then follow the Run: ambient events --run {namespace}/{run}"
    )]
    NotMade { run: String, namespace: String },
    #[error(
        "{0}. Nothing was started. Name the operator's namespace with --operator-namespace, or the gateway's address with \
         --gateway; docs/operator.md says how it is installed"
    )]
    NoGateway(GatewayError),
    /// It goes on, and nobody looks.
    #[error("{error}. Run {run} goes on in the cluster; follow it again: ambient events --run {run}")]
    Left { run: String, error: GatewayError },
}

impl ClusterError {
    pub(in crate::cli::run) fn exit_code(&self) -> u8 {
        match self {
            Self::Refused { .. } | Self::Elsewhere { .. } | Self::NoSession { .. } | Self::NothingNamed => exit::USAGE,
            Self::Cluster(_)
            | Self::NoTypes(_)
            | Self::NoNamespace(_)
            | Self::Forbidden { .. }
            | Self::NotMade { .. }
            | Self::NoGateway(_) => exit::SETUP,
            Self::Failed { .. } => exit::CRASH,
            Self::Left { error, .. } => error.exit_code(),
        }
    }

    /// What an answer of the API server means for an object.
    pub(super) fn of(object: &str, error: &kube::Error) -> Self {
        let object = object.to_owned();
        let kube::Error::Api(status) = error else {
            return Self::Failed { object, message: error.to_string() };
        };
        let message = status.message.clone();
        let of_namespace = status.details.as_ref().is_some_and(|details| details.kind == "namespaces");
        match status.code {
            404 if of_namespace => {
                Self::NoNamespace(status.details.as_ref().map(|details| details.name.clone()).unwrap_or_default())
            }
            // An object that is not there is named; a type that is not there is a path that nobody serves.
            404 if status.reason != "NotFound" || status.details.as_ref().is_none_or(|of| of.name.is_empty()) => {
                Self::NoTypes(object)
            }
            401 | 403 => Self::Forbidden { object, message },
            400..=499 => Self::Refused { object, message },
            _ => Self::Failed { object, message },
        }
    }
}

#[cfg(test)]
mod tests {
    use kube::core::Status;
    use serde_json::{Value, json};

    use super::*;

    fn meaning(status: Value) -> ClusterError {
        let status: Status = serde_json::from_value(status).unwrap();
        ClusterError::of("AgenticSession n/s", &kube::Error::Api(status.boxed()))
    }

    #[test]
    fn every_refusal_says_what_to_do() {
        let no_types = json!({"status": "Failure", "code": 404, "message": "404 page not found",
            "reason": "Failed to parse error data"});
        let no_namespace = json!({"status": "Failure", "code": 404, "reason": "NotFound",
            "message": "namespaces \"n\" not found", "details": {"name": "n", "kind": "namespaces"}});
        let forbidden =
            json!({"status": "Failure", "code": 403, "reason": "Forbidden", "message": "somebody cannot patch"});
        let invalid = json!({"status": "Failure", "code": 422, "reason": "Invalid", "message": "spec.x: too long"});
        let away = json!({"status": "Failure", "code": 503, "reason": "ServiceUnavailable", "message": "later"});
        for (status, says, code) in [
            (no_types, "ambient crds | kubectl apply", exit::SETUP),
            (no_namespace, "kubectl create namespace n", exit::SETUP),
            (forbidden, "ClusterRoles ambient-view and ambient-edit", exit::SETUP),
            (invalid, "spec.x: too long; correct the manifest", exit::USAGE),
            (away, "run the command again", exit::CRASH),
        ] {
            let error = meaning(status);
            assert!(error.to_string().contains(says), "{error}");
            assert_eq!(error.exit_code(), code, "{error}");
        }
    }
}
