//! Splitting a query as werkzeug does.

/// Names and values of a query in their order: split at `&`, `+` is a space, empty parts are left out, a name alone has
/// an empty value, and bytes that are no UTF-8 stay written as `%XX`.
/// *Source:* werkzeug `Request.args`, CPython `urllib.parse.parse_qsl`.
pub fn pairs(query: &str) -> Vec<(String, String)> {
    let parts = query.split('&').filter(|part| !part.is_empty());
    parts
        .map(|part| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            (decoded(name), decoded(value))
        })
        .collect()
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        rest = tail;
        bytes.push(match (first, tail) {
            (b'+', _) => b' ',
            (b'%', [high, low, after @ ..]) => match (digit(*high), digit(*low)) {
                (Some(high), Some(low)) => {
                    rest = after;
                    high << 4 | low
                }
                _ => b'%',
            },
            _ => first,
        });
    }
    let mut out = String::new();
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        for byte in chunk.invalid() {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

fn digit(c: u8) -> Option<u8> {
    char::from(c).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::pairs;

    #[test]
    fn a_query_is_split_and_decoded() {
        let pairs = pairs("&a=1&&b&c=x+y%20z%2B&%C3%A9=%ff%C3&d=%zz%4&e=1=2&=v&a=2");
        let pairs: Vec<_> = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let expected = [
            ("a", "1"),
            ("b", ""),
            ("c", "x y z+"),
            ("é", "%FF%C3"),
            ("d", "%zz%4"),
            ("e", "1=2"),
            ("", "v"),
            ("a", "2"),
        ];
        assert_eq!(pairs, expected);
    }
}
