//! A live index: any row of changes against a plain set of pairs, then its files in foreign hands.
#![no_main]

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use lodestone_index::{Change, Code256, Hit, LayoutChoice, LiveIndex, LiveOptions, LiveSnapshot};
use twox_hash::XxHash3_64;

type Model = BTreeSet<(Code256, u64)>;

fn code(n: u8) -> Code256 {
    let n = u64::from(n % 48);
    let stem = (n / 8 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    Code256([stem ^ (n % 8), stem.rotate_left(17), !stem, stem.rotate_left(40) ^ ((n % 3) << 50)])
}

fn id(n: u8) -> u64 {
    match n % 32 {
        31 => u64::MAX - 1,
        30 => 1 << 63,
        n => u64::from(n) << (n % 2 * 40),
    }
}

fn options() -> LiveOptions {
    let mut options = LiveOptions::default();
    options.memtable_pairs = 12;
    options.max_segments = 2;
    options.background = false;
    options.build.layout = LayoutChoice::Linear;
    options
}

fn assert_is(snapshot: &LiveSnapshot, model: &Model) {
    let mut pairs = Vec::new();
    let all = snapshot.for_each(&mut |code, id| {
        pairs.push((code, id));
        ControlFlow::Continue(())
    });
    all.unwrap();
    pairs.sort_unstable();
    assert!(pairs.iter().eq(model), "{pairs:?} for {model:?}");
    assert_eq!(snapshot.len().unwrap(), model.len() as u64);
    let queries: Vec<Code256> = (0..48).step_by(5).map(code).collect();
    for radius in [0, 6, 256] {
        let mut expected = Vec::new();
        for (query, near) in (0..).zip(&queries) {
            let hit = |(code, id): &(Code256, u64)| Hit {
                query,
                distance_bits: code.distance_bits(*near),
                id: *id,
            };
            expected.extend(model.iter().map(hit).filter(|hit| hit.distance_bits <= radius));
        }
        expected.sort_unstable();
        assert_eq!(snapshot.search(&queries, radius).unwrap(), expected);
    }
}

fn change(changes: &mut Vec<Change>, model: &mut Model, [kind, a, b]: [u8; 3]) {
    let pair = (code(a), id(b));
    changes.push(match kind % 8 {
        0..=4 => {
            model.insert(pair);
            Change::Add(pair.0, pair.1)
        }
        5 | 6 => {
            model.remove(&pair);
            Change::Remove(pair.0, pair.1)
        }
        _ => {
            let (first, last) = (id(a).min(id(b)), if a % 16 == 0 { u64::MAX } else { id(a).max(id(b)) });
            model.retain(|(_, id)| !(first..=last).contains(id));
            Change::RemoveIds(first..=last)
        }
    });
}

/// Makes the checksums of a manifest or a log fit again.
fn seal(bytes: &mut [u8]) {
    if bytes.starts_with(b"LSLIVEMF") && bytes.len() >= 80 {
        let length = (bytes.len() as u64).to_le_bytes();
        bytes[16..24].copy_from_slice(&length);
        let end = bytes.len() - 8;
        let sum = XxHash3_64::oneshot(&bytes[..end]).to_le_bytes();
        bytes[end..].copy_from_slice(&sum);
    } else if bytes.starts_with(b"LSLIVELG") && bytes.len() >= 40 {
        let number = |bytes: &[u8], at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
        let log = number(bytes, 16);
        let sum = XxHash3_64::oneshot(&bytes[..32]).to_le_bytes();
        bytes[32..40].copy_from_slice(&sum);
        let mut at = 40;
        while bytes.len() >= at + 40 && bytes[at..at + 4] == *b"LREC" {
            let sum = XxHash3_64::oneshot_with_seed(log, &bytes[at..at + 24]).to_le_bytes();
            bytes[at + 24..at + 32].copy_from_slice(&sum);
            let length = u32::from_le_bytes(bytes[at + 4..at + 8].try_into().unwrap()) as usize;
            let Some(payload) = bytes.get(at + 32..at + 32 + length) else { return };
            let sum = XxHash3_64::oneshot_with_seed(number(bytes, at + 8), payload).to_le_bytes();
            let Some(place) = bytes.get_mut(at + 32 + length..at + 40 + length) else { return };
            place.copy_from_slice(&sum);
            at += 40 + length;
        }
    }
}

/// Opens what there is, whatever it is, and uses it; what opens for reading must open again the same.
fn use_it(dir: &Path) {
    let state = |snapshot: &LiveSnapshot| {
        let mut pairs = BTreeSet::new();
        let all = snapshot.for_each(&mut |code, id| {
            pairs.insert((code, id));
            ControlFlow::Continue(())
        });
        let _ = (snapshot.len(), snapshot.search(&[code(1), !code(2)], 40), snapshot.facts());
        all.is_ok().then_some(pairs)
    };
    let read = LiveIndex::open_read_only(dir).ok().and_then(|index| state(&index.snapshot()));
    let Ok(index) = LiveIndex::open(dir, options()) else { return };
    let seen = state(&index.snapshot());
    assert!(read.is_none() || read == seen, "a reader and a writer see the same");
    let _ = index.verify(&mut |_, _| ControlFlow::Continue(()));
    let mut added = vec![Change::Add(code(5), 77), Change::Remove(code(1), id(1))];
    let applied = index.apply(&added, 5);
    if applied.is_ok() {
        assert!(state(&index.snapshot()).is_none_or(|pairs| pairs.contains(&(code(5), 77))));
    }
    added.clear();
    let _ = (index.flush(), index.compact(&mut |_| ControlFlow::Continue(())));
    let last = state(&index.snapshot());
    let generation = index.snapshot().generation();
    drop(index);
    let again = LiveIndex::open(dir, options())
        .unwrap_or_else(|error| panic!("what was open does not open again: {error}"));
    assert_eq!(again.snapshot().generation(), generation);
    assert!(last.is_none() || state(&again.snapshot()) == last);
}

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Some((&[steps, hostile, which, seals], mut rest)) = input.split_first_chunk::<4>() else { return };
    let folder = Path::new("/dev/shm");
    let dir = if folder.is_dir() { tempfile::tempdir_in(folder) } else { tempfile::tempdir() }.unwrap();
    let mut model = Model::new();
    {
        let mut index = LiveIndex::open(dir.path(), options()).unwrap();
        for _ in 0..steps % 24 {
            let Some((&[kind, count], after)) = rest.split_first_chunk::<2>() else { break };
            let (named, after) = after.split_at(after.len().min(usize::from(count) % 32 * 3));
            rest = after;
            let mut changes = Vec::new();
            let mut next = model.clone();
            named.as_chunks::<3>().0.iter().for_each(|bytes| change(&mut changes, &mut next, *bytes));
            match kind % 16 {
                0 => index.flush().unwrap(),
                1 => index.merge_now().unwrap(),
                2 => index.compact(&mut |_| ControlFlow::Continue(())).unwrap(),
                3 => {
                    drop(index);
                    index = LiveIndex::open(dir.path(), options()).unwrap();
                }
                4 => {
                    let last = u64::from(count) << 2;
                    let add: Vec<(Code256, u64)> =
                        named.as_chunks::<3>().0.iter().map(|[_, a, b]| (code(*a), id(*b))).collect();
                    let fill = |bulk: &mut lodestone_index::BulkWriter<'_>| {
                        add.iter().try_for_each(|(code, id)| bulk.push(*code, *id))
                    };
                    let done =
                        index.bulk::<lodestone_index::LiveError>(&[3..=last.max(3)], 1, fill, &mut |_| {
                            ControlFlow::Continue(())
                        });
                    done.unwrap();
                    model.retain(|(_, id)| !(3..=last.max(3)).contains(id));
                    model.extend(add);
                }
                _ => {
                    index.apply(&changes, u64::from(kind)).unwrap();
                    model = next;
                }
            }
            assert_is(&index.snapshot(), &model);
        }
    }
    assert_is(&LiveIndex::open_read_only(dir.path()).unwrap().snapshot(), &model);
    if hostile % 2 == 0 {
        assert_is(&LiveIndex::open(dir.path(), options()).unwrap().snapshot(), &model);
        return;
    }
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.file_name().is_some_and(|name| name != "LOCK"));
    files.sort();
    let path = &files[usize::from(which) % files.len()];
    let mut bytes = std::fs::read(path).unwrap();
    match hostile / 2 % 8 {
        0 => bytes.truncate(rest.first().map_or(0, |byte| usize::from(*byte) * bytes.len() / 256)),
        1 => bytes.extend(rest),
        2 => {
            std::fs::remove_file(path).unwrap();
            return use_it(dir.path());
        }
        3 => bytes = rest.to_vec(),
        _ => {
            for step in rest.as_chunks::<4>().0 {
                let [low, high, value, wide] = *step;
                let at = usize::from(u16::from_le_bytes([low, high])) % bytes.len().max(1);
                let count = if wide % 4 == 0 { 8 } else { 1 };
                bytes.iter_mut().skip(at).take(count).for_each(|byte| *byte = value);
            }
        }
    }
    if seals % 4 > 0 {
        seal(&mut bytes);
    }
    std::fs::write(path, &bytes).unwrap();
    use_it(dir.path());
});
