//! Fields of one request, asked for by name and type.

use serde_json::{Map, Value};

use super::body;
use super::errors::{SchemaError, SchemaErrors, echo, short};
use super::scalars::{self, Wrong};

/// The fields of a request: its JSON object, or its query. Ask for them within [`Fields::read`], in the order in which
/// HMA's model declares them; each question answers something, and what did not fit is gathered. Asking costs the size
/// of the field; a missing one repeats the request, or its beginning, in its error, once for each.
#[derive(Debug)]
pub struct Fields {
    fields: Map<String, Value>,
    errors: SchemaErrors,
}

impl Fields {
    /// Fields of a JSON body. `model` is the name of HMA's schema, which stands in the error for a body that is no
    /// object. A body that is no JSON, or not declared as JSON, is treated as `null`, as flask-openapi3 does.
    ///
    /// # Errors
    /// [`SchemaErrors`] for anything but an object.
    pub fn from_json(model: &str, content_type: Option<&str>, body: &[u8]) -> Result<Self, SchemaErrors> {
        body::object(model, content_type, body).map(Self::from_object)
    }

    /// Fields of a query, as [`super::pairs`] splits it. Of several values of one name the first counts.
    /// `declared` are the names of HMA's model in their order: errors repeat those first.
    pub fn from_query(declared: &[&str], pairs: &[(String, String)]) -> Self {
        let mut fields = Map::new();
        let first = |name: &str| pairs.iter().find(|pair| pair.0 == name);
        let known = declared.iter().filter_map(|name| first(name));
        for (name, value) in known.chain(pairs) {
            if !fields.contains_key(name) {
                fields.insert(name.clone(), Value::String(value.clone()));
            }
        }
        Self::from_object(fields)
    }

    /// Fields of an object that was read already.
    pub fn from_object(fields: Map<String, Value>) -> Self {
        Self { fields, errors: SchemaErrors::default() }
    }

    /// What `ask` makes of the fields, if all that it asked for was there and fitted.
    ///
    /// # Errors
    /// [`SchemaErrors`], in the order in which was asked.
    pub fn read<T>(mut self, ask: impl FnOnce(&mut Self) -> T) -> Result<T, SchemaErrors> {
        let answer = ask(&mut self);
        if self.errors.0.is_empty() { Ok(answer) } else { Err(self.errors) }
    }

    /// A text that must be there.
    pub fn required_str(&mut self, name: &str) -> String {
        self.required(name, scalars::text).unwrap_or_default()
    }

    /// A number that must be there.
    pub fn required_float(&mut self, name: &str) -> f64 {
        self.required(name, scalars::float).unwrap_or_default()
    }

    /// An object or `null`, one of which must be there.
    pub fn required_object_or_null(&mut self, name: &str) -> Option<Map<String, Value>> {
        if self.fields.get(name) == Some(&Value::Null) {
            return None;
        }
        self.required(name, scalars::object)
    }

    /// A text; `None` where it is absent or `null`.
    pub fn opt_str(&mut self, name: &str) -> Option<String> {
        self.optional(name, scalars::text).flatten()
    }

    /// A number; `default` where it is absent, `None` where it is `null`. It may be infinite or no number.
    pub fn opt_float(&mut self, name: &str, default: Option<f64>) -> Option<f64> {
        self.optional(name, scalars::float).unwrap_or(default)
    }

    /// A whole number; `None` where it is absent or `null`.
    pub fn opt_int(&mut self, name: &str) -> Option<i64> {
        self.optional(name, scalars::integer).flatten()
    }

    /// True or false; `None` where it is absent or `null`.
    pub fn opt_bool(&mut self, name: &str) -> Option<bool> {
        self.optional(name, scalars::boolean).flatten()
    }

    /// An object; `None` where it is absent or `null`.
    pub fn opt_object(&mut self, name: &str) -> Option<Map<String, Value>> {
        self.optional(name, scalars::object).flatten()
    }

    /// True or false; `default` where it is absent, an error where it is `null`.
    pub fn bool_or(&mut self, name: &str, default: bool) -> bool {
        self.present(name, scalars::boolean).unwrap_or(default)
    }

    /// An object; empty where it is absent, an error where it is `null`.
    pub fn object_or_empty(&mut self, name: &str) -> Map<String, Value> {
        self.present(name, scalars::object).unwrap_or_default()
    }

    /// An error for every field but these, for the models that forbid others. Asked last.
    pub fn deny_unknown(&mut self, known: &[&str]) {
        let others = self.fields.iter().filter(|(name, _)| !known.contains(&name.as_str()));
        let errors = others
            .map(|(name, value)| error(name, ("extra_forbidden", "Extra inputs are not permitted"), value));
        self.errors.0.extend(errors.take(MOST_UNKNOWN));
    }

    fn required<T>(&mut self, name: &str, read: fn(&Value) -> Result<T, Wrong>) -> Option<T> {
        if !self.fields.contains_key(name) {
            let whole = Value::Object(std::mem::take(&mut self.fields));
            self.errors.0.push(error(name, ("missing", "Field required"), &whole));
            if let Value::Object(fields) = whole {
                self.fields = fields;
            }
        }
        self.present(name, read)
    }

    /// `None` where it is absent or does not fit, `Some(None)` for `null`.
    fn optional<T>(&mut self, name: &str, read: fn(&Value) -> Result<T, Wrong>) -> Option<Option<T>> {
        if self.fields.get(name) == Some(&Value::Null) {
            return Some(None);
        }
        self.present(name, read).map(Some)
    }

    fn present<T>(&mut self, name: &str, read: fn(&Value) -> Result<T, Wrong>) -> Option<T> {
        let value = self.fields.get(name)?;
        match read(value) {
            Ok(read) => Some(read),
            Err(wrong) => {
                self.errors.0.push(error(name, wrong, value));
                None
            }
        }
    }
}

/// Unknown fields that are told of.
const MOST_UNKNOWN: usize = 100;

fn error(name: &str, (kind, msg): Wrong, input: &Value) -> SchemaError {
    SchemaError { kind, loc: vec![short(name)], msg: msg.to_owned(), input: echo(input), ctx: None }
}
