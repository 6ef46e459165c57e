//! A server of this program in a folder of its own, and requests to it. Loopback only.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use ureq::Agent;

/// A server that runs until it is dropped.
pub(crate) struct Server {
    child: Child,
    address: String,
    agent: Agent,
    pub(crate) data: tempfile::TempDir,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The JSON of an answer that has to be of this status.
    pub(crate) fn is(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{self:?}");
        self.json()
    }
}

impl Server {
    /// Starts a server with these arguments beside `--data`, `--listen` and `--workers`, and waits until it answers.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::on(tempfile::tempdir().unwrap(), arguments)
    }

    /// Likewise on a data folder that is there.
    pub(crate) fn on(data: tempfile::TempDir, arguments: &[&str]) -> Self {
        Self::run(Command::new(env!("CARGO_BIN_EXE_lodestone")), data, arguments)
    }

    /// Likewise, with files that can grow to so many blocks only, as on a disk that is full then.
    #[cfg(unix)]
    pub(crate) fn on_small_disk(blocks: u32, arguments: &[&str]) -> Self {
        let mut command = Command::new("sh");
        let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
        command.arg("-c").arg(script).arg(env!("CARGO_BIN_EXE_lodestone"));
        Self::run(command, tempfile::tempdir().unwrap(), arguments)
    }

    fn run(mut command: Command, data: tempfile::TempDir, arguments: &[&str]) -> Self {
        for (name, _) in std::env::vars_os().filter(|(n, _)| n.to_string_lossy().starts_with("LODESTONE_")) {
            command.env_remove(name);
        }
        let mut child = command
            .arg("serve")
            .arg("--data")
            .arg(data.path())
            .args(["--listen", "127.0.0.1:0", "--workers", "2"])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap());
        let mut seen = String::new();
        let address = loop {
            let mut line = String::new();
            assert!(lines.read_line(&mut line).unwrap() > 0, "the server ended: {seen}");
            if let Some((_, address)) = line.split_once("listening on http://") {
                break address.trim().to_owned();
            }
            seen.push_str(&line);
        };
        // Somebody has to read on, or the server waits for it.
        std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(60)))
            .proxy(None)
            .build();
        Self { child, address, agent: config.into(), data }
    }

    /// Sends a request. `body`: its content type and bytes.
    pub(crate) fn send(&self, method: &str, path: &str, body: Option<(&str, &[u8])>) -> Answer {
        let mut request =
            ureq::http::Request::builder().method(method).uri(format!("http://{}{path}", self.address));
        if let Some((kind, _)) = body {
            request = request.header("content-type", kind);
        }
        let mut response = match body {
            None => self.agent.run(request.body(()).unwrap()),
            Some((_, bytes)) => self.agent.run(request.body(bytes.to_vec()).unwrap()),
        }
        .unwrap();
        let mut bytes = Vec::new();
        response.body_mut().as_reader().read_to_end(&mut bytes).unwrap();
        let header = |(key, value): (&ureq::http::HeaderName, &ureq::http::HeaderValue)| {
            (key.as_str().to_owned(), value.to_str().unwrap_or_default().to_owned())
        };
        Answer {
            status: response.status().as_u16(),
            headers: response.headers().iter().map(header).collect(),
            text: String::from_utf8_lossy(&bytes).into_owned(),
        }
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.send("GET", path, None)
    }

    pub(crate) fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", path, None)
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Answer {
        self.json("POST", path, body)
    }

    pub(crate) fn json(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.send(method, path, Some(("application/json", body.to_string().as_bytes())))
    }

    /// Sends files in a form: field, name, bytes.
    pub(crate) fn upload(&self, path: &str, files: &[(&str, &str, &[u8])]) -> Answer {
        let mut body = Vec::new();
        for (field, name, bytes) in files {
            let head = format!(
                "--boundary7\r\nContent-Disposition: form-data; name=\"{field}\"; filename=\"{name}\"\r\n\r\n"
            );
            body.extend(head.as_bytes());
            body.extend(*bytes);
            body.extend(b"\r\n");
        }
        body.extend(b"--boundary7--\r\n");
        self.send("POST", path, Some(("multipart/form-data; boundary=boundary7", &body)))
    }

    /// Ends the server at once, as a power cut would, and gives its folder back.
    pub(crate) fn kill(mut self) -> tempfile::TempDir {
        let _ = self.child.kill();
        let _ = self.child.wait();
        std::mem::replace(&mut self.data, tempfile::tempdir().unwrap())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
