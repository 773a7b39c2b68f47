//! `rubric`: the agent evaluates its work by the active workflow's rubric.

use std::{
    fs::File,
    io::Read,
    path::Path,
    sync::{Arc, PoisonError, RwLock},
};

use serde_json::{Value, json};

use super::{noted, text, tool, unknown};
use crate::{
    agui::{Id, Tool},
    bridge::tools::{Called, ToolServer},
    host::BoxFuture,
    runner::feedback::{FeedbackKind, FeedbackSink},
};

/// The largest rubric or `ambient.json` that is read, in bytes.
const MAX_FILE: u64 = 256 * 1024;

/// The rubric of a workflow.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rubric {
    /// When and how to evaluate, in the workflow's words.
    pub instructions: String,
    /// A JSON Schema of the evaluation's details.
    pub schema: Option<Value>,
}

impl Rubric {
    /// The rubric in a workflow's folder: `.ambient/rubric.md`, and `rubric` of `.ambient/ambient.json`. It reads two files.
    #[must_use]
    pub fn of_workflow(folder: &Path) -> Option<Self> {
        let read = |name: &str| bounded(&folder.join(".ambient").join(name));
        let config = read("ambient.json").and_then(|text| serde_json::from_str::<Value>(&text).ok());
        Self::of(read("rubric.md").as_deref(), config.as_ref().map(|config| &config["rubric"]))
    }

    /// A rubric from both of its places; none when neither says anything.
    fn of(text: Option<&str>, config: Option<&Value>) -> Option<Self> {
        let prompt = config.and_then(|config| config["activationPrompt"].as_str().or_else(|| config.as_str()));
        let parts = [prompt, text].into_iter().flatten().map(str::trim).filter(|part| !part.is_empty());
        let instructions = parts.collect::<Vec<_>>().join("\n\n");
        let schema = config.map(|config| &config["schema"]).filter(|schema| schema.is_object()).cloned();
        (!instructions.is_empty() || schema.is_some()).then_some(Self { instructions, schema })
    }
}

/// A regular file's text. Links are not followed: a repository could point one anywhere.
fn bounded(path: &Path) -> Option<String> {
    let about = path.symlink_metadata().ok().filter(|about| about.is_file() && about.len() <= MAX_FILE)?;
    let mut text = String::new();
    File::open(path).ok()?.take(about.len()).read_to_string(&mut text).ok()?;
    Some(text)
}

/// The rubric of now: it changes with the active workflow.
#[derive(Debug, Clone, Default)]
pub struct RubricSlot(Arc<RwLock<Option<Arc<Rubric>>>>);

impl RubricSlot {
    /// Takes another rubric, or none. An agent that runs sees it when it is started anew.
    pub fn set(&self, rubric: Option<Rubric>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = rubric.map(Arc::new);
    }

    fn get(&self) -> Option<Arc<Rubric>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The tool server `rubric`; it has no tools, and is not offered, while there is no rubric.
pub struct RubricTools {
    slot: RubricSlot,
    sink: Arc<dyn FeedbackSink>,
}

impl RubricTools {
    /// Evaluations go into the running run's events and to this sink.
    #[must_use]
    pub fn new(slot: RubricSlot, sink: Arc<dyn FeedbackSink>) -> Self {
        Self { slot, sink }
    }

    fn evaluate(&self, thread: &Id, arguments: &Value) -> Result<Called, String> {
        let score = arguments["score"].as_f64().ok_or("score: expected a number")?;
        let details = match &arguments["metadata"] {
            Value::Null => json!({}),
            details @ Value::Object(_) if details.to_string().len() <= super::MAX_TEXT => details.clone(),
            _ => return Err(format!("metadata: expected an object of at most {} bytes", super::MAX_TEXT)),
        };
        let payload = json!({ "score": score, "comment": text(arguments, "comment")?, "metadata": details });
        Ok(noted(&*self.sink, FeedbackKind::Rubric, thread, payload, "The evaluation is noted."))
    }
}

impl ToolServer for RubricTools {
    fn name(&self) -> &'static str {
        "rubric"
    }

    fn tools(&self) -> Vec<Tool> {
        let Some(rubric) = self.slot.get() else {
            return Vec::new();
        };
        let description = format!(
            "Record your evaluation of the work by the workflow's rubric. The rubric, as the workflow gives it:\n\n{}",
            rubric.instructions
        );
        let properties = json!({
            "score": { "type": "number", "description": "The overall score, on the rubric's scale." },
            "comment": { "type": "string", "description": "Why." },
            "metadata": rubric.schema.clone().unwrap_or_else(|| json!({ "type": "object" })),
        });
        vec![tool("evaluate_rubric", &description, &properties, &["score", "comment"])]
    }

    fn call<'a>(&'a self, thread: &'a Id, tool: &'a str, arguments: Value) -> BoxFuture<'a, Result<Called, String>> {
        Box::pin(async move {
            match tool {
                "evaluate_rubric" => self.evaluate(thread, &arguments),
                other => Err(unknown("rubric", other)),
            }
        })
    }
}
