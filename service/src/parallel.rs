//! Work on many items, on all processors.

use std::num::NonZeroUsize;
use std::thread;

/// Fewer elements than this are not worth a thread.
const MIN_CHUNK: usize = 500;

/// Applies a function to consecutive chunks of the elements, each on a thread of its own if there are
/// many. Returns the results in the order of the chunks.
///
/// ```
/// let texts: Vec<_> = (0..10_000).map(|number| number.to_string()).collect();
/// let lengths = vexil_service::by_chunks(&texts, |chunk| chunk.iter().map(String::len).sum());
/// assert_eq!(lengths.iter().sum::<usize>(), 38_890);
/// ```
pub fn by_chunks<T: Sync, R: Send>(elements: &[T], work: impl Fn(&[T]) -> R + Sync) -> Vec<R> {
    let threads = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let chunk = elements.len().div_ceil(threads).max(MIN_CHUNK);
    let mut chunks = elements.chunks(chunk);
    // Nothing, too, is one chunk.
    let first = chunks.next().unwrap_or_default();
    thread::scope(|scope| {
        let work = &work;
        let begin = |chunk| {
            let begun = thread::Builder::new().spawn_scoped(scope, move || work(chunk));
            // Without another thread, this one does it.
            begun.map_err(|_| work(chunk))
        };
        let others: Vec<_> = chunks.map(begin).collect();
        let mut results = vec![work(first)];
        for other in others {
            let result = match other {
                Ok(thread) => thread.join(),
                Err(done) => Ok(done),
            };
            match result {
                Ok(result) => results.push(result),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        results
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_results_have_the_order_of_the_elements() {
        for count in [0, 1, MIN_CHUNK, MIN_CHUNK + 1, 10 * MIN_CHUNK + 7] {
            let elements: Vec<_> = (0..count).collect();
            let chunks = by_chunks(&elements, <[usize]>::to_vec);
            assert_eq!(chunks.concat(), elements);
        }
    }
}
