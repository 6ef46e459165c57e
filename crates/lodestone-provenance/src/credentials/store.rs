//! The little that is read from the manifest store itself: the timestamp of a claim's signature, checked against the
//! timestamp authorities in use. The validating library does not ask that of claims of version 1.
//!
//! *Source:* ISO 19566-5 (JUMBF boxes); C2PA 2.x, "Time-stamps"; RFC 9052 (COSE).

use c2pa::crypto::cose::{CertificateTrustPolicy, parse_cose_sign1};
use c2pa::crypto::time_stamp::verify_time_stamp;
use c2pa::status_tracker::StatusTracker;
use coset::cbor::Value;
use coset::{CoseSign1, Label, SignatureContext, sig_structure_data};

/// Boxes looked at in one superbox. 4,096: real stores have below 200.
const MAX_BOXES: usize = 4_096;

/// A box: type and content.
type Boxed<'a> = ([u8; 4], &'a [u8]);

fn boxes(mut data: &[u8]) -> impl Iterator<Item = Boxed<'_>> {
    std::iter::from_fn(move || {
        let head: [u8; 8] = data.get(..8)?.try_into().ok()?;
        let [a, b, c, d, kind @ ..] = head;
        let length = u32::from_be_bytes([a, b, c, d]);
        let (start, length) = match length {
            0 => (8, data.len()),
            1 => {
                let long: [u8; 8] = data.get(8..16)?.try_into().ok()?;
                (16, usize::try_from(u64::from_be_bytes(long)).ok()?)
            }
            length => (8, usize::try_from(length).ok()?),
        };
        let content = data.get(start..length)?;
        data = data.get(length..)?;
        Some((kind, content))
    })
    .take(MAX_BOXES)
}

/// A superbox's label and its boxes after the description.
fn superbox(content: &[u8]) -> Option<(&[u8], &[u8])> {
    let (kind, description) = boxes(content).next()?;
    let label = description.get(17..)?;
    let label = label.get(..label.iter().position(|&b| b == 0)?)?;
    let rest = content.get(description.len().checked_add(8)?..)?;
    (kind == *b"jumd").then_some((label, rest))
}

fn inside(content: &[u8], wanted: impl Fn(&[u8]) -> bool) -> Option<&[u8]> {
    boxes(content)
        .filter(|(kind, _)| kind == b"jumb")
        .filter_map(|(_, content)| superbox(content))
        .find(|(label, _)| wanted(label))
        .map(|(_, rest)| rest)
}

/// When the manifest `label` was signed by the word of a timestamp authority that `policy` trusts; seconds since 1970.
pub(super) fn trusted_time(store: &[u8], label: &str, policy: &CertificateTrustPolicy) -> Option<i64> {
    let whole = inside(store, |name| name == b"c2pa")?;
    let manifest = inside(whole, |name| name == label.as_bytes())?;
    let cbor = |wanted: &dyn Fn(&[u8]) -> bool| {
        let content = inside(manifest, wanted)?;
        boxes(content).find(|(kind, _)| kind == b"cbor").map(|(_, content)| content)
    };
    let signature = cbor(&|name| name == b"c2pa.signature")?;
    let claim = cbor(&|name| name.starts_with(b"c2pa.claim"))?;
    let mut log = StatusTracker::default();
    let sign1 = parse_cose_sign1(signature, claim, &mut log).ok()?;
    let (token, of_signature) = token(&sign1)?;
    let mut data = claim.to_vec();
    if of_signature {
        data.clear();
        coset::cbor::into_writer(&Value::Bytes(sign1.signature.clone()), &mut data).ok()?;
    }
    let signed =
        sig_structure_data(SignatureContext::CounterSignature, sign1.protected.clone(), None, &[], &data);
    let told = verify_time_stamp(&token, &signed, policy, &mut log, true).ok()?;
    let time: chrono::DateTime<chrono::Utc> = told.gen_time.into();
    Some(time.timestamp())
}

/// The first timestamp token, and whether it is of the signature (`sigTst2`) or of the claim (`sigTst`).
fn token(sign1: &CoseSign1) -> Option<(Vec<u8>, bool)> {
    let header = |name: &str| {
        let label = Label::Text(name.to_owned());
        sign1.unprotected.rest.iter().find(|(l, _)| *l == label).map(|(_, value)| value)
    };
    let (value, of_signature) =
        header("sigTst2").map(|v| (v, true)).or_else(|| header("sigTst").map(|v| (v, false)))?;
    let tokens = entry(value, "tstTokens")?.as_array()?;
    let token = entry(tokens.first()?, "val")?.as_bytes()?;
    Some((token.clone(), of_signature))
}

fn entry<'a>(value: &'a Value, key: &str) -> Option<&'a Value> {
    value.as_map()?.iter().find(|(k, _)| k.as_text() == Some(key)).map(|(_, v)| v)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_that_lie_about_their_length_end_the_walk() {
        assert_eq!(boxes(b"\0\0\0\x0ccborABCDrest").next(), Some((*b"cbor", &b"ABCD"[..])));
        assert_eq!(boxes(b"\0\0\0\xffcborABCD").count(), 0);
        assert_eq!(boxes(b"\0\0\0\x02cborABCD").count(), 0);
        assert_eq!(boxes(b"\0\0\0\x01cbor\xff\xff\xff\xff\xff\xff\xff\xff").count(), 0);
        assert!(trusted_time(b"\0\0\0\x10jumb\0\0\0\x08jumd", "x", &CertificateTrustPolicy::new()).is_none());
    }
}
