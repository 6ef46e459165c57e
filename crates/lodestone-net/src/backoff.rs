//! When to try a delivery again.

use std::time::Duration;

/// Waits before the second, third … attempt, in seconds: the schedule that Standard Webhooks 1.0.0 gives as its example,
/// drawn out to three days in all. After the last one the message is dead and a person has to look.
const WAITS_S: [u64; 11] =
    [5, 60, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 8 * 3600, 10 * 3600, 14 * 3600, 14 * 3600, 18 * 3600];

/// How many attempts there are, the first included.
pub const MAX_ATTEMPTS: u32 = WAITS_S.len() as u32 + 1;

/// How long to wait after `failed` attempts have failed (1 after the first), or `None` when no further one is to be made.
///
/// The wait is spread by up to a fifth in both directions, by `jitter`: any number, the same for the same wait, such as a
/// digest of the message's id and the attempt. Without it, all that failed together would come back together.
#[must_use]
pub fn wait(failed: u32, jitter: u64) -> Option<Duration> {
    let index = usize::try_from(failed.checked_sub(1)?).ok()?;
    let base_ms = WAITS_S.get(index)? * 1000;
    // Spread evenly over 0.8 to 1.2 of the base; a multiplication mixes counters such as 1, 2, 3 well enough.
    let mixed = jitter.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    let spread_ms = base_ms * 2 / 5;
    let offset_ms = u128::from(spread_ms) * u128::from(mixed) / u128::from(u32::MAX);
    let offset_ms = u64::try_from(offset_ms).unwrap_or(spread_ms);
    Some(Duration::from_millis(base_ms - base_ms / 5 + offset_ms))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_whole_schedule_takes_about_three_days_and_then_ends() {
        for jitter in [0, 1, 7, u64::MAX] {
            let total: Duration = (1..MAX_ATTEMPTS).filter_map(|failed| wait(failed, jitter)).sum();
            let days = total.as_secs_f64() / 86_400.0;
            assert!((2.3..3.7).contains(&days), "{days}");
            assert_eq!(wait(MAX_ATTEMPTS, jitter), None);
            assert_eq!(wait(0, jitter), None);
        }
        assert_eq!(wait(u32::MAX, 0), None);
        let plain: u64 = WAITS_S.iter().sum();
        assert!((2.9..3.1).contains(&(plain as f64 / 86_400.0)), "{plain}");
    }

    #[test]
    fn close_numbers_spread_messages_apart() {
        let waits: std::collections::BTreeSet<_> = (0..100).map(|jitter| wait(4, jitter)).collect();
        assert!(waits.len() > 95);
        let (first, last) = (waits.first().copied().flatten(), waits.last().copied().flatten());
        assert!(last.zip(first).is_some_and(|(last, first)| last - first > Duration::from_secs(600)));
    }

    proptest! {
        #[test]
        fn a_wait_stays_within_a_fifth_of_its_base(failed in 1..MAX_ATTEMPTS, jitter: u64) {
            let base = Duration::from_secs(WAITS_S[failed as usize - 1]);
            let wait = wait(failed, jitter).expect("an attempt is left");
            prop_assert!(wait >= base * 4 / 5 && wait <= base * 6 / 5, "{:?}", wait);
        }
    }
}
