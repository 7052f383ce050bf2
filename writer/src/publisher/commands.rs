//! Carrying out what the control socket and the feed threads ask for.

use crossbeam_channel::TryRecvError;

use super::{Command, Publisher, Report};
use crate::feeds::FeedCommand;

impl Publisher {
    /// Carries out all that waits.
    pub(super) fn serve_commands(&mut self) {
        loop {
            match self.commands.try_recv() {
                Ok(command) => self.serve(command),
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => return,
            }
        }
    }

    /// What comes from now on is recorded, too, by those that asked for it.
    pub(super) fn begin_recordings(&mut self) {
        for mut tap in self.new_taps.drain(..) {
            tap.attach(self.feeds.states(), self.writer.region().slot());
            self.taps.push(tap);
        }
    }

    fn serve(&mut self, command: Command) {
        match command {
            Command::Subscribe { id, filter, signal, done } => {
                self.subscribers.add(id, &filter, signal);
                filter.pubkeys.iter().for_each(|pubkey| self.want(pubkey));
                // Whoever does not wait any more says so with an `Unsubscribe`.
                let _ = done.send(());
            }
            Command::Extend { id, filter, done } => {
                if self.subscribers.extend(id, &filter) {
                    filter.pubkeys.iter().for_each(|pubkey| self.want(pubkey));
                }
                let _ = done.send(());
            }
            Command::Unsubscribe { ids } => {
                for id in ids {
                    let Some(filter) = self.subscribers.remove(id) else { continue };
                    filter.pubkeys.iter().for_each(|pubkey| self.unwant(pubkey));
                }
            }
            Command::Record(tap) => self.new_taps.push(tap),
            Command::Report { reply } => {
                let _ = reply.send(Report {
                    subscriptions: self.subscribers.len() as u64,
                    watched: self.subscribers.pubkeys() as u64,
                    feeds: self.feeds.describe(),
                });
            }
            Command::FeedStarted { source, name, part, figures, commands } => {
                self.feeds.started(source, name, part, figures, commands);
                for pubkey in self.watches.all() {
                    self.feeds.tell_one(source, FeedCommand::Follow(pubkey));
                }
                self.writer.set_feed_state(self.feeds.overall());
            }
        }
    }
}
