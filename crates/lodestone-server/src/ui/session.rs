//! Who is at the pages: sessions, and the tokens that forms carry.
//!
//! A session is a cookie that names a key and a time, under an HMAC whose key is made anew at each start: no list of
//! sessions is kept, none outlives the process, and what the key may do is asked again at each request. A form carries
//! a token bound to its session, so that only forms of these pages are taken from a browser. Programs send neither
//! cookie nor `Sec-Fetch-Site`, and go on as with HMA.

use std::sync::Arc;

use axum::http::HeaderMap;
use axum::http::header::COOKIE;
use lodestone_types::hex;
use ring::hmac;
use ring::rand::SystemRandom;

use crate::error::ApiError;

/// How long a session lasts, in seconds: a working day.
pub(crate) const LASTS_S: i64 = 8 * 3600;

/// Makes and reads sessions and form tokens.
pub(crate) struct Sessions {
    key: hmac::Key,
    secure: bool,
}

/// A session that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Session {
    /// Id of the key that was shown.
    pub(crate) key_id: Arc<str>,
    nonce: String,
}

impl Sessions {
    /// Under a new secret. `secure`: the server speaks TLS itself.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub(crate) fn new(random: &SystemRandom, secure: bool) -> std::io::Result<Self> {
        let key = hmac::Key::generate(hmac::HMAC_SHA256, random)
            .map_err(|_| std::io::Error::other("the system gives no random bytes"))?;
        Ok(Self { key, secure })
    }

    /// Name of the cookie. The prefix makes browsers refuse it from other hosts and without TLS. *Source:* RFC 6265bis.
    fn cookie(&self) -> &'static str {
        if self.secure { "__Host-lodestone" } else { "lodestone" }
    }

    /// The header that begins a session.
    pub(crate) fn begin(&self, key_id: &str, now_s: i64, nonce: [u8; 16]) -> String {
        let body = format!("{key_id}.{}.{}", now_s.saturating_add(LASTS_S), hex::encode(&nonce));
        let value = format!("{body}.{}", self.sign("session", &body));
        self.header(&value, LASTS_S)
    }

    /// The header that ends it.
    pub(crate) fn end(&self) -> String {
        self.header("", 0)
    }

    fn header(&self, value: &str, max_age_s: i64) -> String {
        let secure = if self.secure { "; Secure" } else { "" };
        format!("{}={value}; Path=/; Max-Age={max_age_s}; HttpOnly; SameSite=Strict{secure}", self.cookie())
    }

    /// The session of a request, if its cookie is one of ours and not over.
    pub(crate) fn of(&self, headers: &HeaderMap, now_s: i64) -> Option<Session> {
        let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut pairs =
            cookies.flat_map(|text| text.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let (_, value) = pairs.find(|(name, _)| *name == self.cookie())?;
        let (body, mac) = value.rsplit_once('.')?;
        if !self.is_signed("session", body, mac) {
            return None;
        }
        let mut parts = body.split('.');
        let (key_id, until, nonce) = (parts.next()?, parts.next()?, parts.next()?);
        let until_s: i64 = until.parse().ok()?;
        (now_s < until_s).then(|| Session { key_id: key_id.into(), nonce: nonce.to_owned() })
    }

    fn sign(&self, purpose: &str, text: &str) -> String {
        hex::encode(hmac::sign(&self.key, format!("{purpose}\0{text}").as_bytes()).as_ref())
    }

    fn is_signed(&self, purpose: &str, text: &str, mac: &str) -> bool {
        let Some(mac) = hex::decode::<32>(mac) else { return false };
        hmac::verify(&self.key, format!("{purpose}\0{text}").as_bytes(), &mac).is_ok()
    }
}

/// One visit of a page: put into each request for one.
#[derive(Clone, Debug)]
pub(crate) struct Visit {
    /// Id of the key of the session, where there is one.
    pub(crate) key_id: Option<Arc<str>>,
    /// What forms of this visit carry.
    pub(crate) token: String,
    /// Whether a browser asks, so that forms have to carry the token.
    pub(crate) from_browser: bool,
}

impl Visit {
    /// Of a request's headers.
    pub(crate) fn of(sessions: &Sessions, headers: &HeaderMap, now_s: i64) -> Self {
        let session = sessions.of(headers, now_s);
        let bound = session.as_ref().map_or("", |session| session.nonce.as_str());
        Self {
            token: sessions.sign("form", bound),
            from_browser: session.is_some() || headers.contains_key("sec-fetch-site"),
            key_id: session.map(|session| session.key_id),
        }
    }

    /// Refuses a form that a browser sends without its token.
    ///
    /// # Errors
    /// 403.
    pub(crate) fn check(&self, given: Option<&str>) -> Result<(), ApiError> {
        let same = |given: &str| {
            let differ = self.token.bytes().zip(given.bytes()).fold(0, |all, (a, b)| all | (a ^ b));
            given.len() == self.token.len() && std::hint::black_box(differ) == 0
        };
        if !self.from_browser || given.is_some_and(same) {
            return Ok(());
        }
        Err(ApiError::forbidden("this form is out of date: open its page again, and send it from there"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sessions(secure: bool) -> Sessions {
        Sessions::new(&SystemRandom::new(), secure).unwrap()
    }

    fn with(name: &str, value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(axum::http::HeaderName::try_from(name).unwrap(), value.parse().unwrap());
        headers
    }

    fn cookie(sessions: &Sessions, now_s: i64) -> String {
        let header = sessions.begin("3f9a0c1e7b2d", now_s, [7; 16]);
        header.split(';').next().unwrap().to_owned()
    }

    #[test]
    fn a_session_is_read_back_until_it_is_over() {
        let sessions = sessions(false);
        let headers = with("cookie", &format!("a=b; {}; c=d", cookie(&sessions, 1000)));
        assert_eq!(&*sessions.of(&headers, 1000).unwrap().key_id, "3f9a0c1e7b2d");
        assert!(sessions.of(&headers, 999 + LASTS_S).is_some());
        assert!(sessions.of(&headers, 1000 + LASTS_S).is_none());
    }

    #[test]
    fn a_session_that_was_changed_or_comes_from_another_process_is_none() {
        let one = sessions(false);
        let text = cookie(&one, 1000);
        for other in [
            text.replacen("3f9a", "4f9a", 1),
            text.replacen("29800", "99800", 1),
            text[..text.len() - 1].to_owned(),
            "lodestone=".to_owned(),
            "lodestone=....".to_owned(),
        ] {
            assert_ne!(other, text);
            assert!(one.of(&with("cookie", &other), 1000).is_none(), "{other}");
        }
        assert!(sessions(false).of(&with("cookie", &text), 1000).is_none());
        assert!(sessions(true).of(&with("cookie", &text), 1000).is_none(), "another name under TLS");
    }

    #[test]
    fn cookies_are_for_this_site_only_and_out_of_reach_of_scripts() {
        let header = sessions(true).begin("a", 0, [0; 16]);
        assert!(header.starts_with("__Host-lodestone=a.") && header.ends_with("; Secure"), "{header}");
        for part in ["; Path=/", "; HttpOnly", "; SameSite=Strict", "; Max-Age=28800"] {
            assert!(header.contains(part), "{header}");
        }
        assert!(sessions(false).end().contains("=; Path=/; Max-Age=0"));
    }

    #[test]
    fn forms_of_a_browser_carry_the_token_of_their_session_and_programs_need_none() {
        let sessions = sessions(false);
        let program = Visit::of(&sessions, &HeaderMap::new(), 0);
        assert!(program.check(None).is_ok());
        let open = Visit::of(&sessions, &with("sec-fetch-site", "same-origin"), 0);
        assert_eq!(open.check(None).unwrap_err().status().as_u16(), 403);
        assert!(open.check(Some(&open.token)).is_ok());
        assert!(open.check(Some(&open.token[1..])).is_err() && open.check(Some("")).is_err());
        // A cookie makes it a browser, whatever it says of itself; its token is another.
        let signed_in = Visit::of(&sessions, &with("cookie", &cookie(&sessions, 0)), 0);
        assert!(signed_in.check(None).is_err() && signed_in.check(Some(&open.token)).is_err());
        assert!(signed_in.check(Some(&signed_in.token)).is_ok());
        // The secret of sessions does not sign forms, nor the other way round.
        assert!(!sessions.is_signed("session", "", &open.token));
    }
}
