//! Integration tests: small servers on loopback that behave, and that do not.

mod answers;
mod hostile;
mod proxies;
mod redirects;
mod server;
mod webhooks;
