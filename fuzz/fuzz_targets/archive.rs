//! Archives: every member is bounded, a second walk visits the same ones.
#![no_main]

mod sink;

use std::io::Cursor;
use std::ops::ControlFlow;

use lodestone_media::archive::{Budget, walk};
use lodestone_media::{Limits, identify};

const MEMBER: u64 = 1 << 20;

fn names(bytes: &[u8]) -> Vec<(String, usize)> {
    let Some(format) = identify(bytes).filter(|format| format.is_archive()) else { return Vec::new() };
    let limits = Limits { max_members: 1000, max_unpacked: 8 << 20, ..sink::limits() };
    let mut names = Vec::new();
    let budget = Budget::new(&limits);
    let _ = walk(Cursor::new(bytes), format, 0, &budget, 0, &mut |mut member| {
        let (content, _) = member.bytes(MEMBER);
        assert!(content.len() as u64 <= MEMBER);
        assert!(!member.name.starts_with('/') && !member.name.split('/').any(|part| part == ".."));
        names.push((member.name, content.len()));
        ControlFlow::Continue(())
    });
    assert!(names.len() <= 1000 && budget.unpacked() <= limits.max_unpacked + (1 << 20));
    names
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| assert_eq!(names(bytes), names(bytes)));
