//! Counting the requests to the API server.

use std::task::{Context, Poll};

use futures_util::{FutureExt, future::BoxFuture};
use hyper::{Method, Request, Response, Uri};
use kube::client::Body;
use prometheus_client::metrics::{counter::Counter, family::Family};
use tower::{Layer, Service};

/// Requests by verb, resource and code.
pub(super) type Requests = Family<[(&'static str, String); 3], Counter>;

/// The code of a request that got no answer.
const NO_ANSWER: &str = "none";

/// Counts what goes through it.
#[derive(Debug, Clone)]
pub struct CountRequests(Requests);

impl CountRequests {
    pub(super) fn new(requests: Requests) -> Self {
        Self(requests)
    }
}

impl<S> Layer<S> for CountRequests {
    type Service = Counted<S>;

    fn layer(&self, inner: S) -> Counted<S> {
        Counted { inner, requests: self.0.clone() }
    }
}

/// A service whose requests are counted.
#[derive(Debug, Clone)]
pub struct Counted<S> {
    inner: S,
    requests: Requests,
}

impl<S, B> Service<Request<Body>> for Counted<S>
where
    S: Service<Request<Body>, Response = Response<B>>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let (verb, resource) = kind_of(request.method(), request.uri());
        let requests = self.requests.clone();
        let answer = self.inner.call(request);
        async move {
            let answer = answer.await;
            let code = answer.as_ref().map_or(NO_ANSWER.to_owned(), |answer| answer.status().as_str().to_owned());
            requests.get_or_create(&[("verb", verb.to_owned()), ("resource", resource), ("code", code)]).inc();
            answer
        }
        .boxed()
    }
}

/// The verb and the resource as in a Role; never the name of an object.
fn kind_of(method: &Method, uri: &Uri) -> (&'static str, String) {
    let path: Vec<&str> = uri.path().trim_matches('/').split('/').collect();
    let (["api", _, rest @ ..] | ["apis", _, _, rest @ ..]) = path.as_slice() else {
        return (verb(method, false, false), "other".to_owned());
    };
    let (resource, name, sub) = match rest {
        ["namespaces", _, resource, rest @ ..] | [resource, rest @ ..] => (*resource, rest.first(), rest.get(1)),
        [] => ("other", None, None),
    };
    let watches = uri.query().is_some_and(|query| query.split('&').any(|pair| pair == "watch=true"));
    let resource = sub.map_or_else(|| resource.to_owned(), |sub| format!("{resource}/{sub}"));
    (verb(method, name.is_some(), watches), resource)
}

fn verb(method: &Method, named: bool, watches: bool) -> &'static str {
    match (method.as_str(), named) {
        ("GET", _) if watches => "watch",
        ("GET", true) => "get",
        ("GET", false) => "list",
        ("POST", _) => "create",
        ("PUT", _) => "update",
        ("PATCH", _) => "patch",
        ("DELETE", true) => "delete",
        ("DELETE", false) => "deletecollection",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_called_as_in_a_role_and_names_no_object() {
        for (method, uri, wanted) in [
            (Method::GET, "/api/v1/pods?labelSelector=a&watch=true&resourceVersion=5", ("watch", "pods")),
            (Method::GET, "/apis/vteam.ambient-code/v1alpha1/runs?limit=500", ("list", "runs")),
            (Method::POST, "/api/v1/namespaces/n/pods", ("create", "pods")),
            (
                Method::PATCH,
                "/apis/vteam.ambient-code/v1alpha1/namespaces/n/runs/r/status?force=true",
                ("patch", "runs/status"),
            ),
            (Method::PUT, "/apis/coordination.k8s.io/v1/namespaces/n/leases/l", ("update", "leases")),
            (Method::DELETE, "/api/v1/namespaces/n/pods/p", ("delete", "pods")),
            (Method::GET, "/version", ("list", "other")),
        ] {
            let (verb, resource) = kind_of(&method, &uri.parse().unwrap());
            assert_eq!((verb, resource.as_str()), wanted, "{uri}");
        }
    }
}
