//! The platform's HTTP interface for sessions, in words.

use crate::runner::backend::Platform;

/// The reference. No token is in it: whoever reads the conversation would have it.
pub(super) fn reference(platform: &Platform) -> String {
    let (base, project) = (platform.address().trim_end_matches('/'), platform.project());
    format!(
        "Base: {base} (reachable in the cluster). Project: {project}.
Every request has the header `Authorization: Bearer TOKEN`; a person's own token, or that of a service account with access to the project. \
This session's token is not given out: the acp_ tools use it for you. Bodies and answers are JSON; an answer that is an error has `error`.

GET  /projects/{project}/agentic-sessions?limit=20&offset=0&search=TEXT
     200 {{\"items\": [{{\"metadata\": {{\"name\"}}, \"spec\", \"status\": {{\"phase\"}}}}], \"totalCount\", \"hasMore\", \"nextOffset\"}}
POST /projects/{project}/agentic-sessions
     {{\"displayName\", \"initialPrompt\", \"repos\": [{{\"url\", \"branch\"}}], \"llmSettings\": {{\"model\"}}, \"activeWorkflow\": {{\"gitUrl\", \"branch\", \"path\"}}}}
     201 {{\"name\"}}
GET  /projects/{project}/agentic-sessions/NAME          200 the session
POST /projects/{project}/agentic-sessions/NAME/stop     stops it
POST /projects/{project}/agentic-sessions/NAME/start    starts it again
POST /projects/{project}/agentic-sessions/NAME/agui/run
     {{\"threadId\", \"runId\", \"messages\": [{{\"id\", \"role\": \"user\", \"content\"}}]}}
     200 {{\"runId\", \"threadId\"}}; the events of the run follow on agui/events
GET  /projects/{project}/agentic-sessions/NAME/agui/events   the AG-UI events of the session, as SSE
GET  /projects/{project}/agentic-sessions/NAME/export   200 {{\"aguiEvents\": […]}}, what has happened so far
GET  /workflows/ootb                                     200 {{\"workflows\": [{{\"id\", \"name\", \"gitUrl\", \"branch\", \"path\"}}]}}"
    )
}
