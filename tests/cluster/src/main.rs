//! `driftshm-cluster`: a cluster to try things out on. Its addresses are printed as one line of
//! JSON; it runs until it is interrupted.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use driftshm_cluster::{Cluster, Options, Pace, Ports, Sim, SimOptions, StartError};
use driftshm_layout::profile::Profile;
use tokio::signal::unix::{SignalKind, signal};

/// A Solana cluster in miniature: JSON-RPC, pubsub and Yellowstone gRPC over one account store,
/// with faults on command.
#[derive(Debug, Parser)]
#[command(version)]
struct Args {
    /// What accounts look like: the name of a builtin profile, or a file
    #[arg(long, value_name = "NAME|FILE", default_value = "drift-v2", value_parser = profile)]
    profile: Arc<Profile>,
    /// JSON lines with `pubkey`, `data` (base64) and optionally `owner`. Oracles are made for the
    /// markets among them. With this there are no simulated accounts, unless --sim is given
    #[arg(long, value_name = "FILE")]
    accounts: Option<PathBuf>,
    /// JSON lines of real oracles for those markets [default: oracles.jsonl beside the accounts]
    #[arg(long, value_name = "FILE")]
    oracles: Option<PathBuf>,
    /// Simulated accounts beside those of --accounts
    #[arg(long)]
    sim: bool,
    /// Updates of simulated accounts per second
    #[arg(long, value_name = "N", default_value_t = 50)]
    rate: u32,
    /// Simulated perp markets
    #[arg(long, value_name = "N", default_value_t = SimOptions::default().markets)]
    markets: u16,
    /// Simulated spot markets
    #[arg(long, value_name = "N", default_value_t = SimOptions::default().spot_markets)]
    spot_markets: u16,
    /// Simulated users
    #[arg(long, value_name = "N", default_value_t = SimOptions::default().users)]
    users: u32,
    /// The same seed gives the same simulated accounts
    #[arg(long, value_name = "N", default_value_t = SimOptions::default().seed)]
    seed: u64,
    /// For tests of speed: the perp market that all updates go to
    #[arg(long, value_name = "INDEX")]
    focus_market: Option<u16>,
    /// For tests: pairs of equal fields, by which a torn read would show
    #[arg(long)]
    pairs: bool,
    /// Length of a slot in milliseconds; 0: slots begin on command only
    #[arg(long, value_name = "MS", default_value_t = 400)]
    slot_ms: u64,
    /// The slot that all accounts were written in
    #[arg(long, value_name = "SLOT", default_value_t = Options::default().start_slot)]
    start_slot: u64,
    /// Slots after which a slot is confirmed
    #[arg(long, value_name = "SLOTS", default_value_t = Options::default().confirm_after)]
    confirm_after: usize,
    /// Confirmed slots after which a slot is finalized
    #[arg(long, value_name = "SLOTS", default_value_t = Options::default().finalize_after)]
    finalize_after: usize,
    /// Slots that Yellowstone can replay
    #[arg(long, value_name = "SLOTS", default_value_t = Options::default().replay_slots)]
    replay_slots: u64,
    /// What Yellowstone's clients must send as x-token. These accounts are nobody's secret
    #[arg(long, value_name = "TOKEN")]
    x_token: Option<String>,
    /// What getGenesisHash says
    #[arg(long, value_name = "HASH", default_value_t = Options::default().genesis_hash)]
    genesis_hash: String,
    /// Port of JSON-RPC; 0: any
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    rpc_port: u16,
    /// Port of pubsub; 0: any
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    ws_port: u16,
    /// Port of Yellowstone; 0: any
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    grpc_port: u16,
    /// Port for commands; 0: any
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    control_port: u16,
    /// Milliseconds between the pings of pubsub
    #[arg(long, value_name = "MS", default_value_t = 10_000)]
    ws_ping_ms: u64,
    /// Milliseconds between the pings of Yellowstone
    #[arg(long, value_name = "MS", default_value_t = 15_000)]
    grpc_ping_ms: u64,
}

fn profile(text: &str) -> Result<Arc<Profile>, String> {
    let profile = match Profile::builtin(text) {
        Some(profile) => profile,
        None => {
            let bytes = std::fs::read(text)
                .map_err(|error| format!("neither a builtin profile nor a file: {error}"))?;
            Profile::from_json(&bytes).map_err(|error| error.to_string())?
        }
    };
    Ok(Arc::new(profile))
}

fn options(args: Args) -> Options {
    let accounts = SimOptions {
        markets: args.markets,
        spot_markets: args.spot_markets,
        users: args.users,
        cold_users: 0,
        seed: args.seed,
        focus_market: args.focus_market,
        pairs: args.pairs,
        ..SimOptions::default()
    };
    let simulated = args.sim || args.accounts.is_none();
    Options {
        profile: args.profile,
        sim: simulated.then_some(Sim { accounts, rate: args.rate }),
        accounts: args.accounts,
        oracles: args.oracles,
        pace: match args.slot_ms {
            0 => Pace::OnCommand,
            ms => Pace::Every(Duration::from_millis(ms)),
        },
        start_slot: args.start_slot,
        confirm_after: args.confirm_after,
        finalize_after: args.finalize_after,
        replay_slots: args.replay_slots,
        x_token: args.x_token,
        genesis_hash: args.genesis_hash,
        ports: Ports {
            rpc: args.rpc_port,
            ws: args.ws_port,
            grpc: args.grpc_port,
            control: args.control_port,
        },
        ws_ping: Duration::from_millis(args.ws_ping_ms),
        grpc_ping: Duration::from_millis(args.grpc_ping_ms),
        ..Options::default()
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(options(Args::parse())).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("driftshm-cluster: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: Options) -> Result<(), Box<dyn std::error::Error>> {
    let cluster = Cluster::start(options).await.map_err(|error: StartError| Box::new(error))?;
    let urls = serde_json::json!({
        "rpc_url": cluster.rpc_url(),
        "ws_url": cluster.ws_url(),
        "grpc_url": cluster.grpc_url(),
        "control_url": cluster.control_url(),
    });
    println!("{urls}");
    let (mut interrupt, mut terminate) =
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}
