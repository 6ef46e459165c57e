//! Single values, read as pydantic's lax mode reads them.

use serde_json::{Map, Value};

/// Kind and message of an error.
pub(super) type Wrong = (&'static str, &'static str);

pub(super) fn text(value: &Value) -> Result<String, Wrong> {
    value.as_str().map(str::to_owned).ok_or(("string_type", "Input should be a valid string"))
}

pub(super) fn object(value: &Value) -> Result<Map<String, Value>, Wrong> {
    value.as_object().cloned().ok_or(("dict_type", "Input should be a valid dictionary"))
}

pub(super) fn boolean(value: &Value) -> Result<bool, Wrong> {
    let unclear = ("bool_parsing", "Input should be a valid boolean, unable to interpret input");
    let other = ("bool_type", "Input should be a valid boolean");
    match value {
        Value::Bool(boolean) => Ok(*boolean),
        Value::String(word) => match word.to_ascii_lowercase().as_str() {
            "1" | "on" | "t" | "true" | "y" | "yes" => Ok(true),
            "0" | "off" | "f" | "false" | "n" | "no" => Ok(false),
            _ => Err(unclear),
        },
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(0), _) => Ok(false),
            (Some(1), _) => Ok(true),
            (Some(_), _) => Err(unclear),
            (None, Some(0.0)) => Ok(false),
            (None, Some(1.0)) => Ok(true),
            _ => Err(other),
        },
        _ => Err(other),
    }
}

pub(super) fn float(value: &Value) -> Result<f64, Wrong> {
    let unclear = ("float_parsing", "Input should be a valid number, unable to parse string as a number");
    match value {
        Value::Bool(boolean) => Ok(f64::from(u8::from(*boolean))),
        Value::Number(number) => number.as_f64().ok_or(unclear),
        Value::String(written) => {
            let written = written.trim();
            let parsed = written.parse().ok();
            parsed.or_else(|| without_underscores(written)?.parse().ok()).ok_or(unclear)
        }
        _ => Err(("float_type", "Input should be a valid number")),
    }
}

/// A whole number. Those beyond 64 bits are refused, where pydantic goes on.
pub(super) fn integer(value: &Value) -> Result<i64, Wrong> {
    let too_large = ("int_parsing_size", "Unable to parse input string as an integer, exceeded maximum size");
    match value {
        Value::Bool(boolean) => Ok(i64::from(*boolean)),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(integer), _) => Ok(integer),
            (None, Some(float)) if !number.is_u64() => whole(float).ok_or(if float.fract() == 0.0 {
                too_large
            } else {
                ("int_from_float", "Input should be a valid integer, got a number with a fractional part")
            }),
            _ => Err(too_large),
        },
        Value::String(written) => {
            let unclear =
                ("int_parsing", "Input should be a valid integer, unable to parse string as an integer");
            let digits = digits(written.trim()).ok_or(unclear)?;
            digits.parse().map_err(|_| too_large)
        }
        _ => Err(("int_type", "Input should be a valid integer")),
    }
}

/// A float without fraction that 64 bits hold.
fn whole(float: f64) -> Option<i64> {
    // Both limits are powers of two, which floats hold exactly.
    let fits =
        float.fract() == 0.0 && (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&float);
    fits.then_some(float as i64)
}

/// Sign and digits of a whole number: `+1_0.00` is `+10`.
fn digits(written: &str) -> Option<String> {
    let whole = match written.split_once('.') {
        Some((whole, zeros)) if !zeros.is_empty() && zeros.bytes().all(|c| c == b'0') => whole,
        Some(_) => return None,
        None => written,
    };
    let (sign, body) =
        whole.strip_prefix('-').map_or(("", whole.strip_prefix('+').unwrap_or(whole)), |body| ("-", body));
    let body = if body.contains('_') { without_underscores(body)? } else { body.to_owned() };
    (!body.is_empty() && body.bytes().all(|c| c.is_ascii_digit())).then(|| format!("{sign}{body}"))
}

/// The text without single underscores between its characters; `None` when one stands elsewhere.
fn without_underscores(written: &str) -> Option<String> {
    let bad = written.starts_with('_') || written.ends_with('_') || written.contains("__");
    (!bad).then(|| written.replace('_', ""))
}
