//! The simplest server: a task per client, which writes one message at a time.

use std::net::TcpListener;

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net,
    runtime::Runtime,
    sync::broadcast,
};

/// How many messages a client may be behind: more than the load publishes ahead.
const CAPACITY: usize = 1 << 16;

/// Sends to all clients of `subscribers` the lines that clients of `publishers` send.
///
/// # Errors
/// If a system call fails.
pub fn serve(subscribers: TcpListener, publishers: TcpListener) -> anyhow::Result<()> {
    subscribers.set_nonblocking(true)?;
    publishers.set_nonblocking(true)?;
    Runtime::new()?.block_on(async {
        let subscribers = net::TcpListener::from_std(subscribers)?;
        let publishers = net::TcpListener::from_std(publishers)?;
        let (sender, _) = broadcast::channel::<Vec<u8>>(CAPACITY);
        let lines = sender.clone();
        tokio::spawn(async move {
            while let Ok((publisher, _)) = publishers.accept().await {
                let mut reader = BufReader::new(publisher);
                loop {
                    let mut line = Vec::new();
                    match reader.read_until(b'\n', &mut line).await {
                        Ok(1..) => _ = lines.send(line),
                        Ok(0) | Err(_) => break,
                    }
                }
            }
        });
        loop {
            let (mut socket, _) = subscribers.accept().await?;
            socket.set_nodelay(true)?;
            let mut messages = sender.subscribe();
            tokio::spawn(async move {
                // A client that falls behind is closed, and the load reports that.
                while let Ok(message) = messages.recv().await {
                    if socket.write_all(&message).await.is_err() {
                        return;
                    }
                }
            });
        }
    })
}
