//! A task for each client, and a message at a time: how one builds it at first.

use std::net::TcpListener;

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net,
    runtime::Runtime,
    sync::broadcast,
};

/// So many messages can be behind: as many as the load sends ahead, and some.
const CAPACITY: usize = 1 << 16;

/// Sends to everyone who connects to `subscribers` the lines of whoever connects to `publishers`.
///
/// # Errors
/// If the system fails.
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
                // One that is too slow is closed, which the load notices.
                while let Ok(message) = messages.recv().await {
                    if socket.write_all(&message).await.is_err() {
                        return;
                    }
                }
            });
        }
    })
}
