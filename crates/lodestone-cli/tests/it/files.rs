//! Pictures and archives made in code: squares of plain colours, in the formats that tests need.

use std::io::Write;

/// A picture of squares; another seed is another picture. RGB, 160 × 120.
fn squares(seed: u32) -> Vec<u8> {
    let colour = |x: usize, y: usize, channel: usize| {
        let mut n = seed.wrapping_mul(0x9e37_79b9) ^ (x * 31 + y * 1009 + channel * 100_003) as u32;
        for _ in 0..3 {
            n = (n ^ (n >> 15)).wrapping_mul(0x2c1b_3c6d);
        }
        (n >> 24) as u8
    };
    (0..120)
        .flat_map(|y| (0..160).flat_map(move |x| [0, 1, 2].map(|channel| colour(x / 20, y / 20, channel))))
        .collect()
}

pub(crate) fn png(seed: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, 160, 120);
    encoder.set_color(png::ColorType::Rgb);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&squares(seed)).unwrap();
    writer.finish().unwrap();
    bytes
}

pub(crate) fn jpeg(seed: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let encoder = jpeg_encoder::Encoder::new(&mut bytes, 90);
    encoder.encode(&squares(seed), 160, 120, jpeg_encoder::ColorType::Rgb).unwrap();
    bytes
}

/// Only a header, of any size.
pub(crate) fn png_header(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut chunk = |kind: &[u8; 4], data: &[u8]| {
        bytes.extend((data.len() as u32).to_be_bytes());
        let start = bytes.len();
        bytes.extend(kind);
        bytes.extend(data);
        let sum = crc(&bytes[start..]);
        bytes.extend(sum.to_be_bytes());
    };
    let mut header = [width.to_be_bytes(), height.to_be_bytes()].concat();
    header.extend([8, 2, 0, 0, 0]);
    chunk(b"IHDR", &header);
    chunk(b"IDAT", &[0x78, 0x9c, 0x63, 0, 0, 0, 1, 0, 1]);
    chunk(b"IEND", &[]);
    bytes
}

fn crc(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}

/// A member of a zip: name, general flags, unpacked size, packed bytes and how they are packed, check sum.
struct Packed {
    name: Vec<u8>,
    flags: u16,
    size: u32,
    method: u16,
    bytes: Vec<u8>,
    crc: u32,
}

pub(crate) fn zip(members: &[(&str, Vec<u8>)]) -> Vec<u8> {
    zip_flagged(members, 0)
}

pub(crate) fn encrypted_zip(members: &[(&str, Vec<u8>)]) -> Vec<u8> {
    zip_flagged(members, 1)
}

fn zip_flagged(members: &[(&str, Vec<u8>)], flags: u16) -> Vec<u8> {
    let packed = members.iter().map(|(name, bytes)| Packed {
        name: name.as_bytes().to_vec(),
        flags: flags | 0x800,
        size: bytes.len() as u32,
        method: 0,
        bytes: bytes.clone(),
        crc: crc(bytes),
    });
    zip_of(&packed.collect::<Vec<_>>())
}

/// A zip of `members` files of `mebibytes` MiB of nothing each.
pub(crate) fn bomb(members: usize, mebibytes: u32) -> Vec<u8> {
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    let mut crc = flate2::Crc::new();
    let nothing = vec![0; 1 << 20];
    for _ in 0..mebibytes {
        encoder.write_all(&nothing).unwrap();
        crc.update(&nothing);
    }
    let (bytes, size, crc) = (encoder.finish().unwrap(), mebibytes << 20, crc.sum());
    let one = |n| Packed {
        name: format!("{n}.bin").into_bytes(),
        flags: 0,
        size,
        method: 8,
        bytes: bytes.clone(),
        crc,
    };
    zip_of(&(0..members).map(one).collect::<Vec<_>>())
}

fn zip_of(members: &[Packed]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for member in members {
        let offset = bytes.len() as u32;
        let mut facts = Vec::new();
        for half in [20, member.flags, member.method, 0, 0x21] {
            facts.extend(half.to_le_bytes());
        }
        for word in [member.crc, member.bytes.len() as u32, member.size] {
            facts.extend(word.to_le_bytes());
        }
        facts.extend((member.name.len() as u16).to_le_bytes());
        facts.extend([0, 0]);
        bytes.extend(b"PK\x03\x04");
        bytes.extend(&facts);
        bytes.extend(&member.name);
        bytes.extend(&member.bytes);
        directory.extend(b"PK\x01\x02\x14\x00");
        directory.extend(&facts);
        directory.extend([0; 10]);
        directory.extend(offset.to_le_bytes());
        directory.extend(&member.name);
    }
    let (start, size) = (bytes.len() as u32, directory.len() as u32);
    bytes.extend(directory);
    bytes.extend(b"PK\x05\x06\0\0\0\0");
    bytes.extend((members.len() as u16).to_le_bytes());
    bytes.extend((members.len() as u16).to_le_bytes());
    bytes.extend(size.to_le_bytes());
    bytes.extend(start.to_le_bytes());
    bytes.extend([0, 0]);
    bytes
}

pub(crate) fn tar_gz(members: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut tar = Vec::new();
    for (name, bytes) in members {
        let mut header = [0; 512];
        header[..name.len()].copy_from_slice(name.as_bytes());
        header[100..108].copy_from_slice(b"0000644\0");
        header[124..136].copy_from_slice(format!("{:011o}\0", bytes.len()).as_bytes());
        header[136..148].copy_from_slice(b"00000000000\0");
        header[156] = b'0';
        header[257..265].copy_from_slice(b"ustar\x0000");
        header[148..156].copy_from_slice(b"        ");
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        tar.extend(header);
        tar.extend(bytes);
        tar.resize(tar.len().next_multiple_of(512), 0);
    }
    tar.resize(tar.len() + 1024, 0);
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(&tar).unwrap();
    encoder.finish().unwrap()
}
