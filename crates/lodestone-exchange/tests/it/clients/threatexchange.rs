//! ThreatExchange: tombstones, owners, reactions, and the token in the address of the next page.

use lodestone_exchange::client::{ClientError, Listing, OpinionPolicy, Says, Stance, Vote, vote};
use serde_json::{Value, json};

use crate::mock::{Bank, Fault, Loopback, Mock, NOW, Reply, fetch, fetch_killed, settings};
use crate::value;

fn descriptor(owner: u64, status: &str) -> Value {
    json!({
        "id": format!("9{owner}"), "owner": { "id": owner.to_string() }, "status": status, "added_on": 1,
        "tags": { "data": [{ "id": "1", "text": "b" }, { "id": "2", "text": "a" }] },
    })
}

fn record(id: u64, wire_type: &str, indicator: &str, descriptors: &[Value]) -> Value {
    json!({
        "id": id.to_string(), "indicator": indicator, "type": wire_type, "last_updated": NOW - 1_000,
        "should_delete": false, "descriptors": { "data": descriptors },
    })
}

fn fetched(data: &[Value]) -> Bank {
    let answer = json!({ "data": data });
    let mock = Mock::start(move |_| Reply::json(&answer));
    let (mut net, mut bank) = (Loopback::at(NOW), Bank::default());
    fetch(
        "fb_threatexchange",
        &settings(mock.url("/v21.0"), &json!({ "privacy_group": 77 })),
        &mut net,
        &mut bank,
    )
    .unwrap();
    bank
}

#[test]
fn types_and_tags_say_what_an_indicator_is() {
    let one = &[descriptor(1, "MALICIOUS")];
    let mut video = descriptor(1, "MALICIOUS");
    video["tags"] = json!(["media_type_video"]);
    let bank = fetched(&[
        record(1, "HASH_PDQ", &value(1, 64).to_uppercase(), one),
        record(2, "HASH_MD5", &value(2, 32), one),
        record(3, "HASH_MD5", &value(3, 32), &[video]),
        record(4, "HASH_VIDEO_MD5", &value(4, 32), one),
        record(5, "HASH_SHA256", &value(5, 64), one),
        record(6, "HASH_SHA1", &value(6, 40), one),
        record(7, "TEXT_STRING", "words", one),
        record(8, "URI", "https://example.test/", one),
        record(9, "HASH_TMK", "AAAA", one),
        record(10, "HASH_PDQ_OCR", "x,y", one),
        record(11, "HASH_PDQ", "short", one),
        json!({ "id": "12" }),
        json!({ "type": "HASH_PDQ" }),
    ]);
    let signals: Vec<String> = (1..=8).flat_map(|id: u32| bank.signals(&id.to_string())).collect();
    let want = [
        format!("pdq:{}", value(1, 64)),
        format!("md5:{}", value(2, 32)),
        format!("video_md5:{}", value(3, 32)),
        format!("video_md5:{}", value(4, 32)),
        format!("sha256:{}", value(5, 64)),
        format!("sha1:{}", value(6, 40)),
        "raw_text:words".to_owned(),
        "url:https://example.test/".to_owned(),
    ];
    assert_eq!(signals, want);
    assert_eq!(bank.entries.len(), 8);
    assert_eq!(
        (bank.skipped("indicator type HASH_TMK"), bank.skipped("indicator type HASH_PDQ_OCR")),
        (1, 1)
    );
    assert_eq!((bank.counts.rows, bank.counts.rejected), (13, 2));
    let entry = bank.entry("1");
    assert_eq!(
        (entry.classification.as_deref(), entry.tags.as_slice()),
        (Some("MALICIOUS"), &["a".into(), "b".into()][..])
    );
}

#[test]
fn owners_and_those_who_react_are_heard_each_once() {
    let mut first = descriptor(1, "MALICIOUS");
    first["reactions"] = json!([
        { "key": "HELPFUL", "value": "2,3" }, { "key": "DISAGREE_WITH_TAGS", "value": "3,4,1" },
        { "key": "SAW_THIS_TOO", "value": "6" }, { "key": "DANCE", "value": "7" },
    ]);
    let mut nobody = descriptor(9, "MALICIOUS");
    nobody.as_object_mut().unwrap().remove("owner");
    let bank = fetched(&[
        record(
            1,
            "HASH_PDQ",
            &value(1, 64),
            &[first, descriptor(2, "NON_MALICIOUS"), descriptor(5, "SUSPICIOUS"), nobody],
        ),
        record(2, "HASH_PDQ", &value(2, 64), &[descriptor(1, "UNKNOWN")]),
    ]);
    let opinions = &bank.entries["1"].opinions;
    let told: Vec<_> = opinions.iter().map(|one| (one.member.as_str(), one.stance)).collect();
    let want = [
        ("1", Stance::Lists),
        ("2", Stance::Disputes),
        ("3", Stance::Confirms),
        ("4", Stance::Disputes),
        ("5", Stance::Suspects),
    ];
    assert_eq!(told, want);
    assert_eq!((bank.skipped("descriptor without its owner"), bank.skipped("reaction DANCE")), (1, 1));
    assert!(OpinionPolicy::TWO_OR_CONFIRMED.is_met(opinions));
    assert!(!OpinionPolicy::TWO_OR_CONFIRMED.is_met(&bank.entries["2"].opinions));
}

#[test]
fn a_record_that_is_to_be_deleted_or_has_no_descriptors_is_a_tombstone() {
    let live = |id| record(id, "HASH_PDQ", &value(id as u8, 64), &[descriptor(1, "MALICIOUS")]);
    let gone: Vec<Value> = {
        let mut flagged = live(1);
        flagged["should_delete"] = json!(true);
        let mut bare = live(2);
        bare.as_object_mut().unwrap().remove("descriptors");
        let unseen = record(3, "HASH_PDQ", &value(3, 64), &[]);
        vec![flagged, bare, unseen]
    };
    let all: Vec<Value> = (1..=4).map(live).collect();
    let mock = Mock::start(move |asked| {
        let data = if asked.query("start_time").is_some() { &gone } else { &all };
        Reply::json(&json!({ "data": data }))
    });
    let settings = settings(mock.url("/v21.0"), &json!({ "privacy_group": 77 }));
    let (mut net, mut bank) = (Loopback::at(NOW), Bank::default());
    fetch("fb_threatexchange", &settings, &mut net, &mut bank).unwrap();
    assert_eq!(bank.entries.len(), 4);
    fetch("fb_threatexchange", &settings, &mut net, &mut bank).unwrap();
    assert_eq!(bank.keys(), ["4"]);
    let asked = mock.asked();
    assert_eq!(asked[1].query("start_time").as_deref(), Some(&*(NOW - 1_000).to_string()));
    let fields = "indicator,type,last_updated,should_delete,descriptors{id,reactions,owner{id},tags,status}";
    assert_eq!(asked[0].query("fields").as_deref(), Some(fields));
}

#[test]
fn after_85_days_everything_is_read_anew_and_what_is_not_listed_goes() {
    let count = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(3));
    let rows = count.clone();
    let mock = Mock::start(move |_| {
        let rows = rows.load(std::sync::atomic::Ordering::SeqCst);
        let data: Vec<Value> = (1..=rows)
            .map(|id| record(id, "HASH_PDQ", &value(id as u8, 64), &[descriptor(1, "MALICIOUS")]))
            .collect();
        Reply::json(&json!({ "data": data }))
    });
    let settings = settings(mock.url("/v21.0"), &json!({ "privacy_group": 77 }));
    let (mut net, mut bank) = (Loopback::at(NOW), Bank::default());
    fetch("fb_threatexchange", &settings, &mut net, &mut bank).unwrap();
    count.store(2, std::sync::atomic::Ordering::SeqCst);
    net.now_s += 86 * 86_400;
    let pages = fetch("fb_threatexchange", &settings, &mut net, &mut bank).unwrap();
    assert_eq!(pages[0].listing, Listing::Whole { is_first: true });
    assert_eq!(mock.asked()[1].query("start_time"), None);
    assert_eq!(bank.keys(), ["1", "2"]);
}

#[test]
fn the_next_page_is_asked_for_at_the_same_host_with_our_own_token() {
    let mock = Mock::start(|asked| {
        let mut answer =
            json!({ "data": [record(1, "HASH_PDQ", &value(1, 64), &[descriptor(1, "MALICIOUS")])] });
        if asked.query("after").is_none() {
            answer["paging"] = json!({ "next": "https://elsewhere.test/v21.0/77/threat_updates/?access_token=other&after=Zz%3D" });
        }
        Reply::json(&answer)
    });
    let settings = settings(mock.url("/v21.0"), &json!({ "privacy_group": 77 }));
    let (mut net, mut bank) = (Loopback::at(NOW), Bank::default());
    fetch_killed("fb_threatexchange", &settings, &mut net, &mut bank, 1, false).unwrap();
    assert!(bank.checkpoint_text().contains("after=Zz%3D"), "{}", bank.checkpoint_text());
    assert!(!bank.checkpoint_text().contains("access_token"));
    fetch("fb_threatexchange", &settings, &mut net, &mut bank).unwrap();
    let asked = mock.asked();
    assert_eq!(asked[1].query("access_token").as_deref(), Some("123456789|secret-secret-secret"));
    assert_eq!(asked[1].query("after").as_deref(), Some("Zz="));
}

#[test]
fn a_cursor_that_is_refused_begins_the_walk_anew_and_a_circle_ends_it() {
    let mock = Mock::start(|asked| {
        let at = asked.query("after").map_or(0, |text| text.parse::<u64>().unwrap());
        let mut answer = json!({ "data": [record(at, "HASH_PDQ", &value(at as u8 + 1, 64), &[descriptor(1, "MALICIOUS")])] });
        if at < 2 {
            answer["paging"] = json!({ "next": format!("/v21.0/77/threat_updates/?after={}", at + 1) });
        }
        Reply::json(&answer)
    });
    let settings = settings(mock.url("/v21.0"), &json!({ "privacy_group": 77 }));
    let (mut net, mut bank) = (Loopback::at(NOW), Bank::default());
    mock.plan([Fault::Pass, Fault::Pass, Fault::Status(400, None)]);
    fetch("fb_threatexchange", &settings, &mut net, &mut bank).unwrap();
    let afters: Vec<_> = mock.asked().iter().map(|one| one.query("after").unwrap_or_default()).collect();
    assert_eq!(afters, ["", "1", "2", "", "1", "2"]);
    assert_eq!(bank.entries.len(), 3);

    let mock = Mock::start(|_| {
        Reply::json(&json!({ "data": [], "paging": { "next": "/v21.0/77/threat_updates/?after=1" } }))
    });
    let settings = crate::mock::settings(mock.url("/v21.0"), &json!({ "privacy_group": 77 }));
    let error = fetch("fb_threatexchange", &settings, &mut net, &mut Bank::default()).unwrap_err();
    assert!(matches!(error, ClientError::Protocol(_)));
    assert_eq!(mock.asked().len(), 2);
}

#[test]
fn a_time_far_in_the_future_does_not_move_the_checkpoint_there() {
    let mut odd = record(1, "HASH_PDQ", &value(1, 64), &[descriptor(1, "MALICIOUS")]);
    odd["last_updated"] = json!(i64::MAX);
    let bank = fetched(&[odd]);
    assert_eq!(bank.checkpoint().unwrap().at_s(), Some(NOW + 3_600));
}

#[test]
fn a_reaction_goes_to_every_descriptor() {
    let bank = fetched(&[record(
        1,
        "HASH_PDQ",
        &value(1, 64),
        &[descriptor(1, "MALICIOUS"), descriptor(2, "MALICIOUS")],
    )]);
    let mock = Mock::start(|_| Reply::json(&json!({ "success": true })));
    let settings = settings(mock.url("/v21.0"), &json!({ "privacy_group": 77 }));
    let net = &mut Loopback::at(NOW);
    let helpful = Vote { entry: bank.entry("1"), says: Says::Confirm, signal: None, reasons: &[], tags: &[] };
    assert_eq!(vote("fb_threatexchange", &settings, net, &helpful), Ok(2));
    let asked = mock.asked();
    let targets: Vec<_> = asked.iter().map(|one| (one.method.as_str(), one.path())).collect();
    assert_eq!(targets, [("POST", "/v21.0/91/"), ("POST", "/v21.0/92/")]);
    assert_eq!(asked[0].body, b"reactions=HELPFUL");
    vote("fb_threatexchange", &settings, net, &Vote { says: Says::Dispute, ..helpful }).unwrap();
    assert_eq!(mock.asked()[0].body, b"reactions=DISAGREE_WITH_TAGS");
}
