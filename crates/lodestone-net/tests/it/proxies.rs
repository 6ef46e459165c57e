//! A named proxy is used and told addresses only; one of the environment is not.

use std::env;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::thread;

use lodestone_net::address::AddressKind;
use lodestone_net::{NetError, Outbound, Proxy, Secret, Why, fetch};

use crate::server::{Script, Server, always, ok, open, serve};

/// A proxy that makes tunnels to wherever it is asked.
fn proxy() -> Server {
    serve(|request, stream| {
        let target = request.split(' ').nth(1).unwrap_or_default();
        let mut there = TcpStream::connect(target)?;
        stream.write_all(b"HTTP/1.1 200 Connection established\r\nX: y\r\n\r\n")?;
        let (mut from, mut to) = (stream.try_clone()?, there.try_clone()?);
        thread::spawn(move || std::io::copy(&mut from, &mut to));
        let mut answer = Vec::new();
        there.read_to_end(&mut answer)?;
        stream.write_all(&answer)
    })
}

fn through(proxy: &Server) -> Outbound {
    let proxy = Proxy::parse(&proxy.url("")).expect("a proxy");
    Outbound { proxy: Some(proxy.with_credentials("user", &Secret::new("pass"))), ..open() }
}

#[test]
fn a_proxy_is_told_the_address_that_was_checked_and_never_the_name() {
    let (proxy, server) = (proxy(), always(ok("text/plain", b"through")));
    let port = server.address.port();
    let names = Script::new(&[&["127.0.0.1"], &["10.0.0.1"]]);
    let policy = Outbound { lookup: names.clone(), allow_private: false, ..through(&proxy) };
    let policy = Outbound { allowed_networks: vec!["127.0.0.1".parse().expect("a network")], ..policy };
    let url = format!("http://name.test:{port}/x");
    assert_eq!(fetch(&policy, &url).map(|file| file.bytes), Ok(b"through".to_vec()));
    let asked = proxy.seen.all().remove(0);
    assert!(asked.starts_with(&format!("CONNECT 127.0.0.1:{port} HTTP/1.1\r\n")), "{asked}");
    assert!(
        asked.contains("Proxy-Authorization: Basic dXNlcjpwYXNz\r\n") && !asked.contains("name.test"),
        "{asked}"
    );
    let sent = server.seen.all().remove(0).to_lowercase();
    assert!(sent.contains("host: name.test") && !sent.contains("proxy-"), "{sent}");
    // A second request gets another answer of the name service, and is refused before the proxy hears of it.
    let refused = Err(NetError::Refused { why: Why::Address(AddressKind::Private) });
    assert_eq!((fetch(&policy, &url), proxy.seen.all().len()), (refused, 1));
}

#[test]
fn a_proxy_that_refuses_or_talks_nonsense_is_told() {
    for answer in ["HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "SSH-2.0\r\n\r\n", ""] {
        let proxy = always(answer);
        let error = fetch(&through(&proxy), "http://127.0.0.1:9/").expect_err("no tunnel");
        assert!(matches!(error, NetError::Connect { .. }), "{answer:?}: {error:?}");
    }
    let endless = serve(|_, stream| {
        loop {
            stream.write_all(b"HTTP/1.1 200 OK and so on")?;
        }
    });
    let error = fetch(&through(&endless), "http://127.0.0.1:9/").expect_err("no tunnel");
    assert!(matches!(error, NetError::Connect { .. }), "{error:?}");
}

/// Runs itself again, with proxies in the environment: set in this process, they would reach the other tests.
#[test]
fn a_proxy_of_the_environment_is_not_used() {
    const TARGET: &str = "LODESTONE_TEST_TARGET";
    if let Ok(url) = env::var(TARGET) {
        assert_eq!(fetch(&open(), &url).map(|file| file.bytes), Ok(b"direct".to_vec()));
        return;
    }
    let (trap, server) = (proxy(), always(ok("text/plain", b"direct")));
    let name = "proxies::a_proxy_of_the_environment_is_not_used";
    let mut child = Command::new(env::current_exe().expect("this program"));
    child.args(["--exact", name]).env(TARGET, server.url("/")).env_remove("NO_PROXY").env_remove("no_proxy");
    for variable in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        child.env(variable, trap.url(""));
    }
    let output = child.output().expect("started");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert_eq!((trap.seen.all().len(), server.seen.all().len()), (0, 1));
}
