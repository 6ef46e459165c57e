//! XML read as rows: the elements at one depth of a document, each a small tree. No entities, no document types.

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

/// Depth of a document.
const MAX_DEPTH: usize = 24;
/// Elements of one row: an entry with hundreds of votes has fewer.
const MAX_NODES: usize = 20_000;
/// Text and attributes of one row, in bytes.
const MAX_TEXT: usize = 1 << 20;

/// An element with all that is in it; names without their namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) name: String,
    pub(super) attributes: Vec<(String, String)>,
    /// Its own text, without the spaces round it.
    pub(super) text: String,
    pub(super) children: Vec<Node>,
}

impl Node {
    pub(super) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}

/// Calls `row` with every element that has `depth` elements above it: the name of the one above, and the element or why
/// it is none. Memory: one row.
///
/// # Errors
/// Why the document cannot be read: it is cut short, is no XML, or defines entities.
pub(super) fn rows(
    document: &[u8],
    root: &str,
    depth: usize,
    mut row: impl FnMut(&str, Result<Node, &'static str>),
) -> Result<(), String> {
    let mut reader = Reader::from_reader(document);
    reader.config_mut().expand_empty_elements = true;
    let mut above: Vec<String> = Vec::new();
    let mut open: Vec<Node> = Vec::new();
    let mut size = Size::default();
    let mut is_whole = false;
    loop {
        let event = reader.read_event().map_err(|_| "XML that is cut short, or none".to_owned())?;
        match event {
            Event::Start(start) => {
                if above.len() + open.len() >= MAX_DEPTH {
                    return Err("XML that is nested too deep".to_owned());
                }
                let name = name_of(&start)?;
                if above.is_empty() && name != root {
                    return Err(format!("an XML document that is no {root}"));
                }
                if above.len() < depth {
                    above.push(name);
                    continue;
                }
                if open.is_empty() {
                    size = Size::default();
                }
                open.push(size.node(name, &start)?);
            }
            Event::End(_) => match open.pop() {
                None => {
                    above.pop();
                    is_whole = above.is_empty();
                }
                Some(mut node) => {
                    trim(&mut node.text);
                    match open.last_mut() {
                        Some(parent) if !size.is_over() => parent.children.push(node),
                        Some(_) => {}
                        None => {
                            let parent = above.last().map_or("", String::as_str);
                            row(parent, if size.is_over() { Err("it is too large") } else { Ok(node) });
                        }
                    }
                }
            },
            Event::Text(text) => {
                let text = text.decode().map_err(|_| "XML that is no UTF-8".to_owned())?;
                size.text(&mut open, &text);
            }
            Event::CData(text) => {
                let text = text.decode().map_err(|_| "XML that is no UTF-8".to_owned())?;
                size.text(&mut open, &text);
            }
            Event::GeneralRef(reference) => {
                let name = reference.decode().map_err(|_| "XML that is no UTF-8".to_owned())?;
                let of_code =
                    reference.resolve_char_ref().map_err(|_| "a wrong reference in XML".to_owned())?;
                let c = of_code.or(match name.as_ref() {
                    "amp" => Some('&'),
                    "lt" => Some('<'),
                    "gt" => Some('>'),
                    "quot" => Some('"'),
                    "apos" => Some('\''),
                    _ => None,
                });
                let c = c.ok_or_else(|| "XML with an entity of its own".to_owned())?;
                size.text(&mut open, c.encode_utf8(&mut [0; 4]));
            }
            Event::DocType(_) => return Err("XML with a document type".to_owned()),
            Event::Eof if is_whole => return Ok(()),
            Event::Eof => return Err("XML that is cut short".to_owned()),
            Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
        }
    }
}

/// How large the row has become.
#[derive(Default)]
struct Size {
    nodes: usize,
    text: usize,
}

impl Size {
    fn is_over(&self) -> bool {
        self.nodes > MAX_NODES || self.text > MAX_TEXT
    }

    fn node(&mut self, name: String, start: &BytesStart<'_>) -> Result<Node, String> {
        self.nodes += 1;
        let mut node = Node { name, ..Node::default() };
        for attribute in start.attributes() {
            let wrong = || "a wrong attribute in XML".to_owned();
            let attribute = attribute.map_err(|_| wrong())?;
            let name = attribute.key.local_name();
            let name = std::str::from_utf8(name.as_ref()).map_err(|_| wrong())?;
            let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|_| wrong())?;
            self.text += name.len() + value.len();
            if !self.is_over() {
                node.attributes.push((name.to_owned(), value.trim().to_owned()));
            }
        }
        Ok(node)
    }

    fn text(&mut self, open: &mut [Node], text: &str) {
        if let Some(node) = open.last_mut() {
            // Spaces between elements are not counted: an indented document has more of them than of anything else.
            let text = if node.text.is_empty() { text.trim_start() } else { text };
            self.text += text.len();
            if !self.is_over() {
                node.text.push_str(text);
            }
        }
    }
}

fn name_of(start: &BytesStart<'_>) -> Result<String, String> {
    let name = start.local_name();
    let name = std::str::from_utf8(name.as_ref()).map_err(|_| "XML that is no UTF-8".to_owned())?;
    Ok(name.to_owned())
}

fn trim(text: &mut String) {
    let end = text.trim_end().len();
    text.truncate(end);
}

#[cfg(test)]
mod tests {
    use super::*;

    type Row = (String, Result<Node, &'static str>);

    fn read(document: &str) -> Result<Vec<Row>, String> {
        let mut found = Vec::new();
        rows(document.as_bytes(), "r", 2, |parent, node| found.push((parent.to_owned(), node)))?;
        Ok(found)
    }

    #[test]
    fn rows_are_read_with_references_and_without_namespaces() {
        let document = "\u{feff}<?xml version=\"1.0\"?>\n<n:r xmlns:n='u'><n:p a='1'><!-- c --><next> /v2?a=1&amp;b=&#50; </next>\
                        <e k=' &lt;v '><x/>t<y>u</y></e></n:p></n:r>";
        let found = read(document).unwrap();
        assert_eq!(found[0].1.as_ref().unwrap().text, "/v2?a=1&b=2");
        let entry = found[1].1.as_ref().unwrap();
        assert_eq!((found[1].0.as_str(), entry.attribute("k"), entry.text.as_str()), ("p", Some("<v"), "t"));
        assert_eq!(entry.child("y").unwrap().text, "u");
    }

    #[test]
    fn documents_that_are_cut_short_or_hostile_are_refused() {
        let whole = "<r><p><e>a</e></p></r>";
        for end in 0..whole.len() {
            assert!(read(&whole[..end]).is_err(), "{}", &whole[..end]);
        }
        for document in [
            "<!DOCTYPE r [<!ENTITY a 'b'>]><r><p><e>&a;</e></p></r>",
            "<r><p><e>&a;</e></p></r>",
            "<r><p><e>&#x110000;</e></p></r>",
            "<r><p><e a='&b;'/></p></r>",
            "<html><p><e/></p></html>",
            "<r><p></r></p>",
            "{}",
            "",
        ] {
            assert!(read(document).is_err(), "{document}");
        }
        let deep = format!("<r><p>{}{}</p></r>", "<e>".repeat(100), "</e>".repeat(100));
        assert!(read(&deep).is_err());
    }

    #[test]
    fn a_row_that_is_too_large_costs_itself_only() {
        let document = format!("<r><p><e>{}</e><e>b</e></p></r>", "a".repeat(MAX_TEXT + 1));
        let found = read(&document).unwrap();
        assert!(found[0].1.is_err() && found[1].1.as_ref().unwrap().text == "b");
        let document = format!("<r><p><e>{}</e><e>b</e></p></r>", "<x/>".repeat(MAX_NODES + 1));
        let found = read(&document).unwrap();
        assert!(found[0].1.is_err() && found[1].1.is_ok());
    }
}
