//! Text that is safe to show: markup escaped, and characters that hide or reorder others made visible.

use std::fmt;

/// Text from outside, for element content. Hidden characters are shown as a marked `U+202E`.
pub struct Text<'a>(pub &'a str);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match entity(c) {
                Some(entity) => f.write_str(entity)?,
                None if is_hidden(c) => write!(f, "<span class=\"cp\">U+{:04X}</span>", c as u32)?,
                None => fmt::Write::write_char(f, c)?,
            }
        }
        Ok(())
    }
}

/// Text from outside, for a quoted attribute. Hidden characters are shown as `U+202E`.
pub struct Attr<'a>(pub &'a str);

impl fmt::Display for Attr<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match entity(c) {
                Some(entity) => f.write_str(entity)?,
                None if is_hidden(c) => write!(f, "U+{:04X}", c as u32)?,
                None => fmt::Write::write_char(f, c)?,
            }
        }
        Ok(())
    }
}

/// A path: isolated from the direction of the text around it, its last part emphasised.
pub(super) struct Path<'a>(pub(super) &'a str);

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (folder, name) = match self.0.rfind('/') {
            Some(at) => self.0.split_at(at + 1),
            None => ("", self.0),
        };
        write!(f, "<bdi class=\"path\">{}<b>{}</b></bdi>", Text(folder), Text(name))
    }
}

fn entity(c: char) -> Option<&'static str> {
    match c {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        '"' => Some("&quot;"),
        '\'' => Some("&#39;"),
        '`' => Some("&#96;"),
        _ => None,
    }
}

/// Whether a character is invisible, or changes the order in which others are shown.
/// *Source:* Unicode 16, Bidi_Control and Default_Ignorable_Code_Point, less the variation selectors of emoji.
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// A count with thin groups of three: `12 345`.
pub fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// Bytes in the unit that reads best, one decimal, powers of ten: `3.4 MB`.
pub fn bytes(value: u64) -> String {
    const UNITS: [(u64, &str); 4] =
        [(1_000_000_000_000, "TB"), (1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")];
    for (size, unit) in UNITS {
        if value >= size {
            return format!("{}.{} {unit}", value / size, value % size / (size / 10));
        }
    }
    format!("{value} B")
}

/// `1 file`, `2 files`.
pub fn plural(value: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(value), if value == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_escaped_in_content_and_in_attributes() {
        let hostile = "<b a='1' c=\"2\">&`";
        let safe = "&lt;b a=&#39;1&#39; c=&quot;2&quot;&gt;&amp;&#96;";
        assert_eq!(Text(hostile).to_string(), safe);
        assert_eq!(Attr(hostile).to_string(), safe);
    }

    #[test]
    fn hidden_and_reordering_characters_are_made_visible() {
        assert_eq!(Attr("a\u{202e}gpj.exe\n\u{200b}\u{7}").to_string(), "aU+202Egpj.exeU+000AU+200BU+0007");
        assert_eq!(Text("\u{2066}").to_string(), "<span class=\"cp\">U+2066</span>");
        assert_eq!(Text("é 漢 👍🏽").to_string(), "é 漢 👍🏽");
    }

    #[test]
    fn a_path_is_isolated_and_its_name_stands_out() {
        assert_eq!(Path("a/b<.jpg").to_string(), "<bdi class=\"path\">a/<b>b&lt;.jpg</b></bdi>");
        assert_eq!(Path("only").to_string(), "<bdi class=\"path\"><b>only</b></bdi>");
    }

    #[test]
    fn numbers_read_easily() {
        assert_eq!(count(1_234_567), "1\u{202f}234\u{202f}567");
        assert_eq!(count(12), "12");
        assert_eq!(bytes(3_450_000), "3.4 MB");
        assert_eq!(bytes(999), "999 B");
        assert_eq!(plural(1, "file", "files"), "1 file");
    }
}
