//! The whole way of a match, without HTTP: journal, ingest, outbox, log of audit, with kills between the steps.

mod deliveries;
mod floods;
mod kills;
mod votes;

use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::thread::JoinHandle;

use lodestone_engine::live::LiveBanks;
use lodestone_net::{Outbound, Secret};
use lodestone_store::{Delivery, DeliveryState, Store};
use serde_json::{Value, json};

use super::ingest::Ingest;
use super::{Context, Opened};
use crate::clock::Clock;
use crate::error::ApiError;
use crate::events::MatchEvent;
use crate::outbox::SECRET_PREFIX;
use crate::readers::Readers;
use crate::secrets::{KeySources, Secrets};
use crate::writer::{Owned, Writer};

/// What webhooks are signed with here.
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/// The time at which all begins, microseconds since 1970.
const BEGIN_US: i64 = 1_800_000_000_000_000;

/// A server without its door.
struct House {
    context: Context,
    opened: Option<Opened>,
    writing: JoinHandle<()>,
}

impl House {
    fn open(data: &std::path::Path, flood_senders: u32) -> Self {
        Self::open_at(data, flood_senders, BEGIN_US)
    }

    fn open_at(data: &std::path::Path, flood_senders: u32, at_us: i64) -> Self {
        let clock = Clock::fixed(at_us);
        let mut store = Store::open(data).unwrap();
        let secrets = Secrets::open(data, &KeySources::default(), &store).unwrap();
        let opened = Opened::open(data, &mut store, secrets, flood_senders, clock.now_us()).unwrap();
        let live = LiveBanks::open(&mut store, data, &mut |_| ControlFlow::Continue(())).unwrap();
        let (writer, writing) =
            Writer::start(Owned { store, live, changed_s: Arc::default() }, clock.clone()).unwrap();
        let outbound = Outbound { allow_private: true, ..Outbound::default() };
        let context = Context {
            data: data.to_owned(),
            writer,
            readers: Readers::new(data.to_owned()),
            clock,
            outbound: Arc::new(outbound),
            shared: opened.actions.clone(),
        };
        Self { context, opened: Some(opened), writing }
    }

    /// Ends without taking anything in.
    fn kill(self) {
        self.context.writer.stop();
        self.writing.join().unwrap();
    }

    /// One look of the ingest thread.
    fn ingest(&self) -> Result<(), ApiError> {
        Ingest::new(&self.context).pass(false).and_then(|()| super::release::pass(&self.context))
    }

    /// Adds a rule for everything, with a webhook, a review and a label.
    fn add_rule(&self, receiver: SocketAddr) {
        let shared = self.context.shared.clone();
        let rule = json!({ "name": "all", "then": [
            { "webhook": { "url": format!("http://{receiver}/hook?key=1"), "secret_ref": "s" } },
            { "review": { "queue": "q" } },
            { "label": "seen" },
        ]});
        self.context
            .writer
            .write_now(move |batch| {
                shared.secrets.put(batch, &format!("{SECRET_PREFIX}s"), Some(&Secret::new(SECRET)))?;
                Ok(batch.add_rule(&rule, true)?)
            })
            .unwrap();
        self.read(|store| self.context.shared.rules.load(store).unwrap());
    }

    fn record(&self, id: &str, sender: &str) {
        self.context.shared.record(&event(id, sender)).unwrap();
    }

    fn read<R>(&self, work: impl FnOnce(&Store) -> R) -> R {
        self.context.readers.read_now(|store| Ok(work(store))).unwrap()
    }

    fn events(&self) -> Vec<String> {
        self.read(|store| store.match_events(0, 100).unwrap().into_iter().map(|row| row.id).collect())
    }

    fn deliveries(&self, state: DeliveryState) -> Vec<Delivery> {
        self.read(|store| store.deliveries(state, 0, 100).unwrap())
    }
}

fn event(id: &str, sender: &str) -> MatchEvent {
    let event: Value = json!({
        "id": id, "at_us": BEGIN_US, "key": "k", "sender": sender, "generation": 1,
        "signals": { "pdq": "f".repeat(64) },
        "matches": [{ "bank": "A", "bank_kind": "own", "bank_content_id": 7, "signal_type": "pdq",
                      "distance": "0", "distance_bits": 0 }],
    });
    serde_json::from_value(event).unwrap()
}

/// An address where nobody listens.
fn nowhere() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}
