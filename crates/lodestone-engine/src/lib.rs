//! The only crate that knows the order of things.
//!
//! ```text
//! observe(&Options, bytes) -> Observation          in a worker process: everything that touches hostile bytes
//! appraise(&Snapshot, Observation) -> Record       pure: matches, never sees a pixel
//! triage(records) -> groups, ranks, reasons        once, at the end
//! ```
//!
//! [`scan::scan`] strings them together; the faces call the same functions. Read `observe`, `appraise`, `scan` in this
//! order.
#![forbid(unsafe_code)]

mod appraise;
pub mod bank_index;
mod banks;
mod capture;
pub mod derive;
mod detail;
pub mod examine;
mod hashing;
pub mod join;
mod keep;
mod kit;
pub mod labelled;
pub mod learn;
pub mod lists;
pub mod live;
mod look_up;
pub mod observe;
pub mod observer;
mod options;
mod photodna;
pub mod pool;
mod progress;
pub mod report;
pub mod retro;
mod rows;
pub mod scan;
mod sheaf;
mod sidecar;
mod skew;
mod snapshot;
mod spool;
mod support;
pub mod text;
pub mod thumbnail;
pub mod triage;
mod walk;
pub mod wire;
mod worker;

pub use appraise::{AppraiseOptions, Seen, appraise, appraise_signal};
pub use banks::{BanksError, OpenBanks};
pub use keep::Keep;
pub use kit::{KitFileError, KitFiles};
pub use lodestone_provenance::descriptor::DescriptorFile;
pub use lodestone_provenance::{BASIS, Calibrations, KitError, KitSources, Wish, calibration};
pub use lodestone_sandbox::{Enforced, Landlock, Start};
pub use look_up::{LookUpError, LookUps};
pub use options::{OBSERVATION_VERSION, ObserveOptions, Parts, Pre};
pub use progress::Progress;
pub use scan::full_path;
pub use sheaf::Sheaf;
pub use snapshot::{BuildError, Snapshot, SnapshotBuilder};
pub use spool::{Records, Spool};
pub use walk::{Step, WalkOptions, path_text, walk};
pub use worker::{Service, serve};
