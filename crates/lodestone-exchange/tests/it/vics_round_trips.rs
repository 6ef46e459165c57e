//! VICS documents of every version read and written again, value for value and digit for digit.

use lodestone_exchange::format::{ListFormat, ListWriter, VicsVersion, WriteOptions};
use lodestone_types::ListEntry;
use serde_json::{Value, json};

use crate::{Rows, rows, value};

const ROOTS: [(&str, VicsVersion); 3] = [
    ("\"odata.metadata\":\"http://github.com/ICMEC/ProjectVic/DataModels/1.2.xml#Media\"", VicsVersion::V1_2),
    ("\"odata.metadata\":\"http://github.com/ICMEC/ProjectVic/DataModels/1.3.xml#Media\"", VicsVersion::V1_3),
    (
        "\"@odata.context\":\"http://github.com/VICSDATAMODEL/ProjectVic/DataModels/2.0.xml/Default/$metadata#Media\"",
        VicsVersion::V2_0,
    ),
];

/// What a bank does to the signals of an entry: they have no order there, and none stands twice.
fn as_kept(rows: &Rows) -> Vec<ListEntry> {
    let mut kept: Vec<ListEntry> = rows.iter().map(|row| row.clone().expect("an entry")).collect();
    for entry in &mut kept {
        entry.signals.sort_by_key(|signal| (signal.kind().as_str(), signal.bytes().to_vec()));
        entry.signals.dedup();
        let extra = entry.extra.take().map(|extra| extra.to_string());
        entry.extra = extra.map(|extra| serde_json::from_str(&extra).unwrap());
    }
    kept
}

fn written(entries: &[ListEntry], version: VicsVersion) -> String {
    let mut out = Vec::new();
    let mut writer = ListWriter::new(
        &mut out,
        ListFormat::Vics,
        &WriteOptions { vics: version, ..WriteOptions::default() },
    )
    .unwrap();
    for entry in entries {
        writer.entry(entry).unwrap();
    }
    assert_eq!(writer.finish().unwrap().left_out, 0);
    String::from_utf8(out).unwrap()
}

/// Media as exporters write them: flags as text, dates in three forms, numbers of every spelling.
fn media() -> [String; 4] {
    let (md5, sha1) = (value(0xab, 32).to_uppercase(), value(0xcd, 40).to_uppercase());
    let low = value(1, 32);
    [
        format!(
            r#"{{"MediaID":1,"Category":0,"MD5":"{md5}","SHA1":"{sha1}","MediaSize":"1024","VictimIdentified":"true","OffenderIdentified":"False","IsDistributed":false,"Series":null,"Tags":"one, two","DateUpdated":"/Date(1325376000000)/","odata.id":"Media(1)","Exifs@odata.navigationLinkUrl":"Media(1)/Exifs","RelativeFilePath":"a\\b\\c.jpg"}}"#
        ),
        format!(
            r#"{{"MediaID":2,"Category":null,"MD5":"{md5}","MediaSize":1024.0,"Weight":0.10,"Big":123456789012345678901234567890,"Exp":1E+3,"Neg":-0,"Nested":{{"a/b~c":[1.50,2,{{"x":1e999}}]}},"IsPrecategorized":"1"}}"#
        ),
        format!(
            r#"{{"MediaID":3.0,"Category":2e0,"MD5":"{md5}","Tags":[{{"Name":"t","Weight":1.00}}],"AlternativeHashes":[{{"HashName":"MD5","HashValue":"{low}","MD5":"{md5}"}},{{"HashName":"SHA256","HashValue":"{}","Score":0.50}}]}}"#,
            value(7, 64)
        ),
        format!(
            r#"{{"MediaID":4,"MD5":"{md5}","AlternativeHashes":[{{"HashName":"MD5","HashValue":"{md5}"}}],"Comments":"\u00e9 \ud83d\ude00 \"x\" /","Empty":{{}},"List":[]}}"#
        ),
    ]
}

/// Members of every object in the order of their names, everything else as it stands: what remains are values.
fn canonical(text: &str) -> String {
    fn sorted(value: &Value, out: &mut String) {
        match value {
            Value::Object(fields) => {
                let mut names: Vec<_> = fields.keys().collect();
                names.sort();
                out.push('{');
                for name in names {
                    out.push_str(&format!("{name:?}:"));
                    sorted(&fields[name], out);
                    out.push(',');
                }
                out.push('}');
            }
            Value::Array(items) => {
                out.push('[');
                for item in items {
                    sorted(item, out);
                    out.push(',');
                }
                out.push(']');
            }
            other => out.push_str(&other.to_string()),
        }
    }
    // Every number as a text of its digits, so that a JSON reader leaves them alone.
    let mut marked = String::new();
    let (mut in_text, mut escaped, mut in_number) = (false, false, false);
    for c in text.chars() {
        let digit = !in_text && (c.is_ascii_digit() || c == '-' || (in_number && ".eE+".contains(c)));
        if digit != in_number {
            marked.push('"');
            in_number = digit;
        }
        marked.push(c);
        if in_text && !escaped && c == '\\' {
            escaped = true;
            continue;
        }
        if c == '"' && !escaped {
            in_text = !in_text;
        }
        escaped = false;
    }
    let mut out = String::new();
    sorted(&serde_json::from_str(&marked).unwrap(), &mut out);
    out
}

#[test]
fn a_set_of_each_version_comes_back_value_for_value_and_digit_for_digit() {
    for (root, version) in ROOTS {
        let document = format!("{{{root},\"value\":[{}]}}", media().join(","));
        let (format, read) = rows(&document, None);
        assert_eq!(format, ListFormat::Vics);
        let again = written(&as_kept(&read), version);
        assert_eq!(canonical(&again), canonical(&document), "{version:?}");
        let twice = written(&as_kept(&rows(&again, None).1), version);
        assert_eq!(twice, again, "{version:?}");
    }
}

#[test]
fn canonical_text_tells_spellings_apart() {
    assert_ne!(canonical(r#"{"a":1.0}"#), canonical(r#"{"a":1}"#));
    assert_ne!(canonical(r#"{"a":"1"}"#), canonical(r#"{"a":"2"}"#));
    assert_eq!(canonical(r#"{"a":1,"b":"\"-2"}"#), canonical(r#"{"b":"\"-2","a":1}"#));
}

#[test]
fn ids_and_categories_are_read_as_they_are_spelled() {
    let big = "12345678901234567890123";
    let document = format!(
        r#"{{"value":[{{"MediaID":{big},"MD5":"{}"}},{{"MediaID":{big}4,"Category":1.0,"MD5":"{}"}}]}}"#,
        value(1, 32),
        value(2, 32)
    );
    let (_, rows) = rows(&document, None);
    let ids: Vec<_> = rows.iter().map(|row| row.as_ref().unwrap().entry.clone()).collect();
    assert_eq!(ids, [big.to_owned(), format!("{big}4")], "two ids beyond 64 bits stay two");
}

#[test]
fn another_digest_beside_the_mediums_own_never_takes_its_place() {
    // The alternative one sorts before the medium's own.
    let document = json!({ "value": [{ "MediaID": 1, "MD5": value(0xff, 32).to_uppercase(),
        "AlternativeHashes": [{ "HashName": "MD5", "HashValue": value(1, 32) }] }] });
    let entries = as_kept(&rows(&document.to_string(), None).1);
    let again: Value = serde_json::from_str(&written(&entries, VicsVersion::V2_0)).unwrap();
    assert_eq!(again["value"], document["value"]);
}

#[test]
fn a_category_that_was_changed_is_written_as_it_is_now() {
    let document = format!(r#"{{"value":[{{"MediaID":1,"Category":1,"MD5":"{}"}}]}}"#, value(1, 32));
    let mut entries = as_kept(&rows(&document, None).1);
    entries[0].classification = Some("2".to_owned());
    let again: Value = serde_json::from_str(&written(&entries, VicsVersion::V1_3)).unwrap();
    assert_eq!(again["value"][0]["Category"], 2);
}
