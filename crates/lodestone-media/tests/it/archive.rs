//! Archives made here byte by byte, whole, damaged and hostile.
#![allow(clippy::unwrap_used)]

use std::io::{Cursor, Write};
use std::ops::ControlFlow;

use flate2::{Compression, Crc, write::DeflateEncoder, write::GzEncoder};
use lodestone_media::archive::{Budget, walk, walk_stream};
use lodestone_media::{Error, Format, Limits, identify};

type Seen = Vec<(u64, String, Result<Vec<u8>, Error>)>;

fn list_with(bytes: &[u8], limits: &Limits, depth: u32, skip: u64) -> (Seen, Result<(), Error>) {
    let format = identify(bytes).unwrap();
    let mut seen = Vec::new();
    let budget = Budget::new(limits);
    let result = walk(Cursor::new(bytes), format, depth, &budget, skip, &mut |mut member| {
        let (data, error) = member.bytes(limits.max_bytes);
        seen.push((member.index, member.name.clone(), error.map_or(Ok(data), Err)));
        ControlFlow::Continue(())
    });
    (seen, result)
}

fn list(bytes: &[u8]) -> (Seen, Result<(), Error>) {
    list_with(bytes, &Limits::default(), 0, 0)
}

fn names(seen: &Seen) -> Vec<&str> {
    seen.iter().map(|(_, name, _)| name.as_str()).collect()
}

struct File<'a> {
    name: &'a [u8],
    data: &'a [u8],
    method: u16,
    flags: u16,
    mode: u32,
}

fn file<'a>(name: &'a str, data: &'a [u8]) -> File<'a> {
    File { name: name.as_bytes(), data, method: 8, flags: 0, mode: 0o100_644 }
}

fn deflate(data: &[u8]) -> Vec<u8> {
    let mut z = DeflateEncoder::new(Vec::new(), Compression::default());
    z.write_all(data).unwrap();
    z.finish().unwrap()
}

fn crc(data: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(data);
    crc.sum()
}

fn zip(files: &[File<'_>]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for f in files {
        let packed = if f.method == 8 { deflate(f.data) } else { f.data.to_vec() };
        let mut fields = Vec::new();
        fields.extend(f.flags.to_le_bytes());
        fields.extend(f.method.to_le_bytes());
        fields.extend([0; 4]);
        fields.extend(crc(f.data).to_le_bytes());
        fields.extend((packed.len() as u32).to_le_bytes());
        fields.extend((f.data.len() as u32).to_le_bytes());
        fields.extend((f.name.len() as u16).to_le_bytes());
        fields.extend([0; 2]);
        directory.extend(b"PK\x01\x02\x14\x03\x14\0");
        directory.extend(&fields);
        directory.extend([0; 6]);
        directory.extend((f.mode << 16).to_le_bytes());
        directory.extend((out.len() as u32).to_le_bytes());
        directory.extend(f.name);
        out.extend(b"PK\x03\x04\x14\0");
        out.extend(fields);
        out.extend(f.name);
        out.extend(packed);
    }
    let start = out.len() as u32;
    out.extend(&directory);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend((files.len() as u16).to_le_bytes());
    out.extend((files.len() as u16).to_le_bytes());
    out.extend((directory.len() as u32).to_le_bytes());
    out.extend(start.to_le_bytes());
    out.extend([0; 2]);
    out
}

fn tar_header(name: &[u8], size: usize, kind: u8) -> Vec<u8> {
    let mut h = vec![0u8; 512];
    h[..name.len().min(100)].copy_from_slice(&name[..name.len().min(100)]);
    h[124..135].copy_from_slice(format!("{size:011o}").as_bytes());
    h[156] = kind;
    h[257..263].copy_from_slice(b"ustar\0");
    h[148..156].fill(b' ');
    let sum: u32 = h.iter().map(|&b| u32::from(b)).sum();
    h[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    h
}

fn tar_member(name: &[u8], data: &[u8], kind: u8) -> Vec<u8> {
    let mut out = tar_header(name, data.len(), kind);
    out.extend(data);
    out.resize(out.len().div_ceil(512) * 512, 0);
    out
}

fn gzip(data: &[u8]) -> Vec<u8> {
    let mut z = GzEncoder::new(Vec::new(), Compression::default());
    z.write_all(data).unwrap();
    z.finish().unwrap()
}

#[test]
fn zip_members_come_in_the_order_of_their_names() {
    let bytes = zip(&[
        file("b.txt", b"second"),
        file("dir/", b""),
        File { method: 0, ..file("a.txt", b"first") },
        file("../../b.txt", b"third"),
        file("B.txt", b"zeroth"),
    ]);
    let (seen, result) = list(&bytes);
    assert_eq!(result, Ok(()));
    assert_eq!(names(&seen), ["b.txt", "B.txt", "a.txt", "b.txt#2"]);
    let data: Vec<&[u8]> = seen.iter().map(|(_, _, d)| d.as_ref().unwrap().as_slice()).collect();
    assert_eq!(data, [b"third".as_slice(), b"zeroth", b"first", b"second"]);
    // Going on after the second member gives the same numbers and names.
    let (rest, _) = list_with(&bytes, &Limits::default(), 0, 2);
    assert_eq!(rest, seen[2..]);
}

#[test]
fn what_cannot_be_read_is_a_member_with_its_reason() {
    let mut bytes = zip(&[
        File { flags: 1, ..file("a", b"secret") },
        File { method: 12, ..file("b", b"bzip2") },
        File { mode: 0o120_777, ..file("c", b"/etc/passwd") },
        file("d", b"sound"),
        File { method: 0, ..file("e", b"damaged") },
    ]);
    let at = bytes.windows(7).position(|w| w == b"damaged").unwrap();
    bytes[at] ^= 1;
    let (seen, result) = list(&bytes);
    assert_eq!(result, Ok(()));
    let reasons: Vec<&str> =
        seen.iter().map(|(_, _, d)| d.as_ref().map_or_else(Error::reason, |_| "fine")).collect();
    assert_eq!(reasons, ["encrypted", "unsupported", "unsupported", "fine", "malformed"]);
}

#[test]
fn a_zip_without_its_directory_is_pieced_together() {
    let data = b"some text, some text, some text".repeat(9);
    let whole = zip(&[file("a", &data), file("b", b"bb"), file("c", b"ccc")]);
    let directory = whole.windows(4).position(|w| w == b"PK\x01\x02").unwrap();
    let (seen, result) = list(&whole[..directory]);
    assert_eq!(names(&seen), ["a", "b", "c"]);
    assert_eq!(seen[0].2.as_ref().unwrap(), &data);
    assert!(matches!(result, Err(Error::Truncated(_))));
    // Cut inside a member: the ones before it are there, it is cut, and the walk says so.
    let third = whole.windows(5).rposition(|w| w == b"PK\x03\x04\x14").unwrap();
    let (seen, result) = list(&whole[..third + 32]);
    assert_eq!(seen.len(), 3);
    assert!(seen[1].2.is_ok() && seen[2].2.is_err() && result.is_err());
}

#[test]
fn zip_bombs_are_refused() {
    let zeros = vec![0u8; 40 << 20];
    let bomb = zip(&[file("a", &zeros), file("b", b"after it")]);
    assert!(bomb.len() < 100_000);
    let limits = Limits { max_ratio: 100, ..Limits::default() };
    let (seen, result) = list_with(&bomb, &limits, 0, 0);
    assert!(matches!(seen[0].2, Err(Error::TooManyBytes { limit: 100, .. })));
    assert!(seen[1].2.is_ok(), "one member's ratio does not stop the walk");
    assert_eq!(result, Ok(()));
    let limits = Limits { max_unpacked: 1 << 20, ..Limits::default() };
    let (seen, result) = list_with(&bomb, &limits, 0, 0);
    assert!(matches!(result, Err(Error::TooManyBytes { .. })));
    assert_eq!(seen.len(), 1);
    let limits = Limits { max_bytes: 1_000, ..Limits::default() };
    assert!(matches!(list_with(&bomb, &limits, 0, 0).0[0].2, Err(Error::TooManyBytes { limit: 1_000, .. })));
    // Two names for the same bytes.
    let mut shared = zip(&[file("a", &zeros[..99]), file("b", &zeros[..99])]);
    let second = shared.windows(4).rposition(|w| w == b"PK\x01\x02").unwrap();
    shared[second + 42..second + 46].copy_from_slice(&[0; 4]);
    let (seen, _) = list(&shared);
    assert_eq!(seen[1].2, Err(Error::Malformed("zip: members overlap".into())));
}

#[test]
fn members_and_depth_are_limited() {
    let bytes = zip(&[file("a", b"1"), file("b", b"2"), file("c", b"3")]);
    let limits = Limits { max_members: 2, ..Limits::default() };
    assert_eq!(list_with(&bytes, &limits, 0, 0).1, Err(Error::TooManyMembers { limit: 2 }));
    assert_eq!(list_with(&bytes, &Limits::default(), 4, 0).1, Err(Error::TooDeep { limit: 4 }));
    let tar =
        [tar_member(b"a", b"1", b'0'), tar_member(b"b", b"2", b'0'), tar_member(b"c", b"3", b'0')].concat();
    let (seen, result) = list_with(&tar, &limits, 0, 0);
    assert_eq!((seen.len(), result), (2, Err(Error::TooManyMembers { limit: 2 })));
}

#[test]
fn tar_members_with_long_names_links_and_directories() {
    let long = b"d/".repeat(120);
    let long = [long.as_slice(), b"x.png"].concat();
    let pax = b"24 path=from/pax/name.p\n";
    let tar = [
        tar_member(b"dir/", b"", b'5'),
        tar_member(b"././@LongLink", &[long.as_slice(), b"\0"].concat(), b'L'),
        tar_member(b"cut", b"long", b'0'),
        tar_member(b"PaxHeaders/x", pax, b'x'),
        tar_member(b"short", &[7; 513], b'0'),
        tar_member(b"link", b"", b'2'),
        tar_member(b"same", b"1", b'0'),
        tar_member(b"same", b"2", b'0'),
        vec![0; 1024],
    ]
    .concat();
    let (seen, result) = list(&tar);
    assert_eq!(result, Ok(()));
    let long = String::from_utf8(long).unwrap();
    assert_eq!(names(&seen), [long.as_str(), "from/pax/name.p", "link", "same", "same#2"]);
    assert_eq!(seen[1].2, Ok(vec![7; 513]));
    assert!(matches!(seen[2].2, Err(Error::Unsupported(_))));
    let (rest, _) = list_with(&tar, &Limits::default(), 0, 3);
    assert_eq!(rest, seen[3..]);
}

#[test]
fn a_cut_tar_gives_its_members_and_then_an_error() {
    let tar = [tar_member(b"a", b"whole", b'0'), tar_member(b"b", &[1; 2_000], b'0')].concat();
    let (seen, result) = list(&tar[..1_024 + 512 + 700]);
    assert_eq!(names(&seen), ["a", "b"]);
    assert!(matches!(seen[1].2, Err(Error::Truncated(_))));
    assert!(matches!(result, Err(Error::Truncated(_))));
    let mut bad = tar.clone();
    bad[1_024] ^= 1;
    let (seen, result) = list(&bad);
    assert_eq!(names(&seen), ["a"]);
    assert!(matches!(result, Err(Error::Malformed(_))));
}

#[test]
fn gzip_is_one_member_and_tar_inside_it_streams() {
    let tar = [tar_member(b"a", b"1", b'0'), tar_member(b"b", b"22", b'0'), vec![0; 1024]].concat();
    let bytes = gzip(&tar);
    assert_eq!(identify(&bytes), Some(Format::Gzip));
    let (seen, result) = list(&bytes);
    assert_eq!((names(&seen), &seen[0].2, result), (vec!["data"], &Ok(tar), Ok(())));
    let budget = Budget::new(&Limits::default());
    let mut inner = Vec::new();
    let result = walk(Cursor::new(&bytes), Format::Gzip, 0, &budget, 0, &mut |outer| {
        let reader = outer.content.unwrap();
        let result = walk_stream(reader, Format::Tar, 1, &budget, 0, &mut |mut member| {
            inner.push((member.name.clone(), member.bytes(99).0));
            ControlFlow::Continue(())
        });
        assert_eq!(result, Ok(()));
        ControlFlow::Continue(())
    });
    assert_eq!(result, Ok(()));
    assert_eq!(inner, [("a".to_owned(), b"1".to_vec()), ("b".to_owned(), b"22".to_vec())]);
    assert_eq!(budget.members(), 3);
    let (seen, result) = list(&bytes[..bytes.len() - 9]);
    assert!(seen[0].2.is_err() && result.is_err());
}

#[test]
fn changed_and_cut_archives_never_panic() {
    let tar = [tar_member(b"a", b"first", b'0'), tar_member(b"b", &[3; 700], b'0')].concat();
    let zipped =
        zip(&[file("a", b"first first first"), File { method: 9, ..file("b", &deflate(&[5; 900])) }]);
    for bytes in [zipped, gzip(&tar), tar] {
        let format = identify(&bytes).unwrap();
        let go = |bytes: &[u8]| {
            let budget = Budget::new(&Limits::default());
            let _ = walk(Cursor::new(bytes), format, 0, &budget, 0, &mut |mut m| {
                m.bytes(1 << 20);
                ControlFlow::Continue(())
            });
        };
        for end in 0..bytes.len() {
            go(&bytes[..end]);
        }
        let mut seed = 88_172_645_463_325_252u64;
        for _ in 0..1_000 {
            let mut changed = bytes.clone();
            for _ in 0..3 {
                seed ^= seed << 13;
                seed ^= seed >> 7;
                seed ^= seed << 17;
                let at = seed as usize % changed.len();
                changed[at] = (seed >> 32) as u8;
            }
            go(&changed);
        }
    }
}
