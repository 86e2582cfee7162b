use std::time::Duration;

use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt},
    net::TcpListener,
    time::timeout,
};
use tokio_util::sync::CancellationToken;
use tribune_protocol::{ClosingCode, ControlMessage, encode};

use super::{
    accept::{Accepted, accept_batch},
    byte_stream::ByteStream,
    client_limit::ClientLimit,
    joiner::Joiner,
    linger::{LINGER, LingerPermits, linger},
    stages::{Connected, Identified},
};
use crate::tasks::Tasks;

/// How long a refused connection may take to accept the reason.
const REFUSAL_TIMEOUT: Duration = Duration::from_millis(10);

/// Accepts connections and takes each through handshake, identity and limits until it joins or is
/// refused.
#[derive(Clone, Debug)]
pub struct Listener {
    clients: ClientLimit,
    joiner: Joiner,
    lingering: LingerPermits,
    refusals: Tasks,
}

impl Listener {
    /// A listener that admits connections within the limit of `clients`, and lets `joiner` have
    /// those. The others are refused in `refusals`, as far as `lingering` permits.
    pub fn new(
        clients: ClientLimit,
        joiner: Joiner,
        lingering: LingerPermits,
        refusals: Tasks,
    ) -> Self {
        Self { clients, joiner, lingering, refusals }
    }

    /// Accepts connections of `socket` until `stop` is cancelled.
    pub async fn run(self, socket: TcpListener, stop: CancellationToken) {
        let accept = async {
            loop {
                let accepted = accept_batch(&socket, || self.clients.evict_half_closed()).await;
                let connected = accepted.into_iter().map(Accepted::handshake);
                self.admit_all(connected.map(Connected::identify)).await;
            }
        };
        stop.run_until_cancelled(accept).await;
    }

    /// Lets those of `identified` join that are within the limits.
    pub(super) async fn admit_all<S: ByteStream + AsyncRead + AsyncWrite>(
        &self,
        identified: impl IntoIterator<Item = Identified<S>>,
    ) {
        let mut admitted = Vec::new();
        for client in identified {
            match self.clients.admit(client).await {
                Ok(client) => admitted.push(client),
                Err(client) => self.retry_or_refuse(client),
            }
        }
        self.joiner.join(admitted).await;
    }

    /// Tries to admit `client` a few times more, and refuses it then.
    fn retry_or_refuse<S: ByteStream + AsyncRead + AsyncWrite>(&self, client: Identified<S>) {
        let Some(permit) = self.lingering.try_acquire() else { return };
        let this = self.clone();
        self.refusals.spawn("refusal", async move {
            match this.clients.retry(client).await {
                Ok(admitted) => this.joiner.join(vec![admitted]).await,
                Err(client) => refuse(client.into_stream()).await,
            }
            drop(permit);
        });
    }
}

/// Sends the reason and closes.
async fn refuse(stream: impl AsyncRead + AsyncWrite + Unpin) {
    send_refusal(stream, &server_full()).await;
}

/// The line that says why the server does not admit a client.
pub fn server_full() -> Vec<u8> {
    let message = "the server has its maximum of clients: try again later".to_owned();
    let mut line = Vec::new();
    encode(&ControlMessage::Closing { code: ClosingCode::ServerFull, message }, &mut line);
    line
}

/// Sends `refusal`, which is short, to a connection that is not admitted, and closes it.
pub async fn send_refusal(mut stream: impl AsyncRead + AsyncWrite + Unpin, refusal: &[u8]) {
    let send = async {
        stream.write_all(refusal).await?;
        stream.shutdown().await
    };
    // It fits into an empty socket buffer, so only a peer that has gone does not get it.
    let _ = timeout(REFUSAL_TIMEOUT, send).await;
    linger(stream, LINGER).await;
}
