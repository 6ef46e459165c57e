//! VICS documents: hash sets and cases, old and new, whole and cut short.

use std::io::Read;

use lodestone_exchange::format::{ListFormat, ListWriter, ReadOptions, WriteOptions, open};
use lodestone_types::{RejectKind, SignalType};
use serde_json::{Value, json};

use crate::{read, rows, value};

fn medium(id: u64) -> Value {
    json!({
        "MediaID": id,
        "Category": 2,
        "MD5": value(id as u8, 32).to_uppercase(),
        "SHA1": value(id as u8, 40).to_uppercase(),
        "MediaSize": "12345",
        "VictimIdentified": "true",
        "IsDistributed": false,
        "Series": null,
        "Tags": "one, two",
        "AlternativeHashes": [
            { "HashName": "PDQ", "HashValue": value(id as u8, 64), "MD5": value(id as u8, 32) },
            { "HashName": "FancyHash", "HashValue": "??" }
        ],
        "Exifs": [{ "PropertyName": "Make", "PropertyValue": "Caméra \"X\"\\" }],
        "Weight": 0.1
    })
}

fn set(root: &str, value: &Value) -> String {
    let name = if root.contains("2.0") { "@odata.context" } else { "odata.metadata" };
    format!("\u{feff}{{\"{name}\":\"{root}\",\n \"value\": {value}}}")
}

const V1: &str = "http://github.com/ICMEC/ProjectVic/DataModels/1.3.xml#Media";
const V2: &str = "http://github.com/VICSDATAMODEL/ProjectVic/DataModels/2.0.xml/US/$metadata#Media";

#[test]
fn a_hash_set_of_each_version_gives_ids_categories_and_all_known_hashes() {
    for root in [V1, V2, "http://github.com/ICMEC/ProjectVic/DataModels/1.2.xml#Media"] {
        let (format, rows) = rows(&set(root, &json!([medium(7), medium(8)])), None);
        assert_eq!(format, ListFormat::Vics);
        let entry = rows[0].as_ref().unwrap();
        assert_eq!((entry.entry.as_str(), entry.line), ("7", 1));
        assert_eq!(entry.classification.as_deref(), Some("2"));
        assert_eq!(entry.tags, ["one", "two"]);
        let kinds: Vec<_> = entry.signals.iter().map(|signal| signal.kind()).collect();
        assert_eq!(kinds, [SignalType::Md5, SignalType::Sha1, SignalType::Pdq]);
        assert_eq!(rows.len(), 2);
    }
}

#[test]
fn category_zero_is_a_value_and_null_is_none() {
    let list = json!([
        { "MediaID": 1, "Category": 0, "MD5": value(1, 32) },
        { "MediaID": 2, "Category": null, "MD5": value(2, 32), "SHA1": "" },
        { "Category": "A1", "MD5": value(3, 32), "SHA1": null }
    ]);
    let (_, rows) = rows(&set(V2, &list), None);
    let classes: Vec<_> = rows.iter().map(|row| row.as_ref().unwrap().classification.as_deref()).collect();
    assert_eq!(classes, [Some("0"), None, Some("A1")]);
    assert_eq!(rows[2].as_ref().unwrap().entry, "3", "a medium without an id is its record number");
}

#[test]
fn a_case_is_read_through_its_media_wherever_the_members_stand() {
    let case = format!(
        "{{\"value\":[{{\"CaseID\":\"c1\",\"Media\":[{},{}],\"CaseNumber\":\"n\"}},{{\"Media\":[]}},{{\"Media\":[{}]}}],\"odata.metadata\":\"…#Cases\"}}",
        medium(1),
        medium(2),
        medium(3)
    );
    let (_, rows) = rows(&case, None);
    let places: Vec<_> =
        rows.iter().map(|row| row.as_ref().unwrap()).map(|row| (row.entry.clone(), row.line)).collect();
    assert_eq!(places, [("1".into(), 1), ("2".into(), 2), ("3".into(), 3)]);
}

#[test]
fn precomputed_photodna_is_kept_as_it_is_and_other_text_is_carried() {
    let hex = value(3, 288);
    let list = json!([
        { "MediaID": 1, "MD5": value(1, 32), "PhotoDNA": hex },
        { "MediaID": 2, "MD5": value(2, 32), "PhotoDNA": "a vendor's own text" }
    ]);
    let (_, rows) = rows(&set(V2, &list), None);
    assert_eq!(rows[0].as_ref().unwrap().signals[1].kind(), SignalType::Photodna);
    let second = rows[1].as_ref().unwrap();
    assert_eq!(second.signals.len(), 1);
    assert_eq!(second.extra.as_ref().unwrap()["PhotoDNA"], "a vendor's own text");
}

#[test]
fn a_set_written_again_is_value_for_value_the_one_that_was_read() {
    let odd = json!({
        "MediaID": "x-1", "Category": "3", "MD5": value(5, 32), "Tags": [{ "Name": "t" }], "SelfGenerated": "false",
        "Unknown": { "deep": [1, 2.5, null, "ü"] }, "SHA1": ""
    });
    let media = json!([medium(1), medium(2), odd]);
    let (_, rows) = rows(&set(V2, &media), None);
    let mut out = Vec::new();
    let mut writer = ListWriter::new(&mut out, ListFormat::Vics, &WriteOptions::default()).unwrap();
    for row in &rows {
        writer.entry(row.as_ref().unwrap()).unwrap();
    }
    assert_eq!(writer.finish().unwrap().entries, 3);
    let written: Value = serde_json::from_slice(&out).unwrap();
    assert_eq!(written["value"], media);
    let (_, again) = read(&out, &ReadOptions::default()).unwrap();
    assert_eq!(again, rows);
}

#[test]
fn pictures_within_a_set_are_dropped() {
    let list =
        json!([{ "MediaID": 1, "MD5": value(1, 32), "Miniature": "aGVsbG8=", "MimeType": "image/jpeg" }]);
    let (_, rows) = rows(&set(V2, &list), None);
    assert_eq!(rows[0].as_ref().unwrap().extra, Some(json!({ "MimeType": "image/jpeg" })));
}

#[test]
fn a_bad_medium_is_a_reject_with_its_record_number() {
    let list = json!([medium(1), { "MediaID": 2, "MD5": "xyz" }, 5, { "MediaID": 4 }, medium(5)]);
    let (_, rows) = rows(&set(V2, &list), None);
    let lines: Vec<_> = rows.iter().filter_map(|row| row.as_ref().err()).map(|reject| reject.line).collect();
    assert_eq!(lines, [2, 3, 4]);
    assert!(rows[4].is_ok());
}

#[test]
fn a_set_cut_short_anywhere_ends_in_a_fatal_row() {
    let whole = set(V2, &json!([medium(1), medium(2), medium(3)]));
    let whole = whole.as_bytes();
    for length in 1..whole.len() {
        let Ok(list) = open(&whole[..length], &ReadOptions::default()) else { continue };
        let rows: Vec<_> = list.entries.collect();
        let last = rows.last().unwrap().as_ref().expect_err("a cut list is never accepted");
        assert_eq!(last.kind, RejectKind::Fatal, "cut at {length}");
    }
    let doubled = [whole, &whole[3..]].concat();
    let (_, rows) = read(&doubled, &ReadOptions::default()).unwrap();
    assert_eq!(rows.last().unwrap().as_ref().unwrap_err().kind, RejectKind::Fatal, "data after the end");
}

/// A set of any size that never exists as a whole.
struct Endless {
    left: u64,
    chunk: Vec<u8>,
    at: usize,
    item: Vec<u8>,
}

impl Read for Endless {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        if self.at == self.chunk.len() {
            self.at = 0;
            self.chunk = match self.left {
                0 => return Ok(0),
                1 => b"{\"MediaID\":0,\"MD5\":\"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b\"}]}".to_vec(),
                _ => self.item.clone(),
            };
            self.left -= 1;
        }
        let size = out.len().min(self.chunk.len() - self.at);
        out[..size].copy_from_slice(&self.chunk[self.at..self.at + size]);
        self.at += size;
        Ok(size)
    }
}

#[test]
fn a_big_set_is_read_as_a_stream() {
    let item = format!("{},", medium(9)).into_bytes();
    let input = Endless { left: 20_001, chunk: b"{\"value\":[".to_vec(), at: 0, item };
    let list = open(input, &ReadOptions::default()).unwrap();
    // Rows come while the rest has not been made yet.
    assert_eq!(list.entries.filter(Result::is_ok).count(), 20_001);
}

#[test]
fn one_record_may_not_grow_without_limit() {
    let mut text = b"{\"value\":[{\"MediaID\":1,\"Comments\":\"".to_vec();
    text.resize(text.len() + (17 << 20), b'a');
    let (_, rows) = read(&text, &ReadOptions::default()).unwrap();
    assert!(rows[0].as_ref().unwrap_err().reason.contains("bigger than 16 MiB"));
}
