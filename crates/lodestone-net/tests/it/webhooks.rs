//! A signed message from end to end.

use lodestone_net::post;
use lodestone_net::webhook::{SignedHeaders, SigningSecret, TOLERANCE_S, sign, verify};
use ring::rand::SystemRandom;

use crate::server::{always, ok, open};

#[test]
fn a_receiver_verifies_what_was_sent_from_what_it_got() {
    let receiver = always(ok("text/plain", b"thanks"));
    let secret = SigningSecret::generate(&SystemRandom::new()).expect("random");
    let body = br#"{"type":"match.found","data":{"bank":"demo"}}"#;
    let now_s = 1_750_000_000;
    let signed = sign(std::slice::from_ref(&secret), "msg_0001", now_s, body).expect("signed");
    let answer = post(&open(), &receiver.url("/hook"), &signed.pairs(), body).expect("an answer");
    assert_eq!((answer.status, answer.body), (200, b"thanks".to_vec()));

    let got = receiver.seen.all().remove(0);
    let (head, got_body) = got.split_once("\r\n\r\n").expect("a head and a body");
    let header = |wanted: &str| {
        let found = head.lines().filter_map(|line| line.split_once(": ")).find(|(name, _)| *name == wanted);
        found.map(|(_, value)| value.to_owned()).expect(wanted)
    };
    let read = SignedHeaders {
        id: header("webhook-id"),
        timestamp: header("webhook-timestamp"),
        signature: header("webhook-signature"),
    };
    assert_eq!(verify(&[secret], &read, got_body.as_bytes(), now_s + 2, TOLERANCE_S), Ok(()));
}
