//! Which Runs belong to which session, so that nobody looks through all Runs to find those of one.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use kube::{ResourceExt, runtime::reflector::ObjectRef};

use super::stores::Change;
use crate::api::Run;

/// The names of Runs by namespace and session.
type Names = HashMap<String, HashMap<String, BTreeSet<String>>>;

/// The Runs of each session, as the watch of the Runs has seen them.
#[derive(Debug, Clone, Default)]
pub(super) struct Index(Arc<RwLock<Names>>);

impl Index {
    /// Takes over what the watch has seen; `all` gives every Run when everything was listed anew.
    ///
    /// A Run never changes its session (`spec.sessionRef` is immutable), but one that is deleted and made again may be
    /// another's: whoever reads compares.
    pub(super) fn take(&self, change: &Change<'_, Run>, all: impl FnOnce() -> Vec<Arc<Run>>) {
        match change {
            Change::Applied(run) => insert(&mut self.write(), run),
            Change::Deleted(run) => remove(&mut self.write(), run),
            Change::Listed => {
                let mut names = Names::default();
                for run in all() {
                    insert(&mut names, &run);
                }
                *self.write() = names;
            }
        }
    }

    /// The Runs of a session, in the order of their names.
    pub(super) fn of(&self, namespace: &str, session: &str) -> Vec<ObjectRef<Run>> {
        let names = self.read();
        let runs = names.get(namespace).and_then(|sessions| sessions.get(session));
        runs.into_iter().flatten().map(|run| ObjectRef::new(run).within(namespace)).collect()
    }

    fn read(&self) -> RwLockReadGuard<'_, Names> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Names> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a Run is of a session.
pub(super) fn is_of(run: &Run, namespace: &str, session: &str) -> bool {
    run.spec.session_ref.name == session && run.metadata.namespace.as_deref() == Some(namespace)
}

fn insert(names: &mut Names, run: &Run) {
    let sessions = names.entry(run.namespace().unwrap_or_default()).or_default();
    sessions.entry(run.spec.session_ref.name.clone()).or_default().insert(run.name_any());
}

fn remove(names: &mut Names, run: &Run) {
    let namespace = run.namespace().unwrap_or_default();
    let Some(sessions) = names.get_mut(&namespace) else { return };
    let session = &run.spec.session_ref.name;
    if let Some(runs) = sessions.get_mut(session) {
        runs.remove(&run.name_any());
        if runs.is_empty() {
            sessions.remove(session);
        }
    }
    if sessions.is_empty() {
        names.remove(&namespace);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{RunSpec, run::SessionRef};

    fn run(namespace: &str, session: &str, name: &str) -> Run {
        let spec = RunSpec { session_ref: SessionRef { name: session.to_owned() }, ..RunSpec::default() };
        let mut run = Run::new(name, spec);
        run.metadata.namespace = Some(namespace.to_owned());
        run
    }

    fn names(index: &Index, namespace: &str, session: &str) -> Vec<String> {
        index.of(namespace, session).into_iter().map(|run| run.name).collect()
    }

    fn applied(index: &Index, run: &Run) {
        index.take(&Change::Applied(run), Vec::new);
    }

    #[test]
    fn a_session_has_its_own_runs_and_no_others() {
        let index = Index::default();
        for run in [run("a", "s", "r2"), run("a", "s", "r1"), run("b", "s", "r3"), run("a", "t", "r4")] {
            applied(&index, &run);
            applied(&index, &run);
        }
        assert_eq!(names(&index, "a", "s"), ["r1", "r2"]);
        assert_eq!(names(&index, "b", "s"), ["r3"]);
        assert_eq!(names(&index, "b", "t"), Vec::<String>::new());
    }

    #[test]
    fn what_is_gone_leaves_nothing_behind() {
        let index = Index::default();
        applied(&index, &run("a", "s", "r1"));
        index.take(&Change::Deleted(&run("a", "s", "r2")), Vec::new);
        assert_eq!(names(&index, "a", "s"), ["r1"]);
        index.take(&Change::Deleted(&run("a", "s", "r1")), Vec::new);
        assert!(index.read().is_empty());
    }

    #[test]
    fn a_new_list_replaces_everything() {
        let index = Index::default();
        applied(&index, &run("a", "s", "r1"));
        index.take(&Change::Listed, || vec![Arc::new(run("a", "s", "r2"))]);
        assert_eq!(names(&index, "a", "s"), ["r2"]);
    }
}
