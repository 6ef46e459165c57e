//! What the container holds besides pixels, shown for the record: signed provenance, damage, bytes after the end.

use lodestone_media::segments::{SegmentKind, Segments};
use lodestone_types::Location;

use crate::reading::Reading;
use crate::xmp::Packet;

pub(crate) fn examine(segments: &Segments<'_>, packets: &[Packet], reading: &mut Reading) {
    let place = |segment: &lodestone_media::segments::Segment<'_>| Location {
        offset: Some(segment.offset),
        field: segment.field.to_owned(),
        raw: Some(format!("present, {} bytes", segment.length)),
    };
    let manifests: Vec<_> = segments.of(SegmentKind::C2pa).take(8).map(place).collect();
    if !manifests.is_empty() {
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
    let trailing: Vec<_> = segments.of(SegmentKind::Trailing).map(place).collect();
    if !trailing.is_empty() {
        let what = if segments.of(SegmentKind::Mpf).next().is_some() {
            "further pictures follow the first (Multi-Picture Format)"
        } else {
            "bytes follow the end of the picture"
        };
        reading.find("container", "container.trailing", what.to_owned(), trailing, Vec::new());
    }
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
