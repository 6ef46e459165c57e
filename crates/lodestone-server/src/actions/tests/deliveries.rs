//! The outbox against a receiver on loopback, which verifies signatures and answers as it is told.

use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use lodestone_net::webhook::{SignedHeaders, SigningSecret, verify};
use lodestone_store::DeliveryState;

use super::{House, SECRET};
use crate::clock::Clock;

/// What a receiver does with a request.
#[derive(Clone, Copy, Debug)]
enum Does {
    Answer(u16),
    /// Takes the request and says nothing.
    Hang,
    /// Closes the connection.
    Close,
}

/// What came: id and body of requests whose signature was valid; and others.
#[derive(Debug, Default)]
struct Got {
    valid: Vec<(String, String)>,
    invalid: usize,
    script: VecDeque<Does>,
}

struct Receiver {
    address: SocketAddr,
    got: Arc<Mutex<Got>>,
}

impl Receiver {
    fn new(script: &[Does], clock: Clock) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let script = script.iter().copied().collect();
        let got = Arc::new(Mutex::new(Got { script, ..Got::default() }));
        let seen = Arc::clone(&got);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (seen, clock) = (Arc::clone(&seen), clock.clone());
                std::thread::spawn(move || take(stream.unwrap(), &seen, &clock));
            }
        });
        Self { address, got }
    }

    fn valid(&self) -> Vec<(String, String)> {
        self.got.lock().unwrap().valid.clone()
    }
}

fn take(stream: TcpStream, got: &Mutex<Got>, clock: &Clock) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':') {
            headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
        }
    }
    let mut body = vec![0; headers["content-length"].parse().unwrap()];
    reader.read_exact(&mut body).unwrap();
    let signed = SignedHeaders {
        id: headers["webhook-id"].clone(),
        timestamp: headers["webhook-timestamp"].clone(),
        signature: headers["webhook-signature"].clone(),
    };
    let now_s = u64::try_from(clock.now_s()).unwrap();
    let is_valid = verify(&[SigningSecret::parse(SECRET).unwrap()], &signed, &body, now_s, 60).is_ok();
    let does = {
        let mut got = got.lock().unwrap();
        match is_valid {
            true => got.valid.push((signed.id, String::from_utf8(body).unwrap())),
            false => got.invalid += 1,
        }
        got.script.pop_front().unwrap_or(Does::Answer(200))
    };
    let mut stream = stream;
    match does {
        Does::Answer(status) => {
            let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            let _ = stream.write_all(answer.as_bytes());
        }
        Does::Hang => std::thread::sleep(Duration::from_secs(60)),
        Does::Close => {}
    }
}

/// Waits until something is so, moving the clock on meanwhile, so that waits between attempts are short.
fn until(house: &House, what: impl Fn() -> bool) {
    let begun = Instant::now();
    while !what() {
        assert!(begun.elapsed() < Duration::from_secs(60), "it did not come to it");
        std::thread::sleep(Duration::from_millis(50));
        house.context.clock.advance_us(1_000_000);
    }
}

/// A house whose rule sends to the receiver.
fn with_receiver(dir: &std::path::Path, script: &[Does]) -> (House, Receiver) {
    let house = House::open(dir, 0);
    let receiver = Receiver::new(script, house.context.clock.clone());
    house.add_rule(receiver.address);
    (house, receiver)
}

#[test]
fn what_fails_is_sent_again_under_the_same_id_and_signed_anew_until_it_is_taken() {
    let dir = tempfile::tempdir().unwrap();
    let script = [Does::Answer(500), Does::Close, Does::Answer(200)];
    let (mut house, receiver) = with_receiver(dir.path(), &script);
    let threads = house.opened.take().unwrap().start(&house.context).unwrap();
    house.record("e1", "a");
    until(&house, || house.deliveries(DeliveryState::Done).len() == 1);
    let done = house.deliveries(DeliveryState::Done).remove(0);
    assert_eq!(done.attempts, 3);
    let came = receiver.valid();
    assert_eq!(came.len(), 3);
    assert!(came.iter().all(|(id, body)| *id == "e1-1-0" && *body == done.body));
    assert_eq!(receiver.got.lock().unwrap().invalid, 0);
    // Ids and evidence: no hash.
    assert!(!done.body.contains(&"f".repeat(64)) && done.body.contains("\"bank_content_id\":7"));
    threads.stop();
    let sent = house.read(|store| store.audit_entries(0, 100).unwrap());
    assert_eq!(
        sent.iter().filter(|row| String::from_utf8_lossy(&row.leaf).contains("webhook.deliver")).count(),
        1
    );
    house.kill();
}

#[test]
fn a_receiver_that_is_gone_makes_a_dead_letter_that_a_person_can_have_sent_again() {
    let dir = tempfile::tempdir().unwrap();
    let (mut house, receiver) = with_receiver(dir.path(), &[Does::Answer(410)]);
    let threads = house.opened.take().unwrap().start(&house.context).unwrap();
    house.record("e1", "a");
    until(&house, || house.deliveries(DeliveryState::Dead).len() == 1);
    let dead = house.deliveries(DeliveryState::Dead).remove(0);
    assert_eq!(dead.attempts, 1);
    let why = dead.last_error.unwrap();
    assert!(why.contains("410") && !why.contains("key=1"), "{why}");
    house.context.writer.write_now(move |batch| Ok(batch.requeue(dead.no)?)).unwrap();
    until(&house, || house.deliveries(DeliveryState::Done).len() == 1);
    assert_eq!(receiver.valid().len(), 2);
    threads.stop();
    house.kill();
}

#[test]
fn a_receiver_that_hangs_keeps_no_other_waiting() {
    let dir = tempfile::tempdir().unwrap();
    let (mut house, hanging) = with_receiver(dir.path(), &[Does::Hang; 20]);
    let other = Receiver::new(&[], house.context.clock.clone());
    house.add_rule(other.address);
    for at in 0..12 {
        house.record(&format!("e{at}"), "a");
    }
    let threads = house.opened.take().unwrap().start(&house.context).unwrap();
    until(&house, || other.valid().len() == 12);
    // As many as one receiver may have, and no more.
    assert_eq!(hanging.valid().len(), 4);
    drop(threads);
    drop(house);
}

#[test]
fn however_many_wait_for_a_receiver_that_hangs_others_get_theirs() {
    let dir = tempfile::tempdir().unwrap();
    let (mut house, hanging) = with_receiver(dir.path(), &[Does::Hang; 20]);
    let other = Receiver::new(&[], house.context.clock.clone());
    let add = move |house: &House, to: SocketAddr, from: usize, count: usize| {
        let target = format!("{{\"url\":\"http://{to}/\",\"secret_ref\":\"s\"}}");
        house
            .context
            .writer
            .write_now(move |batch| {
                for at in from..from + count {
                    let key = format!("k{at}");
                    batch.add_delivery(&lodestone_store::NewDelivery {
                        key: &key,
                        event: "e",
                        rule: None,
                        target: &target,
                        body: "{}",
                        next_us: i64::try_from(at).unwrap(),
                    })?;
                }
                Ok(())
            })
            .unwrap();
    };
    // More than the store hands over at once, and all of them due before the last.
    add(&house, hanging.address, 0, lodestone_store::MAX_PAGE + 50);
    add(&house, other.address, 20_000, 1);
    let threads = house.opened.take().unwrap().start(&house.context).unwrap();
    until(&house, || other.valid().len() == 1);
    assert!(hanging.valid().len() <= 4);
    drop(threads);
    drop(house);
}

#[test]
fn what_was_sent_but_not_noted_is_sent_again_under_the_same_id() {
    let dir = tempfile::tempdir().unwrap();
    let (mut house, receiver) = with_receiver(dir.path(), &[]);
    house.record("e1", "a");
    house.ingest().unwrap();
    // Sent by a process that is killed before it can note it: the row is as it was.
    let before = house.deliveries(DeliveryState::Pending);
    let threads = house.opened.take().unwrap().start(&house.context).unwrap();
    until(&house, || house.deliveries(DeliveryState::Done).len() == 1);
    threads.stop();
    house.kill();
    let house = House::open(dir.path(), 0);
    let row = before[0].clone();
    house
        .context
        .writer
        .write_now(move |batch| {
            batch.prune_delivered(i64::MAX, 10)?;
            let again = lodestone_store::NewDelivery {
                key: &row.key,
                event: &row.event,
                rule: row.rule,
                target: &row.target,
                body: &row.body,
                next_us: row.next_us,
            };
            Ok(batch.add_delivery(&again)?)
        })
        .unwrap();
    let mut house = house;
    let threads = house.opened.take().unwrap().start(&house.context).unwrap();
    until(&house, || receiver.valid().len() == 2);
    let came = receiver.valid();
    assert_eq!(came[0], came[1]);
    threads.stop();
    house.kill();
}

#[test]
fn a_private_address_is_refused_and_nothing_is_sent() {
    let dir = tempfile::tempdir().unwrap();
    let (mut house, receiver) = with_receiver(dir.path(), &[]);
    house.context.outbound = Arc::new(lodestone_net::Outbound::default());
    house.record("e1", "a");
    house.ingest().unwrap();
    let threads = house.opened.take().unwrap().start(&house.context).unwrap();
    until(&house, || house.deliveries(DeliveryState::Dead).len() == 1);
    let why = house.deliveries(DeliveryState::Dead)[0].last_error.clone().unwrap();
    assert!(why.contains("refused"), "{why}");
    assert!(receiver.valid().is_empty());
    threads.stop();
    house.kill();
}
