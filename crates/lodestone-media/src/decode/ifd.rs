//! Just enough of TIFF's first directory to tell camera RAW from TIFF.

/// Whether a TIFF-like file is camera RAW, from its beginning: its maker's magic, a DNG version, a colour filter array
/// or a maker's compression, or a thumbnail in front with sub-directories behind it and a camera's name.
pub(crate) fn is_raw(head: &[u8]) -> bool {
    let little = match head.get(..4) {
        Some(b"II*\0") => true,
        Some(b"MM\0*") => false,
        _ => return false,
    };
    if head.get(8..10) == Some(b"CR") {
        return true;
    }
    let read = Read { head, little };
    let Some(ifd) = read.u32(4).and_then(|o| usize::try_from(o).ok()) else { return false };
    let Some(count) = read.u16(ifd) else { return false };
    let (mut make, mut sub, mut thumbnail) = (false, false, false);
    for i in 0..usize::from(count) {
        let Some(at) = i.checked_mul(12).and_then(|o| ifd.checked_add(o + 2)) else { break };
        let Some(tag) = read.u16(at) else { break };
        let value = read.u16(at.saturating_add(8)).unwrap_or(0);
        match tag {
            DNG_VERSION => return true,
            COMPRESSION if matches!(value, 32767 | 32769 | 34713 | 65000 | 65535) => return true,
            PHOTOMETRIC if matches!(value, 32803 | 34892) => return true,
            NEW_SUBFILE_TYPE => {
                // A long, in either byte order: its low bit.
                thumbnail = read.u32(at.saturating_add(8)).is_some_and(|v| v & 1 == 1);
            }
            MAKE => make = true,
            SUB_IFDS => sub = true,
            _ => {}
        }
    }
    make && sub && thumbnail
}

const NEW_SUBFILE_TYPE: u16 = 0x00fe;
const COMPRESSION: u16 = 0x0103;
const PHOTOMETRIC: u16 = 0x0106;
const MAKE: u16 = 0x010f;
const SUB_IFDS: u16 = 0x014a;
const DNG_VERSION: u16 = 0xc612;

struct Read<'a> {
    head: &'a [u8],
    little: bool,
}

impl Read<'_> {
    fn u16(&self, at: usize) -> Option<u16> {
        let b = self.head.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if self.little { u16::from_le_bytes(b) } else { u16::from_be_bytes(b) })
    }

    fn u32(&self, at: usize) -> Option<u32> {
        let b = self.head.get(at..at.checked_add(4)?)?.try_into().ok()?;
        Some(if self.little { u32::from_le_bytes(b) } else { u32::from_be_bytes(b) })
    }
}
