//! Known pictures inside others over HTTP: layers by parameter and by bank, what reaches reviewers, what does not.

use lodestone_store::Store;
use serde_json::{Value, json};

use crate::drawn::Drawn;
use crate::serve_client::{Answer, Server};

const KNOWN: u64 = 7;

fn open() -> Server {
    Server::start(&["--open", "--dev"])
}

fn scene(seed: u64) -> Drawn {
    Drawn::scene(seed, 480, 360)
}

fn crop() -> Vec<u8> {
    scene(KNOWN).crop(90, 70, 300, 220).jpeg()
}

/// The known picture whole, on a plain ground.
fn framed() -> Vec<u8> {
    Drawn::plain(900, 700, 40).over(&scene(KNOWN), 200, 150).png()
}

fn bank(server: &Server, name: &str, layers: &Value) {
    let made = server.post("/v1/banks", &json!({ "name": name, "kind": "own", "layers": layers })).is(201);
    assert_eq!(&made["layers"], layers);
}

/// Adds a picture by HMA's route; returns its content id.
fn add(server: &Server, bank: &str, seed: u64) -> u64 {
    let picture = scene(seed).png();
    let added = server.upload(&format!("/c/bank/{bank}/content"), &[("photo", "a.png", &picture)]);
    added.is(200)["id"].as_u64().unwrap()
}

fn look_up(server: &Server, query: &str, picture: &[u8]) -> Value {
    server.upload(&format!("/v1/lookup/files{query}"), &[("photo", "x.jpg", picture)]).is(200)
}

fn hma(server: &Server, query: &str, picture: &[u8]) -> Answer {
    server.upload(&format!("/m/lookup{query}"), &[("photo", "x.jpg", picture)])
}

/// Waits until as many reviews of a queue are there, and gives them.
fn reviews(server: &Server, queue: &str, wanted: usize) -> Vec<Value> {
    for _ in 0..500 {
        let page = server.get(&format!("/v1/reviews?queue={queue}")).is(200);
        let found = page["reviews"].as_array().unwrap();
        if found.len() >= wanted {
            return found.clone();
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    panic!("no {wanted} reviews in {queue}");
}

/// The newest event, once it is in the store.
fn newest(server: &Server, id: &str) -> Value {
    for _ in 0..500 {
        let page = server.get("/v1/matches?limit=1").is(200);
        if page["matches"][0]["content_ref"] == id {
            let event = page["matches"][0]["id"].as_str().unwrap().to_owned();
            return server.get(&format!("/v1/matches/{event}")).is(200);
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    panic!("no event of {id}");
}

fn label_rule(server: &Server, name: &str, when: &Value) {
    let rule = json!({ "name": name, "when": when, "then": [{ "label": name }] });
    server.post("/v1/rules", &rule).is(201);
}

#[test]
fn a_crop_of_a_banked_picture_is_found_by_its_features_and_only_where_they_are_asked_for() {
    let server = open();
    bank(&server, "A", &json!([1, 2, 3]));
    let picture = scene(KNOWN).png();
    let added = server.upload("/c/bank/A/content", &[("photo", "a.png", &picture)]);
    assert_eq!(added.header("lodestone-features"), Some("kept"));
    let id = added.is(200)["id"].clone();
    add(&server, "A", 8);
    let crop = crop();

    let whole = look_up(&server, "?layers=1", &crop);
    assert_eq!((&whole["matched"], &whole["results"][0]["matches"]), (&json!(0), &json!([])));
    assert!(whole["results"][0].get("derived").is_none() && whole["banks"][0].get("layers").is_none());

    for query in ["", "?layers=1,2,3", "?layers=3"] {
        let told = look_up(&server, query, &crop);
        let file = &told["results"][0];
        assert_eq!((&told["matched"], &file["matches"]), (&json!(1), &json!([])), "{query}: {told}");
        let found = &file["derived"][0];
        assert_eq!(file["derived"].as_array().unwrap().len(), 1, "{told}");
        assert_eq!((&found["bank_content_id"], &found["bank"]), (&id, &json!("A")));
        assert_eq!((&found["layer"], &found["standing"]), (&json!(3), &json!("match")));
        assert_eq!((&found["relation"], &found["signal_type"]), (&json!("crop_of"), &Value::Null));
        assert!(found["distance_bits"].is_null() && found["inliers"].as_u64().unwrap() >= 8, "{found}");
        assert!(found["evidence_bits"].as_u64().unwrap() >= 220);
        assert!(found["expected_false_hits"].as_f64().unwrap() < 0.001);
        let part = &found["transform"]["known_region"];
        for (side, wanted) in [("x", 188), ("y", 194), ("width", 625), ("height", 611)] {
            let off = part[side].as_i64().unwrap() - wanted;
            assert!(off.abs() < 30, "{side}: {part}");
        }
        let layers = if query == "?layers=3" { json!([1, 3]) } else { json!([1, 2, 3]) };
        assert_eq!((&file["layers"], &told["banks"][0]["layers"]), (&layers, &layers));
        assert_eq!(told["banks"][0]["features"], json!({ "kept": 2, "looked_for": 2 }));
    }
    let unrelated = look_up(&server, "", &scene(51).jpeg());
    assert_eq!((&unrelated["matched"], &unrelated["results"][0]["derived"]), (&json!(0), &json!([])));
    assert_eq!(unrelated["results"][0]["layers"], json!([1, 2, 3]));
    // What is known as a whole is not looked into further, unless layers are named.
    let known = look_up(&server, "", &scene(KNOWN).jpeg());
    assert_eq!((&known["matched"], &known["results"][0]["layers"]), (&json!(1), &json!([1])));
    let named = look_up(&server, "?layers=1,2,3", &scene(KNOWN).jpeg());
    assert_eq!(named["results"][0]["layers"], json!([1, 2, 3]));
    assert_eq!(named["results"][0]["derived"], json!([]), "told once, as a match of the whole");
    for bad in ["?layers=0", "?layers=x", "?layers=1;2"] {
        assert_eq!(server.upload(&format!("/v1/lookup/files{bad}"), &[("photo", "x", &crop)]).status, 400);
    }
    let metrics = server.get("/metrics").text;
    for line in [
        "lodestone_known_pictures 2",
        "lodestone_layer_found_total{layer=\"3\",standing=\"match\"} 3",
        "lodestone_layer_seconds_count{layer=\"2\"}",
        "lodestone_layer_seconds_count{layer=\"3\"}",
        "lodestone_known_pictures_missed{reason=\"no_room\"} 0",
    ] {
        assert!(metrics.contains(line), "{line}: {metrics}");
    }
    // By the file itself, examined.
    let examined = server.upload("/v1/examine?match=true", &[("photo", "x.jpg", &crop)]).is(200);
    assert_eq!((&examined["state"], &examined["matches"][0]["layer"]), (&json!("derived"), &json!(3)));
}

#[test]
fn only_banks_that_are_set_so_take_part_and_a_setting_holds_at_once() {
    let server = open();
    bank(&server, "A", &json!([1]));
    bank(&server, "B", &json!([1, 3]));
    // A has the features too, from when it was set so.
    server.json("PATCH", "/v1/banks/A", &json!({ "layers": [1, 3] })).is(200);
    let in_a = add(&server, "A", KNOWN);
    let in_b = add(&server, "B", KNOWN);
    let changed = server.json("PATCH", "/v1/banks/A", &json!({ "layers": [1] })).is(200);
    assert_eq!((&changed["layers"], &changed["features"]["looked_for"]), (&json!([1]), &json!(1)));
    let crop = crop();
    let ids = |told: &Value| -> Vec<u64> {
        let found = told["results"][0]["derived"].as_array().unwrap();
        let mut ids: Vec<u64> = found.iter().map(|one| one["bank_content_id"].as_u64().unwrap()).collect();
        ids.sort_unstable();
        ids
    };
    assert_eq!(ids(&look_up(&server, "", &crop)), [in_b]);
    assert_eq!(ids(&look_up(&server, "?layers=1,3", &crop)), [in_a, in_b]);
    assert_eq!(ids(&look_up(&server, "?layers=1,3&banks=A", &crop)), [in_a]);
    // A bank that is switched off takes no part in any layer.
    server.json("PATCH", "/v1/banks/B", &json!({ "enabled_ratio": 0 })).is(200);
    let off = look_up(&server, "", &crop);
    assert!(off["results"][0].get("derived").is_none(), "{off}");
    server.json("PATCH", "/v1/banks/B", &json!({ "enabled_ratio": 1 })).is(200);
    // A content that is suspended does not either.
    let path = format!("/c/bank/B/content/{in_b}");
    server.json("PUT", &path, &json!({ "disable_until_ts": 0 })).is(200);
    assert_eq!(ids(&look_up(&server, "", &crop)), [0u64; 0]);
    server.json("PUT", &path, &json!({ "disable_until_ts": 1 })).is(200);
    assert_eq!(ids(&look_up(&server, "", &crop)), [in_b]);
    // A removed one is not found by the next look-up.
    server.delete(&path).is(200);
    assert_eq!(ids(&look_up(&server, "", &crop)), [0u64; 0]);
    for bad in [json!([0]), json!([9]), json!(["x"]), json!([])] {
        assert_eq!(server.json("PATCH", "/v1/banks/A", &json!({ "layers": bad })).status, 400, "{bad}");
    }
    // The exact bytes are known to be good: what is merely derived is told and written down nowhere.
    let good = server.post("/v1/banks", &json!({ "name": "G", "kind": "negative" }));
    assert_eq!(good.status, 201);
    let hashed = server.upload("/v1/hash", &[("photo", "x.jpg", &crop)]).is(200);
    let row = json!([{ "signals": { "sha256": hashed["results"][0]["signals"]["sha256"] } }]);
    server.post("/v1/banks/G/content", &row).is(200);
    let quiet = look_up(&server, "?layers=1,3", &crop);
    assert_eq!((&quiet["matched"], &quiet["for_review"]), (&json!(0), &json!(0)));
    assert_eq!(quiet["results"][0]["derived"][0]["suppressed"], true);
}

/// A bank with layers 1 and 2, and the known picture's hash but for so many bits: a region comes near, and not near enough.
fn with_near_hash(server: &Server, name: &str, bits: usize) -> u64 {
    bank(server, name, &json!([1, 2]));
    let hashed = server.upload("/v1/hash", &[("photo", "a.png", &scene(KNOWN).png())]).is(200);
    let text = hashed["results"][0]["signals"]["pdq"].as_str().unwrap();
    let mut bytes: Vec<u8> =
        (0..32).map(|at| u8::from_str_radix(&text[at * 2..at * 2 + 2], 16).unwrap()).collect();
    for bit in 0..bits {
        bytes[bit % 32] ^= 1 << (bit / 32);
    }
    let pdq: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let told = server.post(&format!("/v1/banks/{name}/content"), &json!([{ "signals": { "pdq": pdq } }]));
    told.is(200)["contents"][0]["bank_content_id"].as_u64().unwrap()
}

#[test]
fn a_region_that_nothing_confirms_goes_to_reviewers_and_nowhere_else() {
    let server = open();
    let id = with_near_hash(&server, "A", 23);
    label_rule(&server, "sure", &json!({ "layers": [2] }));
    label_rule(&server, "plain", &json!({}));
    let framed = framed();
    let told = look_up(&server, "", &framed);
    let found = &told["results"][0]["derived"][0];
    assert_eq!((&told["matched"], &told["for_review"]), (&json!(0), &json!(1)), "{told}");
    assert_eq!((&found["bank_content_id"], &found["layer"]), (&json!(id), &json!(2)));
    assert_eq!((&found["standing"], &found["relation"]), (&json!("review"), &json!("contains")));
    assert!(found["windows"].as_u64().unwrap() > 0 && found["distance_bits"].as_u64().unwrap() > 20);
    let queued = reviews(&server, "derived", 1);
    assert_eq!((queued.len(), &queued[0]["rule"]), (1, &json!(0)));
    let is = &queued[0]["is"]["matches"][0];
    assert_eq!((&is["bank_content_id"], &is["standing"]), (&json!(id), &json!("review")));
    assert_eq!((&is["relation"], &is["transform"]), (&json!("contains"), &found["transform"]));
    assert!(is["transform"]["region"]["width"].as_i64().unwrap() > 400, "{is}");
    let event = newest(&server, "x.jpg");
    assert_eq!((&event["labels"], &event["matches"][0]["layer"]), (&json!([]), &json!(2)));
    // HMA's clients never see it, asked for or not; it is written down all the same.
    for query in ["?seed=one", "?seed=two&layers=1,2,3"] {
        let answer = hma(&server, query, &framed);
        assert_eq!(answer.is(200), json!({ "pdq": {} }), "{query}");
        assert_eq!(answer.header("lodestone-layers"), Some("1,2"));
        assert_eq!(answer.header("lodestone-layers-not-run"), None);
    }
    let queued = reviews(&server, "derived", 3);
    assert_eq!((queued.len(), &queued[2]["is"]["content_ref"]), (3, &json!("two")));
    // A rule that asks for a review gets it, and what else it says is not done.
    let rule = json!({ "name": "look", "when": { "layers": [2] },
                       "then": [{ "review": { "queue": "regions" } }, { "label": "looked" }] });
    server.post("/v1/rules", &rule).is(201);
    look_up(&server, "", &framed);
    let asked = reviews(&server, "regions", 1);
    assert_eq!(asked[0]["is"]["matches"][0]["standing"], "review");
    let event = asked[0]["event"].as_str().unwrap();
    assert_eq!(server.get(&format!("/v1/labels/{event}")).is(200)["labels"], json!([]));
    assert_eq!(reviews(&server, "derived", 3).len(), 3, "asked once");
    server.post(&format!("/v1/reviews/{}", asked[0]["no"]), &json!({ "decision": "confirmed" })).is(200);
    // The same asked for by a caller alone, of a bank that does not want it, is in the log and in no queue.
    server.json("PATCH", "/v1/banks/A", &json!({ "layers": [1] })).is(200);
    let rules = server.get("/v1/rules").is(200);
    for rule in rules["rules"].as_array().unwrap() {
        assert_eq!(server.delete(&format!("/v1/rules/{}", rule["id"])).status, 200);
    }
    let named = server.upload("/v1/lookup/files?layers=1,2", &[("photo", "named.png", &framed)]).is(200);
    assert_eq!(named["for_review"], 1);
    newest(&server, "named.png");
    assert_eq!(reviews(&server, "derived", 3).len(), 3);
}

#[test]
fn what_is_sure_is_shown_to_hmas_clients_that_ask_and_follows_rules_that_name_its_layer() {
    let server = open();
    bank(&server, "A", &json!([1, 2, 3]));
    let id = add(&server, "A", KNOWN);
    label_rule(&server, "plain", &json!({}));
    label_rule(&server, "features", &json!({ "layers": [3] }));
    let crop = crop();
    let plain = hma(&server, "?seed=plain", &crop);
    assert_eq!(plain.text, "{\"pdq\":{}}\n", "as HMA answers");
    assert_eq!(plain.header("lodestone-layers"), Some("1,2,3"));
    let event = newest(&server, "plain");
    assert_eq!(
        (&event["labels"], &event["matches"][0]["signal_type"]),
        (&json!(["features"]), &json!("features"))
    );
    assert_eq!(
        (event["matches"][0].get("standing"), &event["matches"][0]["layer"]),
        (None, &json!(3)),
        "it stands"
    );
    let shown = hma(&server, "?seed=shown&layers=1,2,3", &crop).is(200);
    let found = &shown["pdq"]["A"][0];
    assert_eq!((&found["bank_content_id"], &found["relation"]), (&json!(id), &json!("crop_of")));
    assert!(found["distance"].as_str().unwrap().ends_with(" features"), "{found}");
    assert_eq!(hma(&server, "?layers=1,2", &crop).is(200), json!({ "pdq": {} }), "another layer's");
    assert_eq!(hma(&server, "?layers=9", &crop).status, 400);
    // A region made exact confirms itself: the value is read from the store.
    bank(&server, "R", &json!([1, 2]));
    let hashed = server.upload("/v1/hash", &[("photo", "a.png", &scene(KNOWN).png())]).is(200);
    let row = json!([{ "signals": { "pdq": hashed["results"][0]["signals"]["pdq"] } }]);
    server.post("/v1/banks/R/content", &row).is(200);
    let told = look_up(&server, "?banks=R", &framed());
    let region = &told["results"][0]["derived"][0];
    assert_eq!(
        (&region["standing"], &region["layer"], &told["matched"]),
        (&json!("match"), &json!(2), &json!(1))
    );
    assert!(region["distance_bits"].as_u64().unwrap() <= 20);
    // A server whose banks ask for nothing more answers as before.
    for name in ["A", "R"] {
        server.json("PATCH", &format!("/v1/banks/{name}"), &json!({ "layers": [1] })).is(200);
    }
    let before = hma(&server, "?layers=1,2,3", &crop);
    assert_eq!((before.text.as_str(), before.header("lodestone-layers")), ("{\"pdq\":{}}\n", None));
}

#[test]
fn what_is_kept_is_found_after_a_power_cut_and_what_is_damaged_is_told() {
    let server = open();
    bank(&server, "A", &json!([1, 3]));
    let id = add(&server, "A", KNOWN);
    let other = add(&server, "A", 8);
    let data = server.kill();
    {
        let mut store = Store::open(data.path()).unwrap();
        let no = store.content("A", i64::try_from(other).unwrap()).unwrap().unwrap().entry.entry_no;
        let mut sealed = store.features(no).unwrap().unwrap();
        assert!(!sealed.windows(4).any(|four| four == b"LdF1"), "sealed");
        let last = sealed.len() - 1;
        sealed[last] ^= 1;
        store.batch(1, |batch| batch.put_features(no, &sealed)).unwrap();
    }
    let server = Server::on(data, &["--open"]);
    let told = look_up(&server, "", &crop());
    assert_eq!(told["results"][0]["derived"][0]["bank_content_id"], id, "{told}");
    let features = json!({ "kept": 2, "looked_for": 1, "unreadable": 1 });
    assert_eq!(
        (&told["banks"][0]["features"], &told["banks"][0]["layers_incomplete"]),
        (&features, &json!([3]))
    );
    assert_eq!(server.get("/ready").is(200)["features"]["unreadable"], 1);
    assert_eq!(server.get("/v1/banks/A").is(200)["features"]["unreadable_ids"], json!([other]));
    assert_eq!(hma(&server, "", &crop()).header("lodestone-layers-not-run"), Some("3"));
    // Without its key nothing can be looked for, and every answer says so.
    let data = server.kill();
    std::fs::remove_file(data.path().join("secret.key")).unwrap();
    let server = Server::on(data, &["--open"]);
    let told = look_up(&server, "", &crop());
    let bank = &told["banks"][0];
    assert_eq!((&bank["layers"], &bank["layers_not_run"]), (&json!([1]), &json!([3])), "{told}");
    // Nor can a picture be added without its features where the bank wants them.
    let refused = server.upload("/c/bank/A/content", &[("photo", "a.png", &scene(9).png())]);
    assert_eq!(refused.status, 503, "{refused:?}");
    assert_eq!(server.get("/v1/banks/A").is(200)["entries"], 2, "all or nothing");
}

#[test]
fn what_has_no_room_in_memory_is_told_everywhere() {
    let server = Server::start(&["--open", "--max-features", "0"]);
    bank(&server, "A", &json!([1, 2, 3]));
    add(&server, "A", KNOWN);
    let told = look_up(&server, "", &crop());
    let bank = &told["banks"][0];
    assert_eq!(bank["features"], json!({ "kept": 1, "looked_for": 0, "no_room": 1 }), "{told}");
    assert_eq!((&bank["layers"], &bank["layers_not_run"]), (&json!([1, 2]), &json!([3])));
    assert_eq!(told["results"][0]["derived"], json!([]));
    let ready = server.get("/ready").is(200);
    assert_eq!((&ready["features"]["no_room"], &ready["features"]["max_bytes"]), (&json!(1), &json!(0)));
    assert!(server.get("/metrics").text.contains("lodestone_known_pictures_missed{reason=\"no_room\"} 1"));
    assert_eq!(hma(&server, "", &crop()).header("lodestone-layers-not-run"), Some("3"));
}

#[test]
fn a_bank_is_set_by_the_program_and_by_its_page() {
    let place = crate::program::Place::new();
    let run = |arguments: &[&str]| place.run(&[arguments, &["--data", "state"]].concat());
    assert_eq!(run(&["bank", "create", "A"]).code, Some(0));
    assert_eq!(run(&["bank", "set", "A", "--layers", "2,3"]).code, Some(0));
    let shown = run(&["bank", "show", "A", "--format", "ndjson"]);
    assert_eq!(shown.objects()[0]["layers"], json!([1, 2, 3]), "{}", shown.out);
    assert!(run(&["bank", "list"]).out.contains("layers 1,2,3"));
    assert_eq!(run(&["bank", "set", "A", "--layers", "7"]).code, Some(2));
    let server = open();
    bank(&server, "A", &json!([1]));
    let form = ("application/x-www-form-urlencoded", &b"layers=1,2&radius_bits=31"[..]);
    assert_eq!(server.send("POST", "/ui/banks/A/change", Some(form)).status, 200, "and back to its page");
    assert_eq!(server.get("/v1/banks/A").is(200)["layers"], json!([1, 2]));
    let page = server.get("/ui/banks/A").text;
    assert!(page.contains("<option value=\"1,2\" selected>"), "{page}");
    add(&server, "A", KNOWN);
    // A picture on a plain ground, looked up on the page: told in words.
    let found = server.upload("/ui/match", &[("file", "x.png", &framed())]).text;
    assert!(found.contains("the file contains it, at ") && found.contains("(layer 2)"), "{found}");
}

#[test]
fn a_bank_that_asks_for_layers_knows_its_pictures_mirrored_and_inverted_and_others_do_not() {
    let server = open();
    bank(&server, "A", &json!([1, 2]));
    bank(&server, "B", &json!([1]));
    let (in_a, in_b) = (add(&server, "A", KNOWN), add(&server, "B", KNOWN));
    for (name, picture) in
        [("mirrored", scene(KNOWN).mirrored().png()), ("inverted", scene(KNOWN).inverted().png())]
    {
        let told = look_up(&server, "", &picture);
        let matches = told["results"][0]["matches"].as_array().unwrap().clone();
        let ids: Vec<u64> = matches.iter().map(|one| one["bank_content_id"].as_u64().unwrap()).collect();
        assert_eq!(ids, [in_a], "{name}: {told}");
        // HMA's clients see what they ask for.
        assert_eq!(hma(&server, &format!("?seed={name}"), &picture).text, "{\"pdq\":{}}\n");
        let event = newest(&server, name);
        assert_eq!(event["matches"][0]["bank_content_id"], json!(in_a), "it is written down all the same");
        let asked = hma(&server, "?layers=1,2", &picture).is(200);
        assert_eq!(asked["pdq"]["A"][0]["bank_content_id"], json!(in_a), "{asked}");
        assert!(asked["pdq"].get("B").is_none());
    }
    let as_it_is = look_up(&server, "", &scene(KNOWN).png());
    let ids: Vec<u64> = as_it_is["results"][0]["matches"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["bank_content_id"].as_u64().unwrap())
        .collect();
    assert!(ids.contains(&in_a) && ids.contains(&in_b), "{as_it_is}");
}
