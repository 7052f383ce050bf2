//! The figures of publisher and control socket, for who must never wait for either.

use std::time::Duration;

use driftshm_layout::control::Status;
use tokio::sync::oneshot;
use tokio::sync::oneshot::error::TryRecvError;

use super::limits::Tally;
use super::publisher_link::PublisherLink;
use crate::publisher::Report;

/// What a client is told that asks for the status.
pub(super) fn status(report: Report, tally: &Tally) -> Status {
    Status {
        connections: tally.connections() as u64,
        subscriptions: report.subscriptions,
        watched: report.watched,
        feeds: report.feeds,
    }
}

/// Asks what a client of the control socket could ask, without a connection.
pub struct Figures {
    publisher: PublisherLink,
    tally: Tally,
    /// A question that is not answered yet. There is never a second one: questions to a publisher
    /// that hangs would fill its queue, and then whoever has to wait there would hang too.
    asked: Option<oneshot::Receiver<Report>>,
}

impl Figures {
    pub(super) fn new(publisher: PublisherLink, tally: Tally) -> Self {
        Self { publisher, tally, asked: None }
    }

    /// Of a publisher that is gone.
    #[cfg(all(test, feature = "metrics"))]
    pub fn of_nobody() -> Self {
        let (publisher, _) = PublisherLink::new(crate::feeds::Queue::new());
        Self::new(publisher, Tally::new(super::Limits::default()))
    }

    /// The figures of now, or nothing if they do not come in time.
    pub async fn ask(&mut self, patience: Duration) -> Option<Status> {
        // What was answered after its time is of that time.
        let waits =
            self.asked.take_if(|asked| !matches!(asked.try_recv(), Err(TryRecvError::Empty)));
        drop(waits);
        if self.asked.is_none() {
            self.asked = self.publisher.try_report();
        }
        let answer = tokio::time::timeout(patience, self.asked.as_mut()?).await.ok()?;
        self.asked = None;
        Some(status(answer.ok()?, &self.tally))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::control::Limits;
    use crate::feeds::Queue;
    use crate::publisher::Command;

    const SOON: Duration = Duration::from_millis(10);

    #[tokio::test]
    async fn a_publisher_that_hangs_is_asked_once_however_often_one_wants_to_know() {
        let (publisher, commands) = PublisherLink::new(Queue::new());
        let mut figures = Figures::new(publisher, Tally::new(Limits::default()));
        for _ in 0..5 {
            assert_eq!(figures.ask(SOON).await, None);
        }
        assert_eq!(commands.len(), 1);
        let Ok(Command::Report { reply }) = commands.try_recv() else { panic!("another command") };
        reply.send(Report { watched: 1, ..Report::default() }).unwrap();
        // That answer is too late; the next one is asked for anew.
        let publisher = std::thread::spawn(move || match commands.recv() {
            Ok(Command::Report { reply }) => reply.send(Report { watched: 2, ..Report::default() }),
            _ => panic!("another command"),
        });
        let status = figures.ask(Duration::from_secs(10)).await.unwrap();
        assert_eq!(status.watched, 2);
        publisher.join().unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_publisher_that_is_gone_or_has_no_room_gives_no_figures() {
        let (publisher, commands) = PublisherLink::new(Arc::clone(&Queue::new()));
        let mut figures = Figures::new(publisher.clone(), Tally::new(Limits::default()));
        while publisher.try_report().is_some() {}
        assert_eq!(figures.ask(SOON).await, None);
        drop(commands);
        assert_eq!(figures.ask(Duration::from_secs(10)).await, None);
    }
}
