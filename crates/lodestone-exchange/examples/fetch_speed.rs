//! How fast pages become changes: a million entries of NCMEC's XML, of ThreatExchange's and of StopNCII's JSON, read on
//! one core from pages that lie in memory. All values are synthetic.
//!
//! ```text
//! cargo run --release -p lodestone-exchange --features net --example fetch_speed [ENTRIES]
//! ```
#![allow(clippy::print_stdout, clippy::unwrap_used)]

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use lodestone_exchange::client::{self, Request, Response, SendError, Settings, Transport};
use serde_json::json;

/// Bodies that are rendered; they are sent round and round, with another next page each time.
const BODIES: usize = 16;
/// Where the number of the next page is written.
const MARK: &str = "NEXT000000";

/// Seconds that this process was on a core, where the system tells it: other work on the machine does not count.
fn core_s() -> Option<f64> {
    let told = std::fs::read_to_string("/proc/self/schedstat").ok()?;
    Some(told.split(' ').next()?.parse::<f64>().ok()? / 1e9)
}

/// Sends prepared bodies.
struct Pages {
    bodies: Vec<Vec<u8>>,
    last: Vec<u8>,
    sent: usize,
    pages: usize,
    bytes: u64,
}

impl Transport for Pages {
    fn send(&mut self, _: &Request) -> Result<Response, SendError> {
        self.sent += 1;
        let body = if self.sent == self.pages {
            self.last.clone()
        } else {
            let mut body = self.bodies[self.sent % BODIES].clone();
            let mark = body.windows(MARK.len()).rposition(|bytes| bytes == MARK.as_bytes()).unwrap();
            body[mark..mark + MARK.len()].copy_from_slice(format!("{:010}", self.sent).as_bytes());
            body
        };
        self.bytes += body.len() as u64;
        Ok(Response { status: 200, headers: Vec::new(), body: Box::new(std::io::Cursor::new(body)) })
    }

    fn now_s(&self) -> i64 {
        1_700_000_000
    }

    fn wait(&mut self, _: Duration) -> bool {
        false
    }

    fn random(&mut self) -> u64 {
        0
    }
}

/// Hexadecimal digits without meaning.
fn value(seed: u64, digits: usize) -> String {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut text = String::new();
    while text.len() < digits {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        write!(text, "{:08x}", state >> 32).unwrap();
    }
    text.truncate(digits);
    text
}

fn ncmec(page: u64, rows: u64, has_next: bool) -> Vec<u8> {
    let mut body = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n<queryResult \
                    xmlns=\"https://hashsharing.ncmec.org/hashsharing/v2\">\n<images count=\"1000\" \
                    maxTimestamp=\"2023-10-24T15:10:00Z\">\n"
        .to_owned();
    for row in 0..rows {
        let n = page * rows + row;
        let (md5, sha1, pdq, pdna) = (value(n, 32), value(n + 1, 40), value(n + 2, 64), value(n + 3, 288));
        write!(
            body,
            "<image>\n  <member id=\"{}\">Example Member</member>\n  <timestamp>2023-10-24T15:00:00Z</timestamp>\n  \
             <id>image{n}</id>\n  <classification>A1</classification>\n  <fingerprints>\n    <md5>{md5}</md5>\n    \
             <sha1>{sha1}</sha1>\n    <pdq>{pdq}</pdq>\n    <pdna>{pdna}</pdna>\n  </fingerprints>\n",
            n % 7
        )
        .unwrap();
        if n.is_multiple_of(5) {
            body += "  <feedback lastUpdateTimestamp=\"2023-06-01T12:48:14Z\"><affirmativeFeedback type=\"Md5\" \
                     lastUpdateTimestamp=\"2023-06-01T12:48:14Z\"><members timestamp=\"2023-06-01T12:48:14Z\"><member \
                     id=\"42\">Example Member</member></members></affirmativeFeedback></feedback>\n";
        }
        body += "</image>\n";
    }
    body += "</images>\n";
    if has_next {
        write!(
            body,
            "<paging><next>/v2/entries?from=a&amp;to=b&amp;start={MARK}&amp;size=1000</next></paging>"
        )
        .unwrap();
    }
    body += "</queryResult>";
    body.into_bytes()
}

fn threatexchange(page: u64, rows: u64, has_next: bool) -> Vec<u8> {
    let record = |row: u64| {
        let n = page * rows + row;
        json!({
            "id": n.to_string(), "indicator": value(n, 64), "type": "HASH_PDQ", "last_updated": 1_690_000_000 + n,
            "should_delete": false,
            "descriptors": { "data": [{
                "id": (n + 1).to_string(), "owner": { "id": "171" }, "status": "MALICIOUS",
                "tags": { "data": [{ "id": "1", "text": "media_type_photo" }, { "id": "2", "text": "synthetic" }] },
                "reactions": [{ "key": "HELPFUL", "value": "5,6" }],
            }] },
        })
    };
    let data: Vec<_> = (0..rows).map(record).collect();
    let mut body = json!({ "data": data });
    if has_next {
        body["paging"] =
            json!({ "next": format!("https://graph.test/v21.0/1/threat_updates/?after={MARK}") });
    }
    body.to_string().into_bytes()
}

fn stop_ncii(page: u64, rows: u64, has_next: bool) -> Vec<u8> {
    let record = |row: u64| {
        let n = page * rows + row;
        json!({
            "lastModtimestamp": 1_690_000_000 + n, "hashValue": value(n, 64), "hashStatus": "Active",
            "signalType": "ImagePDQ", "caseNumbers": { "00000000-0000-0000-0000-000000000000": "Active" },
            "CSPFeedbacks": [{ "source": "Example", "feedbackValue": "Blocked", "tags": ["a", "b"] }],
        })
    };
    let records: Vec<_> = (0..rows).map(record).collect();
    let body = json!({
        "count": rows, "nextSetTimestamp": 1_690_000_000, "hasMoreRecords": has_next, "hashRecords": records,
        "nextPageToken": if has_next { MARK } else { "" },
    });
    body.to_string().into_bytes()
}

fn main() {
    let entries: u64 = std::env::args().nth(1).map_or(1_000_000, |text| text.parse().unwrap());
    let credentials = json!({
        "user": "u", "password": "p", "api_token": "1|x", "privacy_group": 1, "fetch_function_key": "k",
        "subscription_key": "k",
    });
    let settings = Settings {
        credentials: credentials.as_object().unwrap().clone(),
        base_url: Some("https://exchange.test".to_owned()),
        ..Settings::default()
    };
    type Render = fn(u64, u64, bool) -> Vec<u8>;
    let services: [(&str, u64, Render); 3] =
        [("ncmec", 1000, ncmec), ("fb_threatexchange", 500, threatexchange), ("stop_ncii", 800, stop_ncii)];
    for (api, rows, render) in services {
        let mut pages = Pages {
            bodies: (0..BODIES as u64).map(|page| render(page, rows, true)).collect(),
            last: render(99, rows, false),
            sent: 0,
            pages: usize::try_from(entries.div_ceil(rows)).unwrap(),
            bytes: 0,
        };
        let mut client = client::open(api, &settings, None).unwrap();
        let (start, core, mut changes, mut signals) = (Instant::now(), core_s(), 0u64, 0u64);
        while let Some(page) = client.next_page(&mut pages).unwrap() {
            assert_eq!(page.counts.rejected, 0);
            for change in &page.changes {
                changes += 1;
                if let client::What::Upsert(listed) = &change.what {
                    signals += listed.entry.signals.len() as u64;
                }
            }
            // What whoever applies the page would write along.
            std::hint::black_box(page.checkpoint.as_value().to_string());
        }
        let wall_s = start.elapsed().as_secs_f64();
        let core_s = core_s().zip(core).map_or(wall_s, |(after, before)| after - before);
        println!(
            "{api}: {changes} entries, {signals} signals, {} MB: {core_s:.2} s of a core, {wall_s:.2} s in all; {:.0} \
             entries a second of a core",
            pages.bytes / 1_000_000,
            changes as f64 / core_s
        );
    }
}
