//! The Rust side: `cargo bench --package driftshm-benches`, with a name to filter by.

mod directory;
mod journal;
mod notify;
mod publish;
mod read;

fn main() {
    divan::main();
}
