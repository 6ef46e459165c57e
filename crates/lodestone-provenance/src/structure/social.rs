//! Marks that online services leave in the JPEGs they hand out.

use lodestone_media::segments::{SegmentKind, Segments};

/// Whether the file carries Facebook's and Instagram's mark: IPTC "special instructions" that begin with `FBMD`.
///
/// *Source:* published observations of downloaded files (photo.stackexchange.com, "What is FBMD in IPTC Special
/// Instructions?").
pub(crate) fn is_social_mark(segments: &Segments<'_>) -> bool {
    let iptc = segments.of(SegmentKind::IptcIim).chain(segments.of(SegmentKind::Photoshop));
    iptc.into_iter().any(|s| {
        s.data.windows(9).take(65_536).any(|w| w.starts_with(&[0x1c, 2, 40]) && w.ends_with(b"FBMD"))
    })
}
