//! Every hop passes the gate, and a second answer of the name service is never asked for.

use std::io::Write;

use lodestone_net::address::AddressKind;
use lodestone_net::{Method, NetError, Outbound, Request, Why, fetch, request};

use crate::server::{Script, always, ok, open, serve, to};

/// The address of this machine as the only exception: other loopback addresses stay refused.
fn only_one() -> Outbound {
    Outbound {
        allow_private: false,
        allowed_networks: vec!["127.0.0.1".parse().expect("a network")],
        ..open()
    }
}

fn refused(why: Why) -> NetError {
    NetError::Refused { why }
}

#[test]
fn a_name_that_changes_its_address_after_the_check_wins_nothing() {
    let server = always(ok("image/png", b"picture"));
    // First an address that passes, then one that would not, and one where nobody listens.
    let names = Script::new(&[&["127.0.0.1"], &["169.254.169.254"], &["127.0.0.2"]]);
    let policy = Outbound { lookup: names.clone(), ..only_one() };
    let url = format!("http://rebind.test:{}/", server.address.port());
    assert_eq!(fetch(&policy, &url).map(|file| file.bytes), Ok(b"picture".to_vec()));
    assert_eq!(names.asked(), 1, "the name was resolved more than once");
    assert!(server.seen.all()[0].to_lowercase().contains("host: rebind.test"), "{:?}", server.seen.all());
    // The next request asks anew, gets the other answer and is refused before a connection.
    assert_eq!(fetch(&policy, &url), Err(refused(Why::Address(AddressKind::LinkLocal))));
    assert_eq!(server.seen.all().len(), 1);
}

#[test]
fn a_public_address_beside_a_private_one_is_no_way_in() {
    let server = always(ok("image/png", b"picture"));
    let names = Script::new(&[&["127.0.0.1", "1.1.1.1"]]);
    let policy =
        Outbound { lookup: names, allowed_ports: vec![server.address.port()], ..Outbound::default() };
    let url = format!("http://mixed.test:{}/", server.address.port());
    assert_eq!(fetch(&policy, &url), Err(refused(Why::Address(AddressKind::Loopback))));
    assert!(server.seen.all().is_empty());
}

#[test]
fn a_redirect_to_a_forbidden_address_is_refused_and_nothing_is_sent_there() {
    let secret = always(ok("text/plain", b"credentials"));
    let port = secret.address.port();
    for (location, kind) in [
        (format!("http://127.0.0.2:{port}/"), AddressKind::Loopback),
        (format!("http://[::1]:{port}/"), AddressKind::Loopback),
        (format!("//127.0.0.3:{port}/x"), AddressKind::Loopback),
        ("http://169.254.169.254/latest/meta-data/".to_owned(), AddressKind::LinkLocal),
        ("http://2852039166/".to_owned(), AddressKind::LinkLocal),
        ("http://[::ffff:10.0.0.1]/".to_owned(), AddressKind::Private),
    ] {
        let first = always(to(&location));
        assert_eq!(fetch(&only_one(), &first.url("/")), Err(refused(Why::Address(kind))), "{location}");
    }
    assert!(secret.seen.all().is_empty());
}

#[test]
fn a_redirect_to_a_name_is_resolved_and_checked_at_that_hop() {
    let first = serve(|request, stream| {
        let port = stream.local_addr()?.port();
        match request.starts_with("GET /a ") {
            true => stream.write_all(&to(&format!("http://second.test:{port}/b"))),
            false => stream.write_all(&ok("text/plain", b"never")),
        }
    });
    let names = Script::new(&[&["127.0.0.1"], &["10.0.0.1"]]);
    let policy = Outbound { lookup: names.clone(), ..only_one() };
    let url = format!("http://first.test:{}/a", first.address.port());
    assert_eq!(fetch(&policy, &url), Err(refused(Why::Address(AddressKind::Private))));
    assert_eq!((names.asked(), first.seen.all().len()), (2, 1));
}

#[test]
fn other_schemes_and_user_names_are_refused_at_every_hop() {
    for (location, why) in [
        ("file:///etc/passwd", Why::Scheme),
        ("ftp://127.0.0.1/", Why::Scheme),
        ("gopher://127.0.0.1:25/x", Why::Scheme),
        ("http://user:pass@127.0.0.1/", Why::UserInfo),
    ] {
        let server = always(to(location));
        assert_eq!(fetch(&open(), &server.url("/")), Err(refused(why)), "{location}");
    }
    let listed = Outbound { allowed_hosts: vec!["127.0.0.1".to_owned()], ..open() };
    let server = always(to("http://localhost/"));
    assert_eq!(fetch(&listed, &server.url("/")), Err(refused(Why::Host)));
}

#[test]
fn a_loop_of_redirects_ends() {
    let server = always(to("/again"));
    assert_eq!(fetch(&open(), &server.url("/")), Err(refused(Why::TooManyRedirects(3))));
    assert_eq!(server.seen.all().len(), 4);
    let none = Outbound { max_redirects: 0, ..open() };
    assert_eq!(fetch(&none, &server.url("/")), Err(refused(Why::TooManyRedirects(0))));
    assert_eq!(server.seen.all().len(), 5);
}

#[test]
fn a_redirect_on_the_same_server_is_followed_and_a_bad_one_is_told() {
    let server = serve(|request, stream| match request.split(' ').nth(1) {
        Some("/a/start") => stream.write_all(&to("../b?x=1#part")),
        Some("/b?x=1") => stream.write_all(&ok("image/png; charset=x", b"there")),
        Some("/nowhere") => stream.write_all(b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n"),
        _ => stream.write_all(&to("http://[::1")),
    });
    let file = fetch(&open(), &server.url("/a/start")).expect("fetched");
    assert_eq!((file.bytes, file.content_type.as_deref()), (b"there".to_vec(), Some("image/png; charset=x")));
    for path in ["/nowhere", "/bad"] {
        assert!(matches!(fetch(&open(), &server.url(path)), Err(NetError::Malformed { .. })), "{path}");
    }
}

#[test]
fn keys_in_headers_do_not_go_to_another_origin() {
    let other = always(ok("text/plain", b"other"));
    let location = other.url("/");
    let first = serve(move |request, stream| match request.starts_with("GET /same ") {
        true => stream.write_all(&to("/then")),
        false => stream.write_all(&to(&location)),
    });
    let headers =
        [("Authorization", "Bearer hunter2"), ("X-Functions-Key", "hunter2"), ("Accept", "text/plain")];
    let url = first.url("/same");
    let wanted = Request { method: Method::Get, url: &url, headers: &headers, body: b"" };
    let response = request(&open(), wanted).expect("an answer");
    assert_eq!(response.body.read_all(), Ok(b"other".to_vec()));
    let (own, foreign) = (first.seen.all(), other.seen.all());
    assert_eq!((own.len(), foreign.len()), (2, 1));
    assert!(own.iter().all(|request| request.matches("hunter2").count() == 2), "{own:?}");
    assert!(!foreign[0].contains("hunter2") && foreign[0].contains("text/plain"), "{foreign:?}");
}

#[test]
fn a_redirected_post_is_not_sent_again() {
    let other = always(ok("text/plain", b""));
    let first = always(to(&other.url("/")));
    let answer = lodestone_net::post(&open(), &first.url("/"), &[], b"body").expect("an answer");
    assert_eq!(answer.status, 302);
    assert!(other.seen.all().is_empty());
}
