//! The settings of `driftshm run`: the one list that flags, variables and file keys come from.
//!
//! A flag `--max-users` is the variable `DRIFTSHM_MAX_USERS` and the file's key `max-users`; the
//! heading it stands under in the help is the table it may stand in (`[region]`).

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::builder::BoolishValueParser;
use clap::{Args, ValueEnum};
use driftshm_layout::geometry::MAX_CAPACITY;
use driftshm_layout::profile::{Kind, Profile};
use driftshm_layout::{Capacities, Pubkey};

use super::value;
use crate::control::Limits;
use crate::feeds::sim::{MAX_RATE, SimOptions};

/// As many as a market index can tell apart.
const MARKETS: usize = 1 << 16;

fn room(kind: Kind) -> usize {
    Capacities::default().of(kind)
}

/// Starts the writer.
#[derive(Debug, Clone, Args)]
pub struct RunArgs {
    /// TOML file with any of these settings, each under the name of its flag
    #[arg(long, value_name = "FILE", env = "DRIFTSHM_CONFIG")]
    pub config: Option<PathBuf>,

    /// Only check the settings, and print those in force with where each comes from
    #[arg(long)]
    pub check: bool,

    /// Name of the cluster whose accounts these are, by which bots open them; must be given
    #[arg(long, value_name = "NAME", env = "DRIFTSHM_CLUSTER", value_parser = value::cluster)]
    pub cluster: Option<String>,

    /// Directory of the region [default: /run/driftshm/CLUSTER where that exists, else
    /// /dev/shm/driftshm-UID/CLUSTER]
    #[arg(long, env = "DRIFTSHM_DIR")]
    pub dir: Option<PathBuf>,

    /// Profile of the program: drift-v2, velocity, or a JSON file
    #[arg(
        long,
        value_name = "NAME|FILE",
        env = "DRIFTSHM_PROFILE",
        default_value = "drift-v2",
        value_parser = value::profile
    )]
    pub profile: Arc<Profile>,

    /// Where accounts come from; repeatable. Need not be given with the URL of a live feed, nor for
    /// the cluster `sim`
    #[arg(long, env = "DRIFTSHM_FEED", value_delimiter = ',')]
    pub feed: Vec<FeedName>,

    /// File to record into all that feeds bring, which --feed replay plays again. A file that is a
    /// recording already is continued
    #[arg(long, value_name = "FILE", env = "DRIFTSHM_RECORD")]
    pub record: Option<PathBuf>,

    /// For the feeds rpc, ws and grpc.
    #[cfg(feature = "live")]
    #[command(flatten)]
    pub live: super::live::LiveArgs,
    /// For the feed sim.
    #[command(flatten)]
    pub sim: SimArgs,
    /// For the feed replay.
    #[command(flatten)]
    pub replay: ReplayArgs,
    /// Which accounts.
    #[command(flatten)]
    pub accounts: AccountArgs,
    /// How much room.
    #[command(flatten)]
    pub region: RegionArgs,
    /// Who may.
    #[command(flatten)]
    pub access: AccessArgs,
    /// What is served for watching.
    #[command(flatten)]
    pub metrics: super::metrics::MetricsArgs,
    /// What is logged.
    #[command(flatten)]
    pub log: LogArgs,
}

/// The feeds there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FeedName {
    /// Made-up accounts that are valid for the profile.
    Sim,
    /// A file of recorded accounts.
    Replay,
    /// A node's RPC, polled.
    #[cfg(feature = "live")]
    Rpc,
    /// A node's pubsub over WebSocket.
    #[cfg(feature = "live")]
    Ws,
    /// Yellowstone gRPC.
    #[cfg(feature = "live")]
    Grpc,
}

/// What the simulated feed makes.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Sim feed")]
pub struct SimArgs {
    /// Perp markets to make
    #[arg(long, value_name = "N", env = "DRIFTSHM_MARKETS", default_value_t = SimOptions::default().markets,
        value_parser = value::number(1u16, u16::MAX))]
    pub markets: u16,

    /// Spot markets to make
    #[arg(long, value_name = "N", env = "DRIFTSHM_SPOT_MARKETS", default_value_t = SimOptions::default().spot_markets,
        value_parser = value::number(1u16, u16::MAX))]
    pub spot_markets: u16,

    /// Updates per second, of all accounts together
    #[arg(long, value_name = "N", env = "DRIFTSHM_RATE", default_value_t = SimOptions::default().rate,
        value_parser = value::number(1, MAX_RATE))]
    pub rate: u32,

    /// Seed of all that is made up: the same seed gives the same accounts
    #[arg(long, value_name = "N", env = "DRIFTSHM_SEED", default_value_t = SimOptions::default().seed,
        value_parser = value::number(0u64, u64::MAX))]
    pub seed: u64,

    /// Further users to make, which are only brought while a bot watches them
    #[arg(long, value_name = "N", env = "DRIFTSHM_COLD_USERS", default_value_t = SimOptions::default().cold_users,
        value_parser = value::number(0u32, MAX_CAPACITY as u32))]
    pub cold_users: u32,

    /// For tests of speed: the perp market that all updates go to
    #[arg(long, value_name = "INDEX", env = "DRIFTSHM_FOCUS_MARKET",
        value_parser = value::number(0u16, u16::MAX))]
    pub focus_market: Option<u16>,

    /// For tests: pairs of equal fields, by which a torn read would show
    #[arg(long, value_name = "true|false", env = "DRIFTSHM_PAIRS", default_value = "false",
        default_missing_value = "true", num_args = 0..=1, require_equals = true,
        value_parser = BoolishValueParser::new())]
    pub pairs: bool,
}

/// What the replay feed reads.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Replay feed")]
pub struct ReplayArgs {
    /// The recording; or JSON lines with pubkey and data (base64), and optionally owner, slot,
    /// write_version, delay_ms
    #[arg(long, value_name = "FILE", env = "DRIFTSHM_REPLAY")]
    pub replay: Option<PathBuf>,

    /// Start again at the end of the file
    #[arg(long = "loop", id = "loop", value_name = "true|false", env = "DRIFTSHM_LOOP",
        default_value = "false", default_missing_value = "true", num_args = 0..=1,
        require_equals = true, value_parser = BoolishValueParser::new())]
    pub looped: bool,

    /// How much faster than recorded: 2 halves the delays, max leaves none
    #[arg(long, value_name = "FACTOR", env = "DRIFTSHM_SPEED", default_value = "1",
        value_parser = value::factor)]
    pub speed: f64,
}

/// Which accounts are kept.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Accounts")]
pub struct AccountArgs {
    /// Users to keep: all that the feeds bring, or only those named (--user, --authority) or
    /// watched by a bot. What a live feed brings, --users says: with none, `all` is the same as
    /// `watched`. Markets, oracles and the state account are kept in any case
    #[arg(long, env = "DRIFTSHM_FOLLOW", default_value = "all")]
    pub follow: FollowName,

    /// Live feeds: users to ask the node for beside those named or watched: none, active (those
    /// that the program does not call idle) or all. Feed sim: how many users to make [default:
    /// none; sim: 100]
    #[arg(long, value_name = "WHICH|N", env = "DRIFTSHM_USERS", value_parser = value::users)]
    pub users: Option<UsersArg>,

    /// User account to follow, by address; repeatable
    #[arg(long, value_name = "PUBKEY", env = "DRIFTSHM_USER", value_delimiter = ',')]
    pub user: Vec<Pubkey>,

    /// Authority whose user stats and sub-accounts 0 to 7 to follow; repeatable
    #[arg(long, value_name = "PUBKEY", env = "DRIFTSHM_AUTHORITY", value_delimiter = ',')]
    pub authority: Vec<Pubkey>,

    /// Seconds for which an account is still followed after its last watcher has gone; then it
    /// grows stale, and its place may be given to another one
    #[arg(long, value_name = "SECONDS", env = "DRIFTSHM_WATCH_LINGER", default_value = "30",
        value_parser = value::seconds)]
    pub watch_linger: Duration,
}

/// Which users are followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FollowName {
    /// All that the feed brings.
    All,
    /// Those that are named, or that a bot watches.
    Watched,
}

/// What `--users` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UsersArg {
    /// So many.
    Count(u32),
    /// None but the named and watched ones.
    None,
    /// Those that are not idle.
    Active,
    /// Every one.
    All,
}

/// How much the region has room for. To change one of these makes a new region.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Region")]
pub struct RegionArgs {
    /// Most users the region can hold (10 KB each)
    #[arg(long, value_name = "N", env = "DRIFTSHM_MAX_USERS", default_value_t = room(Kind::User),
        value_parser = value::number(1usize, MAX_CAPACITY))]
    pub max_users: usize,

    /// Most perp markets the region can hold: their indexes are 0 to N - 1
    #[arg(long, value_name = "N", env = "DRIFTSHM_MAX_PERP_MARKETS", default_value_t = room(Kind::PerpMarket),
        value_parser = value::number(1usize, MARKETS))]
    pub max_perp_markets: usize,

    /// Most spot markets the region can hold: their indexes are 0 to N - 1
    #[arg(long, value_name = "N", env = "DRIFTSHM_MAX_SPOT_MARKETS", default_value_t = room(Kind::SpotMarket),
        value_parser = value::number(1usize, MARKETS))]
    pub max_spot_markets: usize,

    /// Most oracles the region can hold
    #[arg(long, value_name = "N", env = "DRIFTSHM_MAX_ORACLES", default_value_t = room(Kind::Oracle),
        value_parser = value::number(1usize, MAX_CAPACITY))]
    pub max_oracles: usize,

    /// Most user stats accounts the region can hold
    #[arg(long, value_name = "N", env = "DRIFTSHM_MAX_USER_STATS", default_value_t = room(Kind::UserStats),
        value_parser = value::number(1usize, MAX_CAPACITY))]
    pub max_user_stats: usize,

    /// Entries of the journal (32 bytes each), a power of two: how many changes a bot may lag
    /// before it is lapped
    #[arg(long, value_name = "N", env = "DRIFTSHM_JOURNAL", default_value_t = Capacities::default().journal,
        value_parser = value::power_of_two(64, 1 << 28))]
    pub journal: usize,

    /// Bytes a record has beyond the profile's length, for accounts that grow
    #[arg(long, value_name = "BYTES", env = "DRIFTSHM_HEADROOM", default_value_t = Capacities::default().headroom,
        value_parser = value::number(0usize, 1 << 20))]
    pub headroom: usize,
}

/// Who may read and connect.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Access")]
pub struct AccessArgs {
    /// Mode of the region's file: 0600, 0640 or 0644
    #[arg(long, value_name = "MODE", env = "DRIFTSHM_MODE", default_value = "0640",
        value_parser = value::mode)]
    pub mode: u32,

    /// User (uid) that may subscribe; repeatable. With no user and no group given, everybody may
    /// whom the directory's mode lets
    #[arg(long, value_name = "UID", env = "DRIFTSHM_ALLOW_UID", value_delimiter = ',',
        value_parser = value::number(0u32, u32::MAX))]
    pub allow_uid: Vec<u32>,

    /// Group (gid) that may subscribe; repeatable
    #[arg(long, value_name = "GID", env = "DRIFTSHM_ALLOW_GID", value_delimiter = ',',
        value_parser = value::number(0u32, u32::MAX))]
    pub allow_gid: Vec<u32>,

    /// Most bots that may be connected at a time; one user may have half of them
    #[arg(long, value_name = "N", env = "DRIFTSHM_MAX_CONNECTIONS", default_value_t = Limits::default().connections,
        value_parser = value::number(1usize, 65_536))]
    pub max_connections: usize,
}

/// What the writer says on its standard error.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Log")]
pub struct LogArgs {
    /// Least important lines to log
    #[arg(long, env = "DRIFTSHM_LOG_LEVEL", default_value = "info")]
    pub log_level: LogLevel,

    /// Form of the log: lines for people, or JSON objects
    #[arg(long, env = "DRIFTSHM_LOG_FORMAT", default_value = "text")]
    pub log_format: LogFormat,
}

/// The least important lines that are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogLevel {
    /// What failed.
    Error,
    /// And what may need a hand.
    Warn,
    /// And what happens seldom.
    Info,
    /// And what helps to find a fault.
    Debug,
    /// And everything else.
    Trace,
}

/// How lines of the log look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}
