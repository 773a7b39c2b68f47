//! `GET /openapi.json` and `GET /docs`: what this server offers, for machines and for people.

use std::fmt::Write;

use axum::{
    http::header,
    response::{Html, IntoResponse, Response},
};
use serde_json::{Map, Value};

/// The document. A test compares it with the router.
const OPENAPI: &str = include_str!("openapi.json");

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:56rem;margin:2rem auto;padding:0 1rem;color:#222}\
    h2{font:600 1rem ui-monospace,monospace;margin:2rem 0 .2rem;border-top:1px solid #ddd;padding-top:1rem}\
    dt{font:.85rem ui-monospace,monospace;margin-top:.4rem}dd{margin:0 0 0 1.5rem}\
    pre{background:#f6f6f6;padding:.6rem;overflow:auto;font-size:.8rem}";

pub(super) async fn openapi() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], OPENAPI).into_response()
}

/// A page of its own: nothing is loaded from anywhere.
pub(super) async fn page() -> Html<String> {
    Html(render(&serde_json::from_str(OPENAPI).unwrap_or_default()))
}

fn render(document: &Value) -> String {
    let info = &document["info"];
    let title = text(&info["title"]);
    let mut page = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{title}</title><style>{STYLE}</style>\
         <h1>{title}</h1><p>{}</p><p>All paths but /health need the header X-Ambient-Session-Token.</p>",
        text(&info["description"])
    );
    for (path, methods) in members(&document["paths"]) {
        for (method, operation) in members(methods) {
            route(&mut page, &format!("{} {}", method.to_uppercase(), escaped(path)), operation, document);
        }
    }
    let schemas = serde_json::to_string_pretty(&document["components"]["schemas"]).unwrap_or_default();
    // Writing to a string does not fail.
    let _ = write!(page, "<h2>Schemas</h2><pre>{}</pre></html>", escaped(&schemas));
    page
}

fn route(page: &mut String, name: &str, operation: &Value, document: &Value) {
    let _ =
        write!(page, "<h2>{name}</h2><p>{}. {}</p><dl>", text(&operation["summary"]), text(&operation["description"]));
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let (name, place) = (text(&parameter["name"]), text(&parameter["in"]));
        let _ = write!(page, "<dt>{name} ({place})</dt><dd>{}</dd>", text(&parameter["description"]));
    }
    if let Some(body) = operation["requestBody"]["content"]["application/json"].get("schema") {
        let _ = write!(page, "<dt>body</dt><dd><pre>{}</pre></dd>", escaped(&body.to_string()));
    }
    for (status, answer) in members(&operation["responses"]) {
        let shared = answer["$ref"].as_str().and_then(|name| document.pointer(name.trim_start_matches('#')));
        let _ = write!(page, "<dt>{status}</dt><dd>{}</dd>", text(&shared.unwrap_or(answer)["description"]));
    }
    page.push_str("</dl>");
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter)
}

fn text(value: &Value) -> String {
    escaped(value.as_str().unwrap_or_default())
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
