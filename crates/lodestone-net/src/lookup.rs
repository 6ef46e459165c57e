//! From a name to addresses: the system's way, or any other.

use std::fmt::Debug;
use std::io;
use std::net::{IpAddr, ToSocketAddrs};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// A name service. It is asked once a hop; whatever it says is checked, and the connection goes to what was checked.
pub trait Lookup: Debug + Send + Sync {
    /// All addresses of a name, in the order to try them.
    ///
    /// # Errors
    /// `TimedOut` when there was no answer `within` the time, anything else when there is none.
    fn lookup(&self, name: &str, within: Duration) -> io::Result<Vec<IpAddr>>;
}

/// The system's resolver (`getaddrinfo`).
///
/// It cannot be interrupted, so that each look-up has a thread, which goes on after the time is up until the system gives
/// up as well. At most 64 run at once; a further one fails at once with `WouldBlock`.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemLookup;

/// A stranger's slow name server must not be able to pile up threads.
const MAX_RUNNING: usize = 64;

static RUNNING: AtomicUsize = AtomicUsize::new(0);

/// One place among those running, given back when dropped.
struct Place;

impl Place {
    fn take() -> Option<Self> {
        RUNNING
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |n| (n < MAX_RUNNING).then_some(n + 1))
            .ok()
            .map(|_| Self)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        RUNNING.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Lookup for SystemLookup {
    fn lookup(&self, name: &str, within: Duration) -> io::Result<Vec<IpAddr>> {
        let Some(place) = Place::take() else {
            return Err(io::Error::new(io::ErrorKind::WouldBlock, "too many look-ups at once"));
        };
        let (send, receive) = mpsc::sync_channel(1);
        let name = name.to_owned();
        thread::Builder::new().name("lookup".to_owned()).spawn(move || {
            let answer = (name.as_str(), 0)
                .to_socket_addrs()
                .map(|addresses| addresses.map(|address| address.ip()).collect::<Vec<_>>());
            drop(place);
            // Nobody waits any more when the time was up.
            let _ = send.send(answer);
        })?;
        match receive.recv_timeout(within) {
            Ok(answer) => answer,
            Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "the name service did not answer in time")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_this_machine_is_found_by_the_system() {
        let found = SystemLookup.lookup("localhost", Duration::from_secs(10)).expect("localhost");
        assert!(!found.is_empty() && found.iter().all(IpAddr::is_loopback), "{found:?}");
        assert_eq!(RUNNING.load(Ordering::Acquire), 0);
    }
}
