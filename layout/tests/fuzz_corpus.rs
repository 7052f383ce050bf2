//! The fuzz target's function over its corpus, and over inputs from a generator with a fixed seed.
#![cfg(not(driftshm_loom))]

mod support;

use std::path::Path;
use std::time::Duration;

use support::rng::Rng;
use support::smash::{Smasher, random_input};
use support::watchdog;

#[test]
fn the_corpus_breaks_nothing() {
    watchdog::within(Duration::from_secs(600), || {
        let smasher = Smasher::new();
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/open_region");
        let mut inputs = 0;
        for entry in std::fs::read_dir(&corpus).unwrap() {
            let path = entry.unwrap().path();
            println!("{}", path.display());
            smasher.run(&std::fs::read(path).unwrap());
            inputs += 1;
        }
        assert!(inputs >= 8, "{inputs} inputs in {}", corpus.display());
    });
}

#[test]
fn five_thousand_damaged_regions_break_nothing() {
    watchdog::within(Duration::from_secs(600), || {
        let smasher = Smasher::new();
        let mut rng = Rng(0x5eed_0006);
        let mut opened = 0;
        for case in 0..5000 {
            let input = random_input(&mut rng, smasher.words());
            let outcome = std::panic::catch_unwind(|| smasher.run(&input));
            opened += usize::from(outcome.unwrap_or_else(|_| panic!("case {case}: {input:?}")));
        }
        // Both what opens and what does not must be among them.
        assert!((1000..4500).contains(&opened), "{opened}");
    });
}
