//! Regions that are no longer sound: readers and writers get a typed error or old data, and
//! never panic, hang, or look outside of the mapping.
#![cfg(not(driftshm_loom))]

mod support;

use std::path::{Path, PathBuf};
use std::time::Duration;

use driftshm_layout::header::{ABI_VERSION, HEADER_WORDS};
use driftshm_layout::mapping::Mapping;
use driftshm_layout::profile::Kind;
use driftshm_layout::{OpenError, Region, RegionWriter, WriterError, dir};
use support::image::{Image, record_word};
use support::rng::Rng;
use support::walk::{self, Walk};
use support::{temp_dir, tiny, watchdog};

const LIMIT: Duration = Duration::from_secs(600);

/// A sound region's bytes, and a place for damaged ones.
struct Bench {
    dir: tempfile::TempDir,
    image: Image,
    sound: Walk,
}

impl Bench {
    fn new() -> Self {
        let dir = temp_dir();
        tiny::populate(&mut tiny::writer(dir.path()));
        let sound = walk::everything(&tiny::reader(dir.path()));
        assert!(sound.accounts == sound.findable && sound.entries > 0 && sound.lost == 0);
        let image = Image::of(dir.path());
        Self { dir, image, sound }
    }

    fn path(&self) -> PathBuf {
        dir::region_path(self.dir.path())
    }

    fn damaged(&self) -> Image {
        Image(self.image.0.clone())
    }

    /// Opens a damaged region and reads all of it, if it opens.
    fn read(&self, image: &Image) -> Result<Walk, OpenError> {
        image.put(self.dir.path());
        let region = Region::open(self.dir.path())?;
        Ok(walk::everything(&region))
    }

    /// A writer comes to it: whatever it finds, it serves a region afterwards, unless that says to
    /// be another cluster's.
    fn write(&self, image: &Image) {
        image.put(self.dir.path());
        let (mut writer, origin) = match RegionWriter::open(self.dir.path(), tiny::options()) {
            Ok(opened) => opened,
            Err(WriterError::OtherCluster { .. }) => return,
            Err(error) => panic!("no writer: {error}"),
        };
        tiny::populate_or_not(&mut writer);
        let reader = tiny::reader(self.dir.path());
        walk::everything(&reader);
        assert!(!reader.header().is_superseded(), "{origin:?}");
    }
}

fn what_is_corrupt(result: Result<Walk, OpenError>) -> String {
    match result {
        Err(OpenError::Corrupt { what, .. }) => what,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_file_cut_at_any_length_does_not_open() {
    watchdog::within(LIMIT, || {
        let bench = Bench::new();
        let whole = bench.image.0.len();
        let pages = (0..whole).step_by(4096);
        let odd = (0..whole).step_by(611);
        for len in pages.chain(odd).chain([1, 7, 8, 63, 4095, 4097, whole - 8, whole - 1]) {
            let mut image = bench.damaged();
            image.0.truncate(len);
            what_is_corrupt(bench.read(&image));
        }
        let mut longer = bench.damaged();
        longer.0.extend([0; 4096]);
        assert!(what_is_corrupt(bench.read(&longer)).contains("length"));
    });
}

#[test]
fn foreign_files_are_told_from_regions() {
    let bench = Bench::new();
    let len = bench.image.0.len();
    for bytes in [vec![0x7f; len], b"SQLite format 3\0".repeat(len / 16), Rng(1).bytes(len)] {
        assert!(what_is_corrupt(bench.read(&Image(bytes))).contains("magic number"));
    }
    std::fs::remove_file(bench.path()).unwrap();
    std::fs::create_dir(bench.path()).unwrap();
    assert!(matches!(Region::open(bench.dir.path()), Err(OpenError::Corrupt { .. })));
    let pipe = bench.dir.path().join("pipe");
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    // Opening a pipe would wait for its other end.
    watchdog::within(LIMIT, move || {
        assert!(matches!(Region::open_file(&pipe), Err(OpenError::Corrupt { .. })));
    });
    assert!(matches!(Region::open_file(Path::new("/dev/null")), Err(OpenError::Corrupt { .. })));
}

#[test]
fn a_half_built_region_is_not_ready() {
    let bench = Bench::new();
    let mut image = bench.damaged();
    image.set(0, 0);
    assert!(matches!(bench.read(&image), Err(OpenError::NotReady { .. })));
    let nothing_yet = Image(vec![0; image.0.len()]);
    assert!(matches!(bench.read(&nothing_yet), Err(OpenError::NotReady { .. })));
}

#[test]
fn a_region_of_another_abi_names_both() {
    let bench = Bench::new();
    for other in [0, ABI_VERSION - 1, ABI_VERSION + 1, u32::MAX] {
        let mut image = bench.damaged();
        image.set(0, image.word(0) & 0xffff_ffff | u64::from(other) << 32);
        let error = bench.read(&image).unwrap_err();
        let OpenError::Incompatible { found, expected, .. } = error else { panic!("{error}") };
        assert_eq!((found, expected), (other, ABI_VERSION));
        let text = error.to_string();
        assert!(text.contains(&format!("format {other}")), "{text}");
        assert!(text.contains(&format!("reads format {ABI_VERSION}")), "{text}");
    }
}

#[test]
fn any_word_of_the_header_may_be_anything_for_a_reader() {
    watchdog::within(LIMIT, || {
        let bench = Bench::new();
        let mut rng = Rng(0x5eed_0003);
        let mut opened = 0;
        for index in 0..HEADER_WORDS {
            let old = bench.image.word(index);
            let bit = 1 << rng.below(64);
            for value in [0, u64::MAX, old ^ bit, old.wrapping_add(8), rng.edgy(), rng.next()] {
                let mut image = bench.damaged();
                image.set(index, value);
                opened += usize::from(bench.read(&image).is_ok());
            }
        }
        // Most words are none that opening depends on.
        assert!(opened > HEADER_WORDS, "{opened}");
    });
}

#[test]
fn any_word_of_the_header_may_be_anything_for_a_writer() {
    watchdog::within(LIMIT, || {
        let bench = Bench::new();
        let mut rng = Rng(0x5eed_0004);
        for index in (0..120).chain(256..336) {
            for value in [u64::MAX, rng.edgy(), rng.next()] {
                let mut image = bench.damaged();
                image.set(index, value);
                bench.write(&image);
            }
        }
    });
}

/// First word and number of words of each part of a region.
fn parts(bench: &Bench) -> Vec<(&'static str, usize, usize)> {
    let geometry = *tiny::reader(bench.dir.path()).geometry();
    let mut parts = vec![
        ("directory", geometry.directory_offset / 8, geometry.directory_entries),
        ("journal", geometry.journal_offset / 8, geometry.journal_entries * 4),
        ("schema", geometry.schema_offset / 8, geometry.schema_len / 8),
    ];
    for section in geometry.sections {
        parts.push((section.kind.as_str(), section.offset / 8, section.len() / 8));
    }
    parts
}

#[test]
fn any_part_may_be_full_of_anything() {
    watchdog::within(LIMIT, || {
        let bench = Bench::new();
        bench.image.put(bench.dir.path());
        let mut rng = Rng(0x5eed_0005);
        for (part, start, words) in parts(&bench) {
            for round in 0..24 {
                let mut image = bench.damaged();
                for word in start..start + words {
                    let value = match round {
                        0 => 0,
                        1 => u64::MAX,
                        2 => u64::MAX - 1,
                        3..8 => rng.edgy(),
                        8..16 => rng.next(),
                        _ if rng.below(8) == 0 => rng.edgy(),
                        _ => image.word(word),
                    };
                    image.set(word, value);
                }
                match bench.read(&image) {
                    Ok(walk) => assert!(part != "journal" || walk.accounts == bench.sound.accounts),
                    Err(error) => assert_eq!(part, "schema", "{error}"),
                }
                if round % 3 == 0 {
                    bench.write(&image);
                }
            }
        }
    });
}

#[test]
fn a_record_whose_words_are_all_ones_is_read_and_published_to() {
    let bench = Bench::new();
    let section = *tiny::reader(bench.dir.path()).geometry().section(Kind::User);
    for word in 0..section.shape.stride() {
        // The account in that place keeps its name, so that it is found and read.
        if (4..8).contains(&word) {
            continue;
        }
        for value in [u64::MAX, u64::MAX - 1, u64::MAX / 2, 1 << 63] {
            let mut image = bench.damaged();
            image.set(record_word(&section, 0) + word, value);
            watchdog::within(LIMIT, {
                let at = bench.dir.path().to_path_buf();
                image.put(&at);
                move || {
                    walk::everything(&Region::open(&at).unwrap());
                    let (mut writer, _) = tiny::open(&at);
                    for slot in 1..4 {
                        writer.apply(&tiny::user(0, u64::MAX - 4 + slot, &[slot as u8; 40]));
                    }
                    walk::everything(writer.region());
                }
            });
        }
    }
}

#[test]
fn a_schema_with_a_changed_byte_is_refused() {
    // Else a bot would read other bytes than it believes.
    let bench = Bench::new();
    let start = bench.image.0.windows(8).position(|bytes| bytes == b"reserves").unwrap();
    let mut image = bench.damaged();
    image.0[start] = b'R';
    assert!(what_is_corrupt(bench.read(&image)).contains("schema"));
}

#[test]
fn sections_that_lie_upon_each_other_are_refused() {
    let bench = Bench::new();
    bench.image.put(bench.dir.path());
    let geometry = *tiny::reader(bench.dir.path()).geometry();
    let offsets: Vec<usize> = (8..96)
        .filter(|word| {
            let value = bench.image.word(*word) as usize;
            value == geometry.directory_offset
                || value == geometry.journal_offset
                || geometry.sections.iter().any(|section| section.offset == value)
        })
        .collect();
    assert_eq!(offsets.len(), 2 + geometry.sections.len());
    for word in offsets {
        let mut image = bench.damaged();
        image.set(word, geometry.schema_offset as u64);
        what_is_corrupt(bench.read(&image));
    }
}

#[test]
fn readers_map_the_region_for_reading_only() {
    let bench = Bench::new();
    bench.image.put(bench.dir.path());
    // SAFETY: nothing is stored through it.
    let mapping = unsafe { Mapping::open(&bench.path()) }.unwrap();
    assert!(!mapping.is_writable());
    // Everything can be read through such a mapping, so no read stores anything.
    let region = Region::open(bench.dir.path()).unwrap();
    assert_eq!(walk::everything(&region), bench.sound);
    let path = bench.path().canonicalize().unwrap();
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let ours: Vec<&str> =
        maps.lines().filter(|line| line.ends_with(path.to_str().unwrap())).collect();
    assert_eq!(ours.len(), 2, "the mapping and the region's");
    assert!(ours.iter().all(|line| line.contains(" r--s ")), "{ours:?}");
}
