//! API keys by their routes.

use lodestone_server::api_keys;
use lodestone_server::auth::Role;
use lodestone_store::Store;
use ring::rand::SystemRandom;
use serde_json::json;

use crate::running::{Running, config};

#[test]
fn keys_are_made_once_shown_once_and_taken_back_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap();
    let made =
        store.batch(1, |batch| api_keys::make(batch, &SystemRandom::new(), "op", &[Role::Admin], None));
    let (admin, _) = made.unwrap();
    let admin = admin.reveal().expose_str().unwrap().to_owned();
    drop(store);
    let mut closed = config(dir.path());
    closed.open = false;
    let mut server = Running::start(closed.clone());
    assert_eq!(server.get("/v1/keys").status, 401);
    server.carry("lds_000000000000_no");
    assert_eq!(server.get("/v1/keys").status, 401);
    server.carry(&admin);
    let wanted = json!({ "name": "coop", "roles": ["match"], "expires_in_s": 3600 });
    let made = server.post("/v1/keys", &wanted);
    let (id, token) =
        (made.json()["id"].as_str().unwrap().to_owned(), made.json()["token"].as_str().unwrap().to_owned());
    assert_eq!((made.status, token.len()), (201, 89));
    assert_eq!(server.post("/v1/keys", &json!({ "name": "x", "roles": [] })).status, 400);
    let list = server.get("/v1/keys");
    assert!(
        list.json()["keys"].as_array().unwrap().len() == 2
            && !list.text.contains(&token)
            && !list.text.contains("sha256")
    );
    server.carry(&token);
    assert_eq!(server.get(&format!("/m/raw_lookup?signal_type=pdq&signal={}", "0f".repeat(32))).status, 200);
    assert_eq!(server.get("/c/banks").status, 403);
    assert_eq!(server.get("/v1/keys").status, 403);
    assert_eq!(server.send("POST", "/dev/factory_reset", None).status, 403);
    server.carry(&admin);
    // A reset opens no door and closes none.
    assert_eq!(server.send("POST", "/dev/factory_reset", None).status, 302);
    assert_eq!(server.get("/c/banks").status, 200);
    let revoked = server.delete(&format!("/v1/keys/{id}"));
    assert!(revoked.status == 200 && revoked.json()["revoked_us"].is_u64());
    assert_eq!(server.delete(&format!("/v1/keys/{id}")).json(), revoked.json());
    assert_eq!(server.delete("/v1/keys/nobody").status, 404);
    server.carry(&token);
    assert_eq!(server.get(&format!("/m/raw_lookup?signal_type=pdq&signal={}", "0f".repeat(32))).status, 401);
    server.stop();
    let mut server = Running::start(closed);
    server.carry(&token);
    assert_eq!(server.get("/c/banks").status, 401);
    server.carry(&admin);
    assert_eq!(server.get("/c/banks").status, 200);
    server.stop();
}

#[test]
fn a_key_is_turned_away_though_the_client_that_took_it_back_did_not_wait_for_the_answer() {
    use std::io::Write as _;

    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap();
    let mut make = |name: &str, role| {
        let made = store.batch(1, |batch| api_keys::make(batch, &SystemRandom::new(), name, &[role], None));
        let (token, key) = made.unwrap();
        (token.reveal().expose_str().unwrap().to_owned(), key.id)
    };
    let (admin, _) = make("op", Role::Admin);
    let (token, id) = make("gone", Role::Match);
    drop(store);
    let mut closed = config(dir.path());
    closed.open = false;
    let mut server = Running::start(closed);
    // The writer is busy meanwhile: the request waits for its commit when its client goes.
    let (begun, has_begun) = std::sync::mpsc::channel();
    let (go, goes) = std::sync::mpsc::channel::<()>();
    let writer = server.app().writer.clone();
    let busy = std::thread::spawn(move || {
        let work = writer.alone(move |_| {
            begun.send(()).unwrap();
            goes.recv().unwrap();
            Ok(())
        });
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(work).unwrap();
    });
    has_begun.recv().unwrap();
    let mut client = server.connect();
    let request =
        format!("DELETE /v1/keys/{id} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {admin}\r\n\r\n");
    client.write_all(request.as_bytes()).unwrap();
    let until = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while server.app().writer.waiting() == 0 {
        assert!(std::time::Instant::now() < until, "the request does not come to the writer");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    // What waits may be the writer's own probe of each second: the request has time to come, too.
    std::thread::sleep(std::time::Duration::from_millis(500));
    drop(client);
    std::thread::sleep(std::time::Duration::from_millis(100));
    go.send(()).unwrap();
    busy.join().unwrap();
    server.carry(&token);
    while server.get(&format!("/m/raw_lookup?signal_type=pdq&signal={}", "0f".repeat(32))).status != 401 {
        assert!(std::time::Instant::now() < until, "the key still works");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    server.stop();
}

#[test]
fn a_key_that_may_only_look_up_sees_neither_the_lists_hashes_nor_notes() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap();
    let mut make = |name: &str, roles: &[Role]| {
        let made = store.batch(1, |batch| api_keys::make(batch, &SystemRandom::new(), name, roles, None));
        made.unwrap().0.reveal().expose_str().unwrap().to_owned()
    };
    let only = make("only", &[Role::Match]);
    let both = make("both", &[Role::Match, Role::Curate]);
    let audits = make("audits", &[Role::Match, Role::Audit]);
    let admin = make("admin", &[Role::Admin]);
    drop(store);
    let mut closed = config(dir.path());
    closed.open = false;
    let mut server = Running::start(closed);
    let value = "0f".repeat(32);
    let ask = |server: &Running, include: &str| {
        let signals = json!([{ "type": "pdq", "value": value }]);
        [
            server.get(&format!("/m/raw_lookup?signal_type=pdq&signal={value}&include={include}")).status,
            server.get(&format!("/m/lookup?signal_type=pdq&signal={value}&include={include}")).status,
            server.post("/v1/lookup", &json!({ "signals": signals, "include": [include] })).status,
        ]
    };
    server.carry(&only);
    for include in ["signals", "note"] {
        assert_eq!(ask(&server, include), [403; 3], "{include}");
    }
    let told = server.get(&format!("/m/raw_lookup?signal_type=pdq&signal={value}&include=note"));
    assert!(told.message().1.contains("missing role curate"), "{told:?}");
    for include in ["classification", "tags", "source", "kind", "opinions"] {
        assert_eq!(ask(&server, include), [200; 3], "{include}");
    }
    for token in [&both, &audits, &admin] {
        server.carry(token);
        assert_eq!(ask(&server, "signals"), [200; 3]);
    }
    server.stop();
}

#[cfg(unix)]
#[test]
fn what_a_server_writes_is_its_owners_only() {
    use std::os::unix::fs::PermissionsExt as _;

    let dir = tempfile::tempdir().unwrap();
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let server = Running::start(config(dir.path()));
    assert_eq!(server.post("/v1/banks", &json!({ "name": "A", "kind": "own" })).status, 201);
    let mut seen = 0;
    for name in ["lodestone.db", "lodestone.db-wal", "lodestone.db-shm", "lodestone.lock"] {
        let mode = std::fs::metadata(dir.path().join(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{name}");
        seen += 1;
    }
    assert_eq!(seen, 4);
    server.stop();
}

#[test]
fn layers_are_looked_up_with_the_role_match_and_set_with_curate() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap();
    let mut make = |name: &str, roles: &[Role]| {
        let made = store.batch(1, |batch| api_keys::make(batch, &SystemRandom::new(), name, roles, None));
        made.unwrap().0.reveal().expose_str().unwrap().to_owned()
    };
    let hasher = make("h", &[Role::Hash]);
    let matcher = make("m", &[Role::Match]);
    let curator = make("c", &[Role::Curate]);
    drop(store);
    let mut closed = config(dir.path());
    closed.open = false;
    let mut server = Running::start(closed);
    let form = (
        "multipart/form-data; boundary=b",
        "--b\r\nContent-Disposition: form-data; name=\"video\"; filename=\"a\"\r\n\r\nx\r\n--b--\r\n",
    );
    let look_up = |server: &Running| server.send("POST", "/v1/lookup/files?layers=1,2,3", Some(form));
    let create = json!({ "name": "A", "layers": [1, 2, 3] });
    let change = ("application/json", r#"{"layers":[1]}"#);
    server.carry(&hasher);
    assert_eq!((look_up(&server).status, server.post("/v1/banks", &create).status), (403, 403));
    server.carry(&matcher);
    assert_eq!(server.post("/v1/banks", &create).status, 403);
    server.carry(&curator);
    assert_eq!((look_up(&server).status, server.post("/v1/banks", &create).status), (403, 201));
    server.carry(&matcher);
    assert_eq!(server.send("PATCH", "/v1/banks/A", Some(change)).status, 403);
    let told = look_up(&server);
    assert_eq!(told.status, 200, "{told:?}");
    // A film has no parts: only its bytes were looked up, and that is told.
    assert_eq!(told.json()["results"][0]["layers"], json!([]));
    server.stop();
}
