//! `lodestone key`: API keys and the key of secrets.

use lodestone_net::Secret;
use lodestone_server::secrets::{KeySources, Secrets};
use lodestone_store::Store;

use crate::program::Place;

#[test]
fn a_key_is_made_listed_and_taken_back() {
    let place = Place::new();
    let made =
        place.run(&["key", "add", "coop", "--role", "match,hash", "--expires", "90d", "--data", "state"]);
    assert_eq!(made.code, Some(0), "{}", made.err);
    let token = made.out.trim_end();
    assert!(token.starts_with("lds_") && token.len() == 89 && !made.err.contains(token), "{}", made.err);
    let id = &token[4..16];
    let listed = place.run(&["key", "list", "--data", "state", "--format", "ndjson"]);
    let key = listed.objects().remove(0);
    assert_eq!((key["id"].as_str(), key["name"].as_str()), (Some(id), Some("coop")));
    assert_eq!(key["roles"], serde_json::json!(["hash", "match"]));
    assert!(!listed.out.contains(&token[17..]) && key["expires_us"].is_i64() && key["revoked_us"].is_null());
    for _ in 0..2 {
        assert_eq!(place.run(&["key", "revoke", id, "--data", "state"]).code, Some(0));
    }
    assert!(place.run(&["key", "list", "--data", "state"]).out.contains("revoked"));
    assert_eq!(place.run(&["key", "revoke", "0", "--data", "state"]).code, Some(2));
    assert_eq!(place.run(&["key", "add", "x", "--role", "root", "--data", "state"]).code, Some(2));
    assert_eq!(
        place.run(&["key", "add", "x", "--role", "hash", "--expires", "soon", "--data", "state"]).code,
        Some(2)
    );
}

#[test]
fn while_a_server_holds_the_folder_it_says_what_to_do() {
    let place = Place::new();
    let _held = Store::open(&place.path("state")).unwrap();
    let refused = place.run(&["key", "add", "x", "--role", "hash", "--data", "state"]);
    assert_eq!((refused.code, refused.out.as_str()), (Some(2), ""));
    assert!(refused.err.contains("stop it first") && refused.err.contains("/v1/keys"), "{}", refused.err);
}

#[test]
fn secrets_move_to_another_key_and_lost_ones_can_be_given_up() {
    let place = Place::new();
    let data = place.path("state");
    let kept = |sources: &KeySources| {
        let store = Store::open(&data).unwrap();
        Secrets::open(&data, sources, &store).unwrap().get(&store, "hook").map(|secret| secret.is_some())
    };
    {
        let mut store = Store::open(&data).unwrap();
        let secrets = Secrets::open(&data, &KeySources::default(), &store).unwrap();
        store.batch(1, |batch| secrets.put(batch, "hook", Some(&Secret::new(*b"value")))).unwrap();
    }
    let nothing_lost = place.run(&["key", "forget-secrets", "--yes", "--data", "state"]);
    assert_eq!(nothing_lost.code, Some(2), "{}", nothing_lost.err);
    let rotated = place.run(&["key", "rotate-secrets", "--new-key-file", "new.key", "--data", "state"]);
    assert_eq!(rotated.code, Some(0), "{}", rotated.err);
    std::fs::remove_file(data.join("secret.key")).unwrap();
    let new = KeySources { key_file: Some(place.path("new.key")), ..KeySources::default() };
    assert!(kept(&new).unwrap() && kept(&KeySources::default()).is_err());
    let unsure = place.run(&["key", "forget-secrets", "--data", "state"]);
    assert!(unsure.code == Some(2) && unsure.err.contains("sealed with key "), "{}", unsure.err);
    let forgotten = place.run(&["key", "forget-secrets", "--yes", "--data", "state"]);
    assert_eq!(forgotten.code, Some(0), "{}", forgotten.err);
    assert!(!kept(&KeySources::default()).unwrap());
}
