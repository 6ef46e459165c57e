//! The form of an interface, made from its schema; and what was filled in, as JSON.

use serde_json::{Map, Value, json};

use crate::http::body::Form;
use crate::ui::page::{Attr, Text};

/// A field of a schema, as `/c/exchanges/api/A/schema` tells it.
struct Field<'s> {
    name: &'s str,
    kind: &'s str,
    required: bool,
    default: &'s Value,
    help: &'s str,
    choices: Vec<&'s str>,
}

fn fields(schema: &Value) -> Vec<Field<'_>> {
    let list = schema.get("fields").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    list.iter()
        .map(|field| Field {
            name: field["name"].as_str().unwrap_or_default(),
            kind: field["type"].as_str().unwrap_or("string"),
            required: field["required"].as_bool().unwrap_or(false),
            default: &field["default"],
            help: field["help"].as_str().unwrap_or_default(),
            choices: field["choices"].as_array().into_iter().flatten().filter_map(Value::as_str).collect(),
        })
        .collect()
}

/// One row for each field. `secret`: what is typed is not shown, and not kept by the browser.
pub(super) fn rows(schema: &Value, prefix: &str, secret: bool) -> String {
    fields(schema).iter().map(|field| row(field, prefix, secret)).collect()
}

fn row(field: &Field<'_>, prefix: &str, secret: bool) -> String {
    let id = format!("{prefix}{}", field.name);
    let must = if field.required { " required" } else { "" };
    let default = match field.default {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    };
    let input = match field.kind {
        "enum" => {
            let none = match field.required {
                true => "",
                false => "<option value=\"\">–</option>",
            };
            let choices: String = field
                .choices
                .iter()
                .map(|choice| {
                    let here = if *choice == default { " selected" } else { "" };
                    format!("<option{here}>{}</option>", Text(choice))
                })
                .collect();
            format!("<select id=\"{0}\" name=\"{0}\"{must}>{none}{choices}</select>", Attr(&id))
        }
        "boolean" => {
            let on = if field.default == &Value::Bool(true) { " checked" } else { "" };
            format!("<input id=\"{0}\" name=\"{0}\" type=\"checkbox\" value=\"true\"{on}>", Attr(&id))
        }
        "number" => format!(
            "<input id=\"{0}\" name=\"{0}\" type=\"number\" step=\"any\" value=\"{1}\"{must}>",
            Attr(&id),
            Attr(&default)
        ),
        kind if is_many(kind) => format!(
            "<input id=\"{0}\" name=\"{0}\" autocomplete=\"off\" placeholder=\"several with commas between; empty: all\"{must}>",
            Attr(&id)
        ),
        _ => format!(
            "<input id=\"{0}\" name=\"{0}\" type=\"{2}\" value=\"{1}\" autocomplete=\"off\" spellcheck=\"false\"{must}>",
            Attr(&id),
            Attr(&default),
            if secret { "password" } else { "text" },
        ),
    };
    let help =
        if field.help.is_empty() { String::new() } else { format!("<small>{}</small>", Text(field.help)) };
    format!(
        "<div class=\"row field\"><label for=\"{}\">{}</label>{input}{help}</div>",
        Attr(&id),
        Text(&field.name.replace('_', " "))
    )
}

fn is_many(kind: &str) -> bool {
    kind.starts_with("set_of_") || kind.starts_with("list_of_")
}

/// What was filled in, by the schema's types. What does not parse is handed on as text, for the interface to refuse.
pub(super) fn filled(schema: &Value, prefix: &str, form: &Form) -> Map<String, Value> {
    let mut given = Map::new();
    for field in fields(schema) {
        let text = form.get(&format!("{prefix}{}", field.name)).map(str::trim);
        let value = match (field.kind, text) {
            ("boolean", text) => json!(text.is_some()),
            (_, None | Some("")) => continue,
            ("number", Some(text)) => number(text),
            (kind, Some(text)) if is_many(kind) => {
                let parts = text.split([',', '\n']).map(str::trim).filter(|part| !part.is_empty());
                let parse = |part: &str| if kind.ends_with("number") { number(part) } else { json!(part) };
                parts.map(parse).collect()
            }
            (_, Some(text)) => json!(text),
        };
        given.insert(field.name.to_owned(), value);
    }
    given
}

fn number(text: &str) -> Value {
    let whole = text.parse::<i64>().ok().map(Value::from);
    let fraction = || text.parse::<f64>().ok().and_then(serde_json::Number::from_f64).map(Value::Number);
    whole.or_else(fraction).unwrap_or_else(|| json!(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema() -> Value {
        let field = |name: &str, kind: &str, required: bool, default: Value| json!({ "name": name, "type": kind, "required": required, "default": default, "help": "<i>", "choices": null });
        let mut environment = field("environment", "enum", true, Value::Null);
        environment["choices"] = json!(["https://a.example/x", "\"><script>"]);
        json!({ "fields": [
            environment,
            field("only_esp_ids", "set_of_number", false, json!([])),
            field("limit", "number", false, json!(-1)),
            field("sleep", "number", false, json!(0.5)),
            field("on", "boolean", false, json!(true)),
            field("name", "string", true, Value::Null),
        ] })
    }

    fn form_of(pairs: &[(&str, &str)]) -> Form {
        let fields = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Form { fields, files: Vec::new() }
    }

    #[test]
    fn every_type_has_its_field_and_what_a_schema_says_is_escaped() {
        let html = rows(&schema(), "f_", false);
        for part in [
            "<select id=\"f_environment\" name=\"f_environment\" required>",
            "<option>https://a.example/x</option>",
            "name=\"f_limit\" type=\"number\" step=\"any\" value=\"-1\"",
            "type=\"checkbox\" value=\"true\" checked",
            "name=\"f_name\" type=\"text\"",
            "<label for=\"f_only_esp_ids\">only esp ids</label>",
        ] {
            assert!(html.contains(part), "{part}: {html}");
        }
        assert!(!html.contains("<script>") && !html.contains("<i>"), "{html}");
        assert!(rows(&schema(), "", true).contains("name=\"name\" type=\"password\""));
        assert_eq!(rows(&json!(null), "", false), "");
    }

    #[test]
    fn what_was_filled_in_has_the_types_of_the_schema() {
        let form = form_of(&[
            ("f_environment", "https://a.example/x"),
            ("f_only_esp_ids", " 3, 1,,2 "),
            ("f_limit", ""),
            ("f_sleep", "1.5"),
            ("f_name", " n "),
            ("f_other", "x"),
        ]);
        let expected = json!({
            "environment": "https://a.example/x", "only_esp_ids": [3, 1, 2], "sleep": 1.5, "on": false, "name": "n",
        });
        assert_eq!(Value::Object(filled(&schema(), "f_", &form)), expected);
        let wrong = form_of(&[("limit", "many"), ("only_esp_ids", "1,x")]);
        assert_eq!(filled(&schema(), "", &wrong)["limit"], "many");
        assert_eq!(filled(&schema(), "", &wrong)["only_esp_ids"], json!([1, "x"]));
    }
}
