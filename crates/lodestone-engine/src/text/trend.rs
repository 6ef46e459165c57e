//! Trend queries made ready to run over texts.
//!
//! Patterns come from strangers. They run in time linear in the text, in bounded memory, and what cannot (look-around,
//! back-references) is refused when it is added.

use lodestone_types::{Term, TrendQuery};
use regex::{RegexSet, RegexSetBuilder};

/// Most memory of a query's compiled patterns, and of the cache of each thread that runs them.
const MAX_BYTES: usize = 2 << 20;

/// A compiled query.
#[derive(Debug)]
pub(super) struct Trend {
    set: RegexSet,
    /// Numbers of terms of which each group must find one.
    and: Vec<std::ops::Range<usize>>,
    /// Numbers of terms that must not be found.
    not: std::ops::Range<usize>,
}

impl Trend {
    /// Compiles a query.
    ///
    /// # Errors
    /// Why it cannot be, in words.
    pub(super) fn new(text: &str) -> Result<Self, String> {
        let query = TrendQuery::parse(text).map_err(|error| error.to_string())?;
        let mut patterns = Vec::new();
        let mut numbers = |terms: &[Term]| {
            let from = patterns.len();
            patterns.extend(terms.iter().map(pattern));
            from..patterns.len()
        };
        let and = query.and.iter().map(|group| numbers(group)).collect();
        let not = numbers(&query.not);
        let set = RegexSetBuilder::new(&patterns).size_limit(MAX_BYTES).dfa_size_limit(MAX_BYTES).build();
        let set = set.map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => format!("its patterns need more than {MAX_BYTES} bytes"),
            error => format!("a pattern that is not supported: {}", reason(&error.to_string())),
        })?;
        Ok(Self { set, and, not })
    }

    /// Whether a text has a term of each group and none of the others.
    pub(super) fn holds(&self, text: &str) -> bool {
        let found = self.set.matches(text);
        let any = |numbers: &std::ops::Range<usize>| numbers.clone().any(|number| found.matched(number));
        self.and.iter().all(any) && !any(&self.not)
    }
}

/// The last line of an error of the parser, which says why; those before draw the pattern.
fn reason(error: &str) -> &str {
    let last = error.lines().last().unwrap_or_default().trim();
    last.strip_prefix("error: ").unwrap_or(last)
}

fn pattern(term: &Term) -> String {
    match term {
        Term::Words(words) => format!(r"\b{}\b", regex::escape(words)),
        Term::Pattern(python) => translated(python),
    }
}

/// A pattern of Python in the words of the `regex` crate. They differ within brackets, where `[`, `&`, `~` and a second
/// `-` stand for themselves in Python, and in the name of the end of a text.
fn translated(python: &str) -> String {
    let mut out = String::new();
    let mut rest = python.chars().peekable();
    // Characters since the bracket was opened.
    let mut within: Option<usize> = None;
    let mut last = None;
    while let Some(c) = rest.next() {
        match (c, within) {
            ('\\', _) => {
                let escaped = rest.next();
                out.push('\\');
                out.extend(if within.is_none() && escaped == Some('Z') { Some('z') } else { escaped });
                within = within.map(|count| count + 1);
                last = None;
                continue;
            }
            ('[', None) => {
                out.push('[');
                if rest.next_if_eq(&'^').is_some() {
                    out.push('^');
                }
                within = Some(0);
                last = None;
                continue;
            }
            (']', Some(count)) if count > 0 => within = None,
            ('[' | ']' | '&' | '~', Some(_)) => out.push('\\'),
            ('-', Some(_)) if last == Some('-') => out.push('\\'),
            _ => {}
        }
        out.push(c);
        within = within.map(|count| count + 1);
        last = Some(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOLDEN: &str = include_str!("../../tests/fixtures/trend.json");

    #[test]
    fn queries_hold_for_the_same_texts_as_in_hma() {
        let golden: Vec<(String, String, bool)> = serde_json::from_str(GOLDEN).unwrap();
        assert!(golden.len() > 30);
        for (query, text, holds) in golden {
            assert_eq!(Trend::new(&query).unwrap().holds(&text), holds, "{query} {text}");
        }
    }

    #[test]
    fn patterns_without_linear_time_or_of_any_size_are_refused() {
        let query = |pattern: &str| {
            serde_json::json!({ "and": [{ "or": [format!("regex-({pattern})")] }], "not": [] }).to_string()
        };
        for pattern in [r"(?=a)b", r"(?<!a)b", r"(a)\1", r"(?P<n>a)(?P=n)", "(", "[a", r"\w{1000}{1000}"] {
            assert!(Trend::new(&query(pattern)).is_err(), "{pattern}");
        }
        assert!(Trend::new(&query(r"\w{1000}{1000}")).unwrap_err().contains("bytes"));
        assert!(Trend::new(&query(r"(a)\1")).unwrap_err().contains("not supported"));
        // Takes for ever where patterns are tried by going back.
        let slow = Trend::new(&query("^(a+)+$")).unwrap();
        assert!(!slow.holds(&format!("{}b", "a".repeat(60_000))));
    }
}
