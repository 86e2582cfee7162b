use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    ops::RangeInclusive,
    str::FromStr,
};

use thiserror::Error;

/// The most source addresses.
const MAX_ADDRESSES: usize = 65_536;

/// The source addresses of connections, as requested.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum SourceAddresses {
    /// The system's choice, or on loopback as many addresses as needed.
    #[default]
    Auto,
    /// These, in turn.
    Listed(Vec<IpAddr>),
}

/// The source addresses have fewer ports than there are to be connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "{wanted} connections at once need as many ports, and {sources} source address(es) have {ports}: \
     add addresses of this machine with --source, or limit the connections with --throttle"
)]
pub struct TooFewPorts {
    wanted: u64,
    sources: u64,
    ports: u64,
}

impl SourceAddresses {
    /// The addresses for `wanted` connections at once to `server`, to be used in turn, if each address
    /// has these `ports`. Empty if the system is to choose.
    ///
    /// # Errors
    /// If there are too few ports.
    pub fn spread(
        &self,
        server: SocketAddr,
        wanted: u64,
        ports: &RangeInclusive<u16>,
    ) -> Result<Vec<IpAddr>, TooFewPorts> {
        let ports_each = u64::try_from(ports.len()).unwrap_or(u64::MAX);
        let too_few = |sources: u64| {
            let ports = sources.saturating_mul(ports_each);
            if wanted > ports { Err(TooFewPorts { wanted, sources, ports }) } else { Ok(()) }
        };
        match (self, server.ip()) {
            (Self::Listed(addresses), _) => {
                too_few(u64::try_from(addresses.len()).unwrap_or(u64::MAX))?;
                Ok(addresses.clone())
            }
            (Self::Auto, _) if wanted <= ports_each => Ok(Vec::new()),
            // All of 127.0.0.0/8 is this machine. A tenth is left for ports that are in use.
            (Self::Auto, IpAddr::V4(address)) if address.is_loopback() => {
                let usable = (ports_each - ports_each / 10).max(1);
                let count = u32::try_from(wanted.div_ceil(usable)).unwrap_or(u32::MAX);
                too_few(u64::from(count))?;
                let first = Ipv4Addr::LOCALHOST.to_bits();
                Ok((0..count).map(|index| Ipv4Addr::from_bits(first + index).into()).collect())
            }
            (Self::Auto, _) => too_few(1).map(|()| Vec::new()),
        }
    }
}

impl FromStr for SourceAddresses {
    type Err = String;

    /// Parses `auto`, or addresses and ranges such as `10.0.0.1,10.0.0.5-10.0.0.9`.
    fn from_str(text: &str) -> Result<Self, String> {
        if text == "auto" {
            return Ok(Self::Auto);
        }
        let mut addresses = Vec::new();
        for part in text.split(',') {
            match part.split_once('-') {
                Some((first, last)) => addresses.extend(range(first, last)?),
                None => addresses.push(address(part)?),
            }
            if addresses.len() > MAX_ADDRESSES {
                return Err(format!("expected at most {MAX_ADDRESSES} addresses"));
            }
        }
        Ok(Self::Listed(addresses))
    }
}

fn address<A: FromStr>(text: &str) -> Result<A, String> {
    text.trim().parse().map_err(|_| {
        format!(
            "invalid address {text:?}: expected auto, or a list as in 10.0.0.1,10.0.0.5-10.0.0.9"
        )
    })
}

fn range(first: &str, last: &str) -> Result<impl Iterator<Item = IpAddr>, String> {
    let (first, last): (Ipv4Addr, Ipv4Addr) = (address(first)?, address(last)?);
    if last < first {
        return Err(format!("invalid range: {last} comes before {first}"));
    }
    let numbers = first.to_bits()..=last.to_bits();
    Ok(numbers.take(MAX_ADDRESSES + 1).map(|number| Ipv4Addr::from_bits(number).into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PORTS: RangeInclusive<u16> = 32_768..=60_999;

    fn spread(sources: &str, server: &str, wanted: u64) -> Result<Vec<String>, TooFewPorts> {
        let sources: SourceAddresses = sources.parse().unwrap();
        let addresses = sources.spread(server.parse().unwrap(), wanted, &PORTS)?;
        Ok(addresses.iter().map(IpAddr::to_string).collect())
    }

    #[test]
    fn uses_more_loopback_addresses_if_needed() {
        assert_eq!(spread("auto", "127.0.0.1:7", 28_232).unwrap(), [""; 0]);
        assert_eq!(spread("auto", "127.0.0.1:7", 28_233).unwrap(), ["127.0.0.1", "127.0.0.2"]);
        assert_eq!(spread("auto", "127.9.9.9:7", 100_000).unwrap().len(), 4);
    }

    #[test]
    fn reports_a_lack_of_ports_elsewhere() {
        let error = spread("auto", "10.0.0.9:7", 40_000).unwrap_err();
        assert_eq!((error.sources, error.ports), (1, 28_232));
        assert!(error.to_string().contains("--source"));
        assert!(spread("auto", "10.0.0.9:7", 20_000).unwrap().is_empty());
        assert!(spread("10.0.0.1", "10.0.0.9:7", 40_000).is_err());
        assert_eq!(
            spread("10.0.0.1,10.0.0.5-10.0.0.6", "10.0.0.9:7", 40_000).unwrap(),
            ["10.0.0.1", "10.0.0.5", "10.0.0.6"]
        );
    }

    #[test]
    fn rejects_invalid_addresses() {
        for text in ["", "here", "10.0.0.1,", "10.0.0.9-10.0.0.1", "::1-::2", "10.0.0.0-10.9.9.9"] {
            assert!(text.parse::<SourceAddresses>().is_err(), "{text:?}");
        }
        assert!("::1".parse::<SourceAddresses>().is_ok());
    }
}
