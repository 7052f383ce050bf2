//! Recordings as a whole: written, read, cut off, damaged.

use std::collections::VecDeque;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex};

use driftshm_layout::{FeedState, Pubkey};
use proptest::prelude::*;
use tempfile::NamedTempFile;

use super::*;
use crate::feeds::{AccountUpdate, Batch, FeedEvent};

fn update(number: u64, len: usize) -> AccountUpdate {
    AccountUpdate {
        pubkey: Pubkey([number as u8; 32]),
        owner: (number % 3 > 0).then_some(Pubkey([9; 32])),
        slot: number,
        write_version: number * 7,
        lamports: 1 + number % 2,
        data: (0..len).map(|at| (at as u64 * number) as u8).collect(),
        received_ns: 0,
        source: (number % 4) as u8,
    }
}

fn encoded(updates: &[AccountUpdate]) -> Vec<u8> {
    let mut out = Vec::new();
    updates.iter().zip(0..).for_each(|(update, time)| {
        assert!(item::put_account(&mut out, time, update, false));
    });
    out
}

/// A recording of these blocks.
fn recording(blocks: &[Vec<AccountUpdate>]) -> Vec<u8> {
    let mut writer = BlockWriter::new(Vec::new()).unwrap();
    for block in blocks {
        writer.push(&encoded(block), block.len() as u64).unwrap();
        writer.flush().unwrap();
    }
    assert_eq!(writer.written(), writer.into_inner().len() as u64);
    let mut writer = BlockWriter::new(Vec::new()).unwrap();
    for block in blocks {
        writer.push(&encoded(block), block.len() as u64).unwrap();
        writer.flush().unwrap();
    }
    writer.into_inner()
}

fn file(bytes: &[u8]) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    file
}

/// All that can be read, and what cannot.
fn read(bytes: &[u8]) -> Result<(Vec<AccountUpdate>, Vec<Damage>), RecordingError> {
    let file = file(bytes);
    let mut recording = Recording::open(file.path())?;
    let (mut updates, mut damage) = (Vec::new(), Vec::new());
    loop {
        match recording.read_next()?.0 {
            Next::Item(Item { said: Said::Account(update), .. }) => updates.push(update),
            Next::Item(_) => {}
            Next::Damage(found) => damage.push(found),
            Next::End => return Ok((updates, damage)),
        }
        assert!(damage.len() < 100 && updates.len() < 10_000, "it comes to an end");
    }
}

fn three_blocks() -> (Vec<Vec<AccountUpdate>>, Vec<u8>) {
    let blocks = [0..5, 5..6, 6..9];
    let blocks: Vec<Vec<_>> =
        blocks.map(|range| range.map(|n| update(n, 40 + n as usize)).collect()).to_vec();
    let bytes = recording(&blocks);
    (blocks, bytes)
}

/// Where blocks begin.
fn starts(bytes: &[u8]) -> Vec<usize> {
    (0..bytes.len() - 15).filter(|at| &bytes[at + 8..at + 16] == b"DRIFTBLK").collect()
}

#[test]
fn a_recording_is_zstd_and_begins_with_its_version() {
    let (blocks, bytes) = three_blocks();
    let plain = zstd::stream::decode_all(&bytes[..]).unwrap();
    let items = blocks.iter().map(|block| encoded(block).len()).sum::<usize>();
    assert_eq!(plain.len(), items + 3 * format::BLOCK_HEADER_LEN);
    assert_eq!(&bytes[..4], 0x184D_2A5D_u32.to_le_bytes());
    assert_eq!(&bytes[8..20], b"DRIFTREC\x01\0\0\0");
}

#[test]
fn the_pictures_in_the_documentation_are_those_of_the_code() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/recording-format.md");
    let page = std::fs::read_to_string(page).unwrap();
    for code in [include_str!("format.rs"), include_str!("item.rs")] {
        let pictures = code.split("//! ```text\n").skip(1);
        let pictures: Vec<_> = pictures.map(|rest| rest.split("//! ```").next().unwrap()).collect();
        assert_eq!(pictures.len(), 1);
        for line in pictures.concat().lines() {
            let line = line.strip_prefix("//!").unwrap();
            let line = line.strip_prefix(' ').unwrap_or(line);
            assert!(page.contains(&format!("{line}\n")), "not in the page: {line}");
        }
    }
}

#[test]
fn cut_off_anywhere_it_is_read_up_to_the_last_whole_block() {
    let (blocks, bytes) = three_blocks();
    let last = *starts(&bytes).last().unwrap();
    let whole = blocks[..2].concat();
    for len in last..bytes.len() {
        let (updates, damage) = read(&bytes[..len]).unwrap();
        assert_eq!(updates, whole, "{len}");
        let (offset, there) = (last as u64, (len - last) as u64);
        let expected = [Damage::CutOff { offset, bytes: there }];
        assert_eq!(damage, if len == last { &[][..] } else { &expected[..] }, "{len}");
    }
    assert_eq!(read(&bytes).unwrap(), (blocks.concat(), Vec::new()));
}

#[test]
fn a_flipped_bit_costs_its_block_and_no_other_and_is_said() {
    let (blocks, bytes) = three_blocks();
    let starts = starts(&bytes);
    let end = |block: usize| starts.get(block + 1).copied().unwrap_or(bytes.len());
    for block in 0..3 {
        for at in starts[block]..end(block) {
            let mut bad = bytes.clone();
            bad[at] ^= 1 << (at % 8);
            let (updates, damage) = read(&bad).unwrap();
            // Few bits mean nothing: those of the window's size.
            if updates == blocks.concat() && damage.is_empty() {
                continue;
            }
            let others =
                (0..3).filter(|other| *other != block).flat_map(|other| blocks[other].clone());
            assert_eq!(updates, others.collect::<Vec<_>>(), "byte {at}");
            let offset = starts[block] as u64;
            let said = |found: &Damage| match found {
                Damage::NoBlock { offset: at, .. }
                | Damage::Block { offset: at, .. }
                | Damage::CutOff { offset: at, .. } => *at == offset,
                Damage::Missing { .. } => false,
            };
            assert!(said(&damage[0]), "byte {at}: {damage:?}");
            let missing =
                Damage::Missing { offset: end(block) as u64, items: blocks[block].len() as u64 };
            assert_eq!(damage.get(1), (block < 2).then_some(&missing), "byte {at}");
        }
    }
}

#[test]
fn a_file_that_is_none_or_of_another_version_says_so() {
    let refused = |bytes: &[u8]| read(bytes).unwrap_err().to_string();
    assert!(refused(b"").contains("is not a recording of driftshm: it is empty"));
    assert!(refused(b"{\"pubkey\":\"x\"}").contains("something else"));
    let (_, bytes) = three_blocks();
    assert!(refused(&bytes[..10]).contains("something else"));
    let mut newer = bytes.clone();
    newer[16..24].copy_from_slice(&[2, 0, 0, 0, 253, 255, 255, 255]);
    assert!(refused(&newer).contains("format 2 at byte 0, this driftshm knows format 1"));
    let mut damaged = bytes;
    damaged[17] ^= 4;
    assert!(refused(&damaged).contains("its first bytes are damaged"));
    let missing = Recording::open(Path::new("/nonexistent/file"));
    assert!(matches!(missing, Err(RecordingError::Io { action: "open", .. })));
}

#[test]
fn a_session_that_is_appended_to_one_that_was_cut_off_is_read_too() {
    let (blocks, bytes) = three_blocks();
    let last = *starts(&bytes).last().unwrap();
    for len in last + 1..bytes.len() {
        let two = [&bytes[..len], &bytes[..]].concat();
        let (updates, damage) = read(&two).unwrap();
        assert_eq!(updates, [blocks[..2].concat(), blocks.concat()].concat(), "{len}");
        assert_eq!(damage.len(), 1, "{len}: {damage:?}");
    }
}

#[test]
fn a_recording_is_appended_to_and_nothing_else_is() {
    let (_, bytes) = three_blocks();
    let known = file(&bytes);
    let mut appended = append_to(known.path()).unwrap();
    appended.write_all(&bytes).unwrap();
    assert_eq!(std::fs::read(known.path()).unwrap(), [&bytes[..], &bytes[..]].concat());
    assert!(matches!(append_to(known.path()), Err(RecordingError::InUse { .. })));
    drop(appended);
    assert!(append_to(known.path()).is_ok());
    let other = file(b"precious");
    let refused = append_to(other.path()).unwrap_err().to_string();
    assert!(refused.contains("something else in it already"), "{refused}");
    assert_eq!(std::fs::read(other.path()).unwrap(), b"precious");
    assert!(append_to(Path::new("/dev/null")).is_err());
    assert!(append_to(Path::new("/")).is_err());
}

#[test]
fn an_item_that_was_read_can_be_read_again_by_its_position() {
    let (blocks, bytes) = three_blocks();
    let file = file(&bytes);
    let mut recording = Recording::open(file.path()).unwrap();
    let mut seen = Vec::new();
    while let (Next::Item(item), position) = recording.read_next().unwrap() {
        seen.push((item, position));
    }
    assert_eq!(seen.len(), blocks.concat().len());
    let mut cache = read::BlockCache::default();
    for (item, position) in seen.iter().chain(&seen) {
        assert_eq!(recording.reread(position, &mut cache).as_ref(), Some(item));
    }
    recording.rewind();
    assert!(matches!(recording.read_next().unwrap().0, Next::Item(item) if item == seen[0].0));
}

/// Where a recorder writes to in a test; `blocked` holds it up.
#[derive(Clone, Default)]
struct Disk {
    written: Arc<Mutex<Vec<u8>>>,
    blocked: Arc<Mutex<()>>,
}

impl Write for Disk {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let _free = self.blocked.lock().unwrap();
        self.written.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn options() -> RecorderOptions {
    let session = Session { cluster: "test".to_owned(), ..Session::default() };
    RecorderOptions { dir: "/nonexistent".into(), session }
}

fn batch(updates: Vec<AccountUpdate>, events: Vec<(u8, FeedEvent)>) -> Batch {
    Batch { updates, events, ..Batch::default() }
}

fn said(bytes: &[u8]) -> VecDeque<(u8, Said)> {
    let file = file(bytes);
    let mut recording = Recording::open(file.path()).unwrap();
    let mut said = VecDeque::new();
    while let Next::Item(item) = recording.read_next().unwrap().0 {
        said.push_back((item.source, item.said));
    }
    said
}

#[test]
fn what_the_publisher_gets_is_recorded_in_its_order_to_the_end() {
    let disk = Disk::default();
    let guard = Guard::new();
    let (mut tap, thread) = start(disk.clone(), options(), &guard).unwrap();
    tap.attach([(1, FeedState::Live)].into_iter(), 77);
    let events = vec![(2, FeedEvent::Slot(5)), (2, FeedEvent::State(FeedState::Down))];
    assert!(tap.record(&batch(vec![update(1, 10), update(2, 1 << 17)], events)));
    assert!(tap.record(&batch(vec![], vec![(1, FeedEvent::Complete)])));
    assert!(tap.record(&batch(vec![update(3, 0)], vec![])));
    drop(tap);
    thread.join().unwrap();
    let written = disk.written.lock().unwrap().clone();
    let mut said = said(&written);
    let Some((0, Said::Session(session))) = said.pop_front() else { panic!("{said:?}") };
    assert!(session.cluster == "test" && session.unix_ns > 0);
    let expected = [
        (0, Said::Slot(77)),
        (1, Said::State(FeedState::Live)),
        (1, Said::Account(update(1, 10))),
        (2, Said::Account(update(2, 1 << 17))),
        (2, Said::Slot(5)),
        (2, Said::State(FeedState::Down)),
        (3, Said::Account(update(3, 0))),
        (0, Said::End),
    ];
    assert_eq!(said, expected);
}

#[test]
fn a_recording_that_is_ended_or_cannot_be_written_lets_go_of_the_publisher() {
    let guard = Guard::new();
    let (mut tap, thread) = start(Disk::default(), options(), &guard).unwrap();
    tap.attach(std::iter::empty(), 0);
    assert!(tap.record(&Batch::default()));
    drop(guard);
    assert!(!tap.record(&Batch::default()));
    drop(tap);
    thread.join().unwrap();

    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let guard = Guard::new();
    let (mut tap, thread) = start(Full, options(), &guard).unwrap();
    thread.join().unwrap();
    tap.attach(std::iter::empty(), 0);
    assert!(!tap.record(&batch(vec![update(1, 1 << 17)], vec![])));
}

#[test]
fn a_slow_disk_costs_items_which_are_counted_and_never_the_publishers_time() {
    let disk = Disk::default();
    let blocked = disk.blocked.lock().unwrap();
    let guard = Guard::new();
    let (mut tap, thread) = start(disk.clone(), options(), &guard).unwrap();
    tap.attach(std::iter::empty(), 0);
    let total = 2_000;
    for number in 0..total {
        // Each is a chunk of its own: most find no room.
        assert!(tap.record(&batch(vec![update(number, 1 << 16)], vec![])));
    }
    drop(blocked);
    // It goes on once there is room again.
    while tap.record(&batch(vec![update(9_999, 1 << 16)], vec![])) {
        let written = disk.written.lock().unwrap().len();
        if written > 0 && said(&disk.written.lock().unwrap()).len() > 300 {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    drop(tap);
    thread.join().unwrap();
    let written = disk.written.lock().unwrap().clone();
    let mut numbers = 0;
    let (mut missing, mut last) = (0, None);
    for (_, said) in said(&written) {
        match said {
            Said::Account(update) if update.slot < total => {
                assert!(last < Some(update.slot) || last.is_none(), "in order");
                last = Some(update.slot);
                numbers += 1;
            }
            Said::Gap(items) => missing += items,
            _ => {}
        }
    }
    assert!(missing > 1_000, "{missing}");
    assert!(numbers + missing >= total, "{numbers} + {missing}");
}

proptest! {
    #[test]
    fn whatever_is_recorded_is_read(
        lens in proptest::collection::vec(proptest::collection::vec(0usize..300, 0..6), 0..5),
        numbers: [u8; 8],
    ) {
        let blocks: Vec<Vec<_>> = lens
            .iter()
            .map(|lens| lens.iter().map(|len| update(numbers[len % 8].into(), *len)).collect())
            .collect();
        let (updates, damage) = read(&recording(&blocks)).unwrap();
        prop_assert_eq!(updates, blocks.concat());
        prop_assert!(damage.is_empty());
    }

    #[test]
    fn whatever_is_in_a_file_reading_it_ends_without_a_panic(
        junk in proptest::collection::vec(any::<u8>(), 0..600),
        at in 0usize..900,
        replace: bool,
    ) {
        let (_, mut bytes) = three_blocks();
        let at = at.min(bytes.len());
        let end = if replace { (at + junk.len()).min(bytes.len()) } else { at };
        bytes.splice(at..end, junk);
        // An error, or what can be read.
        let _ = read(&bytes);
    }
}
