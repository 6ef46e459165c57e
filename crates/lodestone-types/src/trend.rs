//! Trend queries: which words and patterns a text must hold, and which it must not.
//!
//! `{"and":[{"or":["ball","regex-(bb?all)"]},…],"not":["hockey"]}`: of every `or` at least one term, and none of `not`.
//! *Source:* python-threatexchange `signal_type/trend_query.py`.

use serde::Deserialize;

/// Most terms of one query: each is run over every text.
pub const MAX_TERMS: usize = 500;

/// A parsed trend query. Patterns are not compiled here: who matches knows whether they can be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrendQuery {
    /// Groups of which each must have a term that the text holds.
    pub and: Vec<Vec<Term>>,
    /// Terms that the text must not hold.
    pub not: Vec<Term>,
}

/// One term of a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Term {
    /// Words, found between word boundaries.
    Words(String),
    /// A regular expression, from `regex-(…)`.
    Pattern(String),
}

/// Why a text is no trend query.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TrendError {
    /// Not JSON, or JSON of another shape.
    #[error("expected {{\"and\":[{{\"or\":[\"…\"]}}],\"not\":[]}}: {0}")]
    Shape(String),
    /// More terms than [`MAX_TERMS`].
    #[error("more than {MAX_TERMS} terms")]
    TooManyTerms,
}

#[derive(Deserialize)]
struct Written {
    and: Vec<Group>,
    not: Vec<String>,
}

#[derive(Deserialize)]
struct Group {
    or: Vec<String>,
}

impl TrendQuery {
    /// Parses the JSON of a query; unknown fields are ignored.
    ///
    /// # Errors
    /// [`TrendError`].
    pub fn parse(text: &str) -> Result<Self, TrendError> {
        let written: Written =
            serde_json::from_str(text).map_err(|error| TrendError::Shape(error.to_string()))?;
        let terms = written.and.iter().map(|group| group.or.len()).sum::<usize>() + written.not.len();
        if terms > MAX_TERMS {
            return Err(TrendError::TooManyTerms);
        }
        Ok(Self {
            and: written
                .and
                .into_iter()
                .map(|group| group.or.into_iter().map(Term::read).collect())
                .collect(),
            not: written.not.into_iter().map(Term::read).collect(),
        })
    }
}

impl Term {
    /// As the reference reads it: after `regex-` the first and the last character are taken off, whichever they are.
    fn read(text: String) -> Self {
        let Some(rest) = text.strip_prefix("regex-") else { return Self::Words(text) };
        let mut inner = rest.chars();
        inner.next();
        inner.next_back();
        Self::Pattern(inner.as_str().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_has_groups_of_words_and_patterns() {
        let text = r#"{"and":[{"or":["a b","regex-(c+)"],"x":1}],"not":["d","regex-"],"y":null}"#;
        let query = TrendQuery::parse(text).unwrap();
        assert_eq!(query.and, [[Term::Words("a b".into()), Term::Pattern("c+".into())]]);
        assert_eq!(query.not, [Term::Words("d".into()), Term::Pattern(String::new())]);
    }

    #[test]
    fn other_shapes_and_too_many_terms_are_refused() {
        for text in
            ["", "x", "[]", "{}", r#"{"and":[]}"#, r#"{"and":["a"],"not":[]}"#, r#"{"and":[],"not":[1]}"#]
        {
            assert!(matches!(TrendQuery::parse(text), Err(TrendError::Shape(_))), "{text}");
        }
        let many = serde_json::json!({ "and": [{ "or": vec!["a"; MAX_TERMS] }], "not": ["b"] }).to_string();
        assert_eq!(TrendQuery::parse(&many), Err(TrendError::TooManyTerms));
    }
}
