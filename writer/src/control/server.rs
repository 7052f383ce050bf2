//! Accepting clients.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use driftshm_layout::control::ErrorCode;
use tokio::sync::oneshot;
use tokio_seqpacket::UnixSeqpacket;

use super::connection;
use super::figures::Figures;
use super::limits::{Allow, Limits, Permit, Tally};
use super::listener::{Listener, socket_mode};
use super::publisher_link::PublisherLink;
use super::refuse::Refusals;
use super::wire::Buffer;
use crate::publisher::{Home, Throttle};
use crate::recording::{RecorderOptions, Recordings};

/// After an `accept` that failed (no descriptors left, most likely): the client still waits, and
/// trying again at once would be a busy loop.
const PAUSE: Duration = Duration::from_millis(100);
/// How often the socket's file is looked after.
const LOOK_AFTER: Duration = Duration::from_secs(1);
/// How long a client waits for a place before it is turned away: those of bots that are gone come
/// back as soon as the writer gets round to it.
const WAIT_FOR_PLACE: Duration = Duration::from_millis(250);

/// What the control socket needs to know.
#[derive(Debug, Clone)]
pub struct ServerOptions {
    /// The region's directory.
    pub dir: PathBuf,
    /// The region's mode, from which the socket's follows.
    pub mode: u32,
    /// How much clients may ask for.
    pub limits: Limits,
    /// Who may connect.
    pub allow: Allow,
    /// See `Region::generation`.
    pub generation: u64,
    /// What clients that record get.
    pub recorder: RecorderOptions,
}

/// What all connections have in common.
#[derive(Clone)]
pub(super) struct Shared {
    pub publisher: PublisherLink,
    pub buffer: Buffer,
    pub tally: Tally,
    pub generation: u64,
    pub recorder: RecorderOptions,
    pub recordings: Recordings,
    subscriptions: Arc<AtomicU64>,
}

impl Shared {
    /// A number that no subscription of this writer has had.
    pub fn next_id(&self) -> u64 {
        self.subscriptions.fetch_add(1, Ordering::Relaxed) + 1
    }
}

/// The control socket, bound.
pub struct Server {
    options: ServerOptions,
    listener: Listener,
    shared: Shared,
    refusals: Refusals,
    own_uid: u32,
    accept_failed: Throttle,
    bind_failed: Throttle,
}

impl Server {
    /// Binds the socket; clients may connect, and are served once [`Server::run`] runs. To be
    /// called in tokio's context, by who holds the directory's lock.
    pub fn bind(options: ServerOptions, publisher: PublisherLink) -> io::Result<Self> {
        let listener = Listener::bind(&options.dir, socket_mode(options.mode))?;
        let shared = Shared {
            publisher,
            buffer: Buffer::new(),
            tally: Tally::new(within_descriptors(options.limits)),
            generation: options.generation,
            recorder: options.recorder.clone(),
            recordings: Recordings::default(),
            subscriptions: Arc::default(),
        };
        Ok(Self {
            options,
            listener,
            shared,
            refusals: Refusals::new(),
            own_uid: rustix::process::geteuid().as_raw(),
            accept_failed: Throttle::minutely(),
            bind_failed: Throttle::minutely(),
        })
    }

    /// The recordings that go to clients.
    pub fn recordings(&self) -> Recordings {
        self.shared.recordings.clone()
    }

    /// A way to the figures that clients get, for others in this process.
    pub fn figures(&self) -> Figures {
        Figures::new(self.shared.publisher.clone(), self.shared.tally.clone())
    }

    /// Accepts clients until `stop` comes or its sender is dropped, then takes the socket's name
    /// away. Connections are tasks of their own and last as long as the runtime.
    pub async fn run(mut self, home: Arc<Home>, mut stop: oneshot::Receiver<()>) {
        let mut look_after = tokio::time::interval(LOOK_AFTER);
        loop {
            tokio::select! {
                accepted = self.listener.accept() => match accepted {
                    Ok(socket) => self.admit(socket),
                    Err(error) => {
                        if let Some(times) = self.accept_failed.happened() {
                            tracing::warn!(%error, times, "cannot accept a bot's connection");
                        }
                        tokio::time::sleep(PAUSE).await;
                    }
                },
                () = home.made_anew() => self.look_after(&home),
                _ = look_after.tick() => self.look_after(&home),
                _ = &mut stop => break,
            }
        }
        self.listener.remove();
    }

    /// Binds anew if the socket's file was removed, unless the directory is another writer's by
    /// now. Connections stay.
    fn look_after(&mut self, home: &Home) {
        if self.listener.is_there() || !home.is_ours() {
            return;
        }
        match Listener::bind(&self.options.dir, socket_mode(self.options.mode)) {
            Ok(listener) => {
                tracing::warn!("the control socket's file was removed; made it anew");
                self.listener = listener;
            }
            Err(error) => {
                if let Some(times) = self.bind_failed.happened() {
                    tracing::error!(%error, times, "cannot make the lost control socket anew");
                }
            }
        }
    }

    fn admit(&self, socket: UnixSeqpacket) {
        match self.judge(&socket) {
            Ok(uid) => match self.shared.tally.connection(uid) {
                Ok(permit) => serve(socket, self.shared.clone(), permit),
                Err(why) => self.let_wait(socket, uid, why),
            },
            Err(why) => {
                let Some(refusal) = self.refusals.begin() else { return };
                let buffer = self.shared.buffer.clone();
                tokio::spawn(refusal.tell(socket, buffer, ErrorCode::NotAllowed, why));
            }
        }
    }

    /// The client's uid, if it may connect at all.
    fn judge(&self, socket: &UnixSeqpacket) -> Result<u32, String> {
        let Ok(peer) = socket.peer_cred() else {
            return Err("the system does not say who you are".to_owned());
        };
        let (uid, gid) = (peer.uid(), peer.gid());
        match self.options.allow.allows(uid, gid, self.own_uid) {
            true => Ok(uid),
            false => Err(format!(
                "uid {uid} with gid {gid} is on neither list of the writer: start it with \
                 --allow-uid {uid} or --allow-gid {gid} too"
            )),
        }
    }

    /// Serves a client for whom there is no place, if one comes back in time.
    fn let_wait(&self, socket: UnixSeqpacket, uid: u32, why: String) {
        let Some(refusal) = self.refusals.begin() else { return };
        let shared = self.shared.clone();
        tokio::spawn(async move {
            let place = shared.tally.connection_in_time(uid);
            match tokio::time::timeout(WAIT_FOR_PLACE, place).await {
                Ok(permit) => serve(socket, shared, permit),
                Err(_) => refusal.tell(socket, shared.buffer, ErrorCode::TooMany, why).await,
            }
        });
    }
}

fn serve(socket: UnixSeqpacket, shared: Shared, permit: Permit) {
    tokio::spawn(connection::serve(socket, shared, permit));
}

/// Half of the process's open files at most: the others are for connections, and all else.
fn within_descriptors(limits: Limits) -> Limits {
    use rustix::process::{Resource, getrlimit};
    let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let half = usize::try_from(files / 2).unwrap_or(usize::MAX);
    Limits { subscriptions_in_all: limits.subscriptions_in_all.min(half), ..limits }
}
