//! NCMEC: what its XML says, windows of time, votes.

use std::sync::{Arc, Mutex};

use lodestone_exchange::client::{
    self, ClientError, Listing, OpinionPolicy, Page, Says, Settings, Stance, Vote, ncmec, vote,
};
use lodestone_types::SignalType;
use serde_json::json;

use crate::mock::services::{Row, Service, World};
use crate::mock::{Asked, Bank, Fault, Loopback, Mock, NOW, Reply, fetch, fetch_killed, settings};
use crate::value;

/// The recorded document of the reference client's tests, with synthetic values, and more of what NCMEC sends.
fn document(next: &str) -> String {
    let (md5, sha1, pdq, pdna) = (value(0xa1, 32), value(0xa2, 40), value(0xa3, 64), value(0xa4, 288));
    format!(
        r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<queryResult xmlns="https://hashsharing.ncmec.org/hashsharing/v2">
    <images count="4" maxTimestamp="2017-10-24T15:10:00Z">
        <image>
            <member id="42">Example &amp; Member</member>
            <timestamp>2017-10-24T15:00:00Z</timestamp>
            <id>image1</id>
            <classification>A1</classification>
            <fingerprints>
                <md5>{md5}</md5>
                <sha1>{sha1}</sha1>
                <pdna>{pdna}</pdna>
                <pdq>{pdq_upper}</pdq>
                <netclean>opaque</netclean>
                <ssvh-pdna/>
            </fingerprints>
            <feedback lastUpdateTimestamp="2023-06-01T12:48:14Z">
                <affirmativeFeedback type="Md5" lastUpdateTimestamp="2023-06-01T12:48:14Z">
                <members timestamp="2023-06-01T12:48:14Z">
                    <member id="42">Example Member</member><member id="43">Example Member2</member>
                </members>
                </affirmativeFeedback>
                <negativeFeedback type="Sha1" lastUpdateTimestamp="2023-05-31T19:41:51Z">
                <reasons>
                    <reason guid="01234567-abcd-0123-4567-012345678900" name="Example Reason 1" type="Sha1"/>
                    <members timestamp="2023-06-01T12:48:14Z">
                        <member id="44">Example Member3</member>
                    </members>
                </reasons>
                </negativeFeedback>
            </feedback>
        </image>
        <image><member>No number</member><id>image2</id><fingerprints><md5>{md5}</md5></fingerprints></image>
        <image><member id="42"/><id>image3</id><fingerprints><md5>xyz</md5></fingerprints></image>
        <deletedImage>
            <member id="43">Example Member2</member>
            <id>image4</id>
            <timestamp>2017-10-24T15:10:00Z</timestamp>
        </deletedImage>
    </images>
    <videos count="3" maxTimestamp="2017-10-24T15:20:00Z">
        <video>
            <member id="42">Example Member</member>
            <timestamp>2017-10-24T15:00:00Z</timestamp>
            <id>video1</id>
            <fingerprints>
                <md5>{video_md5}</md5>
                <tmk-pdqf rel="self" href="/v2/entries/1/fingerprints/TMK_PDQF"/>
                <videntifier rel="self" href="/v2/entries/1/fingerprints/VIDENTIFIER"/>
            </fingerprints>
        </video>
        <video>
            <member id="42"/><timestamp>2017-10-24T15:00:00Z</timestamp><id>largetags</id>
            <fingerprints><tmk-pdqf rel="self" href="/v2/entries/2/fingerprints/TMK_PDQF"/></fingerprints>
        </video>
        <deletedVideo>
            <member id="42">Example Member</member>
            <id>video4</id>
            <timestamp>2017-10-24T15:20:00Z</timestamp>
        </deletedVideo>
    </videos>
    {next}
</queryResult>"#,
        pdq_upper = pdq.to_uppercase(),
        video_md5 = value(0xb1, 32),
    )
}

fn fetched(config: &serde_json::Value) -> (Bank, Vec<Page>) {
    let mock = Mock::start(|_| Reply::ok(document("")));
    let settings = settings(mock.url("/hashsharing"), config);
    let (mut net, mut bank) = (Loopback::at(NOW), Bank::default());
    let pages = fetch("ncmec", &settings, &mut net, &mut bank).unwrap();
    (bank, pages)
}

#[test]
fn every_fingerprint_that_can_be_matched_is_taken_and_the_others_are_counted_and_carried() {
    let (bank, pages) = fetched(&json!({}));
    assert_eq!(bank.keys(), ["42-image1", "42-video1"]);
    let want = [
        format!("pdq:{}", value(0xa3, 64)),
        format!("md5:{}", value(0xa1, 32)),
        format!("sha1:{}", value(0xa2, 40)),
        format!("photodna:{}", value(0xa4, 288)),
    ];
    assert_eq!(bank.signals("42-image1"), want);
    assert_eq!(bank.signals("42-video1"), [format!("video_md5:{}", value(0xb1, 32))]);
    let entry = bank.entry("42-image1");
    assert_eq!(entry.classification.as_deref(), Some("A1"));
    let extra = entry.extra.as_ref().unwrap();
    assert_eq!(extra["member"], json!({ "id": 42, "name": "Example & Member" }));
    assert_eq!(extra["fingerprints"], json!({ "netclean": "opaque" }));
    let video = bank.entry("42-video1").extra.as_ref().unwrap();
    assert_eq!(video["fingerprints"]["tmk-pdqf"], json!({ "href": "/v2/entries/1/fingerprints/TMK_PDQF" }));
    for (reason, count) in [
        ("fingerprint netclean", 1),
        ("fingerprint tmk-pdqf", 2),
        ("fingerprint videntifier", 1),
        ("md5 value that cannot be read", 1),
        ("entry without a fingerprint that can be matched", 1),
    ] {
        assert_eq!(bank.skipped(reason), count, "{reason}");
    }
    let rejects: Vec<_> =
        pages[0].rejects.iter().map(|reject| (reject.line, reject.reason.as_str())).collect();
    assert_eq!(rejects, [(2, "a member without a number"), (3, "none of its fingerprints can be read")]);
    assert_eq!((bank.counts.rows, bank.counts.rejected), (7, 2));
    let removed: Vec<_> = pages[0]
        .changes
        .iter()
        .filter(|change| change.what == client::What::Remove)
        .map(|change| change.key.as_str())
        .collect();
    assert_eq!(removed, ["43-image4", "42-largetags", "42-video4"]);
}

#[test]
fn votes_are_kept_for_each_member_and_fingerprint() {
    let (bank, _) = fetched(&json!({}));
    let opinions = &bank.entries["42-image1"].opinions;
    let told: Vec<_> = opinions
        .iter()
        .map(|one| (one.member.as_str(), one.stance, one.signal, one.reason.as_deref()))
        .collect();
    assert_eq!(
        told,
        [
            ("42", Stance::Lists, None, None),
            ("42", Stance::Confirms, Some(SignalType::Md5), None),
            ("43", Stance::Confirms, Some(SignalType::Md5), None),
            ("44", Stance::Disputes, Some(SignalType::Sha1), Some("Example Reason 1")),
        ]
    );
    assert!(OpinionPolicy::TWO_OR_CONFIRMED.is_met(opinions));
    assert!(!OpinionPolicy::TWO_OR_CONFIRMED.is_met(&bank.entries["42-video1"].opinions));
    let feedback = bank.entry("42-image1").extra.as_ref().unwrap()["feedback"].as_array().unwrap().len();
    assert_eq!(feedback, 3);
}

#[test]
fn only_the_members_that_were_asked_for_are_taken_and_others_than_before_begin_anew() {
    let mock = Mock::start(|_| Reply::ok(document("")));
    let with = |only: &[u64]| settings(mock.url("/hashsharing"), &json!({ "only_esp_ids": only }));
    let (mut net, mut bank) = (Loopback::at(NOW), Bank::default());
    fetch("ncmec", &with(&[43]), &mut net, &mut bank).unwrap();
    assert!(bank.entries.is_empty());
    assert_eq!(bank.skipped("member not asked for"), 5);
    let pages = fetch("ncmec", &with(&[42, 43]), &mut net, &mut bank).unwrap();
    assert_eq!(pages[0].listing, Listing::Whole { is_first: true });
    assert_eq!((bank.entries.len(), window(&mock.asked()[1]).0.as_str()), (2, "1970-01-01T00:00:00Z"));
    let pages = fetch("ncmec", &with(&[43, 42]), &mut net, &mut bank).unwrap();
    assert_eq!(pages[0].listing, Listing::Changes, "their order does not matter");
}

fn world(rows: impl IntoIterator<Item = Row>, size: usize) -> (World, Mock, Settings) {
    let world: World = Arc::new(Mutex::new(rows.into_iter().collect()));
    let mock = Mock::start(Service::Ncmec.answer(world.clone(), size));
    let settings = settings(mock.url("/hashsharing"), &json!({}));
    (world, mock, settings)
}

fn row(key: u32, at_s: i64) -> Row {
    Row { key, at_s, version: 1, is_withdrawn: false }
}

fn window(asked: &Asked) -> (String, String) {
    (asked.query("from").unwrap(), asked.query("to").unwrap())
}

#[test]
fn windows_are_in_utc_and_a_killed_fetch_resumes_in_the_same_one() {
    let (_, mock, settings) = world((0..10).map(|key| row(key, NOW - 100)), 3);
    let (mut net, mut bank) = (Loopback::at(NOW), Bank::default());
    fetch_killed("ncmec", &settings, &mut net, &mut bank, 2, false).unwrap();
    net.now_s += 3_600;
    fetch("ncmec", &settings, &mut net, &mut bank).unwrap();
    let asked = mock.asked();
    let first = ("1970-01-01T00:00:00Z".to_owned(), "2023-11-14T22:13:20Z".to_owned());
    let starts: Vec<_> =
        asked.iter().filter(|one| window(one) == first).map(|one| one.query("start")).collect();
    let want = [None, Some("4".to_owned()), Some("7".to_owned()), Some("10".to_owned())];
    assert_eq!(starts, want, "no page twice, and the window as it was");
    // Only then what came after it.
    assert_eq!(window(&asked[4]), ("2023-11-14T22:13:15Z".to_owned(), "2023-11-14T23:13:20Z".to_owned()));
    assert_eq!((asked.len(), bank.entries.len()), (5, 10));
}

#[test]
fn a_second_with_many_pages_is_read_through() {
    let (_, mock, settings) = world((0..500).map(|key| row(key, NOW - 50)), 1);
    let (mut net, mut bank) = (Loopback::at(NOW), Bank::default());
    fetch("ncmec", &settings, &mut net, &mut bank).unwrap();
    assert_eq!((bank.entries.len(), mock.asked().len()), (500, 500));
}

#[test]
fn a_page_address_that_has_expired_begins_its_window_anew() {
    // By age, without asking for it.
    let (_, mock, settings) = world((0..10).map(|key| row(key, NOW - 100)), 3);
    let (mut net, mut bank) = (Loopback::at(NOW), Bank::default());
    fetch_killed("ncmec", &settings, &mut net, &mut bank, 2, false).unwrap();
    mock.asked();
    net.now_s += 13 * 3_600;
    fetch("ncmec", &settings, &mut net, &mut bank).unwrap();
    let asked = mock.asked();
    assert_eq!((asked[0].query("start"), window(&asked[0]).1.as_str()), (None, "2023-11-14T22:13:20Z"));
    assert_eq!(bank.entries.len(), 10);
    // By the service's word.
    let (_, mock, settings) = world((0..10).map(|key| row(key, NOW - 100)), 3);
    let (mut net, mut bank) = (Loopback::at(NOW), Bank::default());
    mock.plan([Fault::Pass, Fault::Status(404, None)]);
    fetch("ncmec", &settings, &mut net, &mut bank).unwrap();
    let starts: Vec<_> = mock.asked().iter().map(|one| one.query("start")).collect();
    assert_eq!(starts[..3], [None, Some("4".to_owned()), None]);
    assert_eq!(bank.entries.len(), 10);
}

#[test]
fn a_window_that_the_service_cannot_open_is_made_smaller() {
    let rows: Vec<Row> = (0..40).map(|key| row(key, NOW - i64::from(key) * 20_000_000)).collect();
    let (_, mock, settings) = world(rows, 100);
    let (mut net, mut bank) = (Loopback::at(NOW), Bank::default());
    mock.plan(vec![Fault::Status(504, None); 5]);
    let pages = fetch("ncmec", &settings, &mut net, &mut bank).unwrap();
    assert_eq!(bank.entries.len(), 40);
    assert!(pages.len() > 3 && pages.len() < 40, "windows grow again: {}", pages.len());
    assert!(pages.iter().all(|page| matches!(page.listing, Listing::Whole { .. })));
}

#[test]
fn a_clock_that_runs_ahead_of_the_service_loses_nothing() {
    let (rows, _, settings) = world([row(1, NOW - 100)], 10);
    let inner = Arc::new(Mutex::new(Service::Ncmec.answer(rows.clone(), 10)));
    // The service's clock says NOW, whatever ours says.
    let date = Arc::new(Mutex::new("Tue, 14 Nov 2023 22:13:20 GMT".to_owned()));
    let told = date.clone();
    let mock =
        Mock::start(move |asked| (inner.lock().unwrap())(asked).with("Date", told.lock().unwrap().clone()));
    let settings = Settings { base_url: Some(mock.url("/hashsharing")), ..settings };
    let (mut net, mut bank) = (Loopback::at(NOW + 7_200), Bank::default());
    fetch("ncmec", &settings, &mut net, &mut bank).unwrap();
    // Written after our first fetch, with a time that our clock had passed already.
    rows.lock().unwrap().push(row(2, NOW + 600));
    "Tue, 14 Nov 2023 22:33:20 GMT".clone_into(&mut date.lock().unwrap());
    net.now_s += 1_200;
    fetch("ncmec", &settings, &mut net, &mut bank).unwrap();
    assert_eq!(bank.entries.len(), 2);
}

#[test]
fn a_clock_that_is_set_back_ends_nothing() {
    let (rows, _mock, settings) = world([row(1, NOW - 100)], 10);
    let (mut net, mut bank) = (Loopback::at(NOW + 86_400), Bank::default());
    fetch("ncmec", &settings, &mut net, &mut bank).unwrap();
    net.now_s = NOW + 60;
    rows.lock().unwrap().push(row(2, NOW + 58));
    fetch("ncmec", &settings, &mut net, &mut bank).unwrap();
    assert_eq!(bank.entries.len(), 2);
}

#[test]
fn pages_that_lead_in_a_circle_end_the_fetch() {
    for next in ["/v2/entries?start=1", "https://elsewhere.test/hashsharing/v2/entries?start=1"] {
        let next = format!("<paging><next>{next}</next></paging>");
        let mock = Mock::start(move |_| Reply::ok(document(&next)));
        let settings = settings(mock.url("/hashsharing"), &json!({}));
        let (mut net, mut bank) = (Loopback::at(NOW), Bank::default());
        let error = fetch("ncmec", &settings, &mut net, &mut bank).unwrap_err();
        assert!(matches!(error, ClientError::Protocol(_)), "{error}");
        assert_eq!(mock.asked().len(), 2, "the second page names itself");
        assert_eq!(bank.entries.len(), 2, "what was read stays");
    }
}

#[test]
fn a_document_with_entities_is_refused() {
    let mock = Mock::start(|_| {
        let bomb = "<!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]>";
        Reply::ok(document("").replacen("?>", &format!("?>{bomb}"), 1).replace("image1", "&b;"))
    });
    let settings = settings(mock.url("/hashsharing"), &json!({}));
    let error = fetch("ncmec", &settings, &mut Loopback::at(NOW), &mut Bank::default()).unwrap_err();
    assert_eq!(error, ClientError::Protocol("XML with a document type".to_owned()));
}

/// Answers as NCMEC does to who asks who it is, who else is there, and for what reasons.
fn desk(asked: &Asked) -> Reply {
    let namespace = "xmlns=\"https://hashsharing.ncmec.org/hashsharing/v2\"";
    match (asked.method.as_str(), asked.path()) {
        ("GET", "/hashsharing/v2/status") => Reply::ok(format!(
            "<?xml version=\"1.0\"?><status {namespace}><ipAddress>127.0.0.1</ipAddress><username>testington</username>\
             <member id=\"1\">Sir Testington</member></status>"
        )),
        ("GET", "/hashsharing/v2/members") => Reply::ok(format!(
            "<members {namespace}><member id=\"1\">Sir Testington</member><member id=\"42\">B</member></members>"
        )),
        ("GET", "/hashsharing/v2/feedback/SHA1/reasons") => Reply::ok(format!(
            "<availableFeedbackReasons {namespace}><reason guid=\"01234567-abcd-0123-4567-012345678900\" \
             name=\"Example Reason 1\" type=\"Sha1\"/></availableFeedbackReasons>"
        )),
        ("PUT", _) => Reply::ok(format!("<submissionResult {namespace}/>")),
        _ => Reply::status(404),
    }
}

#[test]
fn members_and_reasons_are_asked_for() {
    let mock = Mock::start(desk);
    let settings = settings(mock.url("/hashsharing"), &json!({}));
    let net = &mut Loopback::at(NOW);
    assert_eq!(ncmec::status(&settings, net).unwrap().name, "Sir Testington");
    let members: Vec<u64> = ncmec::members(&settings, net).unwrap().iter().map(|member| member.id).collect();
    assert_eq!(members, [1, 42]);
    let reasons = ncmec::reasons(&settings, net, SignalType::Sha1).unwrap();
    assert_eq!((reasons.len(), reasons[0].guid.as_str()), (1, "01234567-abcd-0123-4567-012345678900"));
    assert!(matches!(ncmec::reasons(&settings, net, SignalType::Url), Err(ClientError::Settings(_))));
}

#[test]
fn a_vote_is_put_for_each_fingerprint_that_is_meant() {
    let (bank, _) = fetched(&json!({}));
    let entry = bank.entry("42-image1");
    let mock = Mock::start(desk);
    let settings = settings(mock.url("/hashsharing"), &json!({}));
    let net = &mut Loopback::at(NOW);
    let affirm = Vote { entry, says: Says::Confirm, signal: None, reasons: &[], tags: &[] };
    // A vote may be sent twice: it is put.
    mock.plan([Fault::Close]);
    assert_eq!(vote("ncmec", &settings, net, &affirm), Ok(4));
    let asked = mock.asked();
    let targets: Vec<_> = asked.iter().map(|one| one.target.as_str()).collect();
    let target = |name: &str| format!("/hashsharing/v2/entries/42/image1/{name}/feedback");
    assert_eq!(targets, ["PDQ", "PDQ", "MD5", "SHA1", "PDNA"].map(target));
    let body = String::from_utf8(asked[1].body.clone()).unwrap();
    assert_eq!(
        body,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<feedbackSubmission \
         xmlns=\"https://hashsharing.ncmec.org/hashsharing/v2\"><affirmative/></feedbackSubmission>"
    );
    assert_eq!(asked[1].header("Content-Type"), Some("text/xml; charset=utf-8"));
    let reasons = ["01234567-abcd-0123-4567-012345678900".to_owned()];
    let sha1 = Some(SignalType::Sha1);
    let negative = Vote { says: Says::Dispute, signal: sha1, reasons: &reasons, ..affirm };
    assert_eq!(vote("ncmec", &settings, net, &negative), Ok(1));
    let asked = mock.asked();
    assert_eq!((asked[0].method.as_str(), asked[0].target.as_str()), ("PUT", target("SHA1").as_str()));
    let body = String::from_utf8(asked[0].body.clone()).unwrap();
    assert!(body.contains(
        "<negative><reasonIds><guid>01234567-abcd-0123-4567-012345678900</guid></reasonIds></negative>"
    ));
    for wrong in [
        Vote { reasons: &[], ..negative },
        Vote { reasons: &["</guid>".to_owned()], ..negative },
        Vote { signal: Some(SignalType::Sha256), ..affirm },
    ] {
        assert!(matches!(vote("ncmec", &settings, net, &wrong), Err(ClientError::Settings(_))));
    }
    assert!(mock.asked().is_empty(), "nothing is sent of a vote that lacks something");
}
