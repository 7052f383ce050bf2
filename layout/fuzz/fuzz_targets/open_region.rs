//! Opens what the fuzzer makes of a region, reads everything in it and lets a writer take it over.
//!
//! `cargo +nightly fuzz run open_region` in `layout/`. An input is a list of changes to a sound
//! region, or a file's content: see `layout/tests/support/smash.rs`. The same function runs over
//! the corpus in the ordinary tests.
#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;

#[path = "../../tests/support/mod.rs"]
mod support;

fuzz_target!(|input: &[u8]| {
    static SMASHER: OnceLock<support::smash::Smasher> = OnceLock::new();
    SMASHER.get_or_init(support::smash::Smasher::new).run(input);
});
