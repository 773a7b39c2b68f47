//! The secrets of the agents, and the runs that their calls are part of.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use subtle::ConstantTimeEq;
use tokio::sync::mpsc::WeakSender;

use crate::{
    agui::{Event, Id},
    bridge::ToolsEndpoint,
    security::{Credential, Redactor, Secret},
};

/// The name that the secrets are redacted under.
const NAME: &str = "MCP_TOOLS_SECRET";

/// Who may call: one secret for each thread's agent.
pub struct Grants {
    url: String,
    redactor: Arc<Redactor>,
    threads: Mutex<HashMap<Id, Grant>>,
}

/// What was given to a thread's agent.
struct Grant {
    user: Option<String>,
    secret: Secret,
    /// The next spec gets another secret, so that its bridge starts another process.
    worn_out: bool,
    /// Where events of the run that is going are taken.
    run: Option<WeakSender<Event>>,
}

/// Whose agent calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Caller(pub(super) Id);

impl Grants {
    pub(super) fn new(url: String, redactor: Arc<Redactor>) -> Self {
        Self { url, redactor, threads: Mutex::default() }
    }

    /// Where the agent of a thread finds its tools, while it serves this user; another user's agent gets another secret, and
    /// the former one ends.
    pub fn endpoint(&self, thread: &Id, user: Option<&str>) -> ToolsEndpoint {
        let mut threads = self.lock();
        let is_good = |grant: &&Grant| !grant.worn_out && grant.user.as_deref() == user;
        let known = threads.get(thread).filter(is_good).map(|grant| grant.secret.expose().to_owned());
        let bearer = known.unwrap_or_else(|| {
            let secret = new_secret();
            let user = user.map(str::to_owned);
            let grant = Grant { user, secret: Secret::from(&*secret), worn_out: false, run: None };
            threads.insert(thread.clone(), grant);
            self.redactor.add([Credential::new(NAME, &*secret)]);
            secret
        });
        ToolsEndpoint { url: self.url.clone(), bearer }
    }

    /// A run of a thread begins: what its tools have to tell goes there, until the run drops its channel.
    pub(crate) fn hear(&self, thread: &Id, run: WeakSender<Event>) {
        if let Some(grant) = self.lock().get_mut(thread) {
            grant.run = Some(run);
        }
    }

    /// Nobody may call any more.
    pub(crate) fn revoke(&self) {
        self.lock().clear();
    }

    /// Whose secret this is.
    pub(super) fn caller(&self, secret: &str) -> Option<Caller> {
        let threads = self.lock();
        // Each is compared, in a time that does not depend on how much of it is right.
        let is_same = |grant: &Grant| bool::from(grant.secret.expose().as_bytes().ct_eq(secret.as_bytes()));
        let found = threads.iter().filter(|(_, grant)| is_same(grant)).map(|(thread, _)| thread.clone());
        found.last().map(Caller)
    }

    /// Tells the readers of the run that is going. Events of a call that outlived its run have none to be in; they are left
    /// out.
    pub(super) async fn tell(&self, caller: &Caller, events: Vec<Event>) {
        let run = self.lock().get(&caller.0).and_then(|grant| grant.run.as_ref()?.upgrade());
        let Some(run) = run else { return };
        for event in events {
            if run.send(event).await.is_err() {
                return;
            }
        }
    }

    pub(super) fn wear_out(&self, caller: &Caller) {
        if let Some(grant) = self.lock().get_mut(&caller.0) {
            grant.worn_out = true;
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Id, Grant>> {
        // Each change is one assignment, so a panic elsewhere does not spoil the map.
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// 244 random bits.
fn new_secret() -> String {
    format!("{}{}", uuid::Uuid::new_v4().simple(), uuid::Uuid::new_v4().simple())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grants() -> Grants {
        Grants::new("http://127.0.0.1:1/mcp".to_owned(), Arc::new(Redactor::new([])))
    }

    #[test]
    fn an_agent_keeps_its_secret_and_no_other_has_it() {
        let grants = grants();
        let (a, b) = (grants.endpoint(&"a".into(), None), grants.endpoint(&"b".into(), None));
        assert_eq!(a, grants.endpoint(&"a".into(), None));
        assert_ne!(a.bearer, b.bearer);
        assert_eq!(grants.caller(&a.bearer), Some(Caller("a".into())));
        assert_eq!(grants.caller(&b.bearer), Some(Caller("b".into())));
        for wrong in ["", "x", &a.bearer[1..], &format!("{}0", a.bearer)] {
            assert_eq!(grants.caller(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn another_user_and_a_restart_have_another_secret_and_the_old_one_ends() {
        let grants = grants();
        let thread = Id::from("t");
        let alices = grants.endpoint(&thread, Some("alice"));
        let bobs = grants.endpoint(&thread, Some("bob"));
        assert_ne!(alices, bobs);
        assert_eq!(grants.caller(&alices.bearer), None);
        grants.wear_out(&Caller(thread.clone()));
        assert!(grants.caller(&bobs.bearer).is_some(), "the turn that asked goes on");
        let next = grants.endpoint(&thread, Some("bob"));
        assert_ne!(next, bobs);
        assert_eq!(grants.caller(&bobs.bearer), None);
    }

    #[test]
    fn a_secret_is_neither_shown_nor_let_out() {
        let redactor = Arc::new(Redactor::new([]));
        let grants = Grants::new("http://127.0.0.1:1/mcp".to_owned(), Arc::clone(&redactor));
        let endpoint = grants.endpoint(&"t".into(), None);
        assert!(!format!("{endpoint:?}").contains(&endpoint.bearer));
        assert!(!redactor.redact_str(&format!("it is {}", endpoint.bearer)).contains(&endpoint.bearer));
    }

    #[tokio::test]
    async fn what_a_tool_tells_goes_to_its_threads_run_and_to_nothing_else() {
        let grants = grants();
        let (a, b) = (Id::from("a"), Id::from("b"));
        grants.endpoint(&a, None);
        grants.endpoint(&b, None);
        let event = || crate::agui::EventKind::Custom { name: "x".to_owned(), value: serde_json::Value::Null }.into();
        grants.tell(&Caller(a.clone()), vec![event()]).await;
        let (to_a, mut of_a) = tokio::sync::mpsc::channel(4);
        let (to_b, mut of_b) = tokio::sync::mpsc::channel(4);
        grants.hear(&a, to_a.downgrade());
        grants.hear(&b, to_b.downgrade());
        grants.tell(&Caller(a.clone()), vec![event()]).await;
        drop((to_a, to_b));
        assert!(of_a.recv().await.is_some() && of_a.recv().await.is_none());
        assert!(of_b.recv().await.is_none());
        grants.tell(&Caller(a), vec![event()]).await;
    }
}
