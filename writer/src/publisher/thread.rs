//! The publisher's thread: started, and its end told.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;

use crossbeam_channel::Receiver;
use driftshm_layout::RegionWriter;
use tokio::sync::oneshot;

use super::{Command, Home, Publisher, PublisherOptions, run};
use crate::feeds::Queue;

/// How the thread ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// The queue was stopped; the region says `stopped`.
    Orderly,
    /// Another writer has taken the directory, and how that is known; nothing was touched since.
    Replaced(String),
    /// It panicked. The region is as a killed writer would have left it; the process must end.
    Panicked(String),
}

/// A publisher that runs.
pub struct PublisherThread {
    /// Told when the region says `live`.
    pub live: oneshot::Receiver<()>,
    /// Told when it has ended and the region is closed.
    pub ended: oneshot::Receiver<Ended>,
    /// The thread itself.
    pub thread: JoinHandle<()>,
}

/// Starts the publisher. It ends when `queue` is stopped, or another writer takes the directory.
pub fn start(
    writer: RegionWriter,
    queue: Arc<Queue>,
    commands: Receiver<Command>,
    home: Arc<Home>,
    options: PublisherOptions,
) -> std::io::Result<PublisherThread> {
    guarded(move |live| run(Publisher::new(writer, queue, commands, home, &options), live))
}

fn guarded(
    body: impl FnOnce(oneshot::Sender<()>) -> Result<(), String> + Send + 'static,
) -> std::io::Result<PublisherThread> {
    let (sender, ended) = oneshot::channel();
    let (is_live, live) = oneshot::channel();
    let thread = std::thread::Builder::new().name("publisher".into()).spawn(move || {
        // Whatever the body owned is dropped by the time its end is told.
        let outcome = catch_unwind(AssertUnwindSafe(|| body(is_live)));
        let _ = sender.send(match outcome {
            Ok(Ok(())) => Ended::Orderly,
            Ok(Err(why)) => Ended::Replaced(why),
            Err(panic) => Ended::Panicked(panic_text(panic.as_ref())),
        });
    })?;
    Ok(PublisherThread { live, ended, thread })
}

/// What a panic said.
pub(crate) fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "a panic without a message".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_told_whether_orderly_or_because_of_another_or_by_a_panic() {
        let orderly = guarded(|_| Ok(())).unwrap();
        assert_eq!(orderly.ended.blocking_recv(), Ok(Ended::Orderly));
        let replaced = guarded(|_| Err("so".to_owned())).unwrap();
        assert_eq!(replaced.ended.blocking_recv(), Ok(Ended::Replaced("so".to_owned())));
        let number = 7;
        let panicked = guarded(move |_| panic!("number {number}")).unwrap();
        let expected = Ended::Panicked("number 7".to_owned());
        assert_eq!(panicked.ended.blocking_recv(), Ok(expected));
    }
}
