//! Which users are followed.

use driftshm_cluster::{Commitment, Fault, Protocol};
use driftshm_layout::Pubkey;
use driftshm_layout::profile::{Kind, role};
use libtest_mimic::Trial;

use crate::support::{Chain, Feeds, Followed, LiveWriter, WATCHDOG, small, until};
use crate::trial;

pub fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for feeds in Feeds::EACH {
        for which in ["none", "active", "all"] {
            if feeds == Feeds::Rpc && which != "none" {
                continue;
            }
            let name = format!("users::{feeds}_follows_{which}");
            trials.push(trial(name, move || follows(feeds, which)));
        }
    }
    trials.push(trial("users::so_many_cannot_be_polled", refused));
    for feeds in [Feeds::Ws, Feeds::Grpc] {
        let name = format!("users::{feeds}_misses_none_that_changed_while_it_was_away");
        trials.push(trial(name, move || all_after_a_gap(feeds)));
    }
    trials
}

fn set_idle(chain: &Chain, user: &Pubkey, idle: bool) {
    let field = chain.profile().account(Kind::User).unwrap().role(role::IDLE).unwrap();
    chain.edit_account(user, |data| assert!(field.write_uint(data, idle.into()))).unwrap();
}

fn follows(feeds: Feeds, which: &str) {
    let chain = Chain::start(small());
    let users = chain.users();
    for (number, user) in users.iter().enumerate() {
        set_idle(&chain, user, number < 3);
    }
    chain.confirm();
    let flags = ["--users", which, "--poll-interval", "0.3", "--audit-period", "1"];
    let writer = LiveWriter::start(&chain, feeds, &flags);
    writer.await_live();
    let mut followed = match which {
        "none" => Followed::MARKETS,
        "active" => Followed::Named(users[3..].to_vec()),
        _ => Followed::AllUsers,
    };
    writer.assert_equals(&chain, &followed, WATCHDOG);
    // One comes back to life: streams tell.
    if which == "active" {
        set_idle(&chain, &users[0], false);
        followed = Followed::Named([&users[..1], &users[3..]].concat());
    }
    for user in &users[3..] {
        chain.edit_account(user, |data| *data.last_mut().unwrap() ^= 1).unwrap();
    }
    chain.confirm();
    writer.assert_equals(&chain, &followed, WATCHDOG);
    if which == "active" {
        let_go(&chain, &writer, &users[3]);
    }
}

/// One goes to sleep, of which streams do not tell: it is let go of, and nobody is to blame.
fn let_go(chain: &Chain, writer: &LiveWriter, user: &Pubkey) {
    set_idle(chain, user, true);
    chain.confirm();
    let region = writer.region();
    until("it is no longer vouched for", WATCHDOG, || {
        region.find(user).is_some_and(|record| !region.is_followed(&record)).then_some(())
    });
    let record = region.find(user).unwrap();
    let asleep = chain.account(user, Commitment::Confirmed).unwrap();
    assert_eq!(region.snapshot(&record).unwrap().data[..], asleep.data[..]);
    assert_eq!(writer.counter("audit_mismatches"), 0, "the log:\n{}", writer.log());
    set_idle(chain, user, false);
    until("it is followed again", WATCHDOG, || {
        region.find(user).is_some_and(|record| region.is_followed(&record)).then_some(())
    });
}

fn refused() {
    let chain = Chain::start(small());
    for which in ["active", "all"] {
        let writer = LiveWriter::start(&chain, Feeds::Rpc, &["--users", which]);
        assert_eq!(writer.ended(WATCHDOG).code(), Some(2));
        until("it says what to do", WATCHDOG, || writer.log().contains("--ws-url").then_some(()));
    }
}

fn all_after_a_gap(feeds: Feeds) {
    let chain = Chain::start(small());
    let writer = LiveWriter::start(&chain, feeds, &["--users", "all", "--audit-period", "0"]);
    writer.await_live();
    writer.assert_equals(&chain, &Followed::AllUsers, WATCHDOG);
    let before = chain.snapshot(Commitment::Confirmed).len();
    let streams = [Protocol::Ws, Protocol::Grpc];
    chain.fault_on(streams, Fault::Refuse { keep_connections: false });
    chain.touch_all();
    chain.confirm();
    // Longer than can be replayed.
    chain.advance_by(200);
    chain.heal();
    assert_eq!(chain.snapshot(Commitment::Confirmed).len(), before);
    writer.assert_equals(&chain, &Followed::AllUsers, WATCHDOG);
    assert!(writer.counter("gap_slots") >= 150, "{}", writer.counter("gap_slots"));
}
