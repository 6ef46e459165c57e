//! XMP packets, with namespaces resolved: a prefix is only a nickname, and a property may be attribute or element.
//!
//! *Source:* ISO 16684-1; IPTC Photo Metadata 2023.1 (DigitalSourceType).

use lodestone_media::segments::{Segment, SegmentKind, Segments};
use lodestone_types::Proposition;
use roxmltree::{Document, Node, ParsingOptions};

use crate::fields::TextField;

/// Packets read of one file: the standard one, its extension and a few strays.
const MAX_PACKETS: usize = 8;
/// Nodes of one packet. 100,000: packets with long histories have some thousand.
const MAX_NODES: u32 = 100_000;

/// Attributes of one element, and namespace declarations of one packet. 2,000 and 1,000: real ones stay below 200.
const MAX_ATTRIBUTES: usize = 2_000;
const MAX_NAMESPACES: usize = 1_000;
/// Nodes looked at inside one property: an array of a few items.
const MAX_INSIDE: usize = 200;

const RDF: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#";

/// Namespace, local name, the name rules use.
const PROPERTIES: [(&str, &str, &str); 26] = [
    ("http://iptc.org/std/Iptc4xmpExt/2008-02-29/", "DigitalSourceType", "Iptc4xmpExt:DigitalSourceType"),
    ("http://iptc.org/std/Iptc4xmpExt/2008-02-29/", "AISystemUsed", "Iptc4xmpExt:AISystemUsed"),
    ("http://iptc.org/std/Iptc4xmpExt/2008-02-29/", "AISystemVersionUsed", "Iptc4xmpExt:AISystemVersionUsed"),
    ("http://iptc.org/std/Iptc4xmpExt/2008-02-29/", "AIPromptInformation", "Iptc4xmpExt:AIPromptInformation"),
    ("http://iptc.org/std/Iptc4xmpExt/2008-02-29/", "DigImageGUID", "Iptc4xmpExt:DigImageGUID"),
    ("http://ns.adobe.com/xap/1.0/", "CreatorTool", "xmp:CreatorTool"),
    ("http://ns.adobe.com/xap/1.0/", "CreateDate", "xmp:CreateDate"),
    ("http://ns.adobe.com/xap/1.0/", "ModifyDate", "xmp:ModifyDate"),
    ("http://ns.adobe.com/photoshop/1.0/", "Credit", "photoshop:Credit"),
    ("http://ns.adobe.com/photoshop/1.0/", "Source", "photoshop:Source"),
    ("http://ns.adobe.com/photoshop/1.0/", "Instructions", "photoshop:Instructions"),
    ("http://ns.adobe.com/xap/1.0/sType/ResourceEvent#", "softwareAgent", "stEvt:softwareAgent"),
    ("http://ns.adobe.com/xap/1.0/sType/ResourceEvent#", "action", "stEvt:action"),
    ("http://ns.adobe.com/exif/1.0/", "UserComment", "xmp-exif:UserComment"),
    ("http://ns.adobe.com/tiff/1.0/", "Software", "tiff:Software"),
    ("http://ns.adobe.com/tiff/1.0/", "ImageDescription", "tiff:ImageDescription"),
    ("http://ns.adobe.com/tiff/1.0/", "Make", "tiff:Make"),
    ("http://ns.adobe.com/tiff/1.0/", "Model", "tiff:Model"),
    ("http://purl.org/dc/elements/1.1/", "description", "dc:description"),
    ("http://purl.org/dc/elements/1.1/", "title", "dc:title"),
    ("http://purl.org/dc/elements/1.1/", "creator", "dc:creator"),
    ("http://purl.org/dc/elements/1.1/", "source", "dc:source"),
    ("http://purl.org/dc/terms/", "provenance", "dcterms:provenance"),
    ("http://ns.adobe.com/xap/1.0/mm/", "History", "xmpMM:History"),
    ("http://www.tc260.org.cn/ns/AIGC/1.0/", "AIGC", "TC260:AIGC"),
    // The property's name before 2010.
    ("http://iptc.org/std/Iptc4xmpExt/2008-02-29/", "DigitalSourcefileType", "Iptc4xmpExt:DigitalSourceType"),
];

const EVENT: &str = "http://ns.adobe.com/xap/1.0/sType/ResourceEvent#";
const MEDIA: &str = "http://ns.adobe.com/xap/1.0/mm/";
/// Steps kept of one history.
const MAX_STEPS: usize = 100;

/// One step of a history.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Step {
    /// `created`, `saved`, `converted` …
    pub(crate) action: String,
    /// The program.
    pub(crate) agent: String,
    /// When, as written.
    pub(crate) when: String,
    pub(crate) offset: Option<u64>,
}

/// A packet's properties of interest.
#[derive(Debug, Default)]
pub(crate) struct Packet {
    values: Vec<(&'static str, String, Option<u64>)>,
    /// What was done to the file, in order.
    pub(crate) history: Vec<Step>,
    /// A document that it was made from is named.
    pub(crate) derived: bool,
    /// Why the packet could not be read.
    pub(crate) fault: Option<String>,
    /// Where it stands.
    pub(crate) offset: u64,
}

/// Reads all packets.
pub(crate) fn packets(segments: &Segments<'_>) -> Vec<Packet> {
    segments
        .items
        .iter()
        .filter(|s| matches!(s.kind, SegmentKind::Xmp | SegmentKind::XmpExtended))
        .take(MAX_PACKETS)
        .map(read)
        .collect()
}

fn read(segment: &Segment<'_>) -> Packet {
    let mut packet = Packet { offset: segment.offset, ..Packet::default() };
    let text = segment.text();
    let text = text.trim_start_matches('\u{feff}');
    let shift = segment.text().len().saturating_sub(text.len()) as u64;
    let base = segment.is_verbatim().then(|| segment.payload_offset.saturating_add(shift));
    if let Some(fault) = too_costly(text) {
        packet.fault = Some(fault.to_owned());
        return packet;
    }
    // The parser keeps its own stack, so depth is bounded by the node limit, not by this thread's stack.
    let options = ParsingOptions { allow_dtd: false, nodes_limit: MAX_NODES, ..ParsingOptions::default() };
    match Document::parse_with_options(text, options) {
        Ok(document) => collect(&document, base, &mut packet),
        Err(roxmltree::Error::DtdDetected) => packet.fault = Some("document type refused".into()),
        Err(roxmltree::Error::NodesLimitReached) => packet.fault = Some("too many nodes".into()),
        Err(_) => packet.fault = Some("not well-formed".into()),
    }
    packet
}

/// What a parser could be made to spend the square of its input on. Attributes of one tag stand between its `<` and the
/// next, since a value cannot hold a bare `<`: so `=` in between bounds them, and `xmlns` bounds the namespaces that
/// nested elements inherit.
fn too_costly(text: &str) -> Option<&'static str> {
    if text.split('<').any(|tag| tag.matches('=').count() > MAX_ATTRIBUTES) {
        return Some("too many attributes");
    }
    (text.matches("xmlns").count() > MAX_NAMESPACES).then_some("too many namespaces")
}

fn collect(document: &Document<'_>, base: Option<u64>, packet: &mut Packet) {
    for node in document.descendants().filter(Node::is_element) {
        step(&node, base, packet);
        packet.derived |=
            node.tag_name().namespace() == Some(MEDIA) && node.tag_name().name() == "DerivedFrom";
        for attribute in node.attributes() {
            if let Some(name) = property(attribute.namespace(), attribute.name()) {
                packet.add(name, attribute.value(), base, attribute.range().start);
            }
        }
        if let Some(name) = property(node.tag_name().namespace(), node.tag_name().name()) {
            let start = node.range().start;
            if let Some(value) = node.attribute((RDF, "resource")) {
                packet.add(name, value, base, start);
            } else {
                // Text of the element, or of the items of the array inside it.
                for text in node.descendants().take(MAX_INSIDE).filter(Node::is_text) {
                    packet.add(name, text.text().unwrap_or_default(), base, start);
                }
            }
        }
    }
}

/// An element whose attributes or children are those of a history's step.
fn step(node: &Node<'_, '_>, base: Option<u64>, packet: &mut Packet) {
    let child = |name: &str| node.children().take(MAX_INSIDE).find(|c| c.has_tag_name((EVENT, name)));
    let value = |name: &str| {
        let attribute = node.attribute((EVENT, name));
        let text = attribute.or_else(|| child(name)?.text()).unwrap_or_default();
        crate::fields::raw(text)
    };
    let is_step = node.attribute((EVENT, "action")).is_some() || child("action").is_some();
    if is_step && packet.history.len() < MAX_STEPS {
        let offset = base.map(|base| base.saturating_add(node.range().start as u64));
        packet.history.push(Step {
            action: value("action"),
            agent: value("softwareAgent"),
            when: value("when"),
            offset,
        });
    }
}

fn property(namespace: Option<&str>, name: &str) -> Option<&'static str> {
    PROPERTIES.iter().find(|(ns, local, _)| Some(*ns) == namespace && *local == name).map(|&(_, _, key)| key)
}

impl Packet {
    fn add(&mut self, name: &'static str, value: &str, base: Option<u64>, start: usize) {
        let value = value.trim();
        // History is a structure; its parts have names of their own.
        if value.is_empty() || name == "xmpMM:History" || self.values.len() >= 256 {
            return;
        }
        let offset = base.map(|base| base.saturating_add(start as u64));
        self.values.push((name, value.to_owned(), offset));
    }

    /// The properties as text fields.
    pub(crate) fn fields(&self) -> impl Iterator<Item = TextField> {
        self.values.iter().map(|(name, value, offset)| TextField::new(name, name, value, *offset))
    }
}

/// Classes of digitalSourceType: the categories of the fact `source_type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SourceClass {
    Capture,
    Edited,
    AiEdited,
    Ai,
    Graphic,
}

impl SourceClass {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Capture => "capture",
            Self::Edited => "edited",
            Self::AiEdited => "ai_edited",
            Self::Ai => "ai",
            Self::Graphic => "graphic",
        }
    }

    /// What it claims.
    pub(crate) fn claims(self) -> Option<Proposition> {
        Some(match self {
            Self::Capture => Proposition::CameraOriginal,
            Self::Edited => Proposition::EditedCapture,
            Self::AiEdited => Proposition::AiEdited,
            Self::Ai => Proposition::AiGenerated,
            Self::Graphic => Proposition::OtherSynthetic,
        })
    }
}

/// A digitalSourceType's last segment and its class, where it is known. *Source:* IPTC NewsCodes digitalsourcetype;
/// C2PA 2.x for its own terms.
pub(crate) fn source_type(value: &str) -> Option<(&str, Option<SourceClass>)> {
    let name = value.trim().trim_end_matches('/').rsplit(['/', ':', '#']).next()?.trim();
    let class = match name.to_ascii_lowercase().as_str() {
        "digitalcapture"
        | "computationalcapture"
        | "negativefilm"
        | "positivefilm"
        | "print"
        | "compositecapture"
        | "softwarecapture" => Some(SourceClass::Capture),
        "humanedits" | "minorhumanedits" | "algorithmicallyenhanced" | "composite" => {
            Some(SourceClass::Edited)
        }
        "compositewithtrainedalgorithmicmedia" | "compositesynthetic" => Some(SourceClass::AiEdited),
        "trainedalgorithmicmedia" | "trainedalgorithmicdata" => Some(SourceClass::Ai),
        "algorithmicmedia" | "softwareimage" | "digitalart" | "digitalcreation" | "datadrivenmedia"
        | "screencapture" | "virtualrecording" => Some(SourceClass::Graphic),
        _ => None,
    };
    (!name.is_empty()).then_some((name, class))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn source_types_are_known_by_their_last_segment() {
        let uri = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia";
        assert_eq!(source_type(uri), Some(("trainedAlgorithmicMedia", Some(SourceClass::Ai))));
        assert_eq!(source_type("digsrctype:print").map(|s| s.0), Some("print"));
        assert_eq!(source_type("x/unheardOf"), Some(("unheardOf", None)));
        for (term, class) in [
            ("digitalCapture", SourceClass::Capture),
            ("https://cv.iptc.org/newscodes/digitalsourcetype/minorHumanEdits", SourceClass::Edited),
            ("http://cv.iptc.org/newscodes/digitalsourcetype/compositeSynthetic/", SourceClass::AiEdited),
            (" http://c2pa.org/digitalsourcetype/trainedAlgorithmicData ", SourceClass::Ai),
            ("digsrctype:screenCapture", SourceClass::Graphic),
        ] {
            assert_eq!(source_type(term).and_then(|s| s.1), Some(class), "{term}");
        }
    }
}
