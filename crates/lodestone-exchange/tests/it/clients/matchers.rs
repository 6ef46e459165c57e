//! Remote matchers: hashes go out, files only where that is set up, and no answer is no "no match".

use lodestone_exchange::client::matcher::{RemoteAnswer, RemoteMatch, open};
use lodestone_exchange::client::{ClientError, Settings};
use lodestone_types::{BankKind, Signal, SignalType, Standing};
use serde_json::{Value, json};

use crate::mock::{Asked, Fault, Loopback, Mock, NOW, Reply, settings};
use crate::value;

fn signals() -> Vec<Signal> {
    let one = |kind: SignalType, byte, digits| Signal::parse(kind, &value(byte, digits)).unwrap();
    vec![
        one(SignalType::Pdq, 1, 64),
        one(SignalType::Md5, 2, 32),
        one(SignalType::Pdq, 3, 64),
        Signal::parse(SignalType::RawText, "private words").unwrap(),
        one(SignalType::Pdq, 5, 64),
        one(SignalType::VideoMd5, 6, 32),
    ]
}

fn base64(byte: u8) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode([byte; 32])
}

fn shield(asked: &Asked) -> Reply {
    assert_eq!(asked.header("Authorization"), Some("Basic dGVzdGVyOmdlaGVpbQ=="));
    let detail = json!({
        "timestamp": 1.5, "sha1_base32": "AAAQEAYEAUDAOCAJBIFQYDIOB4IBCEQT", "sha256_hex": value(0xAB, 64).to_uppercase(),
        "classification": "csam", "distance": 1200,
    });
    match asked.path() {
        "/v1/pdq/" => {
            let body: Value = serde_json::from_slice(&asked.body).unwrap();
            assert_eq!(body, json!({ "hashes": [base64(1), base64(3), base64(5)] }));
            Reply::json(&json!({ "scanned_hashes": {
                base64(1): { "classification": "csam", "match_type": "near", "near_match_details": detail },
                base64(3): null,
            } }))
        }
        "/v1/media/" => {
            assert_eq!(
                (asked.header("Content-Type"), asked.body.as_slice()),
                (Some("image/png"), &b"a chart"[..])
            );
            Reply::json(&json!({
                "size_bytes": 7, "sha1_base32": "AAAQEAYEAUDAOCAJBIFQYDIOB4IBCEQT", "sha256_hex": value(1, 64),
                "classification": "harmful-abusive-material", "match_type": "exact", "near_match_details": [],
            }))
        }
        other => panic!("{other}"),
    }
}

fn named(answer: &RemoteAnswer) -> &[RemoteMatch] {
    match answer {
        RemoteAnswer::Matches(matches) => matches,
        other => panic!("{other:?}"),
    }
}

#[test]
fn arachnid_is_asked_for_pdq_only() {
    let mock = Mock::start(shield);
    let matcher = open("arachnid", &settings(mock.url(""), &json!({}))).unwrap();
    mock.plan([Fault::Status(503, Some("1"))]);
    let answers = matcher.look_up(&mut Loopback::at(NOW), &signals()).unwrap();
    let found = &named(&answers[0])[0];
    assert_eq!((found.name.as_str(), found.kind, found.is_exact), ("csam", Some(BankKind::KnownReal), false));
    assert_eq!(
        (found.distance.as_deref(), found.timestamp_s, found.digests.len()),
        (Some("1200"), Some(1.5), 2)
    );
    assert_eq!(answers[2], RemoteAnswer::Matches(Vec::new()), "asked for, and not known");
    assert_eq!(answers[4], RemoteAnswer::Unanswered, "not in the answer");
    for not_asked in [1, 3, 5] {
        assert_eq!(answers[not_asked], RemoteAnswer::NotAsked);
    }
    let sent: String =
        mock.asked().iter().map(|one| String::from_utf8_lossy(&one.body).into_owned()).collect();
    assert!(!sent.contains("private"));
}

#[test]
fn a_file_is_sent_only_where_that_is_set_up() {
    let mock = Mock::start(shield);
    let net = &mut Loopback::at(NOW);
    for config in [json!({}), json!({ "send_files": false }), json!({ "send_files": "true" })] {
        let matcher = open("arachnid", &settings(mock.url(""), &config)).unwrap();
        assert!(!matcher.sends_files());
        assert!(matches!(matcher.look_up_file(net, "image/png", b"a chart"), Err(ClientError::Settings(_))));
    }
    for api in ["remote_hma", "remote_lodestone", "remote_matcher"] {
        let matcher = open(api, &settings(mock.url(""), &json!({ "send_files": true }))).unwrap();
        assert!(!matcher.sends_files(), "{api}");
        assert!(matches!(matcher.look_up_file(net, "image/png", b"a chart"), Err(ClientError::Settings(_))));
    }
    assert!(mock.asked().is_empty());
    let matcher = open("arachnid", &settings(mock.url(""), &json!({ "send_files": true }))).unwrap();
    assert!(matcher.look_up_file(net, "image/png\r\nX: y", b"a chart").is_err());
    let answer = matcher.look_up_file(net, "image/png", b"a chart").unwrap();
    let found = &named(&answer)[0];
    assert_eq!((found.kind, found.is_exact), (Some(BankKind::RelatedNotIllegal), true));
}

#[test]
fn a_classification_that_is_new_here_is_still_a_match_and_none_is_no_answer() {
    for (classification, want) in [
        (
            json!("some-new-class"),
            RemoteAnswer::Matches(vec![RemoteMatch {
                name: "some-new-class".to_owned(),
                ..RemoteMatch::default()
            }]),
        ),
        (json!("no-known-match"), RemoteAnswer::Matches(Vec::new())),
        (json!(null), RemoteAnswer::Unanswered),
    ] {
        let answer = json!({ "scanned_hashes": { base64(1): { "classification": classification, "match_type": null } } });
        let mock = Mock::start(move |_| Reply::json(&answer));
        let matcher = open("arachnid", &settings(mock.url(""), &json!({}))).unwrap();
        let answers = matcher.look_up(&mut Loopback::at(NOW), &signals()[..1]).unwrap();
        assert_eq!(answers, [want]);
    }
}

#[test]
fn an_hma_is_asked_for_one_fingerprint_at_a_time() {
    let mock = Mock::start(|asked| {
        assert_eq!(asked.path(), "/m/lookup");
        // No coin decides whether a bank answers, and what is held for a person is told.
        assert_eq!(asked.query("bypass_coinflip").as_deref(), Some("true"));
        assert_eq!(asked.query("review").as_deref(), Some("true"));
        match asked.query("signal").unwrap() == value(3, 64) {
            true => Reply::json(&json!({ "A": [{ "bank_content_id": 4, "distance": "6" }], "B": [],
                "C": [{ "bank_content_id": 5, "distance": "0", "standing": "review" }] })),
            false => Reply::json(&json!({})),
        }
    });
    let matcher = open("remote_hma", &settings(mock.url(""), &json!({}))).unwrap();
    let answers = matcher.look_up(&mut Loopback::at(NOW), &signals()).unwrap();
    let found = &named(&answers[2])[0];
    assert_eq!(
        (found.name.as_str(), found.distance.as_deref(), found.entry.as_deref()),
        ("A", Some("6"), Some("4"))
    );
    let standing: Vec<Standing> = named(&answers[2]).iter().map(|one| one.standing).collect();
    assert_eq!(standing, [Standing::Match, Standing::Review]);
    assert_eq!((named(&answers[0]).len(), named(&answers[5]).len()), (0, 0));
    assert_eq!((&answers[1], &answers[3]), (&RemoteAnswer::NotAsked, &RemoteAnswer::NotAsked));
    let kinds: Vec<_> = mock.asked().iter().map(|one| one.query("signal_type").unwrap()).collect();
    assert_eq!(kinds, ["pdq", "pdq", "pdq", "video_md5"]);
}

#[test]
fn a_lodestone_is_asked_for_many_and_what_it_leaves_out_is_unanswered() {
    let mock = Mock::start(|asked| {
        assert_eq!((asked.method.as_str(), asked.target.as_str()), ("POST", "/v1/lookup"));
        Reply::json(&json!({ "generation": 3, "results": [
            { "index": 0, "type": "pdq", "matches": [
                { "bank": "A", "bank_kind": "known-generated", "bank_content_id": 4, "distance": "6", "distance_bits": 6, "exact": false },
                { "bank": "B", "bank_kind": "known-real", "distance": "0", "exact": false, "standing": "review" },
            ] },
            { "index": 2, "type": "pdq", "matches": [] },
            { "index": 3, "error": "no such type" },
            { "index": 99, "matches": [] },
        ] }))
    });
    for api in ["remote_lodestone", "remote_matcher"] {
        let matcher = open(api, &settings(mock.url(""), &json!({}))).unwrap();
        let answers = matcher.look_up(&mut Loopback::at(NOW), &signals()).unwrap();
        assert_eq!(named(&answers[0])[0].kind, Some(BankKind::KnownGenerated));
        let standing: Vec<Standing> = named(&answers[0]).iter().map(|one| one.standing).collect();
        assert_eq!(standing, [Standing::Match, Standing::Review], "what is for a person there is so here");
        // Of those that are asked the text is none: the third is the second PDQ.
        let told: Vec<_> = answers[1..]
            .iter()
            .map(|answer| match answer {
                RemoteAnswer::NotAsked => "not asked",
                RemoteAnswer::Unanswered => "unanswered",
                RemoteAnswer::Matches(_) => "answered",
            })
            .collect();
        assert_eq!(told, ["unanswered", "answered", "not asked", "unanswered", "unanswered"]);
        let sent = String::from_utf8(mock.asked()[0].body.clone()).unwrap();
        assert!(!sent.contains("private") && sent.contains("video_md5"));
    }
}

#[test]
fn an_answer_that_contradicts_itself_is_never_no_match() {
    for (results, want) in [
        (json!([{ "index": 0, "matches": [], "matches_total": 3, "truncated": true }]), None),
        (json!([{ "index": 0, "matches": [], "matches_total": 2 }]), None),
        (json!([{ "index": 0, "matches": [], "matches_total": 0 }]), Some(0)),
        (json!([{ "index": 0, "matches": [{ "bank": "B" }] }, { "index": 0, "matches": [] }]), Some(1)),
        (json!([{ "index": 0, "matches": [{ "bank": "B" }] }, { "index": 0, "error": "x" }]), Some(1)),
        (json!([{ "index": 0, "matches": [] }, { "index": 0, "matches": [{ "bank": "B" }] }]), Some(1)),
    ] {
        let answer = json!({ "results": results });
        let mock = Mock::start(move |_| Reply::json(&answer));
        let matcher = open("remote_matcher", &settings(mock.url(""), &json!({}))).unwrap();
        let answers = matcher.look_up(&mut Loopback::at(NOW), &signals()[..1]).unwrap();
        let got = match &answers[0] {
            RemoteAnswer::Matches(matches) => Some(matches.len()),
            _ => None,
        };
        assert_eq!(got, want, "{results}");
    }
}

#[test]
fn no_matcher_has_a_place_to_ask_unless_it_is_told() {
    for api in ["arachnid", "remote_hma", "remote_lodestone", "remote_matcher", "hma", "other"] {
        let none = Settings { base_url: None, ..settings(String::new(), &json!({})) };
        assert!(matches!(open(api, &none), Err(ClientError::Settings(_))), "{api}");
    }
}
