//! A record by itself, without a writer or reader beside it.

use super::*;

const SHAPE: Shape = Shape { extra_words: 2, payload_words: 4 };
const ALICE: Pubkey = Pubkey([0xaa; 32]);
const BOB: Pubkey = Pubkey([0xbb; 32]);

fn record() -> Vec<Word> {
    (0..SHAPE.stride()).map(|_| Word::new(0)).collect()
}

fn with(data: &[u8]) -> (Vec<Word>, u64) {
    let record = record();
    let epoch = rename(&record, SHAPE, &ALICE);
    publish(&record, SHAPE, &Version { data, ..Version::default() });
    (record, epoch)
}

#[test]
fn buffers_are_whole_cache_lines() {
    for (extra_words, payload_words, words) in [(0, 0, 8), (0, 1, 16), (2, 4, 16), (3, 6, 24)] {
        let shape = Shape { extra_words, payload_words };
        assert_eq!(shape.buffer_words(), words);
        assert_eq!(shape.stride(), 8 + 2 * words);
    }
}

#[test]
fn an_unused_record_is_nobodys() {
    let record = record();
    assert_eq!(identity(&record), None);
    assert_eq!(version(&record), 0);
    assert_eq!(seen(&record, SHAPE), None);
    assert_eq!(read(&record, SHAPE, 2, |_| ()), Err(Unread::Gone));
    assert_eq!(read(&record, SHAPE, 0, |_| ()), Err(Unread::Empty));
}

#[test]
fn a_slice_that_is_no_record_is_empty() {
    for words in [&[][..], &record()[..7], &record()[..20]] {
        assert_eq!(read(words, SHAPE, 0, |_| ()), Err(Unread::Empty));
        assert_eq!(presence(words, 0), Presence::Empty);
        assert_eq!(peek::<1>(words, SHAPE, 0, 0), None);
        assert_eq!(identity(words), None);
        assert_eq!(publish(words, SHAPE, &Version::default()), 0);
        rename(words, SHAPE, &ALICE);
        set_seen(words, SHAPE, 1, 1, 1);
    }
}

#[test]
fn numbers_are_read_at_any_offset() {
    let data: Vec<u8> = (1..=29).collect();
    let (record, epoch) = with(&data);
    for offset in 0..40 {
        let mut expected = [0; 8];
        for (to, from) in expected.iter_mut().zip(data.iter().skip(offset)) {
            *to = *from;
        }
        let found = read(&record, SHAPE, epoch, |buffer| buffer.payload_u64(offset));
        assert_eq!(found, Ok(u64::from_le_bytes(expected)), "at {offset}");
    }
}

#[test]
fn a_single_look_gives_what_a_read_does_where_all_is_as_usual() {
    let data: Vec<u8> = (1..=29).collect();
    let (record, epoch) = with(&data);
    for version in 1..=3 {
        for offset in 0..32 {
            let place = offset / 8;
            let found = read(&record, SHAPE, epoch, |b| [b.payload(place), b.payload(place + 1)]);
            let [low, high] = found.unwrap();
            assert_eq!(peek(&record, SHAPE, epoch, offset), Some([low]), "version {version}");
            let both = (offset < 24).then_some([low, high]);
            assert_eq!(peek(&record, SHAPE, epoch, offset), both, "not behind the account's room");
        }
        assert_eq!(peek::<1>(&record, SHAPE, epoch, 32), None);
        assert_eq!(peek::<1>(&record, SHAPE, epoch, usize::MAX), None);
        publish(&record, SHAPE, &Version { data: &[version; 32], ..Version::default() });
    }
}

#[test]
fn a_single_look_gives_nothing_where_fields_cannot_be_read() {
    let record = record();
    assert_eq!(peek::<1>(&record, SHAPE, 0, 0), None, "an unused one");
    let epoch = rename(&record, SHAPE, &ALICE);
    assert_eq!(peek::<1>(&record, SHAPE, epoch, 0), None, "nothing was published");
    for (closed, layout_mismatch) in [(true, false), (false, true)] {
        for _ in 0..2 {
            let update = Version { data: &[1; 8], closed, layout_mismatch, ..Version::default() };
            publish(&record, SHAPE, &update);
            assert_eq!(peek::<1>(&record, SHAPE, epoch, 0), None);
            publish(&record, SHAPE, &Version { closed: false, layout_mismatch: false, ..update });
            assert_eq!(peek(&record, SHAPE, epoch, 0), Some([u64::from_le_bytes([1; 8])]));
            publish(&record, SHAPE, &Version { data: &[1; 8], ..Version::default() });
        }
    }
    let bobs = rename(&record, SHAPE, &BOB);
    assert_eq!(peek::<1>(&record, SHAPE, epoch, 0), None, "another's");
    assert_eq!(peek::<1>(&record, SHAPE, bobs, 0), None, "nothing was published for Bob");
}

#[test]
fn bytes_are_compared_and_copied_up_to_the_last() {
    let data: Vec<u8> = (1..=29).collect();
    let (record, epoch) = with(&data);
    for len in 0..=29 {
        let equal = |data: &[u8]| read(&record, SHAPE, epoch, |b| b.payload_equals(data));
        assert_eq!(equal(&data[..len]), Ok(true));
        let mut copy = vec![0xff; len];
        let out = std::cell::RefCell::new(&mut copy);
        read(&record, SHAPE, epoch, |b| b.copy_payload(&mut out.borrow_mut())).unwrap();
        assert_eq!(copy, data[..len]);
        if let Some(last) = copy.last_mut() {
            *last ^= 0x80;
            assert_eq!(equal(&copy), Ok(false));
        }
    }
    let longer = [1; 100];
    assert_eq!(read(&record, SHAPE, epoch, |b| b.payload_equals(&longer)), Ok(false));
}

#[test]
fn flags_are_those_of_the_version_though_buffers_share_a_word() {
    let (record, epoch) = with(&[]);
    let said = || read(&record, SHAPE, epoch, |b| b.meta()).unwrap();
    for (closed, layout_mismatch) in [(true, false), (false, true), (false, false), (true, true)] {
        for data in [&[1; 8][..], &[1; 33][..]] {
            let update = Version { data, closed, layout_mismatch, ..Version::default() };
            publish(&record, SHAPE, &update);
            let meta = said();
            assert_eq!((meta.closed, meta.layout_mismatch), (closed, layout_mismatch));
            assert_eq!((meta.truncated, meta.data_len as usize), (data.len() > 32, data.len()));
        }
    }
}

#[test]
fn what_was_seen_last_is_not_part_of_the_version() {
    let (record, epoch) = with(&[1]);
    set_seen(&record, SHAPE, 7, 8, 9);
    assert_eq!(seen(&record, SHAPE), Some((7, 8, 9)));
    let meta = read(&record, SHAPE, epoch, |b| b.meta()).unwrap();
    assert_eq!((meta.slot, meta.write_version, meta.source), (0, 0, 0));
    publish(&record, SHAPE, &Version { slot: 10, source: 1, ..Version::default() });
    assert_eq!(seen(&record, SHAPE), Some((10, 0, 1)));
}

#[test]
fn a_renamed_record_is_empty_for_the_new_owner_and_gone_for_the_old() {
    let (record, alices) = with(&[1; 32]);
    set_unfollowed_ns(&record, 5);
    let bobs = rename(&record, SHAPE, &BOB);
    assert_eq!((alices, bobs), (2, 4));
    assert_eq!(identity(&record), Some((bobs, BOB)));
    assert_eq!(read(&record, SHAPE, alices, |_| ()), Err(Unread::Gone));
    assert_eq!(read(&record, SHAPE, bobs, |_| ()), Err(Unread::Empty));
    assert_eq!(
        (presence(&record, alices), presence(&record, bobs)),
        (Presence::Gone, Presence::Empty)
    );
    assert_eq!((unfollowed_ns(&record), seen(&record, SHAPE)), (0, None));
    assert_eq!(publish(&record, SHAPE, &Version::default()), 2);
    let zero = read(&record, SHAPE, bobs, |b| (0..4).all(|i| b.payload(i) == 0));
    assert_eq!(zero, Ok(true), "nothing of Alice's shines through");
}

#[test]
fn a_released_record_is_nobodys_until_it_is_renamed() {
    let (record, epoch) = with(&[1]);
    assert_eq!((release(&record), release(&record)), (epoch + 1, epoch + 1));
    assert_eq!(identity(&record), None);
    assert_eq!(presence(&record, epoch), Presence::Gone);
    assert_eq!(rename(&record, SHAPE, &BOB), epoch + 2);
}

#[test]
fn a_version_whose_writer_died_leaves_nothing_behind_the_next_ones_end() {
    let (record, epoch) = with(&[1; 32]);
    publish(&record, SHAPE, &Version { data: &[2; 32], ..Version::default() });
    // Version 3 was begun: its length is there, the old version's payload still is.
    record[SEQUENCE].store(5, Ordering::Relaxed);
    record[SHAPE.buffer_start(3) + META_LEN_AND_SOURCE].store(8, Ordering::Relaxed);
    assert_eq!(version(&record), 2);
    assert_eq!(publish(&record, SHAPE, &Version { data: &[3; 8], ..Version::default() }), 3);
    let tail = read(&record, SHAPE, epoch, |b| [b.payload(1), b.payload(2), b.payload(3)]);
    assert_eq!(tail, Ok([0; 3]));
}

#[test]
fn the_copy_of_a_version_ends_where_the_account_does() {
    for len in [0, 1, 8, 9, 32, 40] {
        let (record, epoch) = with(&[7; 40][..len]);
        let copy = read(&record, SHAPE, epoch, |b| b.copy_words()).unwrap();
        assert_eq!(copy.len(), META_WORDS + 2 + len.div_ceil(8).min(4));
        assert!(len < 8 || copy[META_WORDS + 2] == u64::from_le_bytes([7; 8]));
    }
}
