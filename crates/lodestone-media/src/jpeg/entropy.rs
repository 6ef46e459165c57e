//! Entropy-coded data as bits.
//!
//! Byte stuffing is taken out ahead of decoding, a window at a time, so that the decoding loop refills its bit buffer
//! with plain loads: no test for 0xFF, no test for the end. Behind the end of a segment stand zeros, as libjpeg feeds
//! its decoder when data run out; [`Entropy::overrun`] tells afterwards that they were used.

use super::huffman::{SYMBOL, Table, extend};

const WINDOW: usize = 1 << 15;
/// More than one MCU can consume: 10 blocks of 64 symbols of at most 32 bits, and a refill.
const MARGIN: usize = 4096;

pub(super) type Window = [u8; WINDOW + 8];

/// The bit buffer. Kept apart from the window so that it lives in registers.
#[derive(Clone, Copy)]
pub(super) struct Cursor {
    /// The next bits, from the top.
    buf: u64,
    /// How many of them count.
    bits: u32,
    /// Where in the window the next refill reads.
    pos: usize,
}

/// Entropy-coded segments of one scan.
pub(super) struct Entropy<'a> {
    bytes: &'a [u8],
    /// Where the file goes on behind what was moved to the window.
    pub(super) next: usize,
    pub(super) window: Box<Window>,
    /// Bytes of the window that are data.
    end: usize,
    /// Whether the segment ends with the window: a marker or the end of the file stands at `next`.
    closed: bool,
    pub(super) cursor: Cursor,
}

impl Cursor {
    const EMPTY: Self = Self { buf: 0, bits: 0, pos: 0 };

    /// Makes at least 56 bits ready.
    #[inline(always)]
    pub(super) fn refill(&mut self, window: &Window) {
        let at = self.pos & (WINDOW - 1);
        let next = window[at..].first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes));
        self.buf |= next >> self.bits;
        self.pos += ((63 - self.bits) >> 3) as usize;
        self.bits |= 56;
    }

    /// How many bits are ready.
    #[inline(always)]
    pub(super) fn bits(&self) -> u32 {
        self.bits
    }

    /// Makes at least 32 bits ready.
    #[inline(always)]
    pub(super) fn ready(&mut self, window: &Window) {
        if self.bits < 32 {
            self.refill(window);
        }
    }

    /// The next `n` bits, 1 to 32, without taking them.
    #[inline(always)]
    pub(super) fn peek(&self, n: u32) -> u32 {
        (self.buf >> (64 - n)) as u32
    }

    #[inline(always)]
    pub(super) fn skip(&mut self, n: u32) {
        self.buf <<= n;
        self.bits = self.bits.wrapping_sub(n);
    }

    /// The next `n` bits, 0 to 16.
    #[inline(always)]
    pub(super) fn take(&mut self, n: u32) -> u32 {
        let value = (self.buf >> 32 >> (32 - n)) as u32;
        self.skip(n);
        value
    }

    /// A signed value of `size` bits.
    #[inline(always)]
    pub(super) fn value(&mut self, size: u32) -> i32 {
        extend(self.take(size) as i32, size)
    }

    /// A symbol from an entry that holds no value, or of a code longer than the look-up; `bad` counts invalid codes.
    #[inline(always)]
    pub(super) fn symbol(&mut self, entry: u32, table: &Table, bad: &mut u32) -> u32 {
        if entry & SYMBOL != 0 {
            self.skip(entry & 0x7f);
            entry >> 8 & 0xff
        } else {
            let (length, symbol) = table.long(self.peek(16));
            self.skip(length);
            *bad += u32::from(symbol.is_none());
            u32::from(symbol.unwrap_or(0))
        }
    }
}

impl<'a> Entropy<'a> {
    pub(super) fn new(bytes: &'a [u8], next: usize) -> Self {
        let window = Box::new([0; WINDOW + 8]);
        Self { bytes, next, window, end: 0, closed: false, cursor: Cursor::EMPTY }
    }

    /// Brings the data of at least one MCU into the window, or all there are.
    #[inline(always)]
    pub(super) fn ensure(&mut self) {
        if !self.closed && self.cursor.pos + MARGIN > self.end {
            self.fill();
        }
    }

    /// Whether more was consumed than the segment holds.
    #[inline(always)]
    pub(super) fn overrun(&self) -> bool {
        self.closed && self.cursor.pos * 8 > self.end * 8 + self.cursor.bits as usize
    }

    #[inline(never)]
    fn fill(&mut self) {
        let from = self.cursor.pos.min(self.end);
        self.window.copy_within(from..self.end, 0);
        self.end -= from;
        self.cursor.pos -= from;
        let limit = WINDOW - MARGIN;
        while self.end < limit {
            let rest = self.bytes.get(self.next..).unwrap_or_default();
            let rest = &rest[..rest.len().min(limit - self.end)];
            let plain = memchr::memchr(0xff, rest).unwrap_or(rest.len());
            self.window[self.end..self.end + plain].copy_from_slice(&rest[..plain]);
            self.end += plain;
            self.next += plain;
            if plain == rest.len() && !rest.is_empty() {
                continue;
            }
            // At 0xFF or at the end of the file. Any number of fill bytes may precede the byte that decides.
            let tail = self.bytes.get(self.next..).unwrap_or_default();
            let fill = tail.iter().take_while(|&&b| b == 0xff).count();
            if fill == 0 || tail.get(fill) != Some(&0) {
                self.closed = true;
                break;
            }
            self.window[self.end] = 0xff;
            self.end += 1;
            self.next += fill + 1;
        }
        let end = self.end;
        self.window[end..end + MARGIN].fill(0);
    }

    /// The marker at which the segment ends, scanning to it if need be; 0xD9 (EOI) at the end of the file. `next` then
    /// stands before it.
    fn marker(&mut self) -> u8 {
        while let Some(at) = memchr::memchr(0xff, self.bytes.get(self.next..).unwrap_or_default()) {
            self.next += at;
            let tail = &self.bytes[self.next..];
            let fill = tail.iter().take_while(|&&b| b == 0xff).count();
            match tail.get(fill) {
                Some(0) => self.next += fill + 1,
                Some(&code) => {
                    self.next += fill - 1;
                    return code;
                }
                None => break,
            }
        }
        self.next = self.bytes.len();
        0xd9
    }

    /// Whether the bytes ended before the segment.
    pub(super) fn at_end_of_file(&mut self) -> bool {
        self.marker();
        self.next >= self.bytes.len()
    }

    /// Goes on behind the restart marker number `expected`. When another marker is there, decides as libjpeg's
    /// `jpeg_resync_to_restart` whether to skip on or to take the segment as lost. Tells whether data follow, and
    /// whether the marker was the right one.
    pub(super) fn restart(&mut self, expected: u8) -> Restart {
        let mut marker = self.marker();
        let mut expected_one = true;
        self.cursor = Cursor::EMPTY;
        self.end = 0;
        loop {
            let ahead = (marker.wrapping_sub(0xd0).wrapping_sub(expected)) & 7;
            if marker == 0xd0 + expected || (matches!(marker, 0xd0..=0xd7) && (3..=5).contains(&ahead)) {
                self.next += 2;
                self.closed = false;
                return Restart { data: true, expected: expected_one && ahead == 0 };
            }
            expected_one = false;
            if marker < 0xc0 || (matches!(marker, 0xd0..=0xd7) && ahead >= 6) {
                self.next += 2;
                marker = self.marker();
                continue;
            }
            self.window[..MARGIN].fill(0);
            self.closed = true;
            return Restart { data: false, expected: false };
        }
    }
}

/// What [`Entropy::restart`] found.
pub(super) struct Restart {
    pub(super) data: bool,
    pub(super) expected: bool,
}
