use std::{future, net::SocketAddr, sync::Arc};

use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tokio_util::sync::CancellationToken;
use tribune_protocol::text::quote;

use super::{
    EchoConfig, EchoSettings,
    exchange::{Step, exchange},
};
use crate::{
    descriptors::{echo_needs, max_clients, raise_limit},
    edge::{Accepted, LINGER, accept, linger},
    messages::Messages,
    outcome::Outcome,
    shutdown::Shutdown,
    tasks::Tasks,
};

/// An echo server that is ready to run.
#[derive(Debug)]
pub struct EchoServer {
    listeners: Vec<TcpListener>,
    service: Service,
}

impl EchoServer {
    /// Prepares an echo server that accepts clients from `listeners`. What is received and sent on
    /// each connection goes to `log`.
    ///
    /// # Errors
    /// If the system does not allow enough open files.
    pub fn new(
        settings: &EchoSettings,
        listeners: Vec<TcpListener>,
        log: Option<Messages>,
    ) -> anyhow::Result<Self> {
        raise_limit();
        let clients = max_clients(settings.max_clients, echo_needs(listeners.len()))?;
        let service = Service {
            config: settings.config,
            log,
            clients: Arc::new(Semaphore::new(clients.min(Semaphore::MAX_PERMITS))),
            tasks: Tasks::default(),
            closing: CancellationToken::new(),
        };
        Ok(Self { listeners, service })
    }

    /// Serves clients until `shutdown` says otherwise.
    ///
    /// # Errors
    /// If a part of the server has failed.
    pub async fn run(self, mut shutdown: Shutdown) -> anyhow::Result<Outcome> {
        let Self { listeners, service } = self;
        for listener in listeners {
            service.tasks.spawn_critical("listener", service.clone().listen(listener));
        }
        tokio::select! {
            _ = shutdown.requested() => {}
            () = service.tasks.failed() => anyhow::bail!("a part of the server has failed"),
        }
        service.closing.cancel();
        tokio::select! {
            () = service.tasks.ended() => Ok(Outcome::Finished),
            () = shutdown.aborted() => Ok(Outcome::Aborted),
        }
    }
}

/// What all connections share.
#[derive(Clone, Debug)]
struct Service {
    config: EchoConfig,
    log: Option<Messages>,
    clients: Arc<Semaphore>,
    tasks: Tasks,
    closing: CancellationToken,
}

impl Service {
    async fn listen(self, listener: TcpListener) {
        let accept = async {
            loop {
                let no_descriptor_freed = || future::ready(false);
                self.admit(accept(&listener, no_descriptor_freed).await);
            }
        };
        self.closing.run_until_cancelled(accept).await;
    }

    fn admit(&self, Accepted { stream, peer }: Accepted) {
        match self.clients.clone().try_acquire_owned() {
            Ok(permit) => self.tasks.spawn("echo", self.clone().serve(stream, peer, permit)),
            // The service has no message for it.
            Err(_) => self.log(peer, "closed: the server has its maximum of clients"),
        }
    }

    async fn serve(self, mut stream: TcpStream, peer: SocketAddr, permit: OwnedSemaphorePermit) {
        self.log(peer, "connected");
        // An answer is one write, so this only matters in a stream.
        let _ = stream.set_nodelay(true);
        let on_step = |step: Step<'_>| match step {
            Step::Received(bytes) => self.log_bytes(peer, "received", bytes),
            Step::Sent(bytes) => self.log_bytes(peer, "sent", bytes),
        };
        match exchange(&mut stream, self.config, &self.closing, on_step).await {
            Ok(()) => {
                // It fails only if the peer has closed, too.
                let _ = stream.shutdown().await;
                self.log(peer, "closed");
                linger(stream, LINGER).await;
                // Only now: a connection that lingers still uses a descriptor.
                drop(permit);
            }
            Err(error) => self.log(peer, &format!("closed: {error}")),
        }
    }

    fn log_bytes(&self, peer: SocketAddr, step: &str, bytes: &[u8]) {
        if self.log.is_some() {
            self.log(peer, &format!("{step} {} bytes: {}", bytes.len(), quote(bytes)));
        }
    }

    fn log(&self, peer: SocketAddr, text: &str) {
        if let Some(log) = &self.log {
            log.say(format_args!("{peer} {text}"));
        }
    }
}
