//! The header: the region's first page.
//!
//! ```text
//!  word 0    ready: "dshm" | ABI version << 32, stored last when a region is made
//!       1    total length in bytes
//!       2    state                             words 0‥7 stay where they are in every ABI version
//!       8    Fixed: written before `ready`, never again
//!     256    Owner: the writer that runs, feed state
//!     264    Pulse: heartbeat, slot
//!     272    journal head
//!     280    counters
//!     320    records in use, by kind
//! ```
//! Words that change together share a cache line; those that every read looks at (`state`) share
//! theirs with nothing that changes.

mod fixed;
mod words;

use bytemuck::Zeroable;

pub use fixed::{FIXED_WORDS, Fixed, FixedSection, from_text32, text32};
pub use words::{Counter, FeedState, Owner, Pulse, State};

use crate::sync::{Ordering, Word, load_acquire};

/// The region's format, apart from the package's version: readers open exactly this one.
pub const ABI_VERSION: u32 = 3;
const MAGIC: u32 = u32::from_le_bytes(*b"dshm");

/// Words of the header page.
pub const HEADER_WORDS: usize = 512;
const READY: usize = 0;
const TOTAL_LEN: usize = 1;
const STATE: usize = 2;
/// First word of [`Fixed`].
pub const FIXED: usize = 8;
const OWNER: usize = 256;
const PULSE: usize = 264;
/// Number of the journal's next entry.
pub const JOURNAL_HEAD: usize = 272;
const COUNTERS: usize = 280;
const IN_USE: usize = 320;

/// What a header says, for readers: nothing here stores.
#[derive(Clone, Copy)]
pub struct HeaderView<'a>(Header<'a>);

impl<'a> HeaderView<'a> {
    #[cfg(not(driftshm_loom))]
    #[inline(always)]
    pub(crate) fn new(header: Header<'a>) -> Self {
        Self(header)
    }

    /// See [`Header::state`].
    pub fn state(&self) -> Option<State> {
        self.0.state()
    }

    /// See [`Header::is_superseded`].
    #[inline(always)]
    pub fn is_superseded(&self) -> bool {
        self.0.is_superseded()
    }

    /// See [`Header::is_left`].
    #[inline(always)]
    pub fn is_left(&self) -> bool {
        self.0.is_left()
    }

    /// See [`Header::owner`].
    #[inline(always)]
    pub fn owner(&self, which: Owner) -> u64 {
        self.0.owner(which)
    }

    /// See [`Header::pulse`].
    #[inline(always)]
    pub fn pulse(&self, which: Pulse) -> u64 {
        self.0.pulse(which)
    }

    /// See [`Header::counter`].
    pub fn counter(&self, which: Counter) -> u64 {
        self.0.counter(which)
    }

    /// See [`Header::in_use`].
    pub fn in_use(&self, section: usize) -> u64 {
        self.0.in_use(section)
    }
}

/// The header's words, for reading, and for storing by the writer.
#[derive(Clone, Copy)]
pub struct Header<'a>(&'a [Word; HEADER_WORDS]);

impl<'a> Header<'a> {
    /// The header of a mapped region; `None` if the mapping is shorter than a page.
    #[inline(always)]
    pub fn new(words: &'a [Word]) -> Option<Self> {
        words.first_chunk().map(Self)
    }

    /// ABI version once the region is whole: `Ok(None)` = not ready, `Err` = not a region.
    pub fn abi_version(&self) -> Result<Option<u32>, u64> {
        // SYNC(region-ready): acquire; pairs with the release store in `set_ready`.
        match load_acquire(&self.0[READY]) {
            0 => Ok(None),
            ready if ready as u32 == MAGIC => Ok(Some((ready >> 32) as u32)),
            other => Err(other),
        }
    }

    /// Makes the region one that can be opened: everything before it is complete.
    pub fn set_ready(&self) {
        let ready = u64::from(MAGIC) | u64::from(ABI_VERSION) << 32;
        // SYNC(region-ready): release; pairs with the acquire load in `abi_version`.
        self.0[READY].store(ready, Ordering::Release);
    }

    /// Length of the file that the header speaks of.
    pub fn total_len(&self) -> u64 {
        self.0[TOTAL_LEN].load(Ordering::Relaxed)
    }

    /// Before [`Header::set_ready`] only.
    pub fn set_total_len(&self, len: u64) {
        self.0[TOTAL_LEN].store(len, Ordering::Relaxed);
    }

    /// `None` for a number that no state has.
    pub fn state(&self) -> Option<State> {
        State::from_word(self.0[STATE].load(Ordering::Relaxed))
    }

    /// One load: whether another region has taken this one's place.
    #[inline(always)]
    pub fn is_superseded(&self) -> bool {
        self.0[STATE].load(Ordering::Relaxed) == State::Superseded as u64
    }

    /// One load: whether its writer has left the region, so that another one may be at its path.
    #[inline(always)]
    pub fn is_left(&self) -> bool {
        self.0[STATE].load(Ordering::Relaxed) > State::Live as u64
    }

    /// For the writer.
    pub fn set_state(&self, state: State) {
        // Release: what came before it is seen by whoever acts on it.
        self.0[STATE].store(state as u64, Ordering::Release);
    }

    /// The part that never changes.
    pub fn fixed(&self) -> Fixed {
        let mut fixed: Fixed = Zeroable::zeroed();
        let values: &mut [u64] = bytemuck::cast_slice_mut(std::slice::from_mut(&mut fixed));
        for (value, word) in values.iter_mut().zip(&self.0[FIXED..]) {
            *value = word.load(Ordering::Relaxed);
        }
        fixed
    }

    /// Before [`Header::set_ready`] only.
    pub fn set_fixed(&self, fixed: Fixed) {
        let values: &[u64] = bytemuck::cast_slice(std::slice::from_ref(&fixed));
        for (value, word) in values.iter().zip(&self.0[FIXED..]) {
            word.store(*value, Ordering::Relaxed);
        }
    }

    /// A word about the writer.
    #[inline(always)]
    pub fn owner(&self, which: Owner) -> u64 {
        self.0[which as usize].load(Ordering::Relaxed)
    }

    /// For the writer.
    #[inline(always)]
    pub fn set_owner(&self, which: Owner, value: u64) {
        self.0[which as usize].store(value, Ordering::Relaxed);
    }

    /// A word that ticks.
    #[inline(always)]
    pub fn pulse(&self, which: Pulse) -> u64 {
        self.0[which as usize].load(Ordering::Relaxed)
    }

    /// For the writer.
    #[inline(always)]
    pub fn set_pulse(&self, which: Pulse, value: u64) {
        self.0[which as usize].store(value, Ordering::Relaxed);
    }

    /// A counter's value.
    pub fn counter(&self, which: Counter) -> u64 {
        self.0[which as usize].load(Ordering::Relaxed)
    }

    /// For the writer: it is alone, so load and store do.
    #[inline(always)]
    pub fn count(&self, which: Counter, more: u64) {
        let word = &self.0[which as usize];
        word.store(word.load(Ordering::Relaxed).wrapping_add(more), Ordering::Relaxed);
    }

    /// How many records of the section with that number are in use (upper bound of their places).
    pub fn in_use(&self, section: usize) -> u64 {
        self.0.get(IN_USE + section).map_or(0, load_acquire)
    }

    /// For the writer, after the record has its identity.
    pub fn set_in_use(&self, section: usize, records: u64) {
        if let Some(word) = self.0.get(IN_USE + section) {
            word.store(records, Ordering::Release);
        }
    }

    /// The journal's head.
    #[inline(always)]
    pub fn journal_head(&self) -> &'a Word {
        &self.0[JOURNAL_HEAD]
    }
}

#[cfg(all(test, not(driftshm_loom)))]
mod tests {
    use super::*;

    fn page() -> Vec<Word> {
        (0..HEADER_WORDS).map(|_| Word::new(0)).collect()
    }

    #[test]
    fn less_than_a_page_is_no_header() {
        assert!(Header::new(&page()[..HEADER_WORDS - 1]).is_none());
        assert!(Header::new(&[]).is_none());
    }

    #[test]
    fn the_first_word_says_what_it_is() {
        let page = page();
        let header = Header::new(&page).unwrap();
        assert_eq!(header.abi_version(), Ok(None));
        header.set_ready();
        assert_eq!(header.abi_version(), Ok(Some(ABI_VERSION)));
        assert_eq!(page[0].load(Ordering::Relaxed).to_le_bytes()[..4], *b"dshm");
        page[0].store(u64::from_le_bytes(*b"\x7fELF\x02\x01\x01\0"), Ordering::Relaxed);
        assert!(header.abi_version().is_err());
    }

    #[test]
    fn states_come_back_and_other_numbers_are_none() {
        let page = page();
        let header = Header::new(&page).unwrap();
        assert_eq!((header.state(), header.is_superseded()), (None, false));
        for state in [State::Starting, State::Live, State::Stopped, State::Superseded] {
            header.set_state(state);
            assert_eq!(header.state(), Some(state));
            assert_eq!(header.is_superseded(), state == State::Superseded);
            assert_eq!(header.is_left(), matches!(state, State::Stopped | State::Superseded));
        }
        page[STATE].store(99, Ordering::Relaxed);
        assert_eq!((header.state(), header.is_superseded()), (None, false));
        assert_eq!(FeedState::from_word(0), None);
        assert_eq!(FeedState::from_word(4), Some(FeedState::Stalled));
    }

    #[test]
    fn what_never_changes_comes_back_whole() {
        let page = page();
        let header = Header::new(&page).unwrap();
        let mut fixed: Fixed = Zeroable::zeroed();
        let bytes = bytemuck::bytes_of_mut(&mut fixed);
        for (index, byte) in bytes.iter_mut().enumerate() {
            *byte = index as u8 | 1;
        }
        header.set_fixed(fixed);
        header.set_total_len(77);
        assert_eq!(bytemuck::bytes_of(&header.fixed()), bytemuck::bytes_of(&fixed));
        assert_eq!(header.total_len(), 77);
        // None of it lies where the words are that change.
        let others =
            [Owner::Generation as usize, Pulse::HeartbeatNs as usize, JOURNAL_HEAD, IN_USE];
        assert!(others.iter().all(|word| page[*word].load(Ordering::Relaxed) == 0));
    }

    #[test]
    fn counters_have_names_of_their_own_and_wrap() {
        let page = page();
        let header = Header::new(&page).unwrap();
        let mut names: Vec<_> = Counter::ALL.iter().map(|(_, name)| *name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Counter::ALL.len());
        header.count(Counter::Stale, u64::MAX);
        header.count(Counter::Stale, 3);
        assert_eq!(header.counter(Counter::Stale), 2);
        let others = Counter::ALL.into_iter().filter(|(counter, _)| *counter != Counter::Stale);
        assert!(others.into_iter().all(|(counter, _)| header.counter(counter) == 0));
    }

    #[test]
    fn texts_fit_or_do_not() {
        for text in ["", "mainnet", "x".repeat(32).as_str(), "Größe"] {
            assert_eq!(from_text32(&text32(text).unwrap()), Some(text));
        }
        assert_eq!(text32(&"x".repeat(33)), None);
        assert_eq!(from_text32(&[0xff; 32]), None);
    }
}
