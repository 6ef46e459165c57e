//! The four list services as they speak, over a list of rows that a test changes.
//!
//! *Source:* the shapes of facebook/ThreatExchange's clients and their tests; all values are synthetic.

use std::sync::{Arc, Mutex};

use lodestone_types::{Signal, SignalType};
use serde_json::json;

use super::{Asked, Reply};

/// A version of an entry, or its withdrawal.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    pub(crate) key: u32,
    pub(crate) at_s: i64,
    pub(crate) version: u32,
    pub(crate) is_withdrawn: bool,
}

/// What a service holds; rows in the order in which it tells them.
pub(crate) type World = Arc<Mutex<Vec<Row>>>;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Service {
    Ncmec,
    StopNcii,
    ThreatExchange,
    Tat,
}

impl Service {
    pub(crate) const ALL: [Self; 4] = [Self::Ncmec, Self::StopNcii, Self::ThreatExchange, Self::Tat];

    pub(crate) fn api(self) -> &'static str {
        match self {
            Self::Ncmec => "ncmec",
            Self::StopNcii => "stop_ncii",
            Self::ThreatExchange => "fb_threatexchange",
            Self::Tat => "tat",
        }
    }

    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Ncmec => "/hashsharing",
            Self::StopNcii => "/v1",
            Self::ThreatExchange => "/v21.0",
            Self::Tat => "",
        }
    }

    /// The exchange's own id of a key.
    pub(crate) fn id(self, key: u32) -> String {
        match self {
            Self::Ncmec => format!("{}-image{key}", 40 + key % 3),
            Self::StopNcii => format!("pdq:{}", pdq(key)),
            Self::ThreatExchange => format!("9{key:09}"),
            Self::Tat => format!("{key}"),
        }
    }

    /// The word that a version is told by.
    pub(crate) fn word(entry: &lodestone_types::ListEntry) -> String {
        entry
            .classification
            .clone()
            .filter(|word| word.starts_with('v'))
            .unwrap_or_else(|| entry.tags.join(","))
    }

    /// Answers from a world, so many rows a page.
    pub(crate) fn answer(self, world: World, size: usize) -> impl FnMut(&Asked) -> Reply + Send + 'static {
        move |asked| {
            let rows = world.lock().unwrap().clone();
            match self {
                Self::Ncmec => ncmec(asked, &rows, size),
                Self::StopNcii => stop_ncii(asked, &rows, size),
                Self::ThreatExchange => threatexchange(asked, &rows, size),
                Self::Tat => tat(asked, &rows, size),
            }
        }
    }
}

pub(crate) fn pdq(key: u32) -> String {
    format!("{:08x}", key + 1).repeat(8)
}

/// The signal of a key.
pub(crate) fn signal(key: u32) -> Signal {
    Signal::parse(SignalType::Pdq, &pdq(key)).unwrap()
}

fn page<'r>(rows: &[&'r Row], start: usize, size: usize) -> (Vec<&'r Row>, bool) {
    let end = (start + size).min(rows.len());
    (rows.get(start..end).unwrap_or_default().to_vec(), end < rows.len())
}

/// Days since 1970 by counting, on purpose another way than the client's.
pub(crate) fn iso(at_s: i64) -> String {
    let (mut days, second) = (at_s / 86_400, at_s % 86_400);
    let mut year = 1970;
    let leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    while days >= 365 + i64::from(leap(year)) {
        days -= 365 + i64::from(leap(year));
        year += 1;
    }
    let mut month = 1;
    for length in [31, 28 + i64::from(leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    format!(
        "{year:04}-{month:02}-{:02}T{:02}:{:02}:{:02}Z",
        days + 1,
        second / 3600,
        second / 60 % 60,
        second % 60
    )
}

fn ncmec(asked: &Asked, rows: &[Row], size: usize) -> Reply {
    if asked.header("Authorization") != Some("Basic dGVzdGVyOmdlaGVpbQ==") {
        return Reply::status(401);
    }
    assert_eq!(asked.path(), "/hashsharing/v2/entries");
    let (from, to) = (asked.query("from").unwrap(), asked.query("to").unwrap());
    let fits = |text: &str| text.len() == 20 && text.ends_with('Z') && text.as_bytes()[10] == b'T';
    assert!(fits(&from) && fits(&to), "{from} {to}");
    // Texts of this shape sort as their times do.
    let within = rows.iter().filter(|row| (from.as_str()..=to.as_str()).contains(&iso(row.at_s).as_str()));
    let within: Vec<&Row> = within.collect();
    let start: usize = asked.query("start").map_or(0, |text| text.parse::<usize>().unwrap() - 1);
    let (some, has_more) = page(&within, start, size);
    let mut images = String::new();
    for row in &some {
        let (member, at) = (40 + row.key % 3, iso(row.at_s));
        images += &match row.is_withdrawn {
            true => format!(
                "<deletedImage><member id=\"{member}\">M</member><id>image{}</id><timestamp>{at}</timestamp></deletedImage>",
                row.key
            ),
            false => format!(
                "<image><member id=\"{member}\">M</member><timestamp>{at}</timestamp><id>image{}</id>\
                 <classification>v{}</classification><fingerprints><md5/><pdq>{}</pdq></fingerprints></image>",
                row.key,
                row.version,
                pdq(row.key)
            ),
        };
    }
    let next = match has_more {
        true => format!(
            "<paging><next>/v2/entries?from={from}&amp;to={to}&amp;start={}&amp;size={size}&amp;max={}</next></paging>",
            start + size + 1,
            within.len()
        )
        .replace(':', "%3A"),
        false => String::new(),
    };
    let count = some.len();
    Reply::ok(format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?><queryResult \
         xmlns=\"https://hashsharing.ncmec.org/hashsharing/v2\"><images count=\"{count}\" \
         maxTimestamp=\"2017-10-24T15:10:00Z\">{images}</images>{next}</queryResult>"
    ))
}

fn stop_ncii(asked: &Asked, rows: &[Row], size: usize) -> Reply {
    let keys = (asked.header("x-functions-key"), asked.header("Ocp-Apim-Subscription-Key"));
    if keys != (Some("fetch-key"), Some("subscription")) {
        return Reply::status(401);
    }
    assert_eq!(asked.path(), "/v1/FetchHashes");
    let since: i64 = asked.query("startTimestamp").unwrap().parse().unwrap();
    let since_rows: Vec<&Row> = rows.iter().filter(|row| row.at_s >= since).collect();
    let start: usize =
        asked.query("nextPageToken").map_or(0, |token| token.strip_prefix("t+/=").unwrap().parse().unwrap());
    let (some, has_more) = page(&since_rows, start, size);
    let records: Vec<_> = some
        .iter()
        .map(|row| {
            json!({
                "lastModtimestamp": row.at_s, "signalType": "ImagePDQ", "hashValue": pdq(row.key),
                "hashStatus": if row.is_withdrawn { "Withdrawn" } else { "Active" }, "caseNumbers": [],
                "CSPFeedbacks": [
                    { "source": "Example", "feedbackValue": "Blocked", "tags": [format!("v{}", row.version)] }
                ],
            })
        })
        .collect();
    let latest = since_rows.iter().map(|row| row.at_s).max().unwrap_or(since);
    Reply::json(&json!({
        "count": records.len(), "hashRecords": records, "hasMoreRecords": has_more, "nextSetTimestamp": latest,
        "nextPageToken": if has_more { Some(format!("t+/={}", start + size)) } else { None },
    }))
}

fn threatexchange(asked: &Asked, rows: &[Row], size: usize) -> Reply {
    if asked.query("access_token").as_deref() != Some("123456789|secret-secret-secret") {
        return Reply::status(401);
    }
    assert_eq!(asked.path(), "/v21.0/77/threat_updates/");
    let since: i64 = asked.query("start_time").map_or(0, |text| text.parse().unwrap());
    let since_rows: Vec<&Row> = rows.iter().filter(|row| row.at_s >= since).collect();
    let start: usize = asked.query("after").map_or(0, |text| text.parse().unwrap());
    let (some, has_more) = page(&since_rows, start, size);
    let data: Vec<_> = some
        .iter()
        .map(|row| {
            let id = Service::ThreatExchange.id(row.key);
            let mut record = json!({
                "id": id, "indicator": pdq(row.key), "type": "HASH_PDQ", "last_updated": row.at_s,
                "should_delete": row.is_withdrawn,
            });
            if !row.is_withdrawn {
                record["descriptors"] = json!({ "data": [{
                    "id": format!("1{id}"), "owner": { "id": "171" }, "status": "MALICIOUS",
                    "tags": { "data": [{ "id": "1", "text": format!("v{}", row.version) }] },
                }] });
            }
            record
        })
        .collect();
    let mut answer = json!({ "data": data });
    if has_more {
        // Graph's next page is a whole URL, with the token in it.
        answer["paging"] = json!({ "cursors": { "after": "x" }, "next": format!(
            "https://graph.facebook.com/v21.0/77/threat_updates/?access_token=123456789%7Csecret-secret-secret&start_time={since}&after={}",
            start + size
        ) });
    }
    Reply::json(&answer)
}

fn tat(asked: &Asked, rows: &[Row], size: usize) -> Reply {
    if asked.path() == "/token-auth/tcap/" {
        assert_eq!(String::from_utf8_lossy(&asked.body), "username=tester&password=geheim&resend=False");
        return Reply::json(&json!({ "user": {}, "token": "eyJ.mock.token" }));
    }
    if asked.header("Authorization") != Some("Bearer eyJ.mock.token") {
        return Reply::status(401);
    }
    assert_eq!(asked.path(), "/api/hash-list/v2/all");
    assert_eq!(asked.query("order").as_deref(), Some("asc"));
    let after = asked.query("after").unwrap();
    let after: (i64, u32) = match after.split_once(',') {
        None => (0, 0),
        Some((at, id)) => (at.parse().unwrap(), id.parse().unwrap()),
    };
    let mut later: Vec<&Row> = rows.iter().filter(|row| (row.at_s, row.key) > after).collect();
    later.sort_by_key(|row| (row.at_s, row.key));
    let (some, has_more) = page(&later, 0, size);
    let results: Vec<_> = some
        .iter()
        .map(|row| {
            json!({
                "hash_digest": pdq(row.key), "algorithm": "PDQ", "ideology": format!("v{}", row.version),
                "file_type": "jpg", "deleted": row.is_withdrawn, "updated_on": row.at_s as f64, "id": row.key,
                "created_on": "2025-03-03 23:05:22,587",
            })
        })
        .collect();
    let checkpoint = some.last().map(|row| format!("{},{}", row.at_s, row.key));
    Reply::json(&json!({
        "count": rows.len(), "next": has_more.then_some("https://app.test/next"), "previous": null,
        "checkpoint": checkpoint, "results": results,
    }))
}
