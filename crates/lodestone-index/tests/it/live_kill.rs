//! A process killed at any moment leaves a whole number of commits.
#![allow(clippy::unwrap_used)] // also in what the tests share

use std::io::{BufRead, BufReader, Read, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::process::{Command, Stdio};

use lodestone_index::{Change, LiveError, LiveIndex};

use crate::live::{Model, apply_to, assert_is, code, folder, small};

const FOLDER: &str = "LODESTONE_TEST_LIVE_FOLDER";

/// What commit number `n` does, in every process the same: adds, removals, ranges, and sometimes a bulk change.
fn commit(n: u64) -> Vec<Change> {
    let mut changes: Vec<Change> = (0..n % 9).map(|k| Change::Add(code(n * 31 + k * 7), n % 50)).collect();
    changes.extend((0..n % 4).map(|k| Change::Remove(code((n - 1) * 31 + k * 7), (n - 1) % 50)));
    if n.is_multiple_of(13) {
        changes.push(Change::RemoveIds(n % 50..=n % 50 + 3));
    }
    changes
}

fn is_bulk(n: u64) -> bool {
    n.is_multiple_of(29)
}

/// Commits for ever, and says of each that it is done.
fn commit_until_killed(folder: &Path) {
    let index = LiveIndex::open(folder, small(true)).unwrap();
    let mut out = std::io::stdout();
    for n in index.snapshot().generation() + 1.. {
        if is_bulk(n) {
            let changes = commit(n);
            index
                .bulk::<LiveError>(
                    &[n % 50..=n % 50],
                    n,
                    |bulk| {
                        changes.iter().try_for_each(|change| match change {
                            Change::Add(code, id) => bulk.push(*code, *id),
                            _ => Ok(()),
                        })
                    },
                    &mut |_| ControlFlow::Continue(()),
                )
                .unwrap();
        } else {
            index.apply(&commit(n), n).unwrap();
        }
        writeln!(out, "done {n}").unwrap();
        out.flush().unwrap();
    }
}

fn apply_commit(model: &mut Model, n: u64) {
    if is_bulk(n) {
        model.retain(|(_, id)| *id != n % 50);
        model.extend(commit(n).iter().filter_map(|change| match change {
            Change::Add(code, id) => Some((*code, *id)),
            _ => None,
        }));
    } else {
        apply_to(model, &commit(n));
    }
}

#[test]
fn a_process_killed_at_any_moment_leaves_whole_commits_and_none_is_lost() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        return commit_until_killed(Path::new(&folder));
    }
    let dir = folder();
    let (mut model, mut generation) = (Model::new(), 0);
    let mut acknowledged = 0;
    // Steps that share no period with anything the child does.
    for round in 0..40u64 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "live_kill::a_process_killed_at_any_moment_leaves_whole_commits_and_none_is_lost",
            ])
            .args(["--nocapture", "--test-threads=1"])
            .env(FOLDER, dir.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let mut last = None;
        let number = |line: &str| line.strip_prefix("done ").and_then(|n| n.trim().parse::<u64>().ok());
        let (mut line, mut wait) = (String::new(), round * 5 % 37 + 1);
        while wait > 0 && lines.read_line(&mut line).unwrap() > 0 {
            if let Some(n) = number(&line) {
                last = Some(n);
                wait -= 1;
            }
            line.clear();
        }
        assert_eq!(wait, 0, "the child ended by itself");
        std::thread::sleep(std::time::Duration::from_micros(round * 997 % 5000));
        child.kill().unwrap();
        child.wait().unwrap();
        let mut rest = String::new();
        lines.read_to_string(&mut rest).unwrap();
        // A last line may be cut: only whole ones acknowledge.
        let whole = rest.rsplit_once('\n').map_or("", |(whole, _)| whole);
        last = whole.lines().filter_map(number).next_back().or(last);
        acknowledged = last.unwrap_or(acknowledged);

        let index = LiveIndex::open(dir.path(), small(round % 2 == 0)).unwrap();
        let snapshot = index.snapshot();
        assert!(
            (acknowledged..=acknowledged + 1).contains(&snapshot.generation()),
            "{acknowledged} acknowledged, generation {}",
            snapshot.generation()
        );
        assert_eq!(index.health(), Default::default());
        while generation < snapshot.generation() {
            generation += 1;
            apply_commit(&mut model, generation);
        }
        assert_eq!(snapshot.stamp(), generation);
        assert_is(&snapshot, &model);
    }
}
