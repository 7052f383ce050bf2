//! The feeds as the publisher knows them: how each is, and the way to tell it something.

use std::sync::Arc;

use crossbeam_channel::Sender;
use driftshm_layout::control::FeedReport;
use driftshm_layout::{FeedState, clock};

use super::throttle::Throttle;
use crate::feeds::{FeedCommand, Figures, Part};

struct Link {
    source: u8,
    name: String,
    part: Part,
    figures: Arc<Figures>,
    state: FeedState,
    /// CLOCK_MONOTONIC ns since when.
    since_ns: u64,
    /// What it brings is as the chain had it then, CLOCK_MONOTONIC ns; `None`: as it has it now.
    vouched_ns: Option<u64>,
    commands: Sender<FeedCommand>,
    /// Of the turns between connecting and down.
    tries: Throttle,
}

/// A feed's turn to another state.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Turn<'a> {
    pub feed: &'a str,
    pub before: FeedState,
    /// How many there were since the last that was logged, this one included.
    pub times: u64,
}

/// All feeds.
#[derive(Default)]
pub(super) struct FeedLinks(Vec<Link>);

impl FeedLinks {
    /// A feed was started, for the first time or again.
    pub fn started(
        &mut self,
        source: u8,
        name: String,
        part: Part,
        figures: Arc<Figures>,
        commands: Sender<FeedCommand>,
    ) {
        let before = self.0.iter().position(|link| link.source == source);
        let before = before.map(|place| self.0.remove(place));
        let (state, since_ns) = (FeedState::Connecting, clock::monotonic_ns());
        // One that is started again goes on as before.
        let tries = before.map_or_else(Throttle::minutely, |link| link.tries);
        self.0.push(Link {
            source,
            name,
            part,
            figures,
            state,
            since_ns,
            vouched_ns: None,
            commands,
            tries,
        });
        self.0.sort_by_key(|link| link.source);
    }

    /// A feed says how it is. What is to be logged of it, if anything is.
    pub fn set_state(&mut self, source: u8, state: FeedState) -> Option<Turn<'_>> {
        let link = self.0.iter_mut().find(|link| link.source == source)?;
        let before = std::mem::replace(&mut link.state, state);
        let is_new = before != state;
        if !is_new {
            return None;
        }
        link.since_ns = clock::monotonic_ns();
        // A feed that keeps trying goes to and fro between these for ever.
        let tries = |state| matches!(state, FeedState::Connecting | FeedState::Down);
        let times = if tries(before) && tries(state) {
            link.tries.happened()?
        } else {
            link.tries = Throttle::minutely();
            1
        };
        Some(Turn { feed: &link.name, before, times })
    }

    /// Those that bring accounts of their own accord.
    fn bringing(&self) -> impl Iterator<Item = &Link> {
        self.0.iter().filter(|link| link.part != Part::Beside)
    }

    /// All of them as one: the best one counts.
    pub fn overall(&self) -> FeedState {
        let rank = |state: &FeedState| match state {
            FeedState::Live => 0,
            FeedState::Syncing => 1,
            FeedState::Stalled => 2,
            FeedState::Connecting => 3,
            FeedState::Down => 4,
        };
        self.bringing().map(|link| link.state).min_by_key(rank).unwrap_or(FeedState::Connecting)
    }

    /// Whether what the region has is as the chain has it. While a feed that brings accounts of its
    /// own is not live, nobody knows which; of those that mirror each other, one is enough.
    pub fn are_live(&self) -> bool {
        let is_live = |link: &Link| link.state == FeedState::Live;
        let mut sole = self.bringing().filter(|link| link.part == Part::Sole);
        let mut mirrors = self.bringing().filter(|link| link.part == Part::Mirror).peekable();
        let has_any = self.bringing().next().is_some();
        has_any && sole.all(is_live) && (mirrors.peek().is_none() || mirrors.any(is_live))
    }

    /// A feed says up to when it knows the chain.
    pub fn set_vouched(&mut self, source: u8, since_ns: u64) {
        if let Some(link) = self.0.iter_mut().find(|link| link.source == source) {
            link.vouched_ns = link.vouched_ns.max(Some(since_ns));
        }
    }

    /// When what the region has was last known to be as the chain has it; `None` while nobody
    /// knows. All that came before `published_ns` is published.
    pub fn vouched_ns(&self, published_ns: u64) -> Option<u64> {
        if published_ns == 0 || !self.are_live() {
            return None;
        }
        let of = |link: &Link| link.vouched_ns.map_or(published_ns, |ns| ns.min(published_ns));
        let sole = self.bringing().filter(|link| link.part == Part::Sole).map(of).min();
        // Of mirrors, the one that knows most is enough.
        let mirrors = self.bringing().filter(|link| link.part == Part::Mirror);
        let mirrors = mirrors.filter(|link| link.state == FeedState::Live).map(of).max();
        [sole, mirrors].into_iter().flatten().min()
    }

    /// How each of them is, by its rank.
    pub fn states(&self) -> impl Iterator<Item = (u8, FeedState)> + '_ {
        self.0.iter().map(|link| (link.source, link.state))
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

    /// How each of them is.
    pub fn describe(&self) -> Vec<FeedReport> {
        let now = clock::monotonic_ns();
        let describe = |link: &Link| FeedReport {
            name: link.name.clone(),
            state: link.state.as_str().to_owned(),
            state_age_s: now.saturating_sub(link.since_ns) / 1_000_000_000,
            figures: link.figures.list(),
            error: link.figures.last_error(),
        };
        self.0.iter().map(describe).collect()
    }

    /// Lets go of all feeds, which tells them to end.
    pub fn close(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use crossbeam_channel::Receiver;

    use super::*;

    fn links(states: &[FeedState]) -> FeedLinks {
        parts(&states.iter().map(|state| (Part::Sole, *state)).collect::<Vec<_>>())
    }

    fn start(links: &mut FeedLinks, source: u8, part: Part) -> Receiver<FeedCommand> {
        let (sender, receiver) = crossbeam_channel::unbounded();
        links.started(source, format!("feed{source}"), part, Arc::default(), sender);
        receiver
    }

    fn parts(feeds: &[(Part, FeedState)]) -> FeedLinks {
        let mut links = FeedLinks::default();
        for (source, (part, state)) in (1..).zip(feeds) {
            start(&mut links, source, *part);
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
    fn of_mirrors_one_is_enough_and_what_helps_beside_them_does_not_count() {
        use FeedState::*;
        use Part::*;
        assert!(parts(&[(Mirror, Down), (Mirror, Live)]).are_live());
        assert!(!parts(&[(Mirror, Down), (Mirror, Syncing)]).are_live());
        assert!(!parts(&[(Sole, Down), (Mirror, Live)]).are_live());
        let beside = parts(&[(Beside, Live), (Mirror, Stalled)]);
        assert!(!beside.are_live());
        assert_eq!(beside.overall(), Stalled);
        assert!(parts(&[(Beside, Down), (Mirror, Live)]).are_live());
    }

    #[test]
    fn what_is_vouched_for_is_what_the_best_informed_of_mirrors_knows() {
        use FeedState::*;
        use Part::*;
        let mut feeds = parts(&[(Mirror, Live), (Mirror, Live)]);
        assert_eq!(feeds.vouched_ns(0), None, "nothing is published yet");
        feeds.set_vouched(1, 50);
        feeds.set_vouched(2, 70);
        feeds.set_vouched(2, 60);
        assert_eq!(feeds.vouched_ns(100), Some(70));
        assert_eq!(feeds.vouched_ns(65), Some(65), "the rest is not published yet");
        feeds.set_state(2, Stalled);
        assert_eq!(feeds.vouched_ns(100), Some(50));
        feeds.set_state(1, Down);
        assert_eq!(feeds.vouched_ns(100), None);

        let mut feeds = parts(&[(Sole, Live), (Mirror, Live)]);
        assert_eq!(feeds.vouched_ns(100), Some(100), "they vouch for the present");
        feeds.set_vouched(2, 40);
        assert_eq!(feeds.vouched_ns(100), Some(40), "each is needed");
    }

    #[test]
    fn a_feed_that_is_started_again_connects_anew_and_hears_through_its_new_channel() {
        let mut links = links(&[FeedState::Live]);
        let receiver = start(&mut links, 1, Part::Sole);
        assert_eq!(links.describe()[0].state, "connecting");
        links.tell(FeedCommand::Follow(Default::default()));
        assert_eq!(receiver.len(), 1);
        links.close();
        assert!(receiver.try_recv().is_ok() && receiver.try_recv().is_err());
    }

    #[test]
    fn only_a_change_of_state_is_news() {
        let mut links = links(&[FeedState::Live]);
        assert_eq!(links.set_state(1, FeedState::Live), None);
        let expected = Turn { feed: "feed1", before: FeedState::Live, times: 1 };
        assert_eq!(links.set_state(1, FeedState::Down), Some(expected));
        assert_eq!(links.set_state(9, FeedState::Down), None);
    }

    #[test]
    fn a_feed_that_tries_in_vain_is_news_once_until_it_gets_further() {
        use FeedState::*;
        let mut links = links(&[Live]);
        let said = |links: &mut FeedLinks, state| links.set_state(1, state).is_some();
        assert!(said(&mut links, Down) && said(&mut links, Connecting), "to live and back is news");
        for _ in 0..3 {
            assert!(!said(&mut links, Down) && !said(&mut links, Connecting));
        }
        start(&mut links, 1, Part::Sole);
        assert!(!said(&mut links, Down), "also if it is started again");
        assert!(
            said(&mut links, Syncing) && said(&mut links, Down) && said(&mut links, Connecting)
        );
    }
}
