//! What the gateway knows of a kind: what the watch has shown, and what was made or asked for before that.

use std::sync::Arc;

use kube::{Api, Client, Resource, runtime::reflector::Store};

use super::error::GatewayError;
use crate::{
    api::object::Namespaced,
    operator::{apply::called, context::look, lean::Lean, written::Written},
};

/// The objects of a kind.
pub(super) struct Known<K: Resource<DynamicType = ()> + 'static> {
    /// What the watch has shown.
    pub(super) store: Store<K>,
    /// What it has not shown yet.
    pub(super) written: Arc<Written<K>>,
}

impl<K: Namespaced + Lean + 'static> Known<K> {
    /// The newest that is known of an object.
    pub(super) fn get(&self, namespace: &str, name: &str) -> Option<Arc<K>> {
        look(&self.store, &self.written, namespace, name)
    }

    /// The same; an object that is not known is asked for: it may have been made a moment ago.
    pub(super) async fn find(
        &self,
        client: &Client,
        namespace: &str,
        name: &str,
    ) -> Result<Option<Arc<K>>, GatewayError> {
        if let Some(known) = self.get(namespace, name) {
            return Ok(Some(known));
        }
        if !is_name(namespace) || !is_name(name) {
            return Ok(None);
        }
        let asked = Api::<K>::namespaced(client.clone(), namespace).get_opt(name).await;
        let found = asked.map_err(|error| GatewayError::of(&called::<K>(namespace, name), &error))?;
        Ok(found.map(|object| self.written.remember(object)))
    }
}

/// Whether an object can have this name. What comes from a path must not become more than a name in the API server's.
fn is_name(name: &str) -> bool {
    let plain = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
    name.len() <= 253
        && name.bytes().next().is_some_and(plain)
        && name.bytes().all(|c| plain(c) || matches!(c, b'-' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::is_name;

    #[test]
    fn a_name_is_no_path_and_no_query() {
        assert!(is_name("fix-bug.2"));
        for other in ["", "..", "a/b", "a?b", "a%2fb", "A", "uid:a", "-a", &"a".repeat(254)] {
            assert!(!is_name(other), "{other}");
        }
    }
}
