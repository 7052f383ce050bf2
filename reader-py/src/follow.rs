//! Following regions as writers come and go.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use driftshm_layout::dir::Place;
use driftshm_layout::record::Presence;
use driftshm_layout::{OpenError, Pubkey, RecordRef, Region, clock};
use pyo3::prelude::*;

use crate::errors;
use crate::schema::Schema;

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
}

impl Link {
    /// Opens the region of a directory.
    pub fn open(place: &Place) -> Result<Arc<Self>, OpenError> {
        Region::open_at(place).map(Self::new)
    }

    fn new(region: Region) -> Arc<Self> {
        let schema = Schema::of(region.profile(), region.schema_hash());
        let (region, next, looked_ns) = (Arc::new(region), OnceLock::new(), AtomicU64::new(0));
        Arc::new(Self { region, schema, next, looked_ns })
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
            match link.region.successor() {
                Ok(Some(region)) => {
                    let fresh = Self::new(region);
                    link = link.next.get_or_init(|| fresh);
                }
                _ => return link,
            }
        }
    }
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
        let here = self.last();
        let Ok(meta) = here.region().meta(&here.record) else { return f64::INFINITY };
        let vouched = here.region().vouched_ns(&here.record, meta.received_ns);
        clock::monotonic_ns().saturating_sub(vouched) as f64 / 1e9
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
        // A writer that died may have been followed by one with a new file.
        if !self.link.region.writer_alive() {
            self.link.follow();
            if self.staleness() <= max_age {
                return Ok(());
            }
        }
        Err(self.stale(max_age))
    }

    #[cold]
    fn stale(&self, max_age: f64) -> PyErr {
        let here = self.last();
        let region = here.region();
        let why = if let Err(error) = region.successor() {
            format!("the region that took its place cannot be read: {error}")
        } else if here.presence() == Presence::Gone {
            return errors::gone();
        } else if region.state() == Some(driftshm_layout::State::Stopped) {
            "the writer was stopped".to_owned()
        } else if !region.writer_alive() {
            match region.heartbeat_age_ns() {
                u64::MAX => "the region is from before the machine was started".to_owned(),
                age => format!("no heartbeat of the writer for {:.1} s", age as f64 / 1e9),
            }
        } else if !region.is_followed(&here.record) {
            "the writer no longer follows it (reader.watch makes it)".to_owned()
        } else {
            format!("the writer's feed is {}", region.feed_state().as_str())
        };
        let (pubkey, age) = (self.pubkey, self.staleness());
        errors::StaleError::new_err(format!(
            "account {pubkey} was last known to be current {age:.3} s ago, max_age is {max_age} s: {why}"
        ))
    }
}
