//! Lodestone's vocabulary: the words every other crate speaks.
//!
//! Read this crate first. It holds types and their validity, serde, and nothing else: no I/O, no matching, no
//! judgement. Words come from the field and keep their meaning there: *bank, signal, match, exchange, opinion* from
//! Hasher-Matcher-Actioner (HMA); *questioned item, finding, proposition, assessment* from forensic science (ENFSI
//! BPM-DI-03); *digitalSourceType* from IPTC.
//!
//! The life of one file, in types:
//!
//! ```text
//! Item ──observe──▶ Observation ──appraise(&Snapshot)──▶ Record ──triage──▶ Group ──▶ Summary
//! ```
#![forbid(unsafe_code)]

pub mod assessment;
pub mod bank;
pub mod credentials;
pub mod detail;
pub mod hex;
mod hma;
pub mod item;
pub mod matching;
pub mod observation;
pub mod placement;
pub mod provenance;
pub mod record;
pub mod signal;
pub mod trend;

pub use assessment::{PairAssessment, Watermark};
pub use bank::{Bank, BankKind, ListEntry, ListVersion, Reject, RejectKind};
pub use credentials::{Credentials, Integrity, SignedTime, Trust, TrustListVersion};
pub use detail::{Blob, DescribedPart, Descriptors, Detail, RegionPrint, Regions};
pub use item::{ContentId, Digests, Stage, Unreadable};
pub use matching::{Backdrop, Dihedral, Match, Transform, TransformKind};
pub use observation::{DrawnMap, Fingerprint, Form, HashMode, Observation, Picture, Thumbnail};
pub use placement::{Box2, Edit, Milli, Relation, Standing};
pub use provenance::{
    Assessment, Bearing, CameraChain, Check, CheckState, Direction, Finding, FindingWeight, Location,
    Proposition, Strength, Workflow,
};
pub use record::{Edge, EdgeKind, Factor, Group, Priority, Record, State, Summary};
pub use signal::{MAX_TEXT_BYTES, Signal, SignalError, SignalType};
pub use trend::{Term, TrendError, TrendQuery};
