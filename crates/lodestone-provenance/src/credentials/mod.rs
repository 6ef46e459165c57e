//! Content Credentials (C2PA), read offline, told as five separate facts.
//!
//! ```text
//! bytes ─▶ read (the validating library, without network) ─▶ said (what every manifest states)
//!                        │                                      │
//!   lists ─▶ chain ──────┴─▶ facts (hash, signature, signer, time) ─▶ findings
//! ```
//!
//! No socket is ever opened: not for a remote manifest, not for revocation, not for an identity. The clock is asked once
//! a file, to tell an expired certificate; nothing else depends on it.

#[cfg(feature = "credentials")]
mod chain;
#[cfg(feature = "credentials")]
mod facts;
#[cfg(feature = "credentials")]
mod findings;
#[cfg(feature = "credentials")]
mod lists;
#[cfg(not(feature = "credentials"))]
mod off;
#[cfg(feature = "credentials")]
mod programs;
#[cfg(feature = "credentials")]
mod read;
#[cfg(feature = "credentials")]
mod said;
#[cfg(feature = "credentials")]
mod store;

#[cfg(feature = "credentials")]
pub(crate) use lists::TrustLists;
#[cfg(not(feature = "credentials"))]
pub(crate) use off::{TrustLists, examine};

#[cfg(feature = "credentials")]
use lodestone_media::segments::SegmentKind;
#[cfg(feature = "credentials")]
use lodestone_types::{CheckState, Credentials, Location};

#[cfg(feature = "credentials")]
use crate::{item::Item, reading::Reading};

/// This examiner's name.
#[cfg(feature = "credentials")]
const EXAMINER: &str = "credentials";

/// Reads and validates the credentials, if there are any. Total: a file that the validating library cannot read is a
/// finding.
#[cfg(feature = "credentials")]
pub(crate) fn examine(item: &Item<'_>, lists: &TrustLists, reading: &mut Reading) {
    use read::Outcome;

    let stands = place(item);
    let hint = read::hint(item.segments.format, item.bytes);
    let outcome = if worth_reading(item) { lists.engine.read(item.bytes, hint) } else { Outcome::Nothing };
    let unread = |error: Option<String>, remote_only| Credentials {
        remote_only,
        error,
        trust_lists: lists.versions(),
        ..Credentials::default()
    };
    let (reader, error) = match outcome {
        Outcome::Nothing if item.segments.of(SegmentKind::C2pa).next().is_some() => {
            let why = "no manifest store could be read from it".to_owned();
            reading.applied += 1;
            findings::unreadable(&why, stands, reading);
            reading.credentials = Some(unread(Some(why), false));
            return;
        }
        Outcome::Nothing => {
            reading.facts.insert("credentials".to_owned(), "none".to_owned());
            reading.facts.insert("credentials_source".to_owned(), "none".to_owned());
            let why = Some("the file has no Content Credentials".to_owned());
            reading.check(EXAMINER, CheckState::NotApplicable, why);
            return;
        }
        Outcome::RemoteOnly => {
            reading.applied += 1;
            findings::remote_only(remote_place(item), reading);
            reading.credentials = Some(unread(None, true));
            return;
        }
        Outcome::Unreadable(why) => {
            reading.applied += 1;
            findings::unreadable(&why, stands, reading);
            reading.credentials = Some(unread(Some(why), false));
            return;
        }
        Outcome::Unchecked(reader, why) => (reader, Some(why)),
        Outcome::Checked(reader) => (reader, None),
    };
    reading.applied += 1;
    let said = said::manifests(&reader);
    let store = c2pa::jumbf_io::load_jumbf_from_memory(hint, item.bytes).unwrap_or_default();
    let mut facts = facts::facts(&reader, error.is_none(), &said, &store, lists, now());
    facts.credentials.error = error;
    findings::tell(&mut facts, &said, &stands, reading);
    reading.credentials = Some(facts.credentials);
}

/// Seconds since 1970.
#[cfg(feature = "credentials")]
fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.ok().and_then(|since| i64::try_from(since.as_secs()).ok()).unwrap_or(0)
}

/// Whether the validating library is worth asking: a manifest store is there, or its label is (containers that the
/// segment scanner does not know, or that are damaged), or the XMP names an address of one.
#[cfg(feature = "credentials")]
fn worth_reading(item: &Item<'_>) -> bool {
    item.segments.of(SegmentKind::C2pa).next().is_some()
        || remote_place(item).is_some()
        || memchr::memmem::find(item.bytes, b"c2pa").is_some()
}

#[cfg(feature = "credentials")]
fn place(item: &Item<'_>) -> Vec<Location> {
    let segment = |segment: &lodestone_media::segments::Segment<'_>| Location {
        offset: Some(segment.offset),
        field: segment.field.to_owned(),
        raw: Some(format!("manifest store, {} bytes", segment.length)),
    };
    let found: Vec<_> = item.segments.of(SegmentKind::C2pa).take(1).map(segment).collect();
    if !found.is_empty() {
        return found;
    }
    let offset = memchr::memmem::find(item.bytes, b"c2pa").map(|at| at as u64);
    vec![Location { offset, field: "c2pa".to_owned(), raw: None }]
}

/// The XMP packet that names an address; the address is not shown.
#[cfg(feature = "credentials")]
fn remote_place(item: &Item<'_>) -> Option<Location> {
    let packets = item.segments.of(SegmentKind::Xmp).chain(item.segments.of(SegmentKind::XmpExtended));
    packets
        .filter(|segment| memchr::memmem::find(&segment.data, b"provenance").is_some())
        .map(|segment| {
            let at = memchr::memmem::find(&segment.data, b"provenance").unwrap_or(0) as u64;
            let base = if segment.is_verbatim() {
                segment.payload_offset.saturating_add(at)
            } else {
                segment.offset
            };
            Location {
                offset: Some(base),
                field: "dcterms:provenance".to_owned(),
                raw: Some("an address, not asked".to_owned()),
            }
        })
        .next()
}
