//! The command line as a user meets it: real processes.

mod live;
mod reading;
#[cfg(feature = "live")]
mod settings;
mod support;
mod texts;
