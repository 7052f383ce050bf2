//! The one place that names atomics: the standard library's, or loom's under `cfg(driftshm_loom)`.
//!
//! The region is a slice of [`Word`]s. The protocols (record, directory, journal, notify) are
//! written over `&[Word]`, so the models run the very code that runs in production.

#![allow(clippy::disallowed_types, clippy::disallowed_methods)]

#[cfg(not(driftshm_loom))]
pub use std::sync::atomic::{AtomicU64 as Word, Ordering, fence};

#[cfg(driftshm_loom)]
pub use loom::sync::atomic::{AtomicU64 as Word, Ordering, fence};

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
