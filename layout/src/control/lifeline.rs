//! A socket whose end means that this process is gone, also where the process has forked.
//!
//! ```text
//!   before a fork:    the list is held, so that no socket is about to get on it or off it
//!   in the parent:    it is let go
//!   in the child:     each socket on it is replaced by a descriptor of nothing
//! ```
//! A child that kept its parent's socket would keep the connection when the parent dies. It cannot
//! just close it: objects that it has inherited hold the number, which would be another file's soon.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::mem::ManuallyDrop;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::io::{DupFlags, Errno, dup3};
use rustix::net::{AddressFamily, Shutdown, SocketFlags, SocketType, shutdown, socket_with};
use rustix::process::{Pid, getpid};

use super::link::new_eventfd;

type Sockets = BTreeSet<RawFd>;

/// All that are open in this process.
static OPEN: Mutex<Sockets> = Mutex::new(Sockets::new());

thread_local! {
    /// The list, while this thread forks.
    static HELD: RefCell<Option<MutexGuard<'static, Sockets>>> = const { RefCell::new(None) };
}

fn lock() -> MutexGuard<'static, Sockets> {
    OPEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Acts on the list, also in what else runs around a fork, such as a collector of garbage.
fn with_open<T>(act: impl FnOnce(&mut Sockets) -> T) -> T {
    let held = HELD.try_with(|held| held.borrow_mut().take()).ok().flatten();
    let is_held = held.is_some();
    let mut open = held.unwrap_or_else(lock);
    let done = act(&mut open);
    if is_held {
        let _ = HELD.try_with(|held| *held.borrow_mut() = Some(open));
    }
    done
}

/// The socket of a connection to the writer.
pub(super) struct Lifeline {
    socket: OwnedFd,
    /// The process that it is of.
    pid: Pid,
}

impl Lifeline {
    /// Not connected yet.
    pub fn new() -> Result<Self, Errno> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = with_open(|open| {
            let socket = socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
            open.insert(socket.as_raw_fd());
            Ok(socket)
        })?;
        Ok(Self { socket, pid: getpid() })
    }
}

impl AsFd for Lifeline {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl Drop for Lifeline {
    fn drop(&mut self) {
        // A child that was forked past the hooks below may hold it, too: closing ours alone would
        // not tell the writer.
        if self.pid == getpid() {
            let _ = shutdown(&self.socket, Shutdown::Both);
        }
        // Before the number is free to be another one's.
        with_open(|open| open.remove(&self.socket.as_raw_fd()));
    }
}

/// To be called before each fork, by the thread that forks, and then one of the other two.
pub fn before_fork() {
    // Of a fork whose end nobody told us.
    after_fork_in_parent();
    let open = lock();
    HELD.with(|held| *held.borrow_mut() = Some(open));
}

/// To be called in the parent after each fork, also one that failed.
pub fn after_fork_in_parent() {
    HELD.with(|held| drop(held.borrow_mut().take()));
}

/// To be called in the child after each fork: its parent's connections end with its parent.
/// Subscriptions and watches that it has inherited can only be dropped.
pub fn after_fork_in_child() {
    let Some(mut open) = HELD.with(|held| held.borrow_mut().take()) else { return };
    // Without a descriptor to be had, the parent's stay open for as long as the child lives.
    let Ok(nothing) = new_eventfd() else { return };
    for socket in std::mem::take(&mut *open) {
        // SAFETY: it is on the list, so the `Lifeline` that owns it has not been dropped, and it is
        // open; what has its number afterwards is that one's to close, as before.
        let mut socket = ManuallyDrop::new(unsafe { OwnedFd::from_raw_fd(socket) });
        let _ = dup3(&nothing, &mut socket, DupFlags::CLOEXEC);
    }
}

#[cfg(test)]
mod tests {
    use rustix::net::{RecvFlags, SendFlags, recv, send, socketpair};

    use super::*;

    /// What a child does, it does to every socket of the process.
    static ALONE: Mutex<()> = Mutex::new(());

    fn alone() -> MutexGuard<'static, ()> {
        ALONE.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lifeline() -> (Lifeline, OwnedFd) {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let (ours, theirs) =
            socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None).unwrap();
        with_open(|open| open.insert(ours.as_raw_fd()));
        (Lifeline { socket: ours, pid: getpid() }, theirs)
    }

    /// As the child does it, though this is no child.
    #[test]
    fn a_child_lets_go_of_the_sockets_and_keeps_their_numbers() {
        let _alone = alone();
        let (lifeline, writer) = lifeline();
        let number = lifeline.as_fd().as_raw_fd();
        let mut buffer = [0; 8];
        before_fork();
        after_fork_in_parent();
        assert_eq!(recv(&writer, &mut buffer, RecvFlags::empty()), Err(Errno::AGAIN));
        before_fork();
        after_fork_in_child();
        assert_eq!(recv(&writer, &mut buffer, RecvFlags::empty()), Ok((0, 0)), "it is closed");
        let others = [(); 8].map(|()| new_eventfd().unwrap());
        assert!(others.iter().all(|other| other.as_raw_fd() != number));
        assert_eq!(send(&lifeline, b"x", SendFlags::NOSIGNAL), Err(Errno::NOTSOCK));
        // Nothing but its own number is closed with it.
        drop(lifeline);
        assert!(others.iter().all(|other| rustix::io::fcntl_getfd(other).is_ok()));
    }

    #[test]
    fn connections_may_come_and_go_in_what_else_runs_around_a_fork() {
        let _alone = alone();
        before_fork();
        before_fork();
        let (lifeline, writer) = lifeline();
        drop(lifeline);
        drop(Lifeline::new().unwrap());
        assert_eq!(recv(&writer, &mut [0; 8], RecvFlags::empty()), Ok((0, 0)));
        after_fork_in_parent();
        after_fork_in_parent();
        drop(Lifeline::new().unwrap());
    }

    #[test]
    fn one_that_is_dropped_ends_the_connection_whoever_else_holds_it() {
        let _alone = alone();
        let (lifeline, writer) = lifeline();
        let _child = lifeline.socket.try_clone().unwrap();
        drop(lifeline);
        assert_eq!(recv(&writer, &mut [0; 8], RecvFlags::empty()), Ok((0, 0)));
    }
}
