//! What is written is read again.

use lodestone_exchange::format::{ListFormat, ListWriter, ReadOptions, WriteOptions};
use lodestone_types::{ListEntry, Signal, SignalType};
use proptest::prelude::*;

use crate::{read, value};

fn write(entries: &[ListEntry], format: ListFormat, kind: Option<SignalType>) -> (Vec<u8>, u64) {
    let mut out = Vec::new();
    let mut writer =
        ListWriter::new(&mut out, format, &WriteOptions { signal_type: kind, ..WriteOptions::default() })
            .unwrap();
    for entry in entries {
        writer.entry(entry).unwrap();
    }
    let report = writer.finish().unwrap();
    (out, report.left_out)
}

fn signal() -> impl Strategy<Value = Signal> {
    let kinds = prop::sample::select(SignalType::HASHES.to_vec());
    (kinds, 1u8..=255, any::<u8>()).prop_map(|(kind, first, rest)| {
        let mut bytes = vec![rest; kind.size_bytes().unwrap()];
        bytes[0] = first;
        Signal::from_bytes(kind, &bytes).unwrap()
    })
}

fn entry() -> impl Strategy<Value = ListEntry> {
    (
        "[!-~äß]([ -~äß\u{2028}]{0,20}[!-~äß])?",
        prop::collection::btree_set(signal(), 1..5),
        prop::option::of(0u8..=100),
        prop::option::of("[!-~]([ -~]{0,8}[!-~])?"),
        prop::collection::vec("[ -~é\n]{0,8}", 0..4),
        prop::option::of(("[!-~]{1,8}", "[ -~\n\r\té]{0,20}", any::<i64>(), any::<f64>())),
    )
        .prop_map(|(id, signals, quality, class, tags, extra)| {
            ListEntry {
            entry: id,
            signals: signals.into_iter().collect(),
            pdq_quality: quality,
            classification: class,
            tags,
            extra: extra.map(|(name, text, number, float)| {
                serde_json::json!({ name: text, "number": number, "float": float, "list": [null, true] })
            }),
            line: 0,
        }
        })
}

fn read_again(text: &[u8], declared: Option<SignalType>) -> Vec<ListEntry> {
    let (_, rows) = read(text, &ReadOptions { declared, ..ReadOptions::default() }).expect("our own list");
    rows.into_iter().map(|row| ListEntry { line: 0, ..row.expect("our own row") }).collect()
}

proptest! {
    #[test]
    fn csv_keeps_everything(entries in prop::collection::vec(entry(), 1..20)) {
        let (text, _) = write(&entries, ListFormat::Csv, None);
        prop_assert_eq!(read_again(&text, None), entries);
    }

    #[test]
    fn values_survive_hma_local_files_and_plain_lists(entries in prop::collection::vec(entry(), 1..20)) {
        let values = |entries: &[ListEntry], kind: Option<SignalType>| -> Vec<Signal> {
            entries.iter().flat_map(|entry| entry.signals.clone())
                .filter(|signal| kind.is_none_or(|kind| signal.kind() == kind)).collect()
        };
        let (text, left_out) = write(&entries, ListFormat::HmaLocalFile, None);
        prop_assert_eq!(left_out, 0);
        prop_assert_eq!(values(&read_again(&text, None), None), values(&entries, None));
        for kind in SignalType::HASHES {
            let (text, _) = write(&entries, ListFormat::Plain, Some(kind));
            let expected = values(&entries, Some(kind));
            if expected.is_empty() {
                prop_assert!(text.is_empty());
            } else {
                prop_assert_eq!(values(&read_again(&text, Some(kind)), None), expected);
            }
        }
    }

    #[test]
    fn vics_keeps_values_and_carried_fields(entries in prop::collection::vec(entry(), 1..10)) {
        let (text, _) = write(&entries, ListFormat::Vics, None);
        let read = read_again(&text, None);
        prop_assert_eq!(read.len(), entries.len());
        for (read, written) in read.iter().zip(&entries) {
            let sorted = |entry: &ListEntry| { let mut all = entry.signals.clone(); all.sort(); all };
            prop_assert_eq!(sorted(read), sorted(written));
            prop_assert_eq!(&read.entry, &written.entry);
            prop_assert_eq!(&read.classification, &written.classification);
            if let Some(extra) = written.extra.as_ref().and_then(|extra| extra.as_object()) {
                for (name, value) in extra {
                    prop_assert_eq!(&read.extra.as_ref().unwrap()[name], value);
                }
            }
        }
    }
}

#[test]
fn texts_are_left_out_of_lists() {
    let text = Signal::parse(SignalType::RawText, "two\nlines").unwrap();
    let md5 = Signal::parse(SignalType::Md5, &value(3, 32)).unwrap();
    let both =
        ListEntry { entry: "1".into(), signals: vec![md5.clone(), text.clone()], ..ListEntry::default() };
    let only = ListEntry { entry: "2".into(), signals: vec![text], ..ListEntry::default() };
    for format in [ListFormat::Csv, ListFormat::Vics, ListFormat::HmaLocalFile] {
        let (text, left_out) = write(&[both.clone(), only.clone()], format, None);
        assert_eq!(left_out, 1, "{format}");
        assert!(!String::from_utf8(text.clone()).unwrap().contains("lines"), "{format}");
        let read: Vec<_> = read_again(&text, None).into_iter().flat_map(|entry| entry.signals).collect();
        assert_eq!(read, std::slice::from_ref(&md5), "{format}");
    }
    assert_eq!(write(&[only], ListFormat::Plain, Some(SignalType::RawText)), (Vec::new(), 1));
}

#[test]
fn pdq_text_keeps_quality_and_name() {
    let entries = [ListEntry {
        entry: "1".into(),
        signals: vec![Signal::parse(SignalType::Pdq, &value(3, 64)).unwrap()],
        pdq_quality: Some(99),
        extra: Some(serde_json::json!({ "filename": "a, b.jpg" })),
        ..ListEntry::default()
    }];
    let (text, _) = write(&entries, ListFormat::PdqText, None);
    assert_eq!(String::from_utf8(text.clone()).unwrap(), format!("{},99,a, b.jpg\n", value(3, 64)));
    assert_eq!(read_again(&text, Some(SignalType::Pdq)), entries);
}

#[test]
fn formats_that_are_only_read_are_refused_for_writing() {
    for format in [
        ListFormat::NsrlRds2,
        ListFormat::NsrlRds3,
        ListFormat::IcseCsv,
        ListFormat::NistCaid,
        ListFormat::HashKeeper,
        ListFormat::EnCase,
        ListFormat::AutopsyKdb,
    ] {
        assert!(ListWriter::new(Vec::new(), format, &WriteOptions::default()).is_err(), "{format}");
    }
    assert!(ListWriter::new(Vec::new(), ListFormat::Plain, &WriteOptions::default()).is_err());
    let pdq = WriteOptions { signal_type: Some(SignalType::Pdq), ..WriteOptions::default() };
    for format in [ListFormat::Md5sum, ListFormat::Hashdeep] {
        assert!(ListWriter::new(Vec::new(), format, &pdq).is_err(), "{format} holds digests only");
    }
}

fn file(id: &str, name: Option<&str>, size: Option<u64>, kinds: &[SignalType]) -> ListEntry {
    let mut extra = serde_json::Map::new();
    extra.extend(name.map(|name| ("filename".to_owned(), name.into())));
    extra.extend(size.map(|size| ("size".to_owned(), size.into())));
    let digits = |kind: &SignalType| value(7, kind.size_bytes().unwrap() * 2);
    ListEntry {
        entry: id.to_owned(),
        signals: kinds.iter().map(|kind| Signal::parse(*kind, &digits(kind)).unwrap()).collect(),
        extra: (!extra.is_empty()).then_some(extra.into()),
        ..ListEntry::default()
    }
}

#[test]
fn hashdeep_lists_read_back_and_leave_out_what_they_cannot_hold() {
    let both = [SignalType::Md5, SignalType::Sha256];
    let entries = [
        file("1", Some("/a/b, c.jpg"), Some(12), &both),
        file("no-size", Some("x"), None, &both),
        file("no-sha256", Some("y"), Some(1), &[SignalType::Md5]),
        file("named-by-id", None, Some(3), &both),
    ];
    let (text, left_out) = write(&entries, ListFormat::Hashdeep, None);
    let text = String::from_utf8(text).unwrap();
    assert!(text.starts_with("%%%% HASHDEEP-1.0\n%%%% size,md5,sha256,filename\n12,0707"), "{text}");
    assert_eq!(left_out, 2);
    let read = read_again(text.as_bytes(), None);
    assert_eq!(read[0].signals, entries[0].signals);
    assert_eq!(read[0].extra, entries[0].extra);
    assert_eq!(read[1].extra.as_ref().unwrap()["filename"], "named-by-id");
    let (text, left_out) = write(&entries, ListFormat::Hashdeep, Some(SignalType::Md5));
    assert!(String::from_utf8(text).unwrap().contains("%%%% size,md5,filename\n"));
    assert_eq!(left_out, 1);
    let (none, _) = write(&[], ListFormat::Hashdeep, None);
    assert_eq!(none, b"%%%% HASHDEEP-1.0\n%%%% size,md5,sha256,filename\n");
}

#[test]
fn md5sum_lists_read_back_with_names_of_any_kind() {
    let names = ["a.jpg", "two\nlines\r\\", " blank ", "é (1) = x"];
    for kind in [SignalType::Md5, SignalType::Sha1, SignalType::Sha256] {
        let entries: Vec<_> = names.iter().map(|name| file("1", Some(name), None, &[kind])).collect();
        let (text, left_out) = write(&entries, ListFormat::Md5sum, Some(kind));
        assert_eq!(left_out, 0);
        let read = read_again(&text, Some(kind));
        for (read, written) in read.iter().zip(&entries) {
            assert_eq!(read.signals, written.signals);
            let name =
                |entry: &ListEntry| entry.extra.as_ref().unwrap()["filename"].as_str().unwrap().to_owned();
            assert_eq!(name(read).trim_start(), name(written).trim_start());
        }
        assert_eq!(read.len(), names.len());
    }
}
