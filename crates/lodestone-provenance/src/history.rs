//! The chain of tools and dates that XMP keeps: what was done, by which program, when, and from what it was derived.

use lodestone_types::Location;

use crate::fields::raw;
use crate::reading::Reading;
use crate::xmp::Packet;

/// Steps shown of one chain.
const MAX_SHOWN: usize = 12;

/// Shows the chains. What a named editor means is weighed elsewhere.
pub(crate) fn examine(packets: &[Packet], reading: &mut Reading) {
    for packet in packets.iter().filter(|p| !p.history.is_empty()).take(2) {
        reading.applied += 1;
        let steps: Vec<String> = packet
            .history
            .iter()
            .map(|step| {
                let parts = [&step.action, &step.agent, &step.when];
                let parts: Vec<String> = parts.iter().filter(|p| !p.is_empty()).map(|p| raw(p)).collect();
                parts.join(", ")
            })
            .collect();
        let mut chain = steps.iter().take(MAX_SHOWN).cloned().collect::<Vec<_>>().join("; ");
        if steps.len() > MAX_SHOWN {
            chain.push_str(&format!("; and {} more", steps.len() - MAX_SHOWN));
        }
        let location = Location {
            offset: packet.history.first().and_then(|s| s.offset),
            field: "xmpMM:History".to_owned(),
            raw: Some(raw(&chain)),
        };
        reading.find(
            "xmp",
            "xmp.history",
            format!("the file keeps a history of {} steps: {chain}", steps.len()),
            vec![location],
            Vec::new(),
        );
    }
    if let Some(packet) = packets.iter().find(|p| p.derived) {
        let location =
            Location { offset: Some(packet.offset), field: "xmpMM:DerivedFrom".to_owned(), raw: None };
        reading.find(
            "xmp",
            "xmp.derived",
            "the file states that it was derived from another document".to_owned(),
            vec![location],
            Vec::new(),
        );
    }
}
