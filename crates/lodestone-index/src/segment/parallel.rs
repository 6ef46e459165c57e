//! Work on several threads.

use std::sync::{Mutex, PoisonError};

/// Hands the tasks to so many threads, each taking the next one that is left; 0 and 1 mean this thread.
pub(super) fn in_parallel<T: Send>(
    threads: usize,
    tasks: impl Iterator<Item = T> + Send,
    work: impl Fn(T) + Sync,
) {
    if threads <= 1 {
        return tasks.for_each(work);
    }
    let tasks = Mutex::new(tasks);
    // A thread that panicked holds no task half taken: the others go on, and the scope panics at its end.
    let next = || tasks.lock().unwrap_or_else(PoisonError::into_inner).next();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(task) = next() {
                    work(task);
                }
            });
        }
    });
}
