//! Moving many words at once, relaxed: eight to a turn of the loop, and the rest one by one.

use std::mem::MaybeUninit;

use super::turn::{self, TURN, TURN_BYTES};
use crate::sync::{Ordering, Word};

pub(super) fn from_bytes(bytes: &[u8]) -> u64 {
    u64::from_le_bytes(bytes.try_into().unwrap_or_default())
}

/// Up to eight bytes, with zeroes behind them.
fn from_tail(tail: &[u8]) -> u64 {
    let mut bytes = [0; 8];
    let len = tail.len().min(8);
    bytes[..len].copy_from_slice(&tail[..len]);
    u64::from_le_bytes(bytes)
}

/// Writes all of `out`, for which there must be as many words: where there are not, zeroes.
#[inline(always)]
pub(super) fn copy(words: &[Word], out: &mut [MaybeUninit<u64>]) {
    let (words, _) = words.split_at(words.len().min(out.len()));
    let (out, behind) = out.split_at_mut(words.len());
    let mut to = out.chunks_exact_mut(TURN);
    let mut from = words.chunks_exact(TURN);
    for (to, from) in to.by_ref().zip(from.by_ref()) {
        if let (Ok(to), Ok(from)) = (to.try_into(), from.try_into()) {
            turn::load(from, to);
        }
    }
    for (to, from) in to.into_remainder().iter_mut().zip(from.remainder()) {
        to.write(from.load(Ordering::Relaxed));
    }
    behind.fill(MaybeUninit::new(0));
}

/// Writes as much of `out` as there are words for.
pub(super) fn copy_bytes(words: &[Word], out: &mut [u8]) {
    let mut chunks = out.chunks_exact_mut(8);
    let mut source = words.iter();
    for (chunk, word) in chunks.by_ref().zip(source.by_ref()) {
        chunk.copy_from_slice(&word.load(Ordering::Relaxed).to_le_bytes());
    }
    let rest = chunks.into_remainder();
    if let Some(word) = source.next() {
        let bytes = word.load(Ordering::Relaxed).to_le_bytes();
        rest.copy_from_slice(&bytes[..rest.len()]);
    }
}

/// Whether `words` begin with `bytes`.
#[inline]
pub(super) fn equal(words: &[Word], bytes: &[u8]) -> bool {
    if bytes.len() > words.len() * 8 {
        return false;
    }
    let (turns, behind) = bytes.split_at(bytes.len() / TURN_BYTES * TURN_BYTES);
    for (bytes, words) in turns.chunks_exact(TURN_BYTES).zip(words.chunks_exact(TURN)) {
        if let (Ok(bytes), Ok(words)) = (bytes.try_into(), words.try_into()) {
            if !turn::equal(words, bytes) {
                return false;
            }
        }
    }
    let words = words.get(turns.len() / 8..).unwrap_or_default();
    let (whole, tail) = behind.split_at(behind.len() / 8 * 8);
    for (bytes, word) in whole.chunks_exact(8).zip(words) {
        if from_bytes(bytes) != word.load(Ordering::Relaxed) {
            return false;
        }
    }
    match words.get(whole.len() / 8) {
        Some(word) if !tail.is_empty() => {
            let others = 64 - 8 * tail.len() as u32;
            (from_tail(tail) ^ word.load(Ordering::Relaxed)) << others == 0
        }
        _ => true,
    }
}

/// Stores `bytes`, the last word filled up with zeroes, and returns how many words that took. There
/// should be as many: behind the last there is nothing stored.
#[inline(always)]
pub(super) fn store(words: &[Word], bytes: &[u8]) -> usize {
    let (turns, behind) = bytes.split_at(bytes.len() / TURN_BYTES * TURN_BYTES);
    for (bytes, words) in turns.chunks_exact(TURN_BYTES).zip(words.chunks_exact(TURN)) {
        if let (Ok(bytes), Ok(words)) = (bytes.try_into(), words.try_into()) {
            turn::store(words, bytes);
        }
    }
    let words = words.get(turns.len() / 8..).unwrap_or_default();
    let (whole, tail) = behind.split_at(behind.len() / 8 * 8);
    for (bytes, word) in whole.chunks_exact(8).zip(words) {
        word.store(from_bytes(bytes), Ordering::Relaxed);
    }
    if !tail.is_empty() {
        if let Some(word) = words.get(whole.len() / 8) {
            word.store(from_tail(tail), Ordering::Relaxed);
        }
    }
    bytes.len().div_ceil(8)
}

#[cfg(all(test, not(driftshm_loom)))]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn words(values: &[u64]) -> Vec<Word> {
        values.iter().map(|value| Word::new(*value)).collect()
    }

    proptest! {
        #[test]
        fn what_was_stored_is_equal_and_comes_out_again(
            bytes in prop::collection::vec(any::<u8>(), 0..300),
            at in any::<prop::sample::Index>(),
        ) {
            let memory = words(&[u64::MAX; 40]);
            let used = store(&memory, &bytes);
            prop_assert_eq!(used, bytes.len().div_ceil(8));
            prop_assert!(equal(&memory, &bytes));
            let mut out = vec![0; bytes.len()];
            copy_bytes(&memory, &mut out);
            prop_assert_eq!(&out, &bytes);
            let mut copied = vec![MaybeUninit::new(7); used + 3];
            copy(&memory[..used], &mut copied);
            let copied: Vec<u8> =
                // SAFETY: they were initialized.
                copied.iter().flat_map(|word| unsafe { word.assume_init() }.to_le_bytes()).collect();
            prop_assert_eq!(&copied[..bytes.len()], &bytes[..]);
            prop_assert!(copied[bytes.len()..].iter().all(|byte| *byte == 0));
            if !bytes.is_empty() {
                let mut other = bytes.clone();
                other[at.index(bytes.len())] ^= 0x10;
                prop_assert!(!equal(&memory, &other), "one bit is enough");
            }
        }
    }

    #[test]
    fn more_bytes_than_words_are_never_equal_and_never_stored_behind_the_end() {
        let memory = words(&[1; 20]);
        let (own, others) = memory.split_at(10);
        assert!(!equal(own, &[1; 81]));
        store(own, &[9; 100]);
        assert!(others.iter().all(|word| word.load(Ordering::Relaxed) == 1));
    }
}
