use super::bind::WebAddress;

/// The settings of the port for browsers.
#[derive(Clone, Debug)]
pub struct WebConfig {
    /// Where it is.
    pub address: WebAddress,
    /// Names of the server, besides `localhost` and addresses, that requests may be for.
    pub names: Vec<String>,
}
