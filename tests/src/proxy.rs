use std::{
    io::{self, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

/// A TCP proxy between client and server whose connections can be closed.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    server: Arc<Mutex<SocketAddr>>,
    connections: Arc<AtomicUsize>,
    open: Arc<Mutex<Vec<TcpStream>>>,
}

impl Proxy {
    /// Starts a proxy to `server`. It closes the first connections after the numbers of bytes from
    /// the server that are in `cuts`, one for each, which may be in the middle of a line.
    ///
    /// # Panics
    /// If the system has no free port.
    pub fn to(server: SocketAddr, cuts: &[u64]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
        let address = listener.local_addr().expect("it is bound");
        let connections = Arc::new(AtomicUsize::new(0));
        let open = Arc::new(Mutex::new(Vec::new()));
        let target = Arc::new(Mutex::new(server));
        let (to, counter, streams, cuts) =
            (target.clone(), connections.clone(), open.clone(), cuts.to_vec());
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let number = counter.fetch_add(1, Ordering::SeqCst);
                let server = *to.lock().expect("no code panics while it holds this lock");
                let Ok(server) = TcpStream::connect(server) else {
                    continue;
                };
                let limit = cuts.get(number).copied().unwrap_or(u64::MAX);
                if let (Ok(client), Ok(server)) = (client.try_clone(), server.try_clone()) {
                    streams
                        .lock()
                        .expect("no code panics while it holds this lock")
                        .extend([client, server]);
                }
                forward(client, server, limit);
            }
        });
        Self { address, server: target, connections, open }
    }

    /// The address on which it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Forwards new connections to another server.
    ///
    /// # Panics
    /// If a thread of the proxy has panicked.
    pub fn redirect_to(&self, server: SocketAddr) {
        *self.server.lock().expect("no code panics while it holds this lock") = server;
    }

    /// The number of connections it has accepted.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Closes all connections.
    ///
    /// # Panics
    /// If a thread of the proxy has panicked.
    pub fn cut(&self) {
        for stream in self.open.lock().expect("no code panics while it holds this lock").drain(..) {
            // The peer may have closed it already.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

fn forward(client: TcpStream, server: TcpStream, limit: u64) {
    let (mut up_from, mut up_to) =
        (client.try_clone().expect("a socket"), server.try_clone().expect("a socket"));
    thread::spawn(move || io::copy(&mut up_from, &mut up_to));
    thread::spawn(move || {
        let (mut from, mut to) = ((&server).take(limit), &client);
        // After an error the connection is closed too, only earlier.
        let _ = io::copy(&mut from, &mut to).and_then(|_| to.flush());
        let _ = client.shutdown(Shutdown::Both);
        let _ = server.shutdown(Shutdown::Both);
    });
}
