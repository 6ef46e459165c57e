//! Values as Hasher-Matcher-Actioner takes them, and its words where it does not.

use crate::{Signal, SignalType};

/// A signal from text that HMA would take. See [`Signal::parse_as_hma`].
pub(crate) fn parse(kind: SignalType, text: &str) -> Result<Signal, String> {
    let trimmed = text.trim_matches(is_space);
    let (fits, value, otherwise) = match kind {
        SignalType::Pdq => {
            let lower = text.bytes().all(|c| c.is_ascii_digit() || (b'a'..=b'f').contains(&c));
            (lower, text, "invalid PDQ hash".to_owned())
        }
        SignalType::TextTlsh => (is_tlsh(text), text, "invalid TLSH hash".to_owned()),
        SignalType::Md5 | SignalType::VideoMd5 => {
            (true, trimmed, format!("{} is not a valid MD5 hash", quoted(text)))
        }
        SignalType::Sha1 => (true, trimmed, format!("{} is not a valid SHA1 hash", quoted(text))),
        SignalType::Sha256 => (true, trimmed, format!("{} is not a valid SHA256 hash", quoted(text))),
        SignalType::RawText | SignalType::Url if trimmed.is_empty() => return Err("empty hash".to_owned()),
        SignalType::RawText | SignalType::Url | SignalType::TrendQuery | SignalType::Photodna => {
            return Signal::parse(kind, text).map_err(|error| error.to_string());
        }
    };
    if !fits {
        return Err(otherwise);
    }
    Signal::parse(kind, value).map_err(|_| otherwise)
}

/// Whether a text is a TLSH digest in its canonical case: `T1` and 70 hexadecimal digits.
pub(crate) fn is_tlsh(text: &str) -> bool {
    text.len() == 72
        && text
            .strip_prefix("T1")
            .is_some_and(|digits| digits.bytes().all(|c| c.is_ascii_digit() || (b'A'..=b'F').contains(&c)))
}

/// What Python's `str.strip()` strips: white space, and the four separators of ASCII.
pub(crate) fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\x1c'..='\x1f').contains(&c)
}

/// A text as Python's `repr` writes it, shortened after 200 characters.
fn quoted(text: &str) -> String {
    use std::fmt::Write;
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut out = String::from(quote);
    for c in text.chars().take(200) {
        let written = match c {
            '\n' => write!(out, "\\n"),
            '\r' => write!(out, "\\r"),
            '\t' => write!(out, "\\t"),
            '\\' => write!(out, "\\\\"),
            c if c == quote => write!(out, "\\{c}"),
            ' '..='~' => write!(out, "{c}"),
            c if u32::from(c) < 0x100 && (c.is_control() || c == '\u{a0}' || c == '\u{ad}') => {
                write!(out, "\\x{:02x}", u32::from(c))
            }
            c if !is_printable(c) && u32::from(c) < 0x1_0000 => write!(out, "\\u{:04x}", u32::from(c)),
            c if !is_printable(c) => write!(out, "\\U{:08x}", u32::from(c)),
            c => write!(out, "{c}"),
        };
        // Writing to a String does not fail.
        debug_assert!(written.is_ok());
    }
    if text.chars().nth(200).is_some() {
        out.push('…');
    }
    out.push(quote);
    out
}

/// Whether the standard library's tables call a character printable; behind a letter, so that combining marks are.
fn is_printable(c: char) -> bool {
    !c.is_whitespace() && !format!("a{c}").escape_debug().skip(1).collect::<String>().starts_with("\\u{")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(kind: SignalType, text: &str) -> String {
        parse(kind, text).unwrap_err()
    }

    #[test]
    fn pdq_is_taken_in_lower_case_only() {
        let hash = "0f".repeat(32);
        assert!(parse(SignalType::Pdq, &hash).is_ok());
        for text in
            [hash.to_uppercase(), format!(" {hash}"), format!("{hash}\n"), String::new(), "0f".repeat(31)]
        {
            assert_eq!(error(SignalType::Pdq, &text), "invalid PDQ hash");
        }
    }

    #[test]
    fn digests_are_trimmed_and_put_in_lower_case() {
        let signal = parse(SignalType::VideoMd5, &format!("\t{} \x1f", "AB".repeat(16))).unwrap();
        assert_eq!(signal.to_text(), "ab".repeat(16));
        assert_eq!(error(SignalType::VideoMd5, "x"), "'x' is not a valid MD5 hash");
        assert_eq!(error(SignalType::Sha256, ""), "'' is not a valid SHA256 hash");
        assert_eq!(error(SignalType::Sha1, "it's"), "\"it's\" is not a valid SHA1 hash");
    }

    #[test]
    fn texts_are_quoted_as_python_quotes_them() {
        for (text, python) in [
            ("a\"b'c\\", r#"'a"b\'c\\'"#),
            ("\n\r\t\0\x7f\u{a0}", r"'\n\r\t\x00\x7f\xa0'"),
            ("é漢\u{301}🎉", "'é漢\u{301}🎉'"),
            ("\u{2028}\u{200b}\u{e0001}", r"'\u2028\u200b\U000e0001'"),
        ] {
            assert_eq!(quoted(text), python);
        }
        assert_eq!(quoted(&"a".repeat(201)), format!("'{}…'", "a".repeat(200)));
    }

    #[test]
    fn texts_and_tlsh_as_their_types_say() {
        assert_eq!(parse(SignalType::Url, " http://a/ ").unwrap().to_text(), "http://a/");
        assert_eq!(error(SignalType::RawText, ""), "empty hash");
        let digest = format!("T1{}", "0A".repeat(35));
        assert_eq!(parse(SignalType::TextTlsh, &digest).unwrap().to_text(), digest);
        assert_eq!(error(SignalType::TextTlsh, &digest.to_lowercase()), "invalid TLSH hash");
        assert!(error(SignalType::TrendQuery, "{}").contains("and"));
    }
}
