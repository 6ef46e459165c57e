//! Files and TCP are shut to the worker by landlock, whatever system call asks.
//!
//! A filter of system calls knows numbers; landlock knows files. The two do not share their mistakes: a call that a later
//! kernel adds and no filter lists still meets landlock, and landlock's gaps (looking for names, sockets of other kinds)
//! are closed by the filter. No path is left open: what a worker needs by path is loaded before.
//!
//! Best effort: each kernel enforces what its landlock has (`Documentation/userspace-api/landlock.rst` in Linux), which is told.

use std::io;

use landlock::{
    ABI, Access, AccessFs, AccessNet, LandlockStatus, Ruleset, RulesetAttr, RulesetStatus, Scope,
};

use crate::enforced::Landlock;

/// Refuses all files, TCP, and signals and abstract sockets to the outside, in this thread and those it starts, for good.
///
/// # Errors
/// When the kernel has landlock and will not take the rules. A kernel without is no error.
pub(crate) fn shut() -> io::Result<Landlock> {
    let status = Ruleset::default()
        .handle_access(AccessFs::from_all(ABI::V5))
        .and_then(|rules| rules.handle_access(AccessNet::from_all(ABI::V4)))
        .and_then(|rules| rules.scope(Scope::from_all(ABI::V6)))
        .and_then(Ruleset::create)
        .and_then(landlock::RulesetCreated::restrict_self)
        .map_err(io::Error::other)?;
    let LandlockStatus::Available { effective_abi, .. } = status.landlock else { return Ok(Landlock::None) };
    let abi = effective_abi as u8;
    Ok(match status.ruleset {
        RulesetStatus::FullyEnforced => Landlock::Full { abi },
        RulesetStatus::PartiallyEnforced => Landlock::Partial { abi },
        RulesetStatus::NotEnforced => Landlock::None,
    })
}

#[cfg(test)]
mod tests {
    use std::fs::{File, OpenOptions};
    use std::net::{TcpListener, TcpStream};

    use super::*;

    /// `EACCES`, which landlock answers and a filter does not.
    const REFUSED: Option<i32> = Some(13);

    #[test]
    fn a_thread_that_is_shut_in_opens_no_file_and_no_connection_and_the_others_do() {
        let listening = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listening.local_addr().unwrap();
        let own = std::env::current_exe().unwrap();
        assert!(File::open(&own).is_ok());
        let tries = {
            let own = own.clone();
            move || {
                let landlock = shut().unwrap();
                let code = |error: Option<io::Error>| error.and_then(|error| error.raw_os_error());
                let files = [
                    code(File::open(&own).err()),
                    code(File::open("/").err()),
                    code(std::fs::read_dir("/").err()),
                    code(OpenOptions::new().write(true).open("/dev/null").err()),
                    code(File::create(own.with_extension("not_made")).err()),
                ];
                let tcp =
                    [code(TcpStream::connect(address).err()), code(TcpListener::bind("127.0.0.1:0").err())];
                (landlock, files, tcp)
            }
        };
        let (landlock, files, tcp) = std::thread::spawn(tries).join().unwrap();
        let abi = match landlock {
            // Nothing to see on this kernel.
            Landlock::None => return,
            Landlock::Partial { abi } | Landlock::Full { abi } => abi,
        };
        assert_eq!(files, [REFUSED; 5]);
        if abi >= 4 {
            assert_eq!(tcp, [REFUSED; 2]);
        }
        assert_eq!(matches!(landlock, Landlock::Full { .. }), abi >= 6, "{landlock:?}");
        assert!(File::open(&own).is_ok());
    }
}
