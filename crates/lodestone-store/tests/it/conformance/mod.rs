//! What any back end has to do: each check takes an empty store. They run here on SQLite.

mod batches;
mod content;
mod exchanges;
mod keeping;
mod people;
mod sending;
mod voting;

use lodestone_store::{Added, Batch, NewContent, Store, StoreError};
use lodestone_types::{BankKind, Signal};

macro_rules! on_sqlite {
    ($($module:ident: $($name:ident),+ $(,)?;)+) => {$($(
        #[test]
        fn $name() {
            let dir = tempfile::tempdir().unwrap();
            $module::$name(&mut Store::open(dir.path()).unwrap());
        }
    )+)+};
}

on_sqlite! {
    batches:
        a_batch_that_fails_leaves_nothing,
        a_step_apart_that_fails_leaves_the_others,
        a_batch_is_one_generation_and_one_version,
        a_list_is_imported_beside_other_steps_or_not_at_all,
        a_reset_leaves_keys_settings_and_audit_only;
    content:
        ids_rise_over_all_banks_and_are_never_given_again,
        a_content_is_read_with_everything_it_was_added_with,
        the_same_signal_twice_is_two_contents,
        content_is_only_found_in_its_own_bank,
        ids_of_lists_stay_unique_and_made_ones_give_way,
        suspension_and_notes_are_changed_and_taken_back,
        pages_hold_everything_once_and_in_order,
        filters_find_what_they_say,
        banks_are_renamed_and_changed;
    exchanges:
        an_exchange_and_its_bank_go_together,
        how_far_an_exchange_is_fetched_is_kept,
        sealed_credentials_are_kept_by_interface;
    keeping:
        keys_are_kept_without_their_secret_and_taken_back,
        settings_are_set_listed_and_forgotten,
        rules_are_numbered_once_and_changed,
        audit_entries_are_logged_in_order_and_their_words_erased;
    people:
        opinions_are_one_each_counted_and_withdrawn,
        a_review_is_asked_for_once_and_decided_once,
        labels_are_put_on_and_taken_off,
        a_hash_is_held_until_it_is_released;
    sending:
        a_match_is_noted_once_and_read_both_ways,
        a_delivery_is_noted_once_and_due_until_delivered,
        a_failed_delivery_is_tried_again_or_dead_until_requeued,
        what_is_old_is_forgotten_and_numbers_are_not_given_again;
    voting:
        votes_of_an_exchange_are_due_one_after_the_other,
        a_newer_vote_takes_the_place_of_one_that_was_not_sent;
}

fn bank(batch: &mut Batch<'_>, name: &str) -> Result<(), StoreError> {
    batch.create_bank(name, BankKind::KnownReal, 31, "").map(drop)
}

fn add(batch: &mut Batch<'_>, bank: &str, signal: &Signal) -> Result<Added, StoreError> {
    let signals = std::slice::from_ref(signal);
    batch.add_content(bank, &NewContent { signals, ..NewContent::default() })
}

/// One batch whose steps have to succeed.
fn done<T>(store: &mut Store, work: impl FnOnce(&mut Batch<'_>) -> Result<T, StoreError>) -> T {
    store.batch(1_000_000, work).unwrap()
}
