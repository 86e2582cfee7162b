use bytes::BytesMut;

/// How the bytes of the feed are wrapped for a transport that does not carry them as they are, such
/// as chunks of HTTP or messages of a WebSocket.
pub trait Framing: Send + 'static {
    /// Appends the frame of `payload`, which is not empty, to `buffer`. A payload may begin and end
    /// anywhere, also within a line.
    fn frame(&mut self, payload: &[u8], buffer: &mut BytesMut);

    /// Appends what ends the stream of frames.
    fn end(&mut self, _buffer: &mut BytesMut) {}
}

/// No framing: the bytes as they are.
#[derive(Clone, Copy, Debug)]
pub struct Unframed;

impl Framing for Unframed {
    fn frame(&mut self, payload: &[u8], buffer: &mut BytesMut) {
        buffer.extend_from_slice(payload);
    }
}
