//! Which signal types are offered, and what share of look-ups each takes part in.

use std::sync::Arc;

use arc_swap::ArcSwap;
use lodestone_types::SignalType;

use crate::error::ApiError;

/// The types offered, in their order, with `enabled_ratio`. Clones see the same.
#[derive(Clone, Debug)]
pub struct Types(Arc<ArcSwap<Vec<(SignalType, f64)>>>);

impl Types {
    /// These types, all of them on.
    pub fn new(types: &[SignalType]) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(types.iter().map(|kind| (*kind, 1.0)).collect())))
    }

    /// All types offered, those that are off too, with their ratios.
    pub fn all(&self) -> Vec<(SignalType, f64)> {
        self.0.load().to_vec()
    }

    /// The types that are on.
    pub fn enabled(&self) -> Vec<SignalType> {
        self.0.load().iter().filter(|(_, ratio)| *ratio > 0.0).map(|(kind, _)| *kind).collect()
    }

    /// The type of this name, whether on or off.
    pub fn named(&self, name: &str) -> Option<(SignalType, f64)> {
        self.0.load().iter().find(|(kind, _)| kind.as_str() == name).copied()
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

    /// Sets the ratio of a type; `false` when it is not offered.
    pub fn set(&self, kind: SignalType, ratio: f64) -> bool {
        // Others may set other types at the same time.
        let before = self.0.rcu(|all| {
            let mut all = all.to_vec();
            all.iter_mut().filter(|(own, _)| *own == kind).for_each(|one| one.1 = ratio);
            all
        });
        before.iter().any(|(own, _)| *own == kind)
    }
}
