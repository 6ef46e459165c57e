//! Reading a rule: strictly, since one that is misread sends what it should not, or not what it should.

use url::Url;

use super::{Action, Rule};
use crate::actions::HELD;

/// Longest name of a rule, queue or label, in characters.
const NAME: usize = 100;
/// Longest URL, in bytes.
const URL: usize = 2048;
/// Actions of a rule at most.
const ACTIONS: usize = 16;
/// Names in a list of a rule at most.
const LISTED: usize = 1000;

/// Reads a rule from JSON.
///
/// # Errors
/// What does not fit, and where, in words for people.
pub fn parse(json: &[u8]) -> Result<Rule, String> {
    let rule: Rule =
        serde_json::from_slice(json).map_err(|error| format!("the rule does not fit: {error}"))?;
    check(&rule)?;
    Ok(rule)
}

fn check(rule: &Rule) -> Result<(), String> {
    name("name", &rule.name)?;
    let when = &rule.when;
    let lists = [
        ("banks", when.banks.as_ref().map(Vec::len)),
        ("bank_kinds", when.bank_kinds.as_ref().map(Vec::len)),
        ("signal_types", when.signal_types.as_ref().map(Vec::len)),
        ("layers", when.layers.as_ref().map(Vec::len)),
    ];
    for (list, length) in lists {
        if length.is_some_and(|length| length > LISTED) {
            return Err(format!("when.{list} names more than {LISTED}"));
        }
    }
    if when.layers.iter().flatten().any(|layer| !(1..=4).contains(layer)) {
        return Err("when.layers: layers are 1, 2, 3 and 4".to_owned());
    }
    if when.standing == Some(lodestone_types::Standing::PossibleDerivative) {
        return Err("when.standing is match or review: what is merely near is no match".to_owned());
    }
    if let Some(weight) = &when.assessment {
        if weight.h1 == weight.h2 {
            return Err("when.assessment weighs a proposition against itself".to_owned());
        }
        if weight.min_log10_lr.is_none() && weight.max_log10_lr.is_none() {
            return Err("when.assessment needs min_log10_lr or max_log10_lr".to_owned());
        }
    }
    if rule.then.is_empty() || rule.then.len() > ACTIONS {
        return Err(format!("then has 1 to {ACTIONS} actions"));
    }
    let mut reviews = 0;
    for action in &rule.then {
        match action {
            Action::Webhook(webhook) => {
                url(&webhook.url)?;
                if webhook.secret_ref.is_some() && !webhook.secrets.is_empty() {
                    return Err("a webhook has secret_ref or secrets, not both".to_owned());
                }
                if webhook.secrets.len() > 4 {
                    return Err("a webhook has 4 secrets at most".to_owned());
                }
            }
            Action::Review(review) => {
                name("review.queue", &review.queue)?;
                reviews += 1;
            }
            Action::Label(label) => {
                name("label", label)?;
                if label.starts_with(HELD) {
                    return Err(format!("labels that begin with {HELD:?} are the server's own"));
                }
            }
        }
    }
    if reviews > 1 {
        return Err("a rule asks for one review of an event".to_owned());
    }
    Ok(())
}

/// A short text of visible characters.
fn name(field: &str, text: &str) -> Result<(), String> {
    let plain = !text.trim().is_empty() && !text.chars().any(char::is_control);
    if plain && text.chars().count() <= NAME {
        return Ok(());
    }
    Err(format!("{field} has to be 1 to {NAME} characters without control characters"))
}

/// An address that can be sent to. Whether it may be is asked when a message is sent, of what the name then leads to.
fn url(text: &str) -> Result<(), String> {
    let fits = text.len() <= URL
        && Url::parse(text).is_ok_and(|url| {
            matches!(url.scheme(), "http" | "https")
                && url.has_host()
                && url.username().is_empty()
                && url.password().is_none()
        });
    if fits {
        Ok(())
    } else {
        Err("webhook.url has to be an http or https URL without a user name".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_read_and_written_back_the_same() {
        let text = r#"{"name":"n","when":{"banks":["A"],"bank_kinds":["known-real"],"signal_types":["pdq"],"max_distance_bits":8,"exact":false,"disputed":false,"min_confirms":1,"layers":[2,3],"assessment":{"h1":"ai_generated","h2":"camera_original","min_log10_lr":1.0}},"then":[{"webhook":{"url":"https://a.example/x","secret_ref":"r","include_signals":true}},{"review":{"queue":"q"}},{"label":"l"}],"enabled":true}"#;
        assert_eq!(serde_json::to_string(&parse(text.as_bytes()).unwrap()).unwrap(), text);
    }

    #[test]
    fn what_does_not_fit_is_refused_and_named() {
        let long = format!(r#"{{"name":"n","then":[{{"label":"{}"}}]}}"#, "x".repeat(101));
        for (text, told) in [
            ("[]", "does not fit"),
            (r#"{"then":[{"label":"l"}]}"#, "name"),
            (r#"{"name":" ","then":[{"label":"l"}]}"#, "name"),
            (r#"{"name":"n"}"#, "then"),
            (r#"{"name":"n","then":[]}"#, "then"),
            (r#"{"name":"n","then":[{"label":"l"}],"if":1}"#, "if"),
            (r#"{"name":"n","when":{"bank":["A"]},"then":[{"label":"l"}]}"#, "bank"),
            (r#"{"name":"n","when":{"bank_kinds":["bad"]},"then":[{"label":"l"}]}"#, "bad"),
            (r#"{"name":"n","when":{"signal_types":["bad"]},"then":[{"label":"l"}]}"#, "bad"),
            (r#"{"name":"n","when":{"layers":[0]},"then":[{"label":"l"}]}"#, "layers"),
            (
                r#"{"name":"n","when":{"standing":"possible_derivative"},"then":[{"label":"l"}]}"#,
                "when.standing",
            ),
            (r#"{"name":"n","when":{"max_distance_bits":-1},"then":[{"label":"l"}]}"#, "-1"),
            (r#"{"name":"n","then":[{"mail":"l"}]}"#, "mail"),
            (r#"{"name":"n","then":[{"review":{"queue":"q","x":1}}]}"#, "x"),
            (r#"{"name":"n","then":[{"review":{"queue":"q"}},{"review":{"queue":"r"}}]}"#, "one review"),
            (r#"{"name":"n","then":[{"label":"held:pdq:1"}]}"#, "held"),
            (r#"{"name":"n","then":[{"webhook":{"url":"ftp://a.example/"}}]}"#, "webhook.url"),
            (r#"{"name":"n","then":[{"webhook":{"url":"https://u:p@a.example/"}}]}"#, "webhook.url"),
            (
                r#"{"name":"n","then":[{"webhook":{"url":"https://a.example/","secret_ref":"r","secrets":["s"]}}]}"#,
                "not both",
            ),
            (
                r#"{"name":"n","when":{"assessment":{"h1":"ai_edited","h2":"ai_edited","min_log10_lr":1}},"then":[{"label":"l"}]}"#,
                "itself",
            ),
            (
                r#"{"name":"n","when":{"assessment":{"h1":"ai_edited","h2":"ai_generated"}},"then":[{"label":"l"}]}"#,
                "min_log10_lr",
            ),
            (&long, "label"),
        ] {
            let error = parse(text.as_bytes()).unwrap_err();
            assert!(error.contains(told), "{text}: {error}");
        }
    }
}
