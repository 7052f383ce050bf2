//! What all requests have in common: the region, the verdict, and the page that was made last.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use driftshm_layout::{FeedState, Region};
use hyper::body::Bytes;
use tokio::time::MissedTickBehavior;

use super::page;
use crate::control::Figures;
use crate::health::report::Report;
use crate::health::{Eye, Readiness, Verdict};

/// How often the region is looked at: as often as the heart beats.
const SAMPLE: Duration = Duration::from_millis(100);
/// A page is as good as new for so long: a storm of scrapes makes four a second, not thousands.
const PAGE_AGE: Duration = Duration::from_millis(250);
/// A publisher that is well answers within a chunk of updates.
const PATIENCE: Duration = Duration::from_millis(250);

pub(super) struct Watch {
    dir: PathBuf,
    eye: Mutex<Eye>,
    readiness: Mutex<Readiness>,
    page: tokio::sync::Mutex<Pages>,
}

struct Pages {
    figures: Figures,
    last: Option<(Instant, Bytes)>,
}

impl Watch {
    pub fn new(dir: &Path, figures: Figures) -> Self {
        Self {
            dir: dir.into(),
            eye: Mutex::new(Eye::new(dir.into())),
            readiness: Mutex::default(),
            page: tokio::sync::Mutex::new(Pages { figures, last: None }),
        }
    }

    /// The region of now.
    pub fn region(&self) -> Option<Arc<Region>> {
        self.eye.lock().unwrap_or_else(PoisonError::into_inner).region()
    }

    /// Takes samples for as long as it is polled.
    pub async fn sample(&self) {
        let mut tick = tokio::time::interval(SAMPLE);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            self.verdict(self.region().as_deref());
        }
    }

    /// The verdict, with one sample more.
    pub fn verdict(&self, region: Option<&Region>) -> Verdict {
        let is_live = region.is_some_and(|region| region.feed_state() == FeedState::Live);
        let mut readiness = self.readiness.lock().unwrap_or_else(PoisonError::into_inner);
        readiness.observe(Instant::now(), is_live)
    }

    /// All metrics as text; nothing if there is no region. Who asks while a page is made gets that
    /// one.
    pub async fn page(&self) -> Option<Bytes> {
        let mut pages = self.page.lock().await;
        if let Some((made, page)) = &pages.last {
            if made.elapsed() < PAGE_AGE {
                return Some(page.clone());
            }
        }
        let status = pages.figures.ask(PATIENCE).await;
        let answer = status.map(|status| (env!("CARGO_PKG_VERSION").to_owned(), status));
        let answer = answer.ok_or_else(|| "the publisher does not answer".to_owned());
        let region = self.region()?;
        let verdict = self.verdict(Some(&region));
        let text = page::text(Report::new(&self.dir, &region, answer), verdict).ok()?;
        let page = Bytes::from(text);
        pages.last = Some((Instant::now(), page.clone()));
        Some(page)
    }
}
