//! The policy for outgoing requests, and the gate that applies it.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use url::{Host, Url};

use crate::address::{AddressKind, kind};
use crate::{Lookup, NetError, Network, Proxy, SystemLookup, Why};

/// Longest URL, in bytes; longer ones are refused before they are parsed.
const MAX_URL_BYTES: usize = 8 * 1024;

/// Where requests may go, and how much they may take. The default lets requests to the public internet through, on the
/// two usual ports, and nothing else.
#[derive(Debug, Clone)]
pub struct Outbound {
    /// Lets private, loopback and shared addresses through. Link-local and metadata addresses stay shut: who needs one
    /// names it in `allowed_networks`. Default: false.
    pub allow_private: bool,
    /// Networks let through whatever kind they are. Default: none.
    pub allowed_networks: Vec<Network>,
    /// Hosts whose private, loopback and shared addresses are let through: those the operator runs. Default: none.
    pub private_hosts: Vec<String>,
    /// When not empty, only these hosts are asked, redirects included (`ALLOWED_HOSTNAMES` of HMA): whole names,
    /// letter case and a last dot do not matter. Default: empty, any host.
    pub allowed_hosts: Vec<String>,
    /// Ports of public hosts. Where every address is let through by one of the rules above, any port is. Default: 80, 443.
    pub allowed_ports: Vec<u16>,
    /// Refuses http. Default: false.
    pub https_only: bool,
    /// Redirects followed for GET and HEAD, each checked as a new request. Default: 3.
    pub max_redirects: u8,
    /// Largest body taken, in bytes. Default: 100 MiB, as HMA's `MAX_REMOTE_FILE_SIZE`.
    pub max_bytes: u64,
    /// For a look-up of a name, and again for connecting with TLS. Default: 10 s.
    pub connect_timeout: Duration,
    /// For everything: all redirects, all bytes. Default: 30 s, as HMA's.
    pub total_timeout: Duration,
    /// What the request calls itself. Default: `lodestone/` and the version.
    pub user_agent: String,
    /// When set, only these certificate authorities are trusted, in place of Mozilla's list. Default: not set.
    pub roots: Option<Vec<Root>>,
    /// The proxy that all requests go through; the environment is never asked for one. Default: none.
    pub proxy: Option<Proxy>,
    /// The name service. Default: the system's.
    pub lookup: Arc<dyn Lookup>,
}

impl Default for Outbound {
    fn default() -> Self {
        Self {
            allow_private: false,
            allowed_networks: Vec::new(),
            private_hosts: Vec::new(),
            allowed_hosts: Vec::new(),
            allowed_ports: vec![80, 443],
            https_only: false,
            max_redirects: 3,
            max_bytes: 100 << 20,
            connect_timeout: Duration::from_secs(10),
            total_timeout: Duration::from_secs(30),
            user_agent: concat!("lodestone/", env!("CARGO_PKG_VERSION")).to_owned(),
            roots: None,
            proxy: None,
            lookup: Arc::new(SystemLookup),
        }
    }
}

/// A certificate authority to trust.
#[derive(Debug, Clone)]
pub struct Root(pub(crate) ureq::tls::Certificate<'static>);

/// A file of certificates cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no certificate found; a file of PEM blocks \"BEGIN CERTIFICATE\" is needed")]
pub struct CertificateError;

impl Root {
    /// All certificates of a PEM text; other blocks are skipped.
    ///
    /// # Errors
    /// [`CertificateError`] when a block is damaged or there is no certificate.
    pub fn from_pem(pem: &[u8]) -> Result<Vec<Self>, CertificateError> {
        let mut roots = Vec::new();
        for item in ureq::tls::parse_pem(pem) {
            if let ureq::tls::PemItem::Certificate(certificate) = item.map_err(|_| CertificateError)? {
                roots.push(Self(certificate));
            }
        }
        if roots.is_empty() { Err(CertificateError) } else { Ok(roots) }
    }
}

/// The point in time at which a request ends, and how long that was from its start.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    at: Option<Instant>,
    pub(crate) within: Duration,
}

impl Deadline {
    pub(crate) fn after(within: Duration) -> Self {
        Self { at: Instant::now().checked_add(within), within }
    }

    /// What is left; an error when nothing is.
    pub(crate) fn left(&self, host: &str) -> Result<Duration, NetError> {
        let left = self.at.map_or(Duration::MAX, |at| at.saturating_duration_since(Instant::now()));
        if left.is_zero() {
            return Err(NetError::Timeout { host: host.to_owned(), within: self.within });
        }
        // Clocks further away than a year only overflow somewhere.
        Ok(left.min(Duration::from_secs(366 * 86_400)))
    }
}

/// A URL that passed, with the only addresses a connection may go to.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) url: Url,
    pub(crate) host: String,
    pub(crate) addresses: Vec<SocketAddr>,
}

impl Outbound {
    /// Checks all that can be checked without the network: for a URL that is kept and asked later, such as a webhook's.
    /// A name passes here whatever it resolves to; that is checked with every request. Costs microseconds.
    ///
    /// # Errors
    /// [`NetError::Refused`].
    pub fn check_form(&self, url: &str) -> Result<(), NetError> {
        let url = self.parse(url)?;
        match url.host() {
            Some(Host::Ipv4(address)) => self.check_addresses(&url, &[address.into()]),
            Some(Host::Ipv6(address)) => self.check_addresses(&url, &[address.into()]),
            _ => Ok(()),
        }
    }

    /// Parses a URL and applies the rules that need no address.
    fn parse(&self, url: &str) -> Result<Url, NetError> {
        if url.len() > MAX_URL_BYTES {
            return Err(NetError::refused(Why::NotAUrl));
        }
        let url = Url::parse(url).map_err(|_| NetError::refused(Why::NotAUrl))?;
        self.check_url(&url)?;
        Ok(url)
    }

    fn check_url(&self, url: &Url) -> Result<(), NetError> {
        let refused = |why| Err(NetError::refused(why));
        match url.scheme() {
            "https" => {}
            "http" if !self.https_only => {}
            _ => return refused(Why::Scheme),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return refused(Why::UserInfo);
        }
        if url.as_str().len() > MAX_URL_BYTES {
            return refused(Why::NotAUrl);
        }
        match url.host_str() {
            None | Some("") => return refused(Why::NotAUrl),
            Some(host) if !self.allowed_hosts.is_empty() && !lists(&self.allowed_hosts, host) => {
                return refused(Why::Host);
            }
            Some(_) => {}
        }
        Ok(())
    }

    /// The gate: a URL that may be asked, with its addresses. Asks the name service once.
    pub(crate) fn admit(&self, url: &str, deadline: Deadline) -> Result<Target, NetError> {
        self.admit_url(self.parse(url)?, deadline)
    }

    /// As [`Outbound::admit`], for where a redirect leads.
    pub(crate) fn admit_url(&self, mut url: Url, deadline: Deadline) -> Result<Target, NetError> {
        self.check_url(&url)?;
        url.set_fragment(None);
        let (host, found) = match url.host() {
            Some(Host::Domain(name)) => (name.to_owned(), self.find(name, deadline)?),
            Some(Host::Ipv4(address)) => (address.to_string(), vec![address.into()]),
            Some(Host::Ipv6(address)) => (address.to_string(), vec![address.into()]),
            None => return Err(NetError::refused(Why::NotAUrl)),
        };
        self.check_addresses(&url, &found)?;
        let port = port(&url)?;
        let addresses = found.into_iter().map(|address| SocketAddr::new(address, port)).collect();
        Ok(Target { url, host, addresses })
    }

    /// All addresses of a name, unchecked.
    pub(crate) fn find(&self, name: &str, deadline: Deadline) -> Result<Vec<IpAddr>, NetError> {
        let dns = |reason: String| NetError::Dns { host: name.to_owned(), reason };
        let within = deadline.left(name)?.min(self.connect_timeout);
        let found = self.lookup.lookup(name, within).map_err(|error| dns(error.to_string()))?;
        if found.is_empty() {
            return Err(dns("it has no address".to_owned()));
        }
        Ok(found)
    }

    /// Every address must pass: one that does not is a sign of a trap, and which one is used is not ours to choose.
    fn check_addresses(&self, url: &Url, addresses: &[IpAddr]) -> Result<(), NetError> {
        let internal_ok =
            self.allow_private || url.host_str().is_some_and(|host| lists(&self.private_hosts, host));
        let mut all_by_exception = true;
        for &address in addresses {
            let kind = kind(address);
            let by_exception = (internal_ok && kind.is_internal())
                || self.allowed_networks.iter().any(|network| network.contains(address));
            if !by_exception && kind != AddressKind::Public {
                return Err(NetError::refused(Why::Address(kind)));
            }
            all_by_exception &= by_exception;
        }
        let port = port(url)?;
        if port == 0 || !(all_by_exception || self.allowed_ports.contains(&port)) {
            return Err(NetError::refused(Why::Port(port)));
        }
        Ok(())
    }
}

fn port(url: &Url) -> Result<u16, NetError> {
    url.port_or_known_default().ok_or_else(|| NetError::refused(Why::Scheme))
}

/// True when a list of names holds the host of a URL. Names are brought into the form that URLs have (punycode, small
/// letters, usual spelling of addresses); one that cannot be is never equal.
fn lists(names: &[String], host: &str) -> bool {
    fn plain(host: &str) -> &str {
        host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.')
    }
    names.iter().any(|name| {
        let name = name.trim();
        let parsed = match name.parse::<std::net::Ipv6Addr>() {
            Ok(address) => Host::Ipv6(address),
            Err(_) => match Host::parse(name) {
                Ok(host) => host,
                Err(_) => return false,
            },
        };
        plain(&parsed.to_string()) == plain(host)
    })
}

#[cfg(test)]
#[path = "guard_tests.rs"]
mod tests;
