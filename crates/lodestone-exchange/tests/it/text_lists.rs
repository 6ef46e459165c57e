//! Each text format, with its traps.

use lodestone_exchange::format::{ListFormat, ReadOptions};
use lodestone_types::{RejectKind, SignalType};

use crate::{read, rows, signals, typed, value};

#[test]
fn a_plain_list_with_mark_comments_blanks_upper_case_and_crlf_is_read() {
    let text = format!(
        "\u{feff}# a comment\r\n\r\n{}\r\n  {}  \r\n\r\n{}",
        value(0xab, 64).to_uppercase(),
        value(0xcd, 64),
        value(0xef, 64)
    );
    let (format, rows) = rows(&text, Some(SignalType::Pdq));
    assert_eq!(format, ListFormat::Plain);
    assert_eq!(signals(&rows), [0xab, 0xcd, 0xef].map(|byte| format!("pdq:{}", value(byte, 64))));
    let entries: Vec<_> = rows.iter().map(|row| row.as_ref().unwrap().entry.as_str()).collect();
    assert_eq!(entries, ["3", "4", "6"], "an entry without an id is its line");
}

#[test]
fn a_line_of_another_length_is_a_reject_with_its_line_and_without_its_value() {
    let text = format!("{}\n{}\nnonsense\n{}\n", value(1, 32), value(2, 40), value(3, 32));
    let text = format!("{text}{}\n", value(4, 32));
    let (_, rows) = rows(&text, Some(SignalType::Md5));
    let rejects: Vec<_> = rows.iter().filter_map(|row| row.as_ref().err()).collect();
    assert_eq!(rejects.iter().map(|reject| reject.line).collect::<Vec<_>>(), [2, 3]);
    assert!(rejects.iter().all(|reject| reject.kind == RejectKind::Row));
    assert!(!rejects[0].reason.contains("0202"));
    assert_eq!(rows.len(), 5);
}

#[test]
fn values_that_say_nothing_are_ignored_and_counted_apart() {
    let text = format!("{}\nD41D8CD98F00B204E9800998ECF8427E\n", value(1, 32));
    let (_, read_rows) = rows(&text, Some(SignalType::Md5));
    assert_eq!(read_rows[1].as_ref().unwrap_err().kind, RejectKind::Ignored);
    let text = format!("{}\n{}\n", "0".repeat(64), value(1, 64));
    let (_, read_rows) = rows(&text, Some(SignalType::Pdq));
    assert_eq!(read_rows[0].as_ref().unwrap_err().kind, RejectKind::Ignored);
    assert!(read_rows[1].is_ok());
    // Nothing else in the list: no entries, which is an error.
    let (_, read_rows) = rows("d41d8cd98f00b204e9800998ecf8427e\n", Some(SignalType::Md5));
    assert_eq!(read_rows.last().unwrap().as_ref().unwrap_err().kind, RejectKind::Fatal);
}

#[test]
fn pdq_text_has_optional_quality_and_names_with_commas() {
    let hash = value(0x5a, 64);
    let text = format!("{hash},98,a, b.jpg\n{hash},7\n{hash}\n{hash},,c.jpg\n{hash},101,d.jpg\n");
    let (format, rows) = rows(&text, Some(SignalType::Pdq));
    assert_eq!(format, ListFormat::PdqText);
    let first = rows[0].as_ref().unwrap();
    assert_eq!((first.pdq_quality, first.entry.as_str()), (Some(98), "1"));
    assert_eq!(first.extra.as_ref().unwrap()["filename"], "a, b.jpg");
    assert_eq!(rows[1].as_ref().unwrap().pdq_quality, Some(7));
    assert_eq!(rows[2].as_ref().unwrap().pdq_quality, None);
    assert_eq!(rows[3].as_ref().unwrap().extra.as_ref().unwrap()["filename"], "c.jpg");
    assert_eq!(rows[4].as_ref().unwrap_err().line, 5);
}

#[test]
fn an_hma_local_file_names_its_types() {
    let text = format!(
        "pdq {}\nmd5 {}\nvideo_md5\t{}\ntlsh T1abc\nsha256 {}\n",
        value(1, 64),
        value(2, 32),
        value(3, 32),
        value(4, 64)
    );
    let (format, rows) = rows(&text, None);
    assert_eq!(format, ListFormat::HmaLocalFile);
    let kinds: Vec<_> =
        rows.iter().filter_map(|row| row.as_ref().ok()).map(|row| row.signals[0].kind()).collect();
    assert_eq!(kinds, [SignalType::Pdq, SignalType::Md5, SignalType::VideoMd5, SignalType::Sha256]);
    let reject = rows[3].as_ref().unwrap_err();
    assert_eq!((reject.line, reject.reason.as_str()), (4, "signal type tlsh is not supported"));
}

#[test]
fn a_table_is_read_by_its_header_with_any_delimiter() {
    for delimiter in [",", ";", "\t"] {
        let header = ["GUID", "PDQ Hash", "SHA-1", "quality", "Category", "tags", "comment"].join(delimiter);
        let row =
            ["a-1", &value(1, 64), &value(2, 40), "87", "A1", "x|y", "\"say \"\"hi\"\"\""].join(delimiter);
        let (format, rows) = rows(&format!("{header}\r\n{row}\r\n"), None);
        assert_eq!(format, ListFormat::Csv);
        let entry = rows[0].as_ref().unwrap();
        assert_eq!((entry.entry.as_str(), entry.line), ("a-1", 2));
        assert_eq!(entry.signals.len(), 2);
        assert_eq!(entry.pdq_quality, Some(87));
        assert_eq!(entry.classification.as_deref(), Some("A1"));
        assert_eq!(entry.tags, ["x", "y"]);
        assert_eq!(entry.extra.as_ref().unwrap()["comment"], "say \"hi\"");
    }
}

#[test]
fn a_mapping_names_the_columns_that_a_header_does_not_tell() {
    let text = format!("Ref,Fingerprint\nr1,{}\n", value(9, 64));
    let options =
        ReadOptions { mapping: Some("pdq=fingerprint,id=REF".parse().unwrap()), ..ReadOptions::default() };
    let (_, rows) = read(text.as_bytes(), &options).unwrap();
    let entry = rows[0].as_ref().unwrap();
    assert_eq!((entry.entry.as_str(), entry.signals[0].kind()), ("r1", SignalType::Pdq));
    let options = ReadOptions { mapping: Some("pdq=other".parse().unwrap()), ..ReadOptions::default() };
    assert!(read(text.as_bytes(), &options).unwrap_err().hint.contains("Ref, Fingerprint"));
}

#[test]
fn a_type_column_or_a_declared_type_names_the_values_of_a_hash_column() {
    let text =
        format!("id,hash,type\n1,{},PDQ\n2,{},SHA-256\n3,{},\n", value(1, 64), value(2, 64), value(3, 64));
    let (_, read_rows) = rows(&text, None);
    assert_eq!(read_rows[0].as_ref().unwrap().signals[0].kind(), SignalType::Pdq);
    assert_eq!(read_rows[1].as_ref().unwrap().signals[0].kind(), SignalType::Sha256);
    assert_eq!(read_rows[2].as_ref().unwrap_err().reason, "a value without a type");
    let text = format!("hash,quality,filename\n{},50,a.jpg\n", value(1, 64));
    let (format, rows) = rows(&text, Some(SignalType::Pdq));
    assert_eq!((format, rows[0].as_ref().unwrap().pdq_quality), (ListFormat::Csv, Some(50)));
}

#[test]
fn a_quoted_field_over_lines_and_a_stray_quote_lose_no_row() {
    let text = format!(
        "id,md5,note\n1,{},\"two\nlines\"\n2,{},5\" disk\n3,{},x\n",
        value(1, 32),
        value(2, 32),
        value(3, 32)
    );
    let (_, rows) = rows(&text, None);
    let places: Vec<_> =
        rows.iter().map(|row| row.as_ref().unwrap()).map(|row| (row.entry.as_str(), row.line)).collect();
    assert_eq!(places, [("1", 2), ("2", 4), ("3", 5)]);
}

#[test]
fn hashdeep_rows_hold_a_size_digests_and_a_name_with_commas() {
    let text = format!(
        "%%%% HASHDEEP-1.0\n%%%% size,md5,sha256,filename\n## Invoked from: x\n## \n12,{},{},/a/b, c.jpg\n0,d41d8cd98f00b204e9800998ecf8427e,e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855,/empty\n",
        value(1, 32),
        value(2, 64)
    );
    let (format, rows) = rows(&text, None);
    assert_eq!(format, ListFormat::Hashdeep);
    let entry = rows[0].as_ref().unwrap();
    assert_eq!(
        entry.signals.iter().map(|s| s.kind()).collect::<Vec<_>>(),
        [SignalType::Md5, SignalType::Sha256]
    );
    assert_eq!(entry.extra.as_ref().unwrap()["filename"], "/a/b, c.jpg");
    assert_eq!(rows[1].as_ref().unwrap_err().kind, RejectKind::Ignored);
}

#[test]
fn md5sum_and_its_kin_are_told_by_their_shape() {
    let text = format!("{}  a b.jpg\n{} *c.jpg\n", value(1, 32), value(2, 32));
    let (format, read_rows) = rows(&text, None);
    assert_eq!(format, ListFormat::Md5sum);
    assert_eq!(read_rows[0].as_ref().unwrap().extra.as_ref().unwrap()["filename"], "a b.jpg");
    assert_eq!(read_rows[1].as_ref().unwrap().extra.as_ref().unwrap()["filename"], "c.jpg");
    let (_, read_rows) = rows(&format!("{}  a\n", value(1, 40)), None);
    assert_eq!(read_rows[0].as_ref().unwrap().signals[0].kind(), SignalType::Sha1);
    let (_, read_rows) = rows(&format!("SHA256 (a) = {}\n", value(1, 64)), None);
    assert_eq!(read_rows[0].as_ref().unwrap().signals[0].kind(), SignalType::Sha256);
    let (_, read_rows) = rows(&format!("{}  a\n", value(1, 64)), Some(SignalType::Sha256));
    assert_eq!(read_rows[0].as_ref().unwrap().signals[0].kind(), SignalType::Sha256);
}

#[test]
fn nsrl_rds2_gives_sha1_and_md5_of_each_row() {
    let text = format!(
        "\"SHA-1\",\"MD5\",\"CRC32\",\"FileName\",\"FileSize\",\"ProductCode\",\"OpSystemCode\",\"SpecialCode\"\r\n\"{}\",\"{}\",\"00000000\",\"a,b.dll\",1,2,\"362\",\"\"\r\n",
        value(1, 40).to_uppercase(),
        value(2, 32).to_uppercase()
    );
    let (format, rows) = rows(&text, None);
    assert_eq!(format, ListFormat::NsrlRds2);
    assert_eq!(signals(&rows), [format!("sha1:{}", value(1, 40)), format!("md5:{}", value(2, 32))]);
}

#[test]
fn names_in_another_encoding_do_not_harm_the_values() {
    let mut text = format!("{}  caf", value(1, 32)).into_bytes();
    text.extend_from_slice(b"\xe9.jpg\n");
    let (_, rows) = read(&text, &ReadOptions::default()).unwrap();
    assert_eq!(signals(&rows), [format!("md5:{}", value(1, 32))]);
    assert!(read(&text, &typed(SignalType::Md5)).is_ok());
}
