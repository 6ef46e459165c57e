//! What is counted: for Prometheus. No path of a file, no hash, no name of a key is a label.

use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::http::StatusCode;
use lodestone_types::Standing;
use prometheus_client::encoding::{EncodeLabelSet, text::encode};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

use crate::App;
use crate::exchanging::RemoteState;
use crate::route::Methods;

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Answered {
    route: String,
    status: u16,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OfType {
    signal_type: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Reason {
    reason: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Remote {
    exchange: String,
    state: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OfLayer {
    layer: u32,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct FoundBy {
    layer: u32,
    standing: &'static str,
}

/// Counters and what they are gathered in.
pub struct Metrics {
    registry: Registry,
    answered: Family<Answered, Counter>,
    seconds: Histogram,
    look_up_seconds: Histogram,
    matched: Counter,
    layer_seconds: Family<OfLayer, Histogram, fn() -> Histogram>,
    layer_found: Family<FoundBy, Counter>,
    layer_failed: Counter,
    pictures: Gauge,
    pictures_bytes: Gauge,
    pictures_missed: Family<Reason, Gauge>,
    signals: Family<OfType, Gauge>,
    generation: Gauge,
    unsearched: Gauge,
    not_ready: Gauge,
    workers: Gauge,
    waiting_files: Gauge,
    waiting_writes: Gauge,
    journal_bytes: Gauge,
    events: Gauge,
    outbox_pending: Gauge,
    outbox_dead: Gauge,
    votes_pending: Gauge,
    votes_dead: Gauge,
    audit_waiting: Gauge,
    files: Counter,
    unreadable: Family<Reason, Counter>,
    remote: Family<Remote, Counter>,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("lodestone");
        let answered: Family<Answered, Counter> = Family::default();
        registry.register("requests", "Requests answered, by route and status", answered.clone());
        let seconds = Histogram::new(exponential_buckets(0.0001, 4.0, 10));
        registry.register("request_seconds", "Time from a request's head to its answer", seconds.clone());
        let look_up_seconds = Histogram::new(exponential_buckets(0.000_002, 4.0, 10));
        registry.register("look_up_seconds", "Time of one look-up in the index", look_up_seconds.clone());
        let matched = Counter::default();
        registry.register("matched", "Look-ups that found something", matched.clone());
        let layer_seconds: Family<OfLayer, Histogram, fn() -> Histogram> =
            Family::new_with_constructor(|| Histogram::new(exponential_buckets(0.000_5, 2.0, 14)));
        registry.register(
            "layer_seconds",
            "Time of one look-up of parts of a picture, by layer",
            layer_seconds.clone(),
        );
        let layer_found: Family<FoundBy, Counter> = Family::default();
        registry.register(
            "layer_found",
            "Matches of parts of pictures, by layer and standing",
            layer_found.clone(),
        );
        let layer_failed = Counter::default();
        registry.register(
            "layer_failed",
            "Files whose parts could not be looked at, though their whole was",
            layer_failed.clone(),
        );
        let pictures_missed: Family<Reason, Gauge> = Family::default();
        registry.register(
            "known_pictures_missed",
            "Known pictures with local features that layer 3 cannot look for, by reason",
            pictures_missed.clone(),
        );
        let signals: Family<OfType, Gauge> = Family::default();
        registry.register("signals", "Signals in all banks, by type", signals.clone());
        let gauge = |registry: &mut Registry, name: &str, help: &str| {
            let gauge = Gauge::default();
            registry.register(name, help, gauge.clone());
            gauge
        };
        let pictures = gauge(&mut registry, "known_pictures", "Known pictures that layer 3 looks for");
        let pictures_bytes = gauge(&mut registry, "known_pictures_bytes", "Bytes of memory that these take");
        let generation = gauge(&mut registry, "generation", "Generation of the banks that answer");
        let unsearched =
            gauge(&mut registry, "unsearched_texts", "Texts in the banks that look-ups cannot search");
        let not_ready = gauge(&mut registry, "not_ready", "Reasons for which the server is not ready");
        let workers = gauge(&mut registry, "workers", "Worker processes that run");
        let waiting_files = gauge(&mut registry, "waiting_files", "Files that wait for a worker");
        let waiting_writes = gauge(&mut registry, "waiting_writes", "Changes that wait for the writer");
        let journal_bytes =
            gauge(&mut registry, "journal_bytes", "Bytes of match events that are not in the store yet");
        let events =
            gauge(&mut registry, "match_events", "Match events taken into the store since the start");
        let outbox_pending = gauge(&mut registry, "outbox_pending", "Messages that wait to be delivered");
        let outbox_dead = gauge(&mut registry, "outbox_dead", "Messages that were given up");
        let votes_pending = gauge(&mut registry, "votes_pending", "Votes that wait to be sent to exchanges");
        let votes_dead = gauge(&mut registry, "votes_dead", "Votes to exchanges that were given up");
        let audit_waiting = gauge(&mut registry, "audit_waiting", "Entries that wait for the log of audit");
        let files = Counter::default();
        registry.register("files", "Files read", files.clone());
        let unreadable: Family<Reason, Counter> = Family::default();
        registry.register("unreadable", "Files that could not be read, by reason", unreadable.clone());
        let remote: Family<Remote, Counter> = Family::default();
        let help = "Items that remote matchers were to be asked for, by exchange and how it went";
        registry.register("remote_items", help, remote.clone());
        Self {
            registry,
            answered,
            seconds,
            look_up_seconds,
            matched,
            layer_seconds,
            layer_found,
            layer_failed,
            pictures,
            pictures_bytes,
            pictures_missed,
            signals,
            generation,
            unsearched,
            not_ready,
            workers,
            waiting_files,
            waiting_writes,
            journal_bytes,
            events,
            outbox_pending,
            outbox_dead,
            votes_pending,
            votes_dead,
            audit_waiting,
            files,
            unreadable,
            remote,
        }
    }
}

impl Metrics {
    /// A request was answered.
    pub fn answered(&self, route: &str, methods: Option<&Methods>, status: StatusCode, took: Duration) {
        let counter = || {
            let label = Answered { route: route.to_owned(), status: status.as_u16() };
            Counter::clone(&self.answered.get_or_create(&label))
        };
        match methods {
            Some(methods) if status == StatusCode::OK => _ = methods.answered.get_or_init(counter).inc(),
            _ => _ = counter().inc(),
        }
        self.seconds.observe(took.as_secs_f64());
    }

    /// Something was looked up.
    pub fn looked_up(&self, took: Duration, found: bool) {
        self.look_up_took(took);
        self.matched(found);
    }

    /// A look-up took so long.
    pub fn look_up_took(&self, took: Duration) {
        self.look_up_seconds.observe(took.as_secs_f64());
    }

    /// A look-up found something, or not.
    pub fn matched(&self, found: bool) {
        if found {
            self.matched.inc();
        }
    }

    /// Parts of a picture were looked up in a layer.
    pub fn layer_took(&self, layer: u8, took: Duration) {
        self.layer_seconds.get_or_create(&OfLayer { layer: layer.into() }).observe(took.as_secs_f64());
    }

    /// A layer found something.
    pub fn layer_found(&self, layer: u8, standing: Standing) {
        let standing = if standing == Standing::Match { "match" } else { "review" };
        self.layer_found.get_or_create(&FoundBy { layer: layer.into(), standing }).inc();
    }

    /// The parts of a picture could not be looked at.
    pub fn layer_failed(&self) {
        self.layer_failed.inc();
    }

    /// A file was read; `why` not, where it could not be.
    pub fn read(&self, why: Option<&str>) {
        self.files.inc();
        if let Some(why) = why {
            self.unreadable.get_or_create(&Reason { reason: why.to_owned() }).inc();
        }
    }

    /// A remote matcher was, or was not, asked for an item.
    pub fn remote(&self, exchange: &str, state: RemoteState) {
        let label = Remote { exchange: exchange.to_owned(), state: state.as_str().to_owned() };
        self.remote.get_or_create(&label).inc();
    }

    /// Everything, as OpenMetrics text.
    pub fn text(&self, app: &App) -> String {
        let state = app.view.now();
        let whole = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        self.generation.set(whole(state.generation()));
        self.unsearched.set(whole(state.unsearched()));
        self.not_ready.set(whole(app.not_ready().len() as u64));
        for (kind, signals) in state.counts() {
            let label = OfType { signal_type: kind.as_str().to_owned() };
            self.signals.get_or_create(&label).set(whole(*signals));
        }
        let known = app.pictures.now();
        let total = known.total();
        self.pictures.set(whole(total.looked_for));
        self.pictures_bytes.set(whole(known.memory_bytes()));
        for (reason, count) in
            [("no_room", total.no_room), ("unreadable", total.unreadable), ("outdated", total.outdated)]
        {
            self.pictures_missed.get_or_create(&Reason { reason: reason.to_owned() }).set(whole(count));
        }
        self.workers.set(whole(app.pool.alive() as u64));
        self.waiting_files.set(whole(app.pool.counts().queued));
        self.waiting_writes.set(whole(app.writer.waiting() as u64));
        self.journal_bytes.set(whole(app.actions.journal.waiting_bytes()));
        self.events.set(whole(app.actions.ingested.load(Ordering::Relaxed)));
        self.outbox_pending.set(app.actions.outbox_counts.0.load(Ordering::Relaxed));
        self.outbox_dead.set(app.actions.outbox_counts.1.load(Ordering::Relaxed));
        self.votes_pending.set(app.actions.votes_count.0.load(Ordering::Relaxed));
        self.votes_dead.set(app.actions.votes_count.1.load(Ordering::Relaxed));
        self.audit_waiting.set(whole(app.actions.audit_waiting.load(Ordering::Relaxed)));
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}
