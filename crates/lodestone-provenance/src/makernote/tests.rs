use super::*;

/// A directory, little-endian: fields of (number, type, value); values above 4 bytes behind it, counted from `base`.
fn directory(fields: &[(u16, u16, &[u8])], at: usize, base: usize) -> Vec<u8> {
    let mut heap_at = at + 2 + fields.len() * 12 + 4;
    let (mut out, mut heap) = ((fields.len() as u16).to_le_bytes().to_vec(), Vec::new());
    for (tag, kind, value) in fields {
        let unit = match kind {
            3 => 2,
            4 => 4,
            _ => 1,
        };
        out.extend(tag.to_le_bytes());
        out.extend(kind.to_le_bytes());
        out.extend(((value.len() / unit) as u32).to_le_bytes());
        if value.len() <= 4 {
            let mut inline = value.to_vec();
            inline.resize(4, 0);
            out.extend(inline);
        } else {
            out.extend(((heap_at - base) as u32).to_le_bytes());
            heap_at += value.len();
            heap.extend_from_slice(value);
        }
    }
    out.extend([0; 4]);
    out.extend(heap);
    out
}

fn shorts(values: &[u16]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

/// A blob whose note stands at `at`.
fn blob(at: usize, note: &[u8]) -> (Vec<u8>, Range<usize>) {
    let mut blob = vec![0u8; at];
    blob[..2].copy_from_slice(b"II");
    blob.extend_from_slice(note);
    let end = blob.len();
    blob.extend([0; 64]);
    (blob, at..end)
}

#[test]
fn a_canon_directory_reads_where_it_stands_and_tells_when_it_was_moved() {
    let focus = shorts(&[96, 0, 9, 9, 1600, 1200]);
    let fields: [(u16, u16, &[u8]); 3] =
        [(0x0006, 2, b"IMG:PowerShot X1 JPEG\0"), (0x000c, 4, &[1, 2, 3, 4]), (0x0026, 3, &focus)];
    let mut note = directory(&fields, 100, 0);
    note.extend(b"II*\0");
    note.extend(100u32.to_le_bytes());
    let (file, at) = blob(100, &note);
    let read_at = read(&file, at, false, "Canon", "Canon PowerShot X1");
    assert_eq!((read_at.vendor, read_at.agrees, read_at.layout), (Some("Canon"), Some(true), Layout::Reads));
    assert_eq!(read_at.facts.sizes, [(1600, 1200)]);
    assert!(read_at.facts.serial);
    assert_eq!(read_at.facts.model.as_deref(), Some("IMG:PowerShot X1 JPEG"));

    let (file, at) = blob(140, &note);
    let moved = read(&file, at, false, "Canon", "Canon PowerShot X1");
    assert_eq!((moved.layout, moved.shift), (Layout::Moved, Some(40)));
    assert_eq!(moved.facts.sizes, [(1600, 1200)], "its values are found again");
    note.truncate(note.len() - 8);
    let (file, at) = blob(400, &note);
    let lost = read(&file, at, false, "Canon", "Canon PowerShot X1");
    assert_eq!((lost.layout, lost.shift), (Layout::Moved, Some(300)), "the distance shows");
    assert_eq!(lost.facts.sizes, [(1600, 1200)]);
}

#[test]
fn a_note_with_a_header_of_its_own_may_be_moved() {
    let fields: [(u16, u16, &[u8]); 2] = [(0x0004, 2, b"NORMAL  \0"), (0x00a7, 4, &[1, 0, 0, 0])];
    let mut note = b"Nikon\0\x02\x10\0\0II*\0\x08\0\0\0".to_vec();
    note.extend(directory(&fields, 18, 10));
    for at in [60, 200] {
        let (file, at) = blob(at, &note);
        let nikon = read(&file, at, true, "NIKON CORPORATION", "NIKON D1");
        assert_eq!((nikon.vendor, nikon.layout, nikon.fields), (Some("Nikon"), Layout::Reads, 2));
        assert!(nikon.facts.counter);
    }
}

#[test]
fn a_header_names_its_vendor_and_must_agree_with_make() {
    let (file, at) = blob(60, b"Nikon\0\x02\x10\0\0II*\0\x08\0\0\0no directory here at all");
    let nikon = read(&file, at.clone(), false, "NIKON CORPORATION", "X");
    assert_eq!((nikon.vendor, nikon.agrees, nikon.layout), (Some("Nikon"), Some(true), Layout::Broken));
    assert_eq!(read(&file, at, false, "Canon", "X").agrees, Some(false));
}

#[test]
fn a_note_of_nobody_known_is_looked_through() {
    let (file, at) = blob(60, b"????binary 2021:09:23 10:21:29 and the name Testcamera 5\0\0\0");
    let note = read(&file, at, false, "Acme", "Testcamera 5");
    assert_eq!((note.vendor, note.layout), (None, Layout::Opaque));
    assert!(note.facts.date.is_some());
    assert_eq!(note.facts.model.as_deref(), Some("Testcamera 5"));
}

#[test]
fn any_bytes_end_without_a_panic() {
    let headers: [&[u8]; 8] = [
        b"Nikon\0\x02\x10\0\0MM\0*\xff\xff\xff\xff",
        b"FUJIFILM\xff\xff\xff\xff",
        b"OLYMPUS\0II\x03\0\xff\xff",
        b"Apple iOS\0\0\x01MM\0\x02\0\x01\0\x09\xff\xff\xff\xff\xff\xff\xff\xff",
        b"KDK INFO",
        b"IIII\x04\0",
        b"\xff\xff\x01\0\x03\0\xff\xff\xff\xff\xff\xff\xff\xff",
        b"",
    ];
    for header in headers {
        for length in 0..40 {
            let mut note = header.to_vec();
            note.resize(length, 0xff);
            let (file, at) = blob(8, &note);
            for make in ["Canon", "NIKON", "SONY", "Acme", ""] {
                let _ = read(&file, at.clone(), true, make, "Model");
                let _ = read(&file, at.start..usize::MAX, false, make, "Model");
            }
        }
    }
}
