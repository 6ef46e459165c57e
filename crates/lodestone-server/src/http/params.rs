//! Parameters of a query string or a form.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

/// Decoded name-value pairs, in their order. Bytes that are no UTF-8 stay written as `%XX`, as in Flask: seeds have to
/// fall alike.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Params(Vec<(String, String)>);

impl Params {
    /// Parses `a=1&b=2`.
    pub fn parse(text: &str) -> Self {
        Self(crate::lax::pairs(text))
    }

    /// The first value of this name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The first value of this name, if it is not empty.
    pub fn filled(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|value| !value.is_empty())
    }

    /// All pairs.
    pub fn pairs(&self) -> &[(String, String)] {
        &self.0
    }
}

impl<S: Sync> FromRequestParts<S> for Params {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self::parse(parts.uri.query().unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_value_counts_and_plus_is_a_space() {
        let params = Params::parse("a=1&a=2&b=x+y%2Fz&c&d=%FF");
        assert_eq!(params.get("a"), Some("1"));
        assert_eq!(params.get("b"), Some("x y/z"));
        assert_eq!((params.get("c"), params.filled("c")), (Some(""), None));
        assert_eq!(params.get("d"), Some("%FF"));
        assert_eq!(params.get("e"), None);
    }
}
