//! The accounts that the chain begins with, and those who change them.

mod file;
mod oracle;
mod sim;

pub(crate) use file::load;
pub(crate) use sim::Simulation;
