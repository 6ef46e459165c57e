//! IPTC-IIM application records. *Source:* IPTC-NAA Information Interchange Model 4.2, records 1 and 2.

use lodestone_media::segments::Segment;

use crate::fields::TextField;

/// Datasets that name a tool or a source; people's names and captions are read for conventions, never shown.
const DATASETS: [(u8, &str); 10] = [
    (5, "ObjectName"),
    (25, "Keywords"),
    (40, "SpecialInstructions"),
    (65, "OriginatingProgram"),
    (80, "Byline"),
    (105, "Headline"),
    (110, "Credit"),
    (115, "Source"),
    (116, "Copyright"),
    (120, "Caption"),
];

/// The texts of one IIM block. Stops at the first thing that is no dataset.
pub(crate) fn fields(segment: &Segment<'_>) -> Vec<TextField> {
    let data = &*segment.data;
    let mut found = Vec::new();
    let mut at = 0usize;
    while data.get(at) == Some(&0x1c) && found.len() < 64 {
        let Some(head) = data.get(at..at.saturating_add(5)) else {
            break;
        };
        let length = u16::from_be_bytes([head[3], head[4]]);
        // The top bit marks an extended length, for values above 32 kB: objects, not texts.
        if length & 0x8000 != 0 {
            break;
        }
        let start = at + 5;
        let end = start + usize::from(length);
        let Some(value) = data.get(start..end) else {
            break;
        };
        let name = DATASETS.iter().find(|(number, _)| *number == head[2]);
        if let (2, Some((number, name))) = (head[1], name) {
            let text = match std::str::from_utf8(value) {
                Ok(text) => text.to_owned(),
                Err(_) => value.iter().map(|&b| char::from(b)).collect(),
            };
            found.push(TextField::new(
                &format!("iptc:{name}"),
                &format!("iptc:2:{number}"),
                &text,
                segment.is_verbatim().then(|| segment.payload_offset.saturating_add(at as u64)),
            ));
        }
        at = end;
    }
    found
}
