//! What a worker process may use.

use std::time::Duration;

/// Limits on one worker process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Address space in bytes; beyond it, allocation fails and the worker ends.
    pub memory_bytes: u64,
    /// Wall-clock time for one step (from job or `Begin` to the next `Begin` or `Done`), reading not counted.
    pub deadline: Duration,
    /// Jobs after which a worker is replaced, so that nothing one file left behind stays.
    pub jobs_per_worker: u32,
}

impl Default for Limits {
    /// 2 GiB, 60 s (a 12 MP HEIC takes 3 to 5 s on a busy machine), 1,000 jobs.
    fn default() -> Self {
        Self { memory_bytes: 2 << 30, deadline: Duration::from_secs(60), jobs_per_worker: 1_000 }
    }
}

/// Applies the limits to this process, for good. Called by a worker before its first byte.
#[cfg(unix)]
pub(crate) fn apply(memory_bytes: u64) -> std::io::Result<()> {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let set = |resource, value: u64| {
        setrlimit(resource, Rlimit { current: Some(value), maximum: Some(value) })
            .map_err(std::io::Error::from)
    };
    set(Resource::Core, 0)?;
    set(Resource::Fsize, 0)?;
    set(Resource::Nofile, 16)?;
    // macOS refuses a limit on address space; the deadline and the decoders' own limits remain.
    if cfg!(not(target_os = "macos")) {
        set(Resource::As, memory_bytes)?;
    }
    #[cfg(target_os = "linux")]
    {
        rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)?;
        // A worker that never comes back to its pipe must not outlive a killed parent.
        rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
        rustix::thread::set_no_new_privs(true)?;
    }
    Ok(())
}

/// No limits to apply here but the deadline.
#[cfg(not(unix))]
pub(crate) fn apply(_memory_bytes: u64) -> std::io::Result<()> {
    Ok(())
}
