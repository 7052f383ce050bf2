//! The command line as a user meets it: real processes.

mod live;
mod reading;
mod settings;
mod support;
mod texts;
