//! Formats, told by content.

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
            Self::Raw => "raw",
            Self::Zip => "zip",
            Self::Tar => "tar",
            Self::Gzip => "gzip",
        }
    }

    /// Whether [`crate::archive`] walks it.
    pub fn is_archive(self) -> bool {
        matches!(self, Self::Zip | Self::Tar | Self::Gzip)
    }
}

/// Tells the format by content; `None` when it is none of ours. `head` is the file's beginning: 512 bytes suffice for
/// all but tar-like formats without a magic number.
pub fn identify(head: &[u8]) -> Option<Format> {
    if head.starts_with(&[0xff, 0xd8, 0xff]) {
        return Some(Format::Jpeg);
    }
    None
}
