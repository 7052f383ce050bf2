//! drift-rs beside driftshm: a second, independent opinion on accounts and addresses.
//!
//! drift-rs calls the program's own code through a library, `libdrift_ffi_sys`, that is built with
//! a compiler of its own (1.76) from sources that its crate does not carry. Here an empty archive
//! stands in for it (`no-ffi`, named in `.cargo/config.toml`), and the one function of it that the
//! tests reach is [`price::oracle_get_oracle_price`], with driftshm's decoder behind it.
#![warn(missing_docs)]
#![deny(unsafe_op_in_unsafe_fn, clippy::undocumented_unsafe_blocks)]

pub mod price;
