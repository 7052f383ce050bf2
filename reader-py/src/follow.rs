//! Following regions as writers come and go.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use driftshm_layout::dir::Place;
use driftshm_layout::mapping::FileState;
use driftshm_layout::record::Presence;
use driftshm_layout::{OpenError, Pubkey, RecordRef, Region, clock};
use pyo3::prelude::*;

use crate::schema::Schema;
use crate::stale::check_max_age;

/// While no writer stands behind a region, readers that no guard sends there look for another one
/// no more often than this: a look is a system call.
const LOOK_EVERY_NS: u64 = 100_000_000;
/// One that is superseded has a successor, which is there at once if its writer lives.
const LOOK_FOR_SUCCESSOR_EVERY_NS: u64 = 1_000_000;

/// A region, and the one that took its place when one has. Superseded ones stay mapped for as long
/// as anything reads through them: that is rare, and the reading side stays free of locks.
pub struct Link {
    /// The region.
    pub region: Arc<Region>,
    /// Its schema's Python types.
    pub schema: &'static Schema,
    next: OnceLock<Arc<Link>>,
    /// When somebody last looked for another one without being asked to, CLOCK_MONOTONIC.
    looked_ns: AtomicU64,
    /// The file at the path that could not be opened, and why: to open it is dear, and as long as
    /// it is the same it would fail again.
    refused: Mutex<Option<(FileState, Arc<str>)>>,
}

impl Link {
    /// Opens the region of a directory.
    pub fn open(place: &Place) -> Result<Arc<Self>, OpenError> {
        Region::open_at(place).map(Self::new)
    }

    fn new(region: Region) -> Arc<Self> {
        let schema = Schema::of(region.profile(), region.schema_hash());
        let (region, next, looked_ns) = (Arc::new(region), OnceLock::new(), AtomicU64::new(0));
        Arc::new(Self { region, schema, next, looked_ns, refused: Mutex::new(None) })
    }

    /// Whether another region may have taken this one's place: its writer has left it, or, if its
    /// file was lost while it seemed live, another one was found at the path.
    #[inline(always)]
    fn is_left(&self) -> bool {
        self.region.header().is_left() || self.next.get().is_some()
    }

    /// The newest region known, without looking at the file system unless the writer of this one
    /// has left it, and then only now and then.
    #[inline]
    pub fn newest(self: &Arc<Self>) -> &Arc<Self> {
        let mut link = self;
        while link.is_left() {
            match link.next.get() {
                Some(next) => link = next,
                None => return link.look(),
            }
        }
        link
    }

    /// As [`Link::newest`], also if the writer was killed: then the region still says that it is
    /// live, and if its file is lost, nothing ever says anything else.
    #[inline]
    pub fn newest_alive(self: &Arc<Self>) -> &Arc<Self> {
        let link = self.newest();
        if link.region.writer_alive() { link } else { link.look() }
    }

    /// As [`Link::follow`], but not so often that it would matter to who reads.
    #[cold]
    fn look(self: &Arc<Self>) -> &Arc<Self> {
        let pause = match self.region.header().is_superseded() {
            true => LOOK_FOR_SUCCESSOR_EVERY_NS,
            false => LOOK_EVERY_NS,
        };
        let now = clock::monotonic_ns();
        // Two that look at the same time do no harm.
        if now.saturating_sub(self.looked_ns.load(Ordering::Relaxed)) < pause {
            return self;
        }
        self.looked_ns.store(now, Ordering::Relaxed);
        self.follow()
    }

    /// The newest region there is: looks for another file at the path.
    #[cold]
    pub fn follow(self: &Arc<Self>) -> &Arc<Self> {
        let mut link = self;
        loop {
            if let Some(next) = link.next.get() {
                link = next;
                continue;
            }
            match link.successor() {
                Ok(Some(region)) => {
                    let fresh = Self::new(region);
                    link = link.next.get_or_init(|| fresh);
                }
                _ => return link,
            }
        }
    }

    /// The region that has taken this one's place, if any has; else why it cannot be opened.
    pub fn successor(&self) -> Result<Option<Region>, Arc<str>> {
        let Some(file) = self.region.other_at_path() else { return Ok(None) };
        // Never waited for: in the child of a fork nobody may be left to let go of it.
        if let Ok(refused) = self.refused.try_lock() {
            match &*refused {
                Some((same, why)) if *same == file => return Err(Arc::clone(why)),
                _ => {}
            }
        }
        self.region.successor().map_err(|error| {
            let why: Arc<str> = error.to_string().into();
            if let (false, Ok(mut refused)) = (is_passing(&error), self.refused.try_lock()) {
                *refused = Some((file, Arc::clone(&why)));
            }
            why
        })
    }
}

/// Whether the same file may be opened at the next try though nobody has changed it.
fn is_passing(error: &OpenError) -> bool {
    matches!(error, OpenError::NotReady { .. } | OpenError::NotFound { .. } | OpenError::Io { .. })
}

/// What all objects of one reader share.
pub struct Shared {
    /// The directory that was opened.
    pub dir: PathBuf,
    /// The first region that was opened.
    pub first: Arc<Link>,
}

impl Shared {
    /// The newest region.
    #[inline]
    pub fn link(&self) -> &Arc<Link> {
        self.first.newest()
    }
}

/// One account, followed across regions.
pub struct Handle {
    /// The region in which it was found.
    pub link: Arc<Link>,
    /// Its record there.
    pub record: RecordRef,
    /// Its address.
    pub pubkey: Pubkey,
    next: OnceLock<Arc<Handle>>,
}

impl Handle {
    /// The account in a record of a region.
    pub fn new(link: &Arc<Link>, record: RecordRef) -> Option<Arc<Self>> {
        let pubkey = link.region.pubkey(&record)?;
        Some(Arc::new(Self { link: Arc::clone(link), record, pubkey, next: OnceLock::new() }))
    }

    /// The account where it is now; `None` if the new region has another schema, by which this
    /// account's views cannot read. As long as the account is not in the region that took the old
    /// one's place, the last state of the old one stands.
    #[inline(always)]
    pub fn current(&self) -> Option<&Handle> {
        match self.link.is_left() {
            false => Some(self),
            true => self.follow(),
        }
    }

    /// The account where it was seen last.
    pub fn last(&self) -> &Handle {
        self.current().unwrap_or(self)
    }

    /// The account where it was seen last, also if the writer was killed and its region lost.
    pub fn newest(&self) -> &Handle {
        self.last().link.newest_alive();
        self.last()
    }

    #[cold]
    fn follow(&self) -> Option<&Handle> {
        if let Some(next) = self.next.get() {
            return next.current();
        }
        let newest = self.link.newest();
        if Arc::ptr_eq(newest, &self.link) {
            return Some(self);
        }
        if !std::ptr::eq(newest.schema, self.link.schema) {
            return None;
        }
        let found = newest.region.find(&self.pubkey).filter(|new| new.kind == self.record.kind);
        match found.and_then(|record| Handle::new(newest, record)) {
            Some(handle) if handle.presence() != Presence::Empty => {
                self.next.get_or_init(|| handle).current()
            }
            _ => Some(self),
        }
    }

    /// The region the account is in.
    #[inline(always)]
    pub fn region(&self) -> &Region {
        &self.link.region
    }

    /// Whether it can be read there.
    #[inline]
    pub fn presence(&self) -> Presence {
        self.region().presence(&self.record)
    }

    /// Seconds since the account was last known to be what the chain says.
    #[inline(never)]
    pub fn staleness(&self) -> f64 {
        // Nobody vouches for what cannot be read.
        let Some(here) = self.current() else { return f64::INFINITY };
        let Ok(meta) = here.region().meta(&here.record) else { return f64::INFINITY };
        seconds_since(here.region().vouched_ns(&here.record, meta.received_ns))
    }

    /// What is of this slot or an older one is confirmed.
    pub fn confirmed_slot(&self) -> u64 {
        self.last().region().confirmed_slot()
    }

    /// Raises if the account is not known to be as fresh as `max_age` seconds.
    #[inline(always)]
    pub fn guard(&self, max_age: Option<f64>) -> PyResult<()> {
        match max_age {
            None => Ok(()),
            Some(max_age) if self.staleness() <= max_age => Ok(()),
            Some(max_age) => self.guard_again(max_age),
        }
    }

    #[cold]
    fn guard_again(&self, max_age: f64) -> PyResult<()> {
        check_max_age(max_age)?;
        // A writer that died may have been followed by one with a new file.
        if !self.link.region.writer_alive() {
            self.link.follow();
            if self.staleness() <= max_age {
                return Ok(());
            }
        }
        Err(self.stale(max_age))
    }
}

/// Seconds since a time of the region's; 0 is none.
#[inline(always)]
pub fn seconds_since(vouched_ns: u64) -> f64 {
    match vouched_ns {
        0 => f64::INFINITY,
        some => clock::monotonic_ns().saturating_sub(some) as f64 / 1e9,
    }
}

/// Seconds since a version was published; without end where the clock began anew since.
pub fn age_of(publish_ns: u64, is_of_this_boot: bool) -> f64 {
    match is_of_this_boot {
        true => clock::monotonic_ns().saturating_sub(publish_ns) as f64 / 1e9,
        false => f64::INFINITY,
    }
}
