//! Where accounts are, and how a node is asked for them.

mod support;

use anchor_lang::Discriminator;
use drift_rs::constants::{
    PROGRAM_ID, derive_perp_market_account, derive_spot_market_account, state_account,
};
use drift_rs::types::MarketType;
use drift_rs::types::accounts::{
    PerpMarket, PrelaunchOracle, PythLazerOracle, SpotMarket, State, User, UserStats,
};
use drift_rs::{Pubkey, Wallet, memcmp};
use driftshm_drift_rs as _;
use driftshm_layout::Pubkey as OurPubkey;
use driftshm_layout::profile::{Kind, role};
use solana_rpc_client_api::filter::RpcFilterType;
use support::{drift, facts};

fn assert_same(ours: Option<OurPubkey>, theirs: &Pubkey, what: &str) {
    assert_eq!(ours.unwrap().0, theirs.to_bytes(), "{what}");
    assert_eq!(ours.unwrap().to_string(), theirs.to_string(), "{what}");
}

#[test]
fn the_program_and_its_state_are_where_drift_rs_has_them() {
    let drift = drift();
    assert_same(Some(drift.program_id), &PROGRAM_ID, "program");
    assert_same(drift.state_address(), state_account(), "state");
}

#[test]
fn markets_are_where_drift_rs_has_them() {
    let drift = drift();
    for index in (0..100).chain([255, 256, u16::MAX]) {
        let what = format!("market {index}");
        assert_same(drift.perp_market_address(index), &derive_perp_market_account(index), &what);
        assert_same(drift.spot_market_address(index), &derive_spot_market_account(index), &what);
    }
}

#[test]
fn users_are_where_drift_rs_has_them() {
    let drift = drift();
    let authority = drift.account(Kind::User).unwrap().role(role::AUTHORITY).unwrap();
    let users = facts("accounts.jsonl").into_iter().filter(|(fact, _)| fact["kind"] == "User");
    let mut authorities: Vec<_> =
        users.map(|(_, data)| authority.read_pubkey(&data).unwrap()).collect();
    authorities.extend((0..20).map(|byte| OurPubkey([byte; 32])));
    for ours in authorities {
        let theirs = Pubkey::new_from_array(ours.0);
        for id in [0, 1, 7, 256, u16::MAX] {
            let expected = Wallet::derive_user_account(&theirs, id);
            assert_same(drift.user_address(&ours, id), &expected, &format!("user {theirs} {id}"));
        }
        let expected = Wallet::derive_stats_account(&theirs);
        assert_same(drift.user_stats_address(&ours), &expected, &format!("stats {theirs}"));
    }
}

#[test]
fn accounts_begin_with_the_discriminators_of_drift_rs() {
    let known: [(&str, &[u8]); 7] = [
        ("PerpMarket", PerpMarket::DISCRIMINATOR),
        ("SpotMarket", SpotMarket::DISCRIMINATOR),
        ("User", User::DISCRIMINATOR),
        ("UserStats", UserStats::DISCRIMINATOR),
        ("State", State::DISCRIMINATOR),
        ("PrelaunchOracle", PrelaunchOracle::DISCRIMINATOR),
        ("PythLazerOracle", PythLazerOracle::DISCRIMINATOR),
    ];
    let drift = drift();
    assert_eq!(drift.accounts().len(), known.len());
    for (name, discriminator) in known {
        assert_eq!(drift.account_by_name(name).unwrap().discriminator, *discriminator, "{name}");
    }
}

fn compared_bytes(filter: &RpcFilterType) -> (usize, Vec<u8>) {
    let RpcFilterType::Memcmp(memcmp) = filter else { panic!("{filter:?} compares nothing") };
    (memcmp.offset(), memcmp.bytes().unwrap().into_owned())
}

#[test]
fn a_node_is_asked_to_compare_the_same_bytes() {
    let drift = drift();
    let starts = |kind| (0, drift.account(kind).unwrap().discriminator.to_vec());
    let user = |path, byte| {
        let field = drift.resolve(Kind::User, path).unwrap();
        (usize::try_from(field.offset).unwrap(), vec![byte])
    };
    let market = memcmp::get_market_filter;
    for (theirs, ours) in [
        (market(MarketType::Perp), starts(Kind::PerpMarket)),
        (market(MarketType::Spot), starts(Kind::SpotMarket)),
        (memcmp::get_user_filter(), starts(Kind::User)),
        (memcmp::get_non_idle_user_filter(), user("idle", 0)),
        (memcmp::get_user_with_order_filter(), user("has_open_order", 1)),
        (memcmp::get_user_with_auction_filter(), user("has_open_auction", 1)),
    ] {
        assert_eq!(compared_bytes(&theirs), ours);
    }
    let user = drift.account(Kind::User).unwrap();
    for (role, path) in [(role::IDLE, "idle"), (role::HAS_OPEN_ORDER, "has_open_order")] {
        let named = drift.resolve(Kind::User, path).unwrap();
        assert_eq!(user.role(role).unwrap().offset, named.offset, "{path}");
    }
}
