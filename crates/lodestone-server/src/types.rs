//! Which signal types are offered, and what share of look-ups each takes part in.

use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use lodestone_store::{Store, StoreError};
use lodestone_types::SignalType;

use crate::error::ApiError;

/// The types offered, in their order, with `enabled_ratio`. Clones see the same.
#[derive(Clone, Debug)]
pub struct Types(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    ratios: ArcSwap<Vec<(SignalType, f64)>>,
    /// Held while they are read: of two that read, the one that read later is the one that stays.
    loading: Mutex<()>,
}

impl Types {
    /// These types, all of them on.
    pub fn new(types: &[SignalType]) -> Self {
        let ratios = ArcSwap::from_pointee(types.iter().map(|kind| (*kind, 1.0)).collect());
        Self(Arc::new(Inner { ratios, loading: Mutex::default() }))
    }

    /// Reads the ratios that were set; a type for which none was is on. What stands in memory after a change is read, not
    /// handed over: of two changes at the same time the later commit counts, whoever is answered first.
    ///
    /// # Errors
    /// The store's; then all stays as it was.
    pub fn load(&self, store: &Store) -> Result<(), StoreError> {
        let _alone = self.0.loading.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all = self.all();
        for (kind, ratio) in &mut all {
            let set = store.setting(&setting(*kind))?;
            *ratio = set.and_then(|ratio| ratio.parse().ok()).unwrap_or(1.0);
        }
        self.0.ratios.store(Arc::new(all));
        Ok(())
    }

    /// All types offered, those that are off too, with their ratios.
    pub fn all(&self) -> Vec<(SignalType, f64)> {
        self.0.ratios.load().to_vec()
    }

    /// The types that are on.
    pub fn enabled(&self) -> Vec<SignalType> {
        self.0.ratios.load().iter().filter(|(_, ratio)| *ratio > 0.0).map(|(kind, _)| *kind).collect()
    }

    /// The type of this name, whether on or off.
    pub fn named(&self, name: &str) -> Option<(SignalType, f64)> {
        self.0.ratios.load().iter().find(|(kind, _)| kind.as_str() == name).copied()
    }

    /// The type of this name, for a look-up.
    ///
    /// # Errors
    /// 400 in HMA's words.
    pub fn to_look_up(&self, name: &str) -> Result<SignalType, ApiError> {
        match self.named(name) {
            None => Err(ApiError::bad(format!("No such SignalType '{name}'"))),
            Some((_, ratio)) if ratio <= 0.0 => {
                Err(ApiError::bad(format!("SignalType '{name}' is not enabled")))
            }
            Some((kind, _)) => Ok(kind),
        }
    }
}

/// Name of the setting that keeps a type's ratio.
pub(crate) fn setting(kind: SignalType) -> String {
    format!("signal_type.{}.enabled_ratio", kind.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_the_store_counts_whichever_change_is_answered_first() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = Store::open(dir.path()).unwrap();
        let types = Types::new(&[SignalType::Pdq, SignalType::VideoMd5]);
        for ratio in ["0.5", "0"] {
            store.batch(1, |batch| batch.set_setting(&setting(SignalType::Pdq), Some(ratio))).unwrap();
        }
        // The first to change is the last to be answered.
        types.load(&store).unwrap();
        types.load(&store).unwrap();
        assert_eq!(types.all(), [(SignalType::Pdq, 0.0), (SignalType::VideoMd5, 1.0)]);
        assert!(types.to_look_up("pdq").is_err());
    }
}
