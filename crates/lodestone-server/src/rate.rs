//! How often a key may ask.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// A limit for each key: so many requests a second, and as many at once. *Source:* the generic cell rate algorithm,
/// ITU-T I.371.
#[derive(Debug)]
pub struct Rates {
    /// Microseconds that a request costs; 0: no limit.
    cost_us: i64,
    /// Until when each key's requests are paid for.
    paid_until_us: Mutex<BTreeMap<Arc<str>, i64>>,
}

/// A second's worth may be asked at once.
const BURST_US: i64 = 1_000_000;

impl Rates {
    /// Limits each key to so many requests a second; 0: no limit.
    pub fn new(per_second: u32) -> Self {
        let cost_us = if per_second == 0 { 0 } else { (1_000_000 / i64::from(per_second)).max(1) };
        Self { cost_us, paid_until_us: Mutex::default() }
    }

    /// Whether a key may ask now; if so, this is counted.
    pub fn may(&self, key: &Arc<str>, now_us: i64) -> bool {
        if self.cost_us == 0 || key.is_empty() {
            return true;
        }
        let mut all = self.paid_until_us.lock().unwrap_or_else(PoisonError::into_inner);
        let paid = all.entry(Arc::clone(key)).or_insert(now_us);
        let next = (*paid).max(now_us) + self.cost_us;
        if next - now_us > BURST_US {
            return false;
        }
        *paid = next;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_gets_its_share_and_no_more() {
        let rates = Rates::new(10);
        let (a, b): (Arc<str>, Arc<str>) = ("a".into(), "b".into());
        assert_eq!((0..50).filter(|_| rates.may(&a, 0)).count(), 10);
        assert!(rates.may(&b, 0), "another key is not touched");
        assert!(!rates.may(&a, 99_000));
        assert!(rates.may(&a, 100_000));
        assert_eq!((0..50).filter(|_| rates.may(&a, 5_000_000)).count(), 10);
        assert!((0..50).all(|_| Rates::new(0).may(&a, 0)));
    }
}
