//! The layers in the order in which a worker puts them on. A platform that lacks one goes without, and
//! [`enforced`](crate::enforced()) says so.

use std::io;

use crate::enforced::Landlock;
use crate::limits;

/// Before the worker hears of its first job: limits, and no network, program or change to a file.
pub(crate) fn at_start(memory_bytes: u64) -> io::Result<()> {
    limits::apply(memory_bytes)?;
    #[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
    crate::filter::apply()?;
    Ok(())
}

/// Before the first byte of an item: no file at all. `between` looks at what landlock does before the filter covers it.
pub(crate) fn before_bytes(between: &mut dyn FnMut()) -> io::Result<Landlock> {
    #[cfg(target_os = "linux")]
    let landlock = crate::files::shut()?;
    #[cfg(not(target_os = "linux"))]
    let landlock = Landlock::None;
    between();
    #[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
    crate::filter::shut()?;
    Ok(landlock)
}
