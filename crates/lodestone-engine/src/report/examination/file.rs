//! One file of an examination.

use std::io::{self, Write};

use lodestone_types::{Assessment, Observation, Record, Thumbnail, hex};

use super::super::text::{Attr, Path, Text, bytes, count};
use super::super::words as report_words;
use super::{STANDING, checks, findings, pairs, signed, words};

pub(super) fn write(
    out: &mut dyn Write,
    number: usize,
    record: &Record,
    budget: &mut usize,
) -> io::Result<()> {
    let seen = &record.observation;
    writeln!(
        out,
        "<section class=\"exam\" id=\"f{number}\" data-f aria-labelledby=\"n{number}\"><h2 id=\"n{number}\"><i>{}</i> \
         {}</h2>",
        count(number as u64),
        Path(&record.path)
    )?;
    identity(out, record)?;
    if let Some(why) = &seen.unreadable {
        writeln!(
            out,
            "<p class=\"note warn\"><b>Not read whole.</b> Failed while {}: <code>{}</code> {}. What is below comes from \
             what could be read.</p>",
            report_words::stage(why.stage),
            Text(&why.reason),
            Text(&why.detail)
        )?;
    }
    matches(out, record)?;
    if let Some(said) = &seen.assessment {
        writeln!(out, "<h3>What was found</h3><p class=\"statement\">{}</p>", Text(&said.statement))?;
        pairs::write(out, &said.pairs, &seen.findings)?;
        origin(out, said)?;
        if let Some(credentials) = &said.credentials {
            signed::write(out, credentials)?;
        }
    }
    findings::write(out, &seen.findings)?;
    if let Some(said) = &seen.assessment {
        checks::write(out, said)?;
    }
    pictures(out, seen, budget)?;
    writeln!(out, "<p class=\"standing\">{STANDING}</p></section>")
}

fn identity(out: &mut dyn Write, record: &Record) -> io::Result<()> {
    let seen = &record.observation;
    write!(out, "<dl class=\"pairs\">")?;
    if let Some(digests) = &seen.digests {
        pair(out, "SHA-256", &digests.sha256.to_string())?;
        pair(out, "SHA-1", &hex::encode(&digests.sha1))?;
        pair(out, "MD5", &hex::encode(&digests.md5))?;
    }
    let mut about = vec![
        seen.format.clone().unwrap_or_else(|| "format not recognised".to_owned()),
        format!("{} ({} bytes)", bytes(seen.size_bytes), count(seen.size_bytes)),
    ];
    if let Some(picture) = &seen.picture {
        about.push(format!("{} × {} pixels", picture.width, picture.height));
        if picture.frames > 1 {
            about.push(format!("{} frames", picture.frames));
        }
        if let Some(orientation) = picture.orientation {
            about.push(format!("EXIF orientation {orientation}, not applied"));
        }
        about.extend(picture.partial.iter().map(|why| format!("incomplete: {why}")));
        about.extend(picture.notes.iter().cloned());
    }
    pair(out, "File", &about.join(", "))?;
    if let Some(bytes) = &record.path_bytes_hex {
        pair(out, "Bytes of its path", bytes)?;
    }
    writeln!(out, "</dl>")
}

fn pair(out: &mut dyn Write, name: &str, value: &str) -> io::Result<()> {
    write!(out, "<div><dt>{name}</dt><dd>{}</dd></div>", Text(value))
}

fn matches(out: &mut dyn Write, record: &Record) -> io::Result<()> {
    if record.matches.is_empty() {
        return Ok(());
    }
    write!(out, "<h3>Matches <i>{}</i></h3><ul class=\"reasons\">", count(record.matches.len() as u64))?;
    for found in record.matches.iter().take(20) {
        write!(
            out,
            "<li>{} {} ({}): {}, {}</li>",
            Text(&found.bank),
            Text(&found.entry),
            report_words::bank_kind(found.bank_kind),
            report_words::distance(found),
            Text(&report_words::transform(&found.transform)),
        )?;
    }
    writeln!(out, "</ul>")
}

fn origin(out: &mut dyn Write, said: &Assessment) -> io::Result<()> {
    let (chain, what) = words::chain(said.camera_chain);
    write!(
        out,
        "<h3>Origin, as far as the file tells</h3><dl class=\"of\"><div><dt>Camera chain</dt><dd><b>{chain}</b>"
    )?;
    if let Some(camera) = &said.camera {
        write!(out, " {}", Text(camera))?;
    }
    write!(out, "<small>{what}</small></dd></div>")?;
    if let Some(name) = &said.generator {
        let input = if said.input_picture_used {
            "an input picture was used: an edit of a picture, which may show a real person or place"
        } else {
            "no input picture is told of"
        };
        write!(
            out,
            "<div><dt>Generator</dt><dd><b>{}</b> named by {}<small>{input}</small></dd></div>",
            Text(name),
            Text(&words::source(said))
        )?;
    }
    workflow(out, said)?;
    for (name, value) in [("Editor", &said.editor), ("Source type, unsigned", &said.digital_source_type)] {
        if let Some(value) = value {
            write!(out, "<div><dt>{name}</dt><dd>{}</dd></div>", Text(value))?;
        }
    }
    for mark in &said.watermarks {
        write!(
            out,
            "<div><dt>Watermark</dt><dd><b>{}</b> by {}<small>correlation {:.3}, counts from {:.3}",
            Text(&mark.message),
            Text(&mark.scheme),
            mark.correlation,
            mark.threshold
        )?;
        if let Some([x, y]) = mark.crop_phase {
            write!(out, "; found on a grid shifted by {x} and {y} pixels: cropped since")?;
        }
        write!(out, "</small></dd></div>")?;
    }
    write!(out, "</dl>")
}

fn workflow(out: &mut dyn Write, said: &Assessment) -> io::Result<()> {
    let Some(made) = &said.workflow else { return Ok(()) };
    for (name, values) in [("Models", &made.models), ("LoRAs", &made.loras), ("Input pictures", &made.inputs)]
    {
        if !values.is_empty() {
            write!(out, "<div><dt>{name}</dt><dd>{}</dd></div>", Text(&values.join(", ")))?;
        }
    }
    for (name, value) in [
        ("Mode", &made.mode),
        ("Seed", &made.seed),
        ("Prompt, SHA-256", &made.prompt_sha256),
        ("Prompt", &made.prompt),
    ] {
        if let Some(value) = value {
            write!(out, "<div><dt>{name}</dt><dd class=\"long\">{}</dd></div>", Text(value))?;
        }
    }
    Ok(())
}

/// Small picture and maps, each behind its own button: none is shown before a person asks for it.
fn pictures(out: &mut dyn Write, seen: &Observation, budget: &mut usize) -> io::Result<()> {
    let Observation { thumbnail, maps, .. } = seen;
    if thumbnail.is_none() && maps.is_empty() {
        return Ok(());
    }
    write!(out, "<h3>Pictures to look at</h3>")?;
    if !maps.is_empty() {
        write!(
            out,
            "<p class=\"hint\">Maps are aids. They are never scored, and show traces of every kind of saving.</p>"
        )?;
    }
    write!(out, "<div class=\"maps\">")?;
    if let Some(Thumbnail { mode, width, height, png_base64 }) = thumbnail {
        picture(out, budget, mode, "small picture", (*width, *height), png_base64)?;
    }
    for map in maps {
        picture(out, budget, &map.name, &map.caption, (map.width, map.height), &map.png_base64)?;
    }
    write!(out, "</div>")
}

fn picture(
    out: &mut dyn Write,
    budget: &mut usize,
    name: &str,
    caption: &str,
    (width, height): (u32, u32),
    png_base64: &str,
) -> io::Result<()> {
    let safe = png_base64.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'+' | b'/' | b'='));
    let Some(rest) = budget.checked_sub(png_base64.len()).filter(|_| safe) else {
        return write!(
            out,
            "<p class=\"hint\">{}: left out, to keep this page quick to open.</p>",
            Text(name)
        );
    };
    *budget = rest;
    write!(
        out,
        "<div class=\"pic\"><button type=\"button\" class=\"reveal\" disabled data-w=\"{width}\" data-h=\"{height}\" \
         data-png=\"{}\">Reveal {}</button><p>{}</p></div>",
        Attr(png_base64),
        Text(name),
        Text(caption)
    )
}
