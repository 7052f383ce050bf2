//! From the bytes of a fuzzer to a damaged region, and what must hold for it.
//!
//! ```text
//!  byte 0   bit 0: the rest is the file's content     bit 1: a writer comes to it, too
//!           bit 2: the schema's hash is made to fit
//!  then     changes of 13 bytes: word (u32), how (u8), value (u64), all little-endian
//! ```

use driftshm_layout::header::{FIXED, HEADER_WORDS};
use driftshm_layout::{OpenError, Region, RegionWriter, WriterError};
use sha2::{Digest, Sha256};

use super::image::Image;
use super::rng::Rng;
use super::{temp_dir, tiny, walk};

const RAW: u8 = 1;
const WRITER: u8 = 2;
const FIT_HASH: u8 = 4;
const CHANGE: usize = 13;

/// Words of [`driftshm_layout::header::Fixed`] that say where and what the schema is.
const SCHEMA_HASH: usize = FIXED + 96 / 8;
const SCHEMA_OFFSET: usize = FIXED + 136 / 8;
const SCHEMA_LEN: usize = FIXED + 144 / 8;

/// A sound region, and a directory for damaged ones.
pub struct Smasher {
    dir: tempfile::TempDir,
    sound: Image,
}

impl Smasher {
    pub fn new() -> Self {
        let dir = temp_dir();
        tiny::populate(&mut tiny::writer(dir.path()));
        let sound = Image::of(dir.path());
        Self { dir, sound }
    }

    /// Panics if something is wrong with how the region that `input` describes is treated.
    /// Returns whether it could be opened.
    pub fn run(&self, input: &[u8]) -> bool {
        let how = input.first().copied().unwrap_or(RAW);
        let rest = input.get(1..).unwrap_or_default();
        let mut image = if how & RAW != 0 { Image(rest.to_vec()) } else { self.changed(rest) };
        if how & FIT_HASH != 0 {
            fit_hash(&mut image);
        }
        image.put(self.dir.path());
        let opened = match Region::open(self.dir.path()) {
            Ok(region) => {
                walk::everything(&region);
                true
            }
            Err(
                OpenError::Corrupt { .. }
                | OpenError::NotReady { .. }
                | OpenError::Incompatible { .. },
            ) => false,
            Err(error) => panic!("{error}"),
        };
        if how & WRITER != 0 {
            self.write();
        }
        opened
    }

    fn changed(&self, changes: &[u8]) -> Image {
        let mut image = Image(self.sound.0.clone());
        let words = image.words();
        for change in changes.chunks_exact(CHANGE).take(4096) {
            let word = u32::from_le_bytes(change[..4].try_into().unwrap()) as usize % words;
            let value = u64::from_le_bytes(change[5..].try_into().unwrap());
            let old = image.word(word);
            match change[4] % 6 {
                0 => image.set(word, value),
                1 => image.set(word, old ^ 1 << (value % 64)),
                2 => image.set(word, old.wrapping_add(value)),
                3 => image.set(word, image.word(value as usize % words)),
                4 => (word..words).take(64).for_each(|word| image.set(word, value)),
                _ => image.0.truncate(image.0.len() - value as usize % 16),
            }
            if image.words() < words {
                break;
            }
        }
        image
    }

    /// A writer serves a region, whatever it came to, unless it says to be another cluster's.
    fn write(&self) {
        let mut writer = match RegionWriter::open(self.dir.path(), tiny::options()) {
            Ok((writer, _)) => writer,
            Err(WriterError::OtherCluster { .. }) => return,
            Err(error) => panic!("{error}"),
        };
        tiny::populate_or_not(&mut writer);
        let region = tiny::reader(self.dir.path());
        assert!(!region.header().is_superseded());
        walk::everything(&region);
    }
}

fn fit_hash(image: &mut Image) {
    if image.words() < HEADER_WORDS {
        return;
    }
    let start = image.word(SCHEMA_OFFSET) as usize;
    let end = start.saturating_add(image.word(SCHEMA_LEN) as usize);
    if let Some(schema) = image.0.get(start..end) {
        let hash: [u8; 32] = Sha256::digest(schema).into();
        image.0[SCHEMA_HASH * 8..][..32].copy_from_slice(&hash);
    }
}

/// One change.
pub fn change(word: usize, how: u8, value: u64) -> Vec<u8> {
    let word = (word as u32).to_le_bytes();
    [&word[..], &[how], &value.to_le_bytes()].concat()
}

/// An input as a fuzzer might come up with.
pub fn random_input(rng: &mut Rng, words: usize) -> Vec<u8> {
    let how = rng.next() as u8;
    // Few files without a sound region in them: they are refused at once.
    if rng.below(16) == 0 {
        let len = rng.below(3 * 4096);
        return [vec![how | RAW], rng.bytes(len)].concat();
    }
    let mut input = vec![how & !RAW];
    for _ in 0..=rng.below(6) {
        // The header is small, and the most depends on it.
        let word = if rng.below(3) == 0 { rng.below(HEADER_WORDS) } else { rng.below(words) };
        let how = [0, 0, 0, 0, 1, 1, 1, 2, 2, 3, 3, 3, 4, 4, 4, 5][rng.below(16)];
        input.extend(change(word, how, rng.edgy()));
    }
    input
}

impl Smasher {
    pub fn words(&self) -> usize {
        self.sound.words()
    }
}
