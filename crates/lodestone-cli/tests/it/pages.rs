//! The pages of a server, as a browser meets them, and HMA's form routes, as programs do.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::program::Place;

/// A server that ends with the test.
struct Server {
    child: Child,
    address: String,
}

/// Status, head, body.
struct Answer(u16, String, String);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    fn start(place: &Place, more: &[&str]) -> Self {
        let fixed = ["serve", "--data", "state", "--listen", "127.0.0.1:0", "--workers", "1"];
        let mut command = place.command(&[&fixed, more].concat());
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
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
        Self { child, address }
    }

    fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", self.address);
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
        stream.write_all(head.as_bytes()).unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer(status, head.to_ascii_lowercase(), body.to_owned())
    }

    fn page(&self, path: &str, cookie: &str) -> Answer {
        self.ask(
            "GET",
            path,
            &[("Accept", "text/html"), ("Sec-Fetch-Site", "same-origin"), ("Cookie", cookie)],
            "",
        )
    }

    /// Sends a form as a browser does.
    fn form(&self, path: &str, cookie: &str, body: &str) -> Answer {
        let origin = format!("http://{}", self.address);
        let headers = [
            ("Accept", "text/html"),
            ("Sec-Fetch-Site", "same-origin"),
            ("Origin", origin.as_str()),
            ("Cookie", cookie),
            FORM,
        ];
        self.ask("POST", path, &headers, body)
    }
}

const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");

/// The token that forms of a page carry.
fn token(page: &Answer) -> &str {
    let (_, rest) = page.2.split_once("name=\"token\" value=\"").unwrap();
    rest.split_once('"').unwrap().0
}

fn header<'a>(answer: &'a Answer, name: &str) -> &'a str {
    let lines = answer.1.lines().filter_map(|line| line.split_once(": "));
    lines.filter(|(key, _)| *key == name).map(|(_, value)| value).next().unwrap_or_default()
}

const PDQ: &str = "f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22";

#[test]
fn a_session_is_for_the_pages_and_ends_with_its_key() {
    let place = Place::new();
    let made = place.run(&["key", "add", "curator", "--role", "curate", "--data", "state"]);
    assert_eq!(made.code, Some(0), "{}", made.err);
    let admin = place.run(&["key", "add", "admin", "--role", "admin", "--data", "state"]).out;
    let (key, admin) = (made.out.trim(), format!("Bearer {}", admin.trim()));
    let server = Server::start(&place, &[]);

    let sent = server.page("/ui/banks", "");
    assert_eq!((sent.0, header(&sent, "location")), (303, "/ui/login?next=%2fui%2fbanks"));
    assert_eq!(server.ask("GET", "/ui/banks", &[], "").0, 401, "a program is told");
    let login = server.page("/ui/login", "");
    let form = |token: &str, key: &str| format!("token={token}&next=%2Fui%2Fbanks&key={key}");
    assert_eq!(server.form("/ui/login", "", &form("", key)).0, 403, "without the page's token");
    assert_eq!(server.form("/ui/login", "", &form(token(&login), "lds_no")).0, 401);
    let begun = server.form("/ui/login", "", &form(token(&login), key));
    assert_eq!((begun.0, header(&begun, "location")), (303, "/ui/banks"));
    let cookie = header(&begun, "set-cookie");
    assert!(cookie.contains("; httponly; samesite=strict") && !cookie.contains(&key[17..]), "{cookie}");
    let cookie = cookie.split(';').next().unwrap();

    let banks = server.page("/ui/banks", cookie);
    assert_eq!(banks.0, 200);
    assert!(header(&banks, "content-security-policy").starts_with("default-src 'none'"));
    assert_eq!(
        (header(&banks, "cache-control"), header(&banks, "x-content-type-options")),
        ("no-store", "nosniff")
    );
    let refused = server.page("/ui/match", cookie);
    assert!(refused.0 == 403 && refused.2.contains("has not the role match"), "{}", refused.2);
    // Beyond the pages, only what a page of ours fetches.
    assert_eq!(server.ask("GET", "/c/banks", &[("Cookie", cookie)], "").0, 401);
    for (site, status) in [("same-origin", 200), ("same-site", 401), ("cross-site", 403)] {
        let fetched = server.ask("GET", "/c/banks", &[("Cookie", cookie), ("Sec-Fetch-Site", site)], "");
        assert_eq!(fetched.0, status, "{site}");
    }
    assert_eq!(server.form("/ui/banks", cookie, "name=A").0, 403, "without its token");
    assert_eq!(server.form("/ui/banks", cookie, &format!("name=A&token={}", token(&login))).0, 403);
    let form = format!("name=A&token={}", token(&banks));
    assert_eq!(header(&server.form("/ui/banks", cookie, &form), "location"), "/ui/banks/a?did=made");

    let revoked =
        server.ask("DELETE", &format!("/v1/keys/{}", &key[4..16]), &[("Authorization", &admin)], "");
    assert_eq!(revoked.0, 200, "{}", revoked.2);
    assert_eq!(server.page("/ui/banks", cookie).0, 303, "the session went with its key");
}

#[test]
fn content_is_added_found_and_removed_by_forms_and_what_people_write_stays_text() {
    let place = Place::new();
    let server = Server::start(&place, &["--open"]);
    let page = server.page("/ui/banks", "");
    let token = format!("token={}", token(&page));
    let send = |path: &str, fields: &str| server.form(path, "", &format!("{token}&{fields}"));
    assert_eq!(send("/ui/banks", "name=A&kind=own&radius_bits=20&enabled_ratio=0.5").0, 303);
    assert_eq!(send("/ui/banks", "name=A").0, 403, "it exists");
    assert_eq!(send("/ui/banks", "name=a").0, 400);
    let note = "%3Cscript%3Ealert(1)%3C/script%3E%E2%80%AE";
    let added = send("/ui/banks/A/add", &format!("signal_type=pdq&value={PDQ}&note={note}"));
    assert_eq!((added.0, header(&added, "location")), (303, "/ui/banks/a?did=added"), "{}", added.2);
    let bank = server.page("/ui/banks/A?did=added", "").2;
    assert!(bank.contains("&lt;script&gt;alert(1)") && bank.contains("U+202E"), "{bank}");
    assert!(!bank.contains("<script>") && !bank.contains('\u{202e}') && bank.contains(PDQ), "{bank}");
    let found = send("/ui/match", &format!("signal_type=pdq&value={PDQ}"));
    assert!(
        found.0 == 200 && found.2.contains("href=\"/ui/banks/A\"") && found.2.contains("<b>0</b> of 256"),
        "{}",
        found.2
    );
    assert_eq!(send("/ui/match", "").0, 400, "nothing was given");
    assert_eq!(
        send("/ui/match", &format!("signal_type=pdq&value={PDQ}&url=http://x.example/")).0,
        400,
        "two things"
    );
    assert!(send("/ui/banks/A/find", &format!("signal_type=pdq&value={PDQ}")).2.contains("Remove 1"));
    let compared = send(
        "/ui/match/compare",
        &format!("left_signal_type=pdq&left_value={PDQ}&right_signal_type=pdq&right_value={}3", &PDQ[..63]),
    );
    assert!(compared.2.contains("<b>1</b> of 256"), "{}", compared.2);
    assert_eq!(header(&send("/ui/banks/A/remove", "content_id=1"), "location"), "/ui/banks/a?did=removed");
    assert_eq!(header(&send("/ui/banks/A/remove", "content_id=1"), "location"), "/ui/banks/a?did=gone");
    assert_eq!(send("/ui/banks/A/delete", "name=B").0, 400);
    assert_eq!(header(&send("/ui/banks/A/delete", "name=A"), "location"), "/ui/banks");
    assert_eq!(send("/ui/banks/A/change", "enabled_ratio=1").0, 404);
    assert_eq!(server.page("/ui/banks/A", "").0, 404);
    for path in [
        "/ui",
        "/ui/",
        "/ui/exchanges",
        "/ui/exchanges?api=ncmec",
        "/ui/match",
        "/ui/documentation",
        "/openapi/",
    ] {
        let page = server.page(path, "");
        assert!(page.0 == 200 && page.2.ends_with("</html>\n") && !page.2.contains(" style="), "{path}");
    }
}

#[test]
fn hmas_forms_are_answered_in_its_shapes_and_their_errors_are_pages() {
    let place = Place::new();
    let server = Server::start(&place, &["--open"]);
    let send = |path: &str, body: &str| server.ask("POST", path, &[FORM], body);
    let made = send("/ui/create_bank", "bank_name=A");
    assert_eq!((made.0, header(&made, "location")), (302, "./"));
    let page = |title: &str, text: &str| {
        let (_, name) = title.split_once(' ').unwrap();
        format!("<!doctype html>\n<html lang=en>\n<title>{title}</title>\n<h1>{name}</h1>\n<p>{text}</p>\n")
    };
    for (path, body, title, text) in [
        ("/ui/create_bank", "", "400 Bad Request", "Bank name is required"),
        ("/ui/create_bank", "bank_name=a", "400 Bad Request", "Bank names must be UPPER_WITH_UNDERSCORE"),
        ("/ui/create_bank", "bank_name=A", "403 Forbidden", "Bank already exists"),
        ("/ui/query", "", "400 Bad Request", "Missing multipart/form-data file upload"),
        ("/ui/query_url", "", "400 Bad Request", "URL is required"),
        ("/ui/query_url", "url=x", "400 Bad Request", "Content type is required"),
        ("/ui/query_hash", "", "400 Bad Request", "Signal type is required"),
        ("/ui/query_hash", "signal_type=pdq", "400 Bad Request", "Signal value is required"),
        (
            "/ui/query_hash",
            "signal_type=x&signal_value=y",
            "400 Bad Request",
            "No such SignalType &#39;x&#39;",
        ),
        (
            "/ui/query_hash",
            "signal_type=pdq&signal_value=y",
            "400 Bad Request",
            "invalid signal: invalid PDQ hash",
        ),
    ] {
        assert_eq!(send(path, body).2, page(title, text), "{path} {body}");
    }
    let json = [("Content-Type", "application/json")];
    let added =
        server.ask("POST", "/c/bank/A/signal", &json, &json!({ "pdq": PDQ, "note": "n" }).to_string());
    assert_eq!(added.0, 200, "{}", added.2);
    let told: Value =
        serde_json::from_str(&send("/ui/query_hash", &format!("signal_type=pdq&signal_value={PDQ}")).2)
            .unwrap();
    let of = |name: &str| told[name].clone();
    assert_eq!((of("hashes"), of("banks")), (json!({ "pdq": PDQ }), json!(["A"])));
    let matched = json!({
        "bank_name": "A", "content_id": 1, "distance": "0", "signal_type": "pdq", "signal_value": PDQ, "note": "n",
    });
    assert_eq!(of("matches"), json!([matched]));
    let find = |bank: &str, body: Value| {
        server.ask("POST", &format!("/ui/bank/{bank}/content/find"), &json, &body.to_string())
    };
    let found = find("A", json!({ "signal_type": "pdq", "signal_value": PDQ }));
    let matched = json!({ "content_id": 1, "distance": "0", "signal_type": "pdq", "signal_value": PDQ });
    let expected = json!({ "bank_name": "A", "content_ids": [1], "matches": [matched] });
    assert_eq!(serde_json::from_str::<Value>(&found.2).unwrap(), expected);
    assert_eq!(find("B", json!({})).2, page("404 Not Found", "bank &#39;B&#39; not found"));
    let neither = "Either &#39;url&#39; with &#39;content_type&#39; or &#39;signal_type&#39; with &#39;signal_value&#39; required";
    assert_eq!(find("A", json!({})).2, page("400 Bad Request", neither));
    assert_eq!(
        find("A", json!({ "url": "u" })).2,
        page("400 Bad Request", "content_type required when searching by URL")
    );
    let wrong = find("A", json!({ "url": 5 }));
    assert!(
        wrong.0 == 422 && wrong.2.starts_with("[{\"type\":\"string_type\",\"loc\":[\"url\"]"),
        "{}",
        wrong.2
    );
}
