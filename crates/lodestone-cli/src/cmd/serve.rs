//! `lodestone serve`.

use std::time::Duration;

use anyhow::{Context as _, bail};
use lodestone_engine::ObserveOptions;
use lodestone_server::Config;
use lodestone_types::SignalType;

use crate::Ended;
use crate::args::Serve;

/// Runs the server until it is told to stop.
pub(crate) fn run(args: &Serve) -> anyhow::Result<Ended> {
    logging(args.log_json);
    let config = config(args)?;
    #[cfg(unix)]
    more_files(config.max_connections);
    let scheme = if config.tls.is_some() { "https" } else { "http" };
    lodestone_server::serve(config, |address| eprintln!("lodestone: listening on {scheme}://{address}"))?;
    Ok(Ended::Clean)
}

fn config(args: &Serve) -> anyhow::Result<Config> {
    let program = std::env::current_exe().context("the program's own path")?;
    let mut config = Config::new(args.data.clone(), args.address()?, program);
    config.open = args.open;
    config.dev = args.dev;
    config.ui = !args.no_ui;
    config.tls = args.tls_cert.clone().zip(args.tls_key.clone());
    config.key_file = args.key_file.clone();
    config.key = super::key::variable();
    config.old_key_files = args.old_key_file.clone();
    config.lists = args.lists.clone();
    config.signal_types = signal_types(&args.signal_types)?;
    if let Some(workers) = args.workers {
        config.workers = usize::from(workers);
    }
    config.require_sandbox = args.require_sandbox;
    config.allowed_hostnames = args.allow_host.clone();
    config.allow_private_urls = args.allow_private_urls;
    config.max_body_bytes = args.max_body << 20;
    config.max_held_bytes = args.max_held << 20;
    config.max_connections = usize::try_from(args.max_connections).unwrap_or(usize::MAX);
    config.max_requests = usize::try_from(args.max_requests).unwrap_or(usize::MAX);
    config.requests_per_second = args.rate;
    config.drain = Duration::from_secs(args.drain);
    config.remote_timeout = Duration::from_secs(args.remote_timeout);
    config.fetch_interval = Duration::from_secs(args.fetch_interval);
    config.flood_senders = args.flood_senders;
    config.max_features_bytes = args.max_features << 20;
    config.file_deadline = Duration::from_secs(args.file_timeout);
    let mut observe = ObserveOptions { max_bytes: config.max_body_bytes, ..config.observe };
    if let Some(pixels) = args.max_pixels {
        observe.max_pixels = pixels;
    }
    config.observe = observe;
    Ok(config)
}

fn signal_types(names: &[String]) -> anyhow::Result<Vec<SignalType>> {
    let mut types = Vec::new();
    for name in names.iter().map(|name| name.trim()).filter(|name| !name.is_empty()) {
        let Some(kind) = SignalType::from_wire(name).filter(|kind| *kind != SignalType::Photodna) else {
            bail!("--signal-types: no type {name:?} is offered; see --help");
        };
        if !types.contains(&kind) {
            types.push(kind);
        }
    }
    Ok(types)
}

/// Lines to standard error; what is logged is chosen by `LODESTONE_LOG` (`info` by default).
fn logging(json: bool) {
    use tracing_subscriber::{EnvFilter, fmt};
    let filter = EnvFilter::try_from_env("LODESTONE_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    // Somebody may have set one up already, in tests.
    let _ = if json { lines.json().try_init() } else { lines.compact().try_init() };
}

/// Raises the limit of open files to what the connections need, as far as the system lets it.
#[cfg(unix)]
fn more_files(connections: usize) {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let wanted = u64::try_from(connections).unwrap_or(u64::MAX).saturating_add(512);
    let mut limit = getrlimit(Resource::Nofile);
    let most = limit.maximum.unwrap_or(u64::MAX);
    if limit.current.is_some_and(|current| current < wanted.min(most)) {
        limit.current = Some(wanted.min(most));
        // It goes on with fewer: connections beyond them wait.
        let _ = setrlimit(Resource::Nofile, limit);
    }
}
