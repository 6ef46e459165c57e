//! NCMEC Hash Sharing, version 2: XML over HTTP Basic.
//!
//! ```text
//! environment/v2/entries?from=…Z&to=…Z ─▶ images, videos, tombstones ─▶ paging/next (valid about 12 h) ─▶ …
//! ```
//!
//! Entries come in no order of time: only a window that was read to its end moves the checkpoint, and within it the
//! address of the next page is kept, so that a killed fetch goes on in the same window. Every fingerprint that can be
//! matched is taken, of pictures and videos; the others are counted and carried.
//! *Source:* facebook/ThreatExchange, `exchanges/clients/ncmec/hash_api.py` and its tests' recorded answers.

mod entry;
mod fetch;
mod votes;
mod xml;

pub(super) use fetch::open;
pub(super) use votes::vote_request;
pub use votes::{FeedbackReason, Member, members, reasons, status};

use super::Settings;

/// NCMEC's databases, the test twins first. *Source:* python-threatexchange 1.2.16, `NCMECEnvironment`.
pub const ENVIRONMENTS: [(&str, &str); 14] = [
    ("test_Industry", "https://exttest.cybertip.org/hashsharing"),
    ("test_Industry_Exploitative", "https://exttest.cybertip.org/exploitative-hashsharing"),
    ("test_LawEnforcement", "https://betalesp.ncmec.org/csam-hashsharing"),
    ("test_NGO", "https://hashsharing-test.ncmec.org/npo"),
    ("test_Exploitative", "https://hashsharing-test.ncmec.org/exploitative"),
    ("test_NGO_Generative_AI", "https://hashsharing-test.ncmec.org/generative-ai-csam"),
    ("test_NGO_Generative_AI_Exploitative", "https://hashsharing-test.ncmec.org/generative-ai-exploitative"),
    ("Industry", "https://report.cybertip.org/hashsharing"),
    ("Industry_Exploitative", "https://report.cybertip.org/exploitative-hashsharing"),
    ("LawEnforcement", "https://lesp.ncmec.org/csam-hashsharing"),
    ("NGO", "https://hashsharing.ncmec.org/npo"),
    ("Exploitative", "https://hashsharing.ncmec.org/exploitative"),
    ("NGO_Generative_AI", "https://hashsharing.ncmec.org/generative-ai-csam"),
    ("NGO_Generative_AI_Exploitative", "https://hashsharing.ncmec.org/generative-ai-exploitative"),
];

/// Whether the database holds generated material. The environment says so even where another address stands in for it.
pub(super) fn is_generated(settings: &Settings) -> bool {
    let named = settings.text("environment").unwrap_or_default();
    let of_name = ENVIRONMENTS.iter().find(|(name, _)| name.eq_ignore_ascii_case(named)).map(|(_, url)| *url);
    let base = settings.base(&ENVIRONMENTS).map(|base| base.text()).unwrap_or_default();
    [of_name.unwrap_or(named), &base].iter().any(|url| url.contains("/generative-ai-"))
}

/// Authorization of every request.
fn authorization(settings: &Settings) -> Result<String, super::ClientError> {
    settings.basic("user", "password")
}

#[cfg(test)]
mod tests {
    use lodestone_types::BankKind;
    use serde_json::json;

    use super::super::{Settings, bank_kind};
    use super::*;

    fn settings(environment: &str, base_url: Option<&str>) -> Settings {
        let config = json!({ "environment": environment }).as_object().unwrap().clone();
        Settings { config, base_url: base_url.map(str::to_owned), ..Settings::default() }
    }

    #[test]
    fn every_environment_has_a_test_twin_which_comes_first() {
        let (tests, real) = ENVIRONMENTS.split_at(7);
        for ((test, _), (name, _)) in tests.iter().zip(real) {
            assert_eq!(*test, format!("test_{name}"));
        }
    }

    #[test]
    fn generated_material_goes_to_a_bank_of_its_own_kind() {
        for (name, url) in ENVIRONMENTS {
            let want =
                if name.contains("Generative") { BankKind::KnownGenerated } else { BankKind::KnownReal };
            assert_eq!(bank_kind("ncmec", &settings(name, None)), want, "{name}");
            assert_eq!(bank_kind("ncmec", &settings(url, Some("http://127.0.0.1:1"))), want, "{url}");
        }
        let base = Some("http://127.0.0.1:1/generative-ai-csam");
        assert_eq!(bank_kind("ncmec", &settings("", base)), BankKind::KnownGenerated);
        assert_eq!(bank_kind("stop_ncii", &settings("", base)), BankKind::KnownReal);
    }
}
