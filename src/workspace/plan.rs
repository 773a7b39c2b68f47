//! From a plan and what is there already to a list of what to do. No IO.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    error::Problem,
    git::{
        credentials::Credential,
        refname,
        url::{self, RepoUrl},
    },
    hash,
    paths::RelativePath,
    spec::{FileSpec, MainRepo, RepoSpec, WorkspacePlan},
    state::State,
};

/// The longest name of a repository, in bytes.
const MAX_NAME: usize = 100;

/// What is there before anything is done.
#[derive(Debug, Default)]
pub(super) struct Observed {
    /// Names below `repos/`, whatever they are.
    pub(super) repos: BTreeSet<String>,
    pub(super) state: State,
}

/// What to do, and in which order: clones first (all at once), then files.
#[derive(Debug)]
pub(super) struct Actions {
    pub(super) repos: Vec<RepoAction>,
    pub(super) files: Vec<FileAction>,
    /// Index of the main repository in `repos`.
    pub(super) main: Option<usize>,
}

#[derive(Debug)]
pub(super) struct RepoAction {
    pub(super) field: String,
    pub(super) name: String,
    pub(super) url: RepoUrl,
    pub(super) credential: Option<Credential>,
    pub(super) branch: Option<String>,
    pub(super) auto_push: bool,
    /// It is there: never cloned again, never reset, whatever an agent made of it.
    pub(super) keep: bool,
}

#[derive(Debug)]
pub(super) struct FileAction {
    pub(super) field: String,
    pub(super) path: RelativePath,
    pub(super) content: String,
    pub(super) hash: String,
    pub(super) step: FileStep,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FileStep {
    /// No agent has run here yet: write it, over what a clone brought too.
    Write,
    /// New in the plan of a continued session: write it unless something has its name.
    WriteIfAbsent,
    /// Written before; it belongs to the agent now.
    Keep,
    /// Written before with another content; it stays, and somebody should know.
    KeepChanged,
}

/// Decides, or says everything that is wrong with the plan.
pub(super) fn plan(plan: &WorkspacePlan, seen: &Observed) -> Result<Actions, Vec<Problem>> {
    let mut problems = Vec::new();
    let repos: Vec<RepoAction> = plan
        .repos
        .iter()
        .enumerate()
        .filter_map(|(index, repo)| keep_ok(repo_action(plan, seen, index, repo), &mut problems))
        .collect();
    let files: Vec<FileAction> = plan
        .files
        .iter()
        .enumerate()
        .filter_map(|(index, file)| keep_ok(file_action(&seen.state, index, file), &mut problems))
        .collect();
    problems.extend(same_names(&repos));
    problems.extend(same_paths(&files));
    problems.extend(session_problem(&plan.session));
    let main = keep_ok(main_repo(plan, &repos), &mut problems).flatten();
    if problems.is_empty() { Ok(Actions { repos, files, main }) } else { Err(problems) }
}

fn keep_ok<T>(result: Result<T, Problem>, problems: &mut Vec<Problem>) -> Option<T> {
    result.map_err(|problem| problems.push(problem)).ok()
}

fn problem(field: impl Into<String>, message: &impl ToString) -> Problem {
    Problem { field: field.into(), message: message.to_string() }
}

fn repo_action(plan: &WorkspacePlan, seen: &Observed, index: usize, repo: &RepoSpec) -> Result<RepoAction, Problem> {
    let field = format!("spec.repos[{index}]");
    let parsed = url::parse(&repo.url, plan.urls).map_err(|error| problem(format!("{field}.url"), &error))?;
    if let Some(branch) = &repo.branch {
        refname::check(branch).map_err(|error| problem(format!("{field}.branch"), &error))?;
    }
    let name = repo.name.clone().unwrap_or_else(|| parsed.url.repository().to_owned());
    check_name(&name).map_err(|message| problem(format!("{field}.name"), &message))?;
    Ok(RepoAction {
        keep: seen.repos.contains(&name),
        credential: plan.credentials.choose(&parsed),
        branch: repo.branch.clone(),
        auto_push: repo.auto_push,
        url: parsed.url,
        field,
        name,
    })
}

/// A name is a directory of ours, shown on terminals and in prompts, so it is kept plain.
pub(super) fn check_name(name: &str) -> Result<(), String> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
    let starts_well = name.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
    if starts_well && name.len() <= MAX_NAME && name.bytes().all(plain) {
        return Ok(());
    }
    Err(format!(
        "{name:?} is no name for a directory; use at most {MAX_NAME} letters, digits, '.', '-' and '_', the first of them a letter or digit"
    ))
}

fn same_names(repos: &[RepoAction]) -> Vec<Problem> {
    let mut first = BTreeMap::new();
    let clash = |repo: &RepoAction| {
        let earlier = first.insert(repo.name.clone(), repo.field.clone())?;
        let message = format!("{:?} is the name of {earlier} too; give one of them another name", repo.name);
        Some(problem(format!("{}.name", repo.field), &message))
    };
    repos.iter().filter_map(clash).collect()
}

fn same_paths(files: &[FileAction]) -> Vec<Problem> {
    let mut first = BTreeMap::new();
    let clash = |file: &FileAction| {
        let earlier = first.insert(file.path.clone(), file.field.clone())?;
        let message = format!("{:?} is written by {earlier} too; remove one of them", file.path.as_str());
        Some(problem(format!("{}.path", file.field), &message))
    };
    files.iter().filter_map(clash).collect()
}

fn session_problem(session: &str) -> Option<Problem> {
    let error = refname::check(&refname::working_branch(session)).err()?;
    Some(problem("metadata.name", &error))
}

fn file_action(state: &State, index: usize, file: &FileSpec) -> Result<FileAction, Problem> {
    let field = format!("spec.files[{index}]");
    let path: RelativePath = file.path.parse().map_err(|error| problem(format!("{field}.path"), &error))?;
    let hash = hash::of(file.content.as_bytes());
    let step = match state.files.get(path.as_str()) {
        _ if !state.complete => FileStep::Write,
        None => FileStep::WriteIfAbsent,
        Some(known) if *known == hash => FileStep::Keep,
        Some(_) => FileStep::KeepChanged,
    };
    Ok(FileAction { field, path, content: file.content.clone(), hash, step })
}

fn main_repo(plan: &WorkspacePlan, repos: &[RepoAction]) -> Result<Option<usize>, Problem> {
    let index = match &plan.main_repo {
        None | Some(MainRepo::Index(_)) if plan.repos.is_empty() => return Ok(None),
        None => return Ok((!repos.is_empty()).then_some(0)),
        Some(MainRepo::Index(index)) => (*index < repos.len()).then_some(*index),
        Some(MainRepo::Name(name)) => repos.iter().position(|repo| repo.name == *name),
    };
    if index.is_some() || repos.len() < plan.repos.len() {
        return Ok(index);
    }
    let known: Vec<&str> = repos.iter().map(|repo| repo.name.as_str()).collect();
    let asked = match &plan.main_repo {
        Some(MainRepo::Name(name)) => format!("{name:?}"),
        Some(MainRepo::Index(index)) => format!("number {index}"),
        None => String::new(),
    };
    let message = format!("{asked} is not in spec.repos; known: {}", known.join(", "));
    Err(problem("spec.mainRepo", &message))
}
