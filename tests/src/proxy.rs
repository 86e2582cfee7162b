use std::{
    io::{self, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

/// A network between client and server that can be cut.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    server: Arc<Mutex<SocketAddr>>,
    connections: Arc<AtomicUsize>,
    open: Arc<Mutex<Vec<TcpStream>>>,
}

impl Proxy {
    /// A network to `server`. Each connection is cut after as many bytes from the server as
    /// `cuts` says in turn, wherever in a line that is; those beyond are left alone.
    ///
    /// # Panics
    /// If the system has no port to give.
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
                let server = *to.lock().expect("no test panics here");
                let Ok(server) = TcpStream::connect(server) else {
                    continue;
                };
                let limit = cuts.get(number).copied().unwrap_or(u64::MAX);
                if let (Ok(client), Ok(server)) = (client.try_clone(), server.try_clone()) {
                    streams.lock().expect("no test panics here").extend([client, server]);
                }
                carry(client, server, limit);
            }
        });
        Self { address, server: target, connections, open }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Leads to another server from now on.
    ///
    /// # Panics
    /// If a thread of it has.
    pub fn lead_to(&self, server: SocketAddr) {
        *self.server.lock().expect("no test panics here") = server;
    }

    /// How many connections it has carried.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Cuts all connections.
    ///
    /// # Panics
    /// If a thread of it has.
    pub fn cut(&self) {
        for stream in self.open.lock().expect("no test panics here").drain(..) {
            // It may have ended by itself.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

fn carry(client: TcpStream, server: TcpStream, limit: u64) {
    let (mut up_from, mut up_to) =
        (client.try_clone().expect("a socket"), server.try_clone().expect("a socket"));
    thread::spawn(move || io::copy(&mut up_from, &mut up_to));
    thread::spawn(move || {
        let (mut from, mut to) = ((&server).take(limit), &client);
        // One byte less or more is all the same: what matters is that it ends somewhere.
        let _ = io::copy(&mut from, &mut to).and_then(|_| to.flush());
        let _ = client.shutdown(Shutdown::Both);
        let _ = server.shutdown(Shutdown::Both);
    });
}
