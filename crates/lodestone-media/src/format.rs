//! Formats, told by content.

use crate::decode::ifd::is_raw;

/// A file format this crate can tell, whether or not this build decodes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Format {
    /// JPEG.
    Jpeg,
    /// PNG, APNG.
    Png,
    /// GIF.
    Gif,
    /// WebP.
    WebP,
    /// Windows bitmap.
    Bmp,
    /// TIFF that is no camera RAW.
    Tiff,
    /// JPEG XL, bare codestream or container.
    Jxl,
    /// HEIC, HEIF.
    Heif,
    /// AVIF.
    Avif,
    /// MP4 and its kin (`isom`, `mp42`, `3gp4`, `M4V ` …): recognised for its metadata, never decoded here.
    Mp4,
    /// QuickTime: recognised for its metadata, never decoded here.
    Mov,
    /// Camera RAW: DNG, CR2, CR3, NEF, ARW, ORF, RW2, RAF, PEF …
    Raw,
    /// zip.
    Zip,
    /// tar.
    Tar,
    /// gzip.
    Gzip,
}

impl Format {
    /// Name in output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Jpeg => "jpeg",
            Self::Png => "png",
            Self::Gif => "gif",
            Self::WebP => "webp",
            Self::Bmp => "bmp",
            Self::Tiff => "tiff",
            Self::Jxl => "jxl",
            Self::Heif => "heif",
            Self::Avif => "avif",
            Self::Mp4 => "mp4",
            Self::Mov => "mov",
            Self::Raw => "raw",
            Self::Zip => "zip",
            Self::Tar => "tar",
            Self::Gzip => "gzip",
        }
    }

    /// Whether it is a video: [`crate::decode()`] refuses it, [`crate::segments`] reads its metadata.
    pub fn is_video(self) -> bool {
        matches!(self, Self::Mp4 | Self::Mov)
    }

    /// Whether [`crate::archive`] walks it.
    pub fn is_archive(self) -> bool {
        matches!(self, Self::Zip | Self::Tar | Self::Gzip)
    }
}

/// Tells the format by content; `None` when it is none of ours (documents, text). `head` is the file's beginning:
/// 512 bytes suffice, save for a TIFF-like RAW file whose first directory stands further back.
pub fn identify(head: &[u8]) -> Option<Format> {
    match head {
        [0xff, 0xd8, 0xff, ..] => Some(Format::Jpeg),
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some(Format::Png),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some(Format::Gif),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(Format::WebP),
        [b'B', b'M', ..] if bitmap(head) => Some(Format::Bmp),
        [0xff, 0x0a, ..] | [0, 0, 0, 12, b'J', b'X', b'L', b' ', b'\r', b'\n', 0x87, b'\n', ..] => {
            Some(Format::Jxl)
        }
        [b'I', b'I', b'R', b'O' | b'S', ..] | [b'M', b'M', b'O', b'R', ..] => Some(Format::Raw),
        [b'I', b'I', b'U', 0, ..] => Some(Format::Raw),
        _ if head.starts_with(b"FUJIFILMCCD-RAW") => Some(Format::Raw),
        [b'I', b'I', 42, 0, ..] | [b'M', b'M', 0, 42, ..] if is_raw(head) => Some(Format::Raw),
        [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..] => Some(Format::Tiff),
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => boxed(head),
        // QuickTime before brands: the first box is one of a few.
        [0, _, _, _, b'm', b'o', b'o', b'v', ..] | [_, _, _, _, b'm', b'd', b'a', b't', ..]
            if boxes_follow(head) =>
        {
            Some(Format::Mov)
        }
        [0, 0, 0, 8, b'w', b'i', b'd', b'e', ..] => Some(Format::Mov),
        [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Some(Format::Zip),
        [b'P', b'K', 7, 8, b'P', b'K', 3, 4, ..] | [b'P', b'K', b'0', b'0', b'P', b'K', 3, 4, ..] => {
            Some(Format::Zip)
        }
        [0x1f, 0x8b, 8, ..] => Some(Format::Gzip),
        _ if tar(head) => Some(Format::Tar),
        _ => None,
    }
}

/// A bitmap has one of a few header sizes and one plane.
fn bitmap(head: &[u8]) -> bool {
    let size = head.get(14..18).and_then(|b| b.try_into().ok()).map(u32::from_le_bytes);
    matches!(size, Some(12 | 16 | 40 | 52 | 56 | 64 | 108 | 124))
}

/// ISO base media by its brands: the major one, else the compatible ones.
fn boxed(head: &[u8]) -> Option<Format> {
    let size = head.get(..4).and_then(|b| b.try_into().ok()).map(u32::from_be_bytes)? as usize;
    let brands = head.get(8..size.min(head.len()))?;
    let kind = |brand: &[u8]| match brand {
        b"avif" | b"avis" => Some(Format::Avif),
        b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"hevx" | b"hevm" | b"hevs" => Some(Format::Heif),
        b"crx " => Some(Format::Raw),
        _ => None,
    };
    let major = brands.get(..4)?;
    let compatible = || brands.get(8..).unwrap_or_default().chunks_exact(4);
    kind(major)
        .or_else(|| compatible().find_map(kind))
        .or_else(|| matches!(major, b"mif1" | b"msf1" | b"mif2" | b"heif").then_some(Format::Heif))
        .or_else(|| video(major).or_else(|| compatible().find_map(video)))
}

/// Brands of videos. *Source:* MP4 registration authority, "Brands"; QuickTime File Format.
fn video(brand: &[u8]) -> Option<Format> {
    match brand {
        b"qt  " => Some(Format::Mov),
        [b'i', b's', b'o', b'm' | b'2'..=b'9' | b'a'..=b'c'] | [b'm', b'p', b'4', b'1' | b'2'] => {
            Some(Format::Mp4)
        }
        b"avc1" | b"M4V " | b"M4VH" | b"M4VP" | b"M4A " | b"mmp4" | b"MSNV" | b"XAVC" | b"dash" | b"f4v "
        | b"NDSC" | b"caqv" | b"mqt " => Some(Format::Mp4),
        [b'3', b'g' | b'G', b'p' | b'P' | b'2', _] | [b'k', b'd', b'd', b'i'] => Some(Format::Mp4),
        _ => None,
    }
}

/// Whether what stands inside the first box begins like a box of a film, or the first box has a size that files have.
fn boxes_follow(head: &[u8]) -> bool {
    let inner = head.get(12..16);
    matches!(inner, Some(b"mvhd" | b"cmov" | b"rmra" | b"prfl" | b"udta"))
        || (head.get(4..8) == Some(b"mdat") && matches!(head, [0, 0, 0, 0 | 1, ..]))
}

/// A tar header: its check sum fits. *Source:* POSIX.1-1988 `ustar`; older tars have the sum but no magic.
fn tar(head: &[u8]) -> bool {
    let Some(block) = head.get(..512) else { return false };
    let digits = block.get(148..156).unwrap_or_default();
    let stated = digits.iter().skip_while(|b| **b == b' ').take_while(|b| matches!(b, b'0'..=b'7'));
    let stated = stated.fold(0u32, |n, &b| (n << 3) | u32::from(b - b'0'));
    let sum: u32 =
        block.iter().enumerate().map(|(i, &b)| if (148..156).contains(&i) { 32 } else { u32::from(b) }).sum();
    sum == stated && block.first() != Some(&0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ftyp(brands: &[&[u8; 4]]) -> Vec<u8> {
        let mut b = (8 + 4 * (brands.len() as u32 + 1)).to_be_bytes().to_vec();
        b.extend(b"ftyp");
        b.extend(brands[0]);
        b.extend([0; 4]);
        b.extend(brands[1..].iter().flat_map(|b| b.iter()));
        b
    }

    #[test]
    fn brands_tell_heif_avif_raw_and_video_apart() {
        assert_eq!(identify(&ftyp(&[b"heic", b"mif1"])), Some(Format::Heif));
        assert_eq!(identify(&ftyp(&[b"mif1", b"heic"])), Some(Format::Heif));
        assert_eq!(identify(&ftyp(&[b"mif1", b"miaf", b"avif"])), Some(Format::Avif));
        assert_eq!(identify(&ftyp(&[b"avif", b"mif1", b"miaf"])), Some(Format::Avif));
        assert_eq!(identify(&ftyp(&[b"mif1"])), Some(Format::Heif));
        assert_eq!(identify(&ftyp(&[b"crx ", b"isom"])), Some(Format::Raw));
        assert_eq!(identify(&ftyp(&[b"isom", b"mp42"])), Some(Format::Mp4));
        assert_eq!(identify(&ftyp(&[b"XAVC", b"mp42", b"iso2"])), Some(Format::Mp4));
        assert_eq!(identify(&ftyp(&[b"3gp5"])), Some(Format::Mp4));
        assert_eq!(identify(&ftyp(&[b"qt  "])), Some(Format::Mov));
        assert_eq!(identify(&ftyp(&[b"zzzz"])), None);
        assert_eq!(identify(b"\0\0\x10\0moov\0\0\0\x6cmvhd"), Some(Format::Mov));
        assert_eq!(identify(b"abcdmdat of letters, no film"), None);
        assert!(Format::Mp4.is_video() && Format::Mov.is_video() && !Format::Heif.is_video());
    }

    #[test]
    fn raw_is_told_from_tiff() {
        let tiff = |entries: &[(u16, u32)]| {
            let mut b = b"II*\0\x08\0\0\0".to_vec();
            b.extend((entries.len() as u16).to_le_bytes());
            for (tag, value) in entries {
                b.extend(tag.to_le_bytes());
                b.extend([4, 0, 1, 0, 0, 0]);
                b.extend(value.to_le_bytes());
            }
            b
        };
        assert_eq!(identify(&tiff(&[(0x100, 5), (0x103, 1), (0x10f, 99)])), Some(Format::Tiff));
        assert_eq!(identify(&tiff(&[(0xfe, 1), (0x10f, 99), (0x14a, 500)])), Some(Format::Raw));
        assert_eq!(identify(&tiff(&[(0xfe, 0), (0x10f, 99), (0x14a, 500)])), Some(Format::Tiff));
        assert_eq!(identify(&tiff(&[(0xc612, 0x0401)])), Some(Format::Raw));
        assert_eq!(identify(&tiff(&[(0x103, 34713)])), Some(Format::Raw));
        assert_eq!(identify(b"IIRO\x08\0\0\0"), Some(Format::Raw));
        assert_eq!(identify(b"IIU\0\x08\0\0\0"), Some(Format::Raw));
        assert_eq!(identify(b"FUJIFILMCCD-RAW 0201"), Some(Format::Raw));
        assert_eq!(identify(b"II*\0\x10\0\0\0CR\x02\0"), Some(Format::Raw));
    }

    #[test]
    fn what_only_looks_like_ours_is_not() {
        assert_eq!(identify(b""), None);
        assert_eq!(identify(b"BMW owners' club, minutes"), None);
        assert_eq!(identify(b"PK"), None);
        assert_eq!(identify(&[0; 1024]), None);
        assert_eq!(identify(b"<svg xmlns="), None);
    }
}
