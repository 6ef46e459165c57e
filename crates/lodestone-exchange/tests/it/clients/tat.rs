//! Tech Against Terrorism: its token, its checkpoint, its algorithms.

use std::sync::atomic::{AtomicUsize, Ordering};

use lodestone_exchange::client::ClientError;
use serde_json::{Value, json};

use crate::mock::{Asked, Bank, Fault, Loopback, Mock, NOW, Reply, fetch, settings};
use crate::value;

fn row(id: u64, algorithm: &str, file_type: &str, digest: &str) -> Value {
    json!({
        "hash_digest": digest, "algorithm": algorithm, "ideology": "islamist", "file_type": file_type, "deleted": false,
        "updated_on": 1_704_901_040.222779, "created_on": "2025-03-03 23:05:22,587", "id": id,
    })
}

fn answer(asked: &Asked, results: &[Value], checkpoint: &str, next: Option<&str>) -> Reply {
    match asked.path() {
        "/token-auth/tcap/" => Reply::json(&json!({ "token": "t" })),
        _ => Reply::json(&json!({
            "count": 9, "next": next, "previous": null, "checkpoint": checkpoint, "results": results,
        })),
    }
}

#[test]
fn algorithms_and_file_types_say_what_a_digest_is() {
    let mut deleted = row(8, "PDQ", "jpg", &value(8, 64));
    deleted["deleted"] = json!(true);
    let results = [
        row(1, "MD5", "mp4", &value(1, 32)),
        row(2, "MD5", "jpg", &value(2, 32)),
        row(3, "PDQ", "gif", &value(3, 64)),
        row(4, "SHA-256", "jpg", &value(4, 64)),
        row(5, "TMK", "mp4", "AAAA"),
        row(6, "MD5", "mp4", "123abc"),
        json!({ "id": null }),
        deleted,
    ];
    let mock = Mock::start(move |asked| answer(asked, &results, "1724856487.709035,10594", None));
    let (mut net, mut bank) = (Loopback::at(NOW), Bank::default());
    fetch("tat", &settings(mock.url(""), &json!({})), &mut net, &mut bank).unwrap();
    let signals: Vec<String> = bank.keys().iter().flat_map(|key| bank.signals(key)).collect();
    let want = [
        format!("video_md5:{}", value(1, 32)),
        format!("md5:{}", value(2, 32)),
        format!("pdq:{}", value(3, 64)),
        format!("sha256:{}", value(4, 64)),
    ];
    assert_eq!(signals, want);
    assert_eq!((bank.skipped("algorithm TMK"), bank.counts.rejected), (1, 2));
    assert_eq!(bank.entry("3").classification.as_deref(), Some("islamist"));
    assert_eq!(bank.checkpoint().unwrap().at_s(), Some(1_724_856_487));
}

#[test]
fn the_checkpoint_is_the_cursor_and_a_token_is_asked_for_once_a_fetch() {
    let pages = AtomicUsize::new(0);
    let mock = Mock::start(move |asked| {
        if asked.path() == "/token-auth/tcap/" {
            return answer(asked, &[], "", None);
        }
        let n = pages.fetch_add(1, Ordering::SeqCst) as u64;
        let next = (n % 3 != 2).then_some("https://app.test/next?limit=1");
        answer(asked, &[row(n, "PDQ", "jpg", &value(n as u8 + 1, 64))], &format!("170485{n}.5,{n}"), next)
    });
    let settings = settings(mock.url(""), &json!({}));
    let (mut net, mut bank) = (Loopback::at(NOW), Bank::default());
    fetch("tat", &settings, &mut net, &mut bank).unwrap();
    fetch("tat", &settings, &mut net, &mut bank).unwrap();
    let asked = mock.asked();
    let afters: Vec<_> = asked.iter().filter_map(|one| one.query("after")).collect();
    assert_eq!(afters, ["", "1704850.5,0", "1704851.5,1", "1704852.5,2", "1704853.5,3", "1704854.5,4"]);
    assert_eq!(asked.iter().filter(|one| one.method == "POST").count(), 2);
    assert_eq!(bank.entries.len(), 6);
}

#[test]
fn a_token_that_runs_out_is_asked_for_again_once() {
    let mock = Mock::start(|asked| {
        let after = asked.query("after").unwrap_or_default();
        let next = after.is_empty().then_some("more");
        answer(asked, &[row(1, "PDQ", "jpg", &value(1, 64))], &format!("{after}1"), next)
    });
    let settings = settings(mock.url(""), &json!({}));
    let (mut net, mut bank) = (Loopback::at(NOW), Bank::default());
    mock.plan([Fault::Pass, Fault::Pass, Fault::Status(401, None)]);
    fetch("tat", &settings, &mut net, &mut bank).unwrap();
    let methods: Vec<_> = mock.asked().iter().map(|one| one.method.clone()).collect();
    assert_eq!(methods, ["POST", "GET", "GET", "POST", "GET"]);
    mock.plan([Fault::Status(400, None)]);
    let error = fetch("tat", &settings, &mut net, &mut bank).unwrap_err();
    assert_eq!(error, ClientError::Credentials(400), "a wrong name or password");
}

#[test]
fn a_checkpoint_that_does_not_move_ends_the_fetch() {
    let mock =
        Mock::start(|asked| answer(asked, &[row(1, "PDQ", "jpg", &value(1, 64))], "5,5", Some("more")));
    let settings = settings(mock.url(""), &json!({}));
    let error = fetch("tat", &settings, &mut Loopback::at(NOW), &mut Bank::default()).unwrap_err();
    assert!(matches!(error, ClientError::Protocol(_)));
    assert_eq!(mock.asked().len(), 3);
}
