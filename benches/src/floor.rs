//! The least that publishing can cost: storing the same bytes into the same memory.

use driftshm_layout::sync::{Ordering, Word};

/// Stores `bytes` word by word with relaxed atomics, as a record's payload must be stored, and
/// does nothing else.
#[inline(never)]
pub fn store(words: &[Word], bytes: &[u8]) {
    for (word, chunk) in words.iter().zip(bytes.chunks_exact(8)) {
        word.store(u64::from_le_bytes(chunk.try_into().unwrap_or_default()), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_floor_stores_all_bytes() {
        let words: Vec<Word> = (0..4).map(|_| Word::new(0)).collect();
        let bytes: Vec<u8> = (0..32).collect();
        store(&words, &bytes);
        let stored: Vec<u8> =
            words.iter().flat_map(|word| word.load(Ordering::Relaxed).to_le_bytes()).collect();
        assert_eq!(stored, bytes);
    }
}
