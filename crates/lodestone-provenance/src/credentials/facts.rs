//! Five facts from the status codes and our own look at chain and time; never the validating library's one state, which
//! calls a genuine file with an expired certificate the same as a damaged one.
//!
//! *Source:* C2PA 2.x, "Validation", status codes.

use std::collections::BTreeMap;

use c2pa::validation_status as status;
use c2pa::{Manifest, Reader, ValidationResults};
use lodestone_types::{Credentials, Integrity, SignedTime, Trust};

use super::chain::{Chain, signer};
use super::lists::TrustLists;
use super::said::Said;
use super::store::trusted_time;

/// Codes kept.
const MAX_CODES: usize = 64;
/// Characters of a name from a certificate.
const MAX_NAME: usize = 120;

/// Signed bytes that are not those that were signed.
const HASH_BROKEN: [&str; 8] = [
    status::ASSERTION_DATAHASH_MISMATCH,
    status::ASSERTION_BMFFHASH_MISMATCH,
    status::ASSERTION_BOXHASH_MISMATCH,
    status::ASSERTION_BOXHASH_UNKNOWN_BOX,
    status::ASSERTION_COLLECTIONHASH_MISMATCH,
    status::ASSERTION_COLLECTIONHASH_INCORRECT_FILE_COUNT,
    status::ASSERTION_HASHEDURI_MISMATCH,
    status::HASHED_URI_MISMATCH,
];
const HASH_OK: [&str; 4] = [
    status::ASSERTION_DATAHASH_MATCH,
    status::ASSERTION_BMFFHASH_MATCH,
    status::ASSERTION_BOXHASH_MATCH,
    status::ASSERTION_COLLECTIONHASH_MATCH,
];
/// What shows that an ingredient's manifest is not what it was.
const INGREDIENT_BROKEN: [&str; 5] = [
    status::INGREDIENT_HASHEDURI_MISMATCH,
    status::INGREDIENT_MANIFEST_MISMATCH,
    status::INGREDIENT_CLAIM_SIGNATURE_MISMATCH,
    status::CLAIM_SIGNATURE_MISMATCH,
    status::ASSERTION_HASHEDURI_MISMATCH,
];
/// Told by our own checks, or skipped by design: not passed on.
const NOT_TOLD: [&str; 4] = [
    status::SIGNING_CREDENTIAL_UNTRUSTED,
    status::SIGNING_CREDENTIAL_EXPIRED,
    status::SIGNING_CREDENTIAL_OCSP_SKIPPED,
    status::TIMESTAMP_UNTRUSTED,
];

/// The facts, and what the findings need besides.
pub(super) struct Facts {
    pub(super) credentials: Credentials,
    /// Whether an ingredient's manifest is damaged, by code.
    pub(super) ingredient_damage: Vec<String>,
    /// On whose list each manifest's signer stands, by label.
    pub(super) signers: BTreeMap<String, Trust>,
}

/// Codes of one kind.
#[derive(Default)]
struct Codes<'a> {
    success: Vec<&'a str>,
    other: Vec<&'a str>,
}

impl Codes<'_> {
    fn any(list: &[&str], wanted: &[&str]) -> bool {
        list.iter().any(|code| wanted.contains(code))
    }
}

/// `store`: the manifest store's bytes, empty where unknown. `now`: seconds since 1970.
pub(super) fn facts(
    reader: &Reader,
    checked: bool,
    said: &[Said],
    store: &[u8],
    lists: &TrustLists,
    now: i64,
) -> Facts {
    let results = if checked { reader.validation_results() } else { None };
    let codes = active(results);
    let mut credentials = Credentials {
        parsed: true,
        hash: hash(&codes),
        signature: signature(&codes),
        manifests: u32::try_from(reader.manifests().len()).unwrap_or(u32::MAX),
        trust_lists: lists.versions(),
        ..Credentials::default()
    };
    let mut signers = BTreeMap::new();
    let mut known = Signers::default();
    let stamped = codes.success.contains(&status::TIMESTAMP_VALIDATED);
    let active_label = reader.active_label().unwrap_or_default();
    let stamp = match reader.active_manifest() {
        Some(manifest) if stamped => time(manifest, active_label, &codes, store, lists),
        _ => None,
    };
    for manifest in said.iter().filter_map(|said| reader.get_manifest(&said.label)) {
        // The active one's signer is asked for the moment that its timestamp tells, below.
        if stamp.is_some() && manifest.label() == Some(active_label) {
            continue;
        }
        let chain = chain(manifest);
        let at =
            chain.validity().map_or(now, |validity| now.clamp(validity.from, validity.to.max(validity.from)));
        signers.insert(manifest.label().unwrap_or_default().to_owned(), known.signer(lists, &chain, at));
    }
    let mut told = Vec::new();
    if let Some(manifest) = reader.active_manifest() {
        let chain = chain(manifest);
        credentials.time = signed_time(&chain, stamp, now);
        if let Some(at) = stamp {
            signers.insert(active_label.to_owned(), known.signer(lists, &chain, at));
        }
        credentials.trust = signers.get(active_label).copied().unwrap_or_default();
        if codes.other.contains(&status::SIGNING_CREDENTIAL_REVOKED) {
            credentials.trust = Trust::Revoked;
        }
        if credentials.trust == Trust::None {
            told.push(status::SIGNING_CREDENTIAL_UNTRUSTED);
        }
        if credentials.time == SignedTime::Expired {
            told.push(status::SIGNING_CREDENTIAL_EXPIRED);
        }
        if stamp.is_none() && (stamped || codes.other.contains(&status::TIMESTAMP_UNTRUSTED)) {
            told.push(status::TIMESTAMP_UNTRUSTED);
        }
        describe(manifest, &mut credentials);
    }
    let damage = ingredient_damage(results, &codes);
    told.extend(codes.other.iter().filter(|code| !NOT_TOLD.contains(code)));
    told.extend(ingredients(results).filter(|code| !NOT_TOLD.contains(code)));
    credentials.codes = tidy(told);
    Facts { credentials, ingredient_damage: tidy(damage), signers }
}

/// Signers already asked for: the manifests of one file mostly have the same, and asking checks signatures.
#[derive(Default)]
struct Signers(Vec<(Chain, i64, Trust)>);

impl Signers {
    fn signer(&mut self, lists: &TrustLists, chain: &Chain, at: i64) -> Trust {
        if let Some((.., trust)) = self.0.iter().find(|(known, when, _)| known == chain && *when == at) {
            return *trust;
        }
        let trust = signer(lists, chain, at);
        self.0.push((chain.clone(), at, trust));
        trust
    }
}

fn tidy(mut codes: Vec<&str>) -> Vec<String> {
    codes.sort_unstable();
    codes.dedup();
    codes.into_iter().take(MAX_CODES).map(str::to_owned).collect()
}

fn active(results: Option<&ValidationResults>) -> Codes<'_> {
    let Some(active) = results.and_then(ValidationResults::active_manifest) else {
        return Codes::default();
    };
    Codes {
        success: active.success().iter().map(|s| s.code()).collect(),
        other: active.failure().iter().chain(active.informational()).map(|s| s.code()).collect(),
    }
}

/// Codes other than success of the ingredients.
fn ingredients(results: Option<&ValidationResults>) -> impl Iterator<Item = &str> {
    results
        .and_then(ValidationResults::ingredient_deltas)
        .into_iter()
        .flatten()
        .flat_map(|delta| {
            let codes = delta.validation_deltas();
            codes.failure().iter().chain(codes.informational())
        })
        .map(|status| status.code())
}

fn ingredient_damage<'a>(results: Option<&'a ValidationResults>, active: &Codes<'a>) -> Vec<&'a str> {
    let own = [status::INGREDIENT_HASHEDURI_MISMATCH, status::INGREDIENT_MANIFEST_MISMATCH];
    let own = active.other.iter().copied().filter(move |code| own.contains(code));
    own.chain(ingredients(results).filter(|code| INGREDIENT_BROKEN.contains(code))).collect()
}

fn hash(codes: &Codes<'_>) -> Integrity {
    if Codes::any(&codes.other, &HASH_BROKEN) {
        Integrity::Broken
    } else if Codes::any(&codes.success, &HASH_OK) {
        Integrity::Ok
    } else {
        Integrity::NotCheckable
    }
}

fn signature(codes: &Codes<'_>) -> Integrity {
    if codes.other.contains(&status::ALGORITHM_UNSUPPORTED) {
        Integrity::NotCheckable
    } else if codes.other.contains(&status::CLAIM_SIGNATURE_MISMATCH) {
        Integrity::Broken
    } else if codes.success.contains(&status::CLAIM_SIGNATURE_VALIDATED) {
        Integrity::Ok
    } else {
        Integrity::NotCheckable
    }
}

fn chain(manifest: &Manifest) -> Chain {
    manifest.signature_info().map(|info| Chain::from_pem(info.cert_chain())).unwrap_or_default()
}

/// The time a listed authority vouches for. Timestamps in an assertion of their own are checked by the library, which
/// knows the same anchors; for claims of version 1 it asks no list, so there only our own check counts.
fn time(
    manifest: &Manifest,
    label: &str,
    codes: &Codes<'_>,
    store: &[u8],
    lists: &TrustLists,
) -> Option<i64> {
    let asked = manifest.claim_version().is_some_and(|version| version >= 2);
    let trusted = codes.success.contains(&status::TIMESTAMP_TRUSTED);
    let told = || Some(chrono::DateTime::parse_from_rfc3339(&manifest.time()?).ok()?.timestamp());
    // What the library has checked against the same anchors is not checked again: that costs milliseconds.
    (asked && trusted).then(told).flatten().or_else(|| trusted_time(store, label, &lists.engine.timestamps))
}

fn signed_time(chain: &Chain, trusted: Option<i64>, now: i64) -> SignedTime {
    let Some(validity) = chain.validity() else {
        return SignedTime::Claimed;
    };
    match trusted {
        Some(time) if (validity.from..=validity.to).contains(&time) => SignedTime::Trusted,
        Some(_) => SignedTime::Expired,
        None if now > validity.to => SignedTime::Expired,
        None => SignedTime::Claimed,
    }
}

fn describe(manifest: &Manifest, credentials: &mut Credentials) {
    let short = |text: &str| {
        let text: String = text.chars().filter(|c| !c.is_control()).take(MAX_NAME).collect();
        (!text.is_empty()).then_some(text)
    };
    let info = manifest.claim_generator_info.iter().flatten().next();
    let info = info.map(|info| match &info.version {
        Some(version) => format!("{}/{version}", info.name),
        None => info.name.clone(),
    });
    let named = manifest.claim_generator().map(str::to_owned).filter(|text| !text.trim().is_empty()).or(info);
    credentials.claim_generator = named.as_deref().and_then(short);
    if let Some(info) = manifest.signature_info() {
        credentials.issuer = info.issuer.as_deref().and_then(short);
        credentials.common_name = info.common_name.as_deref().and_then(short);
        credentials.algorithm = info.alg.map(|alg| format!("{alg:?}"));
        credentials.signed_at = info.time.as_deref().and_then(short);
    }
}
