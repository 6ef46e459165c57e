//! Peers: a Lodestone's export, and an HMA asked number by number.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use lodestone_exchange::client::{ClientError, Listing};
use serde_json::{Value, json};

use crate::mock::{Asked, Bank, Fault, Loopback, Mock, NOW, Reply, fetch, fetch_killed, settings};
use crate::value;

/// A bank of another Lodestone: entries by id, and its version.
type Peer = Arc<Mutex<(BTreeMap<String, u8>, u64)>>;

fn lodestone(peer: &Peer, asked: &Asked) -> Reply {
    if asked.header("Authorization") != Some("Bearer peer-token") {
        return Reply::status(401);
    }
    let (entries, version) = peer.lock().unwrap().clone();
    match asked.target.as_str() {
        "/v1/banks/THEIRS" => Reply::json(
            &json!({ "name": "THEIRS", "version": version, "entries": entries.len(), "created_us": 5 }),
        ),
        "/v1/banks/THEIRS/export?format=ndjson" => {
            let row = |(id, byte): (&String, &u8)| {
                json!({ "entry": id, "signals": [{ "type": "pdq", "value": value(*byte, 64) }], "tags": ["t"], "extra": { "Z": 1 } })
                    .to_string() + "\n"
            };
            let list: String = entries.iter().map(row).collect();
            Reply::ok(list).with("lodestone-generation", version.to_string())
        }
        _ => Reply::status(404),
    }
}

#[test]
fn a_peers_bank_is_read_whole_when_it_has_changed_and_what_it_no_longer_has_goes() {
    let entries = (0..2_500).map(|n| (format!("e{n:05}"), n as u8 | 1)).collect();
    let peer: Peer = Arc::new(Mutex::new((entries, 7)));
    let theirs = peer.clone();
    let mock = Mock::start(move |asked| lodestone(&theirs, asked));
    let settings = settings(mock.url("/"), &json!({ "bank": "THEIRS" }));
    let (mut net, mut bank) = (Loopback::at(NOW), Bank::default());
    let pages = fetch("lodestone", &settings, &mut net, &mut bank).unwrap();
    let listings: Vec<_> = pages.iter().map(|page| page.listing).collect();
    let whole = |is_first| Listing::Whole { is_first };
    assert_eq!(listings, [whole(true), whole(false), whole(false)]);
    assert_eq!(bank.entries.len(), 2_500);
    let entry = bank.entry("e00007");
    assert_eq!((entry.tags.as_slice(), &entry.extra), (&["t".to_owned()][..], &Some(json!({ "Z": 1 }))));
    mock.asked();
    let pages = fetch("lodestone", &settings, &mut net, &mut bank).unwrap();
    assert_eq!(
        (pages.len(), pages[0].changes.len(), mock.asked().len()),
        (1, 0, 1),
        "unchanged: one small question"
    );

    let mut changed = peer.lock().unwrap();
    changed.0.remove("e00007");
    changed.1 += 1;
    drop(changed);
    // An export that breaks off takes nothing away.
    mock.plan([Fault::Pass, Fault::Cut(50)]);
    let error = fetch("lodestone", &settings, &mut net, &mut bank).unwrap_err();
    assert!(matches!(error, ClientError::Later { .. }), "{error}");
    assert_eq!(bank.entries.len(), 2_500);
    // Nor does one that ends between two rows and does not say so.
    mock.plan([Fault::Pass, Fault::CutSilently(0)]);
    assert!(fetch("lodestone", &settings, &mut net, &mut bank).is_err());
    assert_eq!(bank.entries.len(), 2_500);
    fetch_killed("lodestone", &settings, &mut net, &mut bank, 2, true).unwrap();
    assert_eq!(bank.entries.len(), 2_500);
    fetch("lodestone", &settings, &mut net, &mut bank).unwrap();
    assert_eq!((bank.entries.len(), bank.entries.contains_key("e00007")), (2_499, false));
    // A bank that says that it is empty is.
    *peer.lock().unwrap() = (BTreeMap::new(), 9);
    fetch("lodestone", &settings, &mut net, &mut bank).unwrap();
    assert!(bank.entries.is_empty());
}

fn hma(contents: &Arc<Mutex<BTreeMap<u64, Value>>>, asked: &Asked) -> Reply {
    let path = asked.path();
    if path == "/c/bank/OLD" {
        return Reply::json(&json!({ "name": "OLD", "matching_enabled_ratio": 1.0 }));
    }
    let id = path.strip_prefix("/c/bank/OLD/content/").and_then(|id| id.parse::<u64>().ok());
    match id.and_then(|id| contents.lock().unwrap().get(&id).cloned()) {
        Some(content) => Reply::json(&content),
        None => Reply::status(404),
    }
}

fn content(id: u64, bank: &str, until: i64) -> Value {
    json!({
        "id": id, "disable_until_ts": until, "original_media_uri": null, "note": "n",
        "bank": { "name": bank, "matching_enabled_ratio": 1.0 },
        "signals": { "pdq": value(id as u8, 64), "video_md5": value(id as u8, 32), "vpdq": "[]" },
    })
}

#[test]
fn an_hma_is_asked_number_by_number_and_wholly_once_a_day() {
    let contents: BTreeMap<u64, Value> =
        [content(1, "OLD", 1), content(2, "OTHER", 1), content(5, "OLD", 1), content(9, "OLD", 0)]
            .map(|content| (content["id"].as_u64().unwrap(), content))
            .into();
    let contents = Arc::new(Mutex::new(contents));
    let theirs = contents.clone();
    let mock = Mock::start(move |asked| hma(&theirs, asked));
    let settings = settings(mock.url(""), &json!({ "bank": "OLD" }));
    let (mut net, mut bank) = (Loopback::at(NOW), Bank::default());
    fetch_killed("hma", &settings, &mut net, &mut bank, 1, true).unwrap();
    fetch("hma", &settings, &mut net, &mut bank).unwrap();
    assert_eq!(bank.keys(), ["1", "5"]);
    assert_eq!(bank.signals("5"), [format!("pdq:{}", value(5, 64)), format!("video_md5:{}", value(5, 32))]);
    assert_eq!(bank.skipped("content of another bank"), 1);
    contents.lock().unwrap().remove(&1);
    contents.lock().unwrap().insert(12, content(12, "OLD", 1));
    mock.asked();
    net.now_s += 600;
    fetch("hma", &settings, &mut net, &mut bank).unwrap();
    assert_eq!(bank.keys(), ["1", "12", "5"], "new ones at once");
    assert!(mock.asked()[1].path().ends_with("/10"));
    net.now_s += 86_500;
    fetch("hma", &settings, &mut net, &mut bank).unwrap();
    assert_eq!(bank.keys(), ["12", "5"], "what has gone once a day");
}

#[test]
fn a_bank_that_the_peer_has_not_is_an_error_and_not_an_empty_one() {
    let mock = Mock::start(|_| Reply::status(404));
    for api in ["hma", "lodestone"] {
        let settings = settings(mock.url(""), &json!({ "bank": "NONE" }));
        let error = fetch(api, &settings, &mut Loopback::at(NOW), &mut Bank::default()).unwrap_err();
        assert_eq!(error, ClientError::Refused(404), "{api}");
    }
}
