//! What a session's things may have been before: made by the original operator, which labelled and owned them otherwise.

use k8s_openapi::api::core::v1::{Secret, Service};
use kube::{Api, ResourceExt};

use super::{objects, view::View};
use crate::{
    api::names,
    operator::{
        apply::{self, called},
        context::{Context, token_in},
        error::OperatorError,
        write,
    },
    security::Secret as Hidden,
};

/// The Secret with the runner's token. One that no watch shows may be there without the label: its token is kept, for a runner and
/// the platform's backend may be using it.
pub(super) async fn token(view: &View, token: &Hidden, context: &Context) -> Result<Option<Secret>, OperatorError> {
    let (session, client) = (&view.session, &context.client);
    let wanted = objects::token(session, token.expose());
    if view.token.is_some() {
        return apply::ensure(client, &wanted, view.token.as_deref()).await;
    }
    if let Some(created) = write::create(client, &wanted).await? {
        return Ok(Some(created));
    }
    let (namespace, name) = (view.namespace(), names::token_secret(&session.name_any()));
    let there = Api::<Secret>::namespaced(client.clone(), &namespace).get(&name).await;
    let there = there.map_err(|error| OperatorError::of(called::<Secret>(&namespace, &name), error))?;
    let wanted = token_in(&there).map_or(wanted, |known| objects::token(session, known.expose()));
    Ok(apply::ensure(client, &wanted, Some(&there)).await?.or(Some(there)))
}

/// The Service. One that is a pod's goes with that pod, so the session gets one of its own.
pub(super) async fn service(view: &View, context: &Context) -> Result<Option<Service>, OperatorError> {
    let wanted = objects::service(&view.session, &view.settings(&context.config));
    let uid = view.session.uid();
    let is_ours = |seen: &&Service| seen.owner_references().iter().any(|owner| Some(&owner.uid) == uid.as_ref());
    match view.service.as_deref() {
        Some(seen) if !is_ours(&seen) => {
            write::delete(&context.client, seen).await?;
            write::create(&context.client, &wanted).await
        }
        seen => apply::ensure(&context.client, &wanted, seen).await,
    }
}
