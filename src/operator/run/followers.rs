//! The Runs that are listened to at the moment.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use kube::{ResourceExt, runtime::reflector::ObjectRef};
use tokio::{sync::watch, task::AbortHandle};

use super::{
    follow::{Target, follow, interrupt},
    view::Seen,
};
use crate::{api::Run, eventlog::LogError, operator::keeping::Keeping};

/// One task for each Run that a runner was given.
#[derive(Debug, Default)]
pub(in crate::operator) struct Followers {
    tasks: Mutex<HashMap<String, Follower>>,
}

#[derive(Debug)]
struct Follower {
    seen: watch::Receiver<Seen>,
    task: AbortHandle,
    target: Target,
    interrupted: bool,
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Followers {
    /// What is known of a Run.
    pub(in crate::operator) fn seen(&self, run: &Run) -> Seen {
        let uid = run.uid().unwrap_or_default();
        self.lock().get(&uid).map(|follower| follower.seen.borrow().clone()).unwrap_or_default()
    }

    /// Listens to a Run unless it is listened to.
    pub(super) fn follow(
        &self,
        run: &Run,
        http: &reqwest::Client,
        target: Target,
        wake: super::Wake,
        log: impl FnOnce() -> Result<Keeping, LogError>,
    ) -> Result<(), LogError> {
        let mut tasks = self.lock();
        let uid = run.uid().unwrap_or_default();
        // A pod that started again in place may have another address.
        if tasks.get(&uid).is_some_and(|known| known.target.url == target.url) {
            return Ok(());
        }
        let log = log()?;
        let (tell, seen) = watch::channel(Seen::Nothing);
        let reference = ObjectRef::from_obj(run);
        let work = follow(http.clone(), target.clone(), log, tell, move || wake(reference.clone()));
        let task = tokio::spawn(work).abort_handle();
        tasks.insert(uid, Follower { seen, task, target, interrupted: false });
        Ok(())
    }

    /// Interrupts a Run, once. Says whether it is interrupted.
    pub(super) async fn interrupt(&self, run: &Run, http: &reqwest::Client) -> bool {
        let uid = run.uid().unwrap_or_default();
        let target = match self.lock().get(&uid) {
            Some(follower) if !follower.interrupted => follower.target.clone(),
            other => return other.is_some(),
        };
        let interrupted = interrupt(http, &target).await;
        if let Some(follower) = self.lock().get_mut(&uid) {
            follower.interrupted = interrupted;
        }
        interrupted
    }

    /// Listens only to Runs that are there.
    pub(in crate::operator) fn retain(&self, runs: &[Arc<Run>]) {
        let there: HashSet<String> = runs.iter().filter_map(|run| run.uid()).collect();
        self.lock().retain(|uid, _| there.contains(uid));
    }

    /// Listens no more.
    pub(in crate::operator) fn forget(&self, run: &Run) {
        self.lock().remove(&run.uid().unwrap_or_default());
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Follower>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
