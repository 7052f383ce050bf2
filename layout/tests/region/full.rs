//! Sections that are full, records that change hands.

use driftshm_layout::profile::Kind;
use driftshm_layout::record::{Presence, Unread};
use driftshm_layout::{Applied, Counter};

use crate::support::{temp_dir, tiny};

const DATA: [u8; 40] = [7; 40];

#[test]
fn a_full_section_counts_what_it_refuses_and_overwrites_nothing() {
    let dir = temp_dir();
    let mut writer = tiny::writer(dir.path());
    let reader = tiny::reader(dir.path());
    let room = writer.geometry().section(Kind::User).capacity as u8;
    for number in 0..room {
        writer.apply(&tiny::user(number, 1, &[number; 40]));
    }
    for number in room..room + 3 {
        assert_eq!(writer.apply(&tiny::user(number, 99, &DATA)), Applied::SectionFull);
        assert_eq!(tiny::find(&reader, Kind::User, number), None);
    }
    assert_eq!(reader.header().counter(Counter::SectionFull), 3);
    assert_eq!(reader.header().counter(Counter::Reclaimed), 0);
    for number in 0..room {
        assert_eq!(tiny::data(&reader, Kind::User, number), Some(vec![number; 40]));
        // Those that are there still change, and other sections are not full.
        tiny::version_of(writer.apply(&tiny::user(number, 2, &DATA)));
    }
    tiny::version_of(writer.apply(&tiny::update(Kind::UserStats, 0, 1, &DATA)));
}

#[test]
fn a_market_index_without_a_place_is_refused() {
    let dir = temp_dir();
    let mut writer = tiny::writer(dir.path());
    for index in [4, 5, u16::MAX] {
        let mut update = tiny::update(Kind::PerpMarket, 9, 1, &DATA);
        update.index = Some(index);
        assert_eq!(writer.apply(&update), Applied::SectionFull);
    }
    assert_eq!(writer.region().accounts(Kind::PerpMarket).count(), 0);
    tiny::version_of(writer.apply(&tiny::update(Kind::PerpMarket, 3, 1, &DATA)));
    assert_eq!(writer.region().accounts(Kind::PerpMarket).count(), 1);
}

#[test]
fn the_account_that_nobody_follows_the_longest_gives_its_record() {
    let dir = temp_dir();
    let mut writer = tiny::writer(dir.path());
    let reader = tiny::reader(dir.path());
    for number in 0..4 {
        writer.apply(&tiny::user(number, 1, &[number; 40]));
    }
    let held: Vec<_> =
        (0..4).map(|number| tiny::find(&reader, Kind::User, number).unwrap()).collect();
    for number in [2, 0, 3] {
        writer.set_followed(&held[number], false);
        assert!(!reader.is_followed(&held[number]));
    }
    // Followed again: not to be reclaimed, though it was the first to go.
    writer.set_followed(&held[2], true);

    for (newcomer, goes, stays) in [(10, 0, 3), (11, 3, 2)] {
        let Applied::Published { record, .. } = writer.apply(&tiny::user(newcomer, 1, &DATA))
        else {
            panic!("no room for {newcomer}")
        };
        assert_eq!(record, held[goes].number);
        assert_eq!(reader.snapshot(&held[goes]), Err(Unread::Gone));
        assert_eq!(reader.presence(&held[goes]), Presence::Gone);
        assert_eq!(reader.pubkey(&held[goes]), None);
        assert_eq!(tiny::find(&reader, Kind::User, goes as u8), None);
        assert_eq!(reader.snapshot(&held[stays]).unwrap().data, [stays as u8; 40]);
        let now = tiny::find(&reader, Kind::User, newcomer).unwrap();
        assert_eq!((now.number, now.epoch), (held[goes].number, held[goes].epoch + 2));
        assert!(reader.is_followed(&now));
        assert_eq!(reader.snapshot(&now).unwrap().data, DATA);
        // Versions go on, so that a (record, version) pair never means two things.
        assert_eq!(reader.version(&now), 2);
    }
    assert_eq!(writer.apply(&tiny::user(12, 1, &DATA)), Applied::SectionFull);
    assert_eq!(reader.header().counter(Counter::Reclaimed), 2);
}

#[test]
fn a_reclaimed_account_comes_back_as_a_new_one() {
    let dir = temp_dir();
    let mut writer = tiny::writer(dir.path());
    let reader = tiny::reader(dir.path());
    for number in 0..4 {
        writer.apply(&tiny::user(number, 100, &DATA));
    }
    let first = tiny::find(&reader, Kind::User, 0).unwrap();
    for round in 0..50 {
        for number in 0..5 {
            for other in 0..5 {
                if let Some(account) = tiny::find(&reader, Kind::User, other) {
                    writer.set_followed(&account, other == number);
                }
            }
            // The slot is that of the others each time: nothing is remembered of who is gone.
            let data = [round; 40];
            let applied = writer.apply(&tiny::user(number, 100, &data));
            assert!(matches!(applied, Applied::Published { .. }), "{applied:?}");
            assert_eq!(tiny::data(&reader, Kind::User, number), Some(data.to_vec()));
        }
    }
    assert_eq!(reader.meta(&first), Err(Unread::Gone));
    assert_eq!(reader.accounts(Kind::User).count(), 4);
}

#[test]
fn what_is_unfollowed_is_reclaimed_in_the_same_order_by_the_next_writer() {
    let dir = temp_dir();
    let mut writer = tiny::writer(dir.path());
    for number in 0..4 {
        writer.apply(&tiny::user(number, 1, &DATA));
    }
    for number in [3, 1] {
        let account = tiny::find(writer.region(), Kind::User, number).unwrap();
        writer.set_followed(&account, false);
    }
    drop(writer);
    let mut writer = tiny::writer(dir.path());
    for (newcomer, goes) in [(10, 3), (11, 1)] {
        tiny::version_of(writer.apply(&tiny::user(newcomer, 1, &DATA)));
        assert_eq!(tiny::find(writer.region(), Kind::User, goes), None);
    }
    assert_eq!(writer.apply(&tiny::user(12, 1, &DATA)), Applied::SectionFull);
}

#[test]
fn a_market_index_that_another_account_takes_is_that_accounts() {
    let dir = temp_dir();
    let mut writer = tiny::writer(dir.path());
    let reader = tiny::reader(dir.path());
    writer.apply(&tiny::update(Kind::SpotMarket, 1, 1, &DATA));
    let old = reader.at(Kind::SpotMarket, 1).unwrap();
    let mut other = tiny::update(Kind::SpotMarket, 8, 1, &[9; 24]);
    other.index = Some(1);
    tiny::version_of(writer.apply(&other));
    assert_eq!(reader.meta(&old), Err(Unread::Gone));
    assert_eq!(tiny::find(&reader, Kind::SpotMarket, 1), None);
    let now = reader.at(Kind::SpotMarket, 1).unwrap();
    assert_eq!(reader.pubkey(&now), Some(other.pubkey));
    assert_eq!(reader.snapshot(&now).unwrap().data, [9; 24]);
}

#[test]
fn an_older_account_does_not_take_a_market_index_from_a_newer_one() {
    let dir = temp_dir();
    let mut writer = tiny::writer(dir.path());
    let reader = tiny::reader(dir.path());
    writer.apply(&tiny::update(Kind::SpotMarket, 1, 10, &DATA[..24]));
    let mut older = tiny::update(Kind::SpotMarket, 8, 9, &[9; 24]);
    older.index = Some(1);
    assert!(!writer.is_news(Kind::SpotMarket, &older.pubkey, older.index, &older.stamp));
    assert_eq!(writer.apply(&older), Applied::Stale);
    assert_eq!(tiny::data(&reader, Kind::SpotMarket, 1), Some(DATA[..24].to_vec()));
    // Nor if the newer one has been closed since.
    let mut closed = tiny::update(Kind::SpotMarket, 1, 11, &[]);
    closed.closed = true;
    tiny::version_of(writer.apply(&closed));
    older.stamp.slot = 10;
    assert!(!writer.is_news(Kind::SpotMarket, &older.pubkey, older.index, &older.stamp));
    assert_eq!(writer.apply(&older), Applied::Stale);
    older.stamp.slot = 12;
    tiny::version_of(writer.apply(&older));
    assert_eq!(reader.find(&older.pubkey), reader.at(Kind::SpotMarket, 1));
}

#[test]
fn an_account_for_which_there_is_no_room_stays_where_it_was() {
    let dir = temp_dir();
    let mut writer = tiny::writer(dir.path());
    let reader = tiny::reader(dir.path());
    for number in 0..4 {
        writer.apply(&tiny::user(number, 1, &DATA));
    }
    let stats = tiny::update(Kind::UserStats, 0, 1, &DATA[..16]);
    tiny::version_of(writer.apply(&stats));
    let mut moved = tiny::update(Kind::User, 0, 2, &DATA);
    moved.pubkey = stats.pubkey;
    assert_eq!(writer.apply(&moved), Applied::SectionFull);
    assert_eq!(tiny::data(&reader, Kind::UserStats, 0), Some(DATA[..16].to_vec()));

    let market = tiny::update(Kind::SpotMarket, 1, 1, &DATA[..24]);
    tiny::version_of(writer.apply(&market));
    let mut moved = tiny::update(Kind::SpotMarket, 1, 2, &DATA[..24]);
    moved.index = Some(99);
    assert_eq!(writer.apply(&moved), Applied::SectionFull);
    assert_eq!(tiny::data(&reader, Kind::SpotMarket, 1), Some(DATA[..24].to_vec()));
}

#[test]
fn an_account_that_changes_its_kind_leaves_its_record_to_others() {
    let dir = temp_dir();
    let mut writer = tiny::writer(dir.path());
    let reader = tiny::reader(dir.path());
    for round in 0..20 {
        let kind = if round % 2 == 0 { Kind::User } else { Kind::UserStats };
        let mut update = tiny::update(kind, 0, round + 1, &DATA);
        update.pubkey = tiny::key(77);
        tiny::version_of(writer.apply(&update));
        assert_eq!(reader.find(&update.pubkey).unwrap().kind, kind);
        let counts = [Kind::User, Kind::UserStats].map(|kind| reader.accounts(kind).count());
        assert_eq!(counts.iter().sum::<usize>(), 1);
    }
    for number in 0..4 {
        tiny::version_of(writer.apply(&tiny::user(number, 1, &DATA)));
    }
}
