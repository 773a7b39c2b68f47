//! Rules of `AgenticSession`.

use std::collections::{BTreeMap, BTreeSet};

use super::{Findings, Place, Violation, text};
use crate::api::{
    AgenticSession, AgenticSessionSpec,
    defaults::RUNNER_TYPE_VARIABLE,
    limits::json_len,
    path::FieldPath,
    rules,
    session::{FileSpec, RepoSpec, RunnerSpec, RunnerType, WorkflowSpec},
};

/// Every rule that a session breaks.
#[must_use]
pub fn session(session: &AgenticSession, place: Place) -> Vec<Violation> {
    let mut findings = Findings::default();
    findings.object(session.metadata.name.as_deref(), json_len(&session.spec));
    let at = FieldPath::of(&["spec"]);
    let spec = &session.spec;
    repos(&spec.repos, &at.key("repos"), place, &mut findings);
    main_repo(spec, &at, &mut findings);
    files(&spec.files, &at.key("files"), &mut findings);
    variables(&spec.environment_variables, &at.key("environmentVariables"), &mut findings);
    runner(spec, &at, &mut findings);
    super::place::place(spec, &at, &mut findings);
    if let Some(workflow) = &spec.active_workflow {
        self::workflow(workflow, &at.key("activeWorkflow"), place, &mut findings);
    }
    findings.0
}

fn repos(repos: &[RepoSpec], at: &FieldPath, place: Place, findings: &mut Findings) {
    let mut names = BTreeMap::new();
    for (position, repo) in repos.iter().enumerate() {
        let at = at.index(position);
        url(&repo.url, &at.key("url"), place, findings);
        branch(repo.branch.as_deref(), &at.key("branch"), findings);
        repo_name(repo, &at, findings);
        if let Some(first) = names.insert(repo.folder(), position) {
            findings.add(same_folder(repo, &at, first));
        }
    }
}

fn same_folder(repo: &RepoSpec, at: &FieldPath, first: usize) -> Violation {
    let field = if repo.name.is_some() { at.key("name") } else { at.key("url") };
    let folder = text::quoted(repo.folder());
    Violation::new(field, format!("spec.repos[{first}] has the folder name {folder} already"))
        .help("give one of them a name of its own")
}

fn repo_name(repo: &RepoSpec, at: &FieldPath, findings: &mut Findings) {
    let message = rules::REPO_NAME.message;
    match &repo.name {
        Some(name) => findings.check(text::is_repo_name(name), || Violation::new(at.key("name"), message).found(name)),
        // A URL that is no URL is reported as such.
        None if text::is_repo_url(&repo.url, true) => {
            findings.check(text::is_repo_name(repo.folder()), || {
                Violation::new(at.key("url"), "the last part of the URL is no usable folder name")
                    .help("give the repository a name")
            });
        }
        None => {}
    }
}

fn url(url: &str, at: &FieldPath, place: Place, findings: &mut Findings) {
    if text::has_credentials(url) {
        return findings.add(
            Violation::new(at.clone(), "a URL must not carry a password or token")
                .help("whoever can read the session reads it: let git's credential helper or a Secret hold it"),
        );
    }
    findings.check(text::is_repo_url(url, place == Place::Laptop), || {
        Violation::new(at.clone(), rules::REPO_URL.message).found(url).help(url_help(url))
    });
}

fn url_help(url: &str) -> String {
    if url.starts_with("file://") {
        return "a cluster cannot see your directories: push the repository to a server".to_owned();
    }
    if url.starts_with('/') {
        return format!("on this machine a directory is file://{url}");
    }
    let folder = if text::is_repo_name(url) { url } else { "name" };
    format!("write the full clone URL, e.g. https://git.example/{folder}.git")
}

fn branch(branch: Option<&str>, at: &FieldPath, findings: &mut Findings) {
    findings.check(branch.is_none_or(text::is_branch), || {
        Violation::new(at.clone(), text::BRANCH).found(branch.unwrap_or_default())
    });
}

fn main_repo(spec: &AgenticSessionSpec, at: &FieldPath, findings: &mut Findings) {
    let Some(name) = &spec.main_repo else { return };
    let known: Vec<&str> = spec.repos.iter().map(RepoSpec::folder).collect();
    findings.check(known.contains(&name.as_str()), || {
        let help = if known.is_empty() { "spec.repos is empty".to_owned() } else { known.join(", ") };
        Violation::new(at.key("mainRepo"), "expected the name of one of spec.repos")
            .found(name)
            .help(format!("known: {help}"))
    });
}

fn files(files: &[FileSpec], at: &FieldPath, findings: &mut Findings) {
    let mut seen = BTreeSet::new();
    for (position, file) in files.iter().enumerate() {
        let at = at.index(position).key("path");
        findings.check(text::is_file_path(&file.path), || {
            Violation::new(at.clone(), rules::FILE_PATH.message).found(&file.path)
        });
        findings.check(seen.insert(file.path.as_str()), || {
            Violation::new(at.clone(), "this file is given twice").found(&file.path)
        });
    }
    for (position, file) in files.iter().enumerate() {
        let below = |other: &&FileSpec| is_below(&other.path, &file.path);
        if let Some(other) = files.iter().find(below) {
            let message = format!("this is a folder too: it holds {}", text::quoted(&other.path));
            findings.add(Violation::new(at.index(position).key("path"), message));
        }
    }
}

fn is_below(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

/// The messages never repeat a value: it may be a secret that a person put where it does not belong.
fn variables(variables: &BTreeMap<String, String>, at: &FieldPath, findings: &mut Findings) {
    for (name, value) in variables {
        findings.check(text::is_variable(name), || Violation::new(at.key(name), text::VARIABLE).found(name));
        findings.check(!value.contains('\0'), || {
            Violation::new(at.key(name), "the value has a NUL character, which no process can be given")
        });
    }
}

fn runner(spec: &AgenticSessionSpec, at: &FieldPath, findings: &mut Findings) {
    let variable = spec.environment_variables.get(RUNNER_TYPE_VARIABLE);
    let in_variable = at.key("environmentVariables").key(RUNNER_TYPE_VARIABLE);
    match (&spec.runner, variable) {
        (Some(runner), variable) => {
            replay(runner, &at.key("runner"), findings);
            let agrees = variable.is_none_or(|name| name == runner.kind.as_str());
            findings.check(agrees, || {
                Violation::new(in_variable, format!("spec.runner.type is {}", runner.kind.as_str()))
                    .found(variable.map_or("", String::as_str))
                    .help("leave the variable out")
            });
        }
        (None, Some(_)) => match spec.runner_type() {
            Err(unknown) => findings.add(Violation::new(in_variable, unknown.to_string())),
            Ok(RunnerType::Replay) => {
                findings.add(Violation::new(in_variable, rules::REPLAY_SOURCE.message).help("use spec.runner"));
            }
            Ok(RunnerType::ClaudeAgentSdk) => {}
        },
        (None, None) => {}
    }
}

fn replay(runner: &RunnerSpec, at: &FieldPath, findings: &mut Findings) {
    let is_replay = runner.kind == RunnerType::Replay;
    findings.check(is_replay == runner.replay.is_some(), || Violation::new(at.clone(), rules::REPLAY_SOURCE.message));
}

fn workflow(workflow: &WorkflowSpec, at: &FieldPath, place: Place, findings: &mut Findings) {
    // The platform clears a workflow by an empty URL.
    let git_url = workflow.git_url.as_deref().filter(|url| !url.is_empty());
    if let Some(git_url) = git_url {
        url(git_url, &at.key("gitUrl"), place, findings);
    }
    branch(Some(&workflow.branch).filter(|b| !b.is_empty()).map(String::as_str), &at.key("branch"), findings);
    let path = workflow.path.as_deref().filter(|path| !path.is_empty());
    findings.check(path.is_none_or(|path| text::is_file_path(path.trim_matches('/'))), || {
        Violation::new(at.key("path"), "expected a folder inside the workflow's repository")
            .found(path.unwrap_or_default())
    });
}
