//! The way from a client to its service, through the gate that all requests pass.
//!
//! Every address that the name resolves to is checked. A public host is asked by https only. The host of an address that
//! the operator gave may be on the operator's own network, and plain http goes to loopback only. No request goes to any
//! other host: a redirect to another one ends it, and one to another port goes on without credentials.

use std::sync::Arc;
use std::time::{Duration, Instant};

use lodestone_exchange::client::{
    ClientError, Method, Request, Response, SendError, Settings, Transport, base_url,
};
use lodestone_net::{NetError, Outbound};
use ring::rand::{SecureRandom as _, SystemRandom};
use serde_json::Value;
use url::{Host, Url};

use crate::clock::Clock;

/// For one request with its whole answer.
const REQUEST: Duration = Duration::from_secs(240);
/// For the list of another Lodestone, which is one answer.
const WHOLE_LIST: Duration = Duration::from_secs(3600);
/// Largest answer, in bytes: lists of peers are read as they come, what is held in memory has the client's own limit.
const MAX_ANSWER: u64 = 8 << 30;
/// How often a wait looks whether it is to end.
const LOOK: Duration = Duration::from_millis(50);

/// A client's way to its service.
pub struct NetTransport {
    outbound: Outbound,
    clock: Clock,
    stops: Arc<dyn Fn() -> bool + Send + Sync>,
    until: Option<Instant>,
}

impl std::fmt::Debug for NetTransport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NetTransport").finish_non_exhaustive()
    }
}

/// Field of a configuration that says that the operator set the exchange up by hand, and vouches for its `base_url`.
pub const OPERATOR: &str = "operator";

/// The policy for one exchange: its own host and no other, made of the policy for all.
///
/// # Errors
/// [`ClientError::Settings`] without an address, and for one that is plain http beyond loopback.
pub fn outbound_for(api: &str, settings: &Settings, all: &Outbound) -> Result<Outbound, ClientError> {
    let (base, _) = base_url(api, settings)?;
    let wrong = |why: &str| ClientError::Settings(why.to_owned());
    let url = Url::parse(&base).map_err(|_| wrong("base_url is no URL"))?;
    let host = url.host_str().unwrap_or_default().to_owned();
    let is_loopback = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        None => false,
    };
    let named = settings.config.get("base_url").is_some_and(Value::is_string);
    let is_operators = named && settings.config.get(OPERATOR) == Some(&Value::Bool(true));
    let may_be_plain = is_loopback && (is_operators || all.allow_private);
    if url.scheme() != "https" && !may_be_plain {
        return Err(wrong(
            "credentials go over https; plain http is for loopback only, as the operator sets it up",
        ));
    }
    let mut policy = Outbound {
        allowed_hosts: vec![host.clone()],
        https_only: !may_be_plain,
        max_bytes: MAX_ANSWER,
        total_timeout: if matches!(api, "lodestone" | "hma") { WHOLE_LIST } else { REQUEST },
        ..all.clone()
    };
    if is_operators {
        policy.private_hosts.push(host);
        policy.allowed_ports.extend(url.port_or_known_default());
    }
    Ok(policy)
}

impl NetTransport {
    /// A way under a policy; `stops` is asked whether the fetch is to end.
    pub fn new(outbound: Outbound, clock: Clock, stops: Arc<dyn Fn() -> bool + Send + Sync>) -> Self {
        Self { outbound, clock, stops, until: None }
    }

    /// The same, which sends nothing after this time, and waits for no answer beyond it.
    #[must_use]
    pub fn until(mut self, until: Instant) -> Self {
        self.until = Some(until);
        self
    }

    /// Whether it is to end.
    fn is_over(&self) -> bool {
        (self.stops)() || self.until.is_some_and(|until| Instant::now() >= until)
    }

    /// The policy, with what is left of the time.
    fn policy(&self) -> Outbound {
        let mut policy = self.outbound.clone();
        if let Some(until) = self.until {
            let left = until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
            policy.total_timeout = policy.total_timeout.min(left);
        }
        policy
    }
}

impl Transport for NetTransport {
    fn send(&mut self, request: &Request) -> Result<Response, SendError> {
        if self.is_over() {
            return Err(SendError::Stopped);
        }
        let headers: Vec<(&str, &str)> =
            request.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let method = match request.method {
            Method::Get => lodestone_net::Method::Get,
            Method::Post => lodestone_net::Method::Post,
            Method::Put => lodestone_net::Method::Put,
        };
        let wanted =
            lodestone_net::Request { method, url: &request.url, headers: &headers, body: &request.body };
        let answer = lodestone_net::request(&self.policy(), wanted).map_err(|error| failed(&error))?;
        let headers = answer.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Ok(Response { status: answer.status, headers, body: Box::new(answer.body) })
    }

    fn now_s(&self) -> i64 {
        self.clock.now_s()
    }

    fn wait(&mut self, time: Duration) -> bool {
        let until = Instant::now() + time;
        while !self.is_over() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return true;
            }
            std::thread::sleep(left.min(LOOK));
        }
        false
    }

    fn random(&mut self) -> u64 {
        let mut bytes = [0; 8];
        match SystemRandom::new().fill(&mut bytes) {
            Ok(()) => u64::from_le_bytes(bytes),
            // It only spreads waits.
            Err(_) => self.clock.now_us().unsigned_abs(),
        }
    }
}

/// What an error means for whoever would ask again. An answer that cannot be understood may be one that broke.
fn failed(error: &NetError) -> SendError {
    match error {
        NetError::Malformed { .. } => SendError::Transient(error.to_string()),
        other if other.is_transient() => SendError::Transient(other.to_string()),
        other => SendError::Permanent(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn policy(api: &str, config: &Value, all: &Outbound) -> Result<Outbound, ClientError> {
        let settings = Settings { config: config.as_object().unwrap().clone(), ..Settings::default() };
        outbound_for(api, &settings, all)
    }

    #[test]
    fn only_the_exchanges_own_host_is_asked_and_inner_ones_where_the_operator_named_them() {
        let all = Outbound::default();
        let named =
            policy("ncmec", &json!({ "environment": "test_Industry", "operator": true }), &all).unwrap();
        assert_eq!(named.allowed_hosts, ["exttest.cybertip.org"]);
        assert!(named.https_only && named.private_hosts.is_empty() && named.allowed_ports == [80, 443]);
        let base = json!({ "base_url": "https://lists.test:8443/hashsharing" });
        assert!(policy("ncmec", &base, &all).unwrap().private_hosts.is_empty(), "not the operator's");
        let base = json!({ "base_url": "https://lists.test:8443/hashsharing", "operator": true });
        let given = policy("ncmec", &base, &all).unwrap();
        assert_eq!(
            (given.allowed_hosts, given.private_hosts),
            (vec!["lists.test".into()], vec!["lists.test".into()])
        );
        assert_eq!((given.https_only, given.allowed_ports), (true, vec![80, 443, 8443]));
    }

    #[test]
    fn plain_http_goes_to_loopback_only_and_only_where_the_operator_says_so() {
        let (all, open) = (Outbound::default(), Outbound { allow_private: true, ..Outbound::default() });
        for url in ["http://127.0.0.1:9/x", "http://[::1]:9", "http://localhost:9"] {
            let given = json!({ "base_url": url });
            assert!(policy("tat", &given, &all).is_err(), "{url}");
            assert!(!policy("tat", &given, &open).unwrap().https_only, "{url}");
            let operators = json!({ "base_url": url, "operator": true });
            assert!(!policy("tat", &operators, &all).unwrap().https_only, "{url}");
        }
        for url in ["http://10.0.0.1", "http://lists.test", "http://127.0.0.1.test"] {
            assert!(policy("tat", &json!({ "base_url": url, "operator": true }), &open).is_err(), "{url}");
        }
        assert!(policy("tat", &json!({}), &all).is_err() && policy("iwf", &json!({}), &all).is_err());
    }

    #[test]
    fn a_wait_ends_when_the_fetch_is_to_end() {
        let mut net = NetTransport::new(Outbound::default(), Clock::fixed(1), Arc::new(|| true));
        assert!(!net.wait(Duration::from_secs(600)));
        let url = "https://lists.test/".to_owned();
        let request =
            Request { method: Method::Get, url, headers: Vec::new(), body: Vec::new(), is_repeatable: true };
        assert_eq!(net.send(&request).unwrap_err(), SendError::Stopped);
    }
}
