//! From the bytes of a body to its JSON object.

use serde_json::{Map, Value, json};

use super::errors::SchemaErrors;

/// The object of a body, or pydantic's error for what is there instead. Differs from Python's reader of JSON where that
/// takes what JSON is not (`NaN`, lone surrogates, UTF-16): that is no JSON here.
pub(super) fn object(
    model: &str,
    content_type: Option<&str>,
    body: &[u8],
) -> Result<Map<String, Value>, SchemaErrors> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let value =
        if is_json(content_type) { serde_json::from_slice(body).unwrap_or(Value::Null) } else { Value::Null };
    match value {
        Value::Object(fields) => Ok(fields),
        // A text is read as JSON once more.
        Value::String(text) => match serde_json::from_str(&text) {
            Ok(Value::Object(fields)) => Ok(fields),
            Ok(other) => Err(no_object(model, "Input should be an object".to_owned(), &other)),
            Err(error) => {
                let error = error.to_string();
                let msg = format!("Invalid JSON: {error}");
                Err(SchemaErrors::one("json_invalid", msg, &Value::String(text), json!({ "error": error })))
            }
        },
        other => Err(no_object(
            model,
            format!("Input should be a valid dictionary or instance of {model}"),
            &other,
        )),
    }
}

fn no_object(model: &str, msg: String, input: &Value) -> SchemaErrors {
    SchemaErrors::one("model_type", msg, input, json!({ "class_name": model }))
}

/// Whether a body is declared as JSON: `application/json` or `application/…+json`. *Source:* werkzeug `Request.is_json`.
fn is_json(content_type: Option<&str>) -> bool {
    let kind =
        content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
}
