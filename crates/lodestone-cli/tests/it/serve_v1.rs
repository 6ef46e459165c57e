//! Our own routes under `/v1`, against the program.

use serde_json::{Value, json};

use crate::files::{jpeg, png};
use crate::serve_client::Server;

fn open() -> Server {
    Server::start(&["--open", "--dev"])
}

fn bank(server: &Server, name: &str, kind: &str) {
    server.post("/v1/banks", &json!({ "name": name, "kind": kind })).is(201);
}

/// A PDQ value that differs from `ab…` in so many bits.
fn pdq(bits: u32) -> String {
    let mut bytes = [0xabu8; 32];
    for bit in 0..bits as usize {
        bytes[bit / 8] ^= 1 << (bit % 8);
    }
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn add(server: &Server, bank: &str, signals: &Value) -> i64 {
    let body = json!([{ "signals": signals }]);
    let told = server.post(&format!("/v1/banks/{bank}/content"), &body).is(200);
    told["contents"][0]["bank_content_id"].as_i64().unwrap()
}

#[test]
fn a_batch_of_signals_is_answered_in_order_with_an_error_for_each_bad_one() {
    let server = open();
    bank(&server, "A", "known-real");
    let id = add(&server, "A", &json!({ "pdq": pdq(0) }));
    let signals = json!([
        { "type": "pdq", "value": pdq(5), "ref": "near" },
        { "type": "pdq", "value": "nonsense", "ref": "bad" },
        { "type": "pdq", "value": pdq(200) },
        { "type": "nope", "value": "x" },
        { "type": "md5", "value": "ab".repeat(16) },
    ]);
    let told = server.post("/v1/lookup", &json!({ "signals": signals })).is(200);
    let results = told["results"].as_array().unwrap();
    assert_eq!(results.len(), 5);
    assert_eq!((&told["matched"], &told["errors"]), (&json!(1), &json!(2)));
    assert_eq!(results[0]["ref"], "near");
    let found = &results[0]["matches"][0];
    assert_eq!((&found["bank"], &found["bank_content_id"]), (&json!("A"), &json!(id)));
    assert_eq!((&found["distance_bits"], &found["exact"]), (&json!(5), &json!(false)));
    assert!(results[1]["error"].is_string() && results[1].get("matches").is_none());
    assert_eq!(results[2]["matches"], json!([]));
    assert!(results[3]["error"].is_string());
    assert_eq!(told["banks"][0]["name"], "A");
    assert!(told["generation"].as_u64().unwrap() > 0);
}

#[test]
fn what_a_look_up_names_has_to_be_there() {
    let server = open();
    bank(&server, "A", "known-real");
    bank(&server, "N", "negative");
    let signals = json!([{ "type": "pdq", "value": pdq(0) }]);
    let ask = |more: Value| {
        let mut body = json!({ "signals": signals });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        server.post("/v1/lookup", &body).status
    };
    assert_eq!(ask(json!({ "banks": ["A"] })), 200);
    for bad in [
        json!({ "banks": ["B"] }),
        json!({ "banks": ["N"] }),
        json!({ "radius_bits": 65 }),
        json!({ "forms": ["dihedral"] }),
        json!({ "include": ["x"] }),
        json!({ "limit": 0 }),
        json!({ "nope": 1 }),
    ] {
        assert_eq!(ask(bad.clone()), 400, "{bad}");
    }
    let many: Vec<Value> = vec![json!({ "type": "pdq", "value": pdq(0) }); 10_001];
    assert_eq!(server.post("/v1/lookup", &json!({ "signals": many })).status, 413);
    assert_eq!(server.send("POST", "/v1/lookup", Some(("text/plain", b"{}"))).status, 415);
    assert_eq!(server.send("POST", "/v1/lookup", Some(("application/json", b"{"))).status, 400);
}

#[test]
fn radius_negative_form_and_details_are_told_when_asked_for() {
    let server = open();
    bank(&server, "A", "known-real");
    let row = json!([{ "entry": "e", "signals": { "pdq": pdq(0) }, "classification": "A1", "tags": ["t"], "note": "n" }]);
    server.post("/v1/banks/A/content", &row).is(200);
    let inverted: String = pdq(0).chars().map(|c| format!("{:x}", 15 - c.to_digit(16).unwrap())).collect();
    let ask = |value: &str, more: Value| {
        let mut body = json!({ "signals": [{ "type": "pdq", "value": value }] });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        server.post("/v1/lookup", &body).is(200)["results"][0]["matches"].clone()
    };
    assert_eq!(ask(&pdq(40), json!({})), json!([]));
    assert_eq!(ask(&pdq(40), json!({ "radius_bits": 40 }))[0]["distance_bits"], 40);
    assert_eq!(ask(&inverted, json!({})), json!([]));
    assert_eq!(ask(&inverted, json!({ "forms": ["negative"] }))[0]["transform"]["kind"], "negative");
    let more = ask(&pdq(0), json!({ "include": ["classification", "tags", "note", "signals", "source"] }));
    assert_eq!((&more[0]["classification"], &more[0]["note"]), (&json!("A1"), &json!("n")));
    assert_eq!((&more[0]["tags"], &more[0]["signals"]["pdq"]), (&json!(["t"]), &json!(pdq(0))));
}

#[test]
fn an_exact_digest_of_a_negative_bank_suppresses_what_is_similar_and_shows_it() {
    let server = open();
    bank(&server, "A", "known-real");
    bank(&server, "N", "negative");
    let picture = png(7);
    let hashed = server.upload("/v1/hash", &[("photo", "a.png", &picture)]).is(200);
    let signals = &hashed["results"][0]["signals"];
    add(&server, "A", &json!({ "pdq": signals["pdq"] }));
    let told = server.upload("/v1/lookup/files", &[("photo", "a.png", &picture)]).is(200);
    assert_eq!((&told["matched"], &told["results"][0]["matches"][0]["bank"]), (&json!(1), &json!("A")));
    add(&server, "N", &json!({ "sha256": signals["sha256"] }));
    let told = server.upload("/v1/lookup/files", &[("photo", "a.png", &picture)]).is(200);
    let file = &told["results"][0];
    assert_eq!(told["matched"], 0);
    assert_eq!(
        (&file["matches"][0]["suppressed"], &file["suppressed_by"][0]["bank"]),
        (&json!(true), &json!("N"))
    );
    // The same by signals that name one file.
    let of = |kind: &str| json!({ "type": kind, "value": signals[kind], "ref": "f" });
    let told = server.post("/v1/lookup", &json!({ "signals": [of("pdq"), of("sha256")] })).is(200);
    assert_eq!(told["results"][0]["matches"][0]["suppressed"], true);
    // An exact hit is never hidden.
    add(&server, "A", &json!({ "sha256": signals["sha256"] }));
    let told = server.upload("/v1/lookup/files", &[("photo", "a.png", &picture)]).is(200);
    assert_eq!(told["matched"], 1);
    assert_eq!(told["results"][0]["matches"][0]["signal_type"], "sha256");
}

#[test]
fn many_files_are_read_in_order_and_those_that_cannot_be_say_why() {
    let server = open();
    let (a, b) = (png(1), jpeg(2));
    let files: &[(&str, &str, &[u8])] = &[
        ("photo", "a.png", &a),
        ("x", "dir/b.jpg", &b),
        ("photo", "c.png", &a[..60]),
        ("video", "d.mp4", b"film"),
    ];
    let told = server.upload("/v1/hash", files).is(200);
    let results = told["results"].as_array().unwrap();
    assert_eq!((&told["files"], &told["unreadable"], &told["errors"]), (&json!(4), &json!(1), &json!(0)));
    assert_eq!(
        results.iter().map(|one| one["name"].as_str().unwrap()).collect::<Vec<_>>(),
        ["a.png", "b.jpg", "c.png", "d.mp4"]
    );
    assert!(results[0]["signals"]["pdq"].is_string() && results[0]["unreadable"].is_null());
    assert!(results[2]["unreadable"]["reason"].is_string() && results[2]["sha256"].is_string());
    assert_eq!(results[3]["content_type"], "video");
    assert!(results[3]["signals"]["md5"].is_string() && results[3]["signals"]["pdq"].is_null());
    assert_eq!(
        told["unreadable_reasons"].as_object().unwrap().values().cloned().collect::<Vec<_>>(),
        [json!(1)]
    );
    assert_eq!(server.send("POST", "/v1/hash", Some(("text/plain", b"x"))).status, 400);
    let broken = b"--b\r\nContent-Disposition: form-data; name=\"p\"; filename=\"x\"\r\n\r\nxx";
    assert_eq!(
        server.send("POST", "/v1/hash", Some(("multipart/form-data; boundary=b", broken))).status,
        400
    );
    let many: Vec<(&str, &str, &[u8])> = vec![("photo", "x", b"x"); 101];
    assert_eq!(server.upload("/v1/hash", &many).status, 413);
}

#[test]
fn an_unreadable_file_still_matches_by_its_digests() {
    let server = open();
    bank(&server, "A", "known-real");
    let cut = &png(1)[..60];
    let told = server.upload("/v1/hash", &[("photo", "c.png", cut)]).is(200);
    add(&server, "A", &json!({ "md5": told["results"][0]["signals"]["md5"] }));
    let told = server.upload("/v1/lookup/files", &[("photo", "c.png", cut)]).is(200);
    let file = &told["results"][0];
    assert_eq!((&file["matches"][0]["exact"], file["unreadable"].is_object()), (&json!(true), true));
}

#[test]
fn examine_tells_what_the_command_tells() {
    let server = open();
    bank(&server, "A", "known-real");
    let picture = jpeg(3);
    let told = server.upload("/v1/examine", &[("photo", "a.jpg", &picture)]).is(200);
    assert_eq!((&told["schema"], &told["path"]), (&json!("lodestone/examine/1"), &json!("a.jpg")));
    assert_eq!((&told["state"], &told["matches"]), (&json!("examined"), &json!([])));
    for key in ["findings", "assessment", "reading", "checks", "camera_chain", "examiners", "signals"] {
        assert!(told.get(key).is_some(), "{key}");
    }
    add(&server, "A", &json!({ "pdq": told["signals"]["pdq"] }));
    // As the body itself, and looked up.
    let told =
        server.send("POST", "/v1/examine?match=true&name=b.jpg", Some(("image/jpeg", &picture))).is(200);
    assert_eq!((&told["state"], &told["path"]), (&json!("known"), &json!("b.jpg")));
    assert_eq!((&told["matches"][0]["bank"], &told["matches"][0]["distance_bits"]), (&json!("A"), &json!(0)));
    assert_eq!(server.send("POST", "/v1/examine", Some(("image/jpeg", b""))).status, 400);
    let two: &[(&str, &str, &[u8])] = &[("photo", "a", b"x"), ("photo", "b", b"x")];
    assert_eq!(server.upload("/v1/examine", two).status, 400);
    let told = server.upload("/v1/examine", &[("photo", "x", b"no picture")]).is(200);
    assert_eq!(told["state"], "unreadable");
}

#[test]
fn banks_are_made_changed_renamed_and_deleted() {
    let server = open();
    let made = server
        .post("/v1/banks", &json!({ "name": "A", "kind": "known-generated", "radius_bits": 20 }))
        .is(201);
    assert_eq!((&made["kind"], &made["radius_bits"]), (&json!("known-generated"), &json!(20)));
    assert_eq!(server.post("/v1/banks", &json!({ "name": "A" })).status, 403);
    for bad in [
        json!({ "name": "a b" }),
        json!({ "name": "B", "kind": "x" }),
        json!({ "name": "B", "radius_bits": 65 }),
        json!({ "name": "B", "enabled_ratio": 2 }),
        json!({ "nam": "B" }),
        json!({}),
    ] {
        assert_eq!(server.post("/v1/banks", &bad).status, 400, "{bad}");
    }
    let change = json!({ "name": "B", "enabled_ratio": 0.5, "photodna_max_distance": 100 });
    let changed = server.json("PATCH", "/v1/banks/A", &change).is(200);
    assert_eq!((&changed["name"], &changed["photodna_max_distance"]), (&json!("B"), &json!(100)));
    let changed = server.json("PATCH", "/v1/banks/B", &json!({ "photodna_max_distance": null })).is(200);
    assert_eq!((&changed["photodna_max_distance"], &changed["enabled_ratio"]), (&Value::Null, &json!(0.5)));
    assert_eq!(server.get("/v1/banks/A").status, 404);
    add(&server, "B", &json!({ "pdq": pdq(0), "md5": ["01".repeat(16), "02".repeat(16)] }));
    let told = server.get("/v1/banks").is(200);
    assert_eq!(told["banks"][0]["signals"], json!({ "pdq": 1, "md5": 2 }));
    // What is known does not turn into what suppresses.
    assert_eq!(server.json("PATCH", "/v1/banks/B", &json!({ "kind": "negative" })).status, 400);
    assert_eq!(server.json("PATCH", "/v1/banks/B", &json!({ "kind": "known-real" })).status, 200);
    assert_eq!(server.delete("/v1/banks/B").is(200)["deleted_entries"], 1);
    assert_eq!(server.delete("/v1/banks/B").status, 404);
    let signals = json!([{ "type": "pdq", "value": pdq(0) }]);
    assert_eq!(server.post("/v1/lookup", &json!({ "signals": signals })).is(200)["matched"], 0);
}

#[test]
fn contents_are_added_all_or_none_and_twice_is_once() {
    let server = open();
    bank(&server, "A", "known-real");
    let rows: Vec<Value> = (0..500)
        .map(|n| json!({ "entry": format!("e{n}"), "signals": { "md5": format!("{n:032x}") } }))
        .collect();
    let path = "/v1/banks/A/content";
    let bad: Vec<Value> = rows.iter().cloned().chain([json!({ "signals": { "md5": "x" } })]).collect();
    let told = server.post(path, &json!(bad)).is(400);
    assert_eq!((&told["errors_total"], &told["errors"][0]["index"]), (&json!(1), &json!(500)));
    assert_eq!(server.get("/v1/banks/A").is(200)["entries"], 0);
    let lines: String = rows.iter().map(|row| format!("{row}\n")).collect();
    let told = server.send("POST", path, Some(("application/x-ndjson", lines.as_bytes()))).is(200);
    assert_eq!((&told["added"], &told["unchanged"]), (&json!(500), &json!(0)));
    let again = server.post(path, &json!({ "contents": rows })).is(200);
    assert_eq!((&again["added"], &again["unchanged"]), (&json!(0), &json!(500)));
    assert_eq!(again["contents"][7]["bank_content_id"], told["contents"][7]["bank_content_id"]);
    assert_eq!(again["generation"], told["generation"]);
    let other = json!([{ "entry": "e1", "signals": { "md5": "ff".repeat(16) } }]);
    assert!(
        server.post(path, &other).is(400)["errors"][0]["message"].as_str().unwrap().contains("other signals")
    );
    assert_eq!(server.post("/v1/banks/NONE/content", &json!([])).status, 404);
}

#[test]
fn content_is_paged_and_searched() {
    let server = open();
    bank(&server, "A", "known-real");
    let rows: Vec<Value> = (0..250)
        .map(|n| {
            let tag = if n % 50 == 0 { json!(["fifty"]) } else { json!([]) };
            json!({ "entry": format!("e{n}"), "signals": { "md5": format!("{n:032x}") }, "tags": tag,
                    "note": format!("number {n}") })
        })
        .collect();
    server.post("/v1/banks/A/content", &json!(rows)).is(200);
    let (mut seen, mut after) = (Vec::new(), 0);
    loop {
        let page = server.get(&format!("/v1/banks/A/content?limit=100&after={after}")).is(200);
        seen.extend(page["contents"].as_array().unwrap().iter().map(|one| one["entry"].clone()));
        match page["next"].as_i64() {
            Some(next) => after = next,
            None => break,
        }
    }
    assert_eq!(seen.len(), 250);
    let entries = |query: &str| {
        let page = server.get(&format!("/v1/banks/A/content?{query}")).is(200);
        page["contents"].as_array().unwrap().iter().map(|one| one["entry"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(entries("tag=fifty").len(), 5);
    assert_eq!(
        entries("note=NUMBER+24"),
        ["e24", "e240", "e241", "e242", "e243", "e244", "e245", "e246", "e247", "e248", "e249"]
    );
    assert_eq!(entries(&format!("signal=md5:{:032x}", 7)), ["e7"]);
    assert_eq!(entries(&format!("signal=md5:{:032x}&tag=fifty", 7)), [""; 0]);
    assert_eq!(entries(&format!("signal=video_md5:{:032x}", 7)), [""; 0]);
    assert_eq!(entries("suspended=true"), [""; 0]);
    assert_eq!(server.get("/v1/banks/A/content?signal=md5:x").status, 400);
    assert_eq!(server.get("/v1/banks/A/content?limit=1001").status, 400);
    assert_eq!(server.get("/v1/banks/B/content").status, 404);
    let page = server.get(&format!("/v1/banks/A/content?signal=md5:{:032x}", 7)).is(200);
    let id = page["contents"][0]["bank_content_id"].as_i64().unwrap();
    assert_eq!(server.get(&format!("/v1/banks/A/content/{id}")).is(200)["note"], "number 7");
    assert_eq!(server.delete(&format!("/v1/banks/A/content/{id}")).status, 200);
    assert_eq!(server.delete(&format!("/v1/banks/A/content/{id}")).status, 404);
    assert_eq!(entries(&format!("signal=md5:{:032x}", 7)), [""; 0]);
}

#[test]
fn opinions_are_given_counted_and_taken_back() {
    let server = open();
    bank(&server, "A", "known-real");
    let id = add(&server, "A", &json!({ "pdq": pdq(0) }));
    let path = format!("/v1/banks/A/content/{id}/opinions");
    assert_eq!(server.get(&path).is(200)["opinions"], json!([]));
    let told = server.json("PUT", &path, &json!({ "opinion": "dispute", "note": "a chart" })).is(200);
    assert_eq!((&told["dispute"], &told["opinions"][0]["who"]), (&json!(1), &json!("open")));
    let signals = json!([{ "type": "pdq", "value": pdq(0) }]);
    let look = || {
        server.post("/v1/lookup", &json!({ "signals": signals })).is(200)["results"][0]["matches"][0].clone()
    };
    assert_eq!(look()["disputed"], true);
    let told = server.json("PUT", &path, &json!({ "opinion": "confirm" })).is(200);
    assert_eq!((&told["confirm"], &told["dispute"]), (&json!(1), &json!(0)));
    assert!(look().get("disputed").is_none());
    assert_eq!(server.delete(&path).is(200)["opinions"], json!([]));
    assert_eq!(server.json("PUT", &path, &json!({ "opinion": "maybe" })).status, 400);
    assert_eq!(
        server.json("PUT", "/v1/banks/A/content/999/opinions", &json!({ "opinion": "confirm" })).status,
        404
    );
}

fn import(server: &Server, query: &str, text: &str) -> crate::serve_client::Answer {
    server.send(
        "POST",
        &format!("/v1/banks/A/import{query}"),
        Some(("application/octet-stream", text.as_bytes())),
    )
}

#[test]
fn lists_go_in_and_come_out_as_they_were() {
    let server = open();
    bank(&server, "A", "known-real");
    let vics = json!({
        "@odata.context": "http://github.com/VICSDATAMODEL/ProjectVic/DataModels/2.0.xml/Default/$metadata#Media",
        "value": [{ "MediaID": 5, "Category": 1, "MD5": "AB".repeat(16), "MediaSize": 77, "Unknown": { "x": [1.5, null] } }]
    });
    let told = import(&server, "", &vics.to_string()).is(200);
    assert_eq!((&told["format"], &told["added"]), (&json!("vics"), &json!(1)));
    // The same list again changes nothing.
    let again = import(&server, "?format=vics", &vics.to_string()).is(200);
    assert_eq!((&again["unchanged"], &again["generation"]), (&json!(1), &told["generation"]));
    let out = server.get("/v1/banks/A/export?format=vics");
    assert_eq!(out.status, 200);
    assert_eq!(out.json()["value"], vics["value"]);
    assert!(out.header("lodestone-generation").is_some());
    // What was imported is looked up at once.
    let signals = json!([{ "type": "md5", "value": "ab".repeat(16) }]);
    assert_eq!(server.post("/v1/lookup", &json!({ "signals": signals })).is(200)["matched"], 1);
    // Every format that is written reads back into another bank.
    let row = json!([{ "entry": "p", "signals": { "pdq": pdq(0) }, "pdq_quality": 80 }]);
    let id = server.post("/v1/banks/A/content", &row).is(200)["contents"][0]["bank_content_id"].clone();
    // What was added by hand goes out once a person stands for it.
    assert_eq!(server.get("/v1/banks/A/export?format=pdq").text, "");
    let confirm = json!({ "opinion": "confirm" });
    server.json("PUT", &format!("/v1/banks/A/content/{id}/opinions"), &confirm).is(200);
    for format in ["csv", "ndjson"] {
        let list = server.get(&format!("/v1/banks/A/export?format={format}")).text;
        let name = format.to_uppercase();
        bank(&server, &name, "known-real");
        let path = format!("/v1/banks/{name}/import");
        server.send("POST", &path, Some(("text/plain", list.as_bytes()))).is(200);
        assert_eq!(server.get(&format!("/v1/banks/{name}/export?format={format}")).text, list);
    }
    assert_eq!(server.get("/v1/banks/A/export?format=pdq").text, format!("{},80\n", pdq(0)));
    assert_eq!(server.get("/v1/banks/A/export?format=plain&type=md5").text, format!("{}\n", "ab".repeat(16)));
    assert_eq!(server.get("/v1/banks/A/export?format=encase").status, 400);
    assert_eq!(server.get("/v1/banks/A/export?format=plain").status, 400);
    assert_eq!(server.get("/v1/banks/NONE/export").status, 404);
}

#[test]
fn a_list_with_something_wrong_is_refused_whole_and_says_where() {
    let server = open();
    bank(&server, "A", "known-real");
    let list = format!("id,pdq\na,{}\nb,secret\nc,{}\n", pdq(0), pdq(9));
    let answer = import(&server, "", &list);
    let told = answer.is(400);
    assert_eq!((&told["rejected"], &told["rejects"][0]["line"]), (&json!(1), &json!(3)));
    assert!(!answer.text.contains("secret"));
    assert_eq!(server.get("/v1/banks/A").is(200)["entries"], 0);
    let told = import(&server, "?max_rejects=1", &list).is(200);
    assert_eq!((&told["added"], &told["rejected"]), (&json!(2), &json!(1)));
    let cut = "{\"signals\":{\"md5\":\"00112233445566778899aabbccddeeff\"}}\n{\"signals\":{\"md5\":";
    assert!(
        import(&server, "?max_rejects=9", cut).is(400)["message"].as_str().unwrap().contains("cut short")
    );
    assert!(
        import(&server, "", &format!("{}\n", pdq(0))).is(400)["message"]
            .as_str()
            .unwrap()
            .contains("type=pdq")
    );
    assert_eq!(import(&server, "?type=pdq", &format!("{}\n", pdq(0))).is(200)["added"], 1);
    assert_eq!(import(&server, "", "").status, 400);
    assert_eq!(import(&server, "?format=xml", "x").status, 400);
    let none = server.send("POST", "/v1/banks/NONE/import", Some(("text/plain", b"x")));
    assert_eq!(none.status, 404);
    let empty = "id,md5\nx,d41d8cd98f00b204e9800998ecf8427e\ny,00112233445566778899aabbccddeeff\n";
    assert_eq!(import(&server, "", empty).is(200)["ignored_empty_file_hashes"], 1);
    // Nothing is left behind.
    assert_eq!(std::fs::read_dir(server.data.path().join("tmp")).unwrap().count(), 0);
    assert_eq!(server.get("/v1/imports").is(200)["imports"], json!([]));
}

#[test]
fn two_lists_without_ids_do_not_take_each_others_entries() {
    let server = open();
    bank(&server, "A", "known-real");
    assert_eq!(import(&server, "?type=pdq", &format!("{}\n", pdq(0))).is(200)["added"], 1);
    assert_eq!(import(&server, "?type=pdq", &format!("{}\n", pdq(100))).is(200)["added"], 1);
    assert_eq!(server.get("/v1/banks/A").is(200)["entries"], 2);
}

#[test]
fn known_material_is_not_loaded_as_known_good() {
    let server = open();
    server.post("/v1/banks", &json!({ "name": "A", "kind": "known-good" })).is(201);
    let vics = json!({ "value": [{ "MediaID": 5, "Category": 1, "MD5": "AB".repeat(16) }] });
    assert!(
        import(&server, "", &vics.to_string()).is(400)["message"].as_str().unwrap().contains("hide evidence")
    );
}

#[test]
fn a_snapshot_made_while_running_is_a_data_folder() {
    let server = open();
    bank(&server, "A", "known-real");
    add(&server, "A", &json!({ "pdq": pdq(0) }));
    let told = server.get("/v1/generation").is(200);
    assert_eq!((&told["banks"][0]["name"], &told["index"]["signals"]["pdq"]), (&json!("A"), &json!(1)));
    let made = server.post("/v1/snapshot", &json!({ "name": "one" })).is(201);
    assert_eq!(made["generation"], told["generation"]);
    assert_eq!(server.post("/v1/snapshot", &json!({ "name": "one" })).status, 403);
    assert_eq!(server.post("/v1/snapshot", &json!({ "name": "../x" })).status, 400);
    assert_eq!(server.send("POST", "/v1/snapshot", None).status, 201);
    assert_eq!(server.get("/v1/snapshot").is(200)["snapshots"].as_array().unwrap().len(), 2);
    server.delete("/v1/banks/A").is(200);
    let copy = tempfile::tempdir().unwrap();
    let from = server.data.path().join("backups/one/lodestone.db");
    std::fs::copy(from, copy.path().join("lodestone.db")).unwrap();
    let restored = Server::on(copy, &["--open"]);
    let signals = json!([{ "type": "pdq", "value": pdq(0) }]);
    assert_eq!(restored.post("/v1/lookup", &json!({ "signals": signals })).is(200)["matched"], 1);
}

#[test]
fn what_was_acknowledged_is_there_after_a_power_cut() {
    let server = open();
    bank(&server, "A", "known-real");
    let list: String = (0..2000).map(|n| format!("e{n},{n:032x}\n")).collect();
    import(&server, "", &format!("id,md5\n{list}")).is(200);
    let data = server.kill();
    std::fs::write(data.path().join("tmp/left.spool"), "x").unwrap();
    let server = Server::on(data, &["--open"]);
    let signals = json!([{ "type": "md5", "value": format!("{:032x}", 1999) }]);
    assert_eq!(server.post("/v1/lookup", &json!({ "signals": signals })).is(200)["matched"], 1);
    assert_eq!(std::fs::read_dir(server.data.path().join("tmp")).unwrap().count(), 0);
}

#[cfg(unix)]
#[test]
fn a_server_that_cannot_write_is_not_ready_and_says_why_and_looks_up_all_the_same() {
    let server = Server::on_small_disk(12_000, &["--open"]);
    bank(&server, "A", "known-real");
    add(&server, "A", &json!({ "pdq": pdq(0) }));
    assert_eq!(server.get("/ready").is(200)["ready"], true);
    let row = |at: usize| json!({ "signals": { "sha256": format!("{at:064x}") }, "note": "n".repeat(250) });
    let contents: Vec<Value> = (1..10_000).map(row).collect();
    let (mut refused, mut told) = (0, Value::Null);
    // A small change may find room where a large one did not, and the server is ready again.
    for _ in 0..40 {
        let answer = server.post("/v1/banks/A/content", &json!({ "contents": contents }));
        if answer.status == 200 {
            continue;
        }
        assert_eq!(answer.status, 503, "{answer:?}");
        refused += 1;
        let ready = server.get("/ready");
        if ready.status == 503 {
            told = ready.json();
            break;
        }
    }
    assert!(refused > 0);
    let why = told["why"].to_string();
    assert!(why.contains("cannot be written") || why.contains("is full"), "{told}");
    // What finds nothing needs no disk.
    assert_eq!(server.get(&format!("/m/raw_lookup?signal_type=pdq&signal={}", pdq(200))).status, 200);
    assert_eq!(server.get("/live").status, 200);
}
