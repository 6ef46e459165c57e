//! Mutated answers: never a panic, never a value in a text, never an entry without an id.

use std::time::Duration;

use lodestone_exchange::client::{self, Request, Response, SendError, Transport, What};
use proptest::prelude::*;
use serde_json::json;

use crate::mock::services::Service;
use crate::mock::{NOW, settings};
use crate::value;

/// Answers every request with the same bytes.
struct Canned(Vec<u8>);

impl Transport for Canned {
    fn send(&mut self, request: &Request) -> Result<Response, SendError> {
        let is_token = request.url.ends_with("/token-auth/tcap/");
        let body = if is_token { b"{\"token\":\"t\"}".to_vec() } else { self.0.clone() };
        Ok(Response { status: 200, headers: Vec::new(), body: Box::new(std::io::Cursor::new(body)) })
    }

    fn now_s(&self) -> i64 {
        NOW
    }

    fn wait(&mut self, _: Duration) -> bool {
        false
    }

    fn random(&mut self) -> u64 {
        0
    }
}

fn seed(service: Service) -> String {
    let (md5, pdq) = (value(1, 32), value(2, 64));
    match service {
        Service::Ncmec => format!(
            "<?xml version=\"1.0\"?><queryResult xmlns=\"u\"><images count=\"1\" maxTimestamp=\"2017-10-24T15:10:00Z\"><image>\
             <member id=\"42\">M &amp; N</member><timestamp>2017-10-24T15:00:00Z</timestamp><id>i1</id><classification>A1\
             </classification><fingerprints><md5>{md5}</md5><pdq>{pdq}</pdq><tmk-pdqf href=\"/x\"/></fingerprints><feedback>\
             <negativeFeedback type=\"Md5\"><reasons><reason guid=\"1\" name=\"N\"/><members timestamp=\"2023-06-01T12:48:14Z\">\
             <member id=\"1\"/></members></reasons></negativeFeedback></feedback></image><deletedImage><member id=\"1\"/><id>2</id>\
             </deletedImage></images><paging><next>/v2/entries?start=2&amp;max=3</next></paging></queryResult>"
        ),
        Service::StopNcii => json!({
            "count": 1, "nextSetTimestamp": 1, "nextPageToken": "t", "hasMoreRecords": true, "hashRecords": [
                { "lastModtimestamp": 1, "signalType": "ImagePDQ", "hashValue": pdq, "hashStatus": "Active",
                  "caseNumbers": { "c": "Active" }, "hashRegions": ["UK"],
                  "CSPFeedbacks": [{ "source": "S", "feedbackValue": "Blocked", "tags": ["t"] }] },
                { "signalType": "VideoMD5", "hashValue": md5, "hashStatus": "Withdrawn" },
            ],
        })
        .to_string(),
        Service::ThreatExchange => json!({
            "data": [
                { "id": "1", "indicator": pdq, "type": "HASH_PDQ", "last_updated": 1, "should_delete": false, "descriptors":
                  { "data": [{ "id": "2", "owner": { "id": "3" }, "status": "MALICIOUS", "tags": { "data": [{ "text": "t" }] },
                    "reactions": [{ "key": "HELPFUL", "value": "4,5" }] }] } },
                { "id": "6", "should_delete": true },
            ],
            "paging": { "next": "https://graph.test/v21.0/77/threat_updates/?access_token=x&after=1" },
        })
        .to_string(),
        Service::Tat => json!({
            "count": 1, "next": "more", "previous": null, "checkpoint": "1.5,1", "results": [
                { "hash_digest": md5, "algorithm": "MD5", "ideology": "far-right", "file_type": "mp4", "deleted": false,
                  "updated_on": 1.5, "id": 1 },
                { "id": 2, "deleted": true },
            ],
        })
        .to_string(),
    }
}

fn survives(service: Service, body: Vec<u8>) -> usize {
    let settings = settings("http://127.0.0.1:9".to_owned(), &json!({ "privacy_group": 77 }));
    let mut net = Canned(body);
    let mut client = client::open(service.api(), &settings, None).unwrap();
    let mut entries = 0;
    // The same page again and again: whatever it says, that ends.
    for _ in 0..2_000 {
        match client.next_page(&mut net) {
            Ok(Some(page)) => {
                let kept = client::Checkpoint::from_value(page.checkpoint.as_value().clone());
                assert!(client::open(service.api(), &settings, Some(&kept)).is_ok());
                for change in &page.changes {
                    assert!(!change.key.is_empty());
                    if let What::Upsert(listed) = &change.what {
                        assert!(!listed.entry.signals.is_empty() && listed.entry.entry == change.key);
                        entries += 1;
                    }
                }
                for reject in &page.rejects {
                    assert!(!reject.reason.contains(&value(1, 16)) && !reject.reason.contains(&value(2, 16)));
                }
            }
            Ok(None) => return entries,
            Err(error) => {
                let text = error.to_string();
                assert!(!text.contains(&value(1, 16)) && !text.contains(&value(2, 16)), "{text}");
                return entries;
            }
        }
    }
    panic!("{service:?}: pages without end");
}

#[test]
fn every_answer_is_read_and_survives_every_cut() {
    for service in Service::ALL {
        let whole = seed(service).into_bytes();
        assert!(survives(service, whole.clone()) > 0, "{service:?}");
        for end in 0..whole.len() {
            assert_eq!(survives(service, whole[..end].to_vec()), 0, "{service:?} {end}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn mutated_answers_survive(
        which in 0usize..4,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0usize..4), 1..8),
    ) {
        let service = Service::ALL[which];
        let mut body = seed(service).into_bytes();
        for (at, byte, how) in changes {
            let at = at.index(body.len());
            match how {
                0 => body[at] = byte,
                1 => body.insert(at, byte),
                2 => {
                    body.remove(at);
                }
                _ => {
                    let end = (at + usize::from(byte)).min(body.len());
                    let copied = body[at..end].to_vec();
                    body.splice(at..at, copied);
                }
            }
        }
        survives(service, body);
    }
}
