use std::{convert::Infallible, io::Cursor, sync::Arc, time::Duration};

use bytes::{BufMut, BytesMut};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, join},
    net::{TcpListener, TcpStream},
    pin,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tribune_protocol::{GameId, Request};

use super::{
    http_connections::{HttpConnections, HttpPermit},
    router::Router,
    stream_head::{busy_head, stream_head},
    stream_request::{Opening, Resume, StreamRequest},
    web_stream::WebStream,
};
use crate::{
    edge::{
        Accepted, Admitted, ClientLimit, Connected, Joiner, LingerPermits, accept_batch,
        send_refusal, server_full,
    },
    tasks::Tasks,
};

/// The most bytes of the head of a request.
const MAX_HEAD: usize = 8 << 10;

/// How long the head of a request may take to come, and how long a connection may be idle.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a connection that is not a stream may last: then it is closed after the response that it is
/// getting.
const MAX_AGE: Duration = Duration::from_secs(60);

/// How long a connection may take to get the rest of a response before it is closed.
const CLOSE_LIMIT: Duration = Duration::from_secs(1);

/// How long a client may take to accept the head of its stream, which fits into an empty buffer.
const STREAM_HEAD_TIMEOUT: Duration = Duration::from_secs(1);

/// The port for browsers. A request for the stream turns its connection into a client like those of the
/// port of the game; all other requests are answered by the [`Router`].
#[derive(Debug)]
pub struct WebPort {
    /// The game that is played.
    pub game: GameId,
    /// Answers requests.
    pub router: Router,
    /// The connections that are not streams.
    pub connections: HttpConnections,
    /// The limit that streams share with all other clients.
    pub clients: ClientLimit,
    /// What streams join.
    pub joiner: Joiner,
    /// Permits to linger for streams that were refused.
    pub lingering: LingerPermits,
    /// Runs connections.
    pub tasks: Tasks,
}

impl WebPort {
    /// Accepts connections of `socket` until `stop` is cancelled. Then those that are not streams are
    /// closed, too.
    pub async fn run(self, socket: TcpListener, stop: CancellationToken) {
        let this = Arc::new(self);
        let accept = async {
            loop {
                for accepted in accept_batch(&socket, || this.free_descriptor()).await {
                    let permit = this.connections.add(accepted.peer.ip());
                    let task = this.clone().serve(accepted, permit, stop.clone());
                    this.tasks.spawn("HTTP connection", task);
                }
            }
        };
        stop.run_until_cancelled(accept).await;
    }

    async fn free_descriptor(&self) -> bool {
        self.connections.evict() || self.clients.evict_half_closed().await
    }

    async fn serve(
        self: Arc<Self>,
        mut accepted: Accepted,
        permit: HttpPermit,
        stop: CancellationToken,
    ) {
        let mut buffer = BytesMut::new();
        let opening = tokio::select! {
            opening = timeout(HEAD_TIMEOUT, self.read_opening(&mut accepted.stream, &mut buffer)) => opening,
            () = permit.evicted() => return,
            () = stop.cancelled() => return,
        };
        match opening {
            Ok(Some(Opening::Stream(request))) => {
                drop((buffer, permit));
                self.start_stream(accepted, request).await;
            }
            Ok(Some(_)) => {
                self.serve_requests(accepted.stream, buffer, permit, stop).await;
            }
            // It has closed, or taken too long.
            Ok(None) | Err(_) => {}
        }
    }

    /// Reads into `buffer` until it is known what the connection begins with; `None` if it closes before.
    async fn read_opening(&self, stream: &mut TcpStream, buffer: &mut BytesMut) -> Option<Opening> {
        loop {
            let room = MAX_HEAD - buffer.len();
            buffer.reserve(room.min(1024));
            let length = stream.read_buf(&mut (&mut *buffer).limit(room)).await.ok()?;
            match Opening::of(buffer, &self.router.policy) {
                Opening::Incomplete if length == 0 => return None,
                // The library refuses a head that is too long.
                Opening::Incomplete if buffer.len() == MAX_HEAD => return Some(Opening::Other),
                Opening::Incomplete => {}
                opening => return Some(opening),
            }
        }
    }

    /// Answers requests on `stream`, of which `read` was read already.
    async fn serve_requests(
        &self,
        stream: TcpStream,
        read: BytesMut,
        permit: HttpPermit,
        stop: CancellationToken,
    ) {
        let (input, output) = stream.into_split();
        let io = TokioIo::new(join(Cursor::new(read).chain(input), output));
        let service = service_fn(async |request: hyper::Request<Incoming>| {
            permit.touch();
            Ok::<_, Infallible>(self.router.respond(request).await)
        });
        let mut builder = http1::Builder::new();
        builder.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT).max_buf_size(MAX_HEAD);
        let connection = builder.serve_connection(io, service);
        pin!(connection);
        tokio::select! {
            // An error of one connection is no error of the server.
            _ = connection.as_mut() => return,
            () = permit.evicted() => return,
            () = stop.cancelled() => {}
            () = sleep(MAX_AGE) => {}
        }
        connection.as_mut().graceful_shutdown();
        let _ = timeout(CLOSE_LIMIT, connection).await;
    }

    /// Lets the connection join as a client, or refuses it if the server is full.
    async fn start_stream(&self, accepted: Accepted, request: StreamRequest) {
        let inbox = self.router.inboxes.open(self.first_lines(request));
        let stream = WebStream { connection: accepted.stream, inbox };
        let identified = Connected::new(stream, accepted.peer).identify();
        match self.clients.admit(identified).await {
            Ok(admitted) => self.join(admitted).await,
            Err(identified) => {
                let Some(_permit) = self.lingering.try_acquire() else { return };
                match self.clients.retry(identified).await {
                    Ok(admitted) => self.join(admitted).await,
                    Err(refused) => {
                        let response = busy_head(&server_full());
                        send_refusal(refused.into_stream().connection, &response).await;
                    }
                }
            }
        }
    }

    /// What the client would send first on the port of the game.
    fn first_lines(&self, request: StreamRequest) -> Vec<u8> {
        let mut lines = Vec::new();
        if let Some(Resume { game, after }) = request.resume {
            let game = game.unwrap_or_else(|| self.game.clone());
            Request::Resume { game, after }.encode(&mut lines);
        }
        lines
    }

    async fn join(&self, mut admitted: Admitted<WebStream>) {
        let WebStream { connection, inbox } = admitted.stream_mut();
        let head = stream_head(inbox.key());
        let written = timeout(STREAM_HEAD_TIMEOUT, connection.write_all(&head)).await;
        if written.is_ok_and(|written| written.is_ok()) {
            self.joiner.join(vec![admitted]).await;
        }
    }
}
