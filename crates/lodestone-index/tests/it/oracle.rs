//! Sets of codes of every shape that hurts a search, and what comparing everything with everything answers.

use lodestone_index::{Code256, Hit};

/// A fixed sequence of numbers (SplitMix64).
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    pub(crate) fn code(&mut self) -> Code256 {
        Code256(std::array::from_fn(|_| self.next()))
    }

    /// A code with an even number of bits set.
    pub(crate) fn even(&mut self) -> Code256 {
        let code = self.code();
        if weight(code).is_multiple_of(2) { code } else { flip(code, 0) }
    }

    /// `code` with exactly so many bits turned over.
    pub(crate) fn at_distance(&mut self, code: Code256, bits: usize) -> Code256 {
        let mut places: Vec<usize> = (0..256).collect();
        for i in 0..bits {
            let j = i + self.below(256 - i);
            places.swap(i, j);
        }
        places[..bits].iter().fold(code, |code, place| flip(code, *place))
    }

    /// Widths of 20 to 32 chunks of 1 to 14 bits.
    pub(crate) fn widths(&mut self) -> Vec<u8> {
        let chunks = 20 + self.below(13);
        let mut widths = vec![1u8; chunks];
        let mut left = 256 - chunks;
        while left > 0 {
            let place = self.below(chunks);
            if widths[place] < 14 {
                widths[place] += 1;
                left -= 1;
            }
        }
        widths
    }
}

pub(crate) fn weight(code: Code256) -> u32 {
    code.0.iter().map(|word| word.count_ones()).sum()
}

pub(crate) fn flip(mut code: Code256, bit: usize) -> Code256 {
    code.0[bit / 64] ^= 1 << (63 - bit % 64);
    code
}

/// Every pair within `radius_bits` of each query; equal pairs count once.
pub(crate) fn all_within(entries: &[(Code256, u64)], queries: &[Code256], radius_bits: u32) -> Vec<Hit> {
    let mut entries = entries.to_vec();
    entries.sort_unstable();
    entries.dedup();
    let mut hits = Vec::new();
    for (query, near) in (0..).zip(queries) {
        for (code, id) in &entries {
            let distance_bits = code.0.iter().zip(near.0).map(|(a, b)| (a ^ b).count_ones()).sum();
            if distance_bits <= radius_bits {
                hits.push(Hit { query, distance_bits, id: *id });
            }
        }
    }
    hits.sort_unstable();
    hits
}

/// Where the format puts each bit of a code (`docs/formats/segment.md`).
fn places() -> [usize; 256] {
    let mut to = std::array::from_fn(|i| i);
    let mut dice = Dice(0x4c6f_6465_7374_6f6e);
    for i in (1..256).rev() {
        to.swap(i, dice.below(i + 1));
    }
    to
}

/// The code whose bits, put where the format has them, are these.
fn restored(permuted: [u64; 4]) -> Code256 {
    let set = |place: &usize| permuted[place / 64] >> (63 - place % 64) & 1 == 1;
    let bits = places().into_iter().enumerate().filter(|(_, place)| set(place));
    bits.fold(Code256([0; 4]), |code, (bit, _)| flip(code, bit))
}

/// The two codes that the format's canaries lie round, and the canaries.
pub(crate) fn canaries() -> (Vec<Code256>, Vec<Code256>) {
    let mut dice = Dice(0x4361_6e61_7269_6573);
    let mut centres: Vec<[u64; 4]> = (0..2).map(|_| std::array::from_fn(|_| dice.next())).collect();
    for (centre, parity) in centres.iter_mut().zip([0, 1]) {
        centre[3] ^= u64::from(weight(Code256(*centre)) % 2 != parity);
    }
    let mut canaries = Vec::new();
    for bits in 0..32 {
        for centre in &centres {
            let mut code = *centre;
            for piece in 0..bits_pieces(bits) {
                let x = dice.next() as usize;
                let wanted = if 2 * piece + 2 <= bits { 2 } else { 1 };
                for bit in [x % 16, (x % 16 + 1 + x / 16 % 15) % 16].into_iter().take(wanted) {
                    code[piece / 4] ^= 1 << (63 - (piece % 4 * 16 + bit));
                }
            }
            canaries.push(restored(code));
        }
    }
    (centres.into_iter().map(restored).collect(), canaries)
}

fn bits_pieces(bits: usize) -> usize {
    bits.div_ceil(2)
}

/// Codes as hashes of pictures are: which of 256 numbers lie above their median, large ones first in the reading order,
/// families of them alike, a few with ties and so with less than half of the bits set.
pub(crate) fn like_hashes(n: usize, dice: &mut Dice) -> Vec<Code256> {
    // The sum of some even numbers is near enough to a bell.
    let bell = |dice: &mut Dice| (0..4).map(|_| (dice.next() >> 44) as i64 - (1 << 19)).sum::<i64>();
    let size = |i: usize| 1024 / (1 + (i / 16 + i % 16) as i64);
    let mut codes = Vec::new();
    let mut scene = [0i64; 256];
    for number in 0..n {
        if number % 8 == 0 {
            scene = std::array::from_fn(|i| bell(dice) * size(i));
        }
        let noise = [1, 4, 20, 60][number % 4];
        let mut values = scene;
        for (i, value) in values.iter_mut().enumerate() {
            *value += bell(dice) * size(i) * noise / 200;
        }
        if number % 50 == 49 {
            // A flat picture: most values are equal.
            values.iter_mut().for_each(|value| *value = *value / (1 << 29) * (1 << 29));
        }
        let mut sorted = values;
        sorted.sort_unstable();
        let bits = (0..256).filter(|i| values[*i] > sorted[127]);
        codes.push(bits.fold(Code256([0; 4]), flip));
    }
    codes
}

/// A set of pairs with a name, and queries that find something in it.
pub(crate) struct Set {
    pub(crate) name: &'static str,
    pub(crate) entries: Vec<(Code256, u64)>,
    pub(crate) queries: Vec<Code256>,
}

impl Set {
    /// Queries: codes of the set some bits away, complements directly after them now and then, and strangers.
    pub(crate) fn new(name: &'static str, entries: Vec<(Code256, u64)>, dice: &mut Dice) -> Self {
        let mut queries = vec![Code256([0; 4]), Code256([u64::MAX; 4]), dice.code(), dice.even()];
        for i in 0..28 {
            let near = if entries.is_empty() { dice.code() } else { entries[dice.below(entries.len())].0 };
            let bits = if i % 3 == 0 { i / 3 } else { dice.below(68) };
            queries.push(dice.at_distance(near, bits));
            if i % 4 == 0 {
                queries.push(!queries[queries.len() - 1]);
            }
        }
        Self { name, entries, queries }
    }
}

/// Every shape.
pub(crate) fn sets() -> Vec<Set> {
    let dice = &mut Dice(2026);
    let numbered = |codes: Vec<Code256>| codes.into_iter().zip(7..).collect::<Vec<(Code256, u64)>>();
    let mut sets = Vec::new();
    let mut add = |name, entries, dice: &mut Dice| sets.push(Set::new(name, entries, dice));

    add("nothing", Vec::new(), dice);
    add("one", vec![(dice.code(), 0)], dice);
    for n in [31, 32, 33, 63, 64, 65, 96] {
        let codes = (0..n).map(|_| dice.even()).collect();
        add("round the size of a block", numbered(codes), dice);
    }
    let codes = (0..700).map(|_| dice.code()).collect();
    add("random", numbered(codes), dice);
    let codes = (0..700).map(|_| dice.even()).collect();
    add("of even weight", numbered(codes), dice);

    // The first centre has half of all members, the second a third of that, and so on.
    let centres: Vec<Code256> = (0..12).map(|_| dice.even()).collect();
    let mut codes = Vec::new();
    for (rank, centre) in centres.iter().enumerate() {
        for _ in 0..400 / (rank + 1) {
            let bits = dice.below(40);
            codes.push(dice.at_distance(*centre, bits));
        }
    }
    add("clustered", numbered(codes.clone()), dice);
    codes.retain(|code| weight(*code).is_multiple_of(2));
    add("clustered, of even weight", numbered(codes), dice);

    let few: Vec<Code256> = (0..9).map(|_| dice.even()).collect();
    let entries = (0..900).map(|i| (few[dice.below(9)], (i % 300) << 40 | i)).collect();
    add("many owners", entries, dice);
    add("all equal", vec![(dice.code(), 3); 500], dice);
    add("one code of many", (0..500).map(|id| (few[0], id * 3)).collect(), dice);

    let mut codes = vec![Code256([0; 4]), Code256([u64::MAX; 4])];
    for _ in 0..300 {
        let bits = dice.below(20);
        codes.push(dice.at_distance(Code256([0; 4]), bits));
        codes.push(!codes[codes.len() - 1]);
    }
    add("nearly blank", numbered(codes), dice);
    let mut codes: Vec<Code256> = (0..400).map(|_| dice.even()).collect();
    codes.extend((0..30).map(|i| if i % 2 == 0 { dice.code() } else { flip(Code256([0; 4]), i) }));
    add("a few odd and blank ones among even ones", numbered(codes), dice);

    let (centres, mut codes) = canaries();
    codes.extend(centres.iter().flat_map(|centre| [*centre, !*centre]));
    for i in 0..codes.len() {
        let bits = 1 + dice.below(33);
        codes.push(dice.at_distance(codes[i], bits));
    }
    add("canaries", numbered(codes.clone()), dice);
    codes.retain(|code| weight(*code).is_multiple_of(2));
    add("canaries of even weight", numbered(codes), dice);

    // Whole stretches alike: a few buckets hold everything, whatever bits make up a chunk.
    let stem = dice.even();
    let codes =
        (0..3000u64).map(|i| Code256([stem.0[0], stem.0[1] ^ (i << 3), stem.0[2], stem.0[3] ^ (i % 3)]));
    add("hot buckets", numbered(codes.collect()), dice);
    let codes = like_hashes(1000, dice);
    add("like hashes", numbered(codes), dice);
    for set in &mut sets {
        if set.name.starts_with("canaries") {
            set.queries.extend(&centres);
        }
    }
    sets
}
