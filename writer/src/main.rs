//! `driftshm`: see `commands`.

mod heap;

use std::process::ExitCode;

fn main() -> ExitCode {
    heap::share_one_arena();
    driftshm_writer::commands::main(std::env::args_os().collect())
}
