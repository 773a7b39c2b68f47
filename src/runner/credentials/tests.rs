//! The cache and the service, without a server.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};

use super::{
    Credentials, Kind, Sources, Unavailable,
    cache::{Answer, Cache, keep},
};
use crate::{
    agui::Id,
    runner::{Caller, RunRequest, caller::Identity, callers::Callers, mcp::tools::RefreshCredentials},
    security::{Redactor, Secret},
};

const KEY: (Kind, Identity) = (Kind::Github, Identity::Session);

fn github(token: &str) -> super::Credential {
    super::Credential::new(Kind::Github, Secret::from(token), "github.com".to_owned())
}

/// Answers slowly with a token that tells how many there were before it.
async fn fetch(count: &AtomicUsize, ends_in: Option<i64>) -> Answer {
    let number = count.fetch_add(1, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_millis(100)).await;
    let expires = ends_in.map(|seconds| Timestamp::now() + SignedDuration::from_secs(seconds));
    Ok(super::Credential { expires, ..github(&format!("token-{number}")) })
}

fn token(answer: &Answer) -> String {
    answer.as_ref().unwrap().token.expose().to_owned()
}

#[tokio::test]
async fn many_who_ask_at_once_are_answered_with_one_question() {
    for ends_in in [None, Some(3600), Some(1)] {
        let (cache, count) = (Cache::default(), AtomicUsize::new(0));
        let all = futures_util::future::join_all((0..20).map(|_| cache.get(KEY, fetch(&count, ends_in)))).await;
        assert!(all.iter().all(|answer| token(answer) == "token-0"), "{ends_in:?}");
        assert_eq!(count.load(Ordering::SeqCst), 1);
    }
}

#[tokio::test]
async fn what_is_good_is_kept_and_what_ends_soon_is_fetched_for_each_use() {
    for (ends_in, second) in [(None, "token-0"), (Some(3600), "token-0"), (Some(59), "token-1"), (Some(-5), "token-1")]
    {
        let (cache, count) = (Cache::default(), AtomicUsize::new(0));
        assert_eq!(token(&cache.get(KEY, fetch(&count, ends_in)).await), "token-0");
        assert_eq!(token(&cache.get(KEY, fetch(&count, ends_in)).await), second, "{ends_in:?}");
    }
}

#[test]
fn how_long_an_answer_is_good_depends_on_what_it_is() {
    let kind = Kind::Github;
    let failed = Err(Unavailable::Failed { kind, reason: "x".to_owned() });
    let absent = Err(Unavailable::Absent { kind, who: "x".to_owned() });
    let endless = Ok(github("t"));
    assert_eq!([&failed, &absent, &endless].map(|answer| keep(answer).as_secs()), [2, 30, 300]);
    let ending = |seconds| {
        let expires = Some(Timestamp::now() + SignedDuration::from_secs(seconds));
        keep(&Ok(super::Credential { expires, ..github("t") })).as_secs()
    };
    assert!((3400..=3540).contains(&ending(3600)), "a minute before its end");
    assert_eq!((ending(30), ending(-30)), (0, 0));
}

#[tokio::test]
async fn only_the_token_that_was_refused_is_forgotten() {
    let (cache, count) = (Cache::default(), AtomicUsize::new(0));
    cache.get(KEY, fetch(&count, None)).await.unwrap();
    cache.refused(KEY, "another").await;
    assert_eq!(token(&cache.get(KEY, fetch(&count, None)).await), "token-0");
    cache.refused(KEY, "token-0").await;
    assert_eq!(token(&cache.get(KEY, fetch(&count, None)).await), "token-1");
}

#[tokio::test]
async fn a_renewal_is_newer_than_the_wish_for_it() {
    let (cache, count) = (Cache::default(), AtomicUsize::new(0));
    let (old, new) = tokio::join!(cache.get(KEY, fetch(&count, None)), async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        cache.renew(KEY, fetch(&count, None)).await
    });
    assert_eq!((token(&old), token(&new)), ("token-0".to_owned(), "token-1".to_owned()));
}

#[tokio::test]
async fn people_beyond_the_limit_are_fetched_again_and_nobody_gets_anothers() {
    let cache = Cache::default();
    let of = |user: usize| (Kind::Github, Identity::User(user.to_string()));
    for user in (0..1000).chain(0..1000) {
        let credential = github(&format!("token-of-{user}"));
        assert_eq!(token(&cache.get(of(user), async { Ok(credential) }).await), format!("token-of-{user}"));
    }
}

fn service(callers: &Arc<Callers>) -> Arc<dyn RefreshCredentials> {
    let own = [(Kind::Github.variable(), Secret::from("a-token-of-the-session"))].into();
    let sources = Sources { own, ..Sources::default() };
    Arc::new(Credentials::new(sources, Arc::clone(callers), Arc::new(Redactor::new([]))))
}

#[tokio::test]
async fn a_refresh_tells_of_each_kind_for_the_person_whose_run_is_going() {
    let callers = Arc::<Callers>::default();
    let service = service(&callers);
    let thread = Id::from("t");
    let request = RunRequest::follow_up(thread.clone(), None, None);
    let request = RunRequest { caller: Caller::new("alice", "", ""), ..request };
    {
        let _going = callers.begin(&request, None);
        let told = service.refresh(&thread).await.unwrap();
        let expected = "GitHub: a new credential for github.com\nGitLab: there is no GitLab credential for alice";
        assert!(told.starts_with(expected) && !told.contains("a-token"), "{told}");
    }
    assert!(service.refresh(&thread).await.is_err(), "no run is going any more");
}
