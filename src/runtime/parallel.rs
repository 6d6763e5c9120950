//! Independent pieces of offline work on all cores, results in order.
#![allow(clippy::disallowed_methods)] // Threads are this folder's business.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Runs `work(index)` for `0..count` on `threads` threads and returns the results in the order of the indices.
pub fn map_indexed<T: Send>(count: usize, threads: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    map_indexed_with(count, threads, || (), |(), index| work(index))
}

/// The same with something of its own for each thread, made once by `init`.
pub fn map_indexed_with<S, T: Send>(
    count: usize,
    threads: usize,
    init: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, usize) -> T + Sync,
) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::with_capacity(count));
    std::thread::scope(|scope| {
        for _ in 0..threads.clamp(1, count.max(1)) {
            scope.spawn(|| {
                let mut own = init();
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    if index >= count {
                        return;
                    }
                    let result = work(&mut own, index);
                    results.lock().unwrap_or_else(PoisonError::into_inner).push((index, result));
                }
            });
        }
    });
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort_by_key(|&(index, _)| index);
    results.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn results_come_in_the_order_of_their_indices() {
        assert_eq!(super::map_indexed(100, 4, |i| i * i), (0..100).map(|i| i * i).collect::<Vec<_>>());
    }
}
