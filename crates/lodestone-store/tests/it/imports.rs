//! Importing: the same again changes nothing, and all comes or nothing.

use lodestone_exchange::format::{ReadOptions, open};
use lodestone_store::{ImportOptions, ListSource, MAX_KEPT_REJECTS, StoreError};
use lodestone_types::{ListEntry, RejectKind, SignalType};

use crate::{all, ids, import, reject, row, signal, store};

#[test]
fn the_same_list_again_changes_nothing_not_even_the_generation() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = store(dir.path());
    let list = || vec![row("a", 1, 1), row("b", 2, 2), row("3", 3, 3)];
    let first = import(&mut store, "list.txt", list()).unwrap();
    assert_eq!((first.added, first.updated, first.unchanged), (3, 0, 0));
    let (bank, entries) = (store.bank("B").unwrap(), all(&store));
    let second = import(&mut store, "list.txt", list()).unwrap();
    assert_eq!((second.added, second.updated, second.unchanged, second.renamed), (0, 0, 3, 0));
    assert_eq!(second.generation, first.generation);
    assert_eq!(store.generation().unwrap(), first.generation);
    assert_eq!((store.bank("B").unwrap(), all(&store)), (bank, entries));
}

#[test]
fn every_field_of_an_entry_comes_back() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = store(dir.path());
    let entry = ListEntry {
        entry: "07".into(),
        signals: vec![
            signal(SignalType::Md5, 1),
            signal(SignalType::Pdq, 2),
            signal(SignalType::Photodna, 3),
        ],
        pdq_quality: Some(100),
        classification: Some("A1".into()),
        tags: vec!["x".into(), "y, z".into()],
        extra: Some(serde_json::json!({ "f": 0.1, "n": -5, "deep": [null, { "ü": true }] })),
        line: 12,
    };
    import(&mut store, "l", vec![Ok(entry.clone())]).unwrap();
    let stored = store.entry("B", "07").unwrap().unwrap();
    assert_eq!(stored.row, entry);
    assert_eq!(store.entry_by_no(stored.entry_no).unwrap().unwrap(), stored);
    assert_eq!(all(&store), [stored]);
    assert_eq!(store.entry("B", "7").unwrap(), None, "07 and 7 are different ids");
}

#[test]
fn a_changed_entry_replaces_its_signals_and_counts_as_updated() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = store(dir.path());
    import(&mut store, "l", vec![row("a", 1, 1), row("b", 2, 2)]).unwrap();
    let before = store.generation().unwrap();
    let report = import(&mut store, "l", vec![row("b", 1, 9), row("a", 2, 1)]).unwrap();
    assert_eq!((report.added, report.updated, report.unchanged), (0, 1, 1));
    assert_eq!(report.generation, before + 1);
    assert_eq!(ids(&store), [("a".into(), 1), ("b".into(), 9)]);
    assert_eq!(all(&store)[0].row.line, 2, "a row that moved in its list is no change, but its line is kept");
    let mut tagged = row("a", 2, 1).unwrap();
    tagged.classification = Some("B2".into());
    assert_eq!(import(&mut store, "l", vec![Ok(tagged)]).unwrap().updated, 1);
    assert_eq!(store.bank("B").unwrap().version.number, 3);
    assert_eq!(store.count("B").unwrap(), 2);
}

#[test]
fn one_reject_too_many_leaves_the_store_as_it_was_and_names_the_lines() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = store(dir.path());
    import(&mut store, "l", vec![row("old", 1, 1)]).unwrap();
    let before = (store.generation().unwrap(), store.bank("B").unwrap(), all(&store));
    let list = || {
        vec![
            row("a", 1, 2),
            reject(2, RejectKind::Row),
            reject(3, RejectKind::Ignored),
            row("old", 4, 5),
            reject(5, RejectKind::Row),
        ]
    };
    let Err(StoreError::Rejected { report, allowed: 0 }) = import(&mut store, "l", list()) else {
        panic!("a list with rejects was taken")
    };
    assert_eq!(report.rejected.iter().map(|reject| reject.line).collect::<Vec<_>>(), [2, 5]);
    assert_eq!((report.rejected_total, report.ignored_empty_file_hashes), (2, 1));
    assert_eq!((store.generation().unwrap(), store.bank("B").unwrap(), all(&store)), before);

    let source = ListSource { name: "l", sha256: "" };
    let options = |max_rejects| ImportOptions { max_rejects, ..ImportOptions::default() };
    assert!(store.import("B", source, list(), options(1)).is_err());
    let report = store.import("B", source, list(), options(2)).unwrap();
    assert_eq!((report.added, report.updated, report.rejected_total), (1, 1, 2));
}

#[test]
fn a_list_that_breaks_off_is_taken_whole_or_not_at_all() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = store(dir.path());
    let list = vec![row("a", 1, 2), reject(2, RejectKind::Fatal), row("never", 3, 3)];
    let source = ListSource { name: "l", sha256: "" };
    let options = ImportOptions { max_rejects: u64::MAX, ..ImportOptions::default() };
    assert!(matches!(store.import("B", source, list, options), Err(StoreError::BadList { line: 2, .. })));
    assert!(all(&store).is_empty());
    assert_eq!(store.bank("B").unwrap().version.number, 0);
}

#[test]
fn a_truncated_vics_file_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = store(dir.path());
    let item = format!("{{\"MediaID\":1,\"MD5\":\"{}\"}}", "0a".repeat(16));
    let whole = format!("{{\"odata.metadata\":\"x#Media\",\"value\":[{item},{item}]}}");
    let cut = &whole.as_bytes()[..whole.len() - 3];
    let list = open(cut, &ReadOptions::default()).unwrap();
    let source = ListSource { name: "set.json", sha256: "" };
    let result = store.import("B", source, list.entries, ImportOptions::default());
    assert!(result.unwrap_err().to_string().contains("cut short"));
    assert!(all(&store).is_empty());
    let list = open(whole.as_bytes(), &ReadOptions::default()).unwrap();
    store.import("B", source, list.entries, ImportOptions::default()).unwrap();
    assert_eq!(all(&store).len(), 2);
}

#[test]
fn an_id_that_comes_twice_in_a_list_loses_no_row() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = store(dir.path());
    let list = || vec![row("case-1", 2, 1), row("case-1", 3, 2), row("case-1", 4, 3)];
    let report = import(&mut store, "l", list()).unwrap();
    assert_eq!((report.added, report.renamed), (3, 2));
    assert_eq!(ids(&store), [("case-1".into(), 1), ("case-1@3".into(), 2), ("case-1@4".into(), 3)]);
    let again = import(&mut store, "l", list()).unwrap();
    assert_eq!((again.added, again.updated, again.unchanged), (0, 0, 3));
}

#[test]
fn line_numbers_of_two_lists_in_one_bank_do_not_overwrite_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = store(dir.path());
    let a = || vec![row("1", 1, 1), row("2", 2, 2)];
    let b = || vec![row("1", 1, 11), row("2", 2, 12), row("3", 3, 13)];
    import(&mut store, "a.txt", a()).unwrap();
    assert_eq!(import(&mut store, "b.txt", b()).unwrap().added, 3);
    let expected: Vec<(String, u8)> = vec![
        ("1".into(), 1),
        ("2".into(), 2),
        ("b.txt:1".into(), 11),
        ("b.txt:2".into(), 12),
        ("3".into(), 13),
    ];
    assert_eq!(ids(&store), expected);
    for (name, list, count) in [("a.txt", a(), 2), ("b.txt", b(), 3)] {
        let again = import(&mut store, name, list).unwrap();
        assert_eq!((again.added, again.updated, again.unchanged), (0, 0, count), "{name}");
    }
    // An id that is no number is the list's own, whichever file it comes in.
    import(&mut store, "a.txt", vec![row("guid", 1, 1)]).unwrap();
    assert_eq!(import(&mut store, "b.txt", vec![row("guid", 1, 2)]).unwrap().updated, 1);
}

#[test]
fn the_same_content_under_another_name_is_known_again() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = store(dir.path());
    for (name, added) in [("a.txt", 1), ("copy of a.txt", 0)] {
        let source = ListSource { name, sha256: "abc" };
        let report = store.import("B", source, vec![row("1", 1, 1)], ImportOptions::default()).unwrap();
        assert_eq!(report.added, added);
    }
    assert_eq!(store.bank("B").unwrap().version.sha256, "abc");
}

#[test]
fn many_rejects_are_all_counted_and_the_first_kept() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = store(dir.path());
    let list = (1..=2500).map(|line| reject(line, RejectKind::Row)).collect();
    let Err(StoreError::Rejected { report, .. }) = import(&mut store, "l", list) else { panic!() };
    assert_eq!((report.rejected.len(), report.rejected_total), (MAX_KEPT_REJECTS, 2500));
}

#[test]
fn progress_is_told_every_ten_thousand_rows() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = store(dir.path());
    let mut told = Vec::new();
    let mut progress = |rows| told.push(rows);
    let options = ImportOptions { on_progress: Some(&mut progress), ..ImportOptions::default() };
    let rows = (1..=25_000u64).map(|line| row(&line.to_string(), line, 1));
    store.import("B", ListSource { name: "l", sha256: "" }, rows, options).unwrap();
    assert_eq!(told, [10_000, 20_000]);
    assert_eq!(store.count("B").unwrap(), 25_000);
}
