//! A bot's end of the control socket by hand; and bots in processes of their own.

use std::io::IoSliceMut;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use driftshm_layout::control::{
    ErrorCode, Filter, Link, Request, Response, Status, SubscribeRequest,
};
use driftshm_layout::dir;
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendFlags, SocketAddrUnix,
    SocketFlags, SocketType,
};

use crate::support::*;

pub const HELLO: &[u8] = br#"{"op":"hello","abi":3,"version":"test"}"#;

pub struct Raw(OwnedFd);

impl Raw {
    pub fn connect(directory: &Path) -> Self {
        let flags = SocketFlags::CLOEXEC;
        let socket =
            rustix::net::socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)
                .unwrap();
        let address = SocketAddrUnix::new(dir::socket_path(directory)).unwrap();
        rustix::net::connect(&socket, &address).unwrap();
        Self(socket)
    }

    pub fn greeted(directory: &Path) -> Self {
        let client = Self::connect(directory);
        client.send(HELLO);
        match client.receive() {
            Some((Response::Hello { .. }, _)) => client,
            other => panic!("{other:?}"),
        }
    }

    /// Sends, if the other end is still there.
    pub fn send(&self, message: &[u8]) {
        let _ = rustix::net::send(&self.0, message, SendFlags::NOSIGNAL);
    }

    /// Whether there was room for the message.
    pub fn try_send(&self, message: &[u8]) -> bool {
        let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
        rustix::net::send(&self.0, message, flags).is_ok()
    }

    /// The next answer with its descriptors; `None` if the connection is closed.
    pub fn receive(&self) -> Option<(Response, Vec<OwnedFd>)> {
        let mut buffer = vec![0; 70_000];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(4))];
        let mut ancillary = RecvAncillaryBuffer::new(&mut space);
        let mut slices = [IoSliceMut::new(&mut buffer)];
        let flags = RecvFlags::CMSG_CLOEXEC;
        let message = match rustix::net::recvmsg(&self.0, &mut slices, &mut ancillary, flags) {
            Ok(message) if message.bytes > 0 => message,
            Ok(_) | Err(Errno::CONNRESET) => return None,
            Err(error) => panic!("{error}"),
        };
        let fds = ancillary.drain().filter_map(|message| match message {
            RecvAncillaryMessage::ScmRights(fds) => Some(fds),
            _ => None,
        });
        let fds = fds.flatten().collect();
        Some((serde_json::from_slice(&buffer[..message.bytes]).unwrap(), fds))
    }

    fn ask(&self, request: &Request) -> (Response, Vec<OwnedFd>) {
        self.send(&serde_json::to_vec(request).unwrap());
        self.receive().expect("an answer")
    }

    pub fn subscribe(&self, filter: &Filter) -> Result<u64, ErrorCode> {
        let filter = filter.clone();
        match self.ask(&Request::Subscribe(SubscribeRequest { filter })) {
            (Response::Subscribed { id }, fds) => {
                assert_eq!(fds.len(), 2);
                Ok(id)
            }
            (Response::Error { code, .. }, _) => Err(code),
            other => panic!("{other:?}"),
        }
    }

    pub fn extend(&self, id: u64, filter: &Filter) -> Result<(), ErrorCode> {
        match self.ask(&Request::Extend { id, filter: filter.clone() }) {
            (Response::Done, _) => Ok(()),
            (Response::Error { code, .. }, _) => Err(code),
            other => panic!("{other:?}"),
        }
    }

    pub fn unsubscribe(&self, id: u64) {
        assert_eq!(self.ask(&Request::Unsubscribe { id }).0, Response::Done);
    }

    pub fn status(&self) -> Status {
        match self.ask(&Request::Status) {
            (Response::Status(status), _) => status,
            other => panic!("{other:?}"),
        }
    }
}

/// This test program again, as another process that runs one ignored test.
pub fn helper(name: &str, directory: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--ignored", "--exact", "--nocapture", name]).env("HELPER_DIR", directory);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

pub fn helper_dir() -> std::path::PathBuf {
    std::env::var_os("HELPER_DIR").expect("only as a helper of another test").into()
}

#[test]
#[ignore = "the other process of tests below"]
fn a_bot_that_stays() {
    let filter = Filter { pubkeys: vec![key(1)], ..Filter::everything() };
    let mut link = Link::new(&helper_dir(), &filter).unwrap();
    if let Err(error) = link.connect(PATIENCE) {
        println!("refused: {error}");
        return;
    }
    std::thread::sleep(PATIENCE * 10);
}

pub fn kill(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_bot_that_is_killed_leaves_nothing_behind() {
    let dir = temp_dir();
    let writer = Writer::start(dir.path());
    let client = Raw::greeted(dir.path());
    let bots: Vec<_> =
        (0..5).map(|_| helper("clients::a_bot_that_stays", dir.path()).spawn().unwrap()).collect();
    until("all are subscribed", || client.status().subscriptions == 5);
    let status = client.status();
    assert_eq!((status.connections, status.watched), (6, 1));
    let feeds: Vec<_> = status.feeds.iter().map(|feed| (&*feed.name, &*feed.state)).collect();
    assert_eq!(feeds, [("test", "live")]);
    bots.into_iter().for_each(kill);
    until("all are gone", || {
        let status = client.status();
        (status.connections, status.subscriptions, status.watched) == (1, 0, 0)
    });
    writer.bring([user(key(1), 10)]);
}

#[test]
fn a_user_who_is_on_no_list_is_turned_away_with_a_reason() {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: needs root to be somebody else");
        return;
    }
    let dir = temp_dir();
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(dir.path(), open).unwrap();
    let with = |allow_uids| driftshm_writer::serve::ServeOptions {
        mode: 0o644,
        allow_uids,
        ..options(dir.path())
    };
    let ask = || {
        let mut bot = helper("clients::a_bot_that_stays", dir.path());
        bot.uid(65_534).gid(65_534).spawn()
    };
    // The test program may lie where nobody else may read.
    let Ok(bot) = ask() else {
        println!("skipped: another user may not run {:?}", std::env::current_exe());
        return;
    };
    kill(bot);
    let writer = Writer::with(with(vec![1]));
    let output = ask().unwrap().wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("refused: no permission") && text.contains("65534"), "{text}");
    writer.stop().unwrap();

    let _writer = Writer::with(with(vec![1, 65_534]));
    let client = Raw::greeted(dir.path());
    let bot = ask().unwrap();
    until("it is let in", || client.status().subscriptions == 1);
    kill(bot);
}
