//! What is wrong with the feeds, in words.

use std::time::Duration;

use driftshm_layout::header::{Owner, Pulse};
use driftshm_layout::{FeedState, Region, clock};

/// How long ago all was known to be as the chain has it; nothing if it never was.
pub fn last_live(region: &Region) -> Option<Duration> {
    let live_ns = region.header().pulse(Pulse::LiveNs);
    let age = clock::monotonic_ns().saturating_sub(live_ns);
    (live_ns != 0).then(|| Duration::from_nanos(age))
}

/// Why the feeds of a writer that lives are not live, if they are not. A feed that keeps trying
/// changes its state all the time, so how long that lasts says little: when it was live says more.
pub fn feed_trouble(region: &Region) -> Option<String> {
    let feed = region.feed_state();
    if feed == FeedState::Live {
        return None;
    }
    let since = clock::monotonic_ns().saturating_sub(region.header().owner(Owner::FeedSinceNs));
    Some(in_words(feed, Duration::from_nanos(since), last_live(region)))
}

fn in_words(feed: FeedState, since: Duration, last_live: Option<Duration>) -> String {
    let last = last_live.map_or_else(
        || "not live yet".to_owned(),
        |ago| format!("last live {:.1} s ago", ago.as_secs_f64()),
    );
    format!("the feed is {} for {:.1} s, {last}", feed.as_str(), since.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use driftshm_layout::profile::{Kind, Profile};
    use driftshm_layout::{Capacities, RegionOptions, RegionWriter};

    use super::*;

    #[test]
    fn it_is_said_when_the_feed_was_live_however_often_it_has_tried_since() {
        let temp = tempfile::tempdir().unwrap();
        let mut options = RegionOptions::new("test", Profile::builtin("drift-v2").unwrap());
        options.capacities = Capacities { journal: 64, ..options.capacities }
            .with(Kind::User, 4)
            .with(Kind::UserStats, 4);
        let (writer, _) = RegionWriter::open(temp.path(), options).unwrap();
        writer.set_live();
        let trouble = || feed_trouble(writer.region());
        let said = trouble().unwrap();
        assert!(said.starts_with("the feed is connecting for "), "{said}");
        assert!(said.ends_with(" s, not live yet"), "{said}");
        writer.set_feed_state(FeedState::Live);
        writer.heartbeat(Some(clock::monotonic_ns() - 7_200_000_000));
        assert_eq!(trouble(), None);
        for state in [FeedState::Down, FeedState::Connecting, FeedState::Down] {
            writer.set_feed_state(state);
        }
        let said = trouble().unwrap();
        assert!(said.starts_with("the feed is down for "), "{said}");
        let ago = last_live(writer.region()).unwrap().as_secs_f64();
        assert!((7.2..60.0).contains(&ago), "{ago}");
        let seconds = Duration::from_millis;
        let said = in_words(FeedState::Down, seconds(40), Some(seconds(7_200)));
        assert_eq!(said, "the feed is down for 0.0 s, last live 7.2 s ago");
    }
}
