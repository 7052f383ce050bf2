//! Prints the map of a region: where every word is, found by running the code that writes it.
//!
//! `docs/region-format.md` holds what this prints, and `make lint` compares the two.

use std::mem::offset_of;

use driftshm_layout::geometry::{Geometry, PAGE, Section};
use driftshm_layout::header::{
    Counter, FIXED, FIXED_WORDS, Fixed, FixedSection, HEADER_WORDS, Header, JOURNAL_HEAD, Owner,
    Pulse, State,
};
use driftshm_layout::journal::{self, Publish};
use driftshm_layout::oracle_price::{OraclePointer, SOURCES};
use driftshm_layout::profile::{Kind, Profile};
use driftshm_layout::record::{self, META_WORDS, Shape, Version};
use driftshm_layout::sync::{Ordering, Word};
use driftshm_layout::{Capacities, FeedState, OraclePrice, Pubkey, directory};

fn main() {
    header();
    fixed();
    let flags = record_words();
    flag_bits(flags);
    extra_words();
    journal_entry();
    directory_entry();
    sections();
}

fn zeroed(words: usize) -> Vec<Word> {
    (0..words).map(|_| Word::new(0)).collect()
}

fn values(words: &[Word]) -> Vec<u64> {
    words.iter().map(|word| word.load(Ordering::Relaxed)).collect()
}

/// The words that `act` changes.
fn changed(words: &[Word], act: impl FnOnce()) -> Vec<usize> {
    let before = values(words);
    act();
    let now = values(words);
    (0..words.len()).filter(|i| before[*i] != now[*i]).collect()
}

/// The one place where a value is.
fn place_of(value: u64, values: &[u64]) -> usize {
    let places: Vec<_> = (0..values.len()).filter(|i| values[*i] == value).collect();
    assert_eq!(places.len(), 1, "{value:#x} is at {places:?}");
    places[0]
}

fn line(word: usize, name: &str, what: &str) {
    let text = format!("  {word:>5} {:>6}   {name:<18} {what}", word * 8);
    println!("{}", text.trim_end());
}

fn lines(mut all: Vec<(usize, &str, &str)>) {
    all.sort_unstable();
    all.iter().for_each(|(word, name, what)| line(*word, name, what));
}

// ---------------------------------------------------------------------------------- header

fn in_header(act: impl FnOnce(Header<'_>)) -> usize {
    let words = zeroed(HEADER_WORDS);
    let header = Header::new(&words).expect("a page is enough");
    let changed = changed(&words, || act(header));
    assert_eq!(changed.len(), 1, "{changed:?}");
    changed[0]
}

fn header() {
    let states = [State::Starting, State::Live, State::Stopped, State::Superseded];
    let states = states.map(|state| format!("{} {}", state as u64, state.as_str())).join(", ");
    let feeds = (1..).map_while(FeedState::from_word);
    let feeds: Vec<_> = feeds.map(|state| format!("{} {}", state as u64, state.as_str())).collect();
    let feeds = feeds.join(", ");
    println!("header: {HEADER_WORDS} words, one page of {PAGE} bytes");
    println!("   word   byte   name");
    let mut all = vec![
        (in_header(|h| h.set_ready()), "ready", "\"dshm\" | format << 32, stored last"),
        (in_header(|h| h.set_total_len(1)), "total_len", "bytes of the file"),
        (in_header(|h| h.set_state(State::Live)), "state", &states),
        (FIXED, "fixed", "see below; never changes"),
        (Owner::Generation as usize, "generation", "a new number per start of a writer"),
        (Owner::WriterPid as usize, "writer_pid", ""),
        (Owner::WriterStartNs as usize, "writer_start_ns", "CLOCK_MONOTONIC"),
        (Owner::FeedState as usize, "feed_state", &feeds),
        (Owner::FeedSinceNs as usize, "feed_since_ns", "CLOCK_MONOTONIC"),
        (Owner::Publishing as usize, "publishing", "record + 1 while one is published, else 0"),
        (Pulse::HeartbeatNs as usize, "heartbeat_ns", "CLOCK_MONOTONIC, every 100 ms"),
        (Pulse::HeartbeatUnixNs as usize, "heartbeat_unix_ns", "wall time, informative"),
        (Pulse::LiveNs as usize, "live_ns", "until when followed accounts are vouched for"),
        (Pulse::Slot as usize, "slot", "the newest Solana slot"),
        (Pulse::SlotNs as usize, "slot_ns", "CLOCK_MONOTONIC when it began"),
        (JOURNAL_HEAD, "journal_head", "number of the next entry"),
    ];
    all.extend(Counter::ALL.map(|(counter, name)| (counter as usize, name, "counter")));
    all.extend(Kind::ALL.map(|kind| {
        (in_header(|h| h.set_in_use(kind as usize, 1)), kind.as_str(), "records in use")
    }));
    lines(all);
}

fn fixed() {
    println!("\nfixed: {FIXED_WORDS} words from word {FIXED} on");
    println!("   word   byte   name");
    let fields = [
        ("boot_id", offset_of!(Fixed, boot_id), "16 bytes: times are of this boot"),
        ("hash_key", offset_of!(Fixed, hash_key), "2 words: of the directory's SipHash-1-3"),
        ("cluster", offset_of!(Fixed, cluster), "32 bytes of text"),
        ("profile", offset_of!(Fixed, profile), "32 bytes of text"),
        ("schema_hash", offset_of!(Fixed, schema_hash), "SHA-256 of the schema section"),
        ("created_unix_ns", offset_of!(Fixed, created_unix_ns), "wall time, informative"),
        ("schema_offset", offset_of!(Fixed, schema_offset), "byte"),
        ("schema_len", offset_of!(Fixed, schema_len), "bytes"),
        ("directory_offset", offset_of!(Fixed, directory_offset), "byte"),
        ("directory_entries", offset_of!(Fixed, directory_entries), "a power of two"),
        ("journal_offset", offset_of!(Fixed, journal_offset), "byte"),
        ("journal_entries", offset_of!(Fixed, journal_entries), "a power of two"),
        ("section_count", offset_of!(Fixed, section_count), ""),
        ("sections", offset_of!(Fixed, sections), "8 words each, by kind:"),
    ];
    for (name, offset, what) in fields {
        line(FIXED + offset / 8, name, what);
    }
    let end = offset_of!(Fixed, sections) + size_of::<[FixedSection; 8]>();
    assert_eq!(end, FIXED_WORDS * 8, "a field is missing above");
    let of_section = [
        ("kind", offset_of!(FixedSection, kind), ""),
        ("offset", offset_of!(FixedSection, offset), "byte of the first record"),
        ("capacity", offset_of!(FixedSection, capacity), "records"),
        ("extra_words", offset_of!(FixedSection, extra_words), "of each buffer"),
        ("payload_words", offset_of!(FixedSection, payload_words), "of each buffer"),
        ("stride", offset_of!(FixedSection, stride), "words from one record to the next"),
        ("first_record", offset_of!(FixedSection, first_record), "its number in the region"),
    ];
    for (name, offset, what) in of_section {
        println!("{}", format!("          +{offset:<4}   {name:<18} {what}").trim_end());
    }
}

// ---------------------------------------------------------------------------------- record

const SHAPE: Shape = Shape { extra_words: 4, payload_words: 2 };
const EXTRA: [u64; 4] = [0xe1, 0xe2, 0xe3, 0xe4];

fn version(data: &[u8]) -> Version<'_> {
    Version {
        data,
        extra: &EXTRA,
        slot: 0xa1,
        write_version: 0xa2,
        source: 0,
        received_ns: 0xa3,
        publish_ns: 0xa4,
        lamports: 0xa5,
        closed: false,
        layout_mismatch: false,
    }
}

/// Prints the words of a record, and returns which of them has the flags.
fn record_words() -> usize {
    let words = zeroed(SHAPE.stride());
    let key = Pubkey([0x11; 32]);
    let epoch = changed(&words, || _ = record::release(&words))[0];
    let unfollowed = changed(&words, || record::set_unfollowed_ns(&words, 1))[0];
    let renamed = changed(&words, || _ = record::rename(&words, SHAPE, &key));
    let now = values(&words);
    let pubkey: Vec<_> = (0..now.len()).filter(|i| now[*i] == key.to_words()[0]).collect();
    assert_eq!(pubkey, (pubkey[0]..pubkey[0] + 4).collect::<Vec<_>>());
    let is_known = |word: &usize| [epoch, unfollowed].contains(word) || pubkey.contains(word);
    let flags = renamed.into_iter().find(|word| !is_known(word)).expect("the flags' word");
    let update = version(&[0x77; 16]);
    let published = changed(&words, || _ = record::publish(&words, SHAPE, &update));
    let sequence = published.into_iter().find(|word| *word != flags).expect("the sequence");

    println!("\nrecord");
    println!("   word   byte   name");
    lines(vec![
        (sequence, "sequence", "2v-1 while version v is written, 2v when it is there"),
        (epoch, "epoch", "identity: even = somebody's, odd = nobody's, 0 = never used"),
        (flags, "flags", "see below"),
        (unfollowed, "unfollowed_ns", "0 = followed, else since when not"),
        (pubkey[0], "pubkey", "4 words"),
        (record::HEADER_WORDS, "buffer 0", "even versions"),
    ]);
    println!("      …      …   {:<18} odd versions; both are whole cache lines", "buffer 1");
    buffer_words(&words);
    flags
}

fn buffer_words(words: &[Word]) {
    // Version 1 is in the second buffer.
    let start = record::HEADER_WORDS + SHAPE.buffer_words();
    let seen = changed(words, || record::set_seen(words, SHAPE, 0xb1, 0xb2, 0));
    let all = values(words);
    let buffer = &all[start..];
    let at = |value| place_of(value, buffer);
    println!("\nbuffer");
    println!("   word   byte   name");
    lines(vec![
        (at(0xa1), "slot", "of the update that brought this version"),
        (at(0xa2), "write_version", "0 = its source has none"),
        (at(0xa3), "received_ns", "CLOCK_MONOTONIC"),
        (at(0xa4), "publish_ns", "CLOCK_MONOTONIC"),
        (at(16), "len, source", "bits 0-31 the account's real length, 32-39 its source's rank"),
        (at(0xa5), "lamports", ""),
        (seen[0] - start, "seen_slot", "of the newest update seen; the writer's alone"),
        (seen[1] - start, "seen_write_version", "the same"),
        (at(EXTRA[0]), "extra", "as many words as the section says"),
    ]);
    let payload = buffer.iter().position(|word| *word == 0x7777_7777_7777_7777);
    assert_eq!(payload, Some(META_WORDS + SHAPE.extra_words));
    println!("      …      …   {:<18} the account, zero behind its end", "payload");
}

/// The bits that an update sets beyond those of an ordinary one, in the record's flags.
fn bits_of(flags: usize, version_number: usize, update: &Version<'_>) -> u64 {
    let flags_after = |update: &Version<'_>| {
        let words = zeroed(SHAPE.stride());
        for _ in 1..version_number {
            record::publish(&words, SHAPE, &version(&[]));
        }
        record::publish(&words, SHAPE, update);
        words[flags].load(Ordering::Relaxed)
    };
    flags_after(update) ^ flags_after(&version(&[]))
}

fn flag_bits(flags: usize) {
    let usual = version(&[]);
    let too_long = [1; 8 * SHAPE.payload_words + 1];
    let words = zeroed(SHAPE.stride());
    record::rename(&words, SHAPE, &Pubkey([0x11; 32]));
    let empty = words[flags].load(Ordering::Relaxed);
    println!("\nflags: bit for buffer 0, bit for buffer 1");
    for (name, update) in [
        ("closed", Version { closed: true, ..usual }),
        ("layout_mismatch", Version { layout_mismatch: true, ..usual }),
        ("truncated", Version { data: &too_long, ..usual }),
    ] {
        let [even, odd] = [2, 1].map(|number| bits_of(flags, number, &update).trailing_zeros());
        println!("  {even:>5}, {odd}   {name}");
    }
    println!("  {:>5}, {}   empty", empty.trailing_zeros(), 63 - empty.leading_zeros());
    let source = bits_of(flags, 1, &Version { source: 0xff, ..usual });
    let (low, high) = (source.trailing_zeros(), 63 - source.leading_zeros());
    println!("  {low:>5}-{high}   rank of the source of the newest update seen");
}

fn extra_words() {
    let price = OraclePrice {
        source: 0,
        valid: false,
        price: 0xc1,
        confidence: 0xc2,
        published_slot: 0xc3,
        has_sufficient_number_of_data_points: false,
    };
    let words = price.to_words();
    let used = words[0];
    let bit = |price: OraclePrice| (price.to_words()[0] ^ used).trailing_zeros();
    let valid = bit(OraclePrice { valid: true, ..price });
    let sufficient = bit(OraclePrice { has_sufficient_number_of_data_points: true, ..price });
    let source = bit(OraclePrice { source: 1, ..price });
    println!("\nextra words of an oracle: {SOURCES} prices of {} words", words.len());
    println!(
        "  word 0   bit {} used, {valid} valid, {sufficient} enough data points, \
         from {source} on the source's number",
        used.trailing_zeros()
    );
    for (name, value) in [("price", 0xc1), ("confidence", 0xc2), ("published_slot", 0xc3)] {
        println!("       {}   {name}", place_of(value, &words));
    }
    let pointer = OraclePointer { record: 1, epoch: 0xd1, source: 0 };
    let words = pointer.to_words();
    let record = (words[0] ^ OraclePointer { record: 0, ..pointer }.to_words()[0]).trailing_zeros();
    println!("\nextra words of a market");
    println!("  word 0   as above: used, source; from bit {record} on the oracle's record");
    println!("       {}   epoch of that record", place_of(0xd1, &words));
}

// --------------------------------------------------------------------- journal and directory

fn journal_entry() {
    let (ring, head) = (zeroed(journal::ENTRY_WORDS * 64), Word::new(70));
    let (record, epoch, version) = (5, 2 << 8 | 6, 9 << 24 | 7);
    let publish = Publish { record, epoch, version, slot: 0xa1, publish_ns: 0xa2 };
    journal::append(&ring, &head, &publish);
    let start = (70 % 64) * journal::ENTRY_WORDS;
    let all = values(&ring);
    let entry = &all[start..start + journal::ENTRY_WORDS];
    println!("\njournal entry: {} words at (number mod entries)", journal::ENTRY_WORDS);
    lines(vec![
        (place_of(71, entry), "number + 1", "0 while it is written"),
        (
            place_of(5 << 32 | 3 << 24 | 7, entry),
            "what",
            "record << 32 | (epoch / 2) mod 2^8 << 24 | version mod 2^24",
        ),
        (place_of(0xa1, entry), "slot", ""),
        (place_of(0xa2, entry), "publish_ns", "CLOCK_MONOTONIC"),
    ]);
}

fn directory_entry() {
    let table = zeroed(64);
    let hash = 0x1234_5678_0000_0043;
    assert!(directory::insert(&table, hash, 5));
    let all = values(&table);
    let place = all.iter().position(|word| *word != 0).expect("the entry");
    println!("\ndirectory entry: one word; 0 = empty, 1 = removed");
    println!("  hash {hash:#x}, record 5, 64 entries: word {place} is {:#x}", all[place]);
}

// --------------------------------------------------------------------------------- sections

fn sections() {
    let profile = Profile::builtin("drift-v2").expect("a builtin profile");
    let capacities = Capacities::default();
    let map = Geometry::new(&profile, profile.to_json().len(), &capacities);
    println!("\nregion of the profile {} with the default capacities", profile.name);
    println!("        byte        bytes   section        records     stride   extra   payload");
    row(0, PAGE, "header");
    row(map.schema_offset, map.schema_len, "schema");
    row(map.directory_offset, map.directory_entries * 8, "directory");
    row(map.journal_offset, map.journal_entries * journal::ENTRY_WORDS * 8, "journal");
    map.sections.iter().for_each(section_row);
    println!("{:>12}                end", map.total_len);
}

fn row(offset: usize, len: usize, name: &str) {
    println!("{offset:>12} {len:>12}   {name}");
}

fn section_row(section: &Section) {
    let Section { offset, capacity, shape, .. } = section;
    let (len, kind) = (section.len(), section.kind);
    let (stride, extra, payload) =
        (shape.stride() * 8, shape.extra_words * 8, shape.payload_words * 8);
    println!(
        "{offset:>12} {len:>12}   {kind:<12} {capacity:>9} {stride:>10} {extra:>7} {payload:>9}"
    );
}
