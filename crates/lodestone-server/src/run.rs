//! Starting, running and stopping.

use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::JoinHandle;

use arc_swap::ArcSwap;
use axum::Router;
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use lodestone_engine::live::{LiveBanks, LiveBanksError};
use lodestone_engine::pool::{Pool, PoolOptions};
use lodestone_engine::{Enforced, Start};
use lodestone_store::{Store, StoreError};
use ring::rand::SystemRandom;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio_rustls::TlsAcceptor;

use crate::actions::{Context, Opened, StartError, Threads};
use crate::app::Shared;
use crate::auth::Keys;
use crate::clock::Clock;
use crate::derived::{Keeping, Pictures};
use crate::error::ApiError;
use crate::fetch_loop::FetchLoop;
use crate::http::body::{BodyLimits, UNIT};
use crate::http::edge;
use crate::http::lanes::Lanes;
use crate::http::listen::{self, Door};
use crate::http::reply::typed;
use crate::metrics::Metrics;
use crate::rate::Rates;
use crate::readers::Readers;
use crate::route::Routes;
use crate::secrets::{KeySources, Rewritten, Secrets, SecretsError};
use crate::types::Types;
use crate::writer::{Owned, Writer};
use crate::{App, Config, api_keys, hma, openapi, probes, ui, v1};

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// A setting cannot be used.
    #[error("{0}")]
    Setting(String),
    /// The data folder cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The banks cannot be opened for look-ups.
    #[error(transparent)]
    Banks(#[from] LiveBanksError),
    /// What follows from matches cannot be opened: journal, rules, log of audit.
    #[error(transparent)]
    Actions(#[from] StartError),
    /// The address cannot be listened on.
    #[error("{address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
    /// A key for secrets cannot be used.
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    /// A file cannot be read.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The system gives no thread or process.
    #[error("starting: {0}")]
    System(#[from] std::io::Error),
}

/// Files that wait for each worker at most.
const QUEUED_A_WORKER: usize = 64;
/// Files fetched at one time.
const FETCHES: usize = 32;

/// A server that listens, and gets ready meanwhile.
pub struct Server {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    app: App,
    threads: Threads,
    writer: JoinHandle<()>,
    fetching: FetchLoop,
    keeping: Keeping,
    serving: tokio::task::JoinHandle<()>,
    lanes: Arc<Lanes>,
}

impl Server {
    /// Listens at once, answering `/live`; opens the banks, starts the workers, then answers everything.
    ///
    /// # Errors
    /// [`ServeError`].
    pub async fn start(config: Config, clock: Clock) -> Result<Self, ServeError> {
        check(&config)?;
        let tls = tls(&config)?;
        let listener = TcpListener::bind(config.listen)
            .await
            .map_err(|source| ServeError::Listen { address: config.listen, source })?;
        let address = listener.local_addr()?;
        let routes = Arc::new(ArcSwap::from_pointee(not_ready()));
        let lanes = Arc::new(Lanes::start(std::thread::available_parallelism().map_or(2, usize::from))?);
        let door = Arc::new(Door {
            routes: Arc::clone(&routes),
            tls,
            max_connections: config.max_connections,
            head_timeout: config.head_timeout,
            drain: config.drain,
            lanes: Arc::clone(&lanes),
        });
        let (stop, stopped) = watch::channel(false);
        let serving = tokio::spawn(listen::serve(listener, door, stopped));
        let opened = tokio::task::spawn_blocking(move || open(config, clock)).await;
        let (app, threads, writer) = match opened {
            Ok(Ok(opened)) => opened,
            Ok(Err(error)) => {
                serving.abort();
                return Err(error);
            }
            Err(panic) => return Err(ServeError::System(std::io::Error::other(panic))),
        };
        // What there is to fetch is read before anybody can make an exchange: none is fetched at once by chance.
        let fetching = FetchLoop::start(&app)?;
        let keeping = app.pictures.keep(app.readers.clone())?;
        routes.store(Arc::new(router(&app)));
        tracing::info!(generation = app.view.now().generation(), "ready");
        Ok(Self { address, stop, app, threads, writer, fetching, keeping, serving, lanes })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What its handlers share.
    pub fn app(&self) -> &App {
        &self.app
    }

    /// No longer ready; takes no new connection, lets running requests end, writes what waits, and returns.
    pub async fn stop(self) {
        self.app.stopping.store(true, Ordering::Relaxed);
        let _ = self.stop.send(true);
        let _ = self.serving.await;
        let Self { app, threads, writer, fetching, keeping, lanes, .. } = self;
        let _ = tokio::task::spawn_blocking(move || {
            fetching.stop();
            keeping.stop();
            threads.stop();
            app.writer.stop();
            app.pool.stop();
            let _ = writer.join();
            lanes.end();
        })
        .await;
    }
}

/// Refuses settings that would leave the server open.
fn check(config: &Config) -> Result<(), ServeError> {
    let setting = |text: &str| Err(ServeError::Setting(text.to_owned()));
    if config.open && !config.listen.ip().is_loopback() {
        return setting("--open asks nobody for a key, and is for loopback addresses only");
    }
    if config.signal_types.is_empty() {
        return setting("at least one signal type has to be offered");
    }
    Ok(())
}

/// Answers while the banks are being opened.
fn not_ready() -> Router {
    let live = || async { typed(StatusCode::OK, "text/html; charset=utf-8", "I-AM-ALIVE") };
    let status =
        || async { typed(StatusCode::SERVICE_UNAVAILABLE, "text/html; charset=utf-8", "INDEX-NOT-LOADED") };
    Router::new()
        .route("/live", axum::routing::get(live))
        .route("/status/live", axum::routing::get(live))
        .route("/status", axum::routing::get(status))
        .fallback(|| async { ApiError::unavailable("index not yet ready").into_response() })
}

/// All routes that these settings offer.
pub(crate) fn all_routes(config: &Config) -> Routes {
    let routes = hma::routes(Routes::default(), config);
    let routes = v1::routes(routes);
    let routes = probes::routes(routes);
    let routes = openapi::routes(routes);
    if config.ui { ui::routes(routes) } else { routes }
}

/// All routes, behind what every request passes.
fn router(app: &App) -> Router {
    let (router, table) = all_routes(&app.config).finish();
    let _ = app.routes.set(table);
    router
        .fallback(|| async { ApiError::no_route() })
        .method_not_allowed_fallback(|| async { ApiError::wrong_method() })
        .layer(axum::middleware::from_fn_with_state(app.clone(), edge::edge))
        .with_state(app.clone())
}

/// Opens the folder, the banks and the workers.
fn open(config: Config, clock: Clock) -> Result<(App, Threads, JoinHandle<()>), ServeError> {
    let mut store = Store::open(&config.data)?;
    v1::clear_spool(&config.data);
    let examining = v1::Examining::open(&config.calibration).map_err(ServeError::Setting)?;
    store.set_durable(true)?;
    let secrets = secrets(&mut store, &config, &clock)?;
    let opened =
        Opened::open(&config.data, &mut store, secrets.clone(), config.flood_senders, clock.now_us())?;
    let actions = opened.actions.clone();
    let live = LiveBanks::open(&mut store, &config.data, &mut |_| ControlFlow::Continue(()))?;
    let view = live.view();
    let pictures = Pictures::open(&store, &view, &secrets, config.max_features_bytes)?;
    let keys = keys(&store, &config)?;
    let types = types(&store, &config)?;
    let changed_s = Arc::new(AtomicI64::new(clock.now_s()));
    let (writer, thread) =
        Writer::start(Owned { store, live, changed_s: Arc::clone(&changed_s) }, clock.clone())?;
    let (pool, enforced) = workers(&config)?;
    let held = usize::try_from(config.max_held_bytes / UNIT).unwrap_or(usize::MAX);
    let app = App::new(Shared {
        view,
        pictures,
        writer,
        readers: Readers::new(config.data.clone()),
        pool,
        enforced,
        keys,
        secrets,
        rates: Rates::new(config.requests_per_second),
        requests: Arc::new(Semaphore::new(config.max_requests)),
        fetches: Arc::new(Semaphore::new(FETCHES)),
        bodies: BodyLimits {
            max_bytes: config.max_body_bytes,
            timeout: config.body_timeout,
            held: Arc::new(Semaphore::new(held.min(Semaphore::MAX_PERMITS))),
        },
        outbound: Arc::new(outbound(&config)),
        types,
        actions,
        examining,
        remotes: crate::remotes::Remotes::default(),
        transfers: v1::Transfers::default(),
        metrics: Metrics::default(),
        sessions: ui::Sessions::new(&SystemRandom::new(), config.tls.is_some())?,
        routes: OnceLock::new(),
        fetching: Mutex::new(()),
        stopping: AtomicBool::new(false),
        changed_s,
        random: SystemRandom::new(),
        clock,
        config,
    });
    let threads = opened.start(&Context {
        data: app.config.data.clone(),
        writer: app.writer.clone(),
        readers: app.readers.clone(),
        clock: app.clock.clone(),
        outbound: Arc::clone(&app.outbound),
        shared: app.actions.clone(),
    })?;
    Ok((app, threads, thread))
}

/// The signal types offered, with the ratios that were set.
fn types(store: &Store, config: &Config) -> Result<Types, ServeError> {
    let types = Types::new(&config.signal_types);
    types.load(store)?;
    Ok(types)
}

/// The API keys of the store.
fn keys(store: &Store, config: &Config) -> Result<Keys, ServeError> {
    let keys = Keys::default();
    keys.set(api_keys::all(store)?.iter().filter_map(api_keys::checked));
    if keys.is_empty() && !config.open {
        tracing::warn!(
            "there is no API key yet, so nobody is let in: stop the server, run `lodestone key add NAME --role admin \
             --data {}`, and start it again (or, on loopback, start it with --open)",
            config.data.display()
        );
    }
    Ok(keys)
}

/// The keys that secrets are sealed with; what an earlier one sealed is sealed anew.
fn secrets(store: &mut Store, config: &Config, clock: &Clock) -> Result<Secrets, ServeError> {
    let sources = KeySources {
        key_file: config.key_file.clone(),
        variable: config.key.clone(),
        old_key_files: config.old_key_files.clone(),
    };
    let secrets = Secrets::open(&config.data, &sources, store)?;
    match secrets.key() {
        // Look-ups need no secret: they go on. What needs one says what is missing.
        Err(error) => tracing::error!(%error, "secrets cannot be opened"),
        Ok(_) => match secrets.reseal(store, clock.now_us()) {
            Ok(anew) if anew == Rewritten::default() => {}
            Ok(anew) => {
                let count = anew.secrets + anew.features + anew.descriptors;
                tracing::info!(count, "secrets sealed anew with the key that was given");
            }
            Err(error) => tracing::error!(%error, "secrets cannot be sealed anew"),
        },
    }
    Ok(secrets)
}

/// The worker processes, and how far they are confined.
fn workers(config: &Config) -> Result<(Pool, Option<Enforced>), ServeError> {
    let mut options = PoolOptions {
        start: Start { program: config.program.clone(), arguments: Vec::new() },
        workers: config.workers,
        queue: config.workers.saturating_mul(QUEUED_A_WORKER).max(1),
        observe: config.observe.clone(),
        deadline: config.file_deadline,
    };
    let memory = options.memory_bytes().to_string();
    options.start.arguments = ["__worker", "--memory", &memory].map(Into::into).to_vec();
    let enforced = options.enforced();
    if config.require_sandbox && !enforced.as_ref().is_ok_and(Enforced::is_complete) {
        let told = enforced.map_or_else(|why| why, |enforced| enforced.to_string());
        return Err(ServeError::Setting(format!(
            "--require-sandbox: workers are not fully confined here: {told}"
        )));
    }
    Ok((Pool::start(&options)?, enforced.ok()))
}

/// Where may be fetched from.
fn outbound(config: &Config) -> lodestone_net::Outbound {
    lodestone_net::Outbound {
        allow_private: config.allow_private_urls,
        max_bytes: config.max_body_bytes,
        allowed_hosts: config.allowed_hostnames.clone(),
        ..lodestone_net::Outbound::default()
    }
}

/// The certificate and key, where TLS is asked for.
fn tls(config: &Config) -> Result<Option<TlsAcceptor>, ServeError> {
    use tokio_rustls::rustls::ServerConfig;
    use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
    let Some((chain, key)) = &config.tls else { return Ok(None) };
    let bad = |path: &PathBuf, why: String| ServeError::File {
        path: path.clone(),
        source: std::io::Error::new(std::io::ErrorKind::InvalidData, why),
    };
    let certificates = CertificateDer::pem_file_iter(chain)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| bad(chain, error.to_string()))?;
    let private = PrivateKeyDer::from_pem_file(key).map_err(|error| bad(key, error.to_string()))?;
    let mut tls = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(certificates, private)
        .map_err(|error| bad(chain, error.to_string()))?;
    tls.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Some(TlsAcceptor::from(Arc::new(tls))))
}

/// Runs a server until it is told to stop (SIGTERM, SIGINT); a second signal ends it at once. Calls `listening` with
/// the address once everything is answered.
///
/// # Errors
/// [`ServeError`].
pub fn serve(config: Config, listening: impl FnOnce(SocketAddr)) -> Result<(), ServeError> {
    // Connections are served on lanes; this one accepts them, and waits for signals.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    runtime.block_on(async {
        let server = Server::start(config, Clock::system()).await?;
        listening(server.address());
        signal().await;
        tracing::info!("stopping: running requests end first");
        tokio::select! {
            () = server.stop() => {}
            () = signal() => tracing::warn!("stopped at once"),
        }
        Ok(())
    })
}

/// Waits for a signal to stop.
async fn signal() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let (Ok(mut terminate), Ok(mut interrupt)) =
            (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
        else {
            return std::future::pending().await;
        };
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    }
    #[cfg(not(unix))]
    {
        let _ = tokio::signal::ctrl_c().await;
    }
}
