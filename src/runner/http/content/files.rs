//! Files: `GET /content/list`, `GET /content/file`, `POST /content/write`, `DELETE /content/delete`.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    body::{Body, Bytes},
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use futures_util::StreamExt;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout_at};

use super::query::Parameters;
use crate::runner::{
    content::{Content, Download, Listing},
    http::{HttpError, body},
};

/// How much of a body that was refused is read, and for how long, so that the client sees the answer and no broken connection.
const REFUSED: usize = 64 << 20;
const REFUSED_FOR: Duration = Duration::from_secs(10);

pub(super) async fn list(State(content): State<Arc<Content>>, query: Parameters) -> Result<Json<Listing>, HttpError> {
    Ok(Json(content.list(query.get("path")).await?))
}

pub(super) async fn file(State(content): State<Arc<Content>>, query: Parameters) -> Result<Response, HttpError> {
    // A file of the workspace is data: no browser may take it for a page of ours.
    let headers = [(header::CONTENT_TYPE, "application/octet-stream"), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")];
    Ok(match content.read(query.get("path"))? {
        Download::Whole(bytes) => (headers, bytes).into_response(),
        Download::Long { length, file } => {
            let pieces = Body::from_stream(Download::pieces(file, length));
            (headers, [(header::CONTENT_LENGTH, length)], pieces).into_response()
        }
    })
}

pub(super) async fn write(State(content): State<Arc<Content>>, body: Body) -> Result<Json<Value>, HttpError> {
    let mut body = body.into_data_stream();
    let written = content.write(&mut body).await;
    if written.is_err() {
        drain(body).await;
    }
    written?;
    Ok(Json(json!({ "message": "ok" })))
}

async fn drain(mut body: axum::body::BodyDataStream) {
    let (end, mut read) = (Instant::now() + REFUSED_FOR, 0);
    while let Ok(Some(Ok(piece))) = timeout_at(end, body.next()).await {
        read += piece.len();
        if read > REFUSED {
            return;
        }
    }
}

#[derive(Deserialize)]
struct Named {
    path: Option<String>,
}

pub(super) async fn delete(State(content): State<Arc<Content>>, body: Bytes) -> Result<Json<Value>, HttpError> {
    let named: Named = body::read(&body)?;
    content.delete(&named.path.unwrap_or_default()).await?;
    Ok(Json(json!({ "message": "file deleted successfully" })))
}
