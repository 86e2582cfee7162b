use std::net::{Ipv4Addr, Ipv6Addr};

use hyper::{
    HeaderMap, Method, StatusCode, Uri,
    header::{HOST, HeaderName, ORIGIN},
};
use thiserror::Error;

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");

/// Which requests are answered: those of the server's own page, and of programs that are not browsers.
///
/// A browser sends requests to any address at the wish of any page. Two attacks are prevented here. *DNS
/// rebinding*: a foreign page whose own name resolves to the address of this server is of the same
/// origin for the browser, but the name is in `Host`. *Cross-site requests*: a foreign page names
/// the server by its address, but the browser adds where the request comes from.
#[derive(Clone, Debug, Default)]
pub struct AccessPolicy {
    /// Names of the server besides `localhost`, in lower case.
    names: Vec<String>,
}

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Denied {
    /// The target is a whole address, as for a proxy.
    #[error("this server is no proxy: ask for a path, as in GET /")]
    Target,
    /// There is not exactly one host.
    #[error("expected one Host header")]
    NoHost,
    /// The host is not one of the server.
    #[error(
        "this server does not answer to the name {0}: use its address, as in http://127.0.0.1:7778, or start it with \
         --web-host and this name"
    )]
    Host(String),
    /// The request is one of another page.
    #[error("pages from elsewhere may not use this server")]
    Foreign,
}

impl Denied {
    /// The status of the response.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Target | Self::NoHost => StatusCode::BAD_REQUEST,
            Self::Host(_) => StatusCode::MISDIRECTED_REQUEST,
            Self::Foreign => StatusCode::FORBIDDEN,
        }
    }
}

impl AccessPolicy {
    /// A policy for a server with these further `names`.
    pub fn new(names: &[String]) -> Self {
        Self { names: names.iter().map(|name| name.to_ascii_lowercase()).collect() }
    }

    /// Whether a request with this method, target and headers may be answered.
    ///
    /// # Errors
    /// The reason if it may not.
    pub fn check(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<(), Denied> {
        if uri.authority().is_some() {
            return Err(Denied::Target);
        }
        let host = single(headers, &HOST).ok_or(Denied::NoHost)?;
        if !self.is_own(host) {
            return Err(Denied::Host(host.to_owned()));
        }
        let is_navigation = *method == Method::GET
            && uri.path() == "/"
            && single(headers, &FETCH_MODE) == Some("navigate");
        if is_of(host, headers) && (is_navigation || !is_cross_site(headers)) {
            Ok(())
        } else {
            Err(Denied::Foreign)
        }
    }

    /// Whether `host`, with or without a port, is a name of the server. An address always is: DNS
    /// rebinding needs a name.
    fn is_own(&self, host: &str) -> bool {
        if let Some(rest) = host.strip_prefix('[') {
            let Some((address, port)) = rest.split_once(']') else { return false };
            let has_port = port.strip_prefix(':').is_some_and(is_port);
            return address.parse::<Ipv6Addr>().is_ok() && (port.is_empty() || has_port);
        }
        let name = match host.split_once(':') {
            Some((name, port)) if is_port(port) => name,
            Some(_) => return false,
            None => host,
        };
        name.parse::<Ipv4Addr>().is_ok()
            || name.eq_ignore_ascii_case("localhost")
            || self.names.iter().any(|own| own.eq_ignore_ascii_case(name))
    }
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok()
}

/// The value of the header `name`, if there is exactly one and it is ASCII.
fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok();
    value.filter(|_| values.next().is_none())
}

/// Whether the request is not from a page, or from a page of `host`. A proxy may have made it HTTPS.
fn is_of(host: &str, headers: &HeaderMap) -> bool {
    if !headers.contains_key(ORIGIN) {
        return true;
    }
    let origin = single(headers, &ORIGIN).and_then(|origin| origin.split_once("://"));
    origin.is_some_and(|(scheme, from)| {
        matches!(scheme, "http" | "https") && from.eq_ignore_ascii_case(host)
    })
}

/// Whether a browser says that the request comes from a page of another origin. A page on another
/// port of the same host is `same-site`.
fn is_cross_site(headers: &HeaderMap) -> bool {
    headers.contains_key(FETCH_SITE)
        && !matches!(single(headers, &FETCH_SITE), Some("same-origin" | "none"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(target: &str, headers: &[(&str, &str)]) -> Result<(), Denied> {
        check_as(&Method::GET, target, headers)
    }

    fn check_as(method: &Method, target: &str, headers: &[(&str, &str)]) -> Result<(), Denied> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
        }
        let policy = AccessPolicy::new(&["Game.Example".to_owned()]);
        policy.check(method, &target.parse().unwrap(), &map)
    }

    #[test]
    fn accepts_addresses_and_own_names_with_any_port() {
        for host in [
            "127.0.0.1:7778",
            "127.0.0.1",
            "192.168.1.20:80",
            "[::1]:7778",
            "[::1]",
            "localhost:7778",
            "LOCALHOST",
            "game.example",
            "GAME.example:1",
        ] {
            assert_eq!(check("/stream", &[("host", host)]), Ok(()), "{host}");
        }
    }

    #[test]
    fn rejects_unknown_hosts() {
        for host in [
            "evil.example",
            "evil.example:7778",
            "127.0.0.1.evil.example",
            "localhost.evil.example",
            "localhost.",
            "127.1",
            "2130706433",
            "127.0.0.1:",
            "127.0.0.1:x",
            "127.0.0.1:70000",
            "127.0.0.1:+80",
            "[::1",
            "[::1]x",
            "[127.0.0.1]",
            "::1",
            "user@127.0.0.1",
            "xgame.example",
            "game.example.evil",
            "",
        ] {
            let denied = check("/", &[("host", host)]).unwrap_err();
            assert_eq!(denied, Denied::Host(host.to_owned()));
            assert_eq!(denied.status(), 421);
        }
    }

    #[test]
    fn rejects_requests_without_exactly_one_host() {
        assert_eq!(check("/", &[]), Err(Denied::NoHost));
        let two = [("host", "localhost"), ("host", "localhost")];
        assert_eq!(check("/", &two), Err(Denied::NoHost));
    }

    #[test]
    fn rejects_targets_for_a_proxy() {
        let target = "http://evil.example/";
        assert_eq!(check(target, &[("host", "localhost")]), Err(Denied::Target));
    }

    #[test]
    fn accepts_only_its_own_origin() {
        let from = |origin| check("/act", &[("host", "127.0.0.1:7778"), ("origin", origin)]);
        for origin in ["http://127.0.0.1:7778", "https://127.0.0.1:7778", "http://127.0.0.1:7778"] {
            assert_eq!(from(origin), Ok(()), "{origin}");
        }
        for origin in [
            "null",
            "",
            "http://127.0.0.1",
            "http://127.0.0.1:7777",
            "http://localhost:7778",
            "http://evil.example",
            "ftp://127.0.0.1:7778",
            "127.0.0.1:7778",
        ] {
            assert_eq!(from(origin), Err(Denied::Foreign), "{origin}");
        }
        let twice = [
            ("host", "localhost"),
            ("origin", "http://localhost"),
            ("origin", "http://evil.example"),
        ];
        assert_eq!(check("/act", &twice), Err(Denied::Foreign));
    }

    #[test]
    fn other_sites_may_only_link_to_the_page() {
        let with = |method: &Method, target, site, mode| {
            let headers =
                [("host", "localhost"), ("sec-fetch-site", site), ("sec-fetch-mode", mode)];
            check_as(method, target, &headers).is_ok()
        };
        for site in ["cross-site", "same-site", "x"] {
            assert!(with(&Method::GET, "/", site, "navigate"));
            assert!(!with(&Method::GET, "/", site, "no-cors"));
            assert!(!with(&Method::GET, "/stream", site, "navigate"));
            assert!(!with(&Method::GET, "/stream", site, "no-cors"));
            assert!(!with(&Method::POST, "/", site, "navigate"));
        }
        for site in ["same-origin", "none"] {
            assert!(with(&Method::GET, "/stream", site, "cors"));
        }
    }

    proptest! {
        #[test]
        fn no_name_of_a_foreign_site_is_accepted(name in "[a-z0-9.-]{0,20}\\.(com|example|0|)", port: u16) {
            prop_assume!(name != "game.example" && name.parse::<Ipv4Addr>().is_err());
            for host in [name.clone(), format!("{name}:{port}")] {
                let denied = check("/", &[("host", &host)]);
                prop_assert_eq!(denied, Err(Denied::Host(host)));
            }
        }

        #[test]
        fn no_headers_make_it_panic(host in "[ -~]{0,30}", origin in "[ -~]{0,30}") {
            let _ = check("/", &[("host", &host), ("origin", &origin)]);
        }
    }
}
