//! Reading requests as leniently as HMA does, and refusing them with its words.
//!
//! HMA declares its requests as pydantic models behind flask-openapi3: `"0.25"` is a number, `"yes"` is true, unknown
//! fields are ignored, and whatever does not fit is answered with 422 and a list of errors, in the order in which the
//! model declares its fields. Clients show those texts, so they are kept to the letter.
//!
//! ```
//! use lodestone_server::lax::Fields;
//! let fields = Fields::from_json("BankCreateRequest", Some("application/json"), br#"{"name":"A","enabled":"yes"}"#);
//! let bank = fields.and_then(|fields| {
//!     fields.read(|f| (f.required_str("name"), f.opt_float("enabled_ratio", Some(1.0)), f.opt_bool("enabled")))
//! });
//! assert_eq!(bank.ok(), Some(("A".to_owned(), Some(1.0), Some(true))));
//! ```
//!
//! *Source:* pydantic 2.14.3 and flask-openapi3 4.3.2, `request.py`; their answers are in `tests/fixtures/pydantic.json`.

mod body;
mod errors;
mod fields;
mod query;
mod scalars;
#[cfg(test)]
mod tests;

pub use errors::{SchemaError, SchemaErrors};
pub use fields::Fields;
pub use query::pairs;
