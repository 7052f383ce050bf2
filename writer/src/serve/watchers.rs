//! Those who watch the writer from inside: the metrics' server, and the word to systemd.
//!
//! Each is a thread of its own that reads the region as any bot does. None of them can hold up or
//! end anything but itself.

use std::thread::JoinHandle;

use super::notify::{self, Stopping};
use super::{ServeError, ServeOptions};
use crate::control::Figures;

/// All of them; they end when this is dropped.
pub(super) struct Watchers {
    _stopping: Option<Stopping>,
    #[cfg(feature = "metrics")]
    _metrics: Option<crate::metrics::Guard>,
}

impl Watchers {
    /// Starts those that are wanted. What is wrong with the address for metrics is said now.
    pub fn start(
        options: &ServeOptions,
        figures: Figures,
        threads: &mut Vec<JoinHandle<()>>,
    ) -> Result<Self, ServeError> {
        #[cfg(feature = "metrics")]
        let _metrics = match options.metrics_listen {
            Some(address) => {
                let started = crate::metrics::start(address, &options.dir, figures);
                let (guard, thread) =
                    started.map_err(|source| ServeError::Metrics { address, source })?;
                threads.push(thread);
                Some(guard)
            }
            None => None,
        };
        #[cfg(not(feature = "metrics"))]
        drop(figures);
        let notify = notify::start(&options.dir).map_err(ServeError::io("start a thread"))?;
        let _stopping = notify.map(|(stopping, thread)| {
            threads.push(thread);
            stopping
        });
        Ok(Self {
            _stopping,
            #[cfg(feature = "metrics")]
            _metrics,
        })
    }
}
