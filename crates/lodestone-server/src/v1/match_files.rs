//! Files against the banks: all digests, all pictures of an animation, and what suppresses.

use std::collections::BTreeSet;

use lodestone_engine::live::LiveState;
use lodestone_types::{BankKind, Digests, Dihedral, Fingerprint, Observation, Signal, SignalType, Transform};

use crate::error::ApiError;
use crate::lookup::{Ask, Print, look_up, look_up_prints};
use crate::media::MIN_QUALITY;
use crate::v1::told::{Hit, Hits, Quiet};

/// Why a part of a file was not looked up.
pub(super) const LOW_QUALITY: &str =
    "the picture's PDQ quality is below 50: too little in it to be matched by likeness";

/// Entries of negative and known-good banks that are exactly one of these digests.
pub(super) fn quiet(state: &LiveState, digests: &[Signal]) -> Vec<Quiet> {
    let (mut told, mut seen) = (Vec::new(), BTreeSet::new());
    for digest in digests.iter().filter(|digest| digest.kind().is_digest() && !digest.says_nothing()) {
        for no in state.equal(digest) {
            let Some(bank) = state.bank_of(no) else { continue };
            if matches!(bank.bank.kind, BankKind::Negative | BankKind::KnownGood)
                && seen.insert(no)
                && let Some(id) = state.content_id(no)
            {
                told.push(Quiet::new(bank, id, digest.kind().as_str(), no));
            }
        }
    }
    told
}

/// A file's digests as signals, without those of an empty file.
pub(super) fn digest_signals(digests: &Digests) -> Vec<Signal> {
    let of = |kind, value: &[u8]| Signal::from_bytes(kind, value).filter(|signal| !signal.says_nothing());
    [
        of(SignalType::Md5, &digests.md5),
        of(SignalType::Sha1, &digests.sha1),
        of(SignalType::Sha256, &digests.sha256.0),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Whether a file's picture is too plain to be matched.
pub(super) fn is_too_plain(seen: &Observation) -> bool {
    !seen.fingerprints.is_empty() && seen.fingerprints.iter().all(|print| print.quality < MIN_QUALITY)
}

/// What a file matches. Every entry is told once, by digest before likeness, in the nearest form.
///
/// # Errors
/// 503 when the index cannot be read.
pub(super) fn match_file(state: &LiveState, seen: &Observation, ask: &Ask) -> Result<Hits, ApiError> {
    let digests = seen.digests.as_ref().map(digest_signals).unwrap_or_default();
    let quiet = quiet(state, &digests);
    let mut hits = Vec::new();
    for digest in &digests {
        let found = look_up(state, digest, &[], ask)?;
        hits.extend(found.into_iter().map(|found| Hit::of_signal(found, false)));
    }
    let usable = |print: &&Fingerprint| print.quality >= MIN_QUALITY;
    let forms: Vec<(&Fingerprint, Vec<(Dihedral, [u8; 32])>)> =
        seen.fingerprints.iter().filter(usable).map(|print| (print, symmetries(print))).collect();
    let prints: Vec<Print<'_>> = forms
        .iter()
        .filter_map(|(print, others)| Some(Print { hash: *print.pdq_dihedral.first()?, others }))
        .collect();
    for ((print, _), found) in forms.iter().zip(look_up_prints(state, &prints, ask)?) {
        let form = &print.form;
        for found in found {
            let transform = Transform::new(found.dihedral, found.negative, form_frame(print), form.backdrop);
            hits.push(Hit { found, transform, suppressed: !quiet.is_empty() });
        }
    }
    hits.sort_by_key(|hit| {
        let exact = hit.found.signal_type.is_digest();
        (hit.suppressed, !exact, hit.found.distance.bits(), hit.transform, hit.found.content_id)
    });
    let mut told = BTreeSet::new();
    hits.retain(|hit| told.insert(hit.found.entry_no));
    Ok(Hits { hits, quiet })
}

fn form_frame(print: &Fingerprint) -> Option<(u32, u64)> {
    Some((print.form.frame, print.form.t_ms))
}

fn symmetries(print: &Fingerprint) -> Vec<(Dihedral, [u8; 32])> {
    Dihedral::ALL.into_iter().zip(print.pdq_dihedral.iter().copied()).collect()
}

#[cfg(test)]
mod tests {
    use lodestone_types::ContentId;

    use super::*;

    #[test]
    fn the_digests_of_an_empty_file_are_not_looked_up() {
        let empty = Digests {
            md5: *b"\xd4\x1d\x8c\xd9\x8f\x00\xb2\x04\xe9\x80\x09\x98\xec\xf8\x42\x7e",
            sha1: [1; 20],
            sha256: ContentId([2; 32]),
        };
        let kinds: Vec<_> = digest_signals(&empty).iter().map(Signal::kind).collect();
        assert_eq!(kinds, [SignalType::Sha1, SignalType::Sha256]);
    }
}
