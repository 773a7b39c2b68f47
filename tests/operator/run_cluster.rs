//! `ambient run --cluster` at a real API server: the manifests of a laptop, applied and followed.

use ambient::api::{AgenticSession, Run, run::RunPhase};
use kube::{ResourceExt, api::ListParams};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio::{io::AsyncBufReadExt, process::Child};

use crate::{
    account::Account,
    cluster,
    gateway::{Person, ended, text},
    rig::SOON,
    world::{Pods, World, run_phase},
};

/// Somebody who works in the test's namespace, with a token for the API server.
struct Editor {
    person: Person,
    account: Account,
}

/// How a command ended.
struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Editor {
    async fn of(world: &World) -> Self {
        let editor = Self::without_rights(world).await;
        let namespace = &world.cluster.namespace;
        let subject = format!("--serviceaccount={namespace}:somebody");
        for role in ["ambient-view", "ambient-edit"] {
            let (namespace, role_flag) = (format!("--namespace={namespace}"), format!("--clusterrole={role}"));
            world.cluster.ring.kubectl(&["create", "rolebinding", role, &role_flag, &subject, &namespace]).unwrap();
        }
        editor
    }

    async fn without_rights(world: &World) -> Self {
        let person = Person::with(world, "somebody", None).await;
        let account = Account::token_of(&world.cluster, &world.cluster.namespace, "somebody").await;
        Self { person, account }
    }

    fn write(&self, text: &str) -> String {
        let file = self.person.path("manifests.yaml");
        std::fs::write(&file, text).unwrap();
        file.to_str().unwrap().to_owned()
    }

    async fn begin(&self, world: &World, arguments: &[&str]) -> Child {
        let arguments = [&["run", "--cluster", "-n", &world.cluster.namespace], arguments].concat();
        self.person.command(world, self.account.path(), &arguments).await.spawn().unwrap()
    }

    async fn run(&self, world: &World, arguments: &[&str]) -> Said {
        said(self.begin(world, arguments).await).await
    }
}

async fn said(child: Child) -> Said {
    let output = ended(child).await;
    let (out, err) = text(&output);
    Said { code: output.status.code(), out, err }
}

fn session(prompt: &str) -> String {
    format!(
        "apiVersion: vteam.ambient-code/v1alpha1\nkind: AgenticSession\nmetadata: {{name: s1}}\nspec: {{initialPrompt: \"{prompt}\"}}\n"
    )
}

fn run(name: &str, prompt: &str) -> String {
    format!(
        "---\napiVersion: vteam.ambient-code/v1alpha1\nkind: Run\nmetadata: {{name: {name}}}\n\
         spec: {{sessionRef: {{name: s1}}, prompt: \"{prompt}\"}}\n"
    )
}

#[test]
fn a_manifest_is_applied_and_followed_as_on_a_laptop_and_never_run_twice() {
    cluster::control_plane(|cluster| async move {
        let world = World::begin(cluster, Pods::Ready).await;
        let editor = Editor::of(&world).await;
        let file = editor.write(&(session("echo hello") + &run("z", "echo second") + &run("a", "echo third")));
        let first = editor.run(&world, &[&file]).await;
        assert_eq!(first.code, Some(0), "{}{}", first.out, first.err);
        let at = |part: &str| first.out.find(part).unwrap_or_else(|| panic!("no {part:?} in {}", first.out));
        assert!(at("▸ s1-initial") < at("hello") && at("hello") < at("▸ z"), "{}", first.out);
        assert!(at("second") < at("▸ a") && at("▸ a") < at("third"), "the order of the file: {}", first.out);
        assert_eq!(first.out.matches("✓ Succeeded (Completed)").count(), 3, "{}", first.out);
        let applied = world.cluster.api::<AgenticSession>().get("s1").await.unwrap();
        let managers = applied.managed_fields().iter().filter_map(|entry| entry.manager.as_deref());
        assert!(managers.into_iter().any(|manager| manager == "ambient-cli"));
        let again = editor.run(&world, &[&file]).await;
        assert_eq!(again.code, Some(0), "{}{}", again.out, again.err);
        assert!(again.out.contains("nothing to run: a Succeeded (Completed)"), "{}", again.out);
        assert!(again.err.contains("give the Run another name"), "{}", again.err);
        let more = editor.run(&world, &["--session", "s1", "-m", "echo more", "-o", "json"]).await;
        let list: Value = serde_json::from_str(&more.out).unwrap_or_else(|_| panic!("{}{}", more.out, more.err));
        assert_eq!(
            (&list["items"][0]["kind"], &list["items"][1]["status"]["result"]),
            (&json!("AgenticSession"), &json!("more"))
        );
        let runs = world.cluster.api::<Run>().list(&ListParams::default()).await.unwrap();
        assert_eq!(runs.iter().filter(|run| run.name_any().starts_with("s1-")).count(), 2, "one has a name of its own");
    });
}

#[test]
fn an_interrupt_cancels_the_run_and_what_comes_after_it_is_not_started() {
    cluster::control_plane(|cluster| async move {
        let world = World::begin(cluster, Pods::Ready).await;
        let editor = Editor::of(&world).await;
        let file = editor.write(&(session("echo one; hang") + &run("later", "echo later")));
        let mut child = editor.begin(&world, &[&file, "-o", "events"]).await;
        let mut lines = tokio::io::BufReader::new(child.stdout.take().unwrap()).lines();
        let one =
            async { while !lines.next_line().await.unwrap().expect("it says one").contains("\"delta\":\"one\"") {} };
        tokio::time::timeout(SOON, one).await.expect("the run begins");
        let pid = Pid::from_raw(i32::try_from(child.id().unwrap()).unwrap()).unwrap();
        kill_process(pid, Signal::INT).unwrap();
        let said = said(child).await;
        assert_eq!(said.code, Some(130), "{}", said.err);
        assert!(
            said.err.contains("cancelling… (again to leave it)") && said.err.contains("not started: 1;"),
            "{}",
            said.err
        );
        let run = world.run_until("s1-initial", |run| run_phase(run).is_terminal()).await;
        assert_eq!(run_phase(&run), RunPhase::Cancelled);
        assert!(world.cluster.api::<Run>().get_opt("later").await.unwrap().is_none());
    });
}

#[test]
fn a_session_that_cannot_start_is_told_while_it_waits_and_the_exit_code_says_set_up() {
    cluster::control_plane(|cluster| async move {
        let world = World::begin(cluster, Pods::Unschedulable).await;
        let editor = Editor::of(&world).await;
        let file = editor.write(&session("echo hello"));
        let said = editor.run(&world, &[&file]).await;
        assert_eq!(said.code, Some(3), "{}{}", said.out, said.err);
        assert!(said.out.contains("    … ") && said.out.contains("✗ Failed (Unschedulable)"), "{}", said.out);
    });
}

#[test]
fn what_a_person_can_mend_is_said_before_anything_is_written() {
    cluster::control_plane(|cluster| async move {
        let world = World::begin(cluster, Pods::Ready).await;
        let editor = Editor::without_rights(&world).await;
        let file = editor.write(&session("echo hello"));
        let said = editor.run(&world, &[&file]).await;
        assert_eq!(said.code, Some(3), "{}", said.err);
        assert!(said.err.contains("ClusterRoles ambient-view and ambient-edit"), "{}", said.err);
        let nowhere = editor.run(&world, &[&file, "--context", "no-such-context"]).await;
        assert_eq!(nowhere.code, Some(3), "{}", nowhere.err);
        assert!(nowhere.err.contains("--context"), "{}", nowhere.err);
        let laptop = editor.run(&world, &[&file, "--dir", "x"]).await;
        assert_eq!(laptop.code, Some(2), "{}", laptop.err);
        assert!(
            laptop.err.contains("'--dir <DIR>' cannot be used with '--cluster'")
                || laptop.err.contains("'--cluster' cannot be used with '--dir <DIR>'"),
            "{}",
            laptop.err
        );
        let wrong = editor.write("apiVersion: vteam.ambient-code/v1alpha1\nkind: AgenticSession\nmetadata: {name: s1}\nspec: {initialPromt: x}\n");
        let refused = editor.run(&world, &[&wrong]).await;
        assert_eq!(refused.code, Some(2), "{}", refused.err);
        assert!(refused.err.contains("manifests.yaml:4:") && refused.err.contains("initialPrompt"), "{}", refused.err);
        assert!(world.cluster.api::<AgenticSession>().get_opt("s1").await.unwrap().is_none());
    });
}
