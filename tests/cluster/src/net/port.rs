//! A port that can be closed and opened again.

use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::gate::Gate;
use crate::counters::Counters;
use crate::faults::Line;

/// Connections that may wait to be accepted.
const BACKLOG: u32 = 1024;

/// A server's port. It is closed when this is dropped, and all connections with it.
#[derive(Debug)]
pub(crate) struct Listening {
    pub addr: SocketAddr,
    task: JoinHandle<()>,
    state: watch::Receiver<Result<bool, String>>,
    /// Bound, never listening: the port stays ours while nobody listens on it, and connections
    /// are refused.
    _reserved: TcpSocket,
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Listening {
    /// Waits until the port is open, or closed. The error says why it cannot be opened.
    pub async fn is(&self, open: bool) -> Result<(), String> {
        let mut state = self.state.clone();
        let reached =
            state.wait_for(|state| state.as_ref().is_ok_and(|is| *is == open) || state.is_err());
        match reached.await {
            Ok(state) => state.clone().map(|_| ()),
            Err(_) => Err("the server has ended".to_owned()),
        }
    }
}

fn bind(addr: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(addr)?;
    Ok(socket)
}

/// Serves connections on a port of this host (0: any that is free) with `serve`, one task each.
pub(crate) fn listen<F>(
    port: u16,
    line: &Arc<Line>,
    counters: &Arc<Counters>,
    serve: impl Fn(Gate<TcpStream>) -> F + Send + Sync + 'static,
) -> io::Result<Listening>
where
    F: Future<Output = ()> + Send + 'static,
{
    let reserved = bind((Ipv4Addr::LOCALHOST, port).into())?;
    let addr = reserved.local_addr()?;
    let first = bind(addr)?.listen(BACKLOG)?;
    let (sender, state) = watch::channel(Ok(true));
    let (line, counters) = (Arc::clone(line), Arc::clone(counters));
    let task = tokio::spawn(async move {
        let mut net = line.net();
        let mut listener = Some(first);
        loop {
            let open = match listener.take() {
                Some(open) => open,
                None => {
                    if net.wait_for(|net| !net.refuse).await.is_err() {
                        return;
                    }
                    match bind(addr).and_then(|socket| socket.listen(BACKLOG)) {
                        Ok(open) => open,
                        Err(error) => {
                            let _ = sender.send_replace(Err(error.to_string()));
                            return;
                        }
                    }
                }
            };
            let _ = sender.send_replace(Ok(true));
            tokio::select! {
                closed = net.wait_for(|net| net.refuse) => if closed.is_err() { return },
                () = accept(&open, &line, &counters, &serve) => {}
            }
            drop(open);
            let _ = sender.send_replace(Ok(false));
        }
    });
    Ok(Listening { addr, task, state, _reserved: reserved })
}

async fn accept<F>(
    listener: &TcpListener,
    line: &Arc<Line>,
    counters: &Arc<Counters>,
    serve: &impl Fn(Gate<TcpStream>) -> F,
) where
    F: Future<Output = ()> + Send + 'static,
{
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            // Out of file descriptors, say: accepting again at once would only burn time.
            Err(_) => {
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                continue;
            }
        };
        let mut cuts = line.cuts();
        let mut net = line.net();
        let met = *net.borrow();
        if met.refuse {
            // The listener is about to be closed, and what there was has been cut already.
            continue;
        }
        let open = counters.connected(line.protocol());
        if met.eof {
            continue;
        }
        let _ = stream.set_nodelay(true);
        if met.half_open {
            tokio::spawn(async move {
                let _open = (open, stream);
                tokio::select! {
                    _ = net.wait_for(|net| !net.half_open) => {}
                    _ = cuts.changed() => {}
                }
            });
            continue;
        }
        let served = serve(Gate::new(stream, Arc::clone(line.holder())));
        tokio::spawn(async move {
            let _open = open;
            tokio::select! {
                () = served => {}
                _ = cuts.changed() => {}
            }
        });
    }
}
