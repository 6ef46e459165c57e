//! One exchange with one server, over `ureq`: only to the addresses given, no redirect, no proxy, no decompression.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};

use ureq::config::Config;
use ureq::tls::{RootCerts, TlsConfig};
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{Connector, NextTimeout, RustlsConnector, TcpConnector};
use ureq::{Agent, http};

use crate::guard::{Deadline, Target};
use crate::proxy::Tunnel;
use crate::{NetError, Outbound, Why};

/// Longest head of an answer, in bytes. (The number of headers is limited to 128 by `ureq`.)
const MAX_HEAD_BYTES: usize = 32 * 1024;

/// `ureq` keeps at most so many addresses.
pub(crate) const MAX_ADDRESSES: usize = 16;

/// Resolves nothing: hands `ureq` the addresses that were checked, for the one host they were checked for.
///
/// This is what makes a second answer of the name service harmless: nobody asks for one.
struct Pinned {
    host: String,
    addresses: Vec<SocketAddr>,
}

impl fmt::Debug for Pinned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pinned")
    }
}

impl Resolver for Pinned {
    fn resolve(
        &self,
        uri: &http::Uri,
        _: &Config,
        _: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        if uri.host() != Some(self.host.as_str()) {
            return Err(ureq::Error::HostNotFound);
        }
        let mut pinned = self.empty();
        for address in self.addresses.iter().take(MAX_ADDRESSES) {
            pinned.push(*address);
        }
        Ok(pinned)
    }
}

/// Sends one request and reads the head of the answer.
pub(crate) fn exchange(
    policy: &Outbound,
    target: &Target,
    method: http::Method,
    headers: &[(&str, &str)],
    body: Option<&[u8]>,
    deadline: Deadline,
) -> Result<http::Response<ureq::Body>, NetError> {
    let left = deadline.left(&target.host)?;
    let roots = match &policy.roots {
        Some(roots) => RootCerts::from(roots.iter().map(|root| root.0.clone())),
        None => RootCerts::WebPki,
    };
    let config = Agent::config_builder()
        .proxy(None)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .timeout_global(Some(left))
        .timeout_connect(Some(policy.connect_timeout.min(left)))
        .user_agent(policy.user_agent.as_str())
        .accept_encoding("identity")
        .max_response_header_size(MAX_HEAD_BYTES)
        .input_buffer_size(64 * 1024)
        .output_buffer_size(64 * 1024)
        .max_idle_connections(0)
        .tls_config(TlsConfig::builder().root_certs(roots).build())
        .build();
    let pinned = Pinned {
        host: target.url.host_str().unwrap_or_default().to_owned(),
        addresses: target.addresses.clone(),
    };
    let agent = match &policy.proxy {
        None => Agent::with_parts(config, TcpConnector::default().chain(RustlsConnector::default()), pinned),
        Some(proxy) => {
            let found = match proxy.host.parse::<IpAddr>() {
                Ok(address) => vec![address],
                Err(_) => policy.find(&proxy.host, deadline)?,
            };
            let addresses = found.into_iter().map(|address| SocketAddr::new(address, proxy.port)).collect();
            let tunnel = Tunnel { proxy: proxy.clone(), addresses };
            Agent::with_parts(config, tunnel.chain(RustlsConnector::default()), pinned)
        }
    };
    let mut builder = http::Request::builder().method(method).uri(target.url.as_str());
    for &(name, value) in headers {
        builder = builder.header(name, value);
    }
    let answer = match body {
        Some(body) => builder.body(body).map(|request| agent.run(request)),
        None => builder.body(()).map(|request| agent.run(request)),
    };
    match answer {
        // `url` and `http` disagree on what a URL is, or a header is not valid.
        Err(_) => Err(NetError::refused(Why::NotAUrl)),
        Ok(answer) => answer.map_err(|error| translate(error, target, deadline)),
    }
}

/// Sorts what `ureq` says by what the caller can do. Texts that may quote the URL or the answer are replaced.
pub(crate) fn translate(error: ureq::Error, target: &Target, deadline: Deadline) -> NetError {
    use ureq::Error as E;
    let host = target.host.clone();
    let is_tls = target.url.scheme() == "https";
    let malformed =
        |reason: &str| NetError::Malformed { host: target.host.clone(), reason: reason.to_owned() };
    match error {
        E::ConnectProxyFailed(reason) => NetError::Connect { host, reason },
        E::StatusCode(status) => NetError::Status(status),
        E::Timeout(_) => NetError::Timeout { host, within: deadline.within },
        E::HostNotFound => NetError::Dns { host, reason: "it has no address".to_owned() },
        E::Rustls(error) => NetError::Tls { host, reason: error.to_string() },
        E::Tls(reason) => NetError::Tls { host, reason: reason.to_owned() },
        E::TlsRequired | E::Pem(_) => NetError::Tls { host, reason: "no TLS".to_owned() },
        E::LargeResponseHeader(..) => malformed("its head is too large"),
        E::Protocol(_) => malformed("it is no valid HTTP"),
        E::BodyStalled => malformed("its body makes no progress"),
        E::Http(_) | E::BadUri(_) => NetError::refused(Why::NotAUrl),
        E::Io(error) => match error.kind() {
            io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => {
                NetError::Timeout { host, within: deadline.within }
            }
            io::ErrorKind::InvalidData if is_tls => NetError::Tls { host, reason: error.to_string() },
            io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => {
                NetError::Connect { host, reason: "the connection broke off".to_owned() }
            }
            _ => NetError::Connect { host, reason: error.to_string() },
        },
        _ => NetError::Connect { host, reason: "the connection failed".to_owned() },
    }
}
