//! Labels of members: readable, harmless, unique.

use std::collections::BTreeMap;

/// Makes labels and remembers them.
#[derive(Default)]
pub(super) struct Labels {
    used: BTreeMap<String, u32>,
}

impl Labels {
    /// The label of a member; the second of a name gets `#2`, and so on.
    pub(super) fn unique(&mut self, raw: &[u8]) -> String {
        let plain = label(raw);
        let mut name = plain.clone();
        while self.used.contains_key(&name) {
            let count = self.used.entry(plain.clone()).or_insert(1);
            *count += 1;
            name = format!("{plain}#{count}");
        }
        self.used.insert(name.clone(), 1);
        name
    }
}

/// Forward slashes, without `.`, `..`, empty parts, drive letters and control characters.
pub(super) fn label(raw: &[u8]) -> String {
    let text = String::from_utf8_lossy(raw).replace('\\', "/");
    let text = match text.as_bytes() {
        [drive, b':', b'/', ..] if drive.is_ascii_alphabetic() => text.get(2..).unwrap_or_default(),
        _ => &text,
    };
    let parts: Vec<String> = text
        .split('/')
        .filter(|part| !matches!(*part, "" | "." | ".."))
        .map(|part| part.chars().map(|c| if hidden(c) { '\u{fffd}' } else { c }).collect())
        .collect();
    if parts.is_empty() { "unnamed".to_owned() } else { parts.join("/") }
}

/// Control characters, and those that turn the direction of text around.
fn hidden(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_harmless() {
        assert_eq!(label(b"../../etc/passwd"), "etc/passwd");
        assert_eq!(label(b"/abs/./a.png"), "abs/a.png");
        assert_eq!(label(b"C:\\Users\\x\\b.jpg"), "Users/x/b.jpg");
        assert_eq!(label(b"a\nb\x1b[2J.png"), "a\u{fffd}b\u{fffd}[2J.png");
        assert_eq!(label("gpj.\u{202e}exe".as_bytes()), "gpj.\u{fffd}exe");
        assert_eq!(label(b"caf\xe9.png"), "caf\u{fffd}.png");
        assert_eq!(label(b"../"), "unnamed");
    }

    #[test]
    fn the_second_of_a_name_gets_a_number() {
        let mut labels = Labels::default();
        let made: Vec<String> =
            [b"a".as_slice(), b"a", b"a#2", b"./a", b"b"].iter().map(|n| labels.unique(n)).collect();
        assert_eq!(made, ["a", "a#2", "a#2#2", "a#3", "b"]);
    }
}
