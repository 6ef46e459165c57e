//! The interfaces that exchanges speak: their fields, types, defaults and help, in one place.
//!
//! The create form, the check of what is given, what is told of an exchange and the clients all read this table. Names,
//! order, help and choices are those of python-threatexchange 1.2.17 and HMA 1.1.7, because clients build forms of them.
//!
//! *Source:* `exchanges/impl/*.py` of python-threatexchange; `utils/exchange_schema.py`, `utils/fetch_benchmarking.py`
//! of HMA; dacite 1.9, whose words a value of a wrong type is refused with.

use lodestone_exchange::client;
use lodestone_types::BankKind;
use serde_json::{Map, Value, json};

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// A text.
    Text,
    /// A text, or null.
    MaybeText,
    /// A whole number.
    Whole,
    /// A number.
    Number,
    /// True or false.
    Flag,
    /// The name, or the address, of one of the interface's environments.
    Environment,
    /// One of these texts; the class that HMA names in its error.
    Choice(&'static str, &'static [&'static str]),
    /// A list of whole numbers without repetition.
    WholeSet,
    /// A list of texts without repetition.
    TextSet,
}

/// What stands where nothing is given.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Preset {
    /// It has to be given.
    Required,
    /// Null.
    Null,
    /// A whole number.
    Whole(i64),
    /// A number.
    Number(f64),
    /// False.
    Off,
    /// No elements.
    Empty,
}

/// A field of a configuration or of credentials.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub kind: FieldKind,
    /// What stands where nothing is given.
    pub default: Preset,
    /// What it is for, in HMA's words.
    pub help: &'static str,
}

/// An interface.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ExchangeApi {
    /// Its name on the wire.
    pub name: &'static str,
    /// Fields of an exchange's configuration, besides `name`, `api` and `enabled`.
    pub config: &'static [Field],
    /// Fields of a configuration that HMA does not have: HMA's routes take them and do not tell them.
    pub beyond: &'static [Field],
    /// Fields of credentials; `None`: it takes none.
    pub credentials: Option<&'static [Field]>,
    /// Fields of credentials that HMA does not have.
    pub more_credentials: &'static [Field],
    /// Whether fetching goes to another server.
    pub network: bool,
}

const fn text(name: &'static str, help: &'static str) -> Field {
    Field { name, kind: FieldKind::Text, default: Preset::Required, help }
}

const fn maybe(name: &'static str, help: &'static str) -> Field {
    Field { name, kind: FieldKind::MaybeText, default: Preset::Null, help }
}

const fn flag(name: &'static str, help: &'static str) -> Field {
    Field { name, kind: FieldKind::Flag, default: Preset::Off, help }
}

const ENVIRONMENT: Field = Field {
    name: "environment",
    kind: FieldKind::Environment,
    default: Preset::Null,
    help: "The service's database by its name. There is no preset: give this or base_url",
};
const BASE_URL: Field = maybe("base_url", "The service's address, in the place of an environment's");
const SEND_VOTES: Field = flag("send_votes", "Opinions on entries go back to the service, in the background");
const DISPUTE_REASONS: Field = Field {
    name: "dispute_reasons",
    kind: FieldKind::TextSet,
    default: Preset::Empty,
    help: "Reasons that disputing votes give, by NCMEC's guids",
};
/// Of a service that has environments.
const AT_SERVICE: &[Field] = &[ENVIRONMENT, BASE_URL];
const AT_VOTED_SERVICE: &[Field] = &[ENVIRONMENT, BASE_URL, SEND_VOTES];
/// Of another server.
const AT_PEER: &[Field] =
    &[text("base_url", "The peer's address"), text("bank", "Which of the peer's banks is fetched")];
const AT_MATCHER: &[Field] = &[text("base_url", "The matcher's address")];
const PEER_TOKEN: &[Field] =
    &[maybe("token", "Sent as Authorization: Bearer; none where nobody is asked for one")];

const fn whole(name: &'static str, default: i64) -> Field {
    Field { name, kind: FieldKind::Whole, default: Preset::Whole(default), help: "" }
}

/// NCMEC's databases, production first. Each has entries of one topic for one kind of member.
pub const NCMEC_ENVIRONMENTS: [&str; 14] = [
    "https://report.cybertip.org/hashsharing",
    "https://report.cybertip.org/exploitative-hashsharing",
    "https://lesp.ncmec.org/csam-hashsharing",
    "https://hashsharing.ncmec.org/npo",
    "https://hashsharing.ncmec.org/exploitative",
    "https://hashsharing.ncmec.org/generative-ai-csam",
    "https://hashsharing.ncmec.org/generative-ai-exploitative",
    "https://exttest.cybertip.org/hashsharing",
    "https://exttest.cybertip.org/exploitative-hashsharing",
    "https://betalesp.ncmec.org/csam-hashsharing",
    "https://hashsharing-test.ncmec.org/npo",
    "https://hashsharing-test.ncmec.org/exploitative",
    "https://hashsharing-test.ncmec.org/generative-ai-csam",
    "https://hashsharing-test.ncmec.org/generative-ai-exploitative",
];

/// How many of [`APIS`] are HMA's.
pub const HMAS: usize = 7;

/// Every interface, in the order in which they are told: those of HMA's example first, ours last.
pub const APIS: [ExchangeApi; 13] = [
    ExchangeApi {
        name: "sample",
        config: &[],
        beyond: &[],
        credentials: None,
        more_credentials: &[],
        network: false,
    },
    ExchangeApi {
        name: "infinite_random",
        config: &[
            whole("new_items_per_fetch_iter", 500),
            whole("new_items_per_fetch", -1),
            whole("total_item_limit", 1_000_000),
            whole("updates_per_fetch_iter", 0),
            whole("deletes_per_fetch_iter", 0),
            Field { name: "sleep_per_iter", kind: FieldKind::Number, default: Preset::Number(0.0), help: "" },
            Field { name: "only_signal_types", kind: FieldKind::TextSet, default: Preset::Empty, help: "" },
        ],
        beyond: &[],
        credentials: None,
        more_credentials: &[],
        network: false,
    },
    ExchangeApi {
        name: "fb_threatexchange",
        config: &[Field {
            name: "privacy_group",
            kind: FieldKind::Whole,
            default: Preset::Required,
            help: "ThreatPrivacyGroup ID for this collaboration",
        }],
        beyond: AT_VOTED_SERVICE,
        credentials: Some(&[text(
            "api_token",
            "Meta app access token. Create one at https://developers.facebook.com/tools/accesstoken/ for your \
             ThreatExchange app.",
        )]),
        more_credentials: &[],
        network: true,
    },
    ExchangeApi {
        name: "ncmec",
        config: &[
            Field {
                name: "environment",
                kind: FieldKind::Choice("NCMECEnvironment", &NCMEC_ENVIRONMENTS),
                default: Preset::Required,
                help: "which database to connect to",
            },
            Field {
                name: "only_esp_ids",
                kind: FieldKind::WholeSet,
                default: Preset::Empty,
                // The slip of spelling is HMA's.
                help: "Only take entries from these eletronic service provider (ESP) ids",
            },
        ],
        beyond: &[ENVIRONMENT, BASE_URL, SEND_VOTES, DISPUTE_REASONS],
        credentials: Some(&[
            text("user", "NCMEC hash sharing API username."),
            text("password", "NCMEC hash sharing API password."),
        ]),
        more_credentials: &[],
        network: true,
    },
    ExchangeApi {
        name: "stop_ncii",
        config: &[],
        beyond: AT_VOTED_SERVICE,
        credentials: Some(&[
            text(
                "fetch_function_key",
                "API key for the Fetch Hashes endpoint. Used when downloading hashes from StopNCII.",
            ),
            text(
                "subscription_key",
                "Azure API Management subscription key. Sent as Ocp-Apim-Subscription-Key on all requests.",
            ),
            Field {
                name: "base_url_override",
                kind: FieldKind::MaybeText,
                default: Preset::Null,
                help: "Optional. Override the API base URL (e.g. for testing). Leave blank to use \
                       https://api.stopncii.org/v1",
            },
        ]),
        more_credentials: &[maybe(
            "feedback_function_key",
            "API key for the feedback endpoint; votes need it",
        )],
        network: true,
    },
    ExchangeApi {
        name: "tat",
        config: &[],
        beyond: AT_SERVICE,
        credentials: Some(&[
            text("username", "Tech Against Terrorism hash list API username."),
            text("password", "Tech Against Terrorism hash list API password."),
        ]),
        more_credentials: &[],
        network: true,
    },
    ExchangeApi {
        name: "local_file",
        config: &[
            text("filename", "the absolute file path to the signal file"),
            Field {
                name: "signal_type",
                kind: FieldKind::MaybeText,
                default: Preset::Null,
                help: "if the file row doesn't list the signal type, interpret as this type \
                       (SignalType.get_name())",
            },
        ],
        beyond: &[],
        credentials: None,
        more_credentials: &[],
        network: false,
    },
    ExchangeApi {
        name: "lodestone",
        config: AT_PEER,
        beyond: &[],
        credentials: Some(PEER_TOKEN),
        more_credentials: &[],
        network: true,
    },
    ExchangeApi {
        name: "hma",
        config: AT_PEER,
        beyond: &[],
        credentials: Some(PEER_TOKEN),
        more_credentials: &[],
        network: true,
    },
    ExchangeApi {
        name: "arachnid",
        config: &[
            ENVIRONMENT,
            BASE_URL,
            flag("send_files", "Files may be sent, where a command asks for that too; else hashes only"),
        ],
        beyond: &[],
        credentials: Some(&[
            text("username", "Arachnid Shield username."),
            text("password", "Arachnid Shield password."),
        ]),
        more_credentials: &[],
        network: true,
    },
    ExchangeApi {
        name: "remote_hma",
        config: AT_MATCHER,
        beyond: &[],
        credentials: Some(PEER_TOKEN),
        more_credentials: &[],
        network: true,
    },
    ExchangeApi {
        name: "remote_lodestone",
        config: AT_MATCHER,
        beyond: &[],
        credentials: Some(PEER_TOKEN),
        more_credentials: &[],
        network: true,
    },
    ExchangeApi {
        name: "remote_matcher",
        config: AT_MATCHER,
        beyond: &[],
        credentials: Some(PEER_TOKEN),
        more_credentials: &[],
        network: true,
    },
];

/// Characters of one value of credentials.
const MAX_CREDENTIAL: usize = 8192;
/// Characters of a text in a configuration.
const MAX_TEXT: usize = 4096;
/// Elements of a set.
const MAX_SET: usize = 10_000;

/// The interface of this name.
pub fn named(name: &str) -> Option<&'static ExchangeApi> {
    APIS.iter().find(|api| api.name == name)
}

/// Why a value is no `true` or `false`, in dacite's words.
pub fn not_a_bool(field: &str, value: &Value) -> String {
    wrong_type(field, "bool", value)
}

fn wrong_type(field: &str, wanted: &str, value: &Value) -> String {
    let (text, python) = python_value(value);
    format!(
        "wrong value type for field \"{field}\" - should be \"{wanted}\" instead of value \"{text}\" of type \"{python}\""
    )
}

impl ExchangeApi {
    /// Its fields, as HMA tells them.
    pub fn schema(&self) -> Value {
        let fields =
            |fields: &[Field]| json!({ "fields": fields.iter().map(Field::told).collect::<Vec<_>>() });
        json!({ "config_schema": fields(self.config), "credentials_schema": self.credentials.map(fields) })
    }

    /// Whether it is asked, and gives no list away.
    pub fn is_matcher(&self) -> bool {
        client::matcher::is_known(self.name)
    }

    /// Its environments, the test twins first.
    pub fn environments(&self) -> &'static [(&'static str, &'static str)] {
        client::environments(self.name)
    }

    /// All fields that its exchanges are made with on our own routes and pages: where it has environments, by their names.
    pub fn own_schema(&self) -> Value {
        let environments: Vec<&str> = self.environments().iter().map(|(name, _)| *name).collect();
        let tell = |field: &Field| {
            let mut told = field.told();
            if field.kind == FieldKind::Environment {
                told["choices"] = json!(environments);
            }
            told
        };
        let fields = |fields: &mut dyn Iterator<Item = &Field>| json!({ "fields": fields.map(tell).collect::<Vec<_>>() });
        let of_credentials =
            |own: &'static [Field]| fields(&mut own.iter().chain(self.more_credentials.iter()));
        json!({
            "api": self.name,
            "network": self.network,
            "remote_matcher": self.is_matcher(),
            "environments": environments,
            "config_schema": fields(&mut self.own_fields()),
            "credentials_schema": self.credentials.map(of_credentials),
        })
    }

    /// Fields of a configuration, one for the environment.
    fn own_fields(&self) -> impl Iterator<Item = &'static Field> {
        let (config, beyond) = (self.config, self.beyond);
        beyond.iter().chain(config.iter().filter(|field| beyond.iter().all(|one| one.name != field.name)))
    }

    /// The fields of a configuration that was given on our own routes and pages. Only known ones are taken: a field that is
    /// misspelt must not look like one that holds.
    ///
    /// # Errors
    /// Which field is missing, unknown or of a wrong type.
    pub fn own_config(&self, given: &Map<String, Value>) -> Result<Map<String, Value>, String> {
        let known: Vec<&str> = self.own_fields().map(|field| field.name).collect();
        if let Some(other) = given.keys().find(|name| !known.contains(&name.as_str())) {
            let other: String = other.chars().take(100).collect();
            return Err(format!("no field {other:?} of {}; known: {}", self.name, known.join(", ")));
        }
        let mut kept = Map::new();
        for field in self.own_fields() {
            let read = read(std::slice::from_ref(field), given, MAX_TEXT).map_err(|wrong| match wrong {
                Wrong::Missing(field) => format!("missing value for field {:?}", field.name),
                Wrong::Value(field, value) => field.refused(&value),
                Wrong::TooLong(field) => format!("the value of field {:?} is too long", field.name),
            })?;
            kept.extend(read.into_iter().filter(|(_, value)| !value.is_null()));
        }
        let named = kept.get("environment").and_then(Value::as_str).map(str::to_owned);
        if let Some(named) =
            named.filter(|_| self.own_fields().any(|field| field.kind == FieldKind::Environment))
        {
            let found = self
                .environments()
                .iter()
                .find(|(name, url)| name.eq_ignore_ascii_case(&named) || *url == named.trim_end_matches('/'));
            let (name, url) = found.ok_or_else(|| {
                let known: Vec<&str> = self.environments().iter().map(|(name, _)| *name).collect();
                format!("no such environment; known: {}", known.join(", "))
            })?;
            // HMA tells NCMEC's by their addresses.
            let in_hma = self.config.iter().any(|field| matches!(field.kind, FieldKind::Choice(..)));
            kept.insert("environment".to_owned(), json!(if in_hma { url } else { name }));
        }
        Ok(kept)
    }

    /// The fields of credentials that were given on our own routes and pages; none: those of the interface are used, where
    /// it has some.
    ///
    /// # Errors
    /// As [`ExchangeApi::credentials`].
    pub fn own_credentials(&self, given: &Map<String, Value>) -> Result<Map<String, Value>, String> {
        if given.is_empty() {
            return Ok(Map::new());
        }
        let mut kept = self.credentials(given)?;
        for field in self.more_credentials {
            if let Some(value) = given.get(field.name) {
                let text = value.as_str().filter(|text| text.len() <= MAX_CREDENTIAL && !text.contains('\0'));
                let text =
                    text.ok_or_else(|| format!("`credential_json` field '{}' must be a string", field.name))?;
                kept.insert(field.name.to_owned(), json!(text));
            }
        }
        kept.retain(|_, value| !value.is_null());
        Ok(kept)
    }

    /// The fields of a configuration that was given, with defaults; others are ignored. The texts are dacite's.
    ///
    /// # Errors
    /// Which field is missing or of a wrong type.
    pub fn config(&self, given: &Map<String, Value>) -> Result<Map<String, Value>, String> {
        read(self.config, given, MAX_TEXT).map_err(|wrong| match wrong {
            Wrong::Missing(field) => format!("missing value for field {:?}", field.name),
            Wrong::Value(field, value) => field.refused(&value),
            Wrong::TooLong(field) => format!("the value of field {:?} is too long", field.name),
        })
    }

    /// An exchange as HMA tells it: fields that have to be given, then what all have, then the others.
    pub fn told(&self, name: &str, enabled: bool, config: &Value) -> Value {
        let of = |field: &Field| {
            (field.name.to_owned(), config.get(field.name).cloned().unwrap_or(field.default.value()))
        };
        let mut told: Map<String, Value> =
            self.config.iter().filter(|field| field.is_required()).map(of).collect();
        told.insert("name".to_owned(), json!(name));
        told.insert("api".to_owned(), json!(self.name));
        told.insert("enabled".to_owned(), json!(enabled));
        told.extend(self.config.iter().filter(|field| !field.is_required()).map(of));
        Value::Object(told)
    }

    /// The fields of credentials that were given; others are ignored. No text repeats a value.
    ///
    /// # Errors
    /// What is wrong, by the names of fields.
    pub fn credentials(&self, given: &Map<String, Value>) -> Result<Map<String, Value>, String> {
        let Some(fields) = self.credentials else {
            return Err(format!("Exchange API '{}' does not support credentials", self.name));
        };
        let kept = read(fields, given, MAX_CREDENTIAL).map_err(|wrong| match wrong {
            Wrong::Missing(_) => {
                let mut missing: Vec<_> = fields
                    .iter()
                    .filter(|field| field.is_required() && !given.contains_key(field.name))
                    .map(|field| format!("'{}'", field.name))
                    .collect();
                missing.sort_unstable();
                format!("`credential_json` is missing required fields: [{}]", missing.join(", "))
            }
            Wrong::Value(field, _) => format!("`credential_json` field '{}' must be a string", field.name),
            Wrong::TooLong(field) => format!("`credential_json` field '{}' is too long", field.name),
        })?;
        for (name, value) in &kept {
            if value.as_str().is_some_and(|text| text.contains('\0')) {
                return Err(format!("`credential_json` field '{name}' contains invalid characters"));
            }
        }
        let empty = |field: &&Field| field.is_required() && kept.get(field.name) == Some(&json!(""));
        match fields.iter().find(empty) {
            Some(field) => Err(format!("`credential_json` field '{}' is empty", field.name)),
            None => Ok(kept),
        }
    }

    /// What the members of an exchange's bank are. NCMEC keeps generated material in databases of its own.
    pub fn bank_kind(&self, config: &Map<String, Value>) -> BankKind {
        let environment = config.get("environment").and_then(Value::as_str).unwrap_or_default();
        match environment.contains("/generative-ai-") {
            true => BankKind::KnownGenerated,
            false => BankKind::default(),
        }
    }
}

enum Wrong {
    Missing(&'static Field),
    Value(&'static Field, Value),
    TooLong(&'static Field),
}

/// The values of fields, in their order, with defaults.
fn read(
    fields: &'static [Field],
    given: &Map<String, Value>,
    max: usize,
) -> Result<Map<String, Value>, Wrong> {
    let mut kept = Map::new();
    for field in fields {
        let value = match given.get(field.name) {
            None if field.is_required() => return Err(Wrong::Missing(field)),
            None => field.default.value(),
            Some(value) => {
                let texts = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
                let long = |text: &Value| text.as_str().is_some_and(|text| text.chars().count() > max);
                if texts.len() > MAX_SET || texts.iter().any(long) {
                    return Err(Wrong::TooLong(field));
                }
                field.kind.read(value).ok_or_else(|| Wrong::Value(field, value.clone()))?
            }
        };
        kept.insert(field.name.to_owned(), value);
    }
    Ok(kept)
}

impl Preset {
    fn value(self) -> Value {
        match self {
            Self::Required | Self::Null => Value::Null,
            Self::Whole(number) => json!(number),
            Self::Number(number) => json!(number),
            Self::Off => json!(false),
            Self::Empty => json!([]),
        }
    }
}

impl FieldKind {
    /// The value, as it is kept, if it is one of this kind.
    fn read(self, value: &Value) -> Option<Value> {
        let fits = match self {
            Self::Text => value.is_string(),
            Self::MaybeText | Self::Environment => value.is_string() || value.is_null(),
            Self::Flag => value.is_boolean(),
            Self::Whole => is_whole(value),
            Self::Number => value.is_number(),
            Self::Choice(_, choices) => value.as_str().is_some_and(|text| choices.contains(&text)),
            Self::WholeSet => return set(value, is_whole),
            Self::TextSet => return set(value, Value::is_string),
        };
        fits.then(|| value.clone())
    }

    fn name(self) -> &'static str {
        match self {
            Self::Text | Self::MaybeText => "string",
            Self::Whole | Self::Number => "number",
            Self::Choice(..) | Self::Environment => "enum",
            Self::Flag => "boolean",
            Self::WholeSet => "set_of_number",
            Self::TextSet => "set_of_string",
        }
    }

    fn python_name(self) -> &'static str {
        match self {
            Self::Text => "str",
            Self::MaybeText | Self::Environment => "typing.Optional[str]",
            Self::Flag => "bool",
            Self::Whole => "int",
            Self::Number => "float",
            Self::Choice(class, _) => class,
            Self::WholeSet | Self::TextSet => "Set",
        }
    }
}

fn is_whole(value: &Value) -> bool {
    value.is_i64() || value.is_u64()
}

/// A list without repetition, sorted.
fn set(value: &Value, fits: impl Fn(&Value) -> bool) -> Option<Value> {
    let mut members = value.as_array()?.clone();
    if !members.iter().all(fits) {
        return None;
    }
    members.sort_by(|a, b| match (a.as_i64(), b.as_i64()) {
        (Some(a), Some(b)) => a.cmp(&b),
        _ => a.as_str().cmp(&b.as_str()),
    });
    members.dedup();
    Some(Value::Array(members))
}

impl Field {
    /// Whether it has to be given.
    pub fn is_required(&self) -> bool {
        self.default == Preset::Required
    }

    fn told(&self) -> Value {
        let choices = match self.kind {
            FieldKind::Choice(_, choices) => json!(choices),
            _ => Value::Null,
        };
        json!({
            "name": self.name,
            "type": self.kind.name(),
            "required": self.is_required(),
            "default": self.default.value(),
            "help": self.help,
            "choices": choices,
        })
    }

    /// Why a value is refused, in dacite's words.
    fn refused(&self, value: &Value) -> String {
        let (text, python) = python_value(value);
        match self.kind {
            FieldKind::Choice(class, _) if value.is_string() => format!("'{text}' is not a valid {class}"),
            FieldKind::Choice(class, _) => format!("{text} is not a valid {class}"),
            FieldKind::WholeSet | FieldKind::TextSet if !value.is_array() => match value.is_string() {
                false => format!("'{python}' object is not iterable"),
                true => format!("wrong value type for field {:?} - should be \"Set\"", self.name),
            },
            kind => wrong_type(self.name, kind.python_name(), value),
        }
    }
}

/// A value and its type, as Python writes them; of long ones the beginning. What a list holds is left in JSON.
fn python_value(value: &Value) -> (String, &'static str) {
    let (text, python) = match value {
        Value::Null => ("None".to_owned(), "NoneType"),
        Value::Bool(true) => ("True".to_owned(), "bool"),
        Value::Bool(false) => ("False".to_owned(), "bool"),
        Value::Number(number) if number.is_f64() => (value.to_string(), "float"),
        Value::Number(_) => (value.to_string(), "int"),
        Value::String(text) => (text.clone(), "str"),
        Value::Array(_) => (value.to_string().replace('"', "'"), "list"),
        Value::Object(_) => (value.to_string().replace('"', "'").replace("':", "': "), "dict"),
    };
    (text.chars().take(200).collect(), python)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made by python-threatexchange 1.2.17 and HMA 1.1.7's schemas: `{schemas, configs: [[api, given, told, error]], …}`.
    const GOLDEN: &str = include_str!("../tests/fixtures/exchange_apis.json");

    fn golden() -> Value {
        serde_json::from_str(GOLDEN).unwrap()
    }

    #[test]
    fn schemas_are_those_of_hma() {
        let golden = golden();
        let schemas = golden["schemas"].as_object().unwrap();
        assert_eq!(schemas.len(), HMAS);
        assert!(APIS[..HMAS].iter().all(|api| schemas.contains_key(api.name)));
        for (name, schema) in schemas {
            assert_eq!(&named(name).unwrap().schema(), schema, "{name}");
        }
        assert!(named("iwf").is_none());
    }

    #[test]
    fn configurations_are_read_and_told_as_in_hma() {
        let golden = golden();
        let cases = golden["configs"].as_array().unwrap();
        assert!(cases.len() > 30);
        for case in cases {
            let api = named(case[0].as_str().unwrap()).unwrap();
            let mut given = case[1].as_object().unwrap().clone();
            let enabled = given.remove("enabled").unwrap_or(json!(true));
            let config = api.config(&given);
            match (&config, case[3].as_str()) {
                (Ok(config), None) => {
                    let told = api.told("A", enabled.as_bool().unwrap(), &json!(config));
                    let text = crate::hma_json::to_indented(&told);
                    assert_eq!(text, case[2].as_str().unwrap(), "{case}");
                }
                (Err(own), Some(error)) => assert_eq!(own, error, "{case}"),
                _ => panic!("{config:?} instead of {case}"),
            }
        }
    }

    #[test]
    fn what_hma_takes_by_accident_is_refused() {
        let (random, ncmec) = (named("infinite_random").unwrap(), named("ncmec").unwrap());
        let of = |value: Value| value.as_object().unwrap().clone();
        assert!(random.config(&of(json!({ "only_signal_types": "pdq" }))).is_err());
        assert!(random.config(&of(json!({ "only_signal_types": [3] }))).is_err());
        assert!(random.config(&of(json!({ "sleep_per_iter": true }))).is_err());
        let group = json!({ "privacy_group": true });
        assert!(named("fb_threatexchange").unwrap().config(&of(group)).is_err());
        for ids in [json!("12"), json!(["12"]), json!([1.5]), json!([true]), json!({ "1": 2 }), json!([[1]])]
        {
            let given = of(json!({ "environment": NCMEC_ENVIRONMENTS[0], "only_esp_ids": ids }));
            assert!(ncmec.config(&given).is_err(), "{ids}");
        }
        let long = of(json!({ "filename": "x".repeat(5000) }));
        assert!(named("local_file").unwrap().config(&long).is_err());
    }

    #[test]
    fn credentials_are_checked_and_never_repeated() {
        let golden = golden();
        for case in golden["credentials"].as_array().unwrap() {
            let api = named(case[0].as_str().unwrap()).unwrap();
            let kept = api.credentials(case[1].as_object().unwrap());
            assert_eq!(kept.is_ok(), case[3].is_null(), "{case}");
            if let Ok(kept) = kept {
                assert_eq!(json!(kept), case[2], "{case}");
            }
        }
        let secret = "never shown";
        for bad in [
            json!({ "user": [secret], "password": secret }),
            json!({ "user": secret }),
            json!({ "user": secret, "password": "" }),
            json!({ "user": secret, "password": format!("{secret}\0") }),
            json!({ "user": secret, "password": secret.repeat(1000) }),
        ] {
            let error = named("ncmec").unwrap().credentials(bad.as_object().unwrap()).unwrap_err();
            assert!(!error.contains(secret), "{error}");
        }
        let none = named("sample").unwrap().credentials(&Map::new()).unwrap_err();
        assert_eq!(none, "Exchange API 'sample' does not support credentials");
    }

    #[test]
    fn environments_are_named_test_twins_first_and_no_place_is_preset() {
        for api in APIS.iter().filter(|api| api.network) {
            let schema = api.own_schema();
            let fields = schema["config_schema"]["fields"].as_array().unwrap();
            let of = |name: &str| fields.iter().filter(|field| field["name"] == name).collect::<Vec<_>>();
            assert_eq!(of("base_url").len(), 1, "{}", api.name);
            assert!(fields.iter().all(|field| !field["default"].to_string().contains("http")), "{schema}");
            match of("environment").as_slice() {
                [] => assert!(api.environments().is_empty()),
                [one] => assert_eq!(one["choices"], schema["environments"]),
                many => panic!("{many:?}"),
            }
        }
        let ncmec = named("ncmec").unwrap().own_schema();
        assert_eq!(ncmec["environments"][0], "test_Industry");
        let matchers = APIS.iter().filter(|api| api.is_matcher());
        assert_eq!(matchers.count(), client::matcher::names().count());
        for api in client::apis().chain(client::matcher::names()) {
            assert!(named(api).is_some_and(|api| api.network), "{api}");
        }
    }

    #[test]
    fn our_own_configurations_take_names_of_environments_and_refuse_what_is_misspelt() {
        let of = |api: &str, value: Value| named(api).unwrap().own_config(value.as_object().unwrap());
        let ncmec = of("ncmec", json!({ "environment": "test_Industry", "only_esp_ids": [2, 1] })).unwrap();
        assert_eq!(
            json!(ncmec),
            json!({ "environment": "https://exttest.cybertip.org/hashsharing", "only_esp_ids": [1, 2],
                    "send_votes": false, "dispute_reasons": [] })
        );
        assert!(of("ncmec", json!({ "environment": "nowhere" })).unwrap_err().contains("test_Industry"));
        let tat = of("tat", json!({ "environment": "production" })).unwrap();
        assert_eq!(tat["environment"], "production");
        let peer = json!({ "base_url": "https://lists.invalid", "bank": "B" });
        assert_eq!(json!(of("lodestone", peer.clone()).unwrap()), peer);
        assert!(
            of("lodestone", json!({ "base_url": "https://lists.invalid" })).unwrap_err().contains("bank")
        );
        assert!(of("arachnid", json!({ "send_flies": true })).unwrap_err().contains("send_files"));
        assert!(of("arachnid", json!({ "send_files": "true" })).is_err());
        assert!(of("tat", json!({ "operator": true })).is_err());
    }

    #[test]
    fn credentials_of_an_exchange_may_hold_more_than_hmas() {
        let stop = named("stop_ncii").unwrap();
        let given =
            json!({ "fetch_function_key": "a", "subscription_key": "b", "feedback_function_key": "c" });
        let kept = stop.own_credentials(given.as_object().unwrap()).unwrap();
        assert_eq!(json!(kept), given);
        assert!(!stop.credentials(given.as_object().unwrap()).unwrap().contains_key("feedback_function_key"));
        assert!(stop.own_credentials(&Map::new()).unwrap().is_empty());
        let token = json!({ "token": "t" });
        assert_eq!(
            json!(named("remote_hma").unwrap().own_credentials(token.as_object().unwrap()).unwrap()),
            token
        );
    }

    #[test]
    fn banks_of_generated_material_are_of_that_kind() {
        let ncmec = named("ncmec").unwrap();
        let generated = NCMEC_ENVIRONMENTS.iter().filter(|environment| {
            let config = json!({ "environment": environment });
            ncmec.bank_kind(config.as_object().unwrap()) == BankKind::KnownGenerated
        });
        assert_eq!(generated.count(), 4);
    }
}
