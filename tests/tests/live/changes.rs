//! Accounts that are closed, opened again, and grow.

use std::time::Duration;

use driftshm_cluster::{Commitment, Fault};
use driftshm_layout::profile::{Kind, role};
use driftshm_layout::record::Presence;
use driftshm_layout::{Pubkey, Region};
use libtest_mimic::Trial;

use crate::support::{Chain, Feeds, Followed, LiveWriter, WATCHDOG, small, until};
use crate::trial;

pub fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for feeds in Feeds::EACH {
        for keep_owner in [false, true] {
            let owner = if keep_owner { "and_keeps_its_owner" } else { "as_programs_do" };
            let name = format!("changes::{feeds}_sees_an_account_closed_{owner}_and_opened_again");
            trials.push(trial(name, move || closed_and_reopened(feeds, keep_owner)));
        }
        let name = format!("changes::{feeds}_follows_an_account_that_grows");
        trials.push(trial(name, move || grows(feeds)));
        let name = format!("changes::{feeds}_says_that_an_account_is_shorter_than_known");
        trials.push(trial(name, move || is_short(feeds)));
    }
    trials
}

const FLAGS: [&str; 4] = ["--poll-interval", "0.3", "--audit-period", "1"];

fn start(feeds: Feeds) -> (Chain, LiveWriter, Followed) {
    let chain = Chain::start(small());
    let user = chain.users()[0];
    let named = user.to_string();
    let flags: Vec<&str> = FLAGS.into_iter().chain(["--user", &named]).collect();
    let writer = LiveWriter::start(&chain, feeds, &flags);
    let followed = Followed::Named(vec![user]);
    writer.await_live();
    writer.assert_equals(&chain, &followed, WATCHDOG);
    (chain, writer, followed)
}

fn is_closed(region: &Region, pubkey: &Pubkey) -> bool {
    region.find(pubkey).is_some_and(|record| region.presence(&record) == Presence::Closed)
}

/// A user that is named, an oracle, and a market, which comes with the others of its sort.
fn closed_and_reopened(feeds: Feeds, keep_owner: bool) {
    let (chain, writer, followed) = start(feeds);
    let Followed::Named(users) = &followed else { unreachable!() };
    let market = chain.market(3);
    let account = chain.account(&chain.market(0), Commitment::Processed).unwrap();
    let def = chain.profile().account(Kind::PerpMarket).unwrap();
    let oracle = def.role(role::ORACLE).unwrap().read_pubkey(&account.data).unwrap();
    let all = [users[0], oracle, market];
    for pubkey in all {
        chain.fault(Fault::Close { pubkey, keep_owner });
    }
    for pubkey in all {
        until("it is closed", WATCHDOG, || is_closed(writer.region(), &pubkey).then_some(()));
    }
    let closed = writer.counter("closed");
    assert_eq!(closed, 3);
    for pubkey in all {
        chain.fault(Fault::Reopen { pubkey });
    }
    chain.confirm();
    writer.assert_equals(&chain, &followed, WATCHDOG);
    std::thread::sleep(Duration::from_millis(1500));
    writer.assert_equals(&chain, &followed, Duration::ZERO);
    assert_eq!(writer.counter("closed"), closed, "what is open again is not closed again");
}

fn grows(feeds: Feeds) {
    let (chain, writer, followed) = start(feeds);
    let Followed::Named(users) = &followed else { unreachable!() };
    let all = [users[0], chain.market(1)];
    for by in [64, 200] {
        for pubkey in all {
            chain.fault(Fault::Grow { pubkey, by });
        }
        chain.confirm();
        writer.assert_equals(&chain, &followed, WATCHDOG);
    }
    for pubkey in all {
        let record = writer.region().find(&pubkey).unwrap();
        let meta = writer.region().meta(&record).unwrap();
        assert!(!meta.truncated && !meta.layout_mismatch, "{meta:?}");
    }
}

fn is_short(feeds: Feeds) {
    let (chain, writer, followed) = start(feeds);
    let market = chain.market(1);
    let mismatches = writer.counter("layout_mismatch");
    chain.edit_account(&market, |data| data.truncate(500)).unwrap();
    chain.confirm();
    writer.assert_equals(&chain, &followed, WATCHDOG);
    let record = writer.region().find(&market).unwrap();
    let meta = writer.region().meta(&record).unwrap();
    assert!(meta.layout_mismatch && meta.data_len == 500, "{meta:?}");
    assert!(writer.counter("layout_mismatch") > mismatches);
    until("the log names the account", WATCHDOG, || {
        writer.log().lines().any(|line| line.contains(&market.to_string())).then_some(())
    });
}
