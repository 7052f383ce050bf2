//! A writer that the test plays by hand: its region, and as much of its control socket as a
//! subscription needs.

use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use driftshm_layout::control::{
    Filter, Item, Request, Response, SUBSCRIBER_PAGE, Subscription, new_eventfd,
};
use driftshm_layout::header::ABI_VERSION;
use driftshm_layout::mapping::Mapping;
use driftshm_layout::notify::Page;
use driftshm_layout::{AccountUpdate, Region, RegionWriter, dir, notify};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
use rustix::net::{
    AddressFamily, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketAddrUnix,
    SocketFlags, SocketType,
};
use rustix::pipe::{PipeFlags, pipe_with};

use crate::support::tiny;

/// Nothing that must happen takes longer.
pub const WATCHDOG: Duration = Duration::from_secs(10);

/// The publisher's side of a subscription.
struct Signal {
    page: Mapping,
    doorbell: OwnedFd,
}

/// A writer that rings whom the test wants to be rung.
pub struct Writer {
    pub region: RegionWriter,
    looked_up_to: u64,
    signals: Arc<Mutex<Vec<Signal>>>,
    stop: OwnedFd,
    server: Option<JoinHandle<()>>,
}

impl Writer {
    /// Takes the directory over, or makes a new region there.
    pub fn start(place: &Path) -> Self {
        Self::start_on(listen(place), place, 0)
    }

    /// The same on a socket that is there already; hangs up on the first so many who connect,
    /// without having listened to them.
    pub fn start_on(listener: OwnedFd, place: &Path, hang_ups: usize) -> Self {
        let region = tiny::writer(place);
        region.set_live();
        let signals = Arc::default();
        let stop = new_eventfd().unwrap();
        let server = {
            let (signals, generation) = (Arc::clone(&signals), region.region().generation());
            let stop = stop.try_clone().unwrap();
            std::thread::spawn(move || serve(&listener, &stop, &signals, generation, hang_ups))
        };
        Self { region, looked_up_to: 0, signals, stop, server: Some(server) }
    }

    /// One batch of the publisher, which concerns all subscriptions.
    pub fn publish(&mut self, updates: &[AccountUpdate<'_>]) {
        self.publish_to(true, updates);
    }

    /// One batch, which concerns none of them.
    pub fn publish_elsewhere(&mut self, updates: &[AccountUpdate<'_>]) {
        self.publish_to(false, updates);
    }

    fn publish_to(&mut self, all: bool, updates: &[AccountUpdate<'_>]) {
        for update in updates {
            tiny::version_of(self.region.apply(update));
        }
        let head = self.region.region().journal_head();
        let since = std::mem::replace(&mut self.looked_up_to, head);
        notify::after_append();
        for signal in self.signals.lock().unwrap().iter().filter(|_| all) {
            if Page::new(signal.page.words()).unwrap().ring(since) {
                // Of a bot that is gone, perhaps.
                let _ = rustix::io::write(&signal.doorbell, &[1]);
            }
        }
    }
}

/// As by SIGKILL: connections end, the lock is free, and the region says nothing of it.
impl Drop for Writer {
    fn drop(&mut self) {
        rustix::io::write(&self.stop, &1u64.to_ne_bytes()).unwrap();
        self.server.take().unwrap().join().unwrap();
    }
}

/// The directory's control socket, on which nobody accepts yet.
pub fn listen(place: &Path) -> OwnedFd {
    let path = dir::socket_path(place);
    let _ = std::fs::remove_file(&path);
    let listener = seqpacket(SocketFlags::empty());
    rustix::net::bind(&listener, &SocketAddrUnix::new(&path).unwrap()).unwrap();
    rustix::net::listen(&listener, 8).unwrap();
    listener
}

/// Connections to it, until it has room for no more.
pub fn fill(place: &Path) -> Vec<OwnedFd> {
    let address = SocketAddrUnix::new(dir::socket_path(place)).unwrap();
    let connect = || {
        let bot = seqpacket(SocketFlags::NONBLOCK);
        rustix::net::connect(&bot, &address).map(|()| bot)
    };
    std::iter::from_fn(|| connect().ok()).collect()
}

fn seqpacket(flags: SocketFlags) -> OwnedFd {
    let flags = flags | SocketFlags::CLOEXEC;
    rustix::net::socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None).unwrap()
}

/// Serves all connections but the first few until it is told to stop.
fn serve(
    listener: &OwnedFd,
    stop: &OwnedFd,
    signals: &Mutex<Vec<Signal>>,
    generation: u64,
    mut hang_ups: usize,
) {
    let mut bots: Vec<OwnedFd> = Vec::new();
    loop {
        let all = [stop, listener].into_iter().chain(&bots);
        let mut fds: Vec<_> = all.map(|fd| PollFd::new(fd, PollFlags::IN)).collect();
        poll(&mut fds, None).unwrap();
        let ready: Vec<_> = fds.iter().map(|fd| !fd.revents().is_empty()).collect();
        if ready[0] {
            return;
        }
        let mut talking = ready[2..].iter();
        bots.retain(|bot| !talking.next().unwrap() || answer(bot, signals, generation));
        if ready[1] {
            let bot = rustix::net::accept(listener).unwrap();
            match hang_ups.checked_sub(1) {
                Some(left) => hang_ups = left,
                None => bots.push(bot),
            }
        }
    }
}

/// Answers one request; false if the bot is gone.
fn answer(bot: &OwnedFd, signals: &Mutex<Vec<Signal>>, generation: u64) -> bool {
    let mut buffer = vec![0; 1 << 16];
    // A reset is an end, too.
    let len = rustix::net::recv(bot, &mut buffer, RecvFlags::empty()).map_or(0, |(len, _)| len);
    if len == 0 {
        return false;
    }
    let version = "0".to_owned();
    match serde_json::from_slice(&buffer[..len]).unwrap() {
        Request::Hello { .. } => {
            let hello = Response::Hello { abi: ABI_VERSION, version, generation };
            send(bot, &hello, &[]);
        }
        Request::Subscribe(_) => {
            let memfd = memfd_create("subscriber", MemfdFlags::CLOEXEC).unwrap();
            ftruncate(&memfd, SUBSCRIBER_PAGE as u64).unwrap();
            let page = Mapping::writable(File::from(memfd.try_clone().unwrap())).unwrap();
            let flags = PipeFlags::CLOEXEC | PipeFlags::NONBLOCK;
            let (theirs, doorbell) = pipe_with(flags).unwrap();
            signals.lock().unwrap().push(Signal { page, doorbell });
            send(bot, &Response::Subscribed { id: 1 }, &[&theirs, &memfd]);
        }
        _ => send(bot, &Response::Done, &[]),
    }
    true
}

fn send(bot: &OwnedFd, response: &Response, fds: &[&OwnedFd]) {
    let text = serde_json::to_vec(response).unwrap();
    let fds: Vec<_> = fds.iter().map(|fd| fd.as_fd()).collect();
    let mut space = [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    if !fds.is_empty() {
        assert!(ancillary.push(SendAncillaryMessage::ScmRights(&fds)));
    }
    let slices = [std::io::IoSlice::new(&text)];
    rustix::net::sendmsg(bot, &slices, &mut ancillary, SendFlags::NOSIGNAL).unwrap();
}

/// A bot's subscription on a region as it is at the path now.
pub fn subscribe(place: &Path, filter: &Filter, conflate: bool) -> Subscription {
    let region = Arc::new(Region::open(place).unwrap());
    Subscription::new(place, region, filter, conflate, WATCHDOG).unwrap()
}

/// What a bot gets that looks only when it is woken; empty if it is not woken in time.
pub fn woken(changes: &mut Subscription, within: Duration) -> Vec<Item> {
    let deadline = std::time::Instant::now() + within;
    let mut items = Vec::new();
    loop {
        let left = deadline.saturating_duration_since(std::time::Instant::now());
        if left.is_zero() || !changes.wait(Some(left)).unwrap() {
            return items;
        }
        changes.drain(100, &mut items);
        if !items.is_empty() {
            return items;
        }
    }
}
