use std::{future, net::SocketAddr, sync::Arc};

use anyhow::Context;
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tokio_util::sync::CancellationToken;
use tribune_cli::Signals;
use tribune_protocol::text::quote;

use super::{
    EchoSettings, Manner,
    conversation::{Exchange, converse},
};
use crate::{
    descriptors::{echo_needs, max_clients, raise_limit},
    edge::{LINGER, accept, bind_all, linger},
    messages::Messages,
    settings::Outcome,
    tasks::Tasks,
};

/// Runs the echo service until a signal ends it. `log` is told who comes, and what is received, sent
/// and closed; `messages` what people should know.
///
/// # Errors
/// If it cannot listen.
pub async fn run_echo(
    settings: EchoSettings,
    log: Option<Messages>,
    messages: Messages,
) -> anyhow::Result<Outcome> {
    let sockets = bind_all(&settings.listen)?;
    let mut signals = Signals::listen().context("cannot listen to signals")?;
    raise_limit();
    let clients = max_clients(settings.max_clients, echo_needs(sockets.len()))?;
    let service = Service {
        manner: settings.manner,
        log,
        places: Arc::new(Semaphore::new(clients.min(Semaphore::MAX_PERMITS))),
        conversations: Tasks::default(),
        closing: CancellationToken::new(),
    };
    for socket in sockets {
        messages.say(format_args!("echo server listening on {}", socket.local_addr()?));
        service.conversations.spawn_critical("listener", service.clone().listen(socket));
    }
    tokio::select! {
        _ = signals.next_stop() => {}
        () = service.conversations.broken() => anyhow::bail!("a part of the server has failed"),
    }
    service.closing.cancel();
    messages.say("ending when all answers are sent (once more to end at once)");
    tokio::select! {
        () = service.conversations.ended() => Ok(Outcome::Over),
        _ = signals.next_stop() => Ok(Outcome::CutShort),
    }
}

/// What all conversations have in common.
#[derive(Clone, Debug)]
struct Service {
    manner: Manner,
    log: Option<Messages>,
    places: Arc<Semaphore>,
    conversations: Tasks,
    closing: CancellationToken,
}

impl Service {
    async fn listen(self, socket: TcpListener) {
        let accept = async {
            loop {
                let stream = accept(&socket, || future::ready(false)).await.0;
                self.take_in(stream);
            }
        };
        self.closing.run_until_cancelled(accept).await;
    }

    fn take_in(&self, stream: TcpStream) {
        // It went before it came.
        let Ok(peer) = stream.peer_addr() else { return };
        match self.places.clone().try_acquire_owned() {
            Ok(place) => {
                self.conversations.spawn("conversation", self.clone().talk(stream, peer, place));
            }
            // The service has no word for it.
            Err(_) => self.tell(peer, "closed: there are as many clients as there may be"),
        }
    }

    async fn talk(self, mut stream: TcpStream, peer: SocketAddr, place: OwnedSemaphorePermit) {
        self.tell(peer, "connected");
        // It matters only for an answer in pieces, which none is.
        let _ = stream.set_nodelay(true);
        let told = |exchange: Exchange<'_>| match exchange {
            Exchange::Received(bytes) => self.tell_bytes(peer, "received", bytes),
            Exchange::Sent(bytes) => self.tell_bytes(peer, "sent", bytes),
        };
        match converse(&mut stream, self.manner, &self.closing, told).await {
            Ok(()) => {
                // If it is gone already, so much the better.
                let _ = stream.shutdown().await;
                self.tell(peer, "closed");
                linger(stream, LINGER).await;
                // Not before: it takes a descriptor as long as it is listened to.
                drop(place);
            }
            Err(error) => self.tell(peer, &format!("closed: {error}")),
        }
    }

    fn tell_bytes(&self, peer: SocketAddr, what: &str, bytes: &[u8]) {
        if self.log.is_some() {
            self.tell(peer, &format!("{what} {} bytes: {}", bytes.len(), quote(bytes)));
        }
    }

    fn tell(&self, peer: SocketAddr, what: &str) {
        if let Some(log) = &self.log {
            log.say(format_args!("{peer} {what}"));
        }
    }
}
