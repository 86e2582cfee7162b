use std::time::Duration;

use http_body_util::{BodyExt, Limited};
use hyper::{
    HeaderMap, Method, Request, Response, StatusCode, Uri,
    body::{Body as HttpBody, Bytes},
    header::{CONNECTION, HeaderName, HeaderValue, LOCATION, RETRY_AFTER},
};
use tokio::time::timeout;

use super::{
    access_policy::AccessPolicy,
    assets::Asset,
    inbox::{Inboxes, PostError},
    response::{Body, empty, of_type, secured, text, wrong_method},
    stream_key::StreamKey,
    stream_request::{STREAM_PATH, StreamRequest},
};
use crate::feed::StateReader;

/// The header that has the key of a stream: in the response to a request for the stream, and in posts. A
/// foreign page cannot add it to a request without permission, which is never granted.
pub const KEY_HEADER: HeaderName = HeaderName::from_static("tribune-key");

/// The most bytes of lines in one post.
const MAX_POST: usize = 8 << 10;

/// How long a request may take until its response begins, and its body until it has come.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the game may take to respond before the server counts as not ready.
const READY_TIMEOUT: Duration = Duration::from_secs(1);

/// Everything of the web port but the stream.
#[derive(Debug)]
pub struct Router {
    /// Which requests are answered.
    pub policy: AccessPolicy,
    /// Where posted lines go.
    pub inboxes: Inboxes,
    /// The state of the game.
    pub state: StateReader,
}

impl Router {
    /// The response to `request`.
    pub async fn respond<B>(&self, request: Request<B>) -> Response<Body>
    where
        B: HttpBody<Data = Bytes>,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let (parts, body) = request.into_parts();
        let response = match self.policy.check(&parts.method, &parts.uri, &parts.headers) {
            Ok(()) => {
                timeout(
                    REQUEST_TIMEOUT,
                    self.route(&parts.method, &parts.uri, &parts.headers, body),
                )
                .await
            }
            Err(denied) => Ok(text(denied.status(), &denied.to_string())),
        };
        secured(response.unwrap_or_else(|_| {
            closing(text(StatusCode::REQUEST_TIMEOUT, "the request took too long"))
        }))
    }

    async fn route<B>(
        &self,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
        body: B,
    ) -> Response<Body>
    where
        B: HttpBody<Data = Bytes>,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        if uri.path() == "/act" {
            return if *method == Method::POST {
                self.post(headers, body).await
            } else {
                wrong_method("POST")
            };
        }
        if uri.path() == STREAM_PATH {
            return if *method == Method::GET { redirect_stream(uri) } else { wrong_method("GET") };
        }
        let is_read = matches!(*method, Method::GET | Method::HEAD);
        match (uri.path(), Asset::find(uri.path())) {
            ("/state" | "/healthz" | "/readyz", _) | (_, Some(_)) if !is_read => {
                wrong_method("GET, HEAD")
            }
            ("/state", _) => of_type("application/json", StatusCode::OK, self.state.read().await),
            ("/healthz", _) => text(StatusCode::OK, "ok"),
            ("/readyz", _) => self.ready().await,
            (_, Some(asset)) => asset.response(headers),
            _ => text(StatusCode::NOT_FOUND, "there is no such page"),
        }
    }

    /// Gives the lines of `body` to the stream whose key is in `headers`.
    async fn post<B>(&self, headers: &HeaderMap, body: B) -> Response<Body>
    where
        B: HttpBody<Data = Bytes>,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let key = headers.get(KEY_HEADER).and_then(|key| key.to_str().ok());
        let Some(key) = key.and_then(|key| key.parse::<StreamKey>().ok()) else {
            let expected = "expected the header Tribune-Key with the key of your stream";
            return text(StatusCode::BAD_REQUEST, expected);
        };
        let Ok(lines) = Limited::new(body, MAX_POST).collect().await else {
            let message = format!("expected lines of at most {MAX_POST} bytes in all");
            return closing(text(StatusCode::PAYLOAD_TOO_LARGE, &message));
        };
        match self.inboxes.post(key, &lines.to_bytes()) {
            Ok(()) => empty(StatusCode::NO_CONTENT),
            Err(PostError::UnknownKey) => {
                text(StatusCode::NOT_FOUND, "no open stream has this key")
            }
            Err(PostError::Full) => {
                let message = "your last lines have not been read yet: try again";
                let mut response = text(StatusCode::SERVICE_UNAVAILABLE, message);
                response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
                response
            }
        }
    }

    async fn ready(&self) -> Response<Body> {
        let problem = match timeout(READY_TIMEOUT, self.state.ping()).await {
            Ok(true) => return text(StatusCode::OK, "ready"),
            Ok(false) => "the game has ended",
            Err(_) => "the game does not respond",
        };
        text(StatusCode::SERVICE_UNAVAILABLE, problem)
    }
}

/// The response to a request for the stream on a connection that is not to become one: the browser is to
/// come again on another.
fn redirect_stream(uri: &Uri) -> Response<Body> {
    if let Err(invalid) = StreamRequest::parse(uri.query()) {
        return text(StatusCode::BAD_REQUEST, &invalid.to_string());
    }
    let target = uri.path_and_query().map_or(STREAM_PATH, |target| target.as_str());
    let mut response = text(StatusCode::TEMPORARY_REDIRECT, "come again on a new connection");
    if let Ok(target) = HeaderValue::from_str(target) {
        response.headers_mut().insert(LOCATION, target);
    }
    closing(response)
}

/// `response`, after which the connection is closed.
fn closing(mut response: Response<Body>) -> Response<Body> {
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}
