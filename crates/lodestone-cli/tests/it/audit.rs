//! A server that is killed in the middle of its work: no acknowledged match is lost or doubled, and its log of audit is whole.
#![cfg(unix)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

const PROGRAM: &str = env!("CARGO_BIN_EXE_lodestone");

/// A server that runs.
struct Served {
    child: Child,
    address: String,
}

impl Served {
    fn start(data: &Path) -> Self {
        let mut child = Command::new(PROGRAM)
            .args(["serve", "--open", "--listen", "127.0.0.1:0", "--workers", "1", "--data"])
            .arg(data)
            .env("LODESTONE_LOG", "error")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let address = loop {
            let line = lines.next().expect("the server says where it listens").unwrap();
            if let Some((_, address)) = line.split_once("http://") {
                break address.trim().to_owned();
            }
        };
        // What it writes later must not fill the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, address }
    }

    fn ask(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let (address, length) = (&self.address, body.len());
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\n\
             content-length: {length}\r\nconnection: close\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
        let text = answer.split_once("\r\n\r\n").map_or("", |(_, text)| text);
        (status, serde_json::from_str(text).unwrap_or(Value::Null))
    }

    fn matches(&self) -> Vec<Value> {
        self.ask("GET", "/v1/matches?limit=1000", "").1["matches"].as_array().cloned().unwrap_or_default()
    }

    /// SIGKILL: nothing is tidied up.
    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM: running requests end, what waits is written.
    fn stop(mut self) {
        let status = Command::new("kill").arg("-TERM").arg(self.child.id().to_string()).status().unwrap();
        assert!(status.success());
        self.child.wait().unwrap();
    }
}

fn audit(arguments: &[&str], data: &Path) -> (Option<i32>, String) {
    let output = Command::new(PROGRAM).arg("audit").args(arguments).arg("--data").arg(data).output().unwrap();
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

#[test]
fn matches_that_were_answered_before_a_kill_are_in_the_log_once_and_the_log_of_audit_is_whole() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let hash = "f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22";
    let mut answered = 0;
    for round in 0..3 {
        let server = Served::start(&data);
        if round == 0 {
            assert_eq!(server.ask("POST", "/c/banks", r#"{"name":"A"}"#).0, 201);
            let signal = format!(r#"{{"pdq":"{hash}"}}"#);
            let (status, added) = server.ask("POST", "/c/bank/A/signal", &signal);
            assert!(matches!(status, 200 | 201), "{status} {added}");
            let rule = r#"{"name":"all","then":[{"review":{"queue":"q"}},{"label":"seen"}]}"#;
            assert_eq!(server.ask("POST", "/v1/rules", rule).0, 201);
        }
        for at in 0..20 {
            let path = format!("/m/lookup?signal={hash}&signal_type=pdq&sender=s{at}");
            let (status, found) = server.ask("GET", &path, "");
            assert_eq!((status, found["A"].as_array().map(Vec::len)), (200, Some(1)), "{found}");
            answered += 1;
        }
        server.kill();
    }
    let server = Served::start(&data);
    let begun = Instant::now();
    while server.matches().len() < answered && begun.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(50));
    }
    let matches = server.matches();
    assert_eq!(matches.len(), answered);
    let reviews = server.ask("GET", "/v1/reviews?limit=1000", "").1;
    assert_eq!(reviews["reviews"].as_array().map(Vec::len), Some(answered));
    let event = matches[0]["id"].as_str().unwrap();
    assert_eq!(server.ask("GET", &format!("/v1/labels/{event}"), "").1["labels"][0], "seen");
    let (status, log) = server.ask("GET", "/v1/audit", "");
    assert_eq!(status, 200, "{log}");
    server.stop();

    let (code, told) = audit(&["verify", "--format", "json"], &data);
    assert_eq!(code, Some(0), "{told}");
    let told: Value = serde_json::from_str(&told).unwrap();
    // The bank, its content, the rule, and every match; each of them once.
    assert_eq!(told["size"], answered as u64 + 3);
    assert_eq!(
        (told["store"]["opened"].as_u64(), told["store"]["waiting"].as_u64()),
        (told["size"].as_u64(), Some(0))
    );
    assert_eq!(audit(&["key"], &data).1.trim(), log["verifier_key"].as_str().unwrap());

    let (_, note) = audit(&["checkpoint"], &data);
    let old = dir.path().join("old");
    std::fs::write(&old, note).unwrap();
    assert_eq!(audit(&["erase", "--index", "0", "--reason", "a test"], &data).0, Some(0));
    let (_, shown) = audit(&["show", "--index", "0"], &data);
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(
        (shown["state"].as_str(), shown["entry"]["action"].as_str()),
        (Some("erased"), Some("bank.create"))
    );
    Served::start(&data).stop();
    let (code, told) = audit(&["verify", "--checkpoint", old.to_str().unwrap()], &data);
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("1 erased"), "{told}");

    // The widest: a server that is stopped at once may leave the erasure to the next one.
    let bundles = data.join("audit/tile/entries/000.p");
    let widths = std::fs::read_dir(&bundles).unwrap().map(|file| file.unwrap().file_name());
    let widest = widths.filter_map(|name| name.to_str()?.parse::<usize>().ok()).max().unwrap();
    assert!(widest >= answered + 3, "{widest}");
    let bundle = bundles.join(widest.to_string());
    let mut bytes = std::fs::read(&bundle).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&bundle, bytes).unwrap();
    assert_eq!(audit(&["verify"], &data).0, Some(2));
}
