//! Where a session's working branch starts, decided from the refs of a fresh clone. No IO.

/// The refs of a clone, as `git for-each-ref` lists them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Refs {
    /// The remote's default branch.
    default: Option<String>,
    /// Full name and commit.
    all: Vec<(String, String)>,
}

/// The format that [`Refs::parse`] reads; `%(*objectname)` is the commit that an annotated tag points to.
pub(super) const REF_FORMAT: &str = "--format=%(refname) %(objectname) %(*objectname) %(symref)";

const REMOTE: &str = "refs/remotes/origin/";

impl Refs {
    pub(super) fn parse(listing: &str) -> Self {
        let mut refs = Self::default();
        for line in listing.lines() {
            let fields: Vec<&str> = line.splitn(4, ' ').collect();
            let [name, object, peeled, symref] = fields[..] else {
                continue;
            };
            if name == "refs/remotes/origin/HEAD" {
                refs.default = symref.strip_prefix(REMOTE).map(str::to_owned);
            } else {
                let commit = if peeled.is_empty() { object } else { peeled };
                refs.all.push((name.to_owned(), commit.to_owned()));
            }
        }
        refs
    }

    fn commit(&self, name: &str) -> Option<&str> {
        let found = self.all.iter().find(|(known, _)| known == name);
        found.map(|(_, commit)| commit.as_str())
    }
}

/// How the working branch comes about.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Start {
    /// What people call the starting point: a branch or a tag.
    pub(super) base: String,
    /// The first commit; absent in an empty repository.
    pub(super) commit: Option<String>,
    /// The git commands that check it out, in order.
    pub(super) commands: Vec<Vec<String>>,
}

/// Why there is no starting point. The user must act.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the remote's default branch does not exist")]
pub(super) struct NoDefault;

/// The working branch continues where the remote has it, else starts from the branch (or tag) that was asked for, else from the
/// default branch. A branch that was asked for and is missing is made from the default branch.
pub(super) fn start(refs: &Refs, asked: Option<&str>, working: &str) -> Result<Start, NoDefault> {
    let remote = |branch: &str| format!("{REMOTE}{branch}");
    if refs.all.is_empty() {
        return Ok(unborn(asked, working));
    }
    let default = refs.default.as_deref();
    let base = asked.or(default).unwrap_or(working);
    let found = |reference: String| refs.commit(&reference).map(|commit| (reference.clone(), commit.to_owned()));
    if let Some((reference, commit)) = found(remote(working)) {
        let mut checkout = checkout(working, "--track", &reference);
        if default == Some(working) {
            // The clone has made it already.
            "-B".clone_into(&mut checkout[2]);
        }
        return Ok(begin(base, commit, vec![checkout]));
    }
    let Some(asked) = asked else {
        let (reference, commit) = default.and_then(|name| found(remote(name))).ok_or(NoDefault)?;
        return Ok(begin(base, commit, vec![checkout(working, "--no-track", &reference)]));
    };
    if let Some((reference, commit)) = found(remote(asked)) {
        let local = (default != Some(asked)).then(|| branch(asked, "--track", &reference));
        let checkout = checkout(working, "--no-track", &reference);
        return Ok(begin(base, commit, local.into_iter().chain([checkout]).collect()));
    }
    if let Some((reference, commit)) = found(format!("refs/tags/{asked}")) {
        return Ok(begin(base, commit, vec![checkout(working, "--no-track", &reference)]));
    }
    let (reference, commit) = default.and_then(|name| found(remote(name))).ok_or(NoDefault)?;
    let local = (asked != working).then(|| branch(asked, "--no-track", &reference));
    let checkout = checkout(working, "--no-track", &reference);
    Ok(begin(base, commit, local.into_iter().chain([checkout]).collect()))
}

fn begin(base: &str, commit: String, commands: Vec<Vec<String>>) -> Start {
    Start { base: base.to_owned(), commit: Some(commit), commands }
}

/// A repository without commits: the branch exists once the agent commits.
fn unborn(asked: Option<&str>, working: &str) -> Start {
    Start {
        base: asked.unwrap_or("empty").to_owned(),
        commit: None,
        commands: vec![words(&["symbolic-ref", "HEAD", &format!("refs/heads/{working}")])],
    }
}

fn checkout(branch: &str, tracking: &str, from: &str) -> Vec<String> {
    words(&["checkout", "--progress", "-b", branch, tracking, from])
}

fn branch(name: &str, tracking: &str, from: &str) -> Vec<String> {
    words(&["branch", tracking, name, from])
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}
