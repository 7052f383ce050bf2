//! How streams ask for a snapshot.

use std::sync::Arc;

use driftshm_layout::Pubkey;
use tokio::sync::{Mutex, MutexGuard, mpsc, oneshot};

use crate::live::rpc::Rpc;

/// Accounts are to be fetched, as of this slot or later.
pub struct Request {
    pub(super) min_slot: u64,
    /// Which; `None` = everything that is followed.
    pub(super) keys: Option<Vec<Pubkey>>,
    pub(super) done: oneshot::Sender<()>,
}

/// A stream's end.
#[derive(Clone)]
pub struct Handle {
    requests: mpsc::UnboundedSender<Request>,
    rpc: Arc<Rpc>,
}

/// The task's end. It outlives the task, should that be started again.
pub struct Requests(Mutex<mpsc::UnboundedReceiver<Request>>);

impl Handle {
    /// Both ends.
    pub fn new(rpc: Arc<Rpc>) -> (Self, Requests) {
        let (requests, receiver) = mpsc::unbounded_channel();
        (Self { requests, rpc }, Requests(Mutex::new(receiver)))
    }

    /// Asks for a snapshot of these accounts, or of all; ready once all of it is on its way to the
    /// publisher. An error says that the one who was to make it has ended, and is about to be
    /// started again.
    pub fn resync(&self, min_slot: u64, keys: Option<Vec<Pubkey>>) -> oneshot::Receiver<()> {
        let (done, receiver) = oneshot::channel();
        let is_of_all = keys.is_none();
        // Nobody there drops `done`, which the receiver sees.
        let _ = self.requests.send(Request { min_slot, keys, done });
        if is_of_all {
            // The provider of a stream that is back is likely to answer again, too.
            self.rpc.try_now();
        }
        receiver
    }
}

impl Requests {
    pub(super) async fn receiver(&self) -> MutexGuard<'_, mpsc::UnboundedReceiver<Request>> {
        self.0.lock().await
    }
}
