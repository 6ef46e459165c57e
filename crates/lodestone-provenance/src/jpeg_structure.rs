//! JPEG structure: what the last writer's tables and layout say of a camera's claim.

use lodestone_media::segments::{Frame, Huffman, IjgRole, JpegStructure, Segments};
use lodestone_types::{Location, Proposition, Strength};

use crate::exif;
use crate::reading::{Reading, against, supports};
use crate::structure::Database;

pub(crate) fn examine(segments: &Segments<'_>, _database: &Database, reading: &mut Reading) {
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
        // Phone apps export through the system's encoder and leave an incomplete chain.
        let strength = if reading.camera.is_full() { Strength::Moderate } else { Strength::Weak };
        reading.find(
            "jpeg-structure",
            "structure.agrees",
            "the JPEG structure is one that cameras write and common libraries do not".to_owned(),
            vec![place],
            vec![supports(Proposition::CameraOriginal, strength)],
        );
        reading.camera.structure_agrees = Some(true);
    } else if disagrees(jpeg) {
        reading.find(
            "jpeg-structure",
            "structure.disagrees",
            format!(
                "a camera is named, but the JPEG is built as common libraries build it: {}",
                library.join(", ")
            ),
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
    if jpeg.huffman == Huffman::Own && jpeg.frame.as_ref().is_some_and(Frame::is_progressive) {
        traits.push("progressive");
    }
    if jpeg.thumbnail.is_none() {
        traits.push("no thumbnail");
    }
    traits
}

/// No JFIF and no Adobe segment, and either tables of the writer's own or 4:2:2 with the example Huffman tables and a
/// thumbnail. Measured on the development corpus (see eval/provenance/README.md): no made edit with copied EXIF and no
/// generated picture has it. Phone apps that export through the system's encoder do; they write no MakerNote.
fn agrees(jpeg: &JpegStructure) -> bool {
    let sampling = jpeg.frame.as_ref().and_then(Frame::sampling);
    let camera_layout =
        sampling == Some((2, 1)) && jpeg.huffman == Huffman::Standard && jpeg.thumbnail.is_some();
    let progressive = jpeg.frame.as_ref().is_some_and(Frame::is_progressive);
    !jpeg.has_jfif && !jpeg.has_adobe && !progressive && (!jpeg.all_ijg() || camera_layout)
}

/// Example tables and a JFIF header before EXIF: the default output of libraries when EXIF is copied over. EXIF itself
/// asks to stand first.
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
