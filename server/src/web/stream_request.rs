use httparse::{EMPTY_HEADER, Request, Status};
use hyper::header::{HeaderName, HeaderValue};
use hyper::{HeaderMap, Method, Uri};
use thiserror::Error;
use tribune_protocol::{GameId, Seq};

use super::access_policy::AccessPolicy;

/// The path of the stream.
pub const STREAM_PATH: &str = "/stream";

/// What a request for the stream begins with.
const BEGINNING: &[u8] = b"GET /stream";

/// The most headers of a request: as many as hyper accepts.
const MAX_HEADERS: usize = 100;

/// A request for the stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StreamRequest {
    /// The events to begin with, instead of those after the state.
    pub resume: Option<Resume>,
}

/// A request for past events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resume {
    /// The game that they are of; `None` for the one that is played.
    pub game: Option<GameId>,
    /// The last event that the client has received.
    pub after: Seq,
}

/// Why the parameters of a request for the stream are invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum InvalidQuery {
    /// `after` is not the number of an event.
    #[error("invalid after: expected the number of the last event that you have, as in ?after=17")]
    After,
    /// There is `game` without `after`.
    #[error("game needs after, as in ?after=17&game=k3v9q2")]
    GameAlone,
    /// A parameter is there twice.
    #[error("expected each of after and game once")]
    Twice,
}

/// What the first bytes of a connection are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opening {
    /// The beginning of what may be a request for the stream.
    Incomplete,
    /// A whole request for the stream, which is to be answered with it.
    Stream(StreamRequest),
    /// Anything else. Responses to it, errors among them, are left to the HTTP library.
    Other,
}

impl StreamRequest {
    /// The request with this `query`. Unknown parameters are ignored.
    ///
    /// # Errors
    /// Says which parameter is invalid.
    pub fn parse(query: Option<&str>) -> Result<Self, InvalidQuery> {
        let (mut after, mut game) = (None, None);
        for parameter in query.unwrap_or_default().split('&') {
            let previous = match parameter.split_once('=') {
                Some(("after", value)) => after.replace(value),
                Some(("game", value)) => game.replace(value),
                _ => None,
            };
            if previous.is_some() {
                return Err(InvalidQuery::Twice);
            }
        }
        let Some(after) = after else {
            return if game.is_some() { Err(InvalidQuery::GameAlone) } else { Ok(Self::default()) };
        };
        let is_number = after.bytes().all(|byte| byte.is_ascii_digit());
        let after = after.parse().ok().filter(|_| is_number).ok_or(InvalidQuery::After)?;
        let game = game.map(|game| GameId(game.to_owned()));
        Ok(Self { resume: Some(Resume { game, after: Seq(after) }) })
    }
}

impl Opening {
    /// What `bytes`, the first of a connection, are. A request that `policy` denies is not answered
    /// with the stream.
    pub fn of(bytes: &[u8], policy: &AccessPolicy) -> Self {
        let common = bytes.len().min(BEGINNING.len());
        if bytes[..common] != BEGINNING[..common] {
            return Self::Other;
        }
        if !matches!(bytes.get(BEGINNING.len()), None | Some(b' ' | b'?')) {
            return Self::Other;
        }
        let mut headers = [EMPTY_HEADER; MAX_HEADERS];
        let mut request = Request::new(&mut headers);
        match request.parse(bytes) {
            Ok(Status::Partial) => Self::Incomplete,
            Ok(Status::Complete(_)) => accepted(&request, policy).map_or(Self::Other, Self::Stream),
            Err(_) => Self::Other,
        }
    }
}

/// The request for the stream that `request` is, if it is to be answered with it.
fn accepted(request: &Request<'_, '_>, policy: &AccessPolicy) -> Option<StreamRequest> {
    let uri: Uri = request.path?.parse().ok()?;
    let mut headers = HeaderMap::new();
    for header in &*request.headers {
        let name = HeaderName::from_bytes(header.name.as_bytes()).ok()?;
        headers.append(name, HeaderValue::from_bytes(header.value).ok()?);
    }
    policy.check(&Method::GET, &uri, &headers).ok()?;
    StreamRequest::parse(uri.query()).ok().filter(|_| uri.path() == STREAM_PATH)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn opening(bytes: impl AsRef<[u8]>) -> Opening {
        Opening::of(bytes.as_ref(), &AccessPolicy::default())
    }

    fn resume(game: Option<&str>, after: u64) -> StreamRequest {
        let game = game.map(|game| GameId(game.to_owned()));
        StreamRequest { resume: Some(Resume { game, after: Seq(after) }) }
    }

    #[test]
    fn parses_the_parameters() {
        let parse = StreamRequest::parse;
        for query in [None, Some(""), Some("x=1"), Some("&&"), Some("afterwards=1")] {
            assert_eq!(parse(query), Ok(StreamRequest::default()), "{query:?}");
        }
        assert_eq!(parse(Some("after=17")), Ok(resume(None, 17)));
        assert_eq!(parse(Some("game=k3v9q2&after=0&x")), Ok(resume(Some("k3v9q2"), 0)));
        for query in ["after=", "after=x", "after=-1", "after=+1", "after=18446744073709551616"] {
            assert_eq!(parse(Some(query)), Err(InvalidQuery::After), "{query}");
        }
        assert_eq!(parse(Some("game=a")), Err(InvalidQuery::GameAlone));
        assert_eq!(parse(Some("after=1&after=2")), Err(InvalidQuery::Twice));
    }

    #[test]
    fn other_requests_are_recognized_by_their_first_byte_that_differs() {
        for bytes in
            ["P", "GET /x", "GET /streams", "GET /stream/", "get /stream", "\r\n", "\x16\x03"]
        {
            assert_eq!(opening(bytes), Opening::Other, "{bytes}");
        }
        for bytes in ["", "G", "GET /str", "GET /stream", "GET /stream?after=1"] {
            assert_eq!(opening(bytes), Opening::Incomplete, "{bytes}");
        }
    }

    #[test]
    fn requests_that_are_refused_are_left_to_the_library() {
        for head in [
            "GET /stream HTTP/1.1\r\n\r\n",
            "GET /stream HTTP/1.1\r\nHost: evil.example\r\n\r\n",
            "GET /stream HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example\r\n\r\n",
            "GET /stream?after=x HTTP/1.1\r\nHost: localhost\r\n\r\n",
            "GET /stream HTTP/1.1\r\nHost localhost\r\n\r\n",
            "GET /stream HTTP/9\r\n\r\n",
            "GET /stream\r\n\r\n",
        ] {
            assert_eq!(opening(head), Opening::Other, "{head}");
        }
    }

    proptest! {
        #[test]
        fn a_head_is_incomplete_up_to_its_last_byte(headers in "(X-[a-z]{1,9}: [ -~]{0,20}\r\n){0,20}") {
            let head = format!("GET /stream?after=7 HTTP/1.1\r\nHost: 127.0.0.1:7778\r\n{headers}\r\n");
            for length in 0..head.len() {
                prop_assert_eq!(opening(&head[..length]), Opening::Incomplete);
            }
            prop_assert_eq!(opening(&head), Opening::Stream(resume(None, 7)));
            prop_assert_eq!(opening(head + "N evil\n"), Opening::Stream(resume(None, 7)));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = opening(&bytes);
            let _ = opening([BEGINNING, b" ", &bytes].concat());
        }
    }
}
