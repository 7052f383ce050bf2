//! What comes to be followed while the writer runs.

use std::sync::Arc;

use driftshm_cluster::{Commitment, Fault, Protocol};
use driftshm_layout::control::{Filter, Subscription, Watch};
use driftshm_layout::profile::{Kind, role};
use driftshm_layout::{FeedState, Pubkey};
use libtest_mimic::Trial;

use crate::support::{Chain, Feeds, Followed, LiveWriter, WATCHDOG, hanging_at, small, until};
use crate::trial;

pub fn trials() -> Vec<Trial> {
    type Test = (&'static str, fn(Feeds));
    let tests: [Test; 6] = [
        ("a_new_market_and_its_oracle", new_market),
        ("another_oracle_of_a_market", another_oracle),
        ("a_user_that_a_bot_watches", watched_user),
        ("what_an_authority_has", authority),
        ("markets_though_users_cannot_be_fetched", without_users),
        ("markets_while_users_do_not_come", while_users_hang),
    ];
    let mut trials = Vec::new();
    for feeds in Feeds::EACH {
        for (name, test) in tests {
            // All users are for streams.
            if feeds == Feeds::Rpc && name.starts_with("markets_") {
                continue;
            }
            trials.push(trial(format!("picked_up::{feeds}::{name}"), move || test(feeds)));
        }
    }
    trials
}

/// No audit that could help; polling that does not take long.
const FLAGS: [&str; 4] = ["--poll-interval", "0.3", "--audit-period", "0"];

fn start(feeds: Feeds, more: &[&str]) -> (Chain, LiveWriter) {
    let chain = Chain::start(small());
    let flags: Vec<&str> = FLAGS.iter().chain(more).copied().collect();
    let writer = LiveWriter::start(&chain, feeds, &flags);
    writer.await_all_live(feeds);
    (chain, writer)
}

fn new_market(feeds: Feeds) {
    let (chain, writer) = start(feeds, &[]);
    let def = chain.profile().account(Kind::PerpMarket).unwrap();
    let oracle = chain.oracle_like(&chain.market(0), Pubkey([77; 32]));
    let mut data = chain.account(&chain.market(0), Commitment::Processed).unwrap().data.to_vec();
    assert!(def.role(role::MARKET_INDEX).unwrap().write_uint(&mut data, 4));
    assert!(def.role(role::ORACLE).unwrap().write_pubkey(&mut data, &oracle));
    chain.set_account(&chain.market(4), data);
    chain.confirm();
    writer.assert_equals(&chain, &Followed::MARKETS, WATCHDOG);
    let region = writer.region();
    let market = region.at(Kind::PerpMarket, 4).unwrap();
    let (record, source) = region.oracle_of(&market).unwrap();
    assert_eq!(region.pubkey(&record), Some(oracle));
    assert!(region.oracle_price(&record, source).is_some_and(|(price, _)| price.valid));
    // And it goes on coming.
    chain.touch(&chain.market(4));
    chain.edit_account(&oracle, |data| *data.last_mut().unwrap() ^= 1).unwrap();
    chain.confirm();
    writer.assert_equals(&chain, &Followed::MARKETS, WATCHDOG);
}

fn another_oracle(feeds: Feeds) {
    let (chain, writer) = start(feeds, &[]);
    let def = chain.profile().account(Kind::PerpMarket).unwrap();
    let oracle = chain.oracle_like(&chain.market(1), Pubkey([78; 32]));
    chain.edit_account(&chain.market(1), |data| {
        assert!(def.role(role::ORACLE).unwrap().write_pubkey(data, &oracle));
    });
    chain.confirm();
    writer.assert_equals(&chain, &Followed::MARKETS, WATCHDOG);
    let market = writer.region().at(Kind::PerpMarket, 1).unwrap();
    let (record, _) = writer.region().oracle_of(&market).unwrap();
    assert_eq!(writer.region().pubkey(&record), Some(oracle));
    chain.edit_account(&oracle, |data| *data.last_mut().unwrap() ^= 1).unwrap();
    chain.confirm();
    writer.assert_equals(&chain, &Followed::MARKETS, WATCHDOG);
}

/// By a watch, and by a subscription that names another one.
fn watched_user(feeds: Feeds) {
    let (chain, writer) = start(feeds, &["--watch-linger", "0.2"]);
    let users = chain.users();
    writer.assert_equals(&chain, &Followed::MARKETS, WATCHDOG);
    let watch = Watch::new(writer.dir(), &users[..1], WATCHDOG).unwrap();
    let filter = Filter { pubkeys: vec![users[1]], ..Filter::default() };
    let region = Arc::clone(writer.region());
    let bot = Subscription::new(writer.dir(), region, &filter, true, WATCHDOG).unwrap();
    let both = Followed::Named(users[..2].to_vec());
    writer.assert_equals(&chain, &both, WATCHDOG);
    for _ in 0..3 {
        chain.touch_all();
        chain.confirm();
        writer.assert_equals(&chain, &both, WATCHDOG);
    }
    drop(watch);
    drop(bot);
    until("they are let go", WATCHDOG, || {
        let is_followed = |user| {
            let region = writer.region();
            region.find(user).is_some_and(|record| region.is_followed(&record))
        };
        (!users[..2].iter().any(is_followed)).then_some(())
    });
    chain.touch_all();
    chain.confirm();
    writer.assert_equals(&chain, &Followed::MARKETS, WATCHDOG);
}

fn authority(feeds: Feeds) {
    let chain = Chain::start(small());
    let of = |kind: Kind| chain.profile().account(kind).unwrap().role(role::AUTHORITY).unwrap();
    let read = |kind: Kind, pubkey: &Pubkey| {
        let data = chain.account(pubkey, Commitment::Processed).unwrap().data;
        of(kind).read_pubkey(&data).unwrap()
    };
    // The simulation has an authority with two users among the first four.
    let users = chain.users();
    let owners: Vec<Pubkey> = users.iter().map(|user| read(Kind::User, user)).collect();
    let owner = owners.iter().find(|owner| owners.iter().filter(|it| it == owner).count() == 2);
    let owner = *owner.unwrap();
    let theirs = users.iter().zip(&owners).filter(|(_, it)| **it == owner);
    let mut named: Vec<Pubkey> = theirs.map(|(user, _)| *user).collect();
    named.push(chain.profile().user_stats_address(&owner).unwrap());
    assert!(chain.account(&named[2], Commitment::Processed).is_some());
    let text = owner.to_string();
    let flags: Vec<&str> = FLAGS.into_iter().chain(["--authority", &text]).collect();
    let writer = LiveWriter::start(&chain, feeds, &flags);
    writer.await_live();
    let followed = Followed::Named(named);
    writer.assert_equals(&chain, &followed, WATCHDOG);
    for _ in 0..3 {
        chain.touch_all();
        chain.confirm();
        writer.assert_equals(&chain, &followed, WATCHDOG);
    }
}

/// A provider that takes for ever to list the users.
fn while_users_hang(feeds: Feeds) {
    let chain = Chain::start(small());
    let rpc = hanging_at("getProgramAccounts", &chain.rpc_url());
    let flags: Vec<&str> = FLAGS.into_iter().chain(["--users", "all"]).collect();
    let writer = LiveWriter::start_over(&rpc, &chain, feeds, &flags);
    writer.await_live();
    let truth = Followed::MARKETS.of(&chain, &chain.snapshot(Commitment::Confirmed));
    let is_there = |pubkey| writer.region().find(pubkey).is_some();
    assert!(truth.keys().all(is_there));
    assert!(!is_there(&chain.users()[0]));
    // What changes comes, of users too.
    chain.touch_all();
    chain.confirm();
    writer.assert_equals(&chain, &Followed::AllUsers, WATCHDOG);
    assert_eq!(writer.said_state(), Some(FeedState::Live));
}

/// A provider that does not do `getProgramAccounts`, as many do not.
fn without_users(feeds: Feeds) {
    let chain = Chain::start(small());
    let method = "getProgramAccounts".to_owned();
    chain.fault_on(Protocol::Rpc, Fault::RefuseMethod { method });
    let flags: Vec<&str> = FLAGS.into_iter().chain(["--users", "all"]).collect();
    let writer = LiveWriter::start(&chain, feeds, &flags);
    writer.await_live();
    let region = writer.region();
    let truth = Followed::MARKETS.of(&chain, &chain.snapshot(Commitment::Confirmed));
    for pubkey in truth.keys() {
        assert!(region.find(pubkey).is_some(), "{pubkey} is not there");
    }
    let said = until("the status says what is missing", WATCHDOG, || {
        let error = writer.feed("rpc").error?;
        error.contains("users").then_some(error)
    });
    assert!(said.0.contains("getProgramAccounts"), "{}", said.0);
    assert_eq!(writer.said_state(), Some(FeedState::Live));
    chain.heal();
    // It is asked again by and by.
    writer.assert_equals(&chain, &Followed::AllUsers, WATCHDOG);
}
