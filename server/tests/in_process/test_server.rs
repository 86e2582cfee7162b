use std::{io, net::SocketAddr, time::Duration};

use clap::Parser;
use tokio::{task::JoinHandle, time::timeout};
use tribune_server::{Args, Messages, Outcome, ShutdownHandle, bind_all, run, shutdown};

/// Nothing takes so long.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// A server that runs in the test's runtime.
pub struct TestServer {
    pub address: SocketAddr,
    pub handle: ShutdownHandle,
    run: JoinHandle<anyhow::Result<Outcome>>,
}

impl TestServer {
    /// Starts a server without programs, whose game does not end by itself, with more `args`.
    pub fn start(args: &[&str]) -> Self {
        Self::start_with(&[&["--script", "", "--stay"], args].concat())
    }

    /// Starts a server that can start no programs, with `args`.
    pub fn start_with(args: &[&str]) -> Self {
        let args = [&["server", "--listen", "127.0.0.1:0"], args].concat();
        let (listen, mut settings) = Args::parse_from(args).game.into_settings().unwrap();
        settings.runs_programs = false;
        let listeners = bind_all(&listen).unwrap();
        let address = listeners[0].local_addr().unwrap();
        let (messages, _) = Messages::to(io::sink());
        let (handle, shutdown) = shutdown();
        let run = tokio::spawn(run(settings, listeners, shutdown, messages));
        Self { address, handle, run }
    }

    /// Asks it to end in order, and waits for that.
    pub async fn drain(self, reason: &str) -> Outcome {
        self.handle.drain(reason);
        self.outcome().await
    }

    /// Drops the future that runs it, and returns the address that it listened on.
    pub async fn cancel(self) -> SocketAddr {
        self.run.abort();
        assert!(self.run.await.unwrap_err().is_cancelled());
        self.address
    }

    /// Waits for its end.
    pub async fn outcome(self) -> Outcome {
        self.ended().await.unwrap()
    }

    /// Waits for it to fail.
    pub async fn error(self) -> String {
        self.ended().await.unwrap_err().to_string()
    }

    async fn ended(self) -> anyhow::Result<Outcome> {
        timeout(DEADLINE, self.run).await.expect("it ends in time").unwrap()
    }
}
