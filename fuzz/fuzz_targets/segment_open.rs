//! Segment files of foreign hands: changed bytes, most of the time with all checksums made to fit again, so that the
//! inside is reached. Nothing may panic or hang, and what `verify` accepts must answer as its own pairs say.
#![no_main]

use std::io::Write;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::OnceLock;

use lodestone_index::{BuildOptions, Code256, Hit, LayoutChoice, SearchStats, Segment, SegmentError};
use twox_hash::XxHash3_64;

const BLOCK: usize = 4096;

/// A whole file, and where its sections begin.
struct Seed {
    bytes: Vec<u8>,
    sections: Vec<(usize, usize)>,
    sums: usize,
    codes: Vec<Code256>,
}

fn code(n: u64) -> Code256 {
    let stem = (n / 5 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    Code256([stem ^ (n % 5), stem.rotate_left(17), !stem, stem.rotate_left(40) ^ ((n % 3) << 50)])
}

fn even(code: Code256) -> Code256 {
    let odd = code.0.iter().map(|word| word.count_ones()).sum::<u32>() % 2;
    Code256([code.0[0] ^ u64::from(odd), code.0[1], code.0[2], code.0[3]])
}

fn seeds() -> &'static [Seed] {
    static SEEDS: OnceLock<Vec<Seed>> = OnceLock::new();
    SEEDS.get_or_init(|| {
        let ring = LayoutChoice::Widths(vec![8; 32]);
        let mixed: Vec<(Code256, u64)> = (0..150).map(|n| (code(n % 120), n << 33)).collect();
        let mut split: Vec<(Code256, u64)> = (0..120).map(|n| (even(code(n)), n)).collect();
        split.push((Code256([1, 0, 0, 0]), 5));
        let plain: Vec<(Code256, u64)> = (0..90).map(|n| (even(code(n)), n + 70)).collect();
        let narrow = LayoutChoice::Widths([vec![3, 1, 12], vec![10; 24]].concat());
        let sets = [
            (mixed, ring.clone()),
            (split, ring),
            (plain, narrow),
            (vec![(code(3), 4), (code(3), 5)], LayoutChoice::Linear),
        ];
        sets.map(|(entries, layout)| {
            let options = BuildOptions { layout, ..BuildOptions::default() };
            let segment = Segment::from_entries(entries.clone(), &options).unwrap();
            let sections: Vec<(usize, usize)> =
                segment.facts().sections.iter().map(|s| (s.offset as usize, s.bytes as usize)).collect();
            let (at, len) = sections[sections.len() - 1];
            let codes = entries.iter().step_by(7).map(|(code, _)| *code).collect();
            Seed {
                bytes: segment.as_bytes().to_vec(),
                sections,
                sums: (at + len).next_multiple_of(BLOCK),
                codes,
            }
        })
        .into()
    })
}

/// Makes all checksums fit.
fn seal(bytes: &mut [u8], sums: usize) {
    let header = XxHash3_64::oneshot(&bytes[..BLOCK - 8]).to_le_bytes();
    bytes[BLOCK - 8..BLOCK].copy_from_slice(&header);
    let top = sums + (sums / BLOCK * 8).next_multiple_of(BLOCK);
    for (from, end) in [(0, sums), (sums, top)] {
        for (number, block) in (from..end).step_by(BLOCK).enumerate() {
            let sum = XxHash3_64::oneshot(&bytes[block..block + BLOCK]).to_le_bytes();
            bytes[end + 8 * number..][..8].copy_from_slice(&sum);
        }
    }
    let footer = bytes.len() - 32;
    let root = XxHash3_64::oneshot(&bytes[top..footer]).to_le_bytes();
    bytes[footer..footer + 8].copy_from_slice(&root);
    bytes[footer + 16..footer + 24].copy_from_slice(&header);
}

/// Changes, eight bytes each: which section, where in it, what and how.
fn change(seed: &Seed, bytes: &mut [u8], [section, low, high, how, v @ ..]: [u8; 8]) {
    let place = usize::from(u16::from_le_bytes([low, high]));
    let (start, len) = match usize::from(section) % (seed.sections.len() + 2) {
        0 => (16, 700),
        1 => (0, bytes.len()),
        n => seed.sections[n - 2],
    };
    if len == 0 {
        return;
    }
    let value = u32::from_le_bytes(v);
    let (value, width): (u64, usize) = match how % 8 {
        0 => (u64::from(value), 1),
        1 => (u64::from(value), 4),
        2 => (u64::from(value), 8),
        3 => (u64::from(value) << 32, 8),
        4 => (u64::MAX - u64::from(value % 64), 8),
        5 => (u64::from(value % 256), 4),
        6 => (u64::from(value) | 1 << 63, 8),
        _ => (u64::from(value % 256) | 1 << 31, 4),
    };
    let at = start + place * width % len / width * width;
    for (byte, new) in bytes[at..].iter_mut().zip(&value.to_le_bytes()[..width]) {
        *byte = if how >= 128 { *byte ^ new } else { *new };
    }
}

fn naive(pairs: &[(Code256, u64)], queries: &[Code256], radius: u32) -> Vec<Hit> {
    let mut hits = Vec::new();
    for (query, near) in (0..).zip(queries) {
        for (code, id) in pairs {
            let distance_bits = code.distance_bits(*near);
            if distance_bits <= radius {
                hits.push(Hit { query, distance_bits, id: *id });
            }
        }
    }
    hits.sort_unstable();
    hits
}

fn pairs(segment: &Segment) -> Result<Vec<(Code256, u64)>, SegmentError> {
    let mut pairs = Vec::new();
    let all = segment.for_each(&mut |code, id| {
        pairs.push((code, id));
        // A hostile file can name the same long list for every code.
        if pairs.len() < 1 << 16 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    all.map(|()| pairs)
}

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Some((&[which, seals, radius, cut], rest)) = input.split_first_chunk::<4>() else { return };
    let seed = &seeds()[usize::from(which) % seeds().len()];
    let mut bytes = seed.bytes.clone();
    for step in rest.as_chunks::<8>().0.iter().take(64) {
        change(seed, &mut bytes, *step);
    }
    match seals {
        0..=15 => {}
        16..=23 => bytes.truncate(usize::from(cut) * bytes.len() / 256),
        // Whatever came: no file of ours at all.
        24..=31 => bytes = rest.to_vec(),
        _ => seal(&mut bytes, seed.sums),
    }
    let folder = Path::new("/dev/shm");
    let mut file = if folder.is_dir() {
        tempfile::NamedTempFile::new_in(folder)
    } else {
        tempfile::NamedTempFile::new()
    }
    .unwrap();
    file.write_all(&bytes).unwrap();
    let Ok(segment) = Segment::open(file.path()) else { return };
    let mut queries = seed.codes.clone();
    queries.extend(seed.codes.iter().map(|code| !*code));
    queries.push(Code256([0; 4]));
    let radius = if radius < 192 { u32::from(radius) % 66 } else { u32::from(radius) };
    let look = |queries: &[Code256]| {
        let (mut hits, mut stats) = (Vec::new(), SearchStats::default());
        segment.search_into(queries, radius, &mut hits, &mut stats).map(|()| hits)
    };
    let before = (look(&queries[..1]), look(&queries), pairs(&segment));
    if segment.verify(&mut |_, _| ControlFlow::Continue(())).is_ok() {
        // What is sound was sound before it was known to be.
        let pairs = before.2.unwrap();
        assert_eq!(pairs.len() as u64, segment.len());
        let expected = naive(&pairs, &queries, radius);
        assert_eq!(before.1.unwrap(), expected);
        assert_eq!(look(&queries).unwrap(), expected);
        assert!(before.0.unwrap().iter().eq(expected.iter().filter(|hit| hit.query == 0)));
    }
});
