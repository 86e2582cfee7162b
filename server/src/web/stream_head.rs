use super::{router::KEY_HEADER, stream_key::StreamKey};

/// What both responses have: they are lines of the game, and end with the connection.
const COMMON: &str = "Content-Type: application/x-ndjson\r\n\
    Cache-Control: no-store\r\n\
    Connection: close\r\n\
    X-Content-Type-Options: nosniff\r\n\
    Referrer-Policy: no-referrer\r\n\
    Cross-Origin-Resource-Policy: same-origin\r\n";

/// The head of the response that is the stream. Lines are posted to it with `key`.
pub fn stream_head(key: StreamKey) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\n{COMMON}{KEY_HEADER}: {key}\r\n\r\n").into_bytes()
}

/// The response with the reason if the server is full.
pub fn busy_head(reason: &[u8]) -> Vec<u8> {
    let length = reason.len();
    let head = format!(
        "HTTP/1.1 503 Service Unavailable\r\n{COMMON}Retry-After: 1\r\nContent-Length: {length}\r\n\r\n"
    );
    [head.as_bytes(), reason].concat()
}
