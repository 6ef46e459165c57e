//! How a request wants its look-ups made, from a body or a query string.

use lodestone_engine::derive::Layers;
use lodestone_engine::live::LiveState;
use lodestone_types::Bank;
use serde_json::{Value, json};

use crate::App;
use crate::auth::Caller;
use crate::coinflip::coinflip;
use crate::error::ApiError;
use crate::extras::{Extras, words};
use crate::http::params::Params;
use crate::lookup::{Ask, Forms};
use crate::route::Takes;
use crate::v1::match_files::MOST;
use crate::v1::{limit, query};

/// Matches told of one item, unless another number is asked for.
const MATCHES: usize = 100;
/// Matches told of one item at most.
pub(super) const MAX_MATCHES: usize = 1000;

/// Parameters of requests that look files up.
pub(super) const BANKS: Takes =
    query("banks", "string", "Names of banks that take part, separated by commas");
pub(super) const RADIUS: Takes =
    query("radius", "integer", "PDQ distance in bits, 0 to 64, instead of the banks' own");
pub(super) const FORMS: Takes = query("forms", "string", "Also `dihedral`, `negative`, separated by commas");
pub(super) const INCLUDE: Takes = query(
    "include",
    "string",
    "More in each match: `signals`, `classification`, `tags`, `source`, `note`, `opinions`, `kind`",
);
pub(super) const SENDER: Takes =
    query("sender", "string", "Whose content it is, for the match log and the hold on floods");
pub(super) const SEED: Takes = query(
    "seed",
    "string",
    "Banks take part by their ratio and this seed, as in HMA; else all that are on do",
);
pub(super) const LAYERS: Takes = query(
    "layers",
    "string",
    "`1`, `1,2` or `1,2,3`: which layers look for known pictures in each, in all banks that take part; without it each \
     bank's own setting. What parts of pictures match is told as `derived`",
);
pub(super) const LIMIT: Takes =
    query("limit", "integer", "Matches told of each item, 1 to 1000; 100 by default");

/// What is asked for, whichever way.
#[derive(Clone, Debug, Default)]
pub(super) struct Wanted {
    pub(super) banks: Option<Vec<String>>,
    pub(super) radius_bits: Option<u32>,
    pub(super) forms: Vec<String>,
    pub(super) include: Vec<String>,
    pub(super) sender: Option<String>,
    pub(super) seed: Option<String>,
    pub(super) limit: Option<usize>,
    /// Layers, where they are named.
    pub(super) layers: Option<Layers>,
}

impl Wanted {
    /// From a query string.
    ///
    /// # Errors
    /// 400.
    pub(super) fn of(params: &Params) -> Result<Self, ApiError> {
        let list = |name| words(params.get(name)).map(str::to_owned).collect::<Vec<_>>();
        let radius = Extras::of(params)?.radius_bits;
        let layers = params.filled("layers").map(str::parse::<Layers>).transpose().map_err(ApiError::bad)?;
        Ok(Self {
            banks: params.filled("banks").map(|_| list("banks")),
            radius_bits: radius,
            forms: list("forms"),
            include: list("include"),
            sender: params.filled("sender").map(str::to_owned),
            seed: params.filled("seed").map(str::to_owned),
            layers: layers.map(|layers| layers.and(Layers::WHOLE)),
            limit: params.filled("limit").map(|text| limit(Some(text), MATCHES, MAX_MATCHES)).transpose()?,
        })
    }
}

/// The same, checked against the banks.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) ask: Ask,
    pub(super) extras: Extras,
    pub(super) sender: Option<String>,
    pub(super) limit: usize,
}

impl Asked {
    /// # Errors
    /// 400 for what there is not: a bank that is misspelt must not look like one without a match; 403 for what the key may
    /// not see.
    pub(super) fn new(
        app: &App,
        caller: &Caller,
        state: &LiveState,
        wanted: Wanted,
    ) -> Result<Self, ApiError> {
        let (forms, include) = (wanted.forms.iter(), wanted.include.iter());
        let extras = Extras::new(wanted.radius_bits, forms.map(String::as_str), include.map(String::as_str))?;
        extras.check(app, caller)?;
        for name in wanted.banks.iter().flatten() {
            let bank =
                state.bank(name).ok_or_else(|| ApiError::bad(format!("no bank '{}'", super::cut(name))))?;
            if !bank.bank.kind.makes_known() {
                let kind = bank.bank.kind;
                return Err(ApiError::bad(format!(
                    "bank '{name}' is {kind}: it suppresses, and nothing matches it"
                )));
            }
        }
        let limit = wanted.limit.unwrap_or(MATCHES);
        if !(1..=MAX_MATCHES).contains(&limit) {
            return Err(ApiError::bad(format!("limit must be a whole number from 1 to {MAX_MATCHES}")));
        }
        let ask = Ask {
            banks: wanted.banks,
            // Without a seed no coin is thrown: what is switched off takes no part, all else does.
            coin: Some(wanted.seed.as_deref().map_or(f64::MIN_POSITIVE, coinflip)),
            now_s: Some(app.clock.now_s()),
            most: MOST,
            ..extras.ask()
        };
        // How a form matched is told as a transform.
        let extras = Extras { forms: Forms::default(), ..extras };
        let sender = wanted.sender.map(|text| super::cut(&text)).filter(|text| !text.is_empty());
        Ok(Self { ask, extras, sender, limit })
    }

    /// The state that answers, named once: its generation, the radius in force, the banks that took part.
    pub(super) fn named(&self, state: &LiveState) -> Value {
        let took_part = |bank: &Bank, ratio: f64| {
            bank.kind.makes_known()
                && self.ask.banks.as_ref().is_none_or(|names| names.contains(&bank.name))
                && self.ask.coin.is_none_or(|coin| ratio >= coin)
        };
        let banks: Vec<Value> = state
            .banks()
            .filter(|bank| took_part(&bank.bank, bank.enabled_ratio))
            .map(|bank| {
                json!({
                    "name": bank.bank.name,
                    "kind": bank.bank.kind,
                    "radius_bits": self.ask.radius_bits.unwrap_or(bank.bank.radius_bits),
                    "version": bank.bank.version.number,
                    "entries": bank.bank.version.entries,
                })
            })
            .collect();
        json!({ "generation": state.generation(), "radius_bits": self.ask.radius_bits, "banks": banks })
    }
}
