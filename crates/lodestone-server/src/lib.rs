//! HTTP: the routes of Hasher-Matcher-Actioner, our own, and a page to look at.
//!
//! ```text
//! connection ─▶ edge (key, limits) ─▶ route ─▶ handler: parse once ─▶ one call ─▶ answer
//!                                                 │ bytes                  │ look-up
//!                                                 ▼                        ▼
//!                                         worker processes         LiveState (in memory)
//!                                                                          │ matches
//!                                         one writer thread  ◀── journal ◀─┘
//! ```
//!
//! Look-ups read an immutable state and never the database. Everything that changes something goes through one writing
//! thread, which answers once the change is safe on the disk and seen by the next look-up. The crate holds no domain
//! rules: what a file says, what matches, and what an index is, is the engine's.
#![forbid(unsafe_code)]

pub mod actions;
pub mod api_keys;
mod app;
pub mod audit;
pub mod auth;
pub mod bundle;
pub mod clock;
pub mod coinflip;
pub mod config;
mod derived;
pub mod error;
pub mod events;
pub mod exchange_apis;
pub mod exchanging;
pub mod export_gate;
pub mod extras;
pub mod features;
mod fetch_loop;
mod hma;
pub mod hma_json;
pub mod http;
pub mod journal;
pub mod lax;
pub mod looked;
pub mod lookup;
pub mod media;
pub mod metrics;
pub mod openapi;
mod outbox;
mod probes;
pub mod rate;
pub mod readers;
mod remotes;
pub mod route;
pub mod rules;
mod run;
pub mod secrets;
pub mod types;
mod ui;
mod v1;
pub mod writer;

pub use app::App;
pub use config::Config;
pub use derived::Pictures;
pub use run::{ServeError, Server, serve};
