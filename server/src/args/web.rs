//! The command line of the port for browsers.

use super::{ArgsError, resolve};
use crate::web::{WebAddress, WebConfig};

/// The arguments of the port for browsers, as typed.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Network")]
pub struct WebArgs {
    /// Address of the page and of HTTP; port 0 picks a free port [default: 127.0.0.1:7778, or the next
    /// free port]
    #[arg(long, value_name = "ADDR")]
    web: Option<String>,

    /// Serve no page, and nothing else over HTTP
    #[arg(long, conflicts_with = "web")]
    no_web: bool,

    /// Name by which browsers may reach the page, repeatable; localhost and addresses always work
    #[arg(long, value_name = "NAME", value_parser = parse_name)]
    web_host: Vec<String>,
}

impl WebArgs {
    /// The settings. Resolves the name of a host.
    ///
    /// # Errors
    /// If the address is invalid or unknown.
    pub fn into_config(self) -> Result<WebConfig, ArgsError> {
        let address = match self.web {
            Some(address) => WebAddress::Given(resolve(&address, "--web")?),
            None if self.no_web => WebAddress::None,
            None => WebAddress::Default,
        };
        Ok(WebConfig { address, names: self.web_host })
    }
}

/// The most bytes of a name (RFC 1035, 2.3.4).
const MAX_NAME: usize = 253;

fn parse_name(text: &str) -> Result<String, String> {
    let is_part =
        |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.' || byte == b'_';
    if (1..=MAX_NAME).contains(&text.len()) && text.bytes().all(is_part) {
        Ok(text.to_owned())
    } else {
        Err("expected the name of a host without a port, as in game.example".to_owned())
    }
}
