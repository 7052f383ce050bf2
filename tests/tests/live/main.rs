//! The live feeds as a whole: a real writer, a cluster in miniature, real sockets, and the region
//! read as a bot reads it.
//!
//! These tests wait more than they work, so more of them run at a time than there are cores.
//! `cargo test --test live -- faults::ws` runs those whose names begin so; `-- --list` lists them.

mod bad_input;
mod changes;
mod commitment;
mod faults;
mod follow;
mod honest;
mod losses;
mod memory;
mod picked_up;
mod providers;
mod pulse;
mod recorded;
mod requests;
mod soak;
mod support;
mod users;

use libtest_mimic::{Arguments, Trial};

/// How many run at a time, unless `--test-threads` says otherwise.
const SIDE_BY_SIDE: usize = 12;

fn main() {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(SIDE_BY_SIDE);
    // What takes longest comes first.
    let trials = [
        memory::trials(),
        requests::trials(),
        pulse::trials(),
        honest::trials(),
        losses::trials(),
        providers::trials(),
        faults::trials(),
        commitment::trials(),
        changes::trials(),
        follow::trials(),
        bad_input::trials(),
        picked_up::trials(),
        users::trials(),
        recorded::trials(),
    ];
    let trials: Vec<Trial> = trials.into_iter().flatten().collect();
    let together = libtest_mimic::run(&arguments, trials);
    if together.has_failed() {
        together.exit();
    }
    // Its rate is to be reached: by itself, it is.
    libtest_mimic::run(&arguments, soak::trials()).exit();
}

/// A test, of that name, that fails by panicking.
fn trial(name: impl Into<String>, run: impl FnOnce() + Send + 'static) -> Trial {
    Trial::test(name, move || {
        run();
        Ok(())
    })
}
