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
