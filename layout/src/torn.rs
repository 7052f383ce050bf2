//! Data read from a seqlock before the sequence was checked.

/// A value that may mix two versions until the sequence check says otherwise.
///
/// It is copied out of shared memory word by word with relaxed atomics, so holding it is sound;
/// believing it is not. Only [`record::read`](crate::record::read) and
/// [`record::peek`](crate::record::peek) unwrap it, after their check.
#[must_use]
pub struct MaybeTorn<T>(T);

impl<T> MaybeTorn<T> {
    #[inline(always)]
    pub(crate) fn new(value: T) -> Self {
        Self(value)
    }

    /// The value, once the sequence check has shown that it belongs to one version.
    #[inline(always)]
    pub(crate) fn assume_consistent(self) -> T {
        self.0
    }
}
