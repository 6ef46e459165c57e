//! Checking the index of a data folder.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::ControlFlow;
use std::path::Path;

use lodestone_index::{Code256, LiveError};
use lodestone_store::Store;

use super::{IndexError, each_searched, open};

/// What checking an index found beside damage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Values in it.
    pub values: u64,
    /// Generation of the banks that it was made from; `None`: not of any that these banks remember.
    pub made_from: Option<u64>,
    /// Generation of the banks. When it is another one, the contents were not compared: the next command that uses the
    /// index brings it up to date.
    pub generation: u64,
}

/// Checks the index of a data folder: every block, and that it holds what the banks hold. `store` is the folder's.
///
/// # Errors
/// What is wrong first.
pub fn verify(
    store: &Store,
    data: &Path,
    progress: &mut dyn FnMut(u64, u64) -> ControlFlow<()>,
) -> Result<Verified, IndexError> {
    let live = open(data)?;
    if let Some(refused) = live.health().refused {
        return Err(IndexError::Differs(format!("its newest files are refused: {refused}")));
    }
    live.verify(progress)?;
    let snapshot = live.snapshot();
    let mut held = Sum::default();
    let mut go_on = |code: Code256, id: u64| {
        held.add(code, id);
        ControlFlow::Continue(())
    };
    snapshot.for_each(&mut go_on).map_err(LiveError::from)?;
    let made_from = store.generation_of(snapshot.stamp())?;
    let verified = Verified { values: held.count, made_from, generation: store.generation()? };
    if verified.made_from != Some(verified.generation) {
        return Ok(verified);
    }
    let mut expected = Sum::default();
    each_searched(store, |no, code| {
        expected.add(code, no);
        Ok::<(), IndexError>(())
    })?;
    if held.count != expected.count {
        return Err(IndexError::Differs(format!("{} values and {} in banks", held.count, expected.count)));
    }
    if held.sum != expected.sum {
        return Err(IndexError::Differs("as many values, not the same ones".to_owned()));
    }
    Ok(verified)
}

/// A sum that does not depend on the order.
#[derive(Default)]
struct Sum {
    count: u64,
    sum: u128,
}

impl Sum {
    fn add(&mut self, code: Code256, id: u64) {
        let mut hasher = DefaultHasher::new();
        (code, id).hash(&mut hasher);
        self.count += 1;
        self.sum = self.sum.wrapping_add(u128::from(hasher.finish()));
    }
}
