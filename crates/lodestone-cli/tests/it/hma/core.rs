//! What holds of every route: methods, paths, pages for errors, and the routes that say how the server is.

use super::client::{Answer, Server};

#[test]
fn a_server_that_answers_says_so_in_hmas_words() {
    let server = Server::shared();
    server.check(&[
        ("GET /status", "", 200, "~I-AM-ALIVE"),
        ("GET /status/live", "", 200, "~I-AM-ALIVE"),
        ("GET /status/", "", 404, "HTML"),
        ("POST /status", "", 405, "HTML"),
    ]);
    for path in ["/status", "/status/live"] {
        let answer = server.get(path);
        assert_eq!(
            (answer.text(), answer.header("content-type")),
            ("I-AM-ALIVE", Some("text/html; charset=utf-8"))
        );
    }
    let root = server.get("/");
    assert_eq!(root.status, 302);
    assert!(root.header("location").unwrap().starts_with("/ui"), "{root:?}");
    let bare = Server::start(&["--no-ui"]).get("/");
    assert_eq!((bare.status, bare.header("location")), (302, Some("/status")));
}

#[test]
fn the_site_map_lists_hmas_patterns_in_order() {
    let answer = Server::shared().get("/site-map");
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    let map = answer.json();
    let map: Vec<&str> = map.as_array().unwrap().iter().map(|path| path.as_str().unwrap()).collect();
    let mut sorted = map.clone();
    sorted.sort_unstable();
    assert_eq!(map, sorted);
    for path in [
        "/",
        "/c/bank/<bank_name>",
        "/c/bank/<bank_name>/content",
        "/c/bank/<bank_name>/content/<int:content_id>",
        "/c/bank/<bank_name>/signal",
        "/c/banks",
        "/c/content_type",
        "/c/signal_type",
        "/c/signal_type/<signal_type_name>",
        "/c/signal_type/index",
        "/h/hash",
        "/m/compare",
        "/m/index/status",
        "/m/lookup",
        "/m/raw_lookup",
        "/site-map",
        "/status",
        "/status/live",
    ] {
        assert!(map.contains(&path), "{path} is not in {map:?}");
    }
}

#[test]
fn no_route_and_the_wrong_method_are_answered_with_pages() {
    Server::shared().check(&[
        ("GET /nothing", "", 404, "HTML"),
        ("POST /nothing", "{}", 404, "HTML"),
        ("GET /c", "", 404, "HTML"),
        ("GET /c/bank", "", 404, "HTML"),
        ("GET /c/banks/", "", 404, "HTML"),
        ("GET /c//banks", "", 404, "HTML"),
        ("GET /c/bank/%FF", "", 404, "HTML"),
        ("DELETE /c/bank/%C3", "", 404, "HTML"),
        ("GET /%FF", "", 404, "HTML"),
        ("GET /C/banks", "", 404, "HTML"),
        ("GET /h", "", 404, "HTML"),
        ("GET /m/", "", 404, "HTML"),
        ("GET /hash", "", 404, "HTML"),
        ("DELETE /c/banks", "", 405, "HTML"),
        ("PUT /c/banks", "{}", 405, "HTML"),
        ("PATCH /c/bank/X", "{}", 405, "HTML"),
        ("POST /c/bank/X", "{}", 405, "HTML"),
        ("GET /c/bank/X/signal", "", 405, "HTML"),
        ("GET /c/bank/X/content", "", 405, "HTML"),
        ("POST /c/bank/X/content/1", "{}", 405, "HTML"),
        ("PUT /h/hash", "{}", 405, "HTML"),
        ("POST /m/raw_lookup", "{}", 405, "HTML"),
        ("GET /m/compare", "", 405, "HTML"),
        ("POST /m/index/status", "", 405, "HTML"),
        ("POST /c/signal_type", "{}", 405, "HTML"),
        ("GET /c/signal_type/pdq", "", 405, "HTML"),
        ("DELETE /c/content_type", "", 405, "HTML"),
    ]);
}

#[test]
fn slashes_before_a_path_count_as_one() {
    // Coop's base URL ends in a slash, and so do its requests begin with two.
    let server = Server::shared();
    let bank = server.bank("SLASHES");
    for path in
        ["//c/banks", "///c/banks", "//c/bank/SLASHES", "//status", "//m/index/status", "//c/content_type"]
    {
        let (twice, once) = (server.get(path), server.get(&format!("/{}", path.trim_start_matches('/'))));
        assert_eq!(
            (twice.status, twice.header("content-type")),
            (200, once.header("content-type")),
            "{path}"
        );
    }
    assert_eq!(server.get(&format!("//c/bank/{bank}")).json(), server.get(&format!("/c/bank/{bank}")).json());
    assert_eq!(server.get("//c/banks/").status, 404);
}

#[test]
fn head_and_options_are_answered_for_every_route() {
    let server = Server::shared();
    for (path, methods) in [
        ("/status", "GET, HEAD, OPTIONS"),
        ("/c/banks", "GET, HEAD, OPTIONS, POST"),
        ("/c/bank/X", "DELETE, GET, HEAD, OPTIONS, PUT"),
        ("/c/bank/X/signal", "OPTIONS, POST"),
        ("/c/bank/X/content", "OPTIONS, POST"),
        ("/c/bank/X/content/1", "DELETE, GET, HEAD, OPTIONS, PUT"),
        ("/h/hash", "GET, HEAD, OPTIONS, POST"),
        ("/m/lookup", "GET, HEAD, OPTIONS, POST"),
        ("/m/raw_lookup", "GET, HEAD, OPTIONS"),
        ("/m/compare", "OPTIONS, POST"),
    ] {
        let options = server.send("OPTIONS", path, &[], b"");
        assert_eq!(
            (options.status, options.header("allow"), options.body.len()),
            (200, Some(methods), 0),
            "{path}"
        );
        let wrong = server.send("PATCH", path, &[], b"");
        assert_eq!((wrong.status, wrong.header("allow")), (405, Some(methods)), "{path}");
    }
    for path in ["/status", "/site-map", "/c/banks", "/c/signal_type", "/c/content_type", "/m/index/status"] {
        let (head, get) = (server.send("HEAD", path, &[], b""), server.get(path));
        assert_eq!((head.status, head.body.len()), (200, 0), "{path}");
        assert_eq!(head.header("content-type"), get.header("content-type"), "{path}");
    }
    for (path, status) in
        [("/c/bank/NONE_SUCH", 404), ("/m/lookup", 400), ("/m/raw_lookup", 422), ("/x", 404)]
    {
        let head = server.send("HEAD", path, &[], b"");
        assert_eq!((head.status, head.body.len()), (status, 0), "{path}");
    }
}

#[test]
fn a_key_is_put_up_with_where_none_is_asked_for() {
    let server = Server::shared();
    for key in ["Bearer anything", "Bearer ", "Basic dTpw", "nonsense"] {
        assert_eq!(server.send("GET", "/c/banks", &[("Authorization", key)], b"").status, 200, "{key}");
    }
}

#[test]
fn without_a_key_only_what_probes_need_is_answered() {
    // As hma-matrix does it.
    let server = Server::with(&[]);
    for path in ["/status", "/status/live", "/site-map"] {
        assert_eq!(server.get(path).status, 200, "{path}");
    }
    for (method, path) in [
        ("GET", "/c/banks"),
        ("GET", "/m/lookup"),
        ("GET", "/m/raw_lookup"),
        ("POST", "/h/hash"),
        ("POST", "/m/compare"),
        ("DELETE", "/c/bank/X"),
        ("GET", "/nothing"),
    ] {
        for headers in [&[][..], &[("Authorization", "Bearer wrong")], &[("Authorization", "Basic dTpw")]] {
            let answer = server.send(method, path, headers, b"");
            assert_eq!((answer.status, answer.text()), (401, "Authentication required"), "{method} {path}");
            assert_eq!(answer.header("www-authenticate"), Some("Bearer"), "{method} {path}");
        }
    }
}

#[test]
fn a_key_opens_what_its_roles_allow_and_the_rest_is_missing_role() {
    let (server, keys) =
        Server::with_keys(&[("all", "hash,match,curate"), ("looks", "match"), ("hashes", "hash")]);
    let ask = |key: &str, method: &str, path: &str, body: &[u8]| {
        let headers = [("Authorization", key), ("Content-Type", "application/json")];
        server.send(method, path, &headers, body)
    };
    let hash = super::client::pdq(970);
    let raw = format!("/m/raw_lookup?signal_type=pdq&signal={hash}");
    let signal = format!("{{\"pdq\":\"{hash}\"}}");
    let [all, looks, hashes] = keys.as_slice() else { panic!("three keys") };
    assert_eq!(ask(all, "POST", "/c/banks", b"{\"name\":\"KEYS\"}").status, 201);
    assert_eq!(ask(all, "POST", "/c/bank/KEYS/signal", signal.as_bytes()).status, 200);
    assert_eq!(ask(all, "GET", &raw, b"").json(), serde_json::json!({ "matches": [1] }));
    assert_eq!(ask(looks, "GET", &raw, b"").status, 200);
    assert_eq!(ask(looks, "POST", "/m/compare", b"{}").status, 200);
    for (key, method, path) in [
        (looks, "GET", "/c/banks"),
        (looks, "POST", "/c/banks"),
        (looks, "DELETE", "/c/bank/KEYS"),
        (looks, "GET", "/h/hash?url=x"),
        (hashes, "GET", raw.as_str()),
        (hashes, "GET", "/c/exchanges"),
    ] {
        let refused = ask(key, method, path, b"");
        assert_eq!(refused.status, 403, "{method} {path}");
        assert!(refused.message().contains("missing role"), "{}", refused.message());
    }
    assert_eq!(ask(all, "GET", "/nothing", b"").status, 404);
    assert_eq!(ask("Bearer wrong", "GET", "/nothing", b"").status, 401);
    assert_eq!(ask(&format!("{all}x"), "GET", "/c/banks", b"").status, 401);
}

#[test]
fn pages_from_elsewhere_cannot_use_a_server_without_keys() {
    let server = Server::shared();
    let ask = |method, headers: &[(&str, &str)]| {
        server.send(method, "/c/banks", headers, b"{\"name\":\"CROSS\"}").status
    };
    let json = ("Content-Type", "application/json");
    assert_eq!(ask("POST", &[json, ("Origin", "http://evil.example")]), 403);
    assert_eq!(ask("POST", &[json, ("Origin", "null")]), 403);
    assert_eq!(ask("POST", &[json, ("Sec-Fetch-Site", "cross-site")]), 403);
    let own = format!("http://{}", server.address);
    assert_eq!(ask("POST", &[json, ("Origin", &own)]), 201);
    let rebound = server.raw(b"GET /c/banks HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n");
    assert_eq!(rebound.status, 403);
}

#[test]
fn old_clients_and_kept_connections_are_served() {
    let server = Server::shared();
    let old = server.raw(b"GET /status HTTP/1.0\r\n\r\n");
    assert_eq!((old.status, old.text()), (200, "I-AM-ALIVE"));
    let host = format!("Host: {}\r\n", server.address);
    let twice = format!(
        "GET /status HTTP/1.1\r\n{host}\r\nGET /status/live HTTP/1.1\r\n{host}Connection: close\r\n\r\n"
    );
    let both = server.raw(twice.as_bytes());
    let body = both.text();
    assert!(body.starts_with("I-AM-ALIVE"), "{body}");
    let second = Answer::of(&both.body["I-AM-ALIVE".len()..]);
    assert_eq!((second.status, second.text()), (200, "I-AM-ALIVE"));
    let chunked = format!(
        "POST /c/banks HTTP/1.1\r\n{host}Connection: close\r\nContent-Type: application/json\r\n\
         Transfer-Encoding: chunked\r\n\r\n8\r\n{{\"name\":\r\n9\r\n\"PIECES\"}}\r\n0\r\n\r\n"
    );
    assert_eq!(server.raw(chunked.as_bytes()).status, 201);
    let waiting = format!(
        "POST /m/compare HTTP/1.1\r\n{host}Connection: close\r\nContent-Type: application/json\r\n\
         Expect: 100-continue\r\nContent-Length: 2\r\n\r\n{{}}"
    );
    let answer = server.raw(waiting.as_bytes());
    let answer = if answer.status == 100 { Answer::of(&answer.body) } else { answer };
    assert_eq!((answer.status, answer.text()), (200, "{}\n"));
}
