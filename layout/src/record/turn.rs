//! Eight words at a time: a turn of the loops in [`super::words`].
//!
//! The language has no relaxed access to more than a word, and compilers do not make one of several.
//! x86-64 has: moving 16 bytes at once takes half the time of moving 8 and 8. So there a turn is
//! assembly, which is opaque to the language and no plain access: as if each word were loaded or
//! stored relaxed. Whether what was loaded is of one version is told by the second look at the
//! sequence, as for single words (`record::read`), and would be if words were torn, too: on this
//! processor loads stay in order, and stores do. Elsewhere, in models, and with `--cfg driftshm_words`
//! (as `make test` does once) a turn is eight relaxed
//! accesses.

pub(super) use imp::{equal, load, prefetch, store};

/// Words of a turn.
pub(super) const TURN: usize = 8;
/// Bytes of a turn.
pub(super) const TURN_BYTES: usize = 8 * TURN;

#[cfg(all(
    target_arch = "x86_64",
    target_pointer_width = "64",
    not(any(driftshm_loom, driftshm_words, miri))
))]
mod imp {
    use std::arch::asm;
    use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    use std::mem::MaybeUninit;

    use super::{TURN, TURN_BYTES};
    use crate::sync::Word;

    /// # Safety
    /// 64 bytes at `from` can be read, and 64 at `to` be written. Others may access what is words of
    /// it meanwhile.
    #[inline(always)]
    unsafe fn copy(from: *const u8, to: *mut u8) {
        // SAFETY: by the caller, wherever they begin; nothing else is touched.
        unsafe {
            asm!(
                "movups {a}, [{from}]",
                "movups {b}, [{from} + 16]",
                "movups {c}, [{from} + 32]",
                "movups {d}, [{from} + 48]",
                "movups [{to}], {a}",
                "movups [{to} + 16], {b}",
                "movups [{to} + 32], {c}",
                "movups [{to} + 48], {d}",
                from = in(reg) from,
                to = in(reg) to,
                a = out(xmm_reg) _,
                b = out(xmm_reg) _,
                c = out(xmm_reg) _,
                d = out(xmm_reg) _,
                options(nostack, preserves_flags),
            );
        }
    }

    /// Loads each of `from` into `to`.
    #[inline(always)]
    pub fn load(from: &[Word; TURN], to: &mut [MaybeUninit<u64>; TURN]) {
        // SAFETY: what the references say.
        unsafe { copy(from.as_ptr().cast(), to.as_mut_ptr().cast()) }
    }

    /// Stores `from`, little-endian, to the words.
    #[inline(always)]
    pub fn store(to: &[Word; TURN], from: &[u8; TURN_BYTES]) {
        // SAFETY: `from` by its reference. Words may be written through a shared one if their memory
        // may: only the writer comes here, and maps it writable (`RegionWriter`), as for `Word::store`.
        unsafe { copy(from.as_ptr(), to.as_ptr().cast_mut().cast()) }
    }

    /// Whether the words are these, little-endian.
    #[inline(always)]
    pub fn equal(words: &[Word; TURN], bytes: &[u8; TURN_BYTES]) -> bool {
        let same: u32;
        // SAFETY: reads 64 bytes of each, by the references and wherever they begin, and writes no
        // memory. Others may store to the words meanwhile.
        unsafe {
            asm!(
                "movups {a}, [{words}]",
                "movups {b}, [{bytes}]",
                "pcmpeqb {a}, {b}",
                "movups {b}, [{words} + 16]",
                "movups {c}, [{bytes} + 16]",
                "pcmpeqb {b}, {c}",
                "movups {c}, [{words} + 32]",
                "movups {d}, [{bytes} + 32]",
                "pcmpeqb {c}, {d}",
                "pand {a}, {b}",
                "movups {b}, [{words} + 48]",
                "movups {d}, [{bytes} + 48]",
                "pcmpeqb {b}, {d}",
                "pand {a}, {c}",
                "pand {a}, {b}",
                "pmovmskb {same:e}, {a}",
                words = in(reg) words.as_ptr(),
                bytes = in(reg) bytes.as_ptr(),
                same = lateout(reg) same,
                a = out(xmm_reg) _,
                b = out(xmm_reg) _,
                c = out(xmm_reg) _,
                d = out(xmm_reg) _,
                options(nostack, preserves_flags, readonly),
            );
        }
        same == 0xffff
    }

    /// Has the processor fetch the cache line of a word.
    #[inline(always)]
    pub fn prefetch(word: &Word) {
        // SAFETY: a hint; nothing is loaded as far as the language is concerned.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(word).cast()) }
    }
}

#[cfg(not(all(
    target_arch = "x86_64",
    target_pointer_width = "64",
    not(any(driftshm_loom, driftshm_words, miri))
)))]
mod imp {
    use std::mem::MaybeUninit;

    use super::super::words::from_bytes;
    use super::{TURN, TURN_BYTES};
    use crate::sync::{Ordering, Word};

    /// Loads each of `from` into `to`.
    #[inline(always)]
    pub fn load(from: &[Word; TURN], to: &mut [MaybeUninit<u64>; TURN]) {
        for (to, from) in to.iter_mut().zip(from) {
            to.write(from.load(Ordering::Relaxed));
        }
    }

    /// Stores `from`, little-endian, to the words.
    #[inline(always)]
    pub fn store(to: &[Word; TURN], from: &[u8; TURN_BYTES]) {
        for (to, from) in to.iter().zip(from.chunks_exact(8)) {
            to.store(from_bytes(from), Ordering::Relaxed);
        }
    }

    /// Whether the words are these, little-endian.
    #[inline(always)]
    pub fn equal(words: &[Word; TURN], bytes: &[u8; TURN_BYTES]) -> bool {
        let mut differ = 0;
        for (word, bytes) in words.iter().zip(bytes.chunks_exact(8)) {
            differ |= from_bytes(bytes) ^ word.load(Ordering::Relaxed);
        }
        // One decision a turn: the compiler would rather make one a word.
        std::hint::black_box(differ) == 0
    }

    /// Has the processor fetch the cache line of a word, where it can be told to.
    #[inline(always)]
    pub fn prefetch(_: &Word) {}
}
