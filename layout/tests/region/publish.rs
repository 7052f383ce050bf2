//! What is published is what is read, byte for byte, at every length.

use driftshm_layout::profile::Kind;
use driftshm_layout::record::{Presence, Unread};
use driftshm_layout::{Applied, Counter, OraclePrice, Stamp};

use crate::support::temp_dir;
use crate::support::tiny::{self, HEADROOM, PERP_LEN, USER_LEN};

fn bytes(len: usize, seed: u8) -> Vec<u8> {
    (0..len).map(|i| (i as u8).wrapping_mul(31).wrapping_add(seed) | 1).collect()
}

#[test]
fn every_length_comes_back_byte_for_byte() {
    let dir = temp_dir();
    let mut writer = tiny::writer(dir.path());
    let reader = tiny::reader(dir.path());
    let full = USER_LEN + HEADROOM;
    let lengths = [0, 1, 7, 8, 9, USER_LEN, USER_LEN + 64, full - 1, full, full + 1, full + 900];
    // Every length after every other: what was there before must not shine through.
    let mut slot = 0;
    for first in lengths {
        for len in [first, full, 3].into_iter().chain(lengths) {
            slot += 1;
            let data = bytes(len, slot as u8);
            let version = tiny::version_of(writer.apply(&tiny::user(0, slot, &data)));
            let account = tiny::find(&reader, Kind::User, 0).unwrap();
            let snapshot = reader.snapshot(&account).unwrap();
            assert_eq!(snapshot.meta.data_len as usize, len);
            assert_eq!(snapshot.meta.truncated, len > full);
            assert_eq!(snapshot.data, data[..len.min(full)]);
            assert_eq!((snapshot.meta.version, snapshot.meta.slot), (version, slot));
            let tail = reader.read(&account, |buffer| {
                (len.div_ceil(8)..full / 8).all(|index| buffer.payload(index) == 0)
            });
            assert_eq!(tail, Ok(true), "something behind the end of {len} bytes");
        }
    }
    let truncated = reader.header().counter(Counter::Truncated);
    assert!(
        truncated > 0 && reader.counters().any(|(name, n)| name == "truncated" && n == truncated)
    );
}

#[test]
fn a_truncated_account_is_published_again_since_its_tail_may_differ() {
    let dir = temp_dir();
    let mut writer = tiny::writer(dir.path());
    let data = bytes(USER_LEN + HEADROOM + 1, 1);
    assert_eq!(tiny::version_of(writer.apply(&tiny::user(0, 1, &data))), 1);
    assert_eq!(tiny::version_of(writer.apply(&tiny::user(0, 2, &data))), 2);
}

#[test]
fn what_a_version_says_of_itself_comes_back() {
    let dir = temp_dir();
    let mut writer = tiny::writer(dir.path());
    let reader = tiny::reader(dir.path());
    let data = bytes(PERP_LEN, 0);
    let mut update = tiny::update(Kind::PerpMarket, 3, 77, &data);
    update.stamp = Stamp { slot: 77, write_version: u64::MAX - 1, source: 200 };
    update.received_ns = 123_456;
    update.lamports = u64::MAX;
    let extra = [9, 8, 7];
    update.extra = &extra;
    let Applied::Published { record, version: 1 } = writer.apply(&update) else { panic!() };

    let account = reader.at(Kind::PerpMarket, 3).unwrap();
    assert_eq!((account.number, account.place), (record, 3));
    assert_eq!(reader.find(&update.pubkey), Some(account));
    assert_eq!(reader.record(record), Some(account));
    assert_eq!(reader.pubkey(&account), Some(update.pubkey));
    let meta = reader.meta(&account).unwrap();
    assert_eq!((meta.slot, meta.write_version, meta.source), (77, u64::MAX - 1, 200));
    assert_eq!((meta.received_ns, meta.lamports), (123_456, u64::MAX));
    assert!(meta.publish_ns > 0 && !meta.closed && !meta.layout_mismatch && !meta.truncated);
    let words = reader.read(&account, |b| [b.extra(0), b.extra(1), b.extra(2), b.extra(3)]);
    assert_eq!(words, Ok([9, 8, 7, 0]));
    for other in 0..3 {
        assert_eq!(reader.at(Kind::PerpMarket, other), None);
    }
}

#[test]
fn an_account_of_another_layout_is_bytes_only() {
    let dir = temp_dir();
    let mut writer = tiny::writer(dir.path());
    let reader = tiny::reader(dir.path());
    let short = bytes(USER_LEN - 1, 0);
    let mut update = tiny::user(0, 1, &short);
    update.layout_mismatch = true;
    writer.apply(&update);
    let account = tiny::find(&reader, Kind::User, 0).unwrap();
    assert!(reader.meta(&account).unwrap().layout_mismatch);
    assert_eq!(reader.read(&account, |buffer| buffer.unreadable()), Ok(true));
    assert_eq!(reader.snapshot(&account).unwrap().data, short);
    assert_eq!(reader.presence(&account), Presence::Here);

    let whole = bytes(USER_LEN, 0);
    writer.apply(&tiny::user(0, 2, &whole));
    assert_eq!(reader.read(&account, |buffer| buffer.unreadable()), Ok(false));
    assert!(!reader.meta(&account).unwrap().layout_mismatch);
    assert_eq!(reader.header().counter(Counter::LayoutMismatch), 1);
}

#[test]
fn a_closed_account_stays_visible_as_closed_until_it_is_opened_again() {
    let dir = temp_dir();
    let mut writer = tiny::writer(dir.path());
    let reader = tiny::reader(dir.path());
    let data = bytes(USER_LEN, 0);
    writer.apply(&tiny::user(0, 10, &data));
    let account = tiny::find(&reader, Kind::User, 0).unwrap();
    assert_eq!(tiny::version_of(writer.apply(&tiny::closed_user(0, 12))), 2);
    assert_eq!(reader.presence(&account), Presence::Closed);
    let snapshot = reader.snapshot(&account).unwrap();
    assert!(snapshot.meta.closed && snapshot.data.is_empty());

    // Neither an older update raises it nor, from the same slot, one of a lesser source.
    let mut older = tiny::user(0, 11, &data);
    assert_eq!(writer.apply(&older), Applied::Stale);
    older.stamp = Stamp { slot: 12, write_version: 5, source: 0 };
    assert_eq!(writer.apply(&older), Applied::Stale);
    assert_eq!(reader.presence(&account), Presence::Closed);
    assert_eq!(writer.apply(&tiny::closed_user(0, 13)), Applied::Absorbed);
    assert_eq!(writer.apply(&tiny::user(0, 12, &data)), Applied::Stale);

    assert_eq!(tiny::version_of(writer.apply(&tiny::user(0, 14, &data))), 3);
    assert_eq!(reader.presence(&account), Presence::Here);
    assert_eq!(reader.snapshot(&account).unwrap().data, data);
}

#[test]
fn a_record_without_a_version_is_empty() {
    let dir = temp_dir();
    let mut writer = tiny::writer(dir.path());
    let account = writer.reserve(Kind::User, &tiny::key(9), None).unwrap();
    let reader = tiny::reader(dir.path());
    assert_eq!(reader.find(&tiny::key(9)), Some(account));
    assert_eq!(reader.meta(&account), Err(Unread::Empty));
    assert_eq!(reader.snapshot(&account), Err(Unread::Empty));
    assert_eq!(reader.presence(&account), Presence::Empty);
}

#[test]
fn extra_words_are_part_of_what_changes() {
    let dir = temp_dir();
    let mut writer = tiny::writer(dir.path());
    let reader = tiny::reader(dir.path());
    let price = |source, price| OraclePrice {
        source,
        valid: true,
        price,
        confidence: 1,
        published_slot: 2,
        has_sufficient_number_of_data_points: true,
    };
    let both = [price(1, -10).to_words(), price(2, 20).to_words()].concat();
    let data = bytes(24, 0);
    let with = |slot, extra| {
        let mut update = tiny::update(Kind::Oracle, 0, slot, &data);
        update.extra = extra;
        update
    };
    assert_eq!(tiny::version_of(writer.apply(&with(1, &both))), 1);
    assert_eq!(writer.apply(&with(2, &both)), Applied::Absorbed);
    let oracle = tiny::find(&reader, Kind::Oracle, 0).unwrap();
    assert_eq!(reader.oracle_price(&oracle, 2).unwrap().0, price(2, 20));

    // One source less: the other's price must go.
    assert_eq!(tiny::version_of(writer.apply(&with(3, &both[..4]))), 2);
    assert_eq!(reader.oracle_price(&oracle, 1).unwrap().0, price(1, -10));
    assert_eq!(reader.oracle_price(&oracle, 2), None);
}

#[test]
fn every_publish_has_its_journal_entry_and_nothing_else_has() {
    use driftshm_layout::journal::Next;
    let dir = temp_dir();
    let mut writer = tiny::writer(dir.path());
    let reader = tiny::reader(dir.path());
    let data = bytes(USER_LEN, 0);
    writer.apply(&tiny::user(1, 5, &data));
    writer.apply(&tiny::user(1, 6, &data)); // absorbed
    writer.apply(&tiny::user(1, 4, &data)); // stale
    writer.apply(&tiny::closed_user(1, 7));
    let account = tiny::find(&reader, Kind::User, 1).unwrap();
    let entries: Vec<_> = (0..3).map(|cursor| reader.journal(cursor)).collect();
    let [Next::Entry(first), Next::Entry(second), Next::Empty] = entries[..] else {
        panic!("{entries:?}")
    };
    assert_eq!((first.record, first.version(2), first.slot), (account.number, 1, 5));
    assert_eq!((second.record, second.version(2), second.slot), (account.number, 2, 7));
    assert!(first.is_of(account.epoch) && second.is_of(account.epoch));
    assert_eq!(second.publish_ns, reader.meta(&account).unwrap().publish_ns);
    for (counter, count) in
        [(Counter::Published, 2), (Counter::Absorbed, 1), (Counter::Stale, 1), (Counter::Closed, 1)]
    {
        assert_eq!(reader.header().counter(counter), count, "{counter:?}");
    }
}
