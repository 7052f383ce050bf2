//! Where everything is in a region, computed a second way.
#![cfg(not(driftshm_loom))]

mod support;

use driftshm_layout::Capacities;
use driftshm_layout::geometry::{Geometry, MARKET_EXTRA_WORDS, PAGE};
use driftshm_layout::profile::{Kind, Profile};
use proptest::prelude::*;
use support::tiny;

/// Bytes of `len` rounded up to whole `unit`s.
fn whole(len: usize, unit: usize) -> usize {
    len.div_ceil(unit) * unit
}

/// Bytes of one record, from what it is made of.
fn record_bytes(profile: &Profile, kind: Kind, headroom: usize) -> usize {
    let lengths = profile.accounts().iter().filter(|account| account.kind == kind);
    let longest = lengths.map(|account| account.len).max().unwrap_or(0);
    // Oracles belong to other programs, so the profile does not know how long they are.
    let longest = if kind == Kind::Oracle { longest.max(4096) } else { longest };
    let extra = match kind {
        Kind::PerpMarket | Kind::SpotMarket => MARKET_EXTRA_WORDS * 8,
        Kind::Oracle => 8 * 4 * 8,
        _ => 0,
    };
    let cache_line = 64;
    let buffer = 64 + extra + whole(longest + headroom, 8);
    64 + 2 * whole(buffer, cache_line)
}

fn smallest_power_of_two(least: usize) -> usize {
    (0..).map(|bits| 1 << bits).find(|power| *power >= least).unwrap()
}

/// Lengths of all parts, in their order, each in whole pages.
fn parts(profile: &Profile, schema_len: usize, capacities: &Capacities) -> Vec<usize> {
    let records: usize = Kind::ALL.into_iter().map(|kind| capacities.of(kind)).sum();
    let directory = smallest_power_of_two((2 * records).max(8)) * 8;
    let mut parts = vec![PAGE, schema_len, directory, capacities.journal * 32];
    for kind in Kind::ALL {
        parts.push(capacities.of(kind) * record_bytes(profile, kind, capacities.headroom));
    }
    parts.into_iter().map(|len| whole(len, PAGE)).collect()
}

fn check(profile: &Profile, schema_len: usize, capacities: &Capacities) {
    let geometry = Geometry::new(profile, schema_len, capacities);
    let parts = parts(profile, schema_len, capacities);
    assert_eq!(geometry.total_len, parts.iter().sum::<usize>());

    let mut offsets =
        vec![0, geometry.schema_offset, geometry.directory_offset, geometry.journal_offset];
    offsets.extend(geometry.sections.iter().map(|section| section.offset));
    offsets.push(geometry.total_len);
    let mut lengths = vec![
        PAGE,
        geometry.schema_len,
        geometry.directory_entries * 8,
        geometry.journal_entries * 32,
    ];
    lengths.extend(geometry.sections.iter().map(|section| section.len()));
    for (index, (ends, len)) in offsets.windows(2).zip(&lengths).enumerate() {
        assert_eq!(ends[0] % PAGE, 0, "part {index} begins within a page");
        assert!(ends[0] + len <= ends[1], "part {index} reaches into the next");
        assert_eq!(ends[1] - ends[0], parts[index], "length of part {index}");
    }
    // Every record of every section, by its number, is in one place and begins a cache line.
    let mut number = 0;
    for section in &geometry.sections {
        assert_eq!(section.first_record, number);
        number += section.capacity as u32;
        assert_eq!(section.shape.stride() % 8, 0);
        let (found, place) = geometry.locate(section.first_record).unwrap();
        assert_eq!((found.kind, place), (section.kind, 0));
        let (found, place) = geometry.locate(number - 1).unwrap();
        assert_eq!((found.kind, place), (section.kind, section.capacity - 1));
    }
    assert!(geometry.locate(number).is_none() && geometry.locate(u32::MAX).is_none());
    // The directory is at most half full.
    assert!(geometry.directory_entries.is_power_of_two());
    assert!(number as usize * 2 <= geometry.directory_entries);
    assert_eq!(geometry.capacities(capacities.headroom), *capacities);
}

fn any_capacities() -> impl Strategy<Value = Capacities> {
    (prop::array::uniform6(1usize..20_000), 6u32..20, 0usize..10_000).prop_map(
        |(records, journal, headroom)| Capacities { records, journal: 1 << journal, headroom },
    )
}

proptest! {
    #[test]
    fn the_length_is_the_sum_of_its_parts(
        capacities in any_capacities(),
        schema_len in 1usize..200_000,
    ) {
        prop_assert_eq!(capacities.check(), Ok(()));
        check(&tiny::profile(), schema_len, &capacities);
    }
}

#[test]
fn that_of_the_builtin_profiles_too() {
    for name in Profile::builtin_names() {
        let profile = Profile::builtin(name).unwrap();
        let defaults = Capacities::default();
        assert_eq!(defaults.check(), Ok(()));
        check(&profile, profile.to_json().len(), &defaults);
        check(&profile, profile.to_json().len(), &defaults.with(Kind::User, 1));
        check(&profile, profile.to_json().len(), &Capacities { headroom: 0, ..defaults });
    }
}

#[test]
fn the_largest_region_overflows_nothing() {
    let most = driftshm_layout::geometry::MAX_CAPACITY;
    let largest = Capacities { records: [most; 6], journal: 1 << 28, headroom: 1 << 20 };
    assert_eq!(largest.check(), Ok(()));
    check(&Profile::builtin("drift-v2").unwrap(), 256 * 1024, &largest);
}

#[test]
fn impossible_capacities_say_what_is_allowed() {
    let wrong = |change: &dyn Fn(&mut Capacities)| {
        let mut capacities = Capacities::default();
        change(&mut capacities);
        capacities.check().unwrap_err()
    };
    let says = [
        (wrong(&|c| c.records[0] = 0), "perp_market capacity is 0, allowed are 1 to 4194304"),
        (wrong(&|c| c.records[5] = 1 << 23), "state capacity is 8388608"),
        (wrong(&|c| c.journal = 32), "powers of two from 64"),
        (wrong(&|c| c.journal = 65), "powers of two from 64"),
        (wrong(&|c| c.journal = 1 << 29), "powers of two from 64"),
        (wrong(&|c| c.headroom = (1 << 20) + 1), "allowed are 0 to 1048576"),
    ];
    for (error, expected) in says {
        assert!(error.contains(expected), "{error}");
    }
}
