//! Votes that wait to be sent to exchanges.

use lodestone_store::{DeliveryState, Store, StoredVote, VotesCount};
use serde_json::{Value, json};

use super::{bank, done};

fn vote(entry_no: i64, signal: Option<&str>, says: &str, who: &str) -> Value {
    json!({ "entry_no": entry_no, "signal": signal, "says": says, "who": who })
}

fn exchanges(store: &mut Store) {
    done(store, |batch| {
        for name in ["A", "B"] {
            bank(batch, name)?;
            batch.create_exchange(name, "ncmec", &json!({}), true)?;
        }
        Ok(())
    });
}

fn said(votes: &[StoredVote]) -> Vec<(i64, String)> {
    let of = |vote: &StoredVote| {
        (vote.body["entry_no"].as_i64().unwrap(), vote.body["says"].as_str().unwrap().to_owned())
    };
    votes.iter().map(of).collect()
}

pub(crate) fn votes_of_an_exchange_are_due_one_after_the_other(store: &mut Store) {
    exchanges(store);
    let [first, second, other] = done(store, |batch| {
        Ok([
            batch.add_vote("A", &vote(1, None, "confirm", "me"), 10)?,
            batch.add_vote("A", &vote(2, None, "confirm", "me"), 5)?,
            batch.add_vote("B", &vote(3, None, "dispute", "me"), 20)?,
        ])
    });
    let due =
        |store: &Store, at| store.votes_due(at).unwrap().into_iter().map(|vote| vote.no).collect::<Vec<_>>();
    assert_eq!(due(store, 9), [0i64; 0], "the second one is due and is not the first");
    assert_eq!((due(store, 10), due(store, 20)), (vec![first], vec![first, other]));
    // One that waits for its time holds up those behind it, and no other exchange.
    assert!(store.batch(11, |batch| batch.vote_failed(first, Some(50), "503")).unwrap());
    assert_eq!(due(store, 49), [other]);
    let failed = store.votes(Some("A"), DeliveryState::Pending, 0, 9).unwrap().remove(0);
    assert_eq!((failed.attempts, failed.last_error.as_deref(), failed.done_us), (1, Some("503"), None));
    assert!(store.batch(51, |batch| batch.vote_sent(first)).unwrap());
    assert!(!store.batch(51, |batch| batch.vote_sent(first)).unwrap());
    assert_eq!(due(store, 51), [second, other]);
    assert!(store.batch(52, |batch| batch.vote_failed(second, None, "404")).unwrap());
    assert_eq!(due(store, 52), [other], "what is dead holds up nothing");
    let count = |pending, dead| VotesCount { pending, dead };
    assert_eq!(store.votes_count(Some("A")).unwrap(), count(0, 1));
    assert_eq!(store.votes_count(None).unwrap(), count(1, 1));
    assert_eq!(store.batch(60, |batch| batch.retry_votes("A", Some(first))).unwrap(), 0, "it was sent");
    assert_eq!(store.batch(60, |batch| batch.retry_votes("A", None)).unwrap(), 1);
    let again = store.votes(Some("A"), DeliveryState::Pending, 0, 9).unwrap().remove(0);
    assert_eq!((again.no, again.attempts, again.next_us, again.done_us), (second, 0, 60, None));
    assert_eq!(store.batch(60, |batch| batch.prune_votes(51, 9)).unwrap(), 0);
    assert_eq!(store.batch(60, |batch| batch.prune_votes(52, 9)).unwrap(), 1);
    // They go with their exchange.
    done(store, |batch| batch.delete_bank("A"));
    assert_eq!(store.votes_count(None).unwrap(), count(1, 0));
    done(store, |batch| batch.reset());
    assert_eq!(store.votes_count(None).unwrap(), count(0, 0));
}

pub(crate) fn a_newer_vote_takes_the_place_of_one_that_was_not_sent(store: &mut Store) {
    exchanges(store);
    let add = |store: &mut Store, body: Value| done(store, |batch| batch.add_vote("A", &body, 0));
    add(store, vote(1, None, "confirm", "me"));
    add(store, vote(2, Some("pdq"), "confirm", "me"));
    add(store, vote(2, Some("md5"), "confirm", "me"));
    let dead = add(store, vote(3, None, "confirm", "me"));
    done(store, |batch| batch.vote_failed(dead, None, "no"));
    done(store, |batch| batch.add_vote("B", &vote(1, None, "confirm", "me"), 0));
    let waiting =
        |store: &Store, name| said(&store.votes(Some(name), DeliveryState::Pending, 0, 99).unwrap());
    add(store, vote(2, Some("pdq"), "dispute", "you"));
    let of = |entry: i64, says: &str| (entry, says.to_owned());
    assert_eq!(waiting(store, "A"), [of(1, "confirm"), of(2, "confirm"), of(2, "dispute")]);
    add(store, vote(2, None, "confirm", "you"));
    assert_eq!(waiting(store, "A"), [of(1, "confirm"), of(2, "confirm")], "of all kinds");
    add(store, vote(1, None, "dispute", "me"));
    assert_eq!(waiting(store, "A"), [of(2, "confirm"), of(1, "dispute")], "at the end");
    assert_eq!(waiting(store, "B"), [of(1, "confirm")], "another exchange's");
    add(store, vote(3, None, "dispute", "me"));
    assert_eq!(store.votes_count(Some("A")).unwrap().dead, 0, "it is not to come after the newer one");
    assert_eq!(done(store, |batch| batch.drop_votes("A", 1, "you")), 0);
    assert_eq!(done(store, |batch| batch.drop_votes("A", 1, "me")), 1);
    assert_eq!(waiting(store, "A"), [of(2, "confirm"), of(3, "dispute")]);
    // What was sent stays, whatever comes after.
    let first = store.votes(Some("A"), DeliveryState::Pending, 0, 1).unwrap().remove(0).no;
    done(store, |batch| batch.vote_sent(first));
    add(store, vote(2, None, "dispute", "me"));
    assert_eq!(store.votes(Some("A"), DeliveryState::Done, 0, 9).unwrap().len(), 1);
}
