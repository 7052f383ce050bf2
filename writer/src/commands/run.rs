//! `driftshm run`: the writer itself.

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

use clap::parser::ValueSource;
use clap::{ArgMatches, Command};
use driftshm_layout::profile::{Kind, Profile};
use driftshm_layout::{Capacities, Pubkey, dir};

use super::failure::{Failure, complain};
#[cfg(feature = "live")]
use super::live;
use crate::config::args::{FeedName, FollowName, RunArgs, UsersArg};
use crate::config::{self, Parsed, SettingError};
use crate::control::Limits;
use crate::feeds::replay::ReplayOptions;
use crate::feeds::sim::SimOptions;
use crate::publisher::Follow;
use crate::serve::{self, FeedSpec, ServeOptions, serve};

/// Below the list of settings.
pub const HELP: &str = "Every setting is a flag, a variable and a key of the --config file; the first that is given\n\
    counts, in this order. In the file a key stands at the top or in the table of its heading:\n\n  \
    cluster = \"sim\"\n  feed = \"sim\"\n\n  [region]\n  max-users = 1000\n\n\
    Lists are TOML arrays, and parted by commas in variables. --check shows what is in force.\n\n\
    Exit status: 0 = stopped by SIGTERM or SIGINT, 1 = it failed, 2 = a setting is wrong.";

/// This cluster is made up, so its feed need not be named.
const SIM_CLUSTER: &str = "sim";
/// Sub-accounts of an authority that are looked for: the program's interface makes eight at most.
const SUB_ACCOUNTS: u16 = 8;
/// What is made up or played back under these names is taken for the real thing.
const REAL_CLUSTERS: [&str; 4] = ["mainnet", "mainnet-beta", "devnet", "testnet"];

/// Runs the writer until it is told to stop.
pub fn run(
    args: RunArgs,
    command: &Command,
    argv: &[OsString],
    parsed: &Parsed,
) -> Result<ExitCode, Failure> {
    let run = command.find_subcommand("run");
    let unknown = run.map(config::unknown_variables).unwrap_or_default();
    if args.check {
        unknown.iter().for_each(|what| complain(what));
        let text = config::show(command, argv, parsed);
        std::io::stdout().write_all(text.as_bytes())?;
    }
    let check = args.check;
    let log = args.log.clone();
    if let Some(matches) = parsed.matches.subcommand_matches("run") {
        #[cfg(feature = "live")]
        live::refuse_keys_in_flags(&args.live, matches)?;
        refuse_idle_flags(&args, command, matches)?;
    }
    let options = options(args)?;
    if check {
        serve::check(&options)?;
        return Ok(ExitCode::SUCCESS);
    }
    let _lines = config::log::start(&log);
    for what in unknown {
        tracing::warn!("{what}");
    }
    if let Some(what) = not_real(&options.cluster, &options.feeds) {
        tracing::warn!(cluster = options.cluster, "{what}");
    }
    for feed in &options.feeds {
        match feed {
            FeedSpec::Sim(sim) if options.follow == Follow::All => {
                for what in little_room(sim, &options.capacities) {
                    tracing::warn!("{what}");
                }
            }
            _ => {}
        }
    }
    serve(options, std::future::pending())?;
    Ok(ExitCode::SUCCESS)
}

fn usage<T>(what: impl Into<String>) -> Result<T, Failure> {
    Err(SettingError::Usage(what.into()).into())
}

/// What a bot would take for the chain's state, since it opens it by a real cluster's name.
fn not_real(cluster: &str, feeds: &[FeedSpec]) -> Option<&'static str> {
    let is_real = REAL_CLUSTERS.contains(&cluster);
    feeds.iter().find_map(not_the_chain).filter(|_| is_real)
}

fn not_the_chain(feed: &FeedSpec) -> Option<&'static str> {
    match feed {
        FeedSpec::Sim(_) => Some(
            "made-up accounts under a real cluster's name: bots cannot tell them from real ones; \
             --cluster sim is meant for them",
        ),
        FeedSpec::Replay(_) => Some(
            "recorded accounts under a real cluster's name: bots cannot tell them from present \
             ones; give the recording another --cluster, such as replay",
        ),
        #[cfg(feature = "live")]
        FeedSpec::Live(_) => None,
    }
}

/// Which of the accounts that are sure to come find no room.
fn little_room(sim: &SimOptions, room: &Capacities) -> Vec<String> {
    // Of every four users, two have the same authority, and thus the same stats.
    let stats = sim.users - sim.users / 4;
    let needs = [
        (Kind::User, sim.users, "users", "--max-users"),
        (Kind::UserStats, stats, "user stats", "--max-user-stats"),
    ];
    let short = needs.into_iter().filter_map(|(kind, need, what, flag)| {
        let room = room.records[kind as usize];
        let users = sim.users;
        (need as usize > room).then(|| {
            format!(
                "--users {users} makes {need} {what}, but {flag} is {room}: the rest is left out"
            )
        })
    });
    short.collect()
}

/// The feeds in use.
fn feeds(args: &RunArgs) -> Vec<FeedName> {
    if !args.feed.is_empty() {
        return args.feed.clone();
    }
    #[cfg(feature = "live")]
    let named = live::named(&args.live);
    #[cfg(not(feature = "live"))]
    let named = Vec::new();
    match args.cluster.as_deref() {
        Some(SIM_CLUSTER) if named.is_empty() => vec![FeedName::Sim],
        _ => named,
    }
}

/// A flag for a feed that does not run is a mistake; in variables and files it may wait there.
fn refuse_idle_flags(
    args: &RunArgs,
    command: &Command,
    matches: &ArgMatches,
) -> Result<(), Failure> {
    let feeds = feeds(args);
    let Some(run) = command.find_subcommand("run").filter(|_| !feeds.is_empty()) else {
        return Ok(());
    };
    for (heading, feed, name) in
        [("Sim feed", FeedName::Sim, "sim"), ("Replay feed", FeedName::Replay, "replay")]
    {
        let idle = config::settings(run).find(|arg| {
            let typed =
                matches.value_source(arg.get_id().as_str()) == Some(ValueSource::CommandLine);
            arg.get_help_heading() == Some(heading) && typed && !feeds.contains(&feed)
        });
        if let Some(flag) = idle.and_then(|arg| arg.get_long()) {
            return usage(format!("--{flag} means nothing without --feed {name}"));
        }
    }
    #[cfg(feature = "live")]
    live::refuse_idle_flags(&feeds, run, matches)?;
    refuse_idle_users(args, &feeds, matches)
}

/// Which users a node is asked for means nothing where there is no node.
fn refuse_idle_users(
    args: &RunArgs,
    feeds: &[FeedName],
    matches: &ArgMatches,
) -> Result<(), Failure> {
    let users = match args.accounts.users {
        Some(UsersArg::Active) => "active",
        Some(UsersArg::All) => "all",
        _ => return Ok(()),
    };
    let is_idle = feeds.iter().all(|feed| matches!(feed, FeedName::Sim | FeedName::Replay));
    if is_idle && matches.value_source("users") == Some(ValueSource::CommandLine) {
        return usage(format!(
            "--users {users} means nothing without a live feed: give --rpc-url URL, or for the \
             feed sim a number (--users 100)"
        ));
    }
    Ok(())
}

/// An authority's stats, and as many of its users as anybody has.
fn accounts_of(profile: &Profile, authority: &Pubkey) -> Vec<Pubkey> {
    let users = (0..SUB_ACCOUNTS).filter_map(|id| profile.user_address(authority, id));
    profile.user_stats_address(authority).into_iter().chain(users).collect()
}

fn options(args: RunArgs) -> Result<ServeOptions, Failure> {
    let feeds = feeds(&args);
    let Some(cluster) = args.cluster.clone() else {
        return usage(
            "no cluster is named: give --cluster NAME, DRIFTSHM_CLUSTER, or cluster in the \
             --config file",
        );
    };
    if feeds.is_empty() {
        return usage(
            "no feed is named: give --rpc-url URL (the chain), --feed sim (made-up accounts) or \
             --feed replay --replay FILE (recorded ones); only the cluster sim has a feed by default",
        );
    }
    #[cfg(feature = "live")]
    let (is_live, feeds) = live::part(feeds);
    #[cfg(not(feature = "live"))]
    let is_live = false;
    let sim_users = match args.accounts.users {
        Some(UsersArg::Count(_)) if is_live => {
            return usage(
                "--users of a live feed is none, active or all: how many there are, the chain says",
            );
        }
        Some(UsersArg::Count(count)) => count,
        Some(UsersArg::None) => 0,
        Some(UsersArg::Active | UsersArg::All) | None => SimOptions::default().users,
    };
    let specs = feeds.into_iter().map(|feed| match feed {
        #[cfg(feature = "live")]
        FeedName::Rpc | FeedName::Ws | FeedName::Grpc => usage("this feed is not one of its own"),
        FeedName::Sim => {
            let sim = &args.sim;
            if let Some(index) = sim.focus_market.filter(|index| *index >= sim.markets) {
                let (last, count) = (sim.markets - 1, sim.markets);
                return usage(format!(
                    "--focus-market is {index}, but with --markets {count} the last one is {last}"
                ));
            }
            Ok(FeedSpec::Sim(SimOptions {
                markets: sim.markets,
                spot_markets: sim.spot_markets,
                users: sim_users,
                cold_users: sim.cold_users,
                rate: sim.rate,
                seed: sim.seed,
                focus_market: sim.focus_market,
                pairs: sim.pairs,
                ..SimOptions::default()
            }))
        }
        FeedName::Replay => match &args.replay.replay {
            Some(path) => Ok(FeedSpec::Replay(ReplayOptions {
                path: path.clone(),
                repeat: args.replay.looped,
                speed: args.replay.speed,
            })),
            None => usage("--feed replay needs a recording: give --replay FILE"),
        },
    });
    let feeds = specs.collect::<Result<Vec<_>, _>>()?;
    #[cfg(feature = "live")]
    let feeds: Vec<_> = feeds.into_iter().chain(live::spec(&args, &cluster, is_live)?).collect();
    let mut users = args.accounts.user;
    for authority in &args.accounts.authority {
        users.extend(accounts_of(&args.profile, authority));
    }
    let follow = match args.accounts.follow {
        FollowName::Watched => Follow::Watched,
        // A live feed brings all users only if it is told to.
        FollowName::All
            if is_live && matches!(args.accounts.users, None | Some(UsersArg::None)) =>
        {
            Follow::Watched
        }
        FollowName::All => Follow::All,
    };
    let dir = match args.dir {
        Some(dir) => dir,
        None => dir::resolve(Some(&cluster))?.dir,
    };
    let region = &args.region;
    Ok(ServeOptions {
        capacities: Capacities {
            journal: region.journal,
            headroom: region.headroom,
            ..Capacities::default()
        }
        .with(Kind::PerpMarket, region.max_perp_markets)
        .with(Kind::SpotMarket, region.max_spot_markets)
        .with(Kind::Oracle, region.max_oracles)
        .with(Kind::User, region.max_users)
        .with(Kind::UserStats, region.max_user_stats),
        mode: args.access.mode,
        follow,
        users,
        limits: Limits::with_connections(args.access.max_connections),
        allow_uids: args.access.allow_uid,
        allow_gids: args.access.allow_gid,
        linger: args.accounts.watch_linger,
        #[cfg(feature = "live")]
        fail_fast: args.live.fail_fast,
        feeds,
        record: args.record,
        metrics_listen: args.metrics.metrics_listen,
        ..ServeOptions::new(dir, &cluster, Arc::unwrap_or_clone(args.profile))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feeds::sim::users;
    use driftshm_layout::profile::Profile;

    #[test]
    fn what_is_not_real_is_said_where_bots_would_take_it_for_real() {
        let sim = [FeedSpec::Sim(SimOptions::default())];
        let replay =
            [FeedSpec::Replay(ReplayOptions { path: "a.rec".into(), repeat: false, speed: 1.0 })];
        for cluster in REAL_CLUSTERS {
            assert!(not_real(cluster, &sim).is_some_and(|what| what.contains("made-up")));
            assert!(not_real(cluster, &replay).is_some_and(|what| what.contains("recorded")));
        }
        for cluster in ["sim", "replay", "demo"] {
            assert_eq!((not_real(cluster, &sim), not_real(cluster, &replay)), (None, None));
        }
        assert_eq!(not_real("mainnet", &[]), None);
    }

    #[test]
    fn accounts_without_room_are_foretold_as_the_simulation_makes_them() {
        let profile = Profile::builtin("drift-v2").unwrap();
        for count in 0..10 {
            let sim = SimOptions { users: count, ..SimOptions::default() };
            let all = users(&profile, &sim);
            let stats = all.iter().filter(|user| user.sub_account_id == 0).count();
            let room = |users, stats| {
                Capacities::default().with(Kind::User, users).with(Kind::UserStats, stats)
            };
            assert!(little_room(&sim, &room(all.len(), stats)).is_empty());
            if count > 0 {
                let said = little_room(&sim, &room(all.len() - 1, stats - 1));
                assert_eq!(said.len(), 2, "{said:?}");
                assert!(said[1].contains(&format!("{stats} user stats")), "{said:?}");
            }
        }
    }
}
