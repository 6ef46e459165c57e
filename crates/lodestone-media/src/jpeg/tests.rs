//! The kernels against each other.

use super::kernel::{Block, Kernel, POSITION, Portable, Work, dispatch, flat, ycc};

struct Idct<'a>(&'a Block, &'a Block);

impl Work for Idct<'_> {
    type Output = [u8; 64];

    #[inline(always)]
    fn run<K: Kernel>(self, kernel: K) -> [u8; 64] {
        let mut out = [0; 64];
        kernel.idct(self.0, self.1, &mut out, 8);
        out
    }
}

struct Ycc<'a>(&'a [u8], &'a [u8], &'a [u8]);

impl Work for Ycc<'_> {
    type Output = Vec<u8>;

    #[inline(always)]
    fn run<K: Kernel>(self, kernel: K) -> Vec<u8> {
        let mut out = vec![0; self.0.len() * 3];
        kernel.ycc_to_rgb(self.0, self.1, self.2, &mut out);
        out
    }
}

fn xorshift(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

#[test]
fn the_best_kernel_gives_the_bits_of_the_portable_one_for_any_block() {
    let mut state = 7;
    for round in 0..20_000u32 {
        let (mut block, mut quant) = (Block::ZERO, Block::ZERO);
        let limit = 1i64 << (round % 16 + 1);
        for k in 0..64 {
            if xorshift(&mut state) % 4 >= u64::from(round % 4) {
                block.0[k] = (xorshift(&mut state) as i64 % limit) as i16;
            }
            quant.0[k] = (xorshift(&mut state) % 255 + 1) as i16;
        }
        assert_eq!(dispatch(Idct(&block, &quant)), Idct(&block, &quant).run(Portable));
    }
}

#[test]
fn a_block_with_only_a_dc_is_flat_either_way() {
    let mut quant = Block::ZERO;
    quant.0[0] = 8;
    for dc in -512..512 {
        let mut block = Block::ZERO;
        block.0[0] = dc;
        let mut out = [0; 64];
        flat(dc, &quant, &mut out, 8);
        assert_eq!(out, dispatch(Idct(&block, &quant)));
    }
}

#[test]
fn a_known_block_transforms_to_known_samples() {
    // One horizontal cosine, coefficient (0, 1) of 100: 128 + 100 / (4 sqrt 2) cos((2 x + 1) pi / 16), rounded.
    let (mut block, mut quant) = (Block::ZERO, Block::ZERO);
    block.0[usize::from(POSITION[1])] = 100;
    quant.0[usize::from(POSITION[1])] = 1;
    let row = [145, 143, 138, 131, 125, 118, 113, 111];
    for out in dispatch(Idct(&block, &quant)).chunks_exact(8) {
        assert_eq!(out, row);
    }
}

#[test]
fn every_colour_converts_alike_in_rows_of_any_length() {
    let mut luma = Vec::new();
    let mut blue = Vec::new();
    let mut red = Vec::new();
    for cb in 0..=255u8 {
        for cr in 0..=255u8 {
            for y in [0, 1, 37, 127, 128, 200, 254, 255] {
                luma.push(y);
                blue.push(cb);
                red.push(cr);
            }
        }
    }
    let all = dispatch(Ycc(&luma, &blue, &red));
    let plain = luma.iter().zip(&blue).zip(&red).flat_map(|((&y, &cb), &cr)| ycc(y, cb, cr));
    assert!(plain.eq(all.iter().copied()));
    for length in 0..100 {
        assert_eq!(dispatch(Ycc(&luma[..length], &blue[..length], &red[..length])), all[..3 * length]);
    }
}

#[test]
fn the_zigzag_visits_every_place_once() {
    let mut places: Vec<_> = POSITION[..64].to_vec();
    places.sort_unstable();
    assert!(places.into_iter().eq(0..64));
    assert_eq!(POSITION[64], POSITION[63]);
}
