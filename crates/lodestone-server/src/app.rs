//! What all handlers share.

use std::ops::Deref;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use lodestone_engine::Enforced;
use lodestone_engine::live::LiveView;
use lodestone_engine::pool::Pool;
use lodestone_net::Outbound;
use ring::rand::{SecureRandom as _, SystemRandom};
use tokio::sync::Semaphore;

use crate::actions::Actions;
use crate::auth::Keys;
use crate::clock::Clock;
use crate::config::Config;
use crate::derived::Pictures;
use crate::error::ApiError;
use crate::events::MatchEvent;
use crate::http::body::BodyLimits;
use crate::metrics::Metrics;
use crate::rate::Rates;
use crate::readers::Readers;
use crate::remotes::Remotes;
use crate::route::Table;
use crate::secrets::Secrets;
use crate::types::Types;
use crate::ui::Sessions;
use crate::v1::{Examining, Transfers};
use crate::writer::Writer;

/// What all handlers share. Clones are the same.
#[derive(Clone)]
pub struct App(Arc<Shared>);

/// The parts.
pub struct Shared {
    /// What the server was started with.
    pub config: Config,
    /// What time it is.
    pub clock: Clock,
    /// The banks as look-ups see them.
    pub view: LiveView,
    /// The known pictures that layer 3 compares with.
    pub pictures: Pictures,
    /// The one that writes.
    pub writer: Writer,
    /// Those that read the store.
    pub readers: Readers,
    /// Worker processes.
    pub pool: Pool,
    /// How far they are confined, as one of them found out; `None`: not known.
    pub enforced: Option<Enforced>,
    /// Who may do what.
    pub keys: Keys,
    /// What is kept sealed in the store.
    pub secrets: Secrets,
    /// How often each key may ask.
    pub rates: Rates,
    /// Requests worked on.
    pub requests: Arc<Semaphore>,
    /// Files fetched at one time.
    pub fetches: Arc<Semaphore>,
    /// How much of bodies is held.
    pub bodies: BodyLimits,
    /// Where may be fetched from, and how much.
    pub outbound: Arc<Outbound>,
    /// Signal types offered.
    pub types: Types,
    /// What an examination is weighed by.
    pub(crate) examining: Examining,
    /// Remote matchers that are asked.
    pub(crate) remotes: Remotes,
    /// Imports, exports and copies that run.
    pub(crate) transfers: Transfers,
    /// What follows from matches.
    pub actions: Actions,
    /// What was counted.
    pub metrics: Metrics,
    /// Sessions of the pages, and what their forms carry.
    pub(crate) sessions: Sessions,
    /// The routes; set once they are gathered.
    pub(crate) routes: OnceLock<Table>,
    /// Held by the run of the fetch loop that goes on.
    pub(crate) fetching: Mutex<()>,
    /// The server is to stop: no longer ready.
    pub(crate) stopping: AtomicBool,
    /// When the banks changed last, seconds since 1970.
    pub(crate) changed_s: Arc<AtomicI64>,
    pub(crate) random: SystemRandom,
}

impl Deref for App {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl App {
    pub(crate) fn new(shared: Shared) -> Self {
        Self(Arc::new(shared))
    }

    /// The routes.
    pub fn table(&self) -> &Table {
        static NONE: OnceLock<Table> = OnceLock::new();
        self.routes.get().unwrap_or_else(|| NONE.get_or_init(Table::default))
    }

    /// Whether look-ups are answered: workers run or are coming up, and the server is not stopping. Between two
    /// workers jobs wait; only where none can be started there is nobody to wait for.
    pub fn looks_up(&self) -> bool {
        let workers = self.pool.is_ready() || self.pool.trouble().is_none();
        workers && !self.stopping.load(Ordering::Relaxed)
    }

    /// Why requests should not be sent here now; nothing: they should.
    pub fn not_ready(&self) -> Vec<&'static str> {
        let health = self.writer.health();
        let why = [
            self.stopping.load(Ordering::Relaxed).then_some("the server is stopping"),
            (!self.pool.is_ready() && self.pool.trouble().is_some())
                .then_some("no worker process can be started"),
            health.is_behind().then_some("look-ups do not see all that was committed"),
            health.trouble(),
            self.actions.refuses().then_some("matches cannot be written down"),
        ];
        why.into_iter().flatten().collect()
    }

    /// When the banks changed last, seconds since 1970.
    pub fn built_to_s(&self) -> i64 {
        self.changed_s.load(Ordering::Relaxed)
    }

    /// A number from 0 to below 1, evenly.
    pub fn random_unit(&self) -> f64 {
        let bits = u64::from_le_bytes(self.random_bytes()) >> 11;
        #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
        let unit = bits as f64 / (1u64 << 53) as f64;
        unit
    }

    /// Random bytes. Where the system has none, the clock stands in: ids stay distinct, and no secret is made of it.
    pub fn random_bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        if self.random.fill(&mut bytes).is_err() {
            for (to, from) in bytes.iter_mut().zip(self.clock.now_us().to_le_bytes()) {
                *to = from;
            }
        }
        bytes
    }

    /// A new id: 128 random bits as a UUID of version 4. *Source:* RFC 9562.
    pub fn new_id(&self) -> String {
        let mut bytes: [u8; 16] = self.random_bytes();
        bytes[6] = (bytes[6] & 0x0f) | 0x40;
        bytes[8] = (bytes[8] & 0x3f) | 0x80;
        let hex = lodestone_types::hex::encode(&bytes);
        let part = |range: std::ops::Range<usize>| hex.get(range).unwrap_or_default();
        format!("{}-{}-{}-{}-{}", part(0..8), part(8..12), part(12..16), part(16..20), part(20..32))
    }

    /// Reads the rules anew, after a change of them.
    ///
    /// # Errors
    /// The store's; then they stay as they were, and are read again within a minute.
    pub(crate) async fn load_rules(&self) -> Result<(), ApiError> {
        let rules = self.actions.rules.clone();
        self.readers.read(move |store| Ok(rules.load(store)?)).await
    }

    /// Reads the ratios of signal types anew, after a change of them.
    ///
    /// # Errors
    /// The store's; then they stay as they were.
    pub(crate) async fn load_types(&self) -> Result<(), ApiError> {
        let types = self.types.clone();
        self.readers.read(move |store| Ok(types.load(store)?)).await
    }

    /// Writes a match event down; what follows from it is done once it is in the store.
    ///
    /// # Errors
    /// 503 when it cannot be written: a match that leaves no trace is not answered.
    pub fn record(&self, event: &MatchEvent) -> Result<(), ApiError> {
        self.actions.record(event)
    }
}
