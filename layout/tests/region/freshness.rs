//! Whether a writer runs, how its feeds are, and how fresh an account is.

use driftshm_layout::header::{Owner, Pulse};
use driftshm_layout::profile::Kind;
use driftshm_layout::{FeedState, HEARTBEAT_TIMEOUT_NS, clock};

use crate::support::image::Image;
use crate::support::{temp_dir, tiny};

#[test]
fn a_writer_lives_by_its_word_and_by_its_heartbeat() {
    let dir = temp_dir();
    let writer = tiny::writer(dir.path());
    writer.set_live();
    let mut image = Image::of(dir.path());
    for (age, alive) in [(0, true), (HEARTBEAT_TIMEOUT_NS + 1, false), (u64::MAX, false)] {
        let now = clock::monotonic_ns();
        let age = age.min(now);
        image.set(Pulse::HeartbeatNs as usize, now - age);
        image.put(dir.path());
        let reader = tiny::reader(dir.path());
        assert_eq!(reader.writer_alive(), alive, "{age} ns old");
        assert!(reader.heartbeat_age_ns() >= age);
    }
    // A clock that runs ahead is no old heartbeat.
    image.set(Pulse::HeartbeatNs as usize, clock::monotonic_ns() + (1 << 60));
    image.put(dir.path());
    assert_eq!(tiny::reader(dir.path()).heartbeat_age_ns(), 0);
}

#[test]
fn without_a_writer_the_feeds_are_down() {
    let dir = temp_dir();
    let writer = tiny::writer(dir.path());
    let reader = tiny::reader(dir.path());
    assert_eq!(reader.feed_state(), FeedState::Connecting);
    writer.set_live();
    writer.set_feed_state(FeedState::Live);
    writer.heartbeat(None);
    assert_eq!(reader.feed_state(), FeedState::Live);
    writer.set_stopped();
    assert_eq!(reader.feed_state(), FeedState::Down);
}

#[test]
fn a_feed_state_lasts_since_it_began() {
    let dir = temp_dir();
    let writer = tiny::writer(dir.path());
    let since = || writer.region().header().owner(Owner::FeedSinceNs);
    let before = since();
    writer.set_feed_state(FeedState::Connecting);
    assert_eq!(since(), before, "nothing new");
    writer.set_feed_state(FeedState::Syncing);
    assert!(since() > before);
}

#[test]
fn slots_never_go_back() {
    let dir = temp_dir();
    let writer = tiny::writer(dir.path());
    for (slot, shown) in [(5, 5), (7, 7), (6, 7), (7, 7), (8, 8)] {
        writer.set_slot(slot);
        assert_eq!(writer.region().slot(), shown);
    }
}

#[test]
fn an_account_is_as_fresh_as_the_last_heartbeat_of_a_live_feed_that_follows_it() {
    let dir = temp_dir();
    let mut writer = tiny::writer(dir.path());
    writer.apply(&tiny::user(0, 1, &[1; 40]));
    let account = tiny::find(writer.region(), Kind::User, 0).unwrap();
    let vouched = |writer: &driftshm_layout::RegionWriter, received| {
        writer.region().vouched_ns(&account, received)
    };
    assert_eq!(vouched(&writer, 7), 7, "no feed has been live");
    writer.heartbeat(Some(clock::monotonic_ns()));
    let live = writer.region().header().pulse(Pulse::LiveNs);
    assert_eq!(vouched(&writer, 7), live);
    assert_eq!(vouched(&writer, live + 5), live + 5, "received since");
    writer.heartbeat(None);
    assert_eq!(vouched(&writer, 7), live, "the feed is not live");
    writer.heartbeat(Some(live + 1));
    assert_eq!(vouched(&writer, 7), live + 1, "as far as it is known, not as of now");

    writer.set_followed(&account, false);
    let unfollowed = clock::monotonic_ns();
    writer.heartbeat(Some(clock::monotonic_ns()));
    assert!(writer.region().header().pulse(Pulse::LiveNs) >= unfollowed);
    assert!((live..=unfollowed).contains(&vouched(&writer, 7)), "nobody vouches for it any more");
    writer.set_followed(&account, true);
    assert!(vouched(&writer, 7) >= unfollowed);
}
