//! The clients of exchanges, each against a service on loopback that speaks as the real one does, and misbehaves.

mod faults;
mod hostile;
mod matchers;
mod ncmec;
mod peers;
mod schedules;
mod stopncii;
mod tat;
mod threatexchange;
