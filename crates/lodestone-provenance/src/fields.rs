//! Every text a file carries, under one kind of name, so that conventions can be data.

use std::borrow::Cow;
use std::cell::OnceCell;

use lodestone_media::segments::tiff::{Field, Ifd, Tiff, tag};
use lodestone_media::segments::{Segment, SegmentKind, Segments};
use lodestone_types::Location;
use serde_json::Value;

use crate::workflow::infotext::{self, Infotext};
use crate::{iptc, json, xmp};

/// Text fields looked at. 512: real files have below 100.
const MAX_FIELDS: usize = 512;
/// EXIF blobs read of one file: its own, and strays that other writers left.
const MAX_BLOBS: usize = 4;
/// Bytes of one text looked at. 2 MiB: the biggest ComfyUI workflows stay below 1 MB.
const MAX_TEXT: usize = 2 << 20;
/// Fields whose names are not in [`tag`]: TIFF 6.0, and those that Windows writes, in UTF-16 with the low byte first.
const DOCUMENT_NAME: u16 = 0x010d;
const XP_TITLE: u16 = 0x9c9b;
const XP_COMMENT: u16 = 0x9c9c;
const XP_KEYWORDS: u16 = 0x9c9e;
const XP_SUBJECT: u16 = 0x9c9f;
/// Characters of a raw value that a finding shows.
const MAX_RAW: usize = 200;

/// Where a text was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Source {
    /// In the file's own metadata.
    #[default]
    Metadata,
    /// In the lowest bits of its pixels.
    Stealth,
    /// In a file beside it.
    Sidecar,
}

impl Source {
    /// As [`lodestone_types::Assessment::generator_source`] names it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Metadata => "metadata",
            Self::Stealth => "stealth",
            Self::Sidecar => "sidecar",
        }
    }
}

/// One text.
#[derive(Debug)]
pub(crate) struct TextField {
    /// The name rules use: `png:parameters`, `exif:Make`, `xmp:CreatorTool`.
    pub(crate) key: String,
    /// The name findings show: `png:tEXt:parameters`.
    pub(crate) shown: String,
    /// Its text.
    pub(crate) text: String,
    /// Where it stands in the file.
    pub(crate) offset: Option<u64>,
    pub(crate) source: Source,
    json: OnceCell<Option<Value>>,
    steps: OnceCell<bool>,
}

impl TextField {
    pub(crate) fn new(key: &str, shown: &str, text: &str, offset: Option<u64>) -> Self {
        Self {
            key: key.to_owned(),
            shown: shown.to_owned(),
            text: cut(text, MAX_TEXT).to_owned(),
            offset,
            source: Source::Metadata,
            json: OnceCell::new(),
            steps: OnceCell::new(),
        }
    }

    /// The text as A1111's settings; whether it can be is looked up once.
    pub(crate) fn infotext(&self) -> Option<Infotext<'_>> {
        let can_be = self.steps.get_or_init(|| self.text.contains("Steps: "));
        can_be.then(|| infotext::parse(&self.text)).flatten()
    }

    /// The same, found elsewhere.
    pub(crate) fn from(mut self, source: Source) -> Self {
        self.source = source;
        self
    }

    /// The text as JSON, parsed once. ComfyUI's `workflow:` and `prompt:` in front are dropped.
    pub(crate) fn json(&self) -> Option<&Value> {
        let parsed = self.json.get_or_init(|| {
            let text = self.text.trim();
            let body = match text.split_once(':') {
                Some((word, rest))
                    if word.eq_ignore_ascii_case("workflow") || word.eq_ignore_ascii_case("prompt") =>
                {
                    rest
                }
                _ => text,
            };
            json::parse(body)
        });
        parsed.as_ref()
    }

    /// The field with its value: for makes, tools and other values that name no person.
    pub(crate) fn location(&self) -> Location {
        Location { offset: self.offset, field: self.shown.clone(), raw: Some(raw(&self.text)) }
    }

    /// The field without its value: prompts are not shown.
    pub(crate) fn location_withheld(&self) -> Location {
        Location {
            raw: Some(format!("present, {} characters", self.text.chars().count())),
            ..self.location()
        }
    }
}

/// A value fit to show: one line, cut to 200 characters.
pub(crate) fn raw(text: &str) -> String {
    text.trim().chars().take(MAX_RAW).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn cut(text: &str, limit: usize) -> &str {
    if text.len() <= limit {
        return text;
    }
    let end = (0..=limit).rev().find(|&i| text.is_char_boundary(i));
    text.get(..end.unwrap_or(0)).unwrap_or_default()
}

/// All texts of a file, in file order.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    list: Vec<TextField>,
}

impl Fields {
    /// Collects them.
    pub(crate) fn read(segments: &Segments<'_>, packets: &[xmp::Packet]) -> Self {
        let mut fields = Self::default();
        for segment in &segments.items {
            match segment.kind {
                SegmentKind::PngText => {
                    let keyword = segment.keyword.as_deref().unwrap_or_default();
                    let keyword = cut(keyword, 80);
                    fields.push(TextField::new(
                        &format!("png:{keyword}"),
                        &format!("{}:{keyword}", segment.field),
                        &segment.text(),
                        Some(segment.offset),
                    ));
                }
                SegmentKind::Comment => fields.push(TextField::new(
                    segment.field,
                    segment.field,
                    &segment.text(),
                    Some(segment.offset),
                )),
                SegmentKind::BoxText => {
                    let key = format!("bmff:{}", cut(segment.keyword.as_deref().unwrap_or_default(), 80));
                    fields.push(TextField::new(&key, &key, &segment.text(), Some(segment.offset)));
                }
                SegmentKind::IptcIim => fields.extend(iptc::fields(segment)),
                _ => {}
            }
        }
        let blobs = segments.of(SegmentKind::Exif).take(MAX_BLOBS);
        for (segment, tiff) in blobs.map(|s| (s, Tiff::parse(&s.data))) {
            fields.exif(segment, &tiff);
        }
        for packet in packets {
            fields.extend(packet.fields());
        }
        fields
    }

    fn exif(&mut self, segment: &Segment<'_>, tiff: &Tiff<'_>) {
        for (number, name) in [
            (tag::MAKE, "Make"),
            (tag::MODEL, "Model"),
            (tag::SOFTWARE, "Software"),
            (tag::IMAGE_DESCRIPTION, "ImageDescription"),
            (tag::ARTIST, "Artist"),
            (tag::HOST_COMPUTER, "HostComputer"),
            (tag::COPYRIGHT, "Copyright"),
            (DOCUMENT_NAME, "DocumentName"),
            (XP_TITLE, "XPTitle"),
            (XP_COMMENT, "XPComment"),
            (XP_KEYWORDS, "XPKeywords"),
            (XP_SUBJECT, "XPSubject"),
        ] {
            let field = tiff.get(Ifd::Primary, number);
            let read = |f: &Field<'_>| {
                if (XP_TITLE..=XP_SUBJECT).contains(&number) {
                    Some(Cow::Owned(utf16(f.data.get(..f.data.len().min(2 * MAX_TEXT))?, false)))
                } else {
                    f.text().map(|text| Cow::Owned(text.into_owned()))
                }
            };
            let text = field.and_then(|f| Some((f, read(f)?)));
            if let Some((field, text)) =
                text.map(|(f, t): (_, Cow<'_, str>)| (f, t.trim_matches('\0').to_owned()))
                && !text.is_empty()
            {
                let name = format!("exif:{name}");
                self.push(TextField::new(&name, &name, &text, segment_offset(segment, field.offset)));
            }
        }
        // Fooocus names its scheme where cameras put their notes.
        let note = tiff.get(Ifd::Exif, tag::MAKER_NOTE).or_else(|| tiff.get(Ifd::Primary, tag::MAKER_NOTE));
        if let Some(note) = note.filter(|n| n.data.len() <= 16) {
            let text = utf8(note.data);
            let text = text.trim_matches('\0');
            if !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric()) {
                let name = "exif:MakerNote";
                self.push(TextField::new(name, name, text, segment_offset(segment, note.offset)));
            }
        }
        let comment =
            tiff.get(Ifd::Exif, tag::USER_COMMENT).or_else(|| tiff.get(Ifd::Primary, tag::USER_COMMENT));
        if let Some(field) = comment {
            let text = user_comment(field.data, tiff.is_big_endian());
            if !text.is_empty() {
                let name = "exif:UserComment";
                self.push(TextField::new(name, name, &text, segment_offset(segment, field.offset)));
            }
        }
    }

    fn push(&mut self, field: TextField) {
        if self.list.len() < MAX_FIELDS {
            self.list.push(field);
        }
    }

    /// Adds texts found elsewhere.
    pub(crate) fn extend(&mut self, fields: impl IntoIterator<Item = TextField>) {
        for field in fields {
            self.push(field);
        }
    }

    /// Fields of one name.
    pub(crate) fn of<'f>(&'f self, key: &str) -> impl Iterator<Item = &'f TextField> {
        self.list.iter().filter(move |f| f.key == key)
    }

    /// All fields.
    pub(crate) fn all(&self) -> &[TextField] {
        &self.list
    }

    /// Whether there is a field of any of these names.
    pub(crate) fn any_of(&self, keys: &[&str]) -> bool {
        self.list.iter().any(|f| keys.contains(&f.key.as_str()))
    }

    /// The first field of one name.
    pub(crate) fn first(&self, key: &str) -> Option<&TextField> {
        self.of(key).next()
    }
}

/// The place in the file of a value `offset` bytes into a segment's payload, where the payload is stored as is.
pub(crate) fn segment_offset(segment: &Segment<'_>, offset: u32) -> Option<u64> {
    segment.is_verbatim().then(|| segment.payload_offset.saturating_add(u64::from(offset)))
}

/// EXIF UserComment: 8 bytes name the character code, then the text. UTF-16 is written in either byte order whatever
/// the blob's own is, so the order that gives more ASCII wins; on a tie, the blob's.
fn user_comment(data: &[u8], big_endian: bool) -> String {
    let data = data.get(..data.len().min(2 * MAX_TEXT)).unwrap_or_default();
    let (code, body) = data.split_at(data.len().min(8));
    let text = match code {
        // Some writers say UNICODE and write UTF-8.
        b"UNICODE\0" if !body.contains(&0) && body.len() > 3 => utf8_or(body, |body| utf16(body, big_endian)),
        b"UNICODE\0" => utf16(body, big_endian),
        b"ASCII\0\0\0" | b"\0\0\0\0\0\0\0\0" => unmarked(body, big_endian),
        _ => unmarked(data, big_endian),
    };
    text.trim_matches(|c: char| c == '\0' || c.is_whitespace()).to_owned()
}

/// Text whose code is not told, or told wrongly: UTF-16 where every other byte of its beginning is zero.
fn unmarked(data: &[u8], big_endian: bool) -> String {
    let head = data.get(..data.len().min(64)).unwrap_or_default();
    let zeros = head.iter().filter(|&&b| b == 0).count();
    if head.len() >= 16 && zeros * 5 >= head.len() * 2 && !head.starts_with(&[0, 0, 0, 0]) {
        utf16(data, big_endian)
    } else {
        utf8(data)
    }
}

/// UTF-8 if it is mostly ASCII, else the other reading.
fn utf8_or(data: &[u8], other: impl Fn(&[u8]) -> String) -> String {
    let ascii = data.iter().filter(|b| b.is_ascii_graphic() || b.is_ascii_whitespace()).count();
    match std::str::from_utf8(data) {
        Ok(text) if ascii * 4 >= data.len() * 3 => text.to_owned(),
        _ => other(data),
    }
}

fn utf8(data: &[u8]) -> String {
    match std::str::from_utf8(data) {
        Ok(text) => text.to_owned(),
        Err(_) => data.iter().map(|&b| char::from(b)).collect(),
    }
}

fn utf16(data: &[u8], big_endian: bool) -> String {
    let pairs = || data.chunks_exact(2).map(|p| (p[0], p[1]));
    let ascii_be = pairs().filter(|&(a, b)| a == 0 && b != 0 && b < 128).count();
    let ascii_le = pairs().filter(|&(a, b)| b == 0 && a != 0 && a < 128).count();
    let big_endian = match ascii_be.cmp(&ascii_le) {
        std::cmp::Ordering::Greater => true,
        std::cmp::Ordering::Less => false,
        std::cmp::Ordering::Equal => big_endian,
    };
    let units = pairs().map(
        |(a, b)| {
            if big_endian { u16::from_be_bytes([a, b]) } else { u16::from_le_bytes([a, b]) }
        },
    );
    char::decode_utf16(units)
        .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
        .filter(|&c| c != '\u{feff}')
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_comment_is_read_in_either_byte_order() {
        let text = "a 灯台, Steps: 20";
        let be: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        let le: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        for body in [be, le] {
            let comment = [b"UNICODE\0".as_slice(), &body].concat();
            assert_eq!(user_comment(&comment, true), text);
            assert_eq!(user_comment(&comment, false), text);
        }
        assert_eq!(user_comment(b"ASCII\0\0\0plain\0\0", true), "plain");
        assert_eq!(user_comment(b"UNI", true), "UNI");
        assert_eq!(user_comment(b"UNICODE\0plain text, not UTF-16", true), "plain text, not UTF-16");
        let bare: Vec<u8> = "{\"prompt\": 1, \"a\": 2}".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(user_comment(&bare, true), "{\"prompt\": 1, \"a\": 2}");
    }

    #[test]
    fn a_raw_value_is_one_line_of_at_most_200_characters() {
        let value = raw(&"é\n".repeat(500));
        assert_eq!(value.chars().count(), 200);
        assert!(!value.contains('\n'));
    }
}
