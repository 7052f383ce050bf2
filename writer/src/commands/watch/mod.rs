//! `driftshm watch`: a line per change, as it happens.

mod line;

use std::io::{BufWriter, Write};
use std::os::fd::AsFd;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use driftshm_layout::Region;
use driftshm_layout::control::{Filter, Item, Subscription};
use driftshm_layout::profile::Kind;
use rustix::event::{PollFd, PollFlags, poll};

use super::failure::{Failure, complain};
use super::keys;
use super::kind::KindName;
use super::place::PlaceArgs;
use super::stop::Stop;
use line::Lines;

/// How long the writer may take to answer at first.
const PATIENCE: Duration = Duration::from_secs(3);
/// Changes taken in one go.
const BATCH: usize = 256;

/// Prints a line for each change, until Ctrl-C. Without a filter, every change.
///
/// A slow terminal gets each changed account once, at its newest, and how many versions were
/// passed over; with --no-conflate, everything that the journal still has.
#[derive(Debug, Clone, Args)]
pub struct WatchArgs {
    /// Perp markets, by index or symbol; repeatable, or several parted by commas
    #[arg(long, value_name = "MARKET", value_delimiter = ',')]
    perp: Vec<String>,

    /// Spot markets, by index or symbol; repeatable, or several parted by commas
    #[arg(long, value_name = "MARKET", value_delimiter = ',')]
    spot: Vec<String>,

    /// Accounts by address, or users by AUTHORITY or AUTHORITY:SUB_ID; the writer follows them
    /// meanwhile; repeatable, or several parted by commas
    #[arg(long, value_name = "PUBKEY", value_delimiter = ',')]
    user: Vec<String>,

    /// All accounts of a kind; repeatable, or several parted by commas
    #[arg(long, value_delimiter = ',')]
    kind: Vec<KindName>,

    /// Print JSON objects
    #[arg(long)]
    json: bool,

    /// End after so many changes
    #[arg(long, value_name = "N")]
    count: Option<u64>,

    /// Every single change, also of an account that has changed again already
    #[arg(long)]
    no_conflate: bool,

    #[command(flatten)]
    place: PlaceArgs,
}

/// Prints changes until told to stop.
pub fn run(args: &WatchArgs) -> Result<ExitCode, Failure> {
    let stop = Stop::on_signals()?;
    let (dir, region) = args.place.open()?;
    let filter = filter(args, &region)?;
    let region = Arc::new(region);
    let mut changes =
        Subscription::new(&dir, Arc::clone(&region), &filter, !args.no_conflate, PATIENCE)?;
    let stdout = std::io::stdout();
    let mut out = BufWriter::new(stdout.lock());
    let mut lines = Lines::new(args.json);
    let mut left = args.count.unwrap_or(u64::MAX);
    let mut connected = true;
    let mut items = Vec::new();
    while left != 0 && !stop.is_set() {
        items.clear();
        changes.drain(BATCH, &mut items);
        for item in &items {
            if left == 0 {
                break;
            }
            lines.print(changes.region(), item, &mut out)?;
            left -= u64::from(matches!(item, Item::Change(_)));
        }
        out.flush()?;
        if changes.is_connected() != connected {
            connected = !connected;
            say_connected(connected, &changes);
        }
        if items.is_empty() && sleep(&changes, &stop)? {
            break;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Until there may be changes; true if nobody is interested any more.
fn sleep(changes: &Subscription, stop: &Stop) -> Result<bool, Failure> {
    let stdout = std::io::stdout();
    let mut fds = [
        PollFd::from_borrowed_fd(changes.fd(), PollFlags::IN),
        PollFd::from_borrowed_fd(stop.fd(), PollFlags::IN),
        // A reader that hangs up (`| head`) is noticed also while nothing changes.
        PollFd::from_borrowed_fd(stdout.as_fd(), PollFlags::empty()),
    ];
    match poll(&mut fds, None) {
        Ok(_) | Err(rustix::io::Errno::INTR) => {}
        Err(error) => {
            return Err(Failure::System { action: "wait for changes", source: error.into() });
        }
    }
    Ok(fds[2].revents().intersects(PollFlags::ERR | PollFlags::HUP | PollFlags::NVAL))
}

fn say_connected(connected: bool, changes: &Subscription) {
    match connected {
        true => complain(&"a writer is there again"),
        false => {
            let state = changes.region().state().map_or("unknown", |state| state.as_str());
            complain(&format_args!(
                "the writer is gone (its last state: {state}); waiting for another"
            ));
        }
    }
}

fn filter(args: &WatchArgs, region: &Region) -> Result<Filter, Failure> {
    let indexes = |kind, all: &[String]| -> Result<Vec<u16>, Failure> {
        all.iter().map(|key| keys::market_index(region, kind, key)).collect()
    };
    let filter = Filter {
        everything: false,
        kinds: args.kind.iter().map(|kind| Kind::from(*kind)).collect(),
        perp_markets: indexes(Kind::PerpMarket, &args.perp)?,
        spot_markets: indexes(Kind::SpotMarket, &args.spot)?,
        pubkeys: args
            .user
            .iter()
            .map(|key| keys::addresses_to_watch(region, key))
            .collect::<Result<Vec<_>, _>>()?
            .concat(),
    };
    Ok(if filter.is_empty() { Filter::everything() } else { filter })
}
