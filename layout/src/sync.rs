//! The one place that names atomics: the standard library's, or loom's under `cfg(driftshm_loom)`.
//!
//! The region is a slice of [`Word`]s. The protocols (record, directory, journal, notify) are
//! written over `&[Word]`, so the models run the very code that runs in production.

#![allow(clippy::disallowed_types, clippy::disallowed_methods)]

#[cfg(driftshm_loom)]
use loom::sync::atomic;
#[cfg(not(driftshm_loom))]
use std::sync::atomic;

pub use atomic::{Ordering, fence};

/// What the region consists of. An alias, by which clippy tells it from an atomic that is named
/// elsewhere.
pub type Word = atomic::AtomicU64;

/// A relaxed load followed by an acquire fence.
///
/// Readers map the region read-only, and the language promises that an atomic load works on
/// read-only memory only when it is relaxed; the fence gives it acquire semantics.
#[inline(always)]
pub fn load_acquire(word: &Word) -> u64 {
    let value = word.load(Ordering::Relaxed);
    fence(Ordering::Acquire);
    value
}
