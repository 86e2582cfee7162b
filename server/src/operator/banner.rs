use std::{
    io::{self, IsTerminal},
    net::SocketAddr,
};

use tribune_cli::Program;
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
        let client = Program::Client.command();
        let server = if address.to_string() == DEFAULT_ADDRESS {
            String::new()
        } else {
            format!(" --server {address}")
        };
        let (host, port) = (address.ip(), address.port());
        lines.extend([
            format!("  watch   {client} watch{server}"),
            format!("  play    {client} play --name ann{server}"),
            format!("  load    {client} herd --mode watch --hold 2s{server}"),
            format!("  or      nc {host} {port}    (and type: N ann)"),
        ]);
    }
    if io::stdin().is_terminal() {
        let here = "  here    type 1 to 4 and Enter to start more players, Ctrl-C to end";
        lines.push(here.to_owned());
    }
    lines
}
