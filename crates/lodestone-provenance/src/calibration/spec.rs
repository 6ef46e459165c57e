//! Which facts a joint table holds, in which order, and where it must be silent. Data: `calibrations/specs.toml`.

use std::collections::BTreeMap;

use lodestone_types::Proposition;
use serde::{Deserialize, Serialize};

/// One table to be fitted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// Its identifier, with a version: `camera_original-ai_generated/1`.
    pub id: String,
    /// The first proposition.
    pub h1: Proposition,
    /// The second.
    pub h2: Proposition,
    /// Facts in order: each is counted among files that agree in the ones before it, so that dependent facts are never
    /// multiplied as if they were independent.
    pub levels: Vec<Level>,
    /// What the table must not be used for.
    pub not_for: Vec<String>,
}

/// One fact of a joint table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Level {
    /// Its name in [`lodestone_types::Assessment::facts`].
    pub fact: String,
    /// Categories that mean that nothing was found. They count when frequencies are taken, but a file that has one gets
    /// nothing from this level: absence is no evidence.
    pub absent: Vec<String>,
    /// Frequencies are taken among files in which the fact is present: its presence alone is no evidence.
    #[serde(default)]
    pub among_present: bool,
    /// Categories counted as one, by the name of the whole.
    #[serde(default)]
    pub merge: BTreeMap<String, Vec<String>>,
    /// Categories on which the table says nothing, with the reason.
    #[serde(default)]
    pub silent: BTreeMap<String, String>,
}

/// How a file stands at one level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Nothing found, or the fact was not looked for.
    Absent,
    /// The table must be silent; why.
    Silent(String),
    /// A category.
    Is(String),
}

impl Level {
    pub(crate) fn standing(&self, facts: &BTreeMap<String, String>) -> Standing {
        let Some(category) = facts.get(&self.fact) else { return Standing::Absent };
        if self.absent.contains(category) {
            return Standing::Absent;
        }
        if let Some(why) = self.silent.get(category) {
            return Standing::Silent(why.clone());
        }
        let whole = self.merge.iter().find(|(_, parts)| parts.contains(category));
        Standing::Is(whole.map_or(category, |(name, _)| name).clone())
    }
}

/// The tables that `lodestone calibrate` fits.
pub fn specs() -> Vec<Spec> {
    #[derive(Deserialize)]
    struct File {
        table: Vec<Spec>,
    }
    let file: File = toml::from_str(include_str!("../../calibrations/specs.toml"))
        .expect("calibrations/specs.toml is part of the program; a test parses it");
    file.table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_specs_parse_and_use_no_confound() {
        let all = specs();
        assert!(all.len() >= 3);
        for spec in &all {
            assert!(spec.h1 != spec.h2 && !spec.levels.is_empty() && !spec.not_for.is_empty());
            for level in &spec.levels {
                assert!(
                    !["format", "size_bucket", "quality_bucket", "exact_size"].contains(&level.fact.as_str()),
                    "{}",
                    spec.id
                );
                assert!(!level.absent.is_empty(), "{}: absence must be named", spec.id);
            }
        }
    }
}
