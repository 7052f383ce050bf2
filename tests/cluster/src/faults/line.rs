//! The faults in force on one protocol.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use driftshm_layout::Pubkey;
use tokio::sync::watch;

use super::Fault;
use crate::net::Holder;
use crate::protocol::Protocol;

/// What new connections meet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Net {
    pub refuse: bool,
    pub half_open: bool,
    pub eof: bool,
}

/// What happens to what the streams are told.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shape {
    pub silence: bool,
    pub stall: bool,
    pub slots_back: u64,
    pub duplicate: bool,
    reorder: Option<Option<Pubkey>>,
}

impl Shape {
    /// Whether this account's updates are to overtake each other.
    pub fn reorders(&self, pubkey: &Pubkey) -> bool {
        self.reorder.is_some_and(|only| only.is_none_or(|only| only == *pubkey))
    }
}

/// What is wrong with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mangle {
    Malformed,
    Truncated,
    Oversized(usize),
    BadBase64,
}

/// Refused for coming too often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooMany {
    pub retry_after_s: Option<u64>,
}

#[derive(Debug, Default)]
struct Active {
    net: Net,
    shape: Shape,
    black_hole: bool,
    too_many: Option<(TooMany, Option<u64>)>,
    mangle: Option<(Mangle, Option<u64>)>,
    /// The slot that RPC sees no further than.
    stalled_at: Option<u64>,
}

/// One protocol's faults, and the levers they pull.
#[derive(Debug)]
pub(crate) struct Line {
    protocol: Protocol,
    active: Mutex<Active>,
    net: watch::Sender<Net>,
    silent: watch::Sender<bool>,
    cut: watch::Sender<u64>,
    holder: Arc<Holder>,
}

impl Line {
    pub fn new(protocol: Protocol) -> Arc<Self> {
        Arc::new(Self {
            protocol,
            active: Mutex::default(),
            net: watch::Sender::default(),
            silent: watch::Sender::default(),
            cut: watch::Sender::default(),
            holder: Arc::default(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Active> {
        self.active.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// What holds back the bytes of connections.
    pub fn holder(&self) -> &Arc<Holder> {
        &self.holder
    }

    /// What new connections meet, as it changes.
    pub fn net(&self) -> watch::Receiver<Net> {
        self.net.subscribe()
    }

    /// Changes when connections are to end.
    pub fn cuts(&self) -> watch::Receiver<u64> {
        self.cut.subscribe()
    }

    /// Ends all connections.
    pub fn cut(&self) {
        self.cut.send_modify(|count| *count += 1);
    }

    /// Waits while requests get no answer.
    pub async fn while_silent(&self) {
        let mut silent = self.silent.subscribe();
        // The sender lives as long as `self`.
        let _ = silent.wait_for(|silent| !silent).await;
    }

    /// What happens to what the streams are told.
    pub fn shape(&self) -> Shape {
        self.lock().shape.clone()
    }

    /// The slot beyond which RPC sees nothing.
    pub fn stalled_at(&self) -> Option<u64> {
        self.lock().stalled_at
    }

    /// Slots that RPC is behind because slots went back.
    pub fn slots_back(&self) -> u64 {
        self.lock().shape.slots_back
    }

    /// Whether the next request is one too many.
    pub fn too_many(&self) -> Option<TooMany> {
        take(&mut self.lock().too_many)
    }

    /// What is wrong with the next message.
    pub fn mangle(&self) -> Option<Mangle> {
        take(&mut self.lock().mangle)
    }

    /// Puts a fault in force, as far as it is a matter of protocols. `slot` is the newest.
    pub fn apply(&self, fault: &Fault, slot: u64) {
        let mut active = self.lock();
        match *fault {
            Fault::TooManyRequests { retry_after_s, count } => {
                active.too_many = Some((TooMany { retry_after_s }, count));
            }
            Fault::Refuse { keep_connections } => {
                active.net.refuse = true;
                if !keep_connections {
                    self.cut();
                }
            }
            Fault::HalfOpen {} => active.net.half_open = true,
            Fault::Eof {} => active.net.eof = true,
            Fault::BlackHole {} => active.black_hole = true,
            Fault::Silence {} => active.shape.silence = true,
            Fault::Stall {} => {
                active.shape.stall = true;
                active.stalled_at = Some(slot);
            }
            Fault::Reorder { pubkey } => active.shape.reorder = Some(pubkey),
            Fault::Duplicate {} => active.shape.duplicate = true,
            Fault::SlotsBack { by } => active.shape.slots_back = by,
            Fault::Malformed { count } => active.mangle = Some((Mangle::Malformed, count)),
            Fault::Truncated { count } => active.mangle = Some((Mangle::Truncated, count)),
            Fault::Oversized { bytes, count } => {
                active.mangle = Some((Mangle::Oversized(bytes), count));
            }
            // Yellowstone's accounts are bytes.
            Fault::BadBase64 { .. } if self.protocol == Protocol::Grpc => {}
            Fault::BadBase64 { count } => active.mangle = Some((Mangle::BadBase64, count)),
            Fault::Cut {} => self.cut(),
            Fault::Halt {}
            | Fault::Skip { .. }
            | Fault::RpcLag { .. }
            | Fault::Orphan { .. }
            | Fault::Restart { .. }
            | Fault::Close { .. }
            | Fault::Reopen { .. }
            | Fault::Grow { .. } => {}
        }
        self.pull(&active);
    }

    /// Ends a fault; without one, all.
    pub fn heal(&self, fault: Option<&Fault>) {
        let mut active = self.lock();
        match fault {
            None => *active = Active::default(),
            Some(Fault::TooManyRequests { .. }) => active.too_many = None,
            Some(Fault::Refuse { .. }) => active.net.refuse = false,
            Some(Fault::HalfOpen {}) => active.net.half_open = false,
            Some(Fault::Eof {}) => active.net.eof = false,
            Some(Fault::BlackHole {}) => active.black_hole = false,
            Some(Fault::Silence {}) => active.shape.silence = false,
            Some(Fault::Stall {}) => {
                active.shape.stall = false;
                active.stalled_at = None;
            }
            Some(Fault::Reorder { .. }) => active.shape.reorder = None,
            Some(Fault::Duplicate {}) => active.shape.duplicate = false,
            Some(Fault::SlotsBack { .. }) => active.shape.slots_back = 0,
            Some(
                Fault::Malformed { .. }
                | Fault::Truncated { .. }
                | Fault::Oversized { .. }
                | Fault::BadBase64 { .. },
            ) => active.mangle = None,
            Some(_) => {}
        }
        self.pull(&active);
    }

    fn pull(&self, active: &Active) {
        self.net.send_replace(active.net);
        self.silent.send_replace(active.shape.silence);
        self.holder.hold(active.black_hole);
    }
}

/// What is there, for as many times as it says.
fn take<T: Copy>(slot: &mut Option<(T, Option<u64>)>) -> Option<T> {
    let (what, left) = slot.as_mut()?;
    let what = *what;
    match left {
        Some(0) => {
            *slot = None;
            None
        }
        Some(left) => {
            *left -= 1;
            Some(what)
        }
        None => Some(what),
    }
}
