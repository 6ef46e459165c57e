//! What the container holds besides pixels, shown for the record: signed provenance, damage, bytes after the end.

use lodestone_media::segments::tiff::{Ifd, Tiff};
use lodestone_media::segments::{Segment, SegmentKind, Segments};
use lodestone_types::{CheckState, Location, Proposition, Strength};

use crate::reading::{Reading, against, supports};
use crate::xmp::Packet;

pub(crate) fn examine(segments: &Segments<'_>, packets: &[Packet], reading: &mut Reading) {
    reading.check("container", CheckState::Applied, None);
    let manifests: Vec<_> = segments.of(SegmentKind::C2pa).take(8).map(place).collect();
    // Where they were validated, the findings of that say more.
    let validated = reading.findings.iter().any(|finding| finding.examiner == "credentials");
    if !manifests.is_empty() && !validated {
        reading.applied += 1;
        reading.c2pa_present = true;
        reading.find(
            "c2pa",
            "c2pa.present",
            "a C2PA manifest store is present; it was not validated".to_owned(),
            manifests,
            Vec::new(),
        );
    }
    trailing(segments, reading);
    for packet in packets {
        if let Some(fault) = &packet.fault {
            let location = Location { offset: Some(packet.offset), field: "xmp".to_owned(), raw: None };
            reading.find(
                "xmp",
                "xmp.unreadable",
                format!("an XMP packet could not be read: {fault}"),
                vec![location],
                Vec::new(),
            );
        }
    }
    if !segments.damage.is_empty() {
        reading.find(
            "container",
            "container.damage",
            format!("the file's structure is damaged: {}", segments.damage.join("; ")),
            Vec::new(),
            Vec::new(),
        );
    }
}

fn place(segment: &Segment<'_>) -> Location {
    Location {
        offset: Some(segment.offset),
        field: segment.field.to_owned(),
        raw: Some(format!("present, {} bytes", segment.length)),
    }
}

/// What follows the end of the picture, and whether the tables that announce it still point to it.
fn trailing(segments: &Segments<'_>, reading: &mut Reading) {
    let trailing: Vec<_> = segments.of(SegmentKind::Trailing).collect();
    let index = segments.of(SegmentKind::Mpf).next();
    let pictures = index.map(|mpf| further_pictures(mpf, &trailing));
    if let (Some(index), Some(further)) = (index, &pictures)
        && further.stated > 0
    {
        let intact = further.found == further.stated;
        reading.camera.surroundings_intact |= intact;
        let (code, what) = if intact {
            ("container.pictures_intact", "further pictures stand where the Multi-Picture index says")
        } else {
            (
                "container.pictures_broken",
                "the Multi-Picture index names further pictures that are not there: the file was written anew",
            )
        };
        let bearings = if intact {
            Vec::new()
        } else {
            vec![
                supports(Proposition::EditedCapture, Strength::Weak),
                against(Proposition::CameraOriginal, Strength::Weak),
            ]
        };
        reading.find("container", code, what.to_owned(), vec![place(index)], bearings);
    }
    for segment in &trailing {
        let what = kind_of_trailer(&segment.data, pictures.as_ref().is_some_and(|p| p.found > 0));
        if what == SAMSUNG {
            reading.camera.surroundings_intact = true;
        }
        reading.find("container", "container.trailing", what.to_owned(), vec![place(segment)], Vec::new());
    }
}

const SAMSUNG: &str = "a Samsung phone's trailer follows the picture";

fn kind_of_trailer(data: &[u8], announced: bool) -> &'static str {
    if data.ends_with(b"SEFT") {
        SAMSUNG
    } else if data.get(4..8) == Some(b"ftyp") {
        "a video follows the picture (a motion photo)"
    } else if announced {
        "further pictures follow the first (Multi-Picture Format)"
    } else if data.starts_with(&[0xff, 0xd8, 0xff]) {
        "a further picture follows the first"
    } else if data.iter().all(|&b| b == 0 || b == 0xff) {
        "padding follows the end of the picture"
    } else {
        "bytes follow the end of the picture"
    }
}

/// Pictures named by a Multi-Picture index beside the first, and those that stand there.
struct Further {
    stated: usize,
    found: usize,
}

/// *Source:* CIPA DC-007, MP Entry (0xB002): attribute, size, offset from the index's own header, dependents.
fn further_pictures(mpf: &Segment<'_>, trailing: &[&Segment<'_>]) -> Further {
    let tiff = Tiff::parse(&mpf.data);
    let mut further = Further { stated: 0, found: 0 };
    let Some(entries) = tiff.get(Ifd::Primary, 0xb002) else { return further };
    let read = |entry: &[u8], at: usize| {
        let bytes: [u8; 4] = entry.get(at..at + 4)?.try_into().ok()?;
        Some(u64::from(if tiff.is_big_endian() {
            u32::from_be_bytes(bytes)
        } else {
            u32::from_le_bytes(bytes)
        }))
    };
    for entry in entries.data.chunks_exact(16).take(16) {
        let (Some(size), Some(offset)) = (read(entry, 4), read(entry, 8)) else { continue };
        if offset == 0 {
            continue;
        }
        further.stated += 1;
        let at = mpf.payload_offset.saturating_add(offset);
        let there = trailing.iter().any(|t| {
            let inside = at.checked_sub(t.payload_offset).and_then(|o| usize::try_from(o).ok());
            let fits = at.saturating_add(size) <= t.payload_offset.saturating_add(t.data.len() as u64);
            fits && inside.is_some_and(|o| t.data.get(o..o.saturating_add(2)) == Some(&[0xff, 0xd8]))
        });
        further.found += usize::from(there);
    }
    further
}
