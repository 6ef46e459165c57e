//! Every operation of an append fails, in every way, and the disk forgets what it may: the log is as it was before, or
//! as it is after, and goes on.

use lodestone_tlog::{Expected, Log, SigningKey, TlogError, tree, verify};

use crate::disk::{Crash, Disk, Fault};

const FAULTS: [Fault; 3] = [Fault::Before, Fault::Torn, Fault::After];

fn key() -> SigningKey {
    SigningKey::from_seed("example.org/log", [5; 32]).unwrap()
}

fn entries(from: usize, count: usize, mark: &str) -> Vec<Vec<u8>> {
    (from..from + count).map(|index| format!("{mark} {index}").into_bytes()).collect()
}

/// A disk with a log of this many entries, added in two batches.
fn disk_with(size: usize) -> Disk {
    let disk = Disk::default();
    let mut log = Log::create(disk.clone(), key()).unwrap();
    let first = size.saturating_sub(1);
    log.append(&entries(0, first, "old")).unwrap();
    log.append(&entries(first, size - first, "old")).unwrap();
    assert_eq!(log.size(), size as u64);
    disk
}

/// Three crashes, the last one another for every seed.
fn crashes(seed: usize) -> [Crash; 3] {
    [Crash::Lost, Crash::Kept, Crash::Mixed(seed as u64)]
}

/// The log on this disk is whole, extends all these checkpoints, and takes another batch. Returns its size before that.
fn check(disk: &Disk, kept: &[&str]) -> u64 {
    let mut log = Log::open(disk.clone(), key(), &[]).expect("opens after a crash");
    let keys = [key().verifier().clone()];
    let size = log.size();
    let whole = |log: &Log<Disk>, older: &str| {
        let report = verify(disk, &Expected { keys: &keys, older: Some(older.as_bytes()) }, |_, _| {});
        assert!(report.is_whole(), "{report}");
        assert_eq!(report.entries, log.size());
    };
    for older in kept {
        let (old, _) = lodestone_tlog::Checkpoint::open(older.as_bytes(), &keys).unwrap();
        if old.size <= size {
            whole(&log, older);
            let (root, proof) = log.reader().consistency_proof(old.size).unwrap();
            assert_eq!(root, old.root);
            let now = log.checkpoint();
            assert!(tree::verify_consistency(old.size, now.size, &root, &now.root, &proof));
        }
    }
    let found = log.signed_checkpoint().to_owned();
    log.append(&entries(size as usize, 3, "next")).expect("takes another batch");
    log.append(&entries(size as usize + 3, 253, "next")).expect("and one that fills a tile");
    whole(&log, &found);
    size
}

#[test]
fn whatever_operation_fails_and_whatever_a_crash_loses_the_log_is_as_before_or_as_after() {
    let mut runs = 0;
    for (before, count) in [(0, 1), (1, 1), (5, 2), (250, 6), (250, 20), (255, 1), (256, 1), (300, 300)] {
        let base = disk_with(before);
        let old = Log::open(base.clone(), key(), &[]).unwrap().signed_checkpoint().to_owned();
        for fault in FAULTS {
            for n in 1.. {
                let disk = base.copy();
                let mut log = Log::open(disk.clone(), key(), &[]).unwrap();
                disk.fail(n, fault);
                let result = log.append(&entries(before, count, "new"));
                let done = disk.fault_pending();
                for crash in crashes(runs) {
                    let context = format!("{before}+{count}, operation {n}, {fault:?}, {crash:?}");
                    let kept: &[&str] = match &result {
                        Ok(_) => &[&old, log.signed_checkpoint()],
                        Err(_) => &[&old],
                    };
                    let size = check(&disk.after(crash), kept);
                    match &result {
                        Ok(indexes) => {
                            assert_eq!(*indexes, before as u64..(before + count) as u64, "{context}");
                            assert_eq!(size, (before + count) as u64, "acknowledged, then lost: {context}");
                        }
                        Err(TlogError::Io { .. }) => assert_eq!(size, before as u64, "{context}"),
                        Err(TlogError::Unsettled { .. }) => {
                            assert!(size == before as u64 || size == (before + count) as u64, "{context}");
                        }
                        Err(other) => panic!("{context}: {other}"),
                    }
                    runs += 1;
                }
                if done {
                    assert!(result.is_ok());
                    break;
                }
            }
        }
    }
    assert!(runs > 800, "{runs} runs");
}

#[test]
fn at_the_edge_of_three_levels_too() {
    let base = disk_with(65_530);
    let old = Log::open(base.clone(), key(), &[]).unwrap().signed_checkpoint().to_owned();
    let keys = [key().verifier().clone()];
    for n in 1.. {
        let disk = base.copy();
        let mut log = Log::open(disk.clone(), key(), &[]).unwrap();
        disk.fail(n, Fault::Torn);
        let result = log.append(&entries(65_530, 10, "new"));
        let done = disk.fault_pending();
        let found = disk.after(Crash::Mixed(n as u64));
        let log = Log::open(found.clone(), key(), &[]).unwrap();
        assert!(log.size() == 65_540 || result.is_err() && log.size() == 65_530);
        let (root, proof) = log.reader().consistency_proof(65_530).unwrap();
        assert!(tree::verify_consistency(65_530, log.size(), &root, &log.checkpoint().root, &proof));
        if done {
            let expected = Expected { keys: &keys, older: Some(old.as_bytes()) };
            assert!(verify(&found, &expected, |_, _| {}).is_whole());
            break;
        }
    }
}

#[test]
fn a_failed_append_can_be_made_again_without_opening_the_log_again() {
    for fault in FAULTS {
        for n in 1.. {
            let disk = disk_with(250);
            let mut log = Log::open(disk.clone(), key(), &[]).unwrap();
            disk.fail(n, fault);
            // The second batch is another and shorter one: nothing of the first may show.
            let size = match log.append(&entries(250, 20, "lost")) {
                Ok(_) => 270,
                Err(TlogError::Io { .. }) => {
                    assert_eq!(log.size(), 250);
                    log.append(&entries(250, 7, "kept")).unwrap();
                    257
                }
                Err(TlogError::Unsettled { .. }) => {
                    let again = log.append(&entries(250, 7, "kept"));
                    assert!(matches!(again, Err(TlogError::Refused { .. })), "{again:?}");
                    let (files, key) = log.close();
                    let size = Log::open(files, key, &[]).unwrap().size();
                    assert!(size == 250 || size == 270, "{size}");
                    check(&disk, &[]);
                    continue;
                }
                Err(other) => panic!("{other}"),
            };
            assert_eq!(log.size(), size);
            let kept = log.signed_checkpoint().to_owned();
            drop(log);
            assert_eq!(check(&disk.after(Crash::Lost), &[&kept]), size);
            if disk.fault_pending() {
                break;
            }
        }
    }
}

#[test]
fn beginning_a_log_fails_wholly_or_not_at_all() {
    for fault in FAULTS {
        for n in 1.. {
            let disk = Disk::default();
            disk.fail(n, fault);
            let result = Log::create(disk.clone(), key()).map(|log| log.size());
            for crash in crashes(n) {
                let found = disk.after(crash);
                match Log::open(found.clone(), key(), &[]) {
                    Ok(log) => assert_eq!(log.size(), 0),
                    Err(TlogError::Missing { .. }) => {
                        assert!(result.is_err(), "acknowledged, then lost");
                        Log::create(found, key()).expect("can be begun again");
                    }
                    Err(other) => panic!("{other}"),
                }
            }
            if disk.fault_pending() {
                break;
            }
        }
    }
}
