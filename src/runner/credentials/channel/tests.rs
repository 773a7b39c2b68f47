//! Who is answered when, over the socket that helpers ask on.

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::UnixStream,
};

use super::*;
use crate::{
    runner::{RunRequest, caller::Caller, callers::Callers, credentials::Sources},
    security::Redactor,
};

struct Rig {
    _dir: tempfile::TempDir,
    socket: PathBuf,
    callers: Arc<Callers>,
    channels: Channels,
}

impl Rig {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("run/c.sock");
        std::fs::create_dir(dir.path().join("run")).unwrap();
        let own = [
            ("JIRA_URL", "https://jira.example"),
            ("JIRA_API_TOKEN", "jira-token-of-the-session"),
            ("CODERABBIT_API_KEY", "coderabbit-key-of-the-session"),
        ];
        let own = own.map(|(name, value)| (name, Secret::from(value))).into();
        let sources = Sources { own, ..Sources::default() };
        let callers = Arc::<Callers>::default();
        let credentials = Credentials::new(sources, Arc::clone(&callers), Arc::new(Redactor::new([])));
        let channels = Channels::bind(&socket, "ambient", Arc::new(credentials)).unwrap();
        Self { _dir: dir, socket, callers, channels }
    }

    /// A process of a person's, and its key.
    fn process(&self, user: Option<&str>) -> (Box<dyn Any + Send + Sync>, String) {
        let mut env = Variables::new();
        let guard = self.channels.open(&Id::from("t"), user, &mut env);
        let key = env.iter().find(|(name, _)| name == KEY).unwrap().1.to_str().unwrap().to_owned();
        (guard, key)
    }

    async fn ask(&self, key: &str, program: &str) -> Reply {
        let (read, mut write) = UnixStream::connect(&self.socket).await.unwrap().into_split();
        let question = Question { key: key.to_owned(), program: Some(program.to_owned()), ..Question::default() };
        let mut line = serde_json::to_vec(&question).unwrap();
        line.push(b'\n');
        write.write_all(&line).await.unwrap();
        let mut answer = String::new();
        BufReader::new(read).read_line(&mut answer).await.unwrap();
        serde_json::from_str(&answer).unwrap()
    }

    async fn has(&self, key: &str, program: &str) -> bool {
        let reply = self.ask(key, program).await;
        assert_eq!(reply.error.is_none(), !reply.variables.is_empty());
        !reply.variables.is_empty()
    }
}

fn run_of(user: &str) -> RunRequest {
    RunRequest { caller: Caller::new(user, "", ""), ..RunRequest::follow_up(Id::from("t"), None, None) }
}

#[tokio::test]
async fn before_a_threads_first_run_its_warm_agent_is_served() {
    let rig = Rig::new();
    let (_guard, key) = rig.process(None);
    assert!(rig.has(&key, "jira").await && rig.has(&key, "coderabbit").await);
}

#[tokio::test]
async fn after_a_run_only_the_servers_of_a_process_that_just_started_are_served() {
    let rig = Rig::new();
    let (_guard, key) = rig.process(Some("alice"));
    {
        let _going = rig.callers.begin(&run_of("alice"), Some("alice".to_owned()));
        assert!(rig.has(&key, "jira").await && rig.has(&key, "coderabbit").await);
    }
    assert!(rig.has(&key, "jira").await, "its agent's start outlasted a short run");
    assert!(!rig.has(&key, "coderabbit").await);
    rig.channels.desk.keys().get_mut(&key).unwrap().opened -= programs::STARTING;
    assert!(!rig.has(&key, "jira").await, "a process that started long ago has its servers");
}

#[tokio::test]
async fn in_another_persons_run_a_process_gets_nothing() {
    let rig = Rig::new();
    let (_guard, key) = rig.process(Some("alice"));
    rig.channels.desk.keys().get_mut(&key).unwrap().opened -= programs::STARTING;
    let _going = rig.callers.begin(&run_of("bob"), Some("bob".to_owned()));
    for program in ["jira", "coderabbit", "git"] {
        assert!(!rig.has(&key, program).await, "{program}");
    }
}

#[tokio::test]
async fn a_key_that_is_unknown_or_whose_process_has_ended_opens_nothing() {
    let rig = Rig::new();
    let (guard, key) = rig.process(None);
    drop(guard);
    for key in [key.as_str(), "", "x"] {
        let reply = rig.ask(key, "jira").await;
        assert!(reply.variables.is_empty() && reply.error.is_none());
    }
}
