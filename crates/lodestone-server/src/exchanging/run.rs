//! One fetch, from its first page to its last.

use std::ops::ControlFlow;

use lodestone_exchange::client::{self, ClientError, Settings, Transport, What};
use lodestone_store::Exchange;

use super::{Applied, Kept, Step, Tally};

/// Why a fetch ended early.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// The client's: the service, the network, or how the exchange is set up.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// A page cannot be kept.
    #[error("{0}")]
    Store(String),
    /// The exchange was deleted, or made anew, meanwhile.
    #[error("the exchange was deleted meanwhile")]
    Gone,
}

/// How a fetch ended.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fetched {
    /// What it did.
    pub tally: Tally,
    /// Nothing more is to be fetched; otherwise it was told to end, and the next one goes on.
    pub up_to_date: bool,
}

/// Makes a transport for an exchange's settings.
pub type Connect<'c> = dyn FnMut(&Settings) -> Result<Box<dyn Transport>, ClientError> + 'c;

/// Fetches: each [`Step`] is done by `step`, in a transaction of its own. Killed at any point, the next one goes on there.
///
/// # Errors
/// [`FetchError`], which has been noted with the exchange; what was fetched before stays.
pub fn fetch(
    exchange: &Exchange,
    settings: Result<Settings, String>,
    anew: bool,
    net: &mut Connect<'_>,
    step: &mut dyn FnMut(Step) -> Result<Applied, FetchError>,
) -> Result<Fetched, FetchError> {
    let begun = step(Step::Begin { anew })?.kept;
    let walked = settings.map_err(FetchError::Store).and_then(|settings| {
        let mut net = net(&settings)?;
        pages(&exchange.api, &settings, &begun, &mut *net, step)
    });
    let up_to_date = match walked {
        Ok(()) => true,
        Err(FetchError::Client(ClientError::Stopped)) => false,
        Err(FetchError::Gone) => return Err(FetchError::Gone),
        Err(error) => {
            step(Step::Failed(error.to_string()))?;
            return Err(error);
        }
    };
    let tally = step(Step::Done { up_to_date })?.kept.last;
    Ok(Fetched { tally, up_to_date })
}

fn pages(
    api: &str,
    settings: &Settings,
    kept: &Kept,
    net: &mut dyn Transport,
    step: &mut dyn FnMut(Step) -> Result<Applied, FetchError>,
) -> Result<(), FetchError> {
    if kept.ending {
        drop_unlisted(step)?;
    }
    let mut client = client::open(api, settings, kept.checkpoint().as_ref())?;
    while let Some(page) = client.next_page(net)? {
        if step(Step::Page(Box::new(page)))?.kept.ending {
            drop_unlisted(step)?;
        }
    }
    Ok(())
}

/// Removes what a whole walk has not named, some at a time.
fn drop_unlisted(step: &mut dyn FnMut(Step) -> Result<Applied, FetchError>) -> Result<(), FetchError> {
    let mut after = 0;
    while let Some(next) = step(Step::Drop(after))?.next {
        after = next;
    }
    Ok(())
}

/// Fetches and applies nothing: what would come is counted, entries as added and withdrawals as removed whatever is held.
/// `tick` is told after each page and may end it.
///
/// # Errors
/// [`ClientError`].
pub fn dry_run(
    exchange: &Exchange,
    settings: &Settings,
    anew: bool,
    net: &mut dyn Transport,
    tick: &mut dyn FnMut(&Tally) -> ControlFlow<()>,
) -> Result<Fetched, ClientError> {
    let checkpoint = if anew { None } else { Kept::of(exchange).checkpoint() };
    let mut client = client::open(&exchange.api, settings, checkpoint.as_ref())?;
    let mut tally = Tally::default();
    while let Some(page) = client.next_page(net)? {
        tally.read(&page.counts, &page.rejects);
        for change in &page.changes {
            match change.what {
                What::Upsert(_) => tally.added += 1,
                What::Remove => tally.removed += 1,
            }
        }
        if tick(&tally).is_break() {
            return Ok(Fetched { tally, up_to_date: false });
        }
    }
    Ok(Fetched { tally, up_to_date: true })
}
