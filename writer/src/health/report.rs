//! All figures of a writer in one place: what `status --json` prints and the metrics serve.

use std::path::{Path, PathBuf};

use driftshm_layout::control::Status;
use driftshm_layout::header::{ABI_VERSION, Owner, Pulse};
use driftshm_layout::profile::Kind;
use driftshm_layout::{Region, clock};
use serde::{Serialize, Serializer};

/// All of it. Times are ages in nanoseconds; null where nobody knows.
#[derive(Debug, Serialize)]
pub struct Report {
    pub dir: PathBuf,
    pub cluster: String,
    pub profile: ProfileReport,
    /// `starting`, `live`, `stopped` or `superseded`: what the writer last said.
    pub state: &'static str,
    pub generation: u64,
    pub writer: WriterReport,
    pub feed: FeedReport,
    pub slot: u64,
    pub slot_age_ns: Option<u64>,
    pub records: Vec<SectionReport>,
    pub journal: JournalReport,
    pub counters: Counters,
    pub region_bytes: u64,
    pub region_format: u32,
    /// What the writer answers on its socket; null if it does not.
    pub socket: Option<Status>,
    /// Why it does not.
    pub socket_error: Option<String>,
}

#[derive(Debug, Serialize)]
pub struct ProfileReport {
    pub name: String,
    pub program_version: String,
    pub schema_hash: String,
}

#[derive(Debug, Serialize)]
pub struct WriterReport {
    pub alive: bool,
    pub pid: u64,
    pub version: Option<String>,
    pub up_ns: Option<u64>,
    pub heartbeat_age_ns: Option<u64>,
    pub heartbeat_unix_ns: u64,
}

#[derive(Debug, Serialize)]
pub struct FeedReport {
    pub state: &'static str,
    pub since_ns: Option<u64>,
}

#[derive(Debug, Serialize)]
pub struct SectionReport {
    pub kind: &'static str,
    pub in_use: usize,
    pub capacity: usize,
}

#[derive(Debug, Serialize)]
pub struct JournalReport {
    pub entries: u64,
    pub capacity: usize,
}

/// In the order of the region.
#[derive(Debug)]
pub struct Counters(pub Vec<(&'static str, u64)>);

impl Serialize for Counters {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().copied())
    }
}

impl Report {
    /// Looks at everything once. `answer` is what the writer itself says: its version and figures,
    /// or why it says nothing.
    pub fn new(dir: &Path, region: &Region, answer: Result<(String, Status), String>) -> Self {
        let header = region.header();
        let alive = region.writer_alive();
        // A region from before the machine was started has times that mean nothing now.
        let heartbeat_age_ns = Some(region.heartbeat_age_ns()).filter(|age| *age != u64::MAX);
        let now = clock::monotonic_ns();
        let since = |then: u64| heartbeat_age_ns.and(Some(now.saturating_sub(then)));
        let profile = region.profile();
        let hash = region.schema_hash().iter().map(|byte| format!("{byte:02x}")).collect();
        let (version, socket, socket_error) = match answer {
            Ok((version, status)) => (Some(version), Some(status), None),
            Err(error) => (None, None, Some(error)),
        };
        Self {
            dir: dir.into(),
            cluster: region.cluster().to_owned(),
            profile: ProfileReport {
                name: profile.name.clone(),
                program_version: profile.program_version.clone(),
                schema_hash: hash,
            },
            state: region.state().map_or("unknown", |state| state.as_str()),
            generation: region.generation(),
            writer: WriterReport {
                alive,
                pid: header.owner(Owner::WriterPid),
                version,
                up_ns: since(header.owner(Owner::WriterStartNs)).filter(|_| alive),
                heartbeat_age_ns,
                heartbeat_unix_ns: header.pulse(Pulse::HeartbeatUnixNs),
            },
            feed: FeedReport {
                state: region.feed_state().as_str(),
                since_ns: since(header.owner(Owner::FeedSinceNs)).filter(|_| alive),
            },
            slot: region.slot(),
            slot_age_ns: since(header.pulse(Pulse::SlotNs)).filter(|_| region.slot() != 0),
            records: Kind::ALL
                .into_iter()
                .map(|kind| SectionReport {
                    kind: kind.as_str(),
                    in_use: region.accounts(kind).count(),
                    capacity: region.geometry().section(kind).capacity,
                })
                .collect(),
            journal: JournalReport {
                entries: region.journal_head(),
                capacity: region.geometry().journal_entries,
            },
            counters: Counters(region.counters().collect()),
            region_bytes: region.geometry().total_len as u64,
            region_format: ABI_VERSION,
            socket,
            socket_error,
        }
    }
}
