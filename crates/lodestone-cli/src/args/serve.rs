//! What `serve` takes.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, ValueHint};

/// Answer over HTTP: HMA's API at the root, our own under /v1.
#[derive(Args, Debug)]
pub(crate) struct Serve {
    /// Folder with banks, keys, match log and audit log, or LODESTONE_DATA; made when it is not there
    #[arg(long, value_name = "DIR", env = "LODESTONE_DATA", value_hint = ValueHint::DirPath)]
    pub(crate) data: PathBuf,
    /// Where to listen; port 0: any that is free
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:9876")]
    pub(crate) listen: String,
    /// Ask nobody for a key; on loopback addresses only
    #[arg(long, help_heading = "Who may do what")]
    pub(crate) open: bool,
    /// Offer the /dev routes: samples, fetching at once, emptying everything
    #[arg(long, help_heading = "Who may do what")]
    pub(crate) dev: bool,
    /// Do not offer the pages under /ui
    #[arg(long, help_heading = "Who may do what")]
    pub(crate) no_ui: bool,
    /// Certificate chain in PEM; with --tls-key
    #[arg(long, value_name = "FILE", requires = "tls_key", help_heading = "Who may do what", value_hint = ValueHint::FilePath)]
    pub(crate) tls_cert: Option<PathBuf>,
    /// Private key in PEM; with --tls-cert
    #[arg(long, value_name = "FILE", requires = "tls_cert", help_heading = "Who may do what", value_hint = ValueHint::FilePath)]
    pub(crate) tls_key: Option<PathBuf>,
    /// Key that seals what is secret at rest (32 bytes, hexadecimal or base64), else LODESTONE_KEY, else DATA/secret.key
    #[arg(long, value_name = "FILE", help_heading = "Who may do what", value_hint = ValueHint::FilePath)]
    pub(crate) key_file: Option<PathBuf>,
    /// Earlier key, which only opens; what it sealed is sealed anew at start. Repeatable
    #[arg(long, value_name = "FILE", hide_short_help = true, help_heading = "Who may do what", value_hint = ValueHint::FilePath)]
    pub(crate) old_key_file: Vec<PathBuf>,
    /// Folder below which exchanges of local_file may read; DATA/lists by default
    #[arg(long, value_name = "DIR", hide_short_help = true, help_heading = "Who may do what", value_hint = ValueHint::DirPath)]
    pub(crate) lists: Option<PathBuf>,
    /// Signal types offered, separated by commas: pdq, video_md5, md5, sha1, sha256, raw_text, url, trend_query, text_tlsh
    #[arg(long, value_name = "TYPES", default_value = "pdq,video_md5", value_delimiter = ',')]
    pub(crate) signal_types: Vec<String>,
    /// Worker processes that decode; one a core by default
    #[arg(long, value_name = "N", help_heading = "Reading", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) workers: Option<u16>,
    /// Refuse to start when workers are not fully confined
    #[arg(long, help_heading = "Reading")]
    pub(crate) require_sandbox: bool,
    /// Pixels of one picture at most
    #[arg(long, value_name = "N", hide_short_help = true, help_heading = "Reading")]
    pub(crate) max_pixels: Option<u64>,
    /// Seconds a worker may take for one file
    #[arg(long, value_name = "S", default_value_t = 30, hide_short_help = true, help_heading = "Reading", value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) file_timeout: u64,
    /// Host names that files may be fetched from; repeatable; all public ones by default
    #[arg(long, value_name = "HOST", help_heading = "Reading")]
    pub(crate) allow_host: Vec<String>,
    /// Fetch from private and loopback addresses too: for tests
    #[arg(long, help_heading = "Reading")]
    pub(crate) allow_private_urls: bool,
    /// MiB of one request's body at most
    #[arg(long, value_name = "MIB", default_value_t = 100, help_heading = "Limits", value_parser = clap::value_parser!(u64).range(1..=4096))]
    pub(crate) max_body: u64,
    /// MiB of all bodies held at one time
    #[arg(long, value_name = "MIB", default_value_t = 1024, hide_short_help = true, help_heading = "Limits", value_parser = clap::value_parser!(u64).range(1..=1_048_576))]
    pub(crate) max_held: u64,
    /// MiB that local features of known pictures may take in memory; some 100 pictures each
    #[arg(long, value_name = "MIB", default_value_t = 1024, hide_short_help = true, help_heading = "Limits", value_parser = clap::value_parser!(u64).range(0..=1_048_576))]
    pub(crate) max_features: u64,
    /// Connections at one time
    #[arg(long, value_name = "N", default_value_t = 12_000, hide_short_help = true, help_heading = "Limits", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) max_connections: u32,
    /// Requests worked on at one time; more are told to come again (429)
    #[arg(long, value_name = "N", default_value_t = 2_048, hide_short_help = true, help_heading = "Limits", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) max_requests: u32,
    /// Requests a second of one key; 0: no limit
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = "Limits")]
    pub(crate) rate: u32,
    /// Seconds that running requests get after the signal to stop
    #[arg(long, value_name = "S", default_value_t = 20, hide_short_help = true, help_heading = "Limits", value_parser = clap::value_parser!(u64).range(0..=3600))]
    pub(crate) drain: u64,
    /// Seconds that a look-up waits for the remote matchers that it names
    #[arg(long, value_name = "S", default_value_t = 10, hide_short_help = true, value_parser = clap::value_parser!(u64).range(1..=240))]
    pub(crate) remote_timeout: u64,
    /// Seconds between fetches of an exchange
    #[arg(long, value_name = "S", default_value_t = 240, hide_short_help = true, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) fetch_interval: u64,
    /// Distinct senders of one matching hash within an hour from which its actions are held for a person; 0: never
    #[arg(long, value_name = "N", default_value_t = 0, hide_short_help = true)]
    pub(crate) flood_senders: u32,
    /// Log lines as JSON
    #[arg(long)]
    pub(crate) log_json: bool,
}

impl Serve {
    /// The address to listen on: a name is resolved, the first address counts.
    pub(crate) fn address(&self) -> anyhow::Result<SocketAddr> {
        use std::net::ToSocketAddrs as _;
        let mut found = self
            .listen
            .to_socket_addrs()
            .map_err(|error| anyhow::anyhow!("--listen {}: {error}", self.listen))?;
        found.next().ok_or_else(|| anyhow::anyhow!("--listen {}: no address", self.listen))
    }
}
