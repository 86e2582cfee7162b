use std::{
    io::{self, IsTerminal},
    net::SocketAddr,
};

use tribune_cli::Program;
use tribune_protocol::{ActionSyntax, DEFAULT_ADDRESS, Direction};

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

/// What to try next with a server that listens on `address`, and for browsers on `page`, one line each, in a
/// game with these `actions`.
pub fn hints(
    address: Option<&SocketAddr>,
    page: Option<SocketAddr>,
    actions: &ActionSyntax,
) -> Vec<String> {
    let page = page.map(|page| format!("  page    http://{}", local_address(page)));
    let mut lines: Vec<String> = page.into_iter().collect();
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
            format!("  or      nc {host} {port}    ({})", what_to_type(actions)),
        ]);
    }
    if io::stdin().is_terminal() {
        lines.push(format!("  here    {}", what_to_press(actions)));
    }
    lines
}

/// What the keyboard of the server does. The built-in programs move, which is no action of all games.
fn what_to_press(actions: &ActionSyntax) -> &'static str {
    if Direction::ALL.iter().all(|direction| actions.action(&direction.to_string()).is_some()) {
        "type 1 to 4 and Enter to start more players, Ctrl-C to end"
    } else {
        "Ctrl-C to end"
    }
}

/// How a person plays by typing lines.
fn what_to_type(actions: &ActionSyntax) -> String {
    match actions {
        ActionSyntax::Directions => "and type: N ann".to_owned(),
        ActionSyntax::Pattern(pattern) if pattern.as_str().is_empty() => {
            "to watch: this game takes no actions".to_owned()
        }
        ActionSyntax::Pattern(pattern) => {
            format!("and type an action and a name; actions: {}", pattern.as_str())
        }
    }
}

#[cfg(test)]
mod tests {
    use tribune_protocol::ActionPattern;

    use super::*;

    #[test]
    fn hints_begin_with_the_page() {
        let first = |page: &str| {
            let page = page.parse().unwrap();
            hints(None, Some(page), &ActionSyntax::Directions).remove(0)
        };
        assert_eq!(first("127.0.0.1:7778"), "  page    http://127.0.0.1:7778");
        assert_eq!(first("0.0.0.0:80"), "  page    http://127.0.0.1:80");
        assert_eq!(first("[::]:80"), "  page    http://[::1]:80");
    }

    #[test]
    fn hints_say_what_the_game_takes() {
        let address = "127.0.0.1:7777".parse().unwrap();
        let last = |actions| hints(Some(&address), None, &actions).remove(3);
        let pattern = |text| ActionSyntax::Pattern(ActionPattern::new(text).unwrap());
        assert!(last(ActionSyntax::Directions).ends_with("(and type: N ann)"));
        assert!(last(pattern("rock|paper")).ends_with("actions: rock|paper)"));
        assert!(last(pattern("")).ends_with("takes no actions)"));
        assert!(what_to_press(&pattern("[NSEW]|jump")).starts_with("type 1 to 4"));
        assert!(what_to_press(&pattern("rock|N")).starts_with("Ctrl-C"));
    }
}
