//! What a server is started with.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use lodestone_engine::ObserveOptions;
use lodestone_net::Secret;
use lodestone_types::SignalType;

/// What a server is started with. `docs/operations.md` says what each is good for.
#[derive(Clone, Debug)]
pub struct Config {
    /// Folder with banks, keys, log; made when it is not there.
    pub data: PathBuf,
    /// Where to listen.
    pub listen: SocketAddr,
    /// Ask nobody for a key. On loopback only.
    pub open: bool,
    /// Offer the `/dev` routes.
    pub dev: bool,
    /// Offer the pages under `/ui`.
    pub ui: bool,
    /// Fetch from private and loopback addresses too: for tests.
    pub allow_private_urls: bool,
    /// Host names from which files may be fetched; empty: all public ones.
    pub allowed_hostnames: Vec<String>,
    /// Certificate chain and private key, PEM files.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// Key file for what is sealed at rest; without one and without `key`, a key is made in the data folder.
    pub key_file: Option<PathBuf>,
    /// Value of `LODESTONE_KEY`: as a key file, where there is none.
    pub key: Option<Secret>,
    /// Files of earlier keys, which only open; what they sealed is sealed anew at start.
    pub old_key_files: Vec<PathBuf>,
    /// Folder below which exchanges of `local_file` may read; `lists` in the data folder by default.
    pub lists: Option<PathBuf>,
    /// Refuse to start when workers are not fully confined.
    pub require_sandbox: bool,
    /// Worker processes.
    pub workers: usize,
    /// The program that worker processes run: usually this one. It is started as `PROGRAM __worker --memory BYTES`.
    pub program: PathBuf,
    /// How files are read.
    pub observe: ObserveOptions,
    /// Wall-clock limit for reading one file.
    pub file_deadline: Duration,
    /// Signal types offered, in the order in which they are named.
    pub signal_types: Vec<SignalType>,
    /// Bytes of one request's body at most.
    pub max_body_bytes: u64,
    /// Bytes of one imported list at most.
    pub max_import_bytes: u64,
    /// Tables by which findings are weighed, files.
    pub calibration: Vec<PathBuf>,
    /// Bytes of all bodies held at one time.
    pub max_held_bytes: u64,
    /// Connections at one time.
    pub max_connections: usize,
    /// Requests worked on at one time.
    pub max_requests: usize,
    /// Requests a second of one key, and as many at once; 0: no limit.
    pub requests_per_second: u32,
    /// Time in which a request's head has to arrive, and in which a kept connection may be idle.
    pub head_timeout: Duration,
    /// Time in which a request's body has to arrive.
    pub body_timeout: Duration,
    /// Time that running requests get after the signal to stop.
    pub drain: Duration,
    /// Time between fetches of an exchange.
    pub fetch_interval: Duration,
    /// Time that a look-up waits for the remote matchers that it names.
    pub remote_timeout: Duration,
    /// Distinct senders of one matching hash within an hour from which its actions are held for a person; 0: never.
    pub flood_senders: u32,
    /// Bytes of memory that local features of known pictures may take, for layer 3.
    pub max_features_bytes: u64,
}

impl Config {
    /// What a server needs at least; everything else at its default.
    pub fn new(data: PathBuf, listen: SocketAddr, program: PathBuf) -> Self {
        Self {
            data,
            listen,
            open: false,
            dev: false,
            ui: true,
            allow_private_urls: false,
            allowed_hostnames: Vec::new(),
            tls: None,
            key_file: None,
            key: None,
            old_key_files: Vec::new(),
            lists: None,
            require_sandbox: false,
            workers: std::thread::available_parallelism().map_or(2, usize::from),
            program,
            observe: ObserveOptions { archives: false, ..ObserveOptions::default() },
            file_deadline: Duration::from_secs(30),
            signal_types: vec![SignalType::Pdq, SignalType::VideoMd5],
            // HMA's MAX_REMOTE_FILE_SIZE.
            max_body_bytes: 100 << 20,
            // A list of twenty million rows.
            max_import_bytes: 4 << 30,
            calibration: Vec::new(),
            max_held_bytes: 1 << 30,
            max_connections: 12_000,
            max_requests: 2_048,
            requests_per_second: 0,
            // Also how long a kept connection may be idle: longer than clients keep theirs, mostly.
            head_timeout: Duration::from_secs(75),
            body_timeout: Duration::from_secs(60),
            drain: Duration::from_secs(20),
            fetch_interval: Duration::from_secs(240),
            remote_timeout: Duration::from_secs(10),
            flood_senders: 0,
            // Some hundred thousand pictures.
            max_features_bytes: 1 << 30,
        }
    }
}
