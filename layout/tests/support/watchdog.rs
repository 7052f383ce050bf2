//! Hangs become failures.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

/// Runs `test` and panics if it panics, or if it is not done in time.
pub fn within(limit: Duration, test: impl FnOnce() + Send + 'static) {
    let (done, waiting) = channel();
    let thread = std::thread::spawn(move || {
        test();
        let _ = done.send(());
    });
    match waiting.recv_timeout(limit) {
        Err(RecvTimeoutError::Timeout) => panic!("not done after {limit:?}"),
        Ok(()) | Err(RecvTimeoutError::Disconnected) => {
            if let Err(panic) = thread.join() {
                std::panic::resume_unwind(panic);
            }
        }
    }
}
