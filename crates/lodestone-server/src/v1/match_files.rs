//! Files against the banks: all digests, all pictures of an animation, and what suppresses.

use std::collections::{BTreeMap, BTreeSet};

use lodestone_engine::live::LiveState;
use lodestone_types::{BankKind, Digests, Dihedral, Fingerprint, Observation, Signal, SignalType, Transform};

use crate::derived::Plan;
use crate::error::ApiError;
use crate::looked;
use crate::lookup::{Ask, Forms, Most, Print, each_print, look_up};
use crate::media::MIN_QUALITY;
use crate::v1::asked::MAX_MATCHES;
use crate::v1::told::{Hit, Hits, Quiet, Quiets};

/// Why a part of a file was not looked up.
pub(super) const LOW_QUALITY: &str =
    "the picture's PDQ quality is below 50: too little in it to be matched by likeness";

/// Entries of negative and known-good banks that are exactly one of these digests.
pub(super) fn quiet(state: &LiveState, digests: &[Signal]) -> Quiets {
    let (mut told, mut seen) = (Quiets::default(), BTreeSet::new());
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

/// Matches of an item that are kept: as many of a bank as may be told, and as many in all as are written down.
pub(super) const MOST: Most = Most { of_a_bank: MAX_MATCHES, in_all: looked::IN_ALL };

/// What a file matches. Every entry is told once, by digest before likeness, in the nearest form. What is held while its
/// frames are looked up is bounded by what `ask` keeps.
///
/// # Errors
/// 503 when the index cannot be read.
pub(super) fn match_file(state: &LiveState, seen: &Observation, ask: &Ask) -> Result<Hits, ApiError> {
    let digests = seen.digests.as_ref().map(digest_signals).unwrap_or_default();
    let mut all = Hits { quiet: quiet(state, &digests), ..Hits::default() };
    let suppressed = !all.quiet.is_empty();
    for digest in &digests {
        let matches = look_up(state, digest, &[], ask)?;
        all.left_out += matches.left_out;
        all.left_out_known += matches.left_out;
        all.hits.extend(matches.found.into_iter().map(|found| Hit::of_signal(found, false)));
    }
    let usable: Vec<(&Fingerprint, Symmetries)> = seen
        .fingerprints
        .iter()
        .filter(|print| print.quality >= MIN_QUALITY && !print.pdq_dihedral.is_empty())
        .map(|print| (print, symmetries(print)))
        .collect();
    let prints: Vec<Print<'_>> = usable
        .iter()
        .filter_map(|(print, others)| Some(Print { hash: *print.pdq_dihedral.first()?, others }))
        .collect();
    each_print(state, &prints, ask, &mut |at, matches| {
        let (Some((print, _)), matches) = (usable.get(at), matches?) else { return Ok(()) };
        all.left_out += matches.left_out;
        all.left_out_known += if suppressed { 0 } else { matches.left_out };
        for found in matches.found {
            let transform =
                Transform::new(found.dihedral, found.negative, form_frame(print), print.form.backdrop);
            all.hits.push(Hit { found, transform, suppressed });
        }
        if all.hits.len() > ask.most.in_all.saturating_mul(2) {
            settle(&mut all, ask.most);
        }
        Ok(())
    })?;
    settle(&mut all, ask.most);
    Ok(all)
}

/// As [`match_file`]; the banks that want more than the whole picture as it stands also see it turned, mirrored and inverted,
/// which is what layer 1 is.
///
/// # Errors
/// As there.
pub(super) fn match_file_for(
    state: &LiveState,
    seen: &Observation,
    ask: &Ask,
    plan: &Plan,
) -> Result<Hits, ApiError> {
    let mut all = match_file(state, seen, ask)?;
    if !plan.beyond_whole() || (ask.forms.dihedral && ask.forms.negative) {
        return Ok(all);
    }
    let in_all_forms = Ask { forms: Forms { dihedral: true, negative: true }, ..ask.clone() };
    let held: BTreeSet<u64> = all.hits.iter().map(|hit| hit.found.entry_no).collect();
    let more = match_file(state, seen, &in_all_forms)?.hits.into_iter();
    all.hits.extend(more.filter(|hit| {
        plan.of_bank(hit.found.bank.number).beyond_whole() && !held.contains(&hit.found.entry_no)
    }));
    settle(&mut all, ask.most);
    Ok(all)
}

/// Brings what was found so far into order, each entry once, and lets go of what is too much.
fn settle(all: &mut Hits, most: Most) {
    all.hits.sort_by_key(|hit| {
        let exact = hit.found.signal_type.is_digest();
        let standing = hit.found.standing;
        (hit.suppressed, standing, !exact, hit.found.distance.bits(), hit.transform, hit.found.content_id)
    });
    let mut told = BTreeSet::new();
    let mut of_bank: BTreeMap<u64, usize> = BTreeMap::new();
    let mut kept = 0;
    let (left_out, known) = (&mut all.left_out, &mut all.left_out_known);
    all.hits.retain(|hit| {
        if !told.insert(hit.found.entry_no) {
            return false;
        }
        let count = of_bank.entry(hit.found.bank.number).or_default();
        *count += 1;
        let has_room = *count <= most.of_a_bank && kept < most.in_all;
        kept += usize::from(has_room);
        *left_out += u64::from(!has_room);
        *known += u64::from(!has_room && !hit.suppressed);
        has_room
    });
}

fn form_frame(print: &Fingerprint) -> Option<(u32, u64)> {
    Some((print.form.frame, print.form.t_ms))
}

/// PDQ in every symmetry.
type Symmetries = Vec<(Dihedral, [u8; 32])>;

fn symmetries(print: &Fingerprint) -> Symmetries {
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
