//! A worker tries what it must not be able to do, and says what came of it.

use std::fs::{File, OpenOptions};
use std::io;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::process::Command;

use crate::enforced::{Enforced, Landlock};
use crate::layers;

/// Files that every user may read; which of them there are depends on the system.
const READABLE: [&str; 3] = ["/etc/passwd", "/proc/self/exe", "/"];
/// Everyone may write there, and nothing comes of it.
const WRITABLE: &str = "/dev/null";
/// Never there: a system that starts programs says so, one that does not refuses before it looks.
const PROGRAM: &str = "/nonexistent/lodestone-may-not-start-this";

/// Puts the remaining layers on, trying before and after. The first ones ([`layers::at_start`]) are on.
pub(crate) fn measure(memory_bytes: u64) -> io::Result<Enforced> {
    let network = network();
    let (program, write) = (program(), write());
    let seccomp = network.iter().chain([&program, &write]).all(|error| is_eperm(error.as_ref()));
    let readable: Vec<&str> = READABLE.into_iter().filter(|path| open(path).is_none()).collect();
    let refused = || !readable.is_empty() && readable.iter().all(|path| is_denied(open(path).as_ref()));
    let mut by_landlock = false;
    let landlock = layers::before_bytes(&mut || by_landlock = refused())?;
    let (no_new_privileges, not_dumpable) = states();
    Ok(Enforced {
        rlimits: rlimits(memory_bytes),
        seccomp,
        landlock: if by_landlock { landlock } else { Landlock::None },
        no_new_privileges,
        not_dumpable,
        network_blocked: self::network().iter().all(|error| is_denied(error.as_ref())),
        programs_blocked: is_denied(self::program().as_ref()),
        reads_blocked: refused(),
        writes_blocked: is_denied(self::write().as_ref()),
    })
}

fn open(path: &str) -> Option<io::Error> {
    #[allow(clippy::disallowed_methods)] // the attempt itself
    File::open(path).err()
}

fn network() -> [Option<io::Error>; 3] {
    [
        TcpStream::connect("127.0.0.1:9").err(),
        TcpListener::bind("127.0.0.1:0").err(),
        UdpSocket::bind("127.0.0.1:0").err(),
    ]
}

fn program() -> Option<io::Error> {
    Command::new(PROGRAM).status().err()
}

fn write() -> Option<io::Error> {
    OpenOptions::new().write(true).open(WRITABLE).err()
}

fn is_denied(error: Option<&io::Error>) -> bool {
    error.is_some_and(|error| error.kind() == io::ErrorKind::PermissionDenied)
}

/// `EPERM`, the filter's answer; landlock's is `EACCES`.
fn is_eperm(error: Option<&io::Error>) -> bool {
    error.and_then(io::Error::raw_os_error) == Some(1)
}

#[cfg(unix)]
fn rlimits(memory_bytes: u64) -> bool {
    use rustix::process::{Resource, getrlimit};
    let nothing = |resource| getrlimit(resource).current == Some(0);
    let beyond = usize::try_from(memory_bytes).unwrap_or(usize::MAX / 2);
    let memory = cfg!(target_os = "macos") || Vec::<u8>::new().try_reserve_exact(beyond).is_err();
    nothing(Resource::Core) && nothing(Resource::Fsize) && memory
}

#[cfg(not(unix))]
fn rlimits(_memory_bytes: u64) -> bool {
    false
}

#[cfg(target_os = "linux")]
fn states() -> (bool, bool) {
    use rustix::process::{DumpableBehavior, dumpable_behavior};
    let not_dumpable = matches!(dumpable_behavior(), Ok(DumpableBehavior::NotDumpable));
    (rustix::thread::no_new_privs().unwrap_or(false), not_dumpable)
}

#[cfg(not(target_os = "linux"))]
fn states() -> (bool, bool) {
    (false, false)
}
