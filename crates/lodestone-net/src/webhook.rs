//! Signing and verifying messages as Standard Webhooks 1.0.0 wants it, with symmetric keys.
//!
//! *Source:* the specification at `standard-webhooks/standard-webhooks`, `spec/standard-webhooks.md`. Three headers go
//! with a body: `webhook-id` (the same for every attempt: the receiver's idempotency key), `webhook-timestamp` (seconds
//! since 1970, of the attempt), and `webhook-signature`: `v1,` and the base64 of HMAC-SHA256 over
//! `id.timestamp.body`. While a secret is being changed there is one signature for each, separated by spaces.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use ring::rand::SecureRandom;

use crate::Secret;

/// What a written secret begins with.
const PREFIX: &str = "whsec_";

/// Lengths of a secret that the specification allows, in bytes.
const SECRET_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// Most signatures of one header that are looked at.
const MAX_SIGNATURES: usize = 16;

/// How far the clock of sender and receiver may differ, in seconds: five minutes, as the reference libraries have it.
pub const TOLERANCE_S: u64 = 300;

/// Why something is not signed, or not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WebhookError {
    /// The text of a secret cannot be read.
    #[error("a signing secret is written as whsec_ and the base64 of 24 to 64 bytes")]
    BadSecret,
    /// No secret was given to sign with.
    #[error("there is no secret to sign with")]
    NoSecret,
    /// A message's id is empty, longer than 128 bytes, or holds something else than letters, digits, `_` and `-`.
    #[error("a message id is 1 to 128 letters, digits, _ and -")]
    BadId,
    /// The timestamp cannot be read.
    #[error("the timestamp is no number of seconds")]
    BadTimestamp,
    /// The timestamp is too old or too new: the message may be a replay, or a clock is wrong.
    #[error("the timestamp differs from the clock by more than {tolerance_s} s")]
    OutOfTime {
        /// The difference allowed, in seconds.
        tolerance_s: u64,
    },
    /// No signature of the header was made with one of the secrets over this id, time and body.
    #[error("no signature is valid")]
    BadSignature,
    /// The system gives no random bytes.
    #[error("the system gives no random bytes")]
    NoRandomness,
}

/// A signing secret. `Debug` does not show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningSecret(Secret);

impl SigningSecret {
    /// Reads `whsec_…`; the prefix may be missing, as the reference libraries allow.
    ///
    /// # Errors
    /// [`WebhookError::BadSecret`].
    pub fn parse(text: &str) -> Result<Self, WebhookError> {
        let text = text.trim();
        let encoded = text.strip_prefix(PREFIX).unwrap_or(text);
        if encoded.len() > 128 {
            return Err(WebhookError::BadSecret);
        }
        let bytes = STANDARD.decode(encoded).map_err(|_| WebhookError::BadSecret)?;
        if !SECRET_BYTES.contains(&bytes.len()) {
            return Err(WebhookError::BadSecret);
        }
        Ok(Self(Secret::new(bytes)))
    }

    /// A new secret of 32 random bytes.
    ///
    /// # Errors
    /// [`WebhookError::NoRandomness`].
    pub fn generate(random: &dyn SecureRandom) -> Result<Self, WebhookError> {
        let mut bytes = [0; 32];
        random.fill(&mut bytes).map_err(|_| WebhookError::NoRandomness)?;
        Ok(Self(Secret::new(bytes)))
    }

    /// The secret as it is given to the receiver, `whsec_…`.
    #[must_use]
    pub fn reveal(&self) -> Secret {
        Secret::from(format!("{PREFIX}{}", STANDARD.encode(self.0.expose())))
    }

    fn sign(&self, content: &[u8]) -> hmac::Tag {
        hmac::sign(&self.key(), content)
    }

    fn key(&self) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, self.0.expose())
    }
}

/// The three headers of one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedHeaders {
    /// `webhook-id`.
    pub id: String,
    /// `webhook-timestamp`.
    pub timestamp: String,
    /// `webhook-signature`.
    pub signature: String,
}

impl SignedHeaders {
    /// Names and values, as a request takes them.
    #[must_use]
    pub fn pairs(&self) -> [(&str, &str); 3] {
        [
            ("webhook-id", &self.id),
            ("webhook-timestamp", &self.timestamp),
            ("webhook-signature", &self.signature),
        ]
    }
}

/// Signs one attempt. `now_s` is the time of the attempt in seconds since 1970; `secrets` are all that the receiver may
/// still believe, newest first.
///
/// # Errors
/// [`WebhookError::BadId`], [`WebhookError::NoSecret`].
pub fn sign(
    secrets: &[SigningSecret],
    id: &str,
    now_s: u64,
    body: &[u8],
) -> Result<SignedHeaders, WebhookError> {
    if secrets.is_empty() {
        return Err(WebhookError::NoSecret);
    }
    let content = content(id, now_s, body)?;
    let signatures: Vec<String> =
        secrets.iter().map(|secret| format!("v1,{}", STANDARD.encode(secret.sign(&content)))).collect();
    Ok(SignedHeaders { id: id.to_owned(), timestamp: now_s.to_string(), signature: signatures.join(" ") })
}

/// Verifies what came in the three headers with a body. Signatures of other kinds (`v1a`) are passed over. Compares in
/// constant time.
///
/// # Errors
/// [`WebhookError::BadId`], [`WebhookError::BadTimestamp`], [`WebhookError::OutOfTime`], [`WebhookError::BadSignature`].
pub fn verify(
    secrets: &[SigningSecret],
    headers: &SignedHeaders,
    body: &[u8],
    now_s: u64,
    tolerance_s: u64,
) -> Result<(), WebhookError> {
    let digits = headers.timestamp.as_str();
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err(WebhookError::BadTimestamp);
    }
    let sent_s: u64 = digits.parse().map_err(|_| WebhookError::BadTimestamp)?;
    if sent_s.abs_diff(now_s) > tolerance_s {
        return Err(WebhookError::OutOfTime { tolerance_s });
    }
    let content = content(&headers.id, sent_s, body)?;
    let given: Vec<Vec<u8>> = headers
        .signature
        .split_ascii_whitespace()
        .take(MAX_SIGNATURES)
        .filter_map(|signature| STANDARD.decode(signature.strip_prefix("v1,")?).ok())
        .collect();
    let is_valid = secrets
        .iter()
        .any(|secret| given.iter().any(|signature| hmac::verify(&secret.key(), &content, signature).is_ok()));
    if is_valid { Ok(()) } else { Err(WebhookError::BadSignature) }
}

/// What is signed. A dot in the id would let one message pass for another.
fn content(id: &str, timestamp_s: u64, body: &[u8]) -> Result<Vec<u8>, WebhookError> {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    if id.is_empty() || id.len() > 128 || !id.bytes().all(is_plain) {
        return Err(WebhookError::BadId);
    }
    let mut content = format!("{id}.{timestamp_s}.").into_bytes();
    content.extend_from_slice(body);
    Ok(content)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The vector that the specification's own libraries test with (`libraries/javascript/src/webhook.test.ts`).
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const TIME_S: u64 = 1_614_265_330;
    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    fn secret() -> SigningSecret {
        SigningSecret::parse(SECRET).expect("a secret")
    }

    fn headers() -> SignedHeaders {
        SignedHeaders { id: ID.to_owned(), timestamp: TIME_S.to_string(), signature: SIGNATURE.to_owned() }
    }

    #[test]
    fn the_vector_of_the_specification_is_met() {
        assert_eq!(sign(&[secret()], ID, TIME_S, BODY), Ok(headers()));
        assert_eq!(verify(&[secret()], &headers(), BODY, TIME_S, 0), Ok(()));
        let bare = SigningSecret::parse(&SECRET["whsec_".len()..]);
        assert_eq!(bare, Ok(secret()));
        assert_eq!(secret().reveal().expose_str(), Some(SECRET));
    }

    #[test]
    fn anything_changed_makes_the_signature_invalid() {
        let bad = Err(WebhookError::BadSignature);
        assert_eq!(verify(&[secret()], &headers(), b"{}", TIME_S, 0), bad);
        let other_id = SignedHeaders { id: "msg_x".to_owned(), ..headers() };
        assert_eq!(verify(&[secret()], &other_id, BODY, TIME_S, 0), bad);
        let later = SignedHeaders { timestamp: (TIME_S + 1).to_string(), ..headers() };
        assert_eq!(verify(&[secret()], &later, BODY, TIME_S, 5), bad);
        for signature in
            ["", "v1", "v1,", "v1,AAAA", "v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", "v1,é"]
        {
            let changed = SignedHeaders { signature: signature.to_owned(), ..headers() };
            assert_eq!(verify(&[secret()], &changed, BODY, TIME_S, 0), bad, "{signature}");
        }
        assert_eq!(verify(&[], &headers(), BODY, TIME_S, 0), bad);
    }

    #[test]
    fn during_a_change_of_secret_both_sides_may_be_behind() {
        let new = SigningSecret::generate(&ring::rand::SystemRandom::new()).expect("random");
        let signed = sign(&[new.clone(), secret()], ID, TIME_S, BODY).expect("signed");
        assert_eq!(signed.signature.split(' ').count(), 2);
        for known in [&new, &secret()] {
            assert_eq!(verify(std::slice::from_ref(known), &signed, BODY, TIME_S, 0), Ok(()));
        }
        assert_eq!(verify(&[new.clone(), secret()], &headers(), BODY, TIME_S, 0), Ok(()));
        assert_eq!(verify(&[new], &headers(), BODY, TIME_S, 0), Err(WebhookError::BadSignature));
        let mixed = SignedHeaders { signature: format!("v1a,AAAA {SIGNATURE}"), ..headers() };
        assert_eq!(verify(&[secret()], &mixed, BODY, TIME_S, 0), Ok(()));
    }

    #[test]
    fn old_and_future_messages_are_not_believed() {
        for (now_s, expected) in [
            (TIME_S + TOLERANCE_S, Ok(())),
            (TIME_S - TOLERANCE_S, Ok(())),
            (TIME_S + TOLERANCE_S + 1, Err(WebhookError::OutOfTime { tolerance_s: TOLERANCE_S })),
            (TIME_S - TOLERANCE_S - 1, Err(WebhookError::OutOfTime { tolerance_s: TOLERANCE_S })),
        ] {
            assert_eq!(verify(&[secret()], &headers(), BODY, now_s, TOLERANCE_S), expected);
        }
        for timestamp in ["", "+1614265330", " 1614265330", "1e9", "99999999999999999999"] {
            let odd = SignedHeaders { timestamp: timestamp.to_owned(), ..headers() };
            assert_eq!(verify(&[secret()], &odd, BODY, TIME_S, TOLERANCE_S), Err(WebhookError::BadTimestamp));
        }
    }

    #[test]
    fn an_id_with_a_dot_and_a_short_secret_are_refused() {
        for id in ["", "a.b", "a b", "a\r\nb", &"a".repeat(129)] {
            assert_eq!(sign(&[secret()], id, TIME_S, BODY), Err(WebhookError::BadId), "{id:?}");
        }
        assert_eq!(sign(&[], ID, TIME_S, BODY), Err(WebhookError::NoSecret));
        let (short, long) = (STANDARD.encode([7; 23]), STANDARD.encode([7; 65]));
        for text in ["", "whsec_", "whsec_!!!!", &short, &long] {
            assert_eq!(SigningSecret::parse(text), Err(WebhookError::BadSecret), "{text}");
        }
        assert!(!format!("{:?}", secret()).contains("MfKQ"));
    }

    proptest! {
        #[test]
        fn what_is_signed_verifies(id in "[A-Za-z0-9_-]{1,128}", time_s: u64, body: Vec<u8>) {
            let signed = sign(&[secret()], &id, time_s, &body).expect("signed");
            prop_assert_eq!(verify(&[secret()], &signed, &body, time_s, 0), Ok(()));
        }

        #[test]
        fn no_header_makes_verifying_panic(id in "\\PC{0,20}", timestamp in "\\PC{0,20}", signature in "(v1,)?\\PC{0,60}") {
            let odd = SignedHeaders { id, timestamp, signature };
            prop_assert!(verify(&[secret()], &odd, b"", TIME_S, u64::MAX).is_err());
            let _ = SigningSecret::parse(&odd.signature);
        }
    }
}
