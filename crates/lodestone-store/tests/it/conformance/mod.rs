//! What any back end has to do: each check takes an empty store. They run here on SQLite.

mod batches;
mod content;
mod exchanges;

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
        a_batch_is_one_generation_and_one_version;
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
