//! Huffman tables, laid out so that one look-up decodes a whole short symbol.

use crate::Error;

/// A table as the file gives it.
#[derive(Clone, Debug)]
pub(super) struct Spec {
    /// Codes of each length 1 to 16.
    counts: [u8; 16],
    values: [u8; 256],
}

/// What a table's symbols mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Size of a difference, which follows.
    Dc,
    /// Run and size of a coefficient, which follows.
    Ac,
    /// Run before a new coefficient of a refinement scan: one bit follows, whatever the size says.
    AcRefine,
}

/// Bits of a look-up.
pub(super) const LOOKUP_BITS: u32 = 11;
const LOOKUP_SIZE: usize = 1 << LOOKUP_BITS;

/// A table ready for decoding.
///
/// An entry of `fast` is, from the low bits: 8 bits how many bits it consumes, 8 bits a zero run, 16 bits a value. If
/// [`SYMBOL`] is set only the code fits: the run byte is then the whole symbol and the value follows in the stream. 0: the
/// code is longer than the look-up.
pub(super) struct Table {
    pub(super) fast: Box<[u32; LOOKUP_SIZE]>,
    /// Largest code of each length, or -1.
    max_code: [i32; 17],
    /// Index of a code's value is code plus this.
    offset: [i32; 17],
    values: [u8; 256],
}

/// Up to two AC coefficients, and the end of the block behind them, as one look-up finds them.
///
/// From the low bits: 8 bits how many bits they consume, 8 bits how far they advance, 8 bits how far ahead the first
/// coefficient stands, 7 bits how far the second, 1 bit whether the block ends, 16 bits each of the two values. Where
/// there is no second coefficient its value is 0 and it stands behind the first.
#[derive(Clone, Copy)]
pub(super) struct Pair(u64);

/// A [`Pair`] for each [`LOOKUP_BITS`] bits.
pub(super) type Pairs = [Pair; LOOKUP_SIZE];

impl Pair {
    /// To be decoded symbol by symbol: it advances out of any block.
    const NONE: Self = Self(0xff00);

    fn new(length: u32, advance: u32, places: [u32; 2], last: bool, values: [u32; 2]) -> Self {
        let low = length | advance << 8 | places[0] << 16 | places[1] << 24 | u32::from(last) << 31;
        Self(u64::from(low) | u64::from(values[0]) << 32 | u64::from(values[1]) << 48)
    }

    #[inline(always)]
    pub(super) fn length(self) -> u32 {
        self.0 as u32 & 0xff
    }

    /// How many places on the next symbol is. An entry may be used only if that is still in the block.
    #[inline(always)]
    pub(super) fn advance(self) -> usize {
        (self.0 >> 8) as usize & 0xff
    }

    #[inline(always)]
    pub(super) fn first(self) -> usize {
        (self.0 >> 16) as usize & 0xff
    }

    #[inline(always)]
    pub(super) fn second(self) -> usize {
        (self.0 >> 24) as usize & 0x7f
    }

    #[inline(always)]
    pub(super) fn last(self) -> bool {
        self.0 & 1 << 31 != 0
    }

    /// Not 0 if there is a coefficient.
    #[inline(always)]
    pub(super) fn values(self) -> u64 {
        self.0 >> 32
    }

    #[inline(always)]
    pub(super) fn first_value(self) -> i16 {
        (self.0 >> 32) as i16
    }

    #[inline(always)]
    pub(super) fn second_value(self) -> i16 {
        (self.0 >> 48) as i16
    }
}

/// Set in an entry that holds a symbol whose value bits are still to be read.
pub(super) const SYMBOL: u32 = 0x80;

/// The value of `size` bits, negative values being coded as one's complement.
#[inline(always)]
pub(super) fn extend(bits: i32, size: u32) -> i32 {
    if bits < (1 << size >> 1) { bits - (1 << size) + 1 } else { bits }
}

impl Spec {
    pub(super) fn new(counts: &[u8; 16], values: &[u8]) -> Self {
        let mut spec = Self { counts: *counts, values: [0; 256] };
        for (to, from) in spec.values.iter_mut().zip(values) {
            *to = *from;
        }
        spec
    }

    /// The tables that Motion JPEG frames leave out (T.81 annex K.3).
    pub(super) fn standard(kind: Kind, index: usize) -> Option<Self> {
        Some(match (kind != Kind::Dc, index) {
            (false, 0) => Self::new(&[0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0], &DC_VALUES),
            (false, 1) => Self::new(&[0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0], &DC_VALUES),
            (true, 0) => Self::new(&[0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 0x7d], &AC_LUMA),
            (true, 1) => Self::new(&[0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 0x77], &AC_CHROMA),
            _ => return None,
        })
    }

    /// A decoding table; for DC, symbols above 15 are an error.
    pub(super) fn table(&self, kind: Kind) -> Result<Table, Error> {
        let bad = || Error::Malformed("a broken Huffman table".to_owned());
        let mut table = Table {
            fast: Box::new([0; LOOKUP_SIZE]),
            max_code: [-1; 17],
            offset: [0; 17],
            values: self.values,
        };
        let (mut code, mut index) = (0u32, 0usize);
        for length in 1..=16u32 {
            let count = u32::from(self.counts[length as usize - 1]);
            if count > 0 {
                if code + count > 1 << length {
                    return Err(bad());
                }
                table.offset[length as usize] = index as i32 - code as i32;
                table.max_code[length as usize] = (code + count - 1) as i32;
                for _ in 0..count {
                    let symbol = self.values[index & 255];
                    if kind == Kind::Dc && symbol > 15 {
                        return Err(bad());
                    }
                    if length <= LOOKUP_BITS {
                        table.fill(code, length, symbol, kind);
                    }
                    code += 1;
                    index += 1;
                }
            }
            code <<= 1;
        }
        Ok(table)
    }
}

impl Table {
    fn fill(&mut self, code: u32, length: u32, symbol: u8, kind: Kind) {
        let size = u32::from(symbol & 15);
        let free = LOOKUP_BITS - length;
        for low in 0..1u32 << free {
            let joined = size == 0 || kind != Kind::AcRefine && size <= free;
            let entry = if joined {
                let value = extend((low >> (free - size)) as i32, size);
                let value = if size == 0 { 0 } else { value };
                (value as u32) << 16 | u32::from(symbol >> 4) << 8 | (length + size)
            } else {
                u32::from(symbol) << 8 | SYMBOL | length
            };
            self.fast[(code << free | low) as usize] = entry;
        }
    }

    /// The look-ups joined by two, for a table of AC coefficients of a sequential scan.
    pub(super) fn pairs(&self) -> Box<Pairs> {
        let mut pairs = Box::new([Pair::NONE; LOOKUP_SIZE]);
        let ends = |entry: u32| entry & SYMBOL == 0 && entry != 0 && entry < 15 << 8;
        for (bits, pair) in pairs.iter_mut().enumerate() {
            let first = self.fast[bits];
            if first <= 0xffff {
                if ends(first) {
                    *pair = Pair::new(first & 0xff, 0, [0, 0], true, [0, 0]);
                }
                continue;
            }
            let (mut length, run, value) = (first & 0xff, first >> 8 & 0xff, first >> 16);
            let (mut advance, mut place, mut second_value) = (run + 1, run + 1, 0);
            let rest = bits << length;
            let second = self.fast[rest & (LOOKUP_SIZE - 1)];
            let mut next = second;
            if second > 0xffff && length + (second & 0xff) <= LOOKUP_BITS {
                length += second & 0xff;
                place += second >> 8 & 0xff;
                (advance, second_value) = (place + 1, second >> 16);
                next = self.fast[rest << (second & 0xff) & (LOOKUP_SIZE - 1)];
            }
            let last = ends(next) && length + (next & 0xff) <= LOOKUP_BITS;
            length += if last { next & 0xff } else { 0 };
            *pair = Pair::new(length, advance, [run, place], last, [value, second_value]);
        }
        pairs
    }

    /// Length and symbol of a code longer than the look-up, from the next 16 bits. A code in no table consumes 17 bits
    /// and counts as symbol 0, as in libjpeg.
    #[cold]
    #[inline(never)]
    pub(super) fn long(&self, next16: u32) -> (u32, Option<u8>) {
        for length in LOOKUP_BITS as usize + 1..=16 {
            let code = (next16 >> (16 - length)) as i32;
            if code <= self.max_code[length] {
                return (length as u32, Some(self.values[(code + self.offset[length]) as usize & 255]));
            }
        }
        (17, None)
    }
}

const DC_VALUES: [u8; 12] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];
#[rustfmt::skip]
const AC_LUMA: [u8; 162] = [
    0x01, 0x02, 0x03, 0x00, 0x04, 0x11, 0x05, 0x12, 0x21, 0x31, 0x41, 0x06, 0x13, 0x51, 0x61, 0x07,
    0x22, 0x71, 0x14, 0x32, 0x81, 0x91, 0xa1, 0x08, 0x23, 0x42, 0xb1, 0xc1, 0x15, 0x52, 0xd1, 0xf0,
    0x24, 0x33, 0x62, 0x72, 0x82, 0x09, 0x0a, 0x16, 0x17, 0x18, 0x19, 0x1a, 0x25, 0x26, 0x27, 0x28,
    0x29, 0x2a, 0x34, 0x35, 0x36, 0x37, 0x38, 0x39, 0x3a, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49,
    0x4a, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59, 0x5a, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69,
    0x6a, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7a, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89,
    0x8a, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9a, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7,
    0xa8, 0xa9, 0xaa, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6, 0xb7, 0xb8, 0xb9, 0xba, 0xc2, 0xc3, 0xc4, 0xc5,
    0xc6, 0xc7, 0xc8, 0xc9, 0xca, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xd9, 0xda, 0xe1, 0xe2,
    0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9, 0xea, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8,
    0xf9, 0xfa,
];
#[rustfmt::skip]
const AC_CHROMA: [u8; 162] = [
    0x00, 0x01, 0x02, 0x03, 0x11, 0x04, 0x05, 0x21, 0x31, 0x06, 0x12, 0x41, 0x51, 0x07, 0x61, 0x71,
    0x13, 0x22, 0x32, 0x81, 0x08, 0x14, 0x42, 0x91, 0xa1, 0xb1, 0xc1, 0x09, 0x23, 0x33, 0x52, 0xf0,
    0x15, 0x62, 0x72, 0xd1, 0x0a, 0x16, 0x24, 0x34, 0xe1, 0x25, 0xf1, 0x17, 0x18, 0x19, 0x1a, 0x26,
    0x27, 0x28, 0x29, 0x2a, 0x35, 0x36, 0x37, 0x38, 0x39, 0x3a, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48,
    0x49, 0x4a, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59, 0x5a, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68,
    0x69, 0x6a, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7a, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87,
    0x88, 0x89, 0x8a, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9a, 0xa2, 0xa3, 0xa4, 0xa5,
    0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6, 0xb7, 0xb8, 0xb9, 0xba, 0xc2, 0xc3,
    0xc4, 0xc5, 0xc6, 0xc7, 0xc8, 0xc9, 0xca, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xd9, 0xda,
    0xe2, 0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9, 0xea, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8,
    0xf9, 0xfa,
];

#[cfg(test)]
mod tests {
    use super::*;

    /// What single look-ups make of the same bits: bits consumed, places advanced, values with their places, the end.
    fn singly(table: &Table, bits: usize) -> (u32, usize, Vec<(usize, i16)>, bool) {
        let (mut used, mut advance, mut found) = (0, 0, Vec::new());
        loop {
            let entry = table.fast[bits << used & (LOOKUP_SIZE - 1)];
            let length = entry & 0x7f;
            let fits = entry != 0 && entry & SYMBOL == 0 && used + length <= LOOKUP_BITS;
            let run = (entry >> 8 & 0xff) as usize;
            if !fits || entry <= 0xffff && run == 15 || entry > 0xffff && found.len() == 2 {
                return (used, advance, found, false);
            }
            used += length;
            if entry <= 0xffff {
                return (used, advance, found, true);
            }
            found.push((advance + run, (entry >> 16) as i16));
            advance += run + 1;
        }
    }

    #[test]
    fn pairs_say_the_same_as_single_look_ups() {
        for index in 0..2 {
            let table = Spec::standard(Kind::Ac, index).and_then(|spec| spec.table(Kind::Ac).ok());
            let table = table.expect("a standard table");
            let mut counts = [0; 3];
            for (bits, pair) in table.pairs().iter().enumerate() {
                let (used, advance, found, last) = singly(&table, bits);
                if used == 0 {
                    assert!(pair.advance() >= 64, "{bits:#b}");
                    continue;
                }
                counts[found.len()] += 1;
                assert_eq!((pair.length(), pair.advance(), pair.last()), (used, advance, last), "{bits:#b}");
                let first = found.first().map_or(0, |&(_, value)| value);
                let second = found.get(1).map_or(0, |&(_, value)| value);
                assert_eq!((pair.first_value(), pair.second_value()), (first, second), "{bits:#b}");
                assert_eq!(pair.values() != 0, !found.is_empty(), "{bits:#b}");
                if let Some(&(place, _)) = found.first() {
                    assert_eq!(pair.first(), place, "{bits:#b}");
                    assert_eq!(pair.second(), found.get(1).map_or(advance, |&(place, _)| place), "{bits:#b}");
                }
            }
            assert!(counts.iter().all(|&count| count > 0), "{counts:?}");
        }
    }
}
