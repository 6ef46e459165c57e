//! Repeated tiles: a pattern whose window occurs again and again is no evidence of a known picture.

use lodestone_hash::PdqHash;

use crate::region::Region;

/// Windows this near are of the same tile.
const SAME_TILE_BITS: u32 = 31;
/// Windows of one tile, apart from each other, that make a pattern.
const REPEATS: usize = 3;

/// Of each window, whether its hash occurs in three or more windows that do not overlap each other.
///
/// A collage of different pictures has none; one that shows the same picture three times has, and it is for the
/// caller to decide what that means.
pub(crate) fn repeated(windows: &[(Region, PdqHash)]) -> Vec<bool> {
    let of = |(region, hash): &(Region, PdqHash)| {
        let mut tiles = vec![*region];
        for (other, other_hash) in windows {
            let apart = tiles.iter().all(|tile| {
                let smaller = (tile.width * tile.height).min(other.width * other.height);
                tile.shared(other) <= 0.05 * smaller
            });
            if apart && hash.distance_bits(other_hash) <= SAME_TILE_BITS {
                tiles.push(*other);
            }
        }
        tiles.len() >= REPEATS
    };
    windows.iter().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tile(x: f32, byte: u8) -> (Region, PdqHash) {
        (Region { x, y: 0.0, width: 10.0, height: 10.0 }, PdqHash([byte; 32]))
    }

    #[test]
    fn three_equal_tiles_apart_are_a_pattern() {
        assert_eq!(repeated(&[tile(0.0, 7), tile(10.0, 7), tile(20.0, 7)]), [true; 3]);
    }

    #[test]
    fn two_tiles_or_three_overlapping_ones_or_different_ones_are_not() {
        assert_eq!(repeated(&[tile(0.0, 7), tile(10.0, 7)]), [false; 2]);
        assert_eq!(repeated(&[tile(0.0, 7), tile(1.0, 7), tile(2.0, 7)]), [false; 3]);
        assert_eq!(repeated(&[tile(0.0, 1), tile(10.0, 62), tile(20.0, 192)]), [false; 3]);
    }
}
