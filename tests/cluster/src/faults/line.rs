//! The faults in force on one protocol.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use driftshm_layout::Pubkey;
use http::StatusCode;
use tokio::sync::watch;

use super::Fault;
use crate::chain::SlotEvent;
use crate::commitment::Commitment;
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
    omit: Option<Commitment>,
    reorder: Option<Option<Pubkey>>,
}

impl Shape {
    /// Whether a slot's news are not told.
    pub fn omits(&self, event: SlotEvent) -> bool {
        let reached = match event {
            SlotEvent::Processed => Commitment::Processed,
            SlotEvent::Confirmed => Commitment::Confirmed,
            SlotEvent::Finalized => Commitment::Finalized,
            _ => return false,
        };
        self.omit == Some(reached)
    }

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

/// Refused by HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub status: StatusCode,
    pub retry_after_s: Option<u64>,
    /// It is said in JSON only; HTTP has no objection.
    pub in_json: bool,
}

impl Refusal {
    /// Whether it is for coming too often.
    pub fn is_too_many(&self) -> bool {
        self.status == StatusCode::TOO_MANY_REQUESTS
    }
}

#[derive(Debug, Default)]
struct Active {
    net: Net,
    shape: Shape,
    black_hole: bool,
    refusal: Option<(Refusal, Option<u64>)>,
    grpc_status: Option<(i32, Option<u64>)>,
    refused_method: Option<String>,
    key_limit: Option<usize>,
    slow: Duration,
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
    ends: watch::Sender<u64>,
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
            ends: watch::Sender::default(),
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

    /// Changes when streams are to end in good order.
    pub fn ends(&self) -> watch::Receiver<u64> {
        self.ends.subscribe()
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

    /// Whether the next request is refused, and how.
    pub fn refusal(&self) -> Option<Refusal> {
        take(&mut self.lock().refusal)
    }

    /// Whether the next stream ends at once, and how.
    pub fn grpc_status(&self) -> Option<i32> {
        take(&mut self.lock().grpc_status)
    }

    /// Whether there is such a method.
    pub fn has_method(&self, method: &str) -> bool {
        self.lock().refused_method.as_deref() != Some(method)
    }

    /// How many accounts can be asked for at once, if fewer than usual.
    pub fn key_limit(&self) -> Option<usize> {
        self.lock().key_limit
    }

    /// Waits as long as answers take.
    pub async fn linger(&self) {
        let slow = self.lock().slow;
        if !slow.is_zero() {
            tokio::time::sleep(slow).await;
        }
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
                let status = StatusCode::TOO_MANY_REQUESTS;
                active.refusal = Some((Refusal { status, retry_after_s, in_json: false }, count));
            }
            // Of the protocols, this one answers in JSON.
            Fault::RateLimitInJson { .. } if self.protocol != Protocol::Rpc => {}
            Fault::RateLimitInJson { count } => {
                let status = StatusCode::TOO_MANY_REQUESTS;
                let refusal = Refusal { status, retry_after_s: None, in_json: true };
                active.refusal = Some((refusal, count));
            }
            Fault::HttpStatus { status, count } => {
                let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
                let refusal = Refusal { status, retry_after_s: None, in_json: false };
                active.refusal = Some((refusal, count));
            }
            Fault::GrpcStatus { code, count } => active.grpc_status = Some((code, count)),
            Fault::RefuseMethod { ref method } => active.refused_method = Some(method.clone()),
            Fault::KeyLimit { keys } => active.key_limit = Some(keys),
            Fault::Slow { ms } => active.slow = Duration::from_millis(ms),
            Fault::OmitStatus { status } => active.shape.omit = Some(status),
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
            Fault::EndStreams {} => self.ends.send_modify(|count| *count += 1),
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
            Some(
                Fault::TooManyRequests { .. }
                | Fault::RateLimitInJson { .. }
                | Fault::HttpStatus { .. },
            ) => active.refusal = None,
            Some(Fault::GrpcStatus { .. }) => active.grpc_status = None,
            Some(Fault::RefuseMethod { .. }) => active.refused_method = None,
            Some(Fault::KeyLimit { .. }) => active.key_limit = None,
            Some(Fault::Slow { .. }) => active.slow = Duration::ZERO,
            Some(Fault::OmitStatus { .. }) => active.shape.omit = None,
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
