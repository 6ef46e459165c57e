//! Memory of a segment: a mapped file, or anonymous pages.
//!
//! All `unsafe` of segments is the one call that maps a file.

use std::fs::File;
use std::io;

use memmap2::{Mmap, MmapMut, MmapOptions};

/// Images from here on ask for huge pages: a look-up touches hundreds of places, each a miss of the address cache with
/// small ones.
const HUGE_FROM: usize = 4 << 20;

/// Maps a whole file for reading.
///
/// A file that is cut while it is mapped kills the reader when it touches what is gone; segment files are renamed into
/// place when they are whole and never changed.
pub(crate) fn file(file: &File) -> io::Result<Mmap> {
    // SAFETY: nobody may change the bytes while they are borrowed. The program never does: segment files are written under
    // another name, renamed into place when whole and never written again, in folders of mode 0700. That others keep to
    // it cannot be enforced; every pattern of bytes is a valid number, and every index among them is checked where it is
    // used.
    unsafe { Mmap::map(file) }
}

/// So many zero bytes, at the start of a page.
pub(crate) fn anonymous(len: usize) -> io::Result<MmapMut> {
    let map = MmapOptions::new().len(len).map_anon()?;
    #[cfg(target_os = "linux")]
    if len >= HUGE_FROM {
        // Only a wish: without huge pages look-ups are slower, not wrong.
        let _ = map.advise(memmap2::Advice::HugePage);
    }
    Ok(map)
}
