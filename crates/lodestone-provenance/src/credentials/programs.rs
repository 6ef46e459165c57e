//! Generators as claim generators and software agents name them. The table is data: `rules/credentials.toml`.

use std::sync::LazyLock;

use serde::Deserialize;

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    toml::from_str(include_str!("../../rules/credentials.toml")).expect("the built-in table is tested")
});

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    #[allow(dead_code)]
    version: u32,
    generator: Vec<Program>,
}

/// One generator.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Program {
    pub(super) id: String,
    pub(super) name: String,
    /// Words that name it, in any case, as whole words of a program's name.
    named: Vec<String>,
    /// Words in the signer's organisation that name it.
    #[serde(default)]
    signers: Vec<String>,
    #[allow(dead_code)]
    source: String,
}

/// The first generator that one of the programs is, or that the signer runs.
pub(super) fn generator(programs: &[&str], signer: Option<&str>) -> Option<&'static Program> {
    let by_name =
        |rule: &&Program| rule.named.iter().any(|word| programs.iter().any(|program| holds(program, word)));
    let by_signer =
        |rule: &&Program| rule.signers.iter().any(|word| signer.is_some_and(|signer| holds(signer, word)));
    let rules = &TABLE.generator;
    rules.iter().find(by_name).or_else(|| rules.iter().find(by_signer))
}

/// Whether `word` stands in `text` as whole words: `Imagen` is not in `imagenes`; `_` and `-` part words as blanks do.
fn holds(text: &str, word: &str) -> bool {
    let plain = |text: &str| {
        let words: Vec<String> = text
            .split(|c: char| !c.is_alphanumeric() && c != '·')
            .filter(|part| !part.is_empty())
            .map(str::to_lowercase)
            .collect();
        format!(" {} ", words.join(" "))
    };
    plain(text).contains(&plain(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_read_and_names_are_whole_words() {
        assert!(TABLE.generator.len() > 10);
        let of = |program: &str| generator(&[program], None).map(|rule| rule.id.as_str());
        assert_eq!(of("ChatGPT"), Some("openai"));
        assert_eq!(of("OpenAI-API"), Some("openai"));
        assert_eq!(of("Adobe_Firefly"), Some("firefly"));
        assert_eq!(of("Adobe_Photoshop/26.9.0"), None);
        assert_eq!(of("imagenes de prueba"), None);
        assert_eq!(generator(&[], Some("OpenAI OpCo, LLC")).map(|r| r.id.as_str()), Some("openai"));
    }
}
