//! Exchanges: their routes, credentials, and what fetching does.

use std::fs;
use std::path::Path;

use lodestone_server::Config;
use serde_json::{Value, json};

use crate::running::{Running, config};

const BRIDGE: &str = "f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22";
const NEVER: Value = Value::Null;

fn create(server: &Running, bank: &str, api: &str, fields: &Value) -> (u16, String) {
    server.post("/c/exchanges", &json!({ "bank": bank, "api": api, "api_json": fields })).message()
}

#[test]
fn exchanges_are_made_told_changed_and_deleted_in_hmas_shapes() {
    let dir = tempfile::tempdir().unwrap();
    let server = Running::start(config(dir.path()));
    assert_eq!(server.get("/c/exchanges").text, "[]\n");
    let map = server.get("/site-map").text;
    for pattern in ["\"/c/exchange/<string:exchange_name>/status\"", "\"/c/exchanges/api/<string:api_name>\""]
    {
        assert!(map.contains(pattern), "{map}");
    }
    let environment = "https://exttest.cybertip.org/hashsharing";
    let fields = json!({ "environment": environment, "only_esp_ids": [2, 1], "unknown": 1 });
    assert_eq!(create(&server, "NC", "ncmec", &fields), (201, "Created successfully".to_owned()));
    assert_eq!(create(&server, "A_SAMPLE", "sample", &json!({})).0, 201);
    assert_eq!(server.get("/c/exchanges").text, "[\"NC\",\"A_SAMPLE\"]\n");
    let told = |enabled: bool| {
        format!(
            "{{\n  \"environment\": \"{environment}\",\n  \"name\": \"NC\",\n  \"api\": \"ncmec\",\n  \"enabled\": \
             {enabled},\n  \"only_esp_ids\": [\n    1,\n    2\n  ]\n}}"
        )
    };
    assert_eq!(server.get("/c/exchange/NC").text, told(true));
    assert_eq!(server.put("/c/exchange/NC", &json!({ "enabled": "no" })).text, told(false));
    assert_eq!(server.put("/c/exchange/NC", &json!({})).text, told(false));
    assert_eq!(server.get("/c/exchange/NC").text, told(false));
    assert_eq!(server.put("/c/exchange/NC", &json!({ "enabled": "?" })).status, 422);
    assert_eq!(server.send("PUT", "/c/exchange/NC", None).status, 422);
    let missing = (404, "Exchange 'X' not found".to_owned());
    assert_eq!(server.get("/c/exchange/X").message(), missing);
    assert_eq!(server.get("/c/exchange/X/status").message(), missing);
    assert_eq!(server.put("/c/exchange/X", &json!({ "enabled": true })).message(), missing);
    assert_eq!(
        server.get("/c/exchange/NC/status").text,
        "{\"checkpoint_ts\":null,\"fetched_items\":0,\"last_fetch_complete_ts\":null,\"last_fetch_succeeded\":null,\
         \"running_fetch_start_ts\":null,\"up_to_date\":false}\n"
    );
    // Its bank comes and goes with it, from either side.
    assert_eq!(server.get("/c/bank/NC").json(), json!({ "matching_enabled_ratio": 1.0, "name": "NC" }));
    for _ in 0..2 {
        assert_eq!(server.delete("/c/exchange/NC").text, "{\"message\":\"Exchange deleted\"}\n");
    }
    assert_eq!(server.get("/c/bank/NC").status, 404);
    assert_eq!(server.delete("/c/bank/A_SAMPLE").status, 200);
    assert_eq!(
        (server.get("/c/exchange/A_SAMPLE").status, server.get("/c/exchanges").text),
        (404, "[]\n".to_owned())
    );
    server.stop();
}

#[test]
fn what_makes_no_exchange_is_refused_and_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let server = Running::start(config(dir.path()));
    assert_eq!(create(&server, "TAKEN", "sample", &json!({})).0, 201);
    assert_eq!(server.post("/c/banks", &json!({ "name": "BANK" })).status, 201);
    assert_eq!(create(&server, "TAKEN", "sample", &json!({})), (403, "Exchange already exists".to_owned()));
    assert_eq!(create(&server, "BANK", "sample", &json!({})), (403, "Bank already exists".to_owned()));
    assert_eq!(create(&server, "1ST", "sample", &json!({})).0, 400);
    assert_eq!(create(&server, "X", "ncmec", &json!({ "environment": "Industry" })).0, 400);
    assert_eq!(server.send("POST", "/c/exchanges", Some(("text/plain", "{}"))).status, 415);
    for body in ["", "{", "[]", "null", "7", "{\"bank\": {}}"] {
        let status = server.send("POST", "/c/exchanges", Some(("application/json", body))).status;
        assert_eq!(status, 400, "{body}");
    }
    assert_eq!(server.get("/c/exchanges").text, "[\"TAKEN\"]\n");
    assert_eq!(server.get("/c/bank/X").status, 404);
    server.stop();
}

#[test]
fn interfaces_are_told_with_schemas_and_whether_they_have_credentials() {
    let dir = tempfile::tempdir().unwrap();
    let server = Running::start(config(dir.path()));
    let apis = server.get("/c/exchanges/apis").json();
    let first = ["sample", "infinite_random", "fb_threatexchange", "ncmec", "stop_ncii"];
    assert_eq!(apis.as_array().unwrap()[..5], first.map(Value::from));
    let schema = server.get("/c/exchanges/api/ncmec/schema").json();
    assert_eq!(schema["config_schema"]["fields"][0]["choices"].as_array().unwrap().len(), 14);
    let missing = server.get("/c/exchanges/api/iwf/schema").message();
    assert_eq!(missing, (404, "Exchange API 'iwf' not found".to_owned()));
    assert_eq!(server.get("/c/exchanges/api/iwf").message(), (400, "no such Exchange API 'iwf'".to_owned()));
    assert_eq!(
        server.get("/c/exchanges/api/sample").text,
        "{\"has_set_authentification\":false,\"supports_authentification\":false}\n"
    );
    let ncmec = "/c/exchanges/api/ncmec";
    let set = |credentials: Value| server.post(ncmec, &json!({ "credential_json": credentials }));
    let has = |has: bool| json!({ "has_set_authentification": has, "supports_authentification": true });
    let secret = "correct horse battery staple";
    assert_eq!(set(json!({ "user": "u", "password": secret })).json(), has(true));
    assert_eq!(server.post(ncmec, &json!({})).json(), has(true));
    for wrong in
        [json!({ "user": secret }), json!({ "user": 1, "password": secret }), json!(secret), json!([1])]
    {
        let answer = set(wrong);
        assert!(answer.status == 400 && !answer.text.contains(secret), "{answer:?}");
    }
    assert_eq!(server.get(ncmec).json(), has(true));
    // Neither the database nor its log shows them.
    for file in
        fs::read_dir(dir.path()).unwrap().map(|file| file.unwrap().path()).filter(|path| path.is_file())
    {
        let bytes = fs::read(&file).unwrap();
        assert!(!bytes.windows(secret.len()).any(|part| part == secret.as_bytes()), "{file:?}");
    }
    assert_eq!(set(json!({})).json(), has(false));
    assert_eq!(server.post("/c/exchanges/api/sample", &json!({ "credential_json": { "a": 1 } })).status, 400);
    server.stop();
}

#[test]
fn a_server_without_its_key_looks_up_and_says_which_is_missing() {
    let dir = tempfile::tempdir().unwrap();
    let credentials = json!({ "credential_json": { "username": "u", "password": "p" } });
    let server = Running::start(config(dir.path()));
    assert_eq!(server.get("/ready").json()["secrets"], "unused");
    assert_eq!(server.post("/c/exchanges/api/tat", &credentials).status, 200);
    assert_eq!(server.get("/ready").json()["secrets"], "ok");
    server.stop();
    fs::remove_file(dir.path().join("secret.key")).unwrap();
    let server = Running::start(config(dir.path()));
    let (status, why) = server.post("/c/exchanges/api/tat", &credentials).message();
    assert!(status == 503 && why.contains("sealed with key "), "{why}");
    assert_eq!(server.get("/ready").json()["secrets"], why);
    assert_eq!(server.get("/c/exchanges/api/tat").json()["has_set_authentification"], true);
    assert!(server.found("pdq", BRIDGE).is_empty());
    server.stop();
}

#[test]
fn samples_are_fetched_once_found_and_carry_where_they_come_from() {
    let dir = tempfile::tempdir().unwrap();
    let server = Running::start(config(dir.path()));
    create(&server, "S", "sample", &json!({}));
    server.fetch();
    let status = server.status("S");
    assert_eq!((&status["fetched_items"], &status["up_to_date"]), (&json!(18), &json!(true)), "{status}");
    assert_eq!((&status["last_fetch_succeeded"], &status["running_fetch_start_ts"]), (&json!(true), &NEVER));
    assert!(status["last_fetch_complete_ts"].is_u64());
    let found = server.found("pdq", BRIDGE);
    assert!(found.len() > 1);
    let content = server.get("/c/bank/S/content/1?include_metadata=true&include_signals=true").json();
    assert_eq!(content["signals"], json!({ "pdq": BRIDGE }));
    assert_eq!(content["metadata"]["collab"], json!({ "S": [format!("('pdq', '{BRIDGE}')")] }));
    // Nothing comes twice, and what a person added stays.
    let added = server.post("/c/bank/S/signal", &json!({ "pdq": "0f".repeat(32) }));
    assert_eq!(added.status, 200);
    server.fetch();
    assert_eq!(server.found("pdq", BRIDGE), found);
    assert_eq!(server.found("pdq", &"0f".repeat(32)).len(), 1);
    assert_eq!(server.status("S")["fetched_items"], 18);
    server.stop();
}

#[test]
fn one_that_is_off_is_not_fetched_and_one_without_client_never_says_up_to_date() {
    let dir = tempfile::tempdir().unwrap();
    let server = Running::start(config(dir.path()));
    create(&server, "OFF", "sample", &json!({ "enabled": false }));
    create(&server, "TAT", "tat", &json!({}));
    create(&server, "ON", "sample", &json!({}));
    server.fetch();
    assert_eq!(server.status("OFF")["last_fetch_complete_ts"], NEVER);
    let tat = server.status("TAT");
    assert_eq!((&tat["last_fetch_succeeded"], &tat["up_to_date"]), (&json!(false), &json!(false)), "{tat}");
    assert!(tat["last_fetch_complete_ts"].is_u64() && tat["running_fetch_start_ts"].is_null());
    assert_eq!(server.status("ON")["fetched_items"], 18);
    server.stop();
}

fn with_list(dir: &Path, lines: &str) -> Config {
    let lists = dir.join("lists");
    fs::create_dir_all(&lists).unwrap();
    fs::write(lists.join("list.txt"), lines).unwrap();
    let mut config = config(dir);
    config.dev = true;
    config
}

fn pdq(number: u8) -> String {
    // Far from each other: each has its own half bytes.
    (0..32u8)
        .map(|at| format!("{:02x}", number.wrapping_mul(37).wrapping_add(at.wrapping_mul(number | 1))))
        .collect()
}

#[test]
fn a_local_list_is_followed_and_what_it_withdraws_goes() {
    let dir = tempfile::tempdir().unwrap();
    let (a, b, c) = (pdq(1), pdq(2), pdq(3));
    let lines = format!(
        "pdq {a}\npdq {b}\npdq {a}\nvideo_md5 cab08b36195edb1a1231d2d09fa450e0\nsha1 {}\n",
        "ab".repeat(20)
    );
    let server = Running::start(with_list(dir.path(), &lines));
    assert_eq!(create(&server, "L", "local_file", &json!({ "filename": "list.txt" })).0, 201);
    server.fetch();
    let status = server.status("L");
    // Twice the same is one; of types that are not offered there is none.
    assert_eq!((&status["fetched_items"], &status["up_to_date"]), (&json!(3), &json!(true)), "{status}");
    assert!(status["checkpoint_ts"].is_u64());
    let kept = server.found("pdq", &b);
    assert_eq!((server.found("pdq", &a).len(), kept.len()), (1, 1));
    with_list(dir.path(), &format!("pdq {c}\npdq {b}\n"));
    server.fetch();
    assert_eq!((server.found("pdq", &a).len(), server.found("pdq", &c).len()), (0, 1));
    assert_eq!(server.found("pdq", &b), kept, "what stays keeps its id");
    assert_eq!(server.status("L")["fetched_items"], 2);
    // A list that became empty, or is no list, or is gone, takes nothing away.
    for broken in ["", "\0\0\0"] {
        with_list(dir.path(), broken);
        server.fetch();
        let status = server.status("L");
        assert_eq!((&status["last_fetch_succeeded"], &status["up_to_date"]), (&json!(false), &json!(false)));
        assert_eq!(status["fetched_items"], 2);
    }
    fs::remove_file(dir.path().join("lists/list.txt")).unwrap();
    server.fetch();
    assert_eq!(server.status("L")["last_fetch_succeeded"], false);
    assert_eq!(server.found("pdq", &b), kept);
    server.stop();
}

#[test]
fn a_list_of_one_type_longer_than_a_portion_is_taken_whole() {
    let dir = tempfile::tempdir().unwrap();
    let line = |number: u32| format!("{number:032x}\n");
    let server = Running::start(with_list(dir.path(), &(1..=2_501).map(line).collect::<String>()));
    let fields = json!({ "filename": "list.txt", "signal_type": "video_md5" });
    assert_eq!(create(&server, "L", "local_file", &fields).0, 201);
    server.fetch();
    assert_eq!(server.status("L")["fetched_items"], 2_501);
    assert_eq!(server.found("video_md5", line(2_501).trim()).len(), 1);
    with_list(dir.path(), &(1_201..=1_210).map(line).collect::<String>());
    server.fetch();
    assert_eq!(server.status("L")["fetched_items"], 10);
    assert!(server.found("video_md5", line(2_501).trim()).is_empty());
    assert_eq!(server.found("video_md5", line(1_201).trim()).len(), 1);
    server.stop();
}

#[test]
fn files_outside_the_folder_are_not_read_without_dev() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("outside.txt"), format!("pdq {}\n", pdq(1))).unwrap();
    let outside = json!({ "filename": dir.path().join("outside.txt").display().to_string() });
    let mut closed = with_list(dir.path(), "");
    closed.dev = false;
    let server = Running::start(closed);
    let (status, why) = create(&server, "L", "local_file", &outside);
    assert!(status == 400 && why.starts_with("Failed to parse `api_json` - "), "{why}");
    assert_eq!(server.send("POST", "/dev/run_fetch", None).status, 404);
    server.stop();
    let server = Running::start(with_list(dir.path(), ""));
    assert_eq!(create(&server, "L", "local_file", &outside).0, 201);
    server.fetch();
    assert_eq!(server.status("L")["fetched_items"], 1);
    server.stop();
}

#[test]
fn random_ones_come_change_and_go_up_to_their_limit_and_go_on_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let server = Running::start(config(dir.path()));
    let fields = json!({
        "new_items_per_fetch": 20, "new_items_per_fetch_iter": 10, "total_item_limit": 50,
        "updates_per_fetch_iter": 1, "deletes_per_fetch_iter": 1, "only_signal_types": ["pdq"],
    });
    assert_eq!(create(&server, "R", "infinite_random", &fields).0, 201);
    server.fetch();
    assert_eq!(server.status("R")["fetched_items"], 18, "20 new, 2 gone");
    server.stop();
    let server = Running::start(config(dir.path()));
    server.fetch();
    server.fetch();
    server.fetch();
    let status = server.status("R");
    assert_eq!((&status["fetched_items"], &status["up_to_date"]), (&json!(45), &json!(true)), "{status}");
    let index = server.get("/m/index/status").json();
    assert_eq!((&index["pdq"]["size"], &index["video_md5"]["size"]), (&json!(45), &json!(0)));
    server.stop();
}
