//! Listeners and connections, and the faults below the protocols.

mod gate;
mod port;

pub(crate) use gate::{Gate, Holder};
pub(crate) use port::{Listening, listen};
