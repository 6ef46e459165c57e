//! Rings in plain vectors, against a comparison of everything with everything.

use super::search::NEXT_PADDING;
use super::*;
use crate::probe::Found;
use crate::{Kernel, SearchStats};

/// The arrays of one ring in one stretch of memory, as a segment has them.
struct Own {
    layout: Layout,
    plans: Plans,
    even: bool,
    image: memmap2::MmapMut,
    codes: usize,
    /// Where each table's three arrays begin.
    at: Vec<[usize; 3]>,
}

impl Own {
    fn new(mut codes: Vec<Bits>, widths: &[u8], threads: usize) -> Self {
        codes.sort_unstable();
        codes.dedup();
        let layout = Layout::from_widths(widths).unwrap();
        let mut end = codes.len() * 32;
        let mut place = |bytes: usize| {
            let start = end.next_multiple_of(64);
            end = start + bytes;
            start
        };
        let n = codes.len();
        let words_len = |table| if table == 0 { 0 } else { n };
        let at: Vec<[usize; 3]> = (0..layout.tables())
            .map(|t| [place(4 * layout.dir_len(t)), place(2 * (n + NEXT_PADDING)), place(4 * words_len(t))])
            .collect();
        let mut image = memmap2::MmapOptions::new().len(end).map_anon().unwrap();
        let _ = image.advise(memmap2::Advice::HugePage);
        image[..32 * n].copy_from_slice(bytemuck::cast_slice(&codes));
        let mut records = Records::default();
        for (table, [dir, next, words]) in at.iter().enumerate() {
            let (_, rest) = image.split_at_mut(*dir);
            let (dir, rest) = rest.split_at_mut(next - dir);
            let (next, words) = rest.split_at_mut(words - next);
            let dir = &mut bytemuck::cast_slice_mut(dir)[..layout.dir_len(table)];
            let next = &mut bytemuck::cast_slice_mut(next)[..n];
            let words = bytemuck::cast_slice_mut(&mut words[..4 * words_len(table)]);
            build_table(&layout, table, &codes, threads, dir, next, words, &mut records);
        }
        let plans = Plans::new(widths, codes.len());
        let even = codes.iter().all(|code| code.is_even());
        Self { layout, plans, even, image, codes: codes.len(), at }
    }

    fn codes(&self) -> &[Bits] {
        bytemuck::cast_slice(&self.image[..32 * self.codes])
    }

    fn ring(&self) -> Ring<'_> {
        let n = self.codes;
        let tables = (0..self.at.len())
            .map(|t| {
                let [dir, next, words] = self.at[t];
                let dir_end = dir + 4 * self.layout.dir_len(t);
                let words_end = if t == 0 { words } else { words + 4 * n };
                Table {
                    dir: bytemuck::cast_slice(&self.image[dir..dir_end]),
                    next: bytemuck::cast_slice(&self.image[next..next + 2 * (n + NEXT_PADDING)]),
                    ids: bytemuck::cast_slice(&self.image[words..words_end]),
                    dir_at: dir as u64,
                    next_at: next as u64,
                    ids_at: words as u64,
                }
            })
            .collect();
        let codes = self.codes();
        Ring { layout: &self.layout, plans: &self.plans, even: self.even, codes, codes_at: 0, tables }
    }

    fn search(&self, kernel: Kernel, queries: &[Bits], radius: u32) -> Vec<(u32, usize, u32)> {
        let (mut found, mut stats) = (Vec::new(), SearchStats::default());
        self.ring().search(&Trusted, kernel, queries, radius, &mut found, &mut stats).unwrap();
        let mut found: Vec<_> = found
            .into_iter()
            .map(|Found { query, position, distance_bits }| (query, position, distance_bits))
            .collect();
        assert_eq!(stats.hits, found.len() as u64);
        found.sort_unstable();
        found
    }

    fn all(&self, queries: &[Bits], radius: u32) -> Vec<(u32, usize, u32)> {
        let mut found = Vec::new();
        for (query, bits) in (0..).zip(queries) {
            for (position, code) in self.codes().iter().enumerate() {
                let distance = code.distance_bits(*bits);
                if distance <= radius {
                    found.push((query, position, distance));
                }
            }
        }
        found
    }
}

fn random(state: &mut u64) -> Bits {
    Bits(std::array::from_fn(|_| split_mix(state)))
}

/// `code` with `flips` bits turned over at most.
fn near(code: Bits, flips: u64, state: &mut u64) -> Bits {
    let mut code = code;
    for _ in 0..flips {
        let bit = split_mix(state) % 256;
        code.0[(bit / 64) as usize] ^= 1 << (bit % 64);
    }
    code
}

#[test]
fn every_kernel_finds_exactly_what_comparing_everything_finds_at_every_radius() {
    let mut state = 1;
    for (widths, n) in [
        (vec![16; 16], 3_000),
        (vec![24, 24, 24, 24, 24, 24, 24, 24, 24, 24, 16], 300),
        (vec![19, 20, 20, 20, 20, 20, 20, 20, 20, 19, 19, 19, 20], 500),
        (vec![18, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17], 700),
        (vec![8; 32], 100),
    ] {
        for even in [false, true] {
            // Half of the codes crowd round twenty of the others.
            let mut codes: Vec<Bits> = (0..n).map(|_| random(&mut state)).collect();
            for i in 0..n {
                codes.push(near(codes[i % 20], split_mix(&mut state) % 50, &mut state));
            }
            if even {
                codes.retain(|code| code.is_even());
            }
            let own = Own::new(codes, &widths, 1);
            let queries: Vec<Bits> = (0..60)
                .map(|i| near(own.codes()[i * 7 % own.codes], split_mix(&mut state) % 66, &mut state))
                .collect();
            for radius in [0, 1, 2, 7, 15, 16, 29, 30, 31, 32, 47, 48, 63, 64] {
                if radius > 40 && widths[0] > 19 {
                    continue;
                }
                let expected = own.all(&queries, radius);
                for kernel in Kernel::available() {
                    let found = own.search(kernel, &queries, radius);
                    assert_eq!(found, expected, "{} {widths:?} {radius}", kernel.name());
                    let one_by_one: Vec<_> = (0..60)
                        .flat_map(|i| {
                            own.search(kernel, &queries[i..=i], radius)
                                .into_iter()
                                .map(move |f| (i as u32, f.1, f.2))
                        })
                        .collect();
                    assert_eq!(one_by_one, expected);
                }
            }
        }
    }
}
