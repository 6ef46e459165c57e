//! What is refused as a whole, and with which hint.

use lodestone_exchange::format::{ListFormat, ReadOptions, sniff};
use lodestone_types::{BankKind, RejectKind, SignalType};

use crate::{read, rows, typed, value};

fn refusal(text: &[u8], declared: Option<SignalType>) -> String {
    read(text, &ReadOptions { declared, ..ReadOptions::default() }).unwrap_err().to_string()
}

#[test]
fn an_untyped_list_of_any_length_is_refused_with_a_hint() {
    let message = refusal(value(1, 64).as_bytes(), None);
    assert_eq!(
        message,
        "64 hexadecimal digits can be PDQ or SHA-256; say --known pdq:FILE or --known sha256:FILE"
    );
    assert!(refusal(value(1, 32).as_bytes(), None).contains("--known md5:FILE"));
    assert!(refusal(value(1, 40).as_bytes(), None).contains("--known sha1:FILE"));
    assert!(refusal(format!("{},90,a.jpg\n", value(1, 64)).as_bytes(), None).contains("PDQ or SHA-256"));
    assert!(refusal(format!("{}  a.jpg\n", value(1, 64)).as_bytes(), None).contains("PDQ or SHA-256"));
}

#[test]
fn a_hash_column_without_a_type_is_refused_with_a_hint() {
    for header in ["hash", "id,hash", "hash,quality,filename"] {
        let message = refusal(format!("{header}\n{}\n", value(1, 64)).as_bytes(), None);
        assert!(message.contains("does not say of which type"), "{header}: {message}");
    }
    let message = refusal(format!("{},A1\n", value(1, 32)).as_bytes(), Some(SignalType::Md5));
    assert!(message.contains("add a header row"), "{message}");
}

#[test]
fn a_list_declared_as_another_type_is_refused_as_a_whole() {
    let list = format!("{}\n{}\n", value(1, 32), value(2, 32));
    let message = refusal(list.as_bytes(), Some(SignalType::Pdq));
    assert!(message.contains("declared as pdq") && message.contains("32 digits are what md5"), "{message}");
    let list = format!("{}\n{}\n{}\n", value(1, 64), value(2, 64), value(3, 32));
    assert!(read(list.as_bytes(), &typed(SignalType::Pdq)).is_ok(), "one bad line is a reject, no refusal");
}

#[test]
fn what_is_no_text_is_refused_by_what_it_is() {
    assert!(refusal(b"PK\x03\x04....", None).contains("zip archive; unpack it first"));
    assert!(refusal(b"\x1f\x8b\x08\0", None).contains("gzip"));
    assert!(refusal(b"h\0a\0s\0h\0\n\0", None).contains("UTF-16 text without a byte order mark"));
    assert!(refusal(b"\xff\xfe\0\0h\0\0\0", None).contains("UTF-32"));
    assert!(refusal(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", Some(SignalType::Md5)).contains("binary data"));
    assert!(refusal(b"", Some(SignalType::Md5)).contains("no entries"));
    assert!(refusal(b"# only a comment\n\n", Some(SignalType::Md5)).contains("no entries"));
    assert!(refusal(b"{\"a\": 1}", None).contains("no Project VIC data"));
    assert!(refusal(b"hello world\n", None).contains("not a list"));
}

#[test]
fn binary_data_after_the_beginning_is_fatal() {
    let mut list = format!("{}\n", value(1, 32)).repeat(3000).into_bytes();
    list.extend_from_slice(b"\0\x01\x02\n");
    let (_, rows) = read(&list, &typed(SignalType::Md5)).unwrap();
    let last = rows.last().unwrap().as_ref().unwrap_err();
    assert_eq!((last.kind, last.line), (RejectKind::Fatal, 3001));
}

#[test]
fn a_table_without_rows_has_no_entries() {
    let (_, rows) = rows("id,md5\n", None);
    let only = rows[0].as_ref().unwrap_err();
    assert_eq!((only.kind, only.reason.as_str()), (RejectKind::Fatal, "no entries"));
}

#[test]
fn a_database_is_told_and_left_to_the_store() {
    assert_eq!(sniff(b"SQLite format 3\0....", None), Ok(ListFormat::NsrlRds3));
    assert!(read(b"SQLite format 3\0....", &ReadOptions::default()).unwrap_err().reason.contains("database"));
}

#[test]
fn a_vics_set_may_not_be_known_good() {
    let message = ListFormat::Vics.check_kind(BankKind::KnownGood).unwrap_err().to_string();
    assert!(message.contains("would hide evidence"));
    for kind in BankKind::ALL {
        assert_eq!(ListFormat::Vics.check_kind(kind).is_ok(), kind != BankKind::KnownGood);
        assert!(ListFormat::NsrlRds2.check_kind(kind).is_ok());
    }
    assert!(!ListFormat::Vics.may_be_known_good());
}

#[test]
fn format_names_round_trip() {
    for format in ListFormat::ALL {
        assert_eq!(format.as_str().parse(), Ok(format));
    }
    assert!("xml".parse::<ListFormat>().unwrap_err().contains("nsrl-rds2"));
}

#[test]
fn a_declared_type_that_the_format_cannot_hold_is_refused() {
    let hashdeep = format!("%%%% HASHDEEP-1.0\n%%%% size,md5,filename\n1,{},a\n", value(1, 32));
    assert!(refusal(hashdeep.as_bytes(), Some(SignalType::Pdq)).contains("give it without pdq:"));
    assert!(read(hashdeep.as_bytes(), &typed(SignalType::Md5)).is_ok());
    assert!(sniff(b"SQLite format 3\0....", Some(SignalType::Pdq)).is_err());
}
