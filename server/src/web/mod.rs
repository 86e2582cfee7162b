//! The port for browsers: the page, the stream over HTTP, and what programs that watch the server ask
//! for.
//!
//! A request for the stream is recognized by its first bytes. Its head is read here, its connection goes
//! through the stages of the [edge](crate::edge), and becomes a client of the feed whose bytes are
//! those that a TCP client gets. Everything else is left to an HTTP library.

mod access_policy;
mod assets;
mod bind;
mod config;
mod http_connections;
mod inbox;
mod response;
mod router;
mod stream_head;
mod stream_key;
mod stream_request;
mod web_port;
mod web_stream;

pub use self::{
    access_policy::AccessPolicy, bind::WebAddress, config::WebConfig,
    http_connections::HttpConnections, inbox::Inboxes, router::Router, web_port::WebPort,
};
