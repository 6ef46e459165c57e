//! What is told of a content beside its signals: note and metadata. *Source:* HMA's `BankedContentMetadata`.

use axum::http::HeaderMap;
use serde_json::{Map, Value, json};

use crate::error::ApiError;
use crate::hma::compare::{flask_json, is_json};
use crate::http::body::Form;

/// Note and metadata of a request.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Told {
    pub(crate) note: Option<String>,
    pub(crate) metadata: Option<Value>,
}

/// Characters of a note.
const NOTE: usize = 255;

/// A note, if it is one.
///
/// # Errors
/// 400 in HMA's words.
pub(crate) fn note(value: Option<&Value>) -> Result<Option<String>, ApiError> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.chars().count() > NOTE => {
            Err(ApiError::bad(format!("note must be at most {NOTE} characters")))
        }
        Some(Value::String(text)) => Ok(Some(text.clone()).filter(|text| !text.is_empty())),
        Some(_) => Err(ApiError::bad("note should be a string")),
    }
}

/// Note and metadata from a JSON body or form fields.
///
/// # Errors
/// 400 in HMA's words.
pub(crate) fn of_request(headers: &HeaderMap, bytes: &[u8], form: &Form) -> Result<Told, ApiError> {
    if is_json(headers) {
        // JSON that is no object tells nothing, and is no error.
        let Value::Object(body) = flask_json(headers, bytes)? else { return Ok(Told::default()) };
        return Ok(Told { note: note(body.get("note"))?, metadata: metadata(body.get("metadata"))? });
    }
    let told = form.get("metadata").filter(|text| !text.is_empty()).map(|text| {
        serde_json::from_str(text).map_err(|_| ApiError::bad("metadata form field must be valid JSON"))
    });
    let text = form.get("note").map(|text| json!(text));
    Ok(Told { note: note(text.as_ref())?, metadata: metadata(told.transpose()?.as_ref())? })
}

fn metadata(value: Option<&Value>) -> Result<Option<Value>, ApiError> {
    let object = match value {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Object(object)) => object,
        Some(_) => return Err(ApiError::bad("metadata should be a json object")),
    };
    let invalid = |name: &str, why: &str| ApiError::bad(format!("Invalid metadata: {name}: {why}"));
    let mut kept = Map::new();
    for (name, value) in object {
        match (name.as_str(), value) {
            ("content_id" | "content_uri" | "json", Value::Null) => {}
            ("content_id" | "content_uri", Value::String(_)) | ("json", Value::Object(_)) => {
                kept.insert(name.clone(), value.clone());
            }
            ("content_id" | "content_uri", _) => return Err(invalid(name, "Input should be a valid string")),
            ("json", _) => return Err(invalid(name, "Input should be a valid dictionary")),
            // Given by exchanges only.
            ("collab", Value::Object(_) | Value::Null) => {}
            ("collab", _) => return Err(invalid(name, "Input should be a valid dictionary")),
            _ => return Err(invalid(name, "Extra inputs are not permitted")),
        }
    }
    Ok(if kept.is_empty() { None } else { Some(Value::Object(kept)) })
}

/// Metadata as HMA writes it: all four keys.
pub(crate) fn told(metadata: &Value) -> Value {
    let of = |name: &str| metadata.get(name).cloned().unwrap_or(Value::Null);
    json!({
        "content_id": of("content_id"),
        "content_uri": of("content_uri"),
        "json": of("json"),
        "collab": of("collab"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_holds_what_hma_holds_and_nothing_else() {
        let whole =
            json!({ "content_id": "a", "content_uri": null, "json": { "b": 1 }, "collab": { "X": ["y"] } });
        let kept = metadata(Some(&whole)).unwrap().unwrap();
        assert_eq!(kept, json!({ "content_id": "a", "json": { "b": 1 } }));
        assert_eq!(told(&kept)["content_uri"], Value::Null);
        for bad in [json!([]), json!({ "x": 1 }), json!({ "content_id": 1 }), json!({ "json": "text" })] {
            assert!(metadata(Some(&bad)).is_err(), "{bad}");
        }
        assert_eq!(metadata(Some(&json!({}))).unwrap(), None);
    }

    #[test]
    fn notes_are_short_texts() {
        assert_eq!(note(Some(&json!("x"))).unwrap().as_deref(), Some("x"));
        assert_eq!(note(Some(&json!("ü".repeat(255)))).unwrap().map(|n| n.chars().count()), Some(255));
        assert!(note(Some(&json!("x".repeat(256)))).is_err());
        assert!(note(Some(&json!(5))).is_err());
    }
}
