//! Segment files: written, opened, damaged.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use lodestone_index::{
    BuildOptions, BuildStage, BuildStep, Code256, Hit, LayoutChoice, Segment, SegmentBuilder, SegmentError,
    WrittenSegment,
};

use crate::segment::{layouts, options, pairs, search, usual};

fn go_on(_: BuildStep) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn write(path: &Path, entries: &[(Code256, u64)], options: &BuildOptions) -> WrittenSegment {
    let mut builder = SegmentBuilder::new(options.clone()).spill_in(path.parent().unwrap());
    entries.iter().try_for_each(|(code, id)| builder.push(*code, *id)).unwrap();
    builder.write(path, &mut go_on).unwrap()
}

/// Usual codes, some odd and blank, some with several owners.
fn entries(n: usize) -> Vec<(Code256, u64)> {
    let mut entries: Vec<(Code256, u64)> = usual(n, 11).into_iter().zip(1000..).collect();
    let again: Vec<(Code256, u64)> = entries.iter().step_by(9).map(|(code, id)| (*code, id / 2)).collect();
    entries.extend(again);
    entries.extend([(Code256([0; 4]), 3), (Code256([1, 1, 1, 0]), 4), (Code256([0; 4]), 1)]);
    entries
}

fn names(folder: &Path) -> Vec<PathBuf> {
    let mut names: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    names
}

fn verify(segment: &Segment) -> Result<(), SegmentError> {
    segment.verify(&mut |_, _| ControlFlow::Continue(()))
}

#[test]
fn a_file_has_the_bytes_of_the_segment_in_memory_and_answers_alike() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.segment");
    let entries = entries(3000);
    let mut queries: Vec<Code256> = entries.iter().step_by(100).map(|(code, _)| *code).collect();
    queries.extend(usual(20, 12));
    for layout in layouts() {
        let written = write(&path, &entries, &options(layout.clone()));
        let memory = Segment::from_entries(entries.clone(), &options(layout)).unwrap();
        assert!(std::fs::read(&path).unwrap() == memory.as_bytes());
        let file = Segment::open(&path).unwrap();
        assert!(!file.facts().verified && memory.facts().verified);
        assert_eq!(written.bytes, file.as_bytes().len() as u64);
        assert_eq!((written.entries, written.distinct), (file.len(), file.distinct()));
        assert_eq!(written.checksum, file.facts().checksum);
        for radius in [0, 31, 63, 100] {
            assert_eq!(search(&file, &queries, radius), search(&memory, &queries, radius));
        }
        assert!(pairs(&file) == pairs(&memory));
        verify(&file).unwrap();
        assert!(file.facts().verified);
        assert_eq!(search(&file, &queries, 31), search(&memory, &queries, 31));
        assert_eq!(names(folder.path()), std::slice::from_ref(&path));
    }
}

#[test]
fn threads_order_and_memory_do_not_change_a_byte() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.segment");
    let mut entries = entries(20_000);
    for layout in [LayoutChoice::Linear, LayoutChoice::Widths([vec![9; 4], vec![13; 16], vec![12]].concat())]
    {
        let memory = Segment::from_entries(entries.clone(), &options(layout.clone())).unwrap();
        entries.reverse();
        for (threads, memory_bytes) in [(1, 0), (3, 100_000), (2, 400_000), (4, 1 << 30)] {
            let options = BuildOptions { threads, memory_bytes, layout: layout.clone() };
            write(&path, &entries, &options);
            assert!(
                std::fs::read(&path).unwrap() == memory.as_bytes(),
                "{threads} threads, {memory_bytes} bytes"
            );
            let again = Segment::from_entries(entries.clone(), &options).unwrap();
            assert!(again.as_bytes() == memory.as_bytes());
        }
        assert_eq!(names(folder.path()), std::slice::from_ref(&path));
    }
}

#[test]
fn progress_is_told_and_a_stopped_build_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.segment");
    let build = |stop_at: Option<BuildStage>| {
        let mut builder = SegmentBuilder::new(options(LayoutChoice::Widths(vec![8; 32])));
        entries(100).iter().try_for_each(|(code, id)| builder.push(*code, *id)).unwrap();
        let mut steps = Vec::new();
        let result = builder.write(&path, &mut |step| {
            steps.push(step);
            if stop_at == Some(step.stage) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        (result, steps)
    };
    for stage in [BuildStage::Sort, BuildStage::Codes, BuildStage::Tables, BuildStage::Flush] {
        let (result, steps) = build(Some(stage));
        assert!(matches!(result, Err(SegmentError::Stopped)));
        assert_eq!(steps.last().map(|step| step.stage), Some(stage));
        assert_eq!(names(folder.path()), [] as [PathBuf; 0]);
    }
    let (result, steps) = build(None);
    result.unwrap();
    assert_eq!(steps.last(), Some(&BuildStep { stage: BuildStage::Flush, done: 1, total: 1 }));
    assert!(steps.iter().all(|step| step.done <= step.total));
}

#[test]
fn a_segment_replaces_the_one_of_its_name_and_readers_keep_the_old_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.segment");
    let code = Code256([5; 4]);
    write(&path, &[(code, 1)], &BuildOptions::default());
    let old = Segment::open(&path).unwrap();
    write(&path, &[(code, 2)], &BuildOptions::default());
    let new = Segment::open(&path).unwrap();
    assert_eq!(search(&old, &[code], 0)[0].id, 1);
    assert_eq!(search(&new, &[code], 0)[0].id, 2);
}

#[test]
fn a_folder_that_is_not_there_is_an_error_that_names_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("missing").join("a.segment");
    let error = SegmentBuilder::new(BuildOptions::default()).write(&path, &mut go_on).unwrap_err();
    assert!(error.to_string().contains("a.segment"), "{error}");
    let error = Segment::open(&path).unwrap_err();
    assert!(matches!(&error, SegmentError::Io { path: named, .. } if *named == path), "{error}");
}

#[test]
fn foreign_files_and_other_versions_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.segment");
    for foreign in [&b""[..], b"x", b"PK\x03\x04 something else", &[0; 10_000]] {
        std::fs::write(&path, foreign).unwrap();
        assert!(matches!(Segment::open(&path), Err(SegmentError::NotASegment { .. })));
    }
    write(&path, &entries(5), &BuildOptions::default());
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[8] = 2;
    std::fs::write(&path, bytes).unwrap();
    let error = Segment::open(&path).unwrap_err();
    assert!(matches!(error, SegmentError::Version { found: 2, known: 1, .. }), "{error}");
}

#[test]
fn a_file_cut_anywhere_or_grown_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.segment");
    write(&path, &entries(5), &BuildOptions::default());
    let bytes = std::fs::read(&path).unwrap();
    for len in (1..bytes.len()).step_by(37).chain(bytes.len() - 70..bytes.len()) {
        std::fs::write(&path, &bytes[..len]).unwrap();
        let error = Segment::open(&path).unwrap_err();
        assert!(matches!(error, SegmentError::Truncated { has, .. } if has == len as u64), "{len}: {error}");
    }
    let mut longer = bytes.clone();
    longer.push(0);
    std::fs::write(&path, longer).unwrap();
    let error = Segment::open(&path).unwrap_err();
    let expected = format!("the file has {} bytes and should have {}", bytes.len() + 1, bytes.len());
    assert!(error.to_string().ends_with(&expected), "{error}");
}

/// Every bit that is turned over is noticed at opening, at the look-up that needs it, or at the latest by `verify`; and
/// until it is noticed answers are those of the whole file.
#[test]
fn a_bit_turned_over_anywhere_never_changes_an_answer_and_verify_finds_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.segment");
    let entries = entries(30);
    let queries: Vec<Code256> = entries.iter().step_by(4).map(|(code, _)| *code).collect();
    let (mut at_opening, mut at_look_up, mut at_verify) = (0, 0, 0);
    for layout in [LayoutChoice::Linear, LayoutChoice::Widths([vec![8; 2], vec![12; 20]].concat())] {
        write(&path, &entries, &options(layout));
        let bytes = std::fs::read(&path).unwrap();
        let expected = search(&Segment::open(&path).unwrap(), &queries, 31);
        // More where something is written, less among zeroes.
        let written = |at: usize| bytes[at] != 0 && at.is_multiple_of(61);
        for at in (0..bytes.len()).filter(|at| written(*at) || at % 8209 == 0) {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1 << (at % 8);
            std::fs::write(&path, damaged).unwrap();
            let Ok(segment) = Segment::open(&path) else {
                at_opening += 1;
                continue;
            };
            let (mut hits, mut stats) = (vec![Hit::default()], Default::default());
            match segment.search_into(&queries, 31, &mut hits, &mut stats) {
                Ok(()) => {
                    assert!(hits[1..] == expected, "byte {at}");
                    at_verify += 1;
                }
                Err(error) => {
                    let block = (at / 4096 * 4096) as u64;
                    assert!(
                        matches!(error, SegmentError::Damaged { offset, .. } if offset == block),
                        "{error}"
                    );
                    assert_eq!(hits, [Hit::default()]);
                    at_look_up += 1;
                }
            }
            let error = verify(&segment).unwrap_err();
            assert!(matches!(error, SegmentError::Damaged { .. }), "byte {at}: {error}");
            assert!(!segment.facts().verified);
        }
    }
    assert!(at_opening > 0 && at_look_up > 0 && at_verify > 0, "{at_opening} {at_look_up} {at_verify}");
}
