//! The feeds as the publisher knows them: how each is, and the way to tell it something.

use crossbeam_channel::Sender;
use driftshm_layout::FeedState;

use crate::feeds::FeedCommand;

struct Link {
    source: u8,
    name: String,
    state: FeedState,
    commands: Sender<FeedCommand>,
}

/// All feeds.
#[derive(Default)]
pub(super) struct FeedLinks(Vec<Link>);

impl FeedLinks {
    /// A feed was started, for the first time or again.
    pub fn started(&mut self, source: u8, name: String, commands: Sender<FeedCommand>) {
        self.0.retain(|link| link.source != source);
        self.0.push(Link { source, name, state: FeedState::Connecting, commands });
        self.0.sort_by_key(|link| link.source);
    }

    /// A feed says how it is. Its name and how it was before, if that is another state.
    pub fn set_state(&mut self, source: u8, state: FeedState) -> Option<(&str, FeedState)> {
        let link = self.0.iter_mut().find(|link| link.source == source)?;
        let before = std::mem::replace(&mut link.state, state);
        (before != state).then_some((link.name.as_str(), before))
    }

    /// All of them as one: they bring the same accounts, so the best one counts.
    pub fn overall(&self) -> FeedState {
        let rank = |state: &FeedState| match state {
            FeedState::Live => 0,
            FeedState::Syncing => 1,
            FeedState::Stalled => 2,
            FeedState::Connecting => 3,
            FeedState::Down => 4,
        };
        self.0.iter().map(|link| link.state).min_by_key(rank).unwrap_or(FeedState::Connecting)
    }

    /// Whether each of them is live. They may bring different accounts: while one is not, nobody
    /// knows which accounts are as the chain has them.
    pub fn are_live(&self) -> bool {
        !self.0.is_empty() && self.0.iter().all(|link| link.state == FeedState::Live)
    }

    /// Tells all feeds.
    pub fn tell(&self, command: FeedCommand) {
        for link in &self.0 {
            // A feed that has ended does not listen, and need not.
            let _ = link.commands.send(command);
        }
    }

    /// Tells one feed.
    pub fn tell_one(&self, source: u8, command: FeedCommand) {
        for link in self.0.iter().filter(|link| link.source == source) {
            let _ = link.commands.send(command);
        }
    }

    /// Each as `name: state`.
    pub fn describe(&self) -> Vec<String> {
        let describe = |link: &Link| format!("{}: {}", link.name, link.state.as_str());
        self.0.iter().map(describe).collect()
    }

    /// Lets go of all feeds, which tells them to end.
    pub fn close(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links(states: &[FeedState]) -> FeedLinks {
        let mut links = FeedLinks::default();
        for (source, state) in (1..).zip(states) {
            links.started(source, format!("feed{source}"), crossbeam_channel::unbounded().0);
            links.set_state(source, *state);
        }
        links
    }

    #[test]
    fn the_best_feed_counts() {
        use FeedState::*;
        assert_eq!(links(&[]).overall(), Connecting);
        assert_eq!(links(&[Down, Connecting]).overall(), Connecting);
        assert_eq!(links(&[Stalled, Live, Down]).overall(), Live);
        assert_eq!(links(&[Stalled, Syncing]).overall(), Syncing);
    }

    #[test]
    fn all_feeds_are_live_or_nothing_is_vouched_for() {
        use FeedState::*;
        assert!(!links(&[]).are_live());
        assert!(links(&[Live]).are_live() && links(&[Live, Live]).are_live());
        for other in [Down, Stalled, Syncing, Connecting] {
            assert!(!links(&[Live, other]).are_live());
        }
    }

    #[test]
    fn a_feed_that_is_started_again_connects_anew_and_hears_through_its_new_channel() {
        let mut links = links(&[FeedState::Live]);
        let (sender, receiver) = crossbeam_channel::unbounded();
        links.started(1, "feed1".into(), sender);
        assert_eq!(links.describe(), ["feed1: connecting"]);
        links.tell(FeedCommand::Follow(Default::default()));
        assert_eq!(receiver.len(), 1);
        links.close();
        assert!(receiver.try_recv().is_ok() && receiver.try_recv().is_err());
    }

    #[test]
    fn only_a_change_of_state_is_news() {
        let mut links = links(&[FeedState::Live]);
        assert_eq!(links.set_state(1, FeedState::Live), None);
        assert_eq!(links.set_state(1, FeedState::Down), Some(("feed1", FeedState::Live)));
        assert_eq!(links.set_state(9, FeedState::Down), None);
    }
}
