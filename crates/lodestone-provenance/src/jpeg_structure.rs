//! JPEG structure: what the last writer's tables and layout say of a camera's claim.

use lodestone_media::segments::{Huffman, IjgRole, JpegStructure, Segments};
use lodestone_types::{Location, Proposition, Strength};

use crate::exif;
use crate::reading::{Reading, against, supports};

pub(crate) fn examine(segments: &Segments<'_>, reading: &mut Reading) {
    let Some(jpeg) = &segments.jpeg else { return };
    if jpeg.tables.is_empty() || jpeg.frame.is_none() {
        return;
    }
    reading.applied += 1;
    let tables = jpeg.markers.iter().find(|m| m.code == 0xdb);
    let place = Location {
        offset: tables.map(|m| m.offset),
        field: "jpeg:DQT".to_owned(),
        raw: Some(describe(jpeg)),
    };
    reading.find(
        "jpeg-structure",
        "structure.described",
        format!("the JPEG is {}", describe(jpeg)),
        vec![place.clone()],
        Vec::new(),
    );
    if !reading.camera.is_partial() || !exif::in_jpeg(segments) {
        return;
    }
    let library = library_traits(jpeg);
    let agrees = agrees(jpeg);
    if agrees {
        reading.find(
            "jpeg-structure",
            "structure.agrees",
            "the JPEG structure is one that cameras write and common libraries do not".to_owned(),
            vec![place],
            vec![supports(Proposition::CameraOriginal, Strength::Moderate)],
        );
        reading.camera.structure_agrees = Some(true);
    } else if disagrees(jpeg) {
        reading.find(
            "jpeg-structure",
            "structure.disagrees",
            format!("a camera is named, but the JPEG is built as common libraries build it: {}", library.join(", ")),
            vec![place],
            vec![
                supports(Proposition::EditedCapture, Strength::Moderate),
                against(Proposition::CameraOriginal, Strength::Moderate),
            ],
        );
        reading.camera.structure_agrees = Some(false);
    }
}

/// Traits that libraries' default output has.
fn library_traits(jpeg: &JpegStructure) -> Vec<&'static str> {
    let mut traits = Vec::new();
    if jpeg.all_ijg() {
        traits.push("scaled example quantisation tables");
    }
    if jpeg.jfif_before_exif {
        traits.push("a JFIF header before EXIF");
    }
    if jpeg.huffman == Huffman::Own && jpeg.frame.as_ref().is_some_and(|f| f.is_progressive()) {
        traits.push("progressive");
    }
    if jpeg.thumbnail.is_none() {
        traits.push("no thumbnail");
    }
    traits
}

fn agrees(jpeg: &JpegStructure) -> bool {
    !jpeg.all_ijg() && !jpeg.jfif_before_exif && !jpeg.has_adobe
}

fn disagrees(jpeg: &JpegStructure) -> bool {
    jpeg.all_ijg() && jpeg.jfif_before_exif
}

/// One line: coding, sampling, tables, layout.
fn describe(jpeg: &JpegStructure) -> String {
    let mut parts = Vec::new();
    if let Some(frame) = &jpeg.frame {
        parts.push(if frame.is_progressive() { "progressive" } else { "sequential" }.to_owned());
        parts.push(match frame.sampling() {
            None => "grey".to_owned(),
            Some((h, v)) => format!("{h}x{v} sampling"),
        });
    }
    let luma = jpeg.luma_table().and_then(|t| t.ijg);
    parts.push(match luma {
        Some(m) if m.role == IjgRole::Luma => format!("example table at quality {}", m.quality),
        _ => "own quantisation table".to_owned(),
    });
    match jpeg.huffman {
        Huffman::Standard => parts.push("example Huffman tables".to_owned()),
        Huffman::Own => parts.push("own Huffman tables".to_owned()),
        Huffman::None => {}
    }
    for (has, name) in [
        (jpeg.has_jfif, "JFIF"),
        (jpeg.has_exif, "EXIF"),
        (jpeg.has_adobe, "Adobe"),
        (jpeg.thumbnail.is_some(), "thumbnail"),
        (jpeg.restart_interval.is_some(), "restarts"),
    ] {
        if has {
            parts.push(name.to_owned());
        }
    }
    parts.join(", ")
}
