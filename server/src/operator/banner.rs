use std::{
    env,
    io::{self, IsTerminal},
    net::SocketAddr,
    path::Path,
};

use tribune_protocol::DEFAULT_ADDRESS;

use crate::{edge::local_address, server::Server};

/// The first line of `server`: where it listens, its game and its seed. Scripts wait for it.
pub fn banner(server: &Server) -> String {
    let addresses: Vec<String> = server.addresses().iter().map(SocketAddr::to_string).collect();
    format!(
        "tribune server {} listening on {} (game {}, seed {})",
        env!("CARGO_PKG_VERSION"),
        addresses.join(", "),
        server.game(),
        server.seed(),
    )
}

/// What to try next with a server that listens on `address`, one line each.
pub fn hints(address: Option<&SocketAddr>) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(&address) = address {
        let address = local_address(address);
        let client = client_command();
        let server = if address.to_string() == DEFAULT_ADDRESS {
            String::new()
        } else {
            format!(" --server {address}")
        };
        let (host, port) = (address.ip(), address.port());
        lines.extend([
            format!("  watch   {client} watch{server}"),
            format!("  play    {client} play --name ann{server}"),
            format!("  load    {client} herd --mode watch{server}"),
            format!("  or      nc {host} {port}    (and type: N ann)"),
        ]);
    }
    if io::stdin().is_terminal() {
        let here = "  here    type 1 to 4 and Enter to start more players, Ctrl-C to end";
        lines.push(here.to_owned());
    }
    lines
}

/// The command that starts a client, for the person who started this server.
fn client_command() -> String {
    // `cargo run` does not put the client on the path.
    if env::var_os("CARGO").is_some() {
        return "cargo run --release --bin client --".to_owned();
    }
    let beside = env::current_exe().ok().and_then(|server| Some(server.parent()?.join("client")));
    let is_on_path = |client: &Path| {
        let folders = env::var_os("PATH").unwrap_or_default();
        env::split_paths(&folders).any(|folder| Some(folder.as_path()) == client.parent())
    };
    match beside.filter(|client| client.exists() && !is_on_path(client)) {
        Some(client) => client.display().to_string(),
        None => "client".to_owned(),
    }
}
