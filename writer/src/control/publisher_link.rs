//! Asking the publisher.

use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender};
use driftshm_layout::control::Filter;
use tokio::sync::oneshot;

use crate::feeds::Queue;
use crate::publisher::{Command, Report, Signal};

/// Commands that may wait. A connection asks for one thing at a time, so that is many
/// connections; who finds no room waits for the publisher, which waits for nobody.
const COMMANDS: usize = 1024;

/// The publisher is gone: the writer is about to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the writer is stopping")]
pub struct PublisherGone;

/// The way to the publisher.
#[derive(Clone)]
pub struct PublisherLink {
    commands: Sender<Command>,
    queue: Arc<Queue>,
}

impl PublisherLink {
    /// A link, and the publisher's end of it.
    pub fn new(queue: Arc<Queue>) -> (Self, Receiver<Command>) {
        let (commands, receiver) = crossbeam_channel::bounded(COMMANDS);
        (Self { commands, queue }, receiver)
    }

    /// Sends a command and wakes the publisher.
    pub fn send(&self, command: Command) -> Result<(), PublisherGone> {
        self.commands.send(command).map_err(|_| PublisherGone)?;
        self.queue.wake();
        Ok(())
    }

    pub(super) async fn subscribe(
        &self,
        id: u64,
        filter: Filter,
        signal: Signal,
    ) -> Result<(), PublisherGone> {
        let (done, answer) = oneshot::channel();
        self.send(Command::Subscribe { id, filter, signal, done })?;
        answer.await.map_err(|_| PublisherGone)
    }

    pub(super) async fn extend(&self, id: u64, filter: Filter) -> Result<(), PublisherGone> {
        let (done, answer) = oneshot::channel();
        self.send(Command::Extend { id, filter, done })?;
        answer.await.map_err(|_| PublisherGone)
    }

    pub(super) fn unsubscribe(&self, ids: Vec<u64>) {
        // A publisher that is gone has no subscriptions.
        let _ = self.send(Command::Unsubscribe { ids });
    }

    /// Asks for figures, unless so much waits for the publisher that there is no room to ask.
    pub(super) fn try_report(&self) -> Option<oneshot::Receiver<Report>> {
        let (reply, answer) = oneshot::channel();
        self.commands.try_send(Command::Report { reply }).ok()?;
        self.queue.wake();
        Some(answer)
    }

    pub(super) async fn report(&self) -> Result<Report, PublisherGone> {
        let (reply, answer) = oneshot::channel();
        self.send(Command::Report { reply })?;
        answer.await.map_err(|_| PublisherGone)
    }
}
