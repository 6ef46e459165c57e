//! StopNCII: words that nobody announced, withdrawals, and what goes back.

use std::sync::{Arc, Mutex};

use lodestone_exchange::client::{ClientError, Listing, Says, Stance, Vote, stopncii, vote};
use lodestone_types::{Signal, SignalType};
use serde_json::{Value, json};

use crate::mock::{Bank, Fault, Loopback, Mock, NOW, Reply, fetch, fetch_killed, settings};
use crate::value;

fn record(hash: u8, status: &str) -> Value {
    json!({
        "lastModtimestamp": 1_661_426_988, "hashValue": value(hash, 64), "hashStatus": status,
        "caseNumbers": { "bce008ff-0000-0000-0000-000000000000": "Active" }, "signalType": "ImagePDQ",
    })
}

fn with(mut record: Value, name: &str, value: Value) -> Value {
    record[name] = value;
    record
}

fn fetched(records: &[Value]) -> Bank {
    let answer = json!({
        "count": records.len(), "nextSetTimestamp": 1_661_426_999, "nextPageToken": null, "hasMoreRecords": false,
        "hashRecords": records,
    });
    let mock = Mock::start(move |_| Reply::json(&answer));
    let (mut net, mut bank) = (Loopback::at(NOW), Bank::default());
    fetch("stop_ncii", &settings(mock.url("/v1"), &json!({})), &mut net, &mut bank).unwrap();
    bank
}

#[test]
fn unknown_words_are_passed_over_and_counted_and_cost_nothing_else() {
    let feedback = json!([
        { "source": "Facebook", "feedbackValue": "Blocked", "tags": ["Nude", "Objectionable"] },
        { "source": "Example", "feedbackValue": "NotBlocked", "tags": [] },
        { "source": "TikTok", "feedbackValue": "Undefined", "tags": ["Tag-One"] },
    ]);
    let bank = fetched(&[
        with(with(record(1, "Active"), "CSPFeedbacks", feedback), "hashRegions", json!(["UK"])),
        record(2, "Received"),
        record(3, "Paused"),
        with(record(4, "Active"), "signalType", json!("ImageNew")),
        with(record(5, "Active"), "signalType", json!("VideoTMK")),
        with(record(6, "Active"), "hashValue", json!("not-a-hash")),
        with(record(7, "Active"), "caseNumbers", json!([])),
        with(record(8, "Active"), "caseNumbers", json!(["not-a-mapping"])),
        with(record(0, "Active"), "lastModtimestamp", json!("soon")),
        json!("nothing"),
    ]);
    let key = |hash: u8| format!("pdq:{}", value(hash, 64));
    assert_eq!(bank.keys(), [key(1), key(2), key(7)]);
    for (reason, count) in [
        ("hash status Paused", 1),
        ("signal type ImageNew", 1),
        ("signal type VideoTMK", 1),
        ("feedback Undefined", 1),
        ("values that say nothing", 1),
    ] {
        assert_eq!(bank.skipped(reason), count, "{reason}");
    }
    assert_eq!((bank.counts.rows, bank.counts.rejected), (10, 3));
    let listed = &bank.entries[&key(1)];
    let told: Vec<_> = listed.opinions.iter().map(|one| (one.member.as_str(), one.stance)).collect();
    let want =
        [("stopncii.org", Stance::Suspects), ("Facebook", Stance::Confirms), ("Example", Stance::Disputes)];
    assert_eq!(told, want);
    assert_eq!(listed.entry.tags, ["Nude", "Objectionable"]);
    let extra = listed.entry.extra.as_ref().unwrap();
    assert_eq!((&extra["cases"], &extra["hashRegions"]), (&json!(1), &json!(["UK"])));
    assert!(!extra.to_string().contains("bce008ff"), "case numbers are not kept");
}

#[test]
fn every_kind_of_signal_that_can_be_matched_is_taken() {
    let bank = fetched(&[
        with(
            with(record(1, "Active"), "signalType", json!("VideoMD5")),
            "hashValue",
            json!(value(1, 32).to_uppercase()),
        ),
        with(with(record(2, "Active"), "signalType", json!("Text")), "hashValue", json!("some words")),
        with(
            with(record(3, "Active"), "signalType", json!("URL")),
            "hashValue",
            json!("https://example.test/a"),
        ),
    ]);
    let want = [
        format!("video_md5:{}", value(1, 32)),
        "raw_text:some words".to_owned(),
        "url:https://example.test/a".to_owned(),
    ];
    let mut keys = bank.keys();
    keys.sort_by_key(|key| want.iter().position(|want| want == key));
    assert_eq!(keys, want);
}

#[test]
fn withdrawn_and_deleted_records_are_removed() {
    let pages = Arc::new(Mutex::new(vec![record(1, "Active"), record(2, "Active"), record(3, "Active")]));
    let told = pages.clone();
    let mock = Mock::start(move |_| {
        let records = told.lock().unwrap().clone();
        Reply::json(&json!({
            "count": 3, "nextSetTimestamp": 1_661_426_999, "nextPageToken": "", "hasMoreRecords": false,
            "hashRecords": records,
        }))
    });
    let settings = settings(mock.url("/v1"), &json!({}));
    let (mut net, mut bank) = (Loopback::at(NOW), Bank::default());
    fetch("stop_ncii", &settings, &mut net, &mut bank).unwrap();
    assert_eq!(bank.entries.len(), 3);
    *pages.lock().unwrap() = vec![record(1, "Withdrawn"), record(3, "Deleted")];
    fetch("stop_ncii", &settings, &mut net, &mut bank).unwrap();
    assert_eq!(bank.keys(), [format!("pdq:{}", value(2, 64))]);
    let starts: Vec<_> = mock.asked().iter().map(|one| one.query("startTimestamp").unwrap()).collect();
    assert_eq!(starts, ["10", "1661426999"]);
}

/// A set of two pages, whose token may have expired, over 30 days.
#[test]
fn an_expired_token_begins_its_set_anew_and_a_month_begins_everything_anew() {
    let mock = Mock::start(|asked| {
        let is_second = asked.query("nextPageToken").is_some();
        Reply::json(&json!({
            "count": 1, "nextSetTimestamp": NOW - 100, "nextPageToken": "abc", "hasMoreRecords": !is_second,
            "hashRecords": [record(if is_second { 2 } else { 1 }, "Active")],
        }))
    });
    let settings = settings(mock.url("/v1"), &json!({}));
    let (mut net, mut bank) = (Loopback::at(NOW), Bank::default());
    fetch_killed("stop_ncii", &settings, &mut net, &mut bank, 1, false).unwrap();
    mock.plan([Fault::Status(400, None)]);
    fetch("stop_ncii", &settings, &mut net, &mut bank).unwrap();
    let tokens: Vec<_> = mock.asked().iter().map(|one| one.query("nextPageToken")).collect();
    let abc = || Some("abc".to_owned());
    assert_eq!(tokens, [None, abc(), None, abc()]);
    assert_eq!(bank.entries.len(), 2);
    net.now_s += 31 * 86_400;
    let pages = fetch("stop_ncii", &settings, &mut net, &mut bank).unwrap();
    assert_eq!(pages[0].listing, Listing::Whole { is_first: true });
    assert_eq!(mock.asked()[0].query("startTimestamp").as_deref(), Some("10"));
}

#[test]
fn a_time_in_the_future_does_not_move_the_checkpoint_past_the_present() {
    let mut records = vec![record(1, "Active")];
    records[0]["lastModtimestamp"] = json!(NOW + 9_999_999);
    let answer = json!({
        "count": 1, "nextSetTimestamp": NOW + 9_999_999, "hasMoreRecords": false, "hashRecords": records,
    });
    let mock = Mock::start(move |_| Reply::json(&answer));
    let settings = settings(mock.url("/v1"), &json!({}));
    let (mut net, mut bank) = (Loopback::at(NOW), Bank::default());
    fetch("stop_ncii", &settings, &mut net, &mut bank).unwrap();
    assert_eq!(bank.checkpoint().unwrap().at_s(), Some(NOW));
}

#[test]
fn the_same_token_again_ends_the_fetch() {
    let mock = Mock::start(|_| {
        Reply::json(&json!({
            "count": 1, "nextSetTimestamp": 11, "nextPageToken": "same", "hasMoreRecords": true,
            "hashRecords": [record(1, "Active")],
        }))
    });
    let settings = settings(mock.url("/v1"), &json!({}));
    let error = fetch("stop_ncii", &settings, &mut Loopback::at(NOW), &mut Bank::default()).unwrap_err();
    assert!(matches!(error, ClientError::Protocol(_)));
    assert_eq!(mock.asked().len(), 2);
}

#[test]
fn feedback_and_hashes_go_back_with_the_bare_names_of_enumerations() {
    let bank = fetched(&[record(1, "Active")]);
    let entry = &bank.entries.values().next().unwrap().entry;
    let mock = Mock::start(|_| Reply::json(&json!({})));
    let settings = settings(mock.url("/v1"), &json!({}));
    let net = &mut Loopback::at(NOW);
    let tags = ["Nude".to_owned()];
    let blocked = Vote { entry, says: Says::Confirm, signal: None, reasons: &[], tags: &tags };
    assert_eq!(vote("stop_ncii", &settings, net, &blocked), Ok(1));
    assert_eq!(vote("stop_ncii", &settings, net, &Vote { says: Says::Dispute, ..blocked }), Ok(1));
    let signal = Signal::parse(SignalType::VideoMd5, &value(9, 32)).unwrap();
    stopncii::submit(&settings, net, &[stopncii::Submission { signal, tags: tags.to_vec() }]).unwrap();
    let asked = mock.asked();
    let bodies: Vec<Value> = asked.iter().map(|one| serde_json::from_slice(&one.body).unwrap()).collect();
    let feedback = |word: &str| {
        json!({
            "count": 1,
            "hashFeedbacks": [{ "tags": ["Nude"], "feedbackValue": word, "hashValue": value(1, 64) }],
        })
    };
    let submitted = json!({ "count": 1, "hashRecords": [{
        "lastModtimestamp": NOW, "signalType": "VideoMD5", "hashValue": value(9, 32),
        "CSPFeedbacks": [{ "tags": ["Nude"], "feedbackValue": "Blocked" }],
    }] });
    assert_eq!(bodies, [feedback("Blocked"), feedback("NotBlocked"), submitted]);
    let places: Vec<_> =
        asked.iter().map(|one| (one.target.as_str(), one.header("x-functions-key").unwrap())).collect();
    let want = [
        ("/v1/SubmitFeedback", "feedback-key"),
        ("/v1/SubmitFeedback", "feedback-key"),
        ("/v1/SubmitHashes", "submit-key"),
    ];
    assert_eq!(places, want);
    // It is not known whether the first one was taken: it is not sent twice.
    mock.plan([Fault::Close]);
    assert!(matches!(vote("stop_ncii", &settings, net, &blocked), Err(ClientError::Later { .. })));
    assert_eq!(mock.asked().len(), 1);
}
