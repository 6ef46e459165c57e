//! Errors of a request's shape, as pydantic writes them.

use serde_json::{Value, json};

/// One thing that does not fit.
#[derive(Clone, Debug, PartialEq)]
pub struct SchemaError {
    /// Kind of error: `missing`, `string_type` …
    pub kind: &'static str,
    /// Names of the fields that lead to it; empty for the whole request.
    pub loc: Vec<String>,
    /// What should be there.
    pub msg: String,
    /// What was there. It may be a secret: for the answer, never for a log.
    pub input: Value,
    /// Parts of the message, for some kinds.
    pub ctx: Option<Value>,
}

/// Everything that does not fit, in the order in which fields were asked for. The answer to it is 422.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SchemaErrors(pub Vec<SchemaError>);

impl SchemaErrors {
    /// The body of the answer: a JSON list without spaces. Its type is `application/json`.
    pub fn to_json(&self) -> String {
        Value::Array(self.0.iter().map(SchemaError::to_value).collect()).to_string()
    }

    pub(super) fn one(kind: &'static str, msg: String, input: Value, ctx: Value) -> Self {
        Self(vec![SchemaError { kind, loc: Vec::new(), msg, input, ctx: Some(ctx) }])
    }
}

impl SchemaError {
    fn to_value(&self) -> Value {
        let mut error =
            json!({ "type": self.kind, "loc": self.loc, "msg": self.msg, "input": self.input.clone() });
        if let Some(fields) = error.as_object_mut() {
            if let Some(ctx) = &self.ctx {
                fields.insert("ctx".to_owned(), ctx.clone());
            }
            // Documents of the version whose words these are.
            let url = format!("https://errors.pydantic.dev/2.14/v/{}", self.kind);
            fields.insert("url".to_owned(), Value::String(url));
        }
        error
    }
}
