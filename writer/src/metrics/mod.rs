//! `--metrics-listen`: Prometheus metrics, health and readiness over HTTP.
//!
//! ```text
//!   publisher ──► region ──(a reader's mapping)──► thread "metrics": samples every 100 ms ─► readiness
//!       ▲                                              │
//!       └── one question at a time, answered in its ───┴── one page at a time ◄── HTTP, a request
//!           own time, or not waited for                    for all who ask        a connection
//! ```
//! The thread has a runtime of its own: whatever scrapers do, it is this thread that they do it to.

mod answer;
mod page;
mod process;
mod server;
mod watch;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use tokio::sync::oneshot;

use self::watch::Watch;
use crate::control::Figures;
use crate::publisher::panic_text;

/// A tenth of the weight of other threads, which is plenty for a page now and then.
const NICE: i32 = 10;

/// Until it is dropped, metrics are served.
pub struct Guard {
    _stop: oneshot::Sender<()>,
}

/// Binds the address and serves it.
pub fn start(
    address: SocketAddr,
    dir: &Path,
    figures: Figures,
) -> io::Result<(Guard, JoinHandle<()>)> {
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    // Port 0 is any that is free.
    let bound = listener.local_addr()?;
    let watch = Arc::new(Watch::new(dir, figures));
    let (_stop, stopped) = oneshot::channel();
    let thread = std::thread::Builder::new().name("metrics".into()).spawn(move || {
        match catch_unwind(AssertUnwindSafe(|| run(listener, watch, stopped))) {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "metrics are not served; all else goes on"),
            Err(panic) => {
                let panic = panic_text(panic.as_ref());
                tracing::error!(panic, "metrics are served no more; all else goes on");
            }
        }
    })?;
    tracing::info!(url = %format_args!("http://{bound}/metrics"), "serving metrics");
    Ok((Guard { _stop }, thread))
}

/// Where processors are scarce the publisher comes first, and bots do.
fn come_last() {
    use rustix::process::setpriority_process;
    // Linux keeps it by thread.
    if let Err(error) = setpriority_process(Some(rustix::thread::gettid()), NICE) {
        tracing::debug!(%error, "the metrics' thread keeps its priority");
    }
}

fn run(listener: TcpListener, watch: Arc<Watch>, stopped: oneshot::Receiver<()>) -> io::Result<()> {
    come_last();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        tokio::select! {
            _ = stopped => {}
            () = watch.sample() => {}
            () = server::serve(&listener, &watch) => {}
        }
        Ok(())
    })
}
