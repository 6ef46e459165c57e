//! Addresses of a service: one origin, which nothing that the service says can change.
//!
//! Pages name the next page, some by a whole URL. Only its path and query are taken: credentials never follow an answer
//! to another host.

use super::ClientError;

/// Longest path and query of a next page, in bytes.
const MAX_NEXT: usize = 8 * 1024;

/// The base URL of a service, in two parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Base {
    /// `https://host[:port]`.
    origin: String,
    /// `/path`, without a slash at its end; may be empty.
    path: String,
}

impl Base {
    /// Reads a base URL: http or https, a host, perhaps a path; no user, query or fragment.
    pub(super) fn parse(url: &str) -> Result<Self, ClientError> {
        let wrong =
            || ClientError::settings("the base URL is no http or https URL without user, query and fragment");
        let (scheme, rest) = url.trim().split_once("://").ok_or_else(wrong)?;
        let known = scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http");
        let (host, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
        if !known
            || host.is_empty()
            || host.contains('@')
            || !rest.bytes().all(is_plain)
            || rest.contains(['?', '#'])
        {
            return Err(wrong());
        }
        let origin = format!("{}://{}", scheme.to_ascii_lowercase(), host.to_ascii_lowercase());
        Ok(Self { origin, path: path.trim_end_matches('/').to_owned() })
    }

    /// The base URL as text: what a checkpoint is bound to.
    pub(super) fn text(&self) -> String {
        format!("{}{}", self.origin, self.path)
    }

    /// A URL below the base; `tail` begins with a slash.
    pub(super) fn join(&self, tail: &str) -> String {
        format!("{}{}{tail}", self.origin, self.path)
    }

    /// What a service named as its next page, as path and query of the origin.
    ///
    /// A whole URL, a path that begins with the base's own, and a path that is to be put behind the base are told apart.
    pub(super) fn next(&self, named: &str) -> Result<String, String> {
        let named = named.trim();
        if named.len() > MAX_NEXT || !named.bytes().all(is_plain) {
            return Err("the address of the next page is too long, or none".to_owned());
        }
        if let Some((_, rest)) =
            named.split_once("://").filter(|(scheme, _)| scheme.bytes().all(|c| c.is_ascii_alphabetic()))
        {
            return match rest.find('/') {
                Some(at) => Ok(rest[at..].to_owned()),
                None => Err("the address of the next page has no path".to_owned()),
            };
        }
        if !named.starts_with('/') {
            return Err("the address of the next page is no path".to_owned());
        }
        let own = !self.path.is_empty()
            && named.strip_prefix(&self.path).is_some_and(|rest| rest.starts_with(['/', '?']));
        Ok(if own { named.to_owned() } else { format!("{}{named}", self.path) })
    }

    /// The URL of a path and query of the origin.
    pub(super) fn at(&self, path_and_query: &str) -> String {
        format!("{}{path_and_query}", self.origin)
    }
}

/// A character that may stand in a URL as it is sent.
fn is_plain(c: u8) -> bool {
    c.is_ascii_graphic() && !matches!(c, b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'}')
}

/// A text as a value of a query, or as one segment of a path.
pub(super) fn encode(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            _ => {
                const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
                out.push('%');
                out.push(char::from(DIGITS[usize::from(byte >> 4)]));
                out.push(char::from(DIGITS[usize::from(byte & 15)]));
            }
        }
    }
    out
}

/// A path and query without one parameter, and without a fragment: what is kept of it must not hold a token.
pub(super) fn without(path_and_query: &str, name: &str) -> String {
    let whole = path_and_query.split('#').next().unwrap_or_default();
    let Some((path, query)) = whole.split_once('?') else { return whole.to_owned() };
    let kept: Vec<_> =
        query.split('&').filter(|pair| pair.split('=').next() != Some(name) && !pair.is_empty()).collect();
    if kept.is_empty() { path.to_owned() } else { format!("{path}?{}", kept.join("&")) }
}

/// A path and query with one more parameter.
pub(super) fn with(path_and_query: &str, name: &str, value: &str) -> String {
    let joint = if path_and_query.contains('?') { '&' } else { '?' };
    format!("{path_and_query}{joint}{name}={}", encode(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_always_of_the_same_origin() {
        let base = Base::parse("HTTPS://Report.Test:8443/hashsharing/").unwrap();
        assert_eq!(base.text(), "https://report.test:8443/hashsharing");
        let at = |named: &str| base.next(named).map(|next| base.at(&next));
        let here = Ok("https://report.test:8443/hashsharing/v2/entries?start=1".to_owned());
        assert_eq!(at("/v2/entries?start=1"), here);
        assert_eq!(at("/hashsharing/v2/entries?start=1"), here);
        assert_eq!(at("https://elsewhere.test/hashsharing/v2/entries?start=1"), here);
        assert_eq!(at("http://user:pw@elsewhere.test/hashsharing/v2/entries?start=1"), here);
        assert_eq!(at("/hashsharingX"), Ok("https://report.test:8443/hashsharing/hashsharingX".to_owned()));
        for named in
            ["", "v2/entries", "https://elsewhere.test", "/a b", "/a\r\nX: y", "/\u{e9}", &"/".repeat(9000)]
        {
            assert!(at(named).is_err(), "{named:?}");
        }
    }

    #[test]
    fn a_base_url_has_neither_user_nor_query() {
        for url in [
            "",
            "report.test",
            "ftp://a.test",
            "https://",
            "https://u:p@a.test",
            "https://a.test/?x",
            "https://a.test/#x",
            "https://a b",
        ] {
            assert!(Base::parse(url).is_err(), "{url}");
        }
        assert_eq!(Base::parse("http://127.0.0.1:9/").unwrap().join("/x"), "http://127.0.0.1:9/x");
    }

    #[test]
    fn tokens_are_taken_out_of_queries_and_put_back() {
        let named = "/v21.0/1/threat_updates?access_token=1%7Cx&limit=5&after=Zz%3D#f";
        let kept = without(named, "access_token");
        assert_eq!(kept, "/v21.0/1/threat_updates?limit=5&after=Zz%3D");
        assert_eq!(
            with(&kept, "access_token", "1|x"),
            "/v21.0/1/threat_updates?limit=5&after=Zz%3D&access_token=1%7Cx"
        );
        assert_eq!(without("/a?access_token=x", "access_token"), "/a");
        assert_eq!(without("/a", "access_token"), "/a");
    }
}
