//! Which frames of an animation are hashed: first, middle, last, and the one shown at each full second.

use crate::Limits;

/// One frame's place in the animation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Chosen {
    /// Number from 0.
    pub(crate) index: u32,
    /// When it is shown, milliseconds from the start.
    pub(crate) t_ms: u64,
}

/// Chooses frames from their durations in milliseconds: at most `max` (at least one), in order, each once. When the
/// seconds are too many for `max`, they are thinned evenly.
pub(crate) fn choose(durations_ms: &[u64], max: u32) -> Vec<Chosen> {
    let n = durations_ms.len();
    let Some(last) = n.checked_sub(1) else { return Vec::new() };
    let mut starts = Vec::new();
    let mut t = 0u64;
    for d in durations_ms {
        starts.push(t);
        t = t.saturating_add(*d);
    }
    let mut keep = vec![0];
    for corner in [last, n / 2] {
        if keep.len() < max as usize && !keep.contains(&corner) {
            keep.push(corner);
        }
    }
    let mut seconds = Vec::new();
    let mut next_ms = 1_000u64;
    for (i, start) in starts.iter().enumerate() {
        let end = starts.get(i + 1).copied().unwrap_or(t);
        if *start <= next_ms && next_ms < end {
            if !keep.contains(&i) {
                seconds.push(i);
            }
            next_ms = (end / 1_000 + u64::from(end % 1_000 != 0)).saturating_mul(1_000).max(next_ms);
        }
    }
    let room = (max as usize).saturating_sub(keep.len()).min(seconds.len());
    keep.extend((0..room).filter_map(|k| seconds.get(k * seconds.len() / room).copied()));
    keep.sort_unstable();
    keep.iter().map(|&i| Chosen { index: i as u32, t_ms: starts.get(i).copied().unwrap_or(0) }).collect()
}

/// The note for an animation of which not all frames were hashed.
pub(crate) fn note(hashed: u32, total: u32) -> Option<String> {
    (hashed < total).then(|| format!("animation: {hashed} of {total} frames hashed"))
}

/// Pixels an animation may still make its decoder draw: ten times the pixel limit, however many its frames.
pub(crate) struct Work {
    left: u64,
    limit: u64,
}

impl Work {
    pub(crate) fn new(limits: &Limits) -> Self {
        let limit = limits.max_pixels.saturating_mul(10);
        Self { left: limit, limit }
    }

    /// Takes a frame's pixels from the budget; why not, when it is used up.
    pub(crate) fn spend(&mut self, width: u32, height: u32) -> Result<(), String> {
        let pixels = u64::from(width) * u64::from(height);
        self.left = self
            .left
            .checked_sub(pixels)
            .ok_or_else(|| format!("animation stopped: its frames hold more than {} pixels", self.limit))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn indexes(durations: &[u64], max: u32) -> Vec<u32> {
        choose(durations, max).iter().map(|c| c.index).collect()
    }

    #[test]
    fn first_middle_last_and_one_a_second() {
        assert_eq!(indexes(&[100], 64), [0]);
        assert_eq!(indexes(&[100, 100], 64), [0, 1]);
        assert_eq!(indexes(&[100; 5], 64), [0, 2, 4]);
        // 4 s at 10 frames a second: frames 10, 20 (also the middle), 30, and the ends.
        assert_eq!(indexes(&[100; 40], 64), [0, 10, 20, 30, 39]);
        // One frame stands for three seconds.
        assert_eq!(indexes(&[100, 3_000, 500, 500, 500, 500, 500], 64), [0, 1, 3, 5, 6]);
    }

    #[test]
    fn the_limit_holds_and_start_times_add_up() {
        assert_eq!(indexes(&[1_000; 100], 1), [0]);
        assert_eq!(indexes(&[1_000; 100], 2), [0, 99]);
        let chosen = choose(&[1_000; 1_000], 64);
        assert_eq!(chosen.len(), 64);
        assert!(chosen.iter().all(|c| c.t_ms == u64::from(c.index) * 1_000));
        assert!(chosen.windows(2).all(|w| w[0].index < w[1].index));
        assert!(choose(&[], 64).is_empty());
        assert_eq!(indexes(&[u64::MAX, u64::MAX, 5], 64).len(), 3);
    }
}
