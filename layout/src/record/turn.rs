//! Eight words at a time: a turn of the loops in [`super::words`].

use std::mem::MaybeUninit;

use crate::sync::Word;

/// Words of a turn.
pub(super) const TURN: usize = 8;

/// Loads each of `from`, relaxed, into `to`.
///
/// The language has no relaxed load of more than a word, and compilers do not make one of several.
/// The processor does: four loads of 16 bytes take half the time of eight of 8.
#[cfg(all(target_arch = "x86_64", not(driftshm_loom), not(miri)))]
#[inline(always)]
pub(super) fn load(from: &[Word; TURN], to: &mut [MaybeUninit<u64>; TURN]) {
    // SAFETY: reads `from` and writes `to`, 64 bytes each, wherever they begin, and touches nothing
    // else. `from` may be written meanwhile: the instructions do not mind, what they load of a word
    // is what one or several relaxed loads of its parts give, and loads stay in order on this
    // processor, so the caller's fence and second look at the sequence (`record::read`) tell it
    // whether that was of one version, as they do for single words.
    unsafe {
        std::arch::asm!(
            "movups {a}, [{from}]",
            "movups {b}, [{from} + 16]",
            "movups {c}, [{from} + 32]",
            "movups {d}, [{from} + 48]",
            "movups [{to}], {a}",
            "movups [{to} + 16], {b}",
            "movups [{to} + 32], {c}",
            "movups [{to} + 48], {d}",
            from = in(reg) from.as_ptr(),
            to = in(reg) to.as_mut_ptr(),
            a = out(xmm_reg) _,
            b = out(xmm_reg) _,
            c = out(xmm_reg) _,
            d = out(xmm_reg) _,
            options(nostack, preserves_flags),
        );
    }
}

/// Loads each of `from`, relaxed, into `to`.
#[cfg(not(all(target_arch = "x86_64", not(driftshm_loom), not(miri))))]
#[inline(always)]
pub(super) fn load(from: &[Word; TURN], to: &mut [MaybeUninit<u64>; TURN]) {
    for (to, from) in to.iter_mut().zip(from) {
        to.write(from.load(crate::sync::Ordering::Relaxed));
    }
}

/// Has the processor fetch the cache line of a word, where it can be told to.
#[inline(always)]
pub(super) fn prefetch(word: &Word) {
    #[cfg(all(target_arch = "x86_64", not(driftshm_loom), not(miri)))]
    // SAFETY: a hint; nothing is loaded as far as the language is concerned.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(word).cast());
    }
    #[cfg(not(all(target_arch = "x86_64", not(driftshm_loom), not(miri))))]
    let _ = word;
}
