//! `/v1/banks`: banks with all their facts.

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use lodestone_engine::derive::Layers;
use lodestone_store::{BankChange, Store, StoreError, StoredBank};
use lodestone_types::bank::DEFAULT_RADIUS_BITS;
use lodestone_types::{BankKind, SignalType};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use crate::App;
use crate::audit;
use crate::auth::{Caller, Role};
use crate::derived;
use crate::error::ApiError;
use crate::hma::banks::{check_ratio, taken};
use crate::http::params::Params;
use crate::route::{About, For, Routes, Takes};
use crate::rules::rename_bank;
use crate::v1::{Compact, cut, field, json as json_body, limit, ok, query};

/// Banks of one page.
const BANKS: usize = 1000;
/// Contents named whose local features cannot be used.
const UNREADABLE: usize = 16;

const NAME: &str = "1 to 255 of A-Z a-z 0-9 _ . -";
const KIND: Takes = field(
    "kind",
    "string",
    false,
    "known-real, known-generated, known-edited, related-not-illegal, own, negative, known-good",
);
const RADIUS: Takes =
    field("radius_bits", "integer", false, "PDQ distance up to which content matches, 0 to 64; 31");
const RATIO: Takes = field("enabled_ratio", "number", false, "Share of look-ups it takes part in, 0 to 1");
const LAYERS: Takes = field(
    "layers",
    "array",
    false,
    "Layers by which look-ups of files look for its pictures: numbers of 1, 2, 3; 1 is always among them",
);
const PHOTODNA: Takes = field(
    "photodna_max_distance",
    "integer",
    false,
    "Squared distance of PhotoDNA values; null: equal ones only",
);

const MEMBERS: Takes = field(
    "members_needed",
    "integer",
    false,
    "Members that have to list or confirm a value before its matches stand: else they are for a person to look at; 0 asks \
     for nothing",
);
const CONFIRMATIONS: Takes = field(
    "confirmations_needed",
    "integer",
    false,
    "Members or people that confirm it, which suffice as well; 0 asks for nothing",
);

pub(super) fn routes(routes: Routes) -> Routes {
    let allowed = For::Role(Role::Curate);
    routes
        .get(
            "/v1/banks",
            allowed,
            About {
                summary: "All banks, by name, with kind, radius, ratio, source, version and signals by type",
                takes: const { &[
                    query("after", "string", "Name after which to go on"),
                    query("limit", "integer", "Banks a page, 1 to 1000"),
                ] },
                answers: &[(200, "banks, and in `next` where to go on"), (400, "A parameter cannot be used")],
            },
            list,
        )
        .post(
            "/v1/banks",
            allowed,
            About {
                summary: "Makes a bank; `negative` banks hold confirmed false alarms, `known-good` ones system files",
                takes: const {
                    &[field("name", "string", true, NAME), KIND, RADIUS, RATIO, LAYERS, PHOTODNA, MEMBERS, CONFIRMATIONS]
                },
                answers: &[(201, "The bank"), (400, "A field cannot be used"), (403, "The name is taken")],
            },
            create,
        )
        .get(
            "/v1/banks/{name}",
            allowed,
            About { summary: "A bank", takes: &[], answers: &[(200, "The bank"), (404, "No such bank")] },
            show,
        )
        .on(
            Method::PATCH,
            "/v1/banks/{name}",
            allowed,
            About {
                summary: "Changes a bank. One that has content does not change between known and negative or known-good: \
                          what it knows would be hidden",
                takes: const {
                    &[field("name", "string", false, NAME), KIND, RADIUS, RATIO, LAYERS, PHOTODNA, MEMBERS, CONFIRMATIONS]
                },
                answers: &[
                    (200, "The bank"),
                    (400, "A field cannot be used"),
                    (403, "The name is taken"),
                    (404, "No such bank"),
                ],
            },
            change,
        )
        .delete(
            "/v1/banks/{name}",
            allowed,
            About {
                summary: "Deletes a bank with its content, and the exchange that fills it",
                takes: &[],
                answers: &[(200, "How many contents it had"), (404, "No such bank")],
            },
            delete,
        )
}

/// A bank with all its facts.
fn told(store: &Store, stored: &StoredBank) -> Result<Value, StoreError> {
    let counts = store.signal_counts(&stored.bank.name)?;
    let signals: Vec<(SignalType, u64)> = counts.into_iter().collect();
    Ok(told_with(stored, &signals))
}

fn told_with(stored: &StoredBank, signals: &[(SignalType, u64)]) -> Value {
    let bank = &stored.bank;
    let by_type: serde_json::Map<String, Value> =
        signals.iter().map(|(kind, count)| (kind.as_str().to_owned(), json!(count))).collect();
    json!({
        "name": bank.name,
        "kind": bank.kind,
        "radius_bits": bank.radius_bits,
        "photodna_max_distance": bank.photodna_max_distance,
        "enabled_ratio": stored.enabled_ratio,
        "layers": Layers::from_bits(stored.layers).numbers(),
        "members_needed": stored.members_needed,
        "confirmations_needed": stored.confirmations_needed,
        "source": bank.source,
        "version": bank.version.number,
        "list_sha256": Some(&bank.version.sha256).filter(|sha256| !sha256.is_empty()),
        "entries": bank.version.entries,
        "signals": by_type,
        "created_us": stored.created_us,
    })
}

/// The facts of a bank, or 404.
async fn one(app: &App, name: String) -> Result<Value, ApiError> {
    let (mut object, number) = app
        .readers
        .read(move |store| {
            let stored = store.stored_bank(&name)?;
            Ok((told(store, &stored)?, stored.number.unsigned_abs()))
        })
        .await?;
    let (state, known) = (app.view.now(), app.pictures.now());
    if known.banks().contains_key(&number) {
        object["features"] = derived::told::features(app, &state, number);
        let of_bank = |no: &u64| state.bank_of(*no).is_some_and(|bank| bank.number == number);
        let ids: Vec<u64> = known
            .unreadable()
            .filter(of_bank)
            .filter_map(|no| state.content_id(no))
            .take(UNREADABLE)
            .collect();
        if !ids.is_empty() {
            object["features"]["unreadable_ids"] = json!(ids);
        }
    }
    Ok(object)
}

/// Layers as they are given, for the store.
fn layers(given: Option<&[u8]>) -> Result<Option<u8>, ApiError> {
    let Some(given) = given else { return Ok(None) };
    let words: Vec<String> = given.iter().map(u8::to_string).collect();
    let layers: Layers = words.join(",").parse().map_err(|error: String| ApiError::bad(cut(&error)))?;
    Ok(Some(layers.and(Layers::WHOLE).bits()))
}

async fn list(State(app): State<App>, params: Params) -> Result<Response, ApiError> {
    let limit = limit(params.filled("limit"), BANKS, BANKS)?;
    let after = params.get("after").unwrap_or_default().to_owned();
    let (banks, next) = app
        .readers
        .read(move |store| {
            let all = store.stored_banks()?;
            let mut rest = all.iter().filter(|stored| stored.bank.name > after);
            let page: Vec<&StoredBank> = rest.by_ref().take(limit).collect();
            let next = page.last().map(|last| last.bank.name.clone()).filter(|_| rest.next().is_some());
            let banks = page.into_iter().map(|stored| told(store, stored)).collect::<Result<Vec<_>, _>>()?;
            Ok((banks, next))
        })
        .await?;
    let generation = app.view.now().generation();
    Ok(ok(json!({ "generation": generation, "banks": banks, "next": next })))
}

async fn show(State(app): State<App>, Path(name): Path<String>) -> Result<Response, ApiError> {
    Ok(ok(one(&app, name).await?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct New {
    name: String,
    #[serde(default)]
    kind: Option<String>,
    #[serde(default, alias = "radius")]
    radius_bits: Option<u32>,
    #[serde(default)]
    enabled_ratio: Option<f64>,
    #[serde(default)]
    layers: Option<Vec<u8>>,
    #[serde(default)]
    photodna_max_distance: Option<u32>,
    #[serde(default)]
    members_needed: Option<u32>,
    #[serde(default)]
    confirmations_needed: Option<u32>,
}

fn kind(text: Option<&str>) -> Result<Option<BankKind>, ApiError> {
    text.map(|text| text.parse().map_err(|error: String| ApiError::bad(cut(&error)))).transpose()
}

async fn create(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let new: New = json_body(&app, &headers, body).await?;
    let kind = kind(new.kind.as_deref())?.unwrap_or_default();
    let ratio = new.enabled_ratio.map(check_ratio).transpose()?;
    let layers = layers(new.layers.as_deref())?;
    let stored = app
        .writer
        .write(move |batch| {
            let radius_bits = new.radius_bits.unwrap_or(DEFAULT_RADIUS_BITS);
            batch
                .create_bank(&new.name, kind, radius_bits, "api")
                .map_err(|error| taken(error, "Bank already exists"))?;
            let change = BankChange {
                enabled_ratio: ratio,
                photodna_max_distance: new.photodna_max_distance.map(Some),
                layers,
                members_needed: new.members_needed,
                confirmations_needed: new.confirmations_needed,
                ..BankChange::default()
            };
            let stored = batch.change_bank(&new.name, &change)?;
            audit::note(batch, &caller, "bank.create", &told_with(&stored, &[]))?;
            Ok(stored)
        })
        .await?;
    Ok(Compact(StatusCode::CREATED, told_with(&stored, &[])).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Changed {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    kind: Option<String>,
    #[serde(default, alias = "radius")]
    radius_bits: Option<u32>,
    #[serde(default)]
    enabled_ratio: Option<f64>,
    #[serde(default)]
    layers: Option<Vec<u8>>,
    /// Outside, `None`: not named; inside: null.
    #[serde(default, deserialize_with = "named")]
    photodna_max_distance: Option<Option<u32>>,
    #[serde(default)]
    members_needed: Option<u32>,
    #[serde(default)]
    confirmations_needed: Option<u32>,
}

/// A field that is there, even if it is null.
fn named<'de, D: Deserializer<'de>>(input: D) -> Result<Option<Option<u32>>, D::Error> {
    Option::deserialize(input).map(Some)
}

async fn change(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let changed: Changed = json_body(&app, &headers, body).await?;
    let kind = kind(changed.kind.as_deref())?;
    let ratio = changed.enabled_ratio.map(check_ratio).transpose()?;
    let layers = layers(changed.layers.as_deref())?;
    let written = app
        .writer
        .write(move |batch| {
            let before = batch.bank(&name)?;
            check_kind(&before, kind)?;
            let change = BankChange {
                name: changed.name.as_deref(),
                kind,
                radius_bits: changed.radius_bits,
                photodna_max_distance: changed.photodna_max_distance,
                enabled_ratio: ratio,
                layers,
                members_needed: changed.members_needed,
                confirmations_needed: changed.confirmations_needed,
            };
            let stored = batch
                .change_bank(&name, &change)
                .map_err(|error| taken(error, "Bank name already exists"))?;
            let rules = rename_bank(batch, &name, &stored.bank.name)?;
            let object = json!({ "bank": name, "after": told_with(&stored, &[]), "rules": rules });
            audit::note(batch, &caller, "bank.change", &object)?;
            Ok(stored.bank.name)
        })
        .await;
    // Whatever the writer says of the index: rules follow a bank whose new name was kept.
    app.load_rules().await?;
    Ok(ok(one(&app, written?).await?))
}

/// Refuses to turn what is known into what suppresses, and back.
fn check_kind(before: &StoredBank, kind: Option<BankKind>) -> Result<(), ApiError> {
    let turned = kind.is_some_and(|kind| kind.makes_known() != before.bank.kind.makes_known());
    if turned && before.bank.version.entries > 0 {
        let was = before.bank.kind;
        return Err(ApiError::bad(format!(
            "the bank has content and is {was}: make another bank for what is to be matched otherwise"
        )));
    }
    Ok(())
}

async fn delete(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
) -> Result<Response, ApiError> {
    let entries = app
        .writer
        .write(move |batch| {
            let entries = batch.bank(&name)?.bank.version.entries;
            batch.delete_bank(&name)?;
            audit::note(batch, &caller, "bank.delete", &json!({ "bank": name, "entries": entries }))?;
            Ok(entries)
        })
        .await?;
    Ok(ok(json!({ "deleted_entries": entries })))
}

#[cfg(test)]
mod tests {
    use lodestone_types::{Bank, ListVersion};

    use super::*;

    fn stored(kind: BankKind, entries: u64) -> StoredBank {
        let version = ListVersion { number: 1, sha256: String::new(), entries };
        let bank = Bank {
            name: "A".into(),
            kind,
            radius_bits: 31,
            photodna_max_distance: None,
            source: "api".into(),
            version,
        };
        StoredBank {
            number: 1,
            bank,
            enabled_ratio: 1.0,
            layers: 1,
            members_needed: 0,
            confirmations_needed: 0,
            created_us: 0,
        }
    }

    #[test]
    fn what_is_known_does_not_turn_into_what_suppresses() {
        assert!(check_kind(&stored(BankKind::KnownReal, 1), Some(BankKind::Negative)).is_err());
        assert!(check_kind(&stored(BankKind::KnownGood, 1), Some(BankKind::Own)).is_err());
        assert!(check_kind(&stored(BankKind::KnownReal, 0), Some(BankKind::Negative)).is_ok());
        assert!(check_kind(&stored(BankKind::KnownReal, 1), Some(BankKind::KnownGenerated)).is_ok());
        assert!(check_kind(&stored(BankKind::KnownReal, 1), None).is_ok());
    }

    #[test]
    fn a_field_that_is_null_is_told_from_one_that_is_not_there() {
        let of = |text| serde_json::from_str::<Changed>(text).map(|changed| changed.photodna_max_distance);
        assert_eq!(of("{}").unwrap(), None);
        assert_eq!(of(r#"{"photodna_max_distance":null}"#).unwrap(), Some(None));
        assert_eq!(of(r#"{"photodna_max_distance":5}"#).unwrap(), Some(Some(5)));
        assert!(of(r#"{"radius_bit":5}"#).is_err());
    }

    #[test]
    fn a_bank_is_told_with_its_counts() {
        let told = told_with(&stored(BankKind::Negative, 3), &[(SignalType::Pdq, 3)]);
        insta::assert_snapshot!(told.to_string(), @r#"{"name":"A","kind":"negative","radius_bits":31,"photodna_max_distance":null,"enabled_ratio":1.0,"layers":[1],"members_needed":0,"confirmations_needed":0,"source":"api","version":1,"list_sha256":null,"entries":3,"signals":{"pdq":3},"created_us":0}"#);
    }
}
