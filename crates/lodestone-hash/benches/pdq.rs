//! PDQ of pictures of 12, 4, 1 and 0.3 megapixels, pushed 16 rows at a time as a JPEG decoder makes them, and the
//! hashes of one block of frequencies. Run with `cargo bench -p lodestone-hash`.
#![allow(missing_docs)]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use lodestone_hash::{Digester, Kernel, PdqStream, PixelKind, Pre};

/// Bytes without a pattern, the same in every run.
fn noise(len: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..len).map(|_| next()).collect()
}

fn streams(c: &mut Criterion) {
    for (name, width, height) in
        [("12MP", 4000_u32, 3000_u32), ("4MP", 2304, 1728), ("1MP", 1152, 864), ("0.3MP", 640, 480)]
    {
        let mut group = c.benchmark_group(name);
        group.throughput(Throughput::Elements(u64::from(width) * u64::from(height)));
        group.sample_size(20);
        for pixels in [PixelKind::Rgb8, PixelKind::Luma8] {
            let row_bytes = width as usize * pixels.bytes();
            let picture = noise(row_bytes * height as usize);
            for kernel in Kernel::available() {
                let mut stream = PdqStream::with(kernel, width, height, pixels, Pre::FullSize);
                group.bench_function(format!("{pixels:?}/{}", kernel.name()), |b| {
                    b.iter(|| {
                        stream.reset(width, height, pixels, Pre::FullSize);
                        for rows in picture.chunks(16 * row_bytes) {
                            stream.push_rows(rows).expect("whole rows of the picture");
                        }
                        black_box(stream.finish().expect("all rows came").hash())
                    });
                });
            }
        }
        group.finish();
    }
}

fn hashes(c: &mut Criterion) {
    for kernel in Kernel::available() {
        let mut stream = PdqStream::with(kernel, 512, 512, PixelKind::Luma8, Pre::FullSize);
        stream.push_rows(&noise(512 * 512)).expect("the whole picture");
        let features = stream.finish().expect("all rows came");
        c.bench_function(&format!("hash/{}", kernel.name()), |b| b.iter(|| black_box(&features).hash()));
        c.bench_function(&format!("dihedral/{}", kernel.name()), |b| {
            b.iter(|| black_box(&features).dihedral())
        });
    }
}

fn digests(c: &mut Criterion) {
    let bytes = noise(4 << 20);
    let mut group = c.benchmark_group("digests");
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    group.bench_function("md5+sha1+sha256", |b| {
        b.iter(|| {
            let mut digester = Digester::new();
            digester.update(black_box(&bytes));
            digester.finish()
        });
    });
    group.finish();
}

criterion_group!(benches, streams, hashes, digests);
criterion_main!(benches);
