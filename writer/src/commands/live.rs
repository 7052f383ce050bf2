//! The live feeds of `driftshm run`.

use std::io::Read;
use std::path::Path;

use clap::parser::ValueSource;
use clap::{ArgMatches, Command};

use super::failure::Failure;
use crate::config::args::{FeedName, RunArgs, UsersArg};
use crate::config::live::LiveArgs;
use crate::config::{self, SettingError};
use crate::live::{Endpoint, LiveOptions, Token, Users};
use crate::serve::FeedSpec;

/// No token is longer.
const MAX_TOKEN: u64 = 4096;

fn usage<T>(what: impl Into<String>) -> Result<T, Failure> {
    Err(SettingError::Usage(what.into()).into())
}

/// The feeds that URLs are given for.
pub fn named(args: &LiveArgs) -> Vec<FeedName> {
    let named = [
        (FeedName::Ws, args.ws_url.is_some()),
        (FeedName::Grpc, args.grpc_url.is_some()),
        (FeedName::Rpc, args.rpc_url.is_some()),
    ];
    let mut named: Vec<_> =
        named.iter().filter(|(_, given)| *given).map(|(name, _)| *name).collect();
    // Beside a stream, RPC is not polled.
    if named.len() > 1 {
        named.retain(|name| *name != FeedName::Rpc);
    }
    named
}

/// Whether any of these is live, and those that are not.
pub fn part(feeds: Vec<FeedName>) -> (bool, Vec<FeedName>) {
    let is_live = |name: &FeedName| matches!(name, FeedName::Rpc | FeedName::Ws | FeedName::Grpc);
    let any = feeds.iter().any(is_live);
    (any, feeds.into_iter().filter(|name| !is_live(name)).collect())
}

/// A flag of the live feeds means nothing where there is none.
pub fn refuse_idle_flags(
    feeds: &[FeedName],
    run: &Command,
    matches: &ArgMatches,
) -> Result<(), Failure> {
    if part(feeds.to_vec()).0 {
        return Ok(());
    }
    let idle = config::settings(run).find(|arg| {
        let typed = matches.value_source(arg.get_id().as_str()) == Some(ValueSource::CommandLine);
        arg.get_help_heading() == Some("Live feeds") && typed
    });
    match idle.and_then(|arg| arg.get_long()) {
        Some(flag) => usage(format!(
            "--{flag} means nothing without a live feed: give --rpc-url URL, or leave it out"
        )),
        None => Ok(()),
    }
}

/// Every user of the host sees the arguments of every process.
pub fn refuse_keys_in_flags(args: &LiveArgs, matches: &ArgMatches) -> Result<(), Failure> {
    let urls = [
        ("rpc", &args.rpc_url, "RPC"),
        ("ws", &args.ws_url, "WS"),
        ("grpc", &args.grpc_url, "GRPC"),
    ];
    for (name, url, variable) in urls {
        let typed = matches.value_source(&format!("{name}_url")) == Some(ValueSource::CommandLine);
        if typed && url.as_ref().is_some_and(Endpoint::may_hold_key) {
            return usage(format!(
                "--{name}-url may hold a key, and flags are visible to every user of this host: \
                 give it in DRIFTSHM_{variable}_URL, or as {name}-url in the --config file"
            ));
        }
    }
    Ok(())
}

/// All live feeds as one.
pub fn spec(args: &RunArgs, cluster: &str, is_live: bool) -> Result<Option<FeedSpec>, Failure> {
    let live = &args.live;
    if !is_live {
        return Ok(None);
    }
    let Some(rpc) = live.rpc_url.clone() else {
        return usage(
            "every live feed needs a node's RPC, for snapshots and the audit: give --rpc-url URL, \
             or DRIFTSHM_RPC_URL if there is a key in it",
        );
    };
    let asked = |name, url: &Option<Endpoint>, feed: &str| -> Result<Option<Endpoint>, Failure> {
        match url {
            _ if !args.feed.is_empty() && !args.feed.contains(&name) => Ok(None),
            None if args.feed.contains(&name) => {
                usage(format!("--feed {feed} needs a URL: give --{feed}-url URL"))
            }
            url => Ok(url.clone()),
        }
    };
    let ws = asked(FeedName::Ws, &live.ws_url, "ws")?;
    let grpc = asked(FeedName::Grpc, &live.grpc_url, "grpc")?;
    let many = matches!(args.accounts.users, Some(UsersArg::All | UsersArg::Active));
    if many && ws.is_none() && grpc.is_none() {
        return usage(
            "--users active and all need a stream: give --ws-url or --grpc-url; so many users \
             cannot be polled often enough to be right (name some with --user or --authority)",
        );
    }
    Ok(Some(FeedSpec::Live(Box::new(LiveOptions {
        ws,
        grpc,
        x_token: live.x_token_file.as_deref().map(token).transpose()?,
        poll: args.feed.contains(&FeedName::Rpc),
        commitment: live.commitment.into(),
        users: match args.accounts.users {
            Some(UsersArg::All) => Users::All,
            Some(UsersArg::Active) => Users::Active,
            _ => Users::None,
        },
        poll_interval: live.poll_interval,
        audit_period: live.audit_period,
        rpc_rate: live.rpc_rate,
        rpc_batch: live.rpc_batch,
        max_message: live.max_message,
        fail_fast: live.fail_fast,
        ..LiveOptions::new(cluster, rpc)
    }))))
}

fn token(path: &Path) -> Result<Token, Failure> {
    let mut text = String::new();
    let read =
        std::fs::File::open(path).and_then(|file| file.take(MAX_TOKEN).read_to_string(&mut text));
    match read {
        Ok(_) => {}
        Err(error) => {
            return usage(format!("cannot read --x-token-file {}: {error}", path.display()));
        }
    }
    match Token::new(&text) {
        Ok(token) => Ok(token),
        Err(what) => usage(format!("--x-token-file {}: {what}", path.display())),
    }
}
