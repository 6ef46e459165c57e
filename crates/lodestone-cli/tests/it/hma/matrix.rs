//! The requests of Matrix's tools: policyserv, which hashes an upload and then asks for each hash, with a key; and the
//! probes of hma-matrix. *Source:* matrix-org/policyserv `content/hma.go`, matrix-org/hma-matrix.

use serde_json::{Map, Value, json};

use super::client::{FORM, Server, form, q};
use super::pictures::{self, BRIDGE, BRIDGE_PDQ};

/// Names of the banks that policyserv takes a file for matched in: every key of every answer, whatever its status.
fn scan(server: &Server, field: &str, bytes: &[u8]) -> Result<Vec<String>, u16> {
    let key = ("Authorization", "Bearer some-key");
    let hashed =
        server.send("POST", "/h/hash", &[key, ("Content-Type", FORM)], &form(&[(field, Some("x"), bytes)]));
    if hashed.status != 200 {
        return Err(hashed.status);
    }
    // Decoded as a map of texts: nothing else may be in it.
    let hashes: Map<String, Value> = serde_json::from_slice(&hashed.body).unwrap();
    let mut banks = Vec::new();
    for (kind, hash) in &hashes {
        let hash = hash.as_str().expect("hashes are texts");
        let path = format!("/m/lookup?signal_type={}&signal={}", q(kind), q(hash));
        let found: Map<String, Value> =
            serde_json::from_slice(&server.send("GET", &path, &[key], b"").body).unwrap();
        banks.extend(found.keys().cloned());
    }
    Ok(banks)
}

#[test]
fn policyserv_finds_the_banks_of_a_file_and_no_others() {
    let server = Server::start(&[]);
    server.bank("PS_PICTURES");
    server.bank("PS_FILMS");
    server.signal("PS_PICTURES", &json!({ "pdq": BRIDGE_PDQ }));
    assert_eq!(server.upload("/c/bank/PS_FILMS/content", &[("video", Some("x"), b"a film")]).status, 200);
    assert_eq!(scan(&server, "photo", BRIDGE), Ok(vec!["PS_PICTURES".to_owned()]));
    assert_eq!(scan(&server, "video", b"a film"), Ok(vec!["PS_FILMS".to_owned()]));
    assert_eq!(scan(&server, "video", b"another"), Ok(vec![]));
    assert_eq!(scan(&server, "photo", &pictures::jpeg(&pictures::scene(2))), Ok(vec![]));
    // The empty hash is no hash: what comes back is an error's only key, and no bank can be called that.
    assert_eq!(scan(&server, "photo", &pictures::flat()), Ok(vec!["message".to_owned()]));
    assert_eq!(server.post("/c/banks", &json!({ "name": "message" })).status, 400);
    assert_eq!(scan(&server, "photo", b"no picture"), Err(400));
    assert_eq!(scan(&server, "file", BRIDGE), Err(400));
}

#[test]
fn probes_of_hma_matrix_need_no_key() {
    let server = Server::with(&[]);
    for path in ["/site-map", "/status", "/status/live"] {
        assert_eq!(server.get(path).status, 200, "{path}");
    }
    assert_eq!(server.get("/h/hash?url=x").status, 401);
}
