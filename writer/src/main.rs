//! `driftshm`: see `commands`.

use std::process::ExitCode;

fn main() -> ExitCode {
    driftshm_writer::commands::main(std::env::args_os().collect())
}
