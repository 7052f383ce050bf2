//! What others ask of the publisher.

use std::sync::Arc;

use crossbeam_channel::Sender;
use driftshm_layout::control::{FeedReport, Filter};
use tokio::sync::oneshot;

use super::signal::Signal;
use crate::feeds::{FeedCommand, Figures, Part};
use crate::recording::Tap;

/// One request. Where there is a `done`, the asker waits for it.
pub enum Command {
    /// A new subscription: changes in its filter wake it, addresses in it are followed.
    Subscribe {
        /// A number that no other subscription of this writer has had.
        id: u64,
        /// What it is for.
        filter: Filter,
        /// How to wake it.
        signal: Signal,
        /// Every change from now on will be noticed.
        done: oneshot::Sender<()>,
    },
    /// More for a subscription.
    Extend {
        /// Which.
        id: u64,
        /// What is added.
        filter: Filter,
        /// Every change from now on will be noticed.
        done: oneshot::Sender<()>,
    },
    /// Subscriptions have ended.
    Unsubscribe {
        /// Which.
        ids: Vec<u64>,
    },
    /// A recording begins: all that feeds bring from now on goes there, too.
    Record(Box<Tap>),
    /// Asks for figures.
    Report {
        /// Where to.
        reply: oneshot::Sender<Report>,
    },
    /// A feed begins, for the first time or again.
    FeedStarted {
        /// Its rank.
        source: u8,
        /// Its name.
        name: String,
        /// What its state says of the accounts.
        part: Part,
        /// What it counts.
        figures: Arc<Figures>,
        /// The way to it.
        commands: Sender<FeedCommand>,
    },
}

/// What the publisher knows and the region does not say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// Subscriptions that can be woken.
    pub subscriptions: u64,
    /// Different addresses in them.
    pub watched: u64,
    /// The feeds.
    pub feeds: Vec<FeedReport>,
}
