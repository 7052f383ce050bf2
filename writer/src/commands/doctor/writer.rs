//! The writer: whether it lives, holds its lock, and answers.

use std::path::Path;

use driftshm_layout::control::LinkError;
use driftshm_layout::header::{Owner, Pulse};
use driftshm_layout::{Region, State, dir};

use super::Finding;
use crate::commands::ask::ask;
use crate::commands::lock::{Lock, lock};
use crate::commands::output::{date_and_time, duration};

const RESTART: &str = "start it again (driftshm run); nothing needs to be cleaned up before";

/// All about the writer.
pub fn all(dir: &Path, region: Option<&Region>) -> Vec<Finding> {
    let lock = lock(dir);
    let Some(region) = region else {
        let Lock::Held(pid) = lock else { return Vec::new() };
        let text = format!("pid {pid} holds the lock, but the region cannot be read");
        return vec![Finding::warning("writer", text, "it may just be starting: look again")];
    };
    let mut findings = vec![life(region, lock)];
    if region.writer_alive() {
        findings.extend(socket(dir));
    }
    findings
}

fn life(region: &Region, lock: Lock) -> Finding {
    let header = region.header();
    let pid = header.owner(Owner::WriterPid);
    let age = region.heartbeat_age_ns();
    let ago = duration(age);
    let seen = date_and_time(header.pulse(Pulse::HeartbeatUnixNs));
    if region.writer_alive() {
        let holder = match lock {
            Lock::Held(_) => "holds the lock",
            Lock::Free => "its lock is not to be seen from here: in another container?",
            Lock::Unknown => "who holds the lock cannot be seen from here",
        };
        return Finding::ok("writer", format!("pid {pid}, heartbeat {ago} ago; {holder}"));
    }
    if let Lock::Held(holder) = lock {
        let text = format!("pid {holder} holds the lock, but its heart has not beaten for {ago}");
        let remedy = format!(
            "it is stopped or starved: kill -CONT {holder}, or end it with kill -KILL {holder} and \
             start it again; nothing that was published is lost"
        );
        return Finding::error("writer", text, remedy);
    }
    let text = match region.state() {
        _ if age == u64::MAX => format!("none since the machine was started (the last: {seen})"),
        Some(State::Stopped) => format!("stopped {ago} ago ({seen})"),
        _ => format!("dead since {seen}, {ago} ago (pid {pid}); the lock is free"),
    };
    Finding::error("writer", text, RESTART)
}

fn socket(dir: &Path) -> Vec<Finding> {
    let path = dir::socket_path(dir);
    let path = path.display();
    let uid = rustix::process::geteuid().as_raw();
    let (text, remedy) = match ask(dir) {
        Ok(answer) => {
            let bots = answer.status.connections;
            let text = format!("{path} answers; bots connected: {bots}");
            return vec![Finding::ok("socket", text), version(&answer.version)];
        }
        Err(LinkError::NoWriter { .. }) => (
            format!("nobody listens on {path}: changes cannot be awaited"),
            "restart the writer".to_owned(),
        ),
        Err(LinkError::NotAllowed { why, .. }) => (
            format!("this user (uid {uid}) may not connect to {path}: {why}"),
            format!(
                "join the directory's group; where the writer has a list of who may connect, only \
                 that counts: let it run with --allow-uid {uid}, or --allow-gid of a group of yours"
            ),
        ),
        Err(
            busy @ (LinkError::Timeout { .. } | LinkError::Busy { .. } | LinkError::HungUp { .. }),
        ) => (
            busy.to_string(),
            "the writer may be overloaded: see its log and its CPU time; restart it".to_owned(),
        ),
        Err(LinkError::Refused { message, .. }) => (
            format!("the writer on {path} takes no more: {message}"),
            "raise that limit, or end some of the bots".to_owned(),
        ),
        Err(other) => (
            other.to_string(),
            "install the same version of driftshm for writer and readers, restart the writer"
                .into(),
        ),
    };
    vec![Finding::error("socket", text, remedy)]
}

fn version(writer: &str) -> Finding {
    let ours = env!("CARGO_PKG_VERSION");
    if writer == ours {
        return Finding::ok("version", format!("writer and this driftshm are both {ours}"));
    }
    let text = format!("the writer is {writer}, this driftshm {ours}; they read the same format");
    Finding::warning("version", text, "install the same version for both when convenient")
}
