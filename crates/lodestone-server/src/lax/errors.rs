//! Errors of a request's shape, as pydantic writes them.

use serde_json::{Map, Value, json};

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

    pub(super) fn one(kind: &'static str, msg: String, input: &Value, ctx: Value) -> Self {
        Self(vec![SchemaError { kind, loc: Vec::new(), msg, input: echo(input), ctx: Some(ctx) }])
    }
}

/// About so many bytes of a request are repeated in one error. HMA repeats all of it, in each of its errors.
const ECHO_BYTES: usize = 16 << 10;
/// Longest text in it, in bytes.
const ECHO_TEXT: usize = 1 << 10;

/// What was there, as an error repeats it: the same value, and of a long one its beginning. A cut text ends in `…`; what
/// does not fit of a list or an object is left out.
pub(super) fn echo(input: &Value) -> Value {
    cut(input, &mut { ECHO_BYTES })
}

fn cut(input: &Value, left: &mut usize) -> Value {
    // A number, or the braces.
    *left = left.saturating_sub(16);
    match input {
        Value::String(text) => {
            let text = short(text);
            *left = left.saturating_sub(text.len());
            Value::String(text)
        }
        Value::Array(all) => {
            let mut kept = Vec::new();
            for one in all {
                if *left == 0 {
                    break;
                }
                kept.push(cut(one, left));
            }
            Value::Array(kept)
        }
        Value::Object(all) => {
            let mut kept = Map::new();
            for (name, one) in all {
                if *left == 0 {
                    break;
                }
                let name = short(name);
                *left = left.saturating_sub(name.len());
                kept.insert(name, cut(one, left));
            }
            Value::Object(kept)
        }
        plain => plain.clone(),
    }
}

/// A text, or its beginning.
pub(super) fn short(text: &str) -> String {
    if text.len() <= ECHO_TEXT {
        return text.to_owned();
    }
    let end = (0..=ECHO_TEXT).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    format!("{}…", text.get(..end).unwrap_or_default())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_long_request_its_beginning_is_repeated() {
        let short =
            json!({ "name": "A", "list": [1, 2.5, null, true, ["x"]], "deep": { "a": { "b": "é" } } });
        assert_eq!(echo(&short), short);
        let long =
            json!({ "text": "é".repeat(5_000_000), "list": vec!["x".repeat(900); 100_000], "after": 1 });
        let told = echo(&long);
        assert!(told.to_string().len() < 2 * ECHO_BYTES, "{}", told.to_string().len());
        assert!(told["text"].as_str().unwrap().ends_with("éé…"));
        assert!(told["list"].as_array().unwrap().len() > 5);
    }
}
