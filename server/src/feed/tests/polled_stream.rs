//! A transport that frames, over a pipe of eight bytes.

use std::io;

use bytes::BytesMut;
use tokio::{
    io::{AsyncReadExt, DuplexStream, duplex},
    time::timeout,
};

use super::{DEADLINE, permit};
use crate::feed::{Framing, Transport, outgoing::Outgoing};

/// Chunks of HTTP: the length in hexadecimal digits, a line end, the payload and a line end.
pub(super) struct Chunked;

impl Framing for Chunked {
    fn frame(&mut self, payload: &[u8], buffer: &mut BytesMut) {
        buffer.extend_from_slice(format!("{:x}\r\n", payload.len()).as_bytes());
        buffer.extend_from_slice(payload);
        buffer.extend_from_slice(b"\r\n");
    }

    fn end(&mut self, buffer: &mut BytesMut) {
        buffer.extend_from_slice(b"0\r\n\r\n");
    }
}

/// The payload of the complete chunks in `bytes`, and whether the last chunk was there.
pub(super) fn unchunk(mut bytes: &[u8]) -> (Vec<u8>, bool) {
    let mut payload = Vec::new();
    while let Some(at) = bytes.windows(2).position(|pair| pair == b"\r\n") {
        let length = str::from_utf8(&bytes[..at]).expect("a chunk begins with its length");
        let length = usize::from_str_radix(length, 16).expect("a chunk begins with its length");
        let Some((chunk, rest)) = bytes[at + 2..].split_at_checked(length + 2) else { break };
        let chunk = chunk.strip_suffix(b"\r\n").expect("a chunk ends with a line end");
        payload.extend_from_slice(chunk);
        bytes = rest;
        if length == 0 {
            assert!(bytes.is_empty(), "nothing follows the last chunk");
            return (payload, true);
        }
    }
    (payload, false)
}

/// A transport that frames, and the other end of its pipe.
fn chunked() -> (Transport, DuplexStream) {
    let (near, far) = duplex(8);
    (Transport::framed(near, Chunked, permit()), far)
}

async fn ready(transport: &mut Transport) {
    std::future::poll_fn(|cx| transport.poll_ready(cx)).await;
}

async fn read_to_end(mut far: DuplexStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    timeout(DEADLINE, far.read_to_end(&mut bytes)).await.expect("the stream ends").unwrap();
    bytes
}

#[tokio::test]
async fn sends_every_byte_once_in_order() {
    let (mut transport, far) = chunked();
    let sent: Vec<u8> = (0..100_000_u32).map(|number| number.to_le_bytes()[0]).collect();
    let read = tokio::spawn(read_to_end(far));
    let mut rest = &sent[..];
    while !rest.is_empty() {
        match transport.try_write(rest) {
            Ok(length) => rest = &rest[length..],
            Err(error) => {
                assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
                ready(&mut transport).await;
            }
        }
    }
    transport.finish().expect("a stream is closed by polling").await;
    assert_eq!(unchunk(&read.await.unwrap()), (sent, true));
}

#[tokio::test]
async fn accepts_nothing_while_it_holds_a_frame() {
    let (mut transport, mut far) = chunked();
    assert_eq!(transport.try_write(b"0123456789").unwrap(), 10);
    assert!(!transport.try_flush().unwrap(), "eight bytes of fifteen are sent");
    assert_eq!(transport.try_write(b"x").unwrap_err().kind(), io::ErrorKind::WouldBlock);
    let mut bytes = [0; 15];
    far.read_exact(&mut bytes[..8]).await.unwrap();
    ready(&mut transport).await;
    assert!(transport.try_flush().unwrap());
    far.read_exact(&mut bytes[8..]).await.unwrap();
    assert_eq!(bytes, *b"a\r\n0123456789\r\n");
}

#[tokio::test]
async fn is_ready_after_partial_progress() {
    let (mut transport, mut far) = chunked();
    transport.try_write(&[b'x'; 100]).unwrap();
    let wake = tokio::spawn(async move {
        ready(&mut transport).await;
        transport
    });
    far.read_exact(&mut [0; 8]).await.unwrap();
    let mut transport = timeout(DEADLINE, wake).await.expect("eight bytes more went in").unwrap();
    assert!(!transport.try_flush().unwrap(), "most of the frame is still held");
}

#[tokio::test]
async fn a_notice_follows_the_frame_it_holds() {
    let (mut transport, far) = chunked();
    transport.try_write(b"0123456789\n").unwrap();
    let closing = transport.abort(b"closing\n").expect("a stream is closed by polling");
    let ((), bytes) = tokio::join!(closing, read_to_end(far));
    assert_eq!(unchunk(&bytes), (b"0123456789\nclosing\n".to_vec(), true));
}

#[tokio::test(start_paused = true)]
async fn closing_a_peer_that_does_not_read_takes_bounded_time() {
    let (mut transport, far) = chunked();
    transport.try_write(&[b'x'; 100]).unwrap();
    let closing = transport.abort(b"closing\n").expect("a stream is closed by polling");
    timeout(DEADLINE, closing).await.expect("it gives up");
    assert!(!unchunk(&read_to_end(far).await).1);
}

#[tokio::test]
async fn reports_the_error_that_polling_found() {
    let (mut transport, far) = chunked();
    transport.try_write(&[b'x'; 100]).unwrap();
    drop(far);
    ready(&mut transport).await;
    assert_eq!(transport.try_flush().unwrap_err().kind(), io::ErrorKind::BrokenPipe);
}
