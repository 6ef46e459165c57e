//! On whose list a chain of certificates ends. Each list is asked by itself, so that an answer names its list.
//!
//! The validating library checks signatures along the chain and against the anchors. It does not ask whether a
//! certificate in between may issue others at all, so that is asked here: otherwise any listed signer could vouch for
//! a signer of their own. *Source:* RFC 5280, section 6.1; C2PA 2.x, "Trust Model".

use c2pa::crypto::cose::CertificateTrustPolicy;
use lodestone_types::Trust;
use sha2::{Digest, Sha256};
use x509_parser::prelude::{FromDer, Pem, X509Certificate};

use super::lists::{List, TrustLists, Use};

/// Certificates of a chain looked at. 8: real ones have two to four.
const MAX_CHAIN: usize = 8;

/// A signer's certificates, the signer's first, DER.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Chain {
    ders: Vec<Vec<u8>>,
}

/// From when to when a certificate holds, seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Validity {
    pub(super) from: i64,
    pub(super) to: i64,
}

impl Chain {
    /// Reads PEM blocks; what is no PEM ends it.
    pub(super) fn from_pem(text: &str) -> Self {
        let blocks = Pem::iter_from_buffer(text.as_bytes());
        Self { ders: blocks.take(MAX_CHAIN).map_while(Result::ok).map(|pem| pem.contents).collect() }
    }

    /// When the signer's own certificate holds.
    pub(super) fn validity(&self) -> Option<Validity> {
        let (_, leaf) = X509Certificate::from_der(self.ders.first()?).ok()?;
        let validity = leaf.validity();
        Some(Validity { from: validity.not_before.timestamp(), to: validity.not_after.timestamp() })
    }

    fn digests(&self) -> impl Iterator<Item = [u8; 32]> {
        self.ders.iter().map(|der| Sha256::digest(der).into())
    }
}

/// On whose list the signer stands: official, then the operator's, then interim. `at`: when the certificates must hold.
pub(super) fn signer(lists: &TrustLists, chain: &Chain, at: i64) -> Trust {
    let revoked = |list: &&List| list.purpose == Use::Revoked;
    let refused = lists
        .lists
        .iter()
        .filter(revoked)
        .any(|list| chain.digests().any(|digest| list.digests.contains(&digest)));
    if refused {
        return Trust::Revoked;
    }
    let issued = may_sign(chain, at);
    for wanted in [Trust::Official, Trust::Operator, Trust::Interim] {
        for list in lists.lists.iter().filter(|list| list.list == wanted) {
            let found = match list.purpose {
                Use::Signers => {
                    // An operator may simply name a signer.
                    (wanted == Trust::Operator && names(list, chain)) || (issued && vouches(list, chain, at))
                }
                Use::Allowed => names(list, chain),
                Use::Timestamps | Use::Revoked => false,
            };
            if found {
                return wanted;
            }
        }
    }
    Trust::None
}

/// The signer's own certificate is listed.
fn names(list: &List, chain: &Chain) -> bool {
    chain.digests().next().is_some_and(|digest| list.digests.contains(&digest))
}

/// An anchor of the list signed one of the chain's certificates, and each of them the one before.
fn vouches(list: &List, chain: &Chain, at: i64) -> bool {
    let Some((leaf, rest)) = chain.ders.split_first() else {
        return false;
    };
    let issuers: Vec<Vec<u8>> = chain
        .ders
        .iter()
        .filter_map(|der| Some(X509Certificate::from_der(der).ok()?.1.issuer().as_raw().to_vec()))
        .collect();
    let mut policy = CertificateTrustPolicy::new();
    policy.add_default_valid_ekus();
    let mut any = false;
    for anchor in list.anchors.iter().filter(|anchor| issuers.contains(&anchor.subject)) {
        any |= policy.add_trust_anchors(anchor.pem.as_bytes()).is_ok();
    }
    any && policy.check_certificate_trust(rest, leaf, Some(at)).is_ok()
}

/// The first certificate may sign claims, every other may issue certificates, each names the next, all hold at `at`.
fn may_sign(chain: &Chain, at: i64) -> bool {
    let mut certificates = Vec::new();
    for der in &chain.ders {
        match X509Certificate::from_der(der) {
            Ok((_, certificate)) => certificates.push(certificate),
            Err(_) => return false,
        }
    }
    let Some(leaf) = certificates.first() else {
        return false;
    };
    let holds = |c: &X509Certificate<'_>| {
        c.validity().not_before.timestamp() <= at && at <= c.validity().not_after.timestamp()
    };
    let linked = certificates.windows(2).all(|pair| match pair {
        [below, above] => below.issuer().as_raw() == above.subject().as_raw(),
        _ => true,
    });
    let issuing =
        certificates.iter().skip(1).enumerate().all(|(below, certificate)| may_issue(certificate, below));
    linked && issuing && certificates.iter().all(holds) && signs_claims(leaf)
}

/// A CA by its own words, allowed to sign certificates with so many CAs below it.
fn may_issue(certificate: &X509Certificate<'_>, below: usize) -> bool {
    let usage = certificate.key_usage().ok().flatten();
    let signs = usage.is_none_or(|usage| usage.value.key_cert_sign());
    let constraints = certificate.basic_constraints().ok().flatten();
    let length = constraints.as_ref().and_then(|c| c.value.path_len_constraint);
    certificate.is_ca() && signs && length.is_none_or(|length| below <= length as usize)
}

/// Its extended key usage is one for claims or documents, and not only for timestamps or revocation answers.
fn signs_claims(leaf: &X509Certificate<'_>) -> bool {
    const CLAIMS: [&str; 3] = ["1.3.6.1.4.1.62558.2.1", "1.3.6.1.5.5.7.3.36", "1.3.6.1.4.1.311.76.59.1.9"];
    let Ok(Some(usage)) = leaf.extended_key_usage() else {
        return false;
    };
    usage.value.email_protection
        || usage.value.other.iter().any(|oid| CLAIMS.contains(&oid.to_id_string().as_str()))
}
