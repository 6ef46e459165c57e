//! What an answer holds beyond HMA's, only when asked for: `radius`, `forms`, `include`, `review`.

use std::collections::BTreeMap;

use lodestone_store::{Content, Store};
use lodestone_types::{Dihedral, Signal, Standing};
use serde_json::{Map, Value, json};

use crate::App;
use crate::auth::{Caller, Role};
use crate::error::ApiError;
use crate::http::params::Params;
use crate::lookup::{Ask, Forms, Found, Most};

/// What was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extras {
    /// PDQ distance instead of the banks' own.
    pub radius_bits: Option<u32>,
    /// Forms beside the picture as it is.
    pub forms: Forms,
    /// More of each match.
    pub include: Vec<Include>,
    /// Also what is for a person to look at, and says so.
    pub review: bool,
}

/// More of a match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Include {
    /// All signals of the content.
    Signals,
    /// The list's classification.
    Classification,
    /// The list's tags.
    Tags,
    /// Which list or exchange the bank comes from.
    Source,
    /// The note of who added it.
    Note,
    /// How many people, and members of its exchange, confirm and dispute it.
    Opinions,
    /// What the bank's members are.
    Kind,
}

/// Largest radius. *See* `lodestone_store`: beyond it half of all unrelated pictures come near.
const MAX_RADIUS: u32 = 64;

impl Extras {
    /// From a query string.
    ///
    /// # Errors
    /// 400 for a value that is none of those.
    pub fn of(params: &Params) -> Result<Self, ApiError> {
        let radius =
            params.filled("radius").map(|text| text.parse().map_err(|_| bad_radius())).transpose()?;
        let review = match params.filled("review") {
            None => false,
            Some(text) if text.eq_ignore_ascii_case("true") => true,
            Some(text) if text.eq_ignore_ascii_case("false") => false,
            Some(_) => return Err(ApiError::bad("review must be true or false")),
        };
        let extras = Self::new(radius, words(params.get("forms")), words(params.get("include")))?;
        Ok(Self { review, ..extras })
    }

    /// From a radius and the names of forms and of what to include.
    ///
    /// # Errors
    /// 400 for a value that is none of those.
    pub fn new<'w>(
        radius_bits: Option<u32>,
        forms: impl Iterator<Item = &'w str>,
        include: impl Iterator<Item = &'w str>,
    ) -> Result<Self, ApiError> {
        let mut extras = Self { radius_bits, ..Self::default() };
        if radius_bits.is_some_and(|radius| radius > MAX_RADIUS) {
            return Err(bad_radius());
        }
        for form in forms {
            match form {
                "dihedral" => extras.forms.dihedral = true,
                "negative" => extras.forms.negative = true,
                other => return Err(ApiError::bad(format!("no form '{other}': dihedral, negative"))),
            }
        }
        for word in include {
            let more = match word {
                "signals" => Include::Signals,
                "classification" => Include::Classification,
                "tags" => Include::Tags,
                "source" => Include::Source,
                "note" => Include::Note,
                "opinions" => Include::Opinions,
                "kind" => Include::Kind,
                other => {
                    let known = "signals, classification, tags, source, note, opinions, kind";
                    return Err(ApiError::bad(format!("nothing to include is called '{other}': {known}")));
                }
            };
            if !extras.include.contains(&more) {
                extras.include.push(more);
            }
        }
        Ok(extras)
    }

    /// A look-up with radius and forms as asked for.
    pub fn ask(&self) -> Ask {
        let most = match self.include.is_empty() {
            true => Most::default(),
            // What is included takes kilobytes each.
            false => Most { of_a_bank: 1_000, in_all: 10_000 },
        };
        Ask { radius_bits: self.radius_bits, forms: self.forms, most, ..Ask::default() }
    }

    /// Refuses what a key may not see: whoever may only look up need not learn the lists' hashes, nor what people wrote of
    /// them. `curate` and `audit` see both anyway.
    ///
    /// # Errors
    /// 403.
    pub fn check(&self, app: &App, caller: &Caller) -> Result<(), ApiError> {
        let guarded = self.include.iter().any(|one| matches!(one, Include::Signals | Include::Note));
        if !guarded || app.config.open {
            return Ok(());
        }
        let now_us = app.clock.now_us();
        let may = |role| app.keys.check_id(&caller.key, Some(role), now_us).is_ok();
        match may(Role::Curate) || may(Role::Audit) {
            true => Ok(()),
            // Clients look for HMA's "missing role" in this.
            false => {
                Err(ApiError::forbidden("this key is missing role curate or audit, for signals and notes"))
            }
        }
    }

    /// Numbers of the entries that the store is asked for.
    fn stored(&self, found: &[Found]) -> Option<Vec<u64>> {
        let stored = [Include::Signals, Include::Classification, Include::Tags, Include::Note];
        let asks = !found.is_empty() && self.include.iter().any(|one| stored.contains(one));
        asks.then(|| found.iter().map(|one| one.entry_no).collect())
    }

    /// Whether matches say in which form they matched.
    pub fn wants_forms(&self) -> bool {
        self.forms != Forms::default()
    }
}

fn bad_radius() -> ApiError {
    ApiError::bad(format!("radius must be a whole number from 0 to {MAX_RADIUS}"))
}

/// The words of a list with commas.
pub(crate) fn words(text: Option<&str>) -> impl Iterator<Item = &str> {
    text.unwrap_or_default().split(',').map(str::trim).filter(|word| !word.is_empty())
}

/// What each match holds beyond id and distance. Reads the store for what look-ups do not keep in memory.
///
/// # Errors
/// The store's.
pub async fn of(app: &App, found: &[Found], extras: &Extras) -> Result<Vec<Map<String, Value>>, ApiError> {
    let contents = match extras.stored(found) {
        Some(numbers) => app.readers.read(move |store| contents(store, &numbers)).await?,
        None => BTreeMap::new(),
    };
    Ok(dressed(app, found, extras, &contents))
}

/// As [`of`], for threads that may wait.
///
/// # Errors
/// As there.
pub fn of_now(app: &App, found: &[Found], extras: &Extras) -> Result<Vec<Map<String, Value>>, ApiError> {
    let contents = match extras.stored(found) {
        Some(numbers) => app.readers.read_now(|store| contents(store, &numbers))?,
        None => BTreeMap::new(),
    };
    Ok(dressed(app, found, extras, &contents))
}

fn contents(store: &Store, numbers: &[u64]) -> Result<BTreeMap<u64, Content>, ApiError> {
    let mut contents = BTreeMap::new();
    for no in numbers {
        if let Some(content) = store.content_by_no(i64::try_from(*no).unwrap_or(i64::MAX))? {
            contents.insert(*no, content);
        }
    }
    Ok(contents)
}

fn dressed(
    app: &App,
    found: &[Found],
    extras: &Extras,
    contents: &BTreeMap<u64, Content>,
) -> Vec<Map<String, Value>> {
    let mut more: Vec<Map<String, Value>> = found.iter().map(|one| forms(one, extras)).collect();
    if extras.include.is_empty() {
        return more;
    }
    let state = app.view.now();
    for (one, object) in found.iter().zip(&mut more) {
        let content = contents.get(&one.entry_no);
        for include in &extras.include {
            let (name, value) = match include {
                Include::Signals => ("signals", content.map_or(json!({}), |c| signals(&c.entry.row.signals))),
                Include::Classification => {
                    ("classification", json!(content.and_then(|c| c.entry.row.classification.clone())))
                }
                Include::Tags => {
                    ("tags", json!(content.map(|c| c.entry.row.tags.clone()).unwrap_or_default()))
                }
                Include::Note => ("note", json!(content.and_then(|c| c.note.clone()))),
                Include::Source => ("source", json!(one.bank.bank.source)),
                Include::Kind => ("kind", json!(one.bank.bank.kind.as_str())),
                Include::Opinions => {
                    let said = state.said_of(one.entry_no);
                    ("opinions", json!({ "confirm": said.confirms, "dispute": said.disputes }))
                }
            };
            object.insert(name.to_owned(), value);
        }
    }
    more
}

fn forms(found: &Found, extras: &Extras) -> Map<String, Value> {
    let mut object = Map::new();
    if extras.wants_forms() {
        if found.dihedral != Dihedral::AsIs {
            object.insert("dihedral".to_owned(), json!(found.dihedral));
        }
        if found.negative {
            object.insert("negative".to_owned(), json!(true));
        }
    }
    if extras.review && found.standing != Standing::Match {
        object.insert("standing".to_owned(), json!(found.standing));
    }
    object
}

/// Signals by type, as HMA writes them; of several values of a type the first.
pub fn signals(signals: &[Signal]) -> Value {
    let mut by_type = BTreeMap::new();
    for signal in signals {
        by_type.entry(signal.kind().as_str()).or_insert_with(|| signal.to_text());
    }
    json!(by_type)
}
