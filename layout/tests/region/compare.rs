//! What is newer: whatever the order in which feeds bring updates, the newest stays.

use driftshm_layout::profile::Kind;
use driftshm_layout::{AccountUpdate, Applied, Stamp};

use crate::support::rng::Rng;
use crate::support::{temp_dir, tiny};

const DATA: [u8; 40] = [1; 40];
const OTHER: [u8; 40] = [2; 40];

fn stamped(slot: u64, write_version: u64, source: u8, data: &[u8]) -> AccountUpdate<'_> {
    AccountUpdate { stamp: Stamp { slot, write_version, source }, ..tiny::user(0, 0, data) }
}

#[test]
fn updates_are_published_absorbed_or_stale() {
    let dir = temp_dir();
    let mut writer = tiny::writer(dir.path());
    let mut apply = |slot, write_version, source, data: &[u8]| match writer.apply(&stamped(
        slot,
        write_version,
        source,
        data,
    )) {
        Applied::Published { version, .. } => format!("published {version}"),
        other => format!("{other:?}").to_lowercase(),
    };
    assert_eq!(apply(10, 5, 1, &DATA), "published 1");
    assert_eq!(apply(10, 5, 1, &DATA), "stale", "the same once more");
    assert_eq!(apply(10, 4, 1, &OTHER), "stale", "an older write version");
    assert_eq!(apply(9, 99, 9, &OTHER), "stale", "an older slot");
    assert_eq!(apply(10, 6, 1, &DATA), "absorbed", "newer with the same bytes");
    assert_eq!(apply(10, 5, 1, &OTHER), "stale", "older than what was absorbed");
    assert_eq!(apply(10, 1, 2, &OTHER), "published 2", "a source of higher rank");
    assert_eq!(apply(10, 99, 1, &DATA), "stale", "a source of lower rank");
    assert_eq!(apply(11, 0, 0, &OTHER), "absorbed", "a newer slot");
    assert_eq!(apply(11, 0, 0, &DATA), "published 3", "without write versions the last");
}

#[test]
fn a_change_of_balance_or_of_layout_is_a_change() {
    let dir = temp_dir();
    let mut writer = tiny::writer(dir.path());
    let mut update = stamped(1, 0, 1, &DATA);
    tiny::version_of(writer.apply(&update));
    update.lamports += 1;
    assert_eq!(tiny::version_of(writer.apply(&update)), 2);
    update.layout_mismatch = true;
    assert_eq!(tiny::version_of(writer.apply(&update)), 3);
    update.received_ns += 1;
    assert_eq!(writer.apply(&update), Applied::Absorbed);
}

/// An update as the models see it: what it is, and when it came.
#[derive(Clone, Copy, Debug)]
struct Arrival {
    stamp: Stamp,
    content: u8,
    turn: u64,
}

/// Two feeds with write versions, and snapshots without.
const SNAPSHOT: u8 = 1;
const FEEDS: [u8; 2] = [2, 3];

impl Arrival {
    /// In one of four slots from `base` on, with one of three contents.
    fn random(rng: &mut Rng, base: u64, turn: u64) -> Self {
        let source = [SNAPSHOT, FEEDS[0], FEEDS[1]][rng.below(3)];
        let write_version = if source == SNAPSHOT { 0 } else { 1 + rng.below(4) as u64 };
        let slot = base + rng.below(4) as u64;
        let stamp = Stamp { slot, write_version, source };
        Self { stamp, content: rng.below(3) as u8, turn }
    }

    /// What the reference model goes by: the greater stays. Snapshots of one slot, which nothing
    /// else tells apart, by their arrival.
    fn rank(&self) -> (u64, u8, u64, u64) {
        let Stamp { slot, write_version, source } = self.stamp;
        let arrival = if write_version == 0 { self.turn } else { 0 };
        (slot, source, write_version, arrival)
    }
}

/// The reference: keeps everything that ever came, and sorts it. Of equals the first stays.
fn newest(arrivals: &[Arrival]) -> Option<Arrival> {
    let mut sorted = arrivals.to_vec();
    sorted.sort_by_key(|arrival| (arrival.rank(), std::cmp::Reverse(arrival.turn)));
    sorted.pop()
}

#[test]
fn a_million_interleavings_of_feeds_end_as_the_reference_does() {
    // The comparator alone; the next test does the same through a region.
    let mut rng = Rng(0x5eed_0001);
    let mut arrivals = Vec::new();
    for interleaving in 0..1_000_000 {
        arrivals.clear();
        let mut kept: Option<Arrival> = None;
        for turn in 0..6 {
            let arrival = Arrival::random(&mut rng, 1, turn);
            arrivals.push(arrival);
            if kept.is_none_or(|kept| arrival.stamp.replaces(&kept.stamp)) {
                let back = kept.is_some_and(|kept| {
                    let (old, new) = (kept.stamp, arrival.stamp);
                    new.slot < old.slot
                        || (new.slot == old.slot && new.source == old.source)
                            && new.write_version < old.write_version
                });
                assert!(!back, "older after newer in {interleaving}: {arrivals:?}");
                kept = Some(arrival);
            }
        }
        let (kept, newest) = (kept.unwrap(), newest(&arrivals).unwrap());
        assert_eq!(kept.turn, newest.turn, "{interleaving}: {arrivals:?}");
    }
}

#[test]
fn a_region_ends_as_the_reference_does_whatever_the_order() {
    const USERS: usize = 3;
    // Content 0 is a closed account.
    let contents: [&[u8]; 3] = [&[], &DATA, &OTHER];
    let dir = temp_dir();
    let mut writer = tiny::writer(dir.path());
    let reader = tiny::reader(dir.path());
    let mut rng = Rng(0x5eed_0002);
    let mut newest_of: [Option<Arrival>; USERS] = [None; USERS];
    let mut versions = [0; USERS];
    let mut arrivals: [Vec<Arrival>; USERS] = Default::default();
    let mut turn = 0;
    for interleaving in 0..50_000 {
        for (arrivals, newest) in arrivals.iter_mut().zip(newest_of) {
            arrivals.clear();
            arrivals.extend(newest);
        }
        // Slots overlap with those of the interleaving before.
        let base = 1 + 2 * interleaving;
        for _ in 0..8 {
            turn += 1;
            let user = rng.below(USERS);
            let arrival = Arrival::random(&mut rng, base, turn);
            let before = newest_of[user];
            arrivals[user].push(arrival);
            newest_of[user] = newest(&arrivals[user]);

            let update = AccountUpdate {
                stamp: arrival.stamp,
                closed: arrival.content == 0,
                ..tiny::user(user as u8, 0, contents[usize::from(arrival.content)])
            };
            let applied = writer.apply(&update);
            let is_newest = newest_of[user].is_some_and(|newest| newest.turn == turn);
            let changes = before.is_none_or(|before| before.content != arrival.content);
            let expected = match (is_newest, changes) {
                (false, _) => Applied::Stale,
                (true, false) => Applied::Absorbed,
                (true, true) => {
                    versions[user] += 1;
                    let record = tiny::find(&reader, Kind::User, user as u8).unwrap().number;
                    Applied::Published { record, version: versions[user] }
                }
            };
            assert_eq!(applied, expected, "{interleaving}: {arrivals:?}");
        }
        for (user, newest) in newest_of.iter().enumerate() {
            let Some(newest) = newest else { continue };
            let account = tiny::find(&reader, Kind::User, user as u8).unwrap();
            let snapshot = reader.snapshot(&account).unwrap();
            assert_eq!(snapshot.data, contents[usize::from(newest.content)], "{interleaving}");
            assert_eq!(snapshot.meta.closed, newest.content == 0);
            assert_eq!(snapshot.meta.version, versions[user]);
        }
    }
}
