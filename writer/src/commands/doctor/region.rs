//! The region: whether it opens, and whether everything finds room in it.

use std::path::Path;

use driftshm_layout::profile::Kind;
use driftshm_layout::{Counter, OpenError, Region};

use super::Finding;
use crate::commands::ask::feed_errors;
use crate::commands::output::bytes;
use crate::health::feed_trouble;

/// Whether it opens.
pub fn region(opened: Result<&Region, &OpenError>) -> Finding {
    let error = match opened {
        Ok(region) => {
            let profile = region.profile();
            let size = bytes(region.geometry().total_len as u64);
            let (name, version) = (&profile.name, &profile.program_version);
            let text =
                format!("opens: {size}, cluster {}, profile {name} {version}", region.cluster());
            return Finding::ok("region", text);
        }
        Err(error) => error,
    };
    let (text, remedy) = match error {
        OpenError::NotFound { path } => (
            format!("there is none at {}", path.display()),
            "start the writer: driftshm run".into(),
        ),
        OpenError::PermissionDenied { path } => {
            let text = format!("this user may not read {}", path.display());
            let remedy = "become a member of its group, or let the writer run with --mode 0644 and \
                          open its directory";
            (text, remedy.to_owned())
        }
        OpenError::NotReady { .. } => {
            let remedy = "wait a moment; if it stays so, start the writer again";
            ("is just being made".to_owned(), remedy.to_owned())
        }
        OpenError::Incompatible { found, expected, .. } => (
            format!("has format {found}, this driftshm reads format {expected}"),
            "install the same version of driftshm for writer and readers, restart the writer"
                .into(),
        ),
        OpenError::Corrupt { path, what } => {
            let path = path.display();
            let remedy = format!("stop the writer, remove {path}, and start the writer again");
            (format!("is not sound: {what}"), remedy)
        }
        OpenError::OtherCluster { found, expected, .. } => (
            format!("is of cluster {found:?}, asked for was {expected:?}"),
            "name that cluster (--cluster, DRIFTSHM_CLUSTER), or the directory of the one that is \
             meant (--dir, DRIFTSHM_DIR)"
                .into(),
        ),
        // Refused before there is anything to look at.
        OpenError::ClusterName { .. } => {
            (error.to_string(), "name the cluster with --cluster, its directory with --dir".into())
        }
        OpenError::ForeignOwner { found, expected, .. } => (
            format!("belongs to uid {found}, not to this user (uid {expected})"),
            "somebody else made it: name the directory of your own writer with --dir".into(),
        ),
        OpenError::Io { action, source, .. } => {
            (format!("cannot be used: {action}: {source}"), "mend that, then look again".into())
        }
    };
    Finding::error("region", text, remedy)
}

/// Sections that are full, accounts that do not fit, and feeds that do not bring any.
pub fn contents(dir: &Path, region: &Region) -> Vec<Finding> {
    let header = region.header();
    let mut findings = Vec::new();
    let refused = header.counter(Counter::SectionFull);
    let full = Kind::ALL.into_iter().filter(|kind| {
        let capacity = region.geometry().section(*kind).capacity;
        capacity > 1 && region.accounts(*kind).count() >= capacity
    });
    let full: Vec<&str> = full.map(Kind::as_str).collect();
    if refused != 0 {
        let which = if full.is_empty() { "a section".to_owned() } else { full.join(", ") };
        let text = format!("{refused} accounts found no room: {which} is or was full");
        let remedy = "give more room: --max-users, --max-perp-markets, --max-spot-markets, \
                      --max-oracles, --max-user-stats";
        findings.push(Finding::warning("capacity", text, remedy));
    } else {
        findings.push(Finding::ok("capacity", "every account has found room"));
    }
    let truncated = header.counter(Counter::Truncated);
    if truncated != 0 {
        let text = format!("{truncated} updates were longer than their record");
        findings.push(Finding::warning("headroom", text, "give more: --headroom"));
    }
    let mismatched = header.counter(Counter::LayoutMismatch);
    if mismatched != 0 {
        let text = format!("{mismatched} updates had a length that the profile does not describe");
        let remedy = "the program may have been upgraded: use a newer driftshm or --profile";
        findings.push(Finding::warning("profile", text, remedy));
    }
    if region.writer_alive() {
        findings.push(match feed_trouble(region) {
            None => Finding::ok("feed", format!("live, slot {}", region.slot())),
            Some(trouble) => Finding::warning(
                "feed",
                trouble + &feed_errors(dir),
                "mend what it says; what else has happened, the writer's log says",
            ),
        });
    }
    findings
}
