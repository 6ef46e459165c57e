//! PDQ of rows as they come against PDQ in one go, in every kernel.
#![no_main]

use lodestone_hash::{Kernel, PdqStream, PixelKind, Pre, pdq};

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Some((&[width, height, step, kind], bytes)) = input.split_first_chunk::<4>() else { return };
    let (width, height) = (u32::from(width) + 1, u32::from(height) + 1);
    let (kind, per) = if kind % 2 == 0 { (PixelKind::Luma8, 1) } else { (PixelKind::Rgb8, 3) };
    let row = width as usize * per;
    let noise =
        |i: usize| bytes.get(i % bytes.len().max(1)).copied().unwrap_or(0).wrapping_add((i / 97) as u8);
    let pixels: Vec<u8> = (0..row * height as usize).map(noise).collect();
    let once = pdq(width, height, kind, &pixels).expect("all rows are there");
    for kernel in Kernel::available() {
        let mut stream = PdqStream::with(kernel, width, height, kind, Pre::FullSize);
        for rows in pixels.chunks(row * (usize::from(step) % 40 + 1)) {
            stream.push_rows(rows).expect("whole rows");
        }
        let streamed = stream.finish().expect("all rows came");
        assert_eq!((streamed.hash(), streamed.quality()), (once.hash(), once.quality()));
        assert_eq!(streamed.dihedral(), once.dihedral());
    }
});
