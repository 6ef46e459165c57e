//! JPEG structure: what the last writer's tables and layout say of a camera's claim.
//!
//! The claim is EXIF's; the structure is not written by whoever copies EXIF. A structure *agrees* where a camera's or
//! phone's own encoder writes it and common libraries do not, or where the database knows that this maker writes it;
//! it *disagrees* where a library, an editor or a service wrote the file. Everything else is left open.

use lodestone_media::segments::{Huffman, IjgRole, JpegStructure, Segments};
use lodestone_types::{Location, Proposition, Strength};

use crate::exif;
use crate::reading::{Reading, against, supports};
use crate::structure::{self, Class, Database, Known, Layout, Level, Order, Signature};

const EXAMINER: &str = "jpeg-structure";

pub(crate) fn examine(segments: &Segments<'_>, database: &Database, reading: &mut Reading) {
    let (Some(jpeg), Some(signature)) = (&segments.jpeg, Signature::of(segments)) else {
        reading.facts.insert("structure".to_owned(), "not_jpeg".to_owned());
        return;
    };
    reading.applied += 1;
    let (make, _) = structure::names(segments);
    let layout = structure::read_layout(jpeg, (!make.is_empty()).then_some(make.as_str()));
    let known = database.look_up(&signature);
    let class = class(jpeg, &layout, &known, segments);
    let tables = place(jpeg, 0xdb, "jpeg:DQT", Some(signature.layout.clone()));
    reading.find(
        EXAMINER,
        "structure.described",
        format!("the JPEG is {}", describe(jpeg, &layout)),
        vec![tables.clone()],
        Vec::new(),
    );
    reading.fact("structure", class.name());
    if !known.is_empty() {
        let what = format!("this structure is known from {}", list(&known));
        reading.find(EXAMINER, "structure.known", what, vec![tables.clone()], Vec::new());
    }
    if matches!(class, Class::Editor | Class::Social) {
        let (code, what) = match class {
            Class::Editor => ("structure.editor", "an image editor wrote the JPEG"),
            _ => ("structure.social", "an online service re-encoded the JPEG"),
        };
        let bearings = vec![
            supports(Proposition::EditedCapture, Strength::Weak),
            against(Proposition::CameraOriginal, Strength::Moderate),
        ];
        let marks = vec![place(jpeg, 0xee, "jpeg:APP14", None), tables.clone()];
        let marks = marks.into_iter().filter(|p| p.offset.is_some()).collect();
        reading.find(EXAMINER, code, what.to_owned(), marks, bearings);
    }
    if reading.camera.is_partial() && exif::in_jpeg(segments) {
        claim(jpeg, &layout, class, &known, &make, tables, reading);
    }
}

/// What the database and the layout say together: the database knows editors and services better, the layout cameras.
fn class(jpeg: &JpegStructure, layout: &Layout, known: &[&Known], segments: &Segments<'_>) -> Class {
    if structure::is_social_mark(segments) {
        return Class::Social;
    }
    let of = |class: Class| known.iter().any(|k| k.class == class && k.level != Level::Layout);
    let device = of(Class::Camera) || of(Class::Phone);
    for class in [Class::Social, Class::Editor] {
        if of(class) && !device {
            return class;
        }
    }
    if layout.class == Class::Unknown && device && !jpeg.jfif_before_exif {
        return if of(Class::Camera) { Class::Camera } else { Class::Phone };
    }
    layout.class
}

/// A camera is claimed: does the structure agree?
fn claim(
    jpeg: &JpegStructure,
    layout: &Layout,
    class: Class,
    known: &[&Known],
    make: &str,
    tables: Location,
    reading: &mut Reading,
) {
    let apple = layout.order == Order::Apple && make.eq_ignore_ascii_case("apple");
    let other_thumbnail = structure::thumbnail_of_another_encoder(jpeg);
    // Phones encode thumbnails in software and pictures in hardware.
    let thumbnail_speaks = other_thumbnail && class != Class::Phone;
    let agrees = match class {
        Class::Camera | Class::Phone => !thumbnail_speaks,
        _ => known.iter().any(|k| k.level == Level::Exact && same_maker(&k.who, make)),
    };
    // Apple's image framework converts for its own phones what they recorded in another format.
    let disagrees = thumbnail_speaks
        || matches!(class, Class::Editor | Class::Social)
        || class == Class::Library && !apple;
    if agrees {
        let maker = known.iter().any(|k| same_maker(&k.who, make));
        let own = jpeg.luma_table().is_some_and(|t| t.ijg.is_none());
        // Phone apps export through the system's encoder and leave an incomplete chain.
        let strength = match (reading.camera.is_full(), class) {
            (true, Class::Camera) => Strength::Moderate,
            (true, _) if own || maker => Strength::Moderate,
            _ => Strength::Weak,
        };
        let what = if maker {
            format!("the JPEG structure is known from this maker: {}", layout.traits.join(", "))
        } else {
            format!(
                "the JPEG structure is one that {} write and common libraries do not: {}",
                if class == Class::Phone { "phones" } else { "cameras" },
                layout.traits.join(", ")
            )
        };
        let bearings = vec![supports(Proposition::CameraOriginal, strength)];
        reading.find(EXAMINER, "structure.agrees", what, vec![tables], bearings);
        reading.camera.structure_agrees = Some(true);
    } else if disagrees {
        let mut places = vec![tables];
        places.extend(jpeg.has_jfif.then(|| place(jpeg, 0xe0, "jpeg:APP0", None)));
        let why = if thumbnail_speaks {
            let thumbnail = jpeg.thumbnail.as_ref().and_then(|t| t.offset);
            places.push(Location { offset: thumbnail, field: "exif:thumbnail".to_owned(), raw: None });
            "a camera is named, but the picture is built as common libraries build it and its thumbnail is not".to_owned()
        } else {
            let who = match class {
                Class::Editor => "an editor builds",
                Class::Social => "an online service builds",
                _ => "common libraries build",
            };
            format!("a camera is named, but the JPEG is built as {who} it: {}", layout.traits.join(", "))
        };
        let bearings = vec![
            supports(Proposition::EditedCapture, Strength::Moderate),
            against(Proposition::CameraOriginal, Strength::Moderate),
        ];
        reading.find(EXAMINER, "structure.disagrees", why, places, bearings);
        reading.camera.structure_agrees = Some(false);
    }
}

/// Whether two names of makers begin with the same word: `NIKON` and `NIKON CORPORATION`.
fn same_maker(one: &str, other: &str) -> bool {
    let first = |name: &str| name.split_whitespace().next().unwrap_or_default().to_lowercase();
    !one.trim().is_empty() && first(one) == first(other)
}

/// The first marker of that code.
fn place(jpeg: &JpegStructure, code: u8, field: &str, raw: Option<String>) -> Location {
    let marker = jpeg.markers.iter().find(|m| m.code == code);
    Location {
        offset: marker.map(|m| m.offset),
        field: field.to_owned(),
        raw: raw.map(|r| crate::fields::raw(&r)),
    }
}

/// Writers, at most four, with what they were learned from.
fn list(known: &[&Known]) -> String {
    let words: Vec<String> = known
        .iter()
        .take(4)
        .map(|k| {
            let level = match k.level {
                Level::Exact => "all of it",
                Level::Tables => "its tables",
                Level::Layout => "its layout",
            };
            let mut word = k.who.clone();
            if !k.models.is_empty() {
                word.push_str(&format!(
                    " {}",
                    k.models.iter().take(3).cloned().collect::<Vec<_>>().join(", ")
                ));
            }
            let files = k.files.map_or_else(String::new, |n| format!("{n} files, "));
            format!("{word} ({level}; {files}{})", k.database)
        })
        .collect();
    let more = known.len().saturating_sub(4);
    if more > 0 { format!("{}; and {more} more", words.join("; ")) } else { words.join("; ") }
}

/// One line: coding, sampling, tables, layout.
fn describe(jpeg: &JpegStructure, layout: &Layout) -> String {
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
        Some(m) if m.role == IjgRole::Luma || m.quality == 100 => {
            format!("example table at quality {}", m.quality)
        }
        _ => "own quantisation table".to_owned(),
    });
    match jpeg.huffman {
        Huffman::Standard => parts.push("example Huffman tables".to_owned()),
        Huffman::Own => parts.push("own Huffman tables".to_owned()),
        Huffman::None => {}
    }
    match layout.order {
        Order::Libjpeg => parts.push("libjpeg's segment order".to_owned()),
        Order::Apple => parts.push("segment order of Apple's image framework".to_owned()),
        Order::Joined | Order::Other => {}
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
