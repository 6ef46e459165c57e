//! JPEG structure signatures and the database they are looked up in.
//!
//! Every encoder has habits that its user does not choose: its quantisation and Huffman tables, the order of its
//! segments, how it samples colour, what it puts into the thumbnail. A [`Signature`] writes them down at three
//! [`Level`]s, from one program's exact habits to a family's. A [`Database`] says who is known to write a signature; a
//! [`Learner`] makes one from known files. [`read_layout`] says what the habits alone tell, without any database:
//! cameras are too many to be listed.
//!
//! *Source:* Farid, "Digital Image Ballistics from JPEG Quantization: A Followup Study" (TR2008-638); Kee, Johnson and
//! Farid, "Digital Image Authentication from JPEG Headers" (IEEE TIFS 2011); Kornblum, "Using JPEG quantization tables
//! to identify imagery processed by software" (DFRWS 2008).

mod database;
mod layout;
mod learn;
mod signature;
mod social;

pub use database::{Class, Database, Known};
pub(crate) use layout::thumbnail_of_another_encoder;
pub use layout::{Layout, Order, read_layout};
pub(crate) use learn::names;
pub use learn::{Learner, Refusal};
pub use signature::{Digest, Level, SIGNATURE_VERSION, Signature};
pub(crate) use social::is_social_mark;
