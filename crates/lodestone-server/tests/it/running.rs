//! A server on loopback, and requests to it. Its workers cannot be started: nothing here uploads a file.

use std::path::{Path, PathBuf};
use std::time::Duration;

use lodestone_server::clock::Clock;
use lodestone_server::{Config, Server};
use serde_json::Value;

pub(crate) struct Running {
    runtime: tokio::runtime::Runtime,
    server: Option<Server>,
    url: String,
    token: Option<String>,
    agent: ureq::Agent,
}

/// A status and a body.
#[derive(Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) text: String,
    pub(crate) location: Option<String>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// The status, and the message of HMA's errors.
    pub(crate) fn message(&self) -> (u16, String) {
        (self.status, self.json()["message"].as_str().unwrap_or_default().to_owned())
    }
}

/// What a server of these tests is started with.
pub(crate) fn config(data: &Path) -> Config {
    let mut config =
        Config::new(data.to_owned(), ([127, 0, 0, 1], 0).into(), PathBuf::from("/no/such/program"));
    config.workers = 1;
    config.open = true;
    config.dev = true;
    config.drain = Duration::from_secs(1);
    config.fetch_interval = Duration::from_secs(3600);
    config
}

impl Running {
    pub(crate) fn start(config: Config) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let server = runtime.block_on(Server::start(config, Clock::system())).unwrap();
        let url = format!("http://{}", server.address());
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .timeout_global(Some(Duration::from_secs(60)))
            .build()
            .into();
        Self { runtime, server: Some(server), url, token: None, agent }
    }

    /// What its handlers share.
    pub(crate) fn app(&self) -> &lodestone_server::App {
        self.server.as_ref().unwrap().app()
    }

    /// A connection of its own, for requests that are sent piece by piece.
    pub(crate) fn connect(&self) -> std::net::TcpStream {
        let stream = std::net::TcpStream::connect(self.server.as_ref().unwrap().address()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream
    }

    /// Runs something on the server's runtime.
    pub(crate) fn wait_for<R>(&self, what: impl Future<Output = R>) -> R {
        self.runtime.block_on(what)
    }

    /// Requests carry this key from now on.
    pub(crate) fn carry(&mut self, token: &str) {
        self.token = Some(token.to_owned());
    }

    pub(crate) fn send(&self, method: &str, path: &str, body: Option<(&str, &str)>) -> Answer {
        let mut request = ureq::http::Request::builder().method(method).uri(format!("{}{path}", self.url));
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if let Some((kind, _)) = body {
            request = request.header("content-type", kind);
        }
        let text = body.map(|(_, text)| text.to_owned()).unwrap_or_default();
        let mut response = self.agent.run(request.body(text).unwrap()).unwrap();
        Answer {
            status: response.status().as_u16(),
            location: response.headers().get("location").map(|value| value.to_str().unwrap().to_owned()),
            text: response.body_mut().read_to_string().unwrap(),
        }
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.send("GET", path, None)
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Answer {
        self.send("POST", path, Some(("application/json", &body.to_string())))
    }

    pub(crate) fn put(&self, path: &str, body: &Value) -> Answer {
        self.send("PUT", path, Some(("application/json", &body.to_string())))
    }

    pub(crate) fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", path, None)
    }

    /// Fetches from all exchanges, to the end.
    pub(crate) fn fetch(&self) {
        assert_eq!(self.send("POST", "/dev/run_fetch", None).status, 302);
    }

    pub(crate) fn status(&self, exchange: &str) -> Value {
        self.get(&format!("/c/exchange/{exchange}/status")).json()
    }

    /// Ids of contents that a look-up finds.
    pub(crate) fn found(&self, kind: &str, value: &str) -> Vec<u64> {
        let answer = self.get(&format!("/m/raw_lookup?signal_type={kind}&signal={value}"));
        assert_eq!(answer.status, 200, "{answer:?}");
        let matches = answer.json()["matches"].as_array().unwrap().clone();
        matches.iter().map(|id| id.as_u64().unwrap()).collect()
    }

    pub(crate) fn stop(mut self) {
        if let Some(server) = self.server.take() {
            self.runtime.block_on(server.stop());
        }
    }
}
