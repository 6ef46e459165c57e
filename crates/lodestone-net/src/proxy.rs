//! An egress proxy, for networks that let nothing out directly.
//!
//! Names are resolved and checked here all the same, and the proxy is told an *address* (`CONNECT 203.0.113.7:443`): were
//! it told the name, it would resolve it again, and perhaps to something else. TLS is spoken with the server through the
//! tunnel, so that the proxy sees no more than the address. The environment (`HTTPS_PROXY` …) is never read.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::SocketAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ureq::unversioned::resolver::ResolvedSocketAddrs;
use ureq::unversioned::transport::{ConnectionDetails, Connector, TcpConnector, Transport, TransportAdapter};
use url::Url;

use crate::Secret;

/// Longest head of a proxy's answer, in bytes.
const MAX_HEAD_BYTES: usize = 8 * 1024;

/// Addresses of the target that the proxy is asked for, one after another.
const MAX_TRIES: usize = 3;

/// A proxy that makes tunnels by `CONNECT`, reached without TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proxy {
    /// Name or address, without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// `Basic …`.
    authorization: Option<Secret>,
}

/// The text names no proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a proxy is written as http://HOST:PORT; credentials are given apart")]
pub struct BadProxy;

impl Proxy {
    /// Reads `http://HOST:PORT`. The host may be any, private ones included: the operator names it.
    ///
    /// # Errors
    /// [`BadProxy`].
    pub fn parse(text: &str) -> Result<Self, BadProxy> {
        let url = Url::parse(text).map_err(|_| BadProxy)?;
        let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        if url.scheme() != "http" || !url.username().is_empty() || url.password().is_some() || !is_bare {
            return Err(BadProxy);
        }
        let host = url.host_str().ok_or(BadProxy)?.trim_start_matches('[').trim_end_matches(']').to_owned();
        Ok(Self { host, port: url.port_or_known_default().ok_or(BadProxy)?, authorization: None })
    }

    /// The same proxy, asked with a name and a password.
    #[must_use]
    pub fn with_credentials(self, user: &str, password: &Secret) -> Self {
        let pair = Secret::new([user.as_bytes(), b":", password.expose()].concat());
        let authorization = Some(Secret::from(format!("Basic {}", STANDARD.encode(pair.expose()))));
        Self { authorization, ..self }
    }
}

/// Connects to the proxy and has it make a tunnel to one of the addresses that were checked.
pub(crate) struct Tunnel {
    pub(crate) proxy: Proxy,
    pub(crate) addresses: Vec<SocketAddr>,
}

impl fmt::Debug for Tunnel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tunnel")
    }
}

impl Connector<()> for Tunnel {
    type Out = Box<dyn Transport>;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        _: Option<()>,
    ) -> Result<Option<Self::Out>, ureq::Error> {
        let mut failed = ureq::Error::ConnectionFailed;
        for target in details.addrs.iter().take(MAX_TRIES) {
            match self.tunnel(details, *target) {
                Ok(transport) => return Ok(Some(transport)),
                Err(error @ ureq::Error::ConnectProxyFailed(_)) => failed = error,
                Err(error) => return Err(error),
            }
        }
        Err(failed)
    }
}

impl Tunnel {
    fn tunnel(
        &self,
        details: &ConnectionDetails<'_>,
        target: SocketAddr,
    ) -> Result<Box<dyn Transport>, ureq::Error> {
        let mut addrs: ResolvedSocketAddrs = details.resolver.empty();
        for address in self.addresses.iter().take(crate::transport::MAX_ADDRESSES) {
            addrs.push(*address);
        }
        let to_proxy = ConnectionDetails {
            uri: details.uri,
            addrs,
            resolver: details.resolver,
            config: details.config,
            request_level: details.request_level,
            now: details.now,
            timeout: details.timeout,
            current_time: details.current_time.clone(),
            run_connector: details.run_connector.clone(),
            register_shutdown: details.register_shutdown.clone(),
        };
        let connected = TcpConnector::default().connect(&to_proxy, None::<()>)?;
        let transport = connected.ok_or(ureq::Error::ConnectionFailed)?;
        let mut wire = TransportAdapter::new(transport, details.current_time.clone());
        wire.set_timeout(details.timeout);
        let mut ask = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n");
        if let Some(authorization) = self.proxy.authorization.as_ref().and_then(Secret::expose_str) {
            ask.push_str("Proxy-Authorization: ");
            ask.push_str(authorization);
            ask.push_str("\r\n");
        }
        ask.push_str("\r\n");
        wire.write_all(Secret::from(ask).expose())?;
        match status(&read_head(&mut wire)?) {
            Some(200..=299) => Ok(wire.into_inner().boxed()),
            Some(status) => {
                Err(ureq::Error::ConnectProxyFailed(format!("the proxy answered with status {status}")))
            }
            None => Err(ureq::Error::ConnectProxyFailed("the proxy did not answer as one".to_owned())),
        }
    }
}

/// Reads up to the empty line and not a byte further: what follows belongs to the tunnel.
fn read_head(wire: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() == MAX_HEAD_BYTES {
            return Ok(Vec::new());
        }
        wire.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    Ok(head)
}

fn status(head: &[u8]) -> Option<u16> {
    let line = head.split(|byte| *byte == b'\r').next()?;
    let line = std::str::from_utf8(line).ok()?.strip_prefix("HTTP/1.")?;
    let status = line.split(' ').nth(1)?;
    if status.len() == 3 { status.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_a_bare_address_and_its_password_is_not_printed() {
        let proxy = Proxy::parse("http://proxy.internal:3128").expect("a proxy");
        assert_eq!((proxy.host.as_str(), proxy.port), ("proxy.internal", 3128));
        assert_eq!(
            Proxy::parse("http://[::1]/").map(|proxy| (proxy.host, proxy.port)),
            Ok(("::1".to_owned(), 80))
        );
        let secret = proxy.with_credentials("user", &Secret::new("hunter2"));
        assert_eq!(
            secret.authorization.as_ref().and_then(Secret::expose_str),
            Some("Basic dXNlcjpodW50ZXIy")
        );
        assert!(!format!("{secret:?}").contains("dXNlcj"));
        for bad in [
            "",
            "proxy:3128",
            "https://proxy:3128",
            "socks5://proxy",
            "http://u:p@proxy",
            "http://proxy/a",
            "http://proxy?a",
        ] {
            assert_eq!(Proxy::parse(bad), Err(BadProxy), "{bad}");
        }
    }

    #[test]
    fn the_status_is_read_from_the_first_line_only() {
        for (head, expected) in [
            ("HTTP/1.1 200 Connection established\r\n\r\n", Some(200)),
            ("HTTP/1.0 407\r\nX: y\r\n\r\n", Some(407)),
            ("HTTP/2 200 OK\r\n\r\n", None),
            ("HTTP/1.1 +20 OK\r\n\r\n", Some(20)),
            ("HTTP/1.1 2000 OK\r\n\r\n", None),
            ("", None),
        ] {
            assert_eq!(status(head.as_bytes()), expected, "{head:?}");
        }
    }
}
