//! Lists of examiners' tools and of clearing houses, and how text comes: encodings, spreadsheets, spellings.

use lodestone_exchange::format::{ListFormat, ListWriter, ReadOptions, WriteOptions, sniff};
use lodestone_types::{BankKind, RejectKind, SignalType};
use serde_json::json;

use crate::{read, rows, signals, typed, value};

pub(crate) const ICSE: &str = "MD5;SHA1;PhotoDNA;Image ID;Is distributed;Victim identified;Offender identified;Series name;Number of submissions;File Available;Media Type;Baseline";

const HASHKEEPER: &str = "\"file_id\",\"hashset_id\",\"file_name\",\"directory\",\"hash\",\"file_size\",\"date_modified\",\"time_modified\",\"time_zone\",\"comments\",\"date_accessed\",\"time_accessed\"";

/// An EnCase set that says it holds `count` hashes.
pub(crate) fn encase(count: u32, hashes: &[[u8; 16]]) -> Vec<u8> {
    let mut set = b"HASH\r\n\xff\0\x02\0\0\0\x01\0\0\0".to_vec();
    set.extend(count.to_le_bytes());
    set.resize(0x480, 0);
    for hash in hashes {
        set.extend(hash);
        set.extend([0, 0]);
    }
    set
}

/// Text in UTF-16 with its mark, least significant byte first.
pub(crate) fn utf16(text: &str) -> Vec<u8> {
    std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
}

/// A PhotoDNA value in the three spellings.
fn photodna() -> [String; 3] {
    use base64::Engine;
    let bytes: Vec<u8> = (0..144u32).map(|n| (n * 31 % 256) as u8).collect();
    let hex = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
    let numbers = bytes.iter().map(u8::to_string).collect::<Vec<_>>().join(",");
    [hex, base64::engine::general_purpose::STANDARD.encode(&bytes), numbers]
}

fn as_format(text: &[u8], format: ListFormat) -> Result<crate::Rows, String> {
    read(text, &ReadOptions { format: Some(format), ..ReadOptions::default() })
        .map(|(_, rows)| rows)
        .map_err(|refusal| refusal.to_string())
}

#[test]
fn an_export_of_icse_keeps_its_flags_and_its_quoted_semicolons() {
    let text = format!(
        "\u{feff}{ICSE}\r\n{};{};{};4711;true;false;False;\"a; \"\"b\"\"\";1,5;Yes;Image;true\r\n{};;;4712;;;;;;;;;;\r\n{};;;4713;;;;;;;;;;x\r\n",
        value(1, 32).to_uppercase(),
        value(2, 40),
        photodna()[0],
        value(3, 32),
        value(4, 32)
    );
    let (format, rows) = rows(&text, None);
    assert_eq!(format, ListFormat::IcseCsv);
    let entry = rows[0].as_ref().unwrap();
    assert_eq!((entry.entry.as_str(), entry.line), ("4711", 2));
    let kinds: Vec<_> = entry.signals.iter().map(|signal| signal.kind()).collect();
    assert_eq!(kinds, [SignalType::Md5, SignalType::Sha1, SignalType::Photodna]);
    assert_eq!(
        entry.extra,
        Some(json!({
            "Is distributed": "true", "Victim identified": "false", "Offender identified": "False",
            "Series name": "a; \"b\"", "Number of submissions": "1,5", "File Available": "Yes",
            "Media Type": "Image", "Baseline": "true"
        }))
    );
    assert!(rows[1].is_ok(), "delimiters too many say nothing");
    assert_eq!(rows[2].as_ref().unwrap_err().line, 4, "a value too many does");
    assert!(ListFormat::IcseCsv.check_kind(BankKind::KnownGood).is_err());
}

#[test]
fn a_hashkeeper_set_is_read_and_the_file_that_names_sets_is_told_from_it() {
    let text = format!(
        "{HASHKEEPER}\r\n\r\n\r\n7,5,\"a, \"\"b\"\".dll\",\"C:\\WIN\\\",\"{}\",12,\"1/2/98\",,\"EST\",,,\r\n8,5,\"c\",,\"xyz\",1,,,,,,\r\n\u{1a}",
        value(1, 32).to_uppercase()
    );
    let (format, read_rows) = rows(&text, None);
    assert_eq!(format, ListFormat::HashKeeper);
    let entry = read_rows[0].as_ref().unwrap();
    assert_eq!((entry.entry.as_str(), entry.line), ("7", 4));
    let extra = entry.extra.as_ref().unwrap();
    assert_eq!((&extra["file_name"], &extra["directory"]), (&json!("a, \"b\".dll"), &json!("C:\\WIN\\")));
    assert_eq!(read_rows[1].as_ref().unwrap_err().line, 5);
    assert_eq!(read_rows.len(), 2, "what DOS ends a text with is no row");
    let hke = "\"hashset_id\",\"name\",\"vendor\",\"package\",\"version\"\n5,\"Z\",\"M\",\"W\",\"A\"\n";
    let refusal = read(hke.as_bytes(), &ReadOptions::default()).unwrap_err();
    assert!(refusal.hint.contains(".hsh"), "{refusal}");
}

#[test]
fn an_encase_set_is_told_by_its_first_bytes_and_cannot_hold_pdq() {
    let set = encase(2, &[[1; 16], [0xd4; 16]]);
    let (format, rows) = read(&set, &ReadOptions::default()).unwrap();
    assert_eq!(format, ListFormat::EnCase);
    assert_eq!(signals(&rows), [format!("md5:{}", value(1, 32)), format!("md5:{}", value(0xd4, 32))]);
    assert!(read(&set, &typed(SignalType::Pdq)).unwrap_err().reason.contains("digests of files"));
    let empty = read(&encase(0, &[]), &ReadOptions::default()).unwrap().1;
    assert_eq!(empty[0].as_ref().unwrap_err().reason, "no entries");
}

#[test]
fn an_autopsy_set_is_told_from_other_databases() {
    let mut kdb = b"SQLite format 3\0".to_vec();
    kdb.resize(3000, 0);
    assert_eq!(sniff(&kdb, None), Ok(ListFormat::NsrlRds3));
    kdb.extend_from_slice(b"CREATE TABLE db_properties (name TEXT NOT NULL, value TEXT)");
    kdb.extend_from_slice(
        b"CREATE TABLE hashes (id INTEGER PRIMARY KEY, md5 BINARY(16), sha2_256 BINARY(32))",
    );
    assert_eq!(sniff(&kdb, None), Ok(ListFormat::AutopsyKdb));
    assert!(read(&kdb, &ReadOptions::default()).unwrap_err().reason.contains("database, not a stream"));
}

fn nist(media: &serde_json::Value) -> String {
    format!(
        "{{ \"odata.metadata\": \"http://github.com/ICMEC/ProjectVic/DataModels/1.2.xml#Media\",\r\n \"value\": {media}}}"
    )
}

#[test]
fn nists_set_is_read_only_when_it_is_named() {
    let set = nist(&json!([
        { "MediaID": 1, "MD5": value(1, 32), "SHA1": value(1, 40), "MediaSize": "512", "Category": null,
          "MediaFiles": [{ "FileName": "a.dll" }] },
        { "MD5": "D41D8CD98F00B204E9800998ECF8427E", "MediaSize": 0 },
        { "MD5": 5 }
    ]));
    assert_eq!(sniff(set.as_bytes(), None), Ok(ListFormat::Vics), "a set of known material begins alike");
    assert!(ListFormat::Vics.check_kind(BankKind::KnownGood).is_err());
    let rows = as_format(set.as_bytes(), ListFormat::NistCaid).unwrap();
    let entry = rows[0].as_ref().unwrap();
    assert_eq!((entry.signals.len(), &entry.extra), (2, &None));
    assert_eq!(rows[1].as_ref().unwrap_err().kind, RejectKind::Ignored);
    assert_eq!(rows[2].as_ref().unwrap_err().kind, RejectKind::Row);
    assert!(ListFormat::NistCaid.check_kind(BankKind::KnownGood).is_ok());
    assert!(ListFormat::NistCaid.check_kind(BankKind::KnownReal).is_err());
}

#[test]
fn a_set_of_known_material_that_is_called_nists_ends_at_once() {
    let good = json!({ "MD5": value(1, 32), "MediaSize": 7 });
    for bad in [
        json!({ "MD5": value(2, 32), "Category": 0 }),
        json!({ "MD5": value(2, 32), "PhotoDNA": photodna()[1] }),
        json!({ "MD5": value(2, 32), "VictimIdentified": "false" }),
        json!({ "Media": [{ "MD5": value(2, 32) }] }),
    ] {
        let rows = as_format(nist(&json!([good, bad, good])).as_bytes(), ListFormat::NistCaid).unwrap();
        let last = rows.last().unwrap().as_ref().unwrap_err();
        assert_eq!((rows.len(), last.kind), (2, RejectKind::Fatal), "{bad}");
        assert!(last.reason.contains("hide evidence"));
    }
    for other in ["1.3.xml#Media", "1.2.xml#Cases"] {
        let set = nist(&json!([good])).replace("1.2.xml#Media", other);
        assert!(
            as_format(set.as_bytes(), ListFormat::NistCaid).unwrap_err().contains("model 1.2"),
            "{other}"
        );
    }
}

#[test]
fn photodna_values_are_read_in_every_spelling_and_never_guessed() {
    let [hex, base64, numbers] = photodna();
    let wanted = format!("photodna:{}", hex.to_lowercase());
    let plain = format!("{hex}\n{base64}\n{numbers}\n");
    let (format, all) = rows(&plain, Some(SignalType::Photodna));
    assert_eq!(format, ListFormat::Plain);
    assert_eq!(signals(&all), [wanted.clone(), wanted.clone(), wanted.clone()]);
    for first in [&numbers, &base64, &hex] {
        let (_, all) = rows(&format!("{first}\n{first}\n"), Some(SignalType::Photodna));
        assert_eq!(signals(&all).len(), 2, "{first}");
        let refusal = read(format!("{first}\n").as_bytes(), &ReadOptions::default()).unwrap_err();
        assert!(refusal.hint.contains("photodna:FILE"), "{refusal}");
        assert!(read(format!("{first}\n").as_bytes(), &typed(SignalType::Md5)).is_err());
    }
    let csv =
        format!("id,PhotoDNA\n1,{hex}\n2,{base64}\n3,\"{numbers}\"\n4,\"[{}]\"\n", numbers.replace(',', " "));
    let (format, all) = rows(&csv, None);
    assert_eq!((format, signals(&all)), (ListFormat::Csv, vec![wanted.clone(); 4]));
    let array: Vec<u8> = numbers.split(',').map(|number| number.parse().unwrap()).collect();
    let vics = json!({ "value": [
        { "PhotoDNA": array }, { "PhotoDNA": hex }, { "PhotoDNA": base64 },
        { "AlternativeHashes": [{ "HashName": "PhotoDNA", "HashValue": numbers }] },
        { "AlternativeHashes": { "HashName": "photodna", "HashValue": hex } }
    ] });
    assert_eq!(signals(&rows(&vics.to_string(), None).1), vec![wanted; 5]);
}

#[test]
fn a_sha1_in_base32_is_read_where_its_type_is_named_and_an_md5_in_its_place_is_not() {
    let (base32, hex) = ("AAAQEAYEAUDAOCAJBIFQYDIOB4IBCEQT", "sha1:000102030405060708090a0b0c0d0e0f10111213");
    for text in [
        format!("SHA-1\r\n{base32}\r\n{}\r\n", base32.to_lowercase()),
        format!("id,sha1_base32\n1,{base32}\n2,{base32}\n"),
    ] {
        assert_eq!(signals(&rows(&text, None).1), [hex, hex], "{text}");
    }
    let (format, all) = rows(&format!("{base32}\n"), Some(SignalType::Sha1));
    assert_eq!((format, signals(&all)), (ListFormat::Plain, vec![hex.to_owned()]));
    let (_, all) = rows(&format!("SHA-1\r\n{}\r\n", value(0xab, 32)), None);
    assert_eq!(all[0].as_ref().unwrap_err().line, 2);
}

#[test]
fn utf16_text_is_read_like_utf8_and_fatal_when_cut_within_a_character() {
    let text = format!("id;md5;note\r\né1;{};\"中 \u{1f4c8};x\"\r\n2;{};\r\n", value(1, 32), value(2, 32));
    let (format, wide) = read(&utf16(&text), &ReadOptions::default()).unwrap();
    assert_eq!(format, ListFormat::Csv);
    assert_eq!(wide, rows(&text, None).1);
    assert_eq!(wide[0].as_ref().unwrap().extra.as_ref().unwrap()["note"], "中 \u{1f4c8};x");
    let big: Vec<u8> = utf16(&text).chunks(2).flat_map(|unit| [unit[1], unit[0]]).collect();
    assert_eq!(read(&big, &ReadOptions::default()).unwrap().1, wide);
    let vics = json!({ "value": [{ "MD5": value(1, 32), "Comments": "é" }] }).to_string();
    assert_eq!(read(&utf16(&vics), &ReadOptions::default()).unwrap(), rows(&vics, None));
    // Longer than what is looked at first, and cut within its last character.
    let long = utf16(&format!("{}\n", value(7, 32)).repeat(3000));
    let (_, rows) = read(&long[..long.len() - 3], &typed(SignalType::Md5)).unwrap();
    assert_eq!(rows.last().unwrap().as_ref().unwrap_err().kind, RejectKind::Fatal);
    assert!(read(&utf16("md5\r\n")[..9], &ReadOptions::default()).is_err());
}

#[test]
fn what_a_spreadsheet_does_to_a_table_is_read_or_said() {
    let text = format!(
        "sep=;\r\nid;md5;quality;md5\r\n1;{};98,0;\r\n2;1,23457E+31;;\r\n3;{};98,5;\r\n",
        value(1, 32),
        value(2, 32)
    );
    let (format, rows) = rows(&text, None);
    assert_eq!(format, ListFormat::Csv);
    let entry = rows[0].as_ref().unwrap();
    assert_eq!((entry.line, entry.pdq_quality), (3, Some(98)));
    assert!(rows[1].as_ref().unwrap_err().reason.contains("spreadsheet"));
    assert!(rows[2].as_ref().unwrap_err().reason.contains("quality"));
}

#[test]
fn columns_of_the_same_name_lose_nothing() {
    let text = format!("id,id,md5,note,note,,\na,b,{},x,y,z,\n", value(1, 32));
    let (_, rows) = rows(&text, None);
    let entry = rows[0].as_ref().unwrap();
    assert_eq!(entry.entry, "a");
    assert_eq!(entry.extra, Some(json!({ "id#2": "b", "note": "x", "note#2": "y", "column 6": "z" })));
}

#[test]
fn what_is_no_list_is_refused_by_what_it_is() {
    for (text, hint) in [
        ("INSERT INTO METADATA VALUES('a','b');\n".to_owned(), "apply them to the set"),
        (format!("0,100,{},0.000\n1,99,{},0.041\n", value(1, 64), value(2, 64)), "hashes only"),
    ] {
        let refusal = read(text.as_bytes(), &ReadOptions::default()).unwrap_err();
        assert!(refusal.hint.contains(hint), "{refusal}");
    }
}

#[test]
fn whirlpool_and_tiger_of_hashdeep_are_carried() {
    let text = format!(
        "%%%% HASHDEEP-1.0\n%%%% size,tiger,sha-1,filename\n5,{},{},a,b\n",
        value(9, 48),
        value(1, 40)
    );
    let (_, rows) = rows(&text, None);
    let entry = rows[0].as_ref().unwrap();
    assert_eq!(entry.signals[0].kind(), SignalType::Sha1);
    assert_eq!(entry.extra, Some(json!({ "filename": "a,b", "size": 5, "tiger": value(9, 48) })));
}

#[test]
fn ndjson_and_csv_keep_the_spelling_of_carried_numbers() {
    let text = format!(
        "{{\"entry\":\"1\",\"signals\":{{\"md5\":\"{}\"}},\"W\":1.50,\"extra\":{{\"n\":[123456789012345678901234567890,1e3]}}}}\n",
        value(1, 32)
    );
    let (_, first) = rows(&text, None);
    for format in [ListFormat::Ndjson, ListFormat::Csv] {
        let mut out = Vec::new();
        let mut writer = ListWriter::new(&mut out, format, &WriteOptions::default()).unwrap();
        writer.entry(first[0].as_ref().unwrap()).unwrap();
        writer.finish().unwrap();
        let written = String::from_utf8(out).unwrap();
        for digits in ["1.50", "123456789012345678901234567890", "1e3"] {
            assert!(written.contains(digits), "{format}: {written}");
        }
        let (_, again) = rows(&written, None);
        let (again, first) = (again[0].as_ref().unwrap(), first[0].as_ref().unwrap());
        assert_eq!((&again.extra, &again.signals), (&first.extra, &first.signals), "{format}");
    }
}
