//! Which conversation belongs to which thread, and which of its calls wait for an answer: one small file, written whole.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde::{Deserialize, Serialize};

use super::policy::OpenCall;

/// The original runner's name of the file; it is read as that wrote it (`{"<thread>": "<conversation>"}`).
const FILE: &str = "claude_session_ids.json";

/// What is known of a thread's conversation.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Stored", into = "Stored")]
pub(crate) struct Conversation {
    /// The CLI's id.
    pub(crate) id: String,
    /// Calls that wait for an answer.
    pub(crate) open: Vec<OpenCall>,
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Stored {
    Id(String),
    Open { id: String, open: Vec<OpenCall> },
}

impl From<Stored> for Conversation {
    fn from(stored: Stored) -> Self {
        match stored {
            Stored::Id(id) => Self { id, open: Vec::new() },
            Stored::Open { id, open } => Self { id, open },
        }
    }
}

impl From<Conversation> for Stored {
    fn from(conversation: Conversation) -> Self {
        if conversation.open.is_empty() {
            Self::Id(conversation.id)
        } else {
            Self::Open { id: conversation.id, open: conversation.open }
        }
    }
}

/// The conversations of all threads. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Sessions {
    inner: Arc<Inner>,
}

struct Inner {
    path: PathBuf,
    /// Held while the file is written, so that an older state never replaces a newer one.
    known: Mutex<BTreeMap<String, Conversation>>,
    damage: Option<String>,
}

impl Sessions {
    /// Reads what is known. A file that cannot be understood is set aside, and every new conversation says so.
    pub(crate) fn open(directory: &Path) -> Self {
        let path = directory.join(FILE);
        let (known, damage) = match load(&path) {
            Ok(known) => (known, None),
            Err(reason) => (BTreeMap::new(), Some(reason)),
        };
        Self { inner: Arc::new(Inner { path, known: Mutex::new(known), damage }) }
    }

    /// What is known of a thread.
    pub(crate) fn get(&self, thread: &str) -> Option<Conversation> {
        self.lock().get(thread).cloned()
    }

    /// Why conversations may have been forgotten.
    pub(crate) fn damage(&self) -> Option<&str> {
        self.inner.damage.as_deref()
    }

    /// Notes the conversation of a thread; it is on disk when this resolves.
    pub(crate) async fn set_id(&self, thread: &str, id: &str) -> io::Result<()> {
        let id = id.to_owned();
        self.change(thread, move |known| known.id = id).await
    }

    /// Notes the open calls of a thread; they are on disk when this resolves.
    pub(crate) async fn set_open(&self, thread: &str, open: Vec<OpenCall>) -> io::Result<()> {
        self.change(thread, move |known| known.open = open).await
    }

    /// Forgets the conversation of a thread.
    pub(crate) async fn forget(&self, thread: &str) -> io::Result<()> {
        self.change(thread, |known| *known = Conversation::default()).await
    }

    async fn change(&self, thread: &str, change: impl FnOnce(&mut Conversation) + Send + 'static) -> io::Result<()> {
        let (this, thread) = (self.clone(), thread.to_owned());
        let written = tokio::task::spawn_blocking(move || {
            let mut known = this.lock();
            change(known.entry(thread).or_default());
            known.retain(|_, conversation| !conversation.id.is_empty());
            write(&this.inner.path, &serde_json::to_vec(&*known)?)
        });
        written.await.map_err(io::Error::other)?
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Conversation>> {
        self.inner.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn load(path: &Path) -> Result<BTreeMap<String, Conversation>, String> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(format!("{} cannot be read: {error}", path.display())),
    };
    serde_json::from_slice(&text).map_err(|error| {
        let aside = path.with_extension("json.damaged");
        let kept = match fs::rename(path, &aside) {
            Ok(()) => format!("it was set aside as {}", aside.display()),
            Err(error) => format!("it could not be set aside: {error}"),
        };
        format!("{} is damaged ({error}); {kept}", path.display())
    })
}

/// Replaces the file in one step: whoever reads it, also after a power cut, finds the old or the new one whole.
fn write(path: &Path, text: &[u8]) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(directory)?;
    let new = path.with_extension("json.new");
    let mut file = File::create(&new)?;
    file.write_all(text)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call() -> OpenCall {
        OpenCall { id: "t1".into(), tool: "paint".into(), question: None }
    }

    #[tokio::test]
    async fn conversations_and_open_calls_are_found_again() {
        let directory = tempfile::tempdir().unwrap();
        let sessions = Sessions::open(directory.path());
        sessions.set_id("a", "id-a").await.unwrap();
        sessions.set_id("b", "id-b").await.unwrap();
        sessions.set_open("b", vec![call()]).await.unwrap();
        let again = Sessions::open(directory.path());
        assert_eq!(again.get("a"), Some(Conversation { id: "id-a".into(), open: Vec::new() }));
        assert_eq!(again.get("b"), Some(Conversation { id: "id-b".into(), open: vec![call()] }));
        again.forget("a").await.unwrap();
        assert_eq!(Sessions::open(directory.path()).get("a"), None);
        assert_eq!(again.damage(), None);
    }

    #[test]
    fn the_file_of_the_original_runner_is_understood() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join(FILE), r#"{"thread": "conversation"}"#).unwrap();
        assert_eq!(Sessions::open(directory.path()).get("thread").unwrap().id, "conversation");
    }

    #[tokio::test]
    async fn bug_16_a_damaged_session_map_is_said_and_kept_aside() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join(FILE), r#"{"thread": "conv"#).unwrap();
        let sessions = Sessions::open(directory.path());
        assert!(sessions.damage().unwrap().contains("damaged"));
        assert!(directory.path().join("claude_session_ids.json.damaged").exists());
        sessions.set_id("a", "id-a").await.unwrap();
        assert_eq!(Sessions::open(directory.path()).damage(), None);
    }
}
