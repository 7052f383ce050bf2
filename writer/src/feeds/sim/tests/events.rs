//! What is updated, when, and in which order.

use std::collections::HashSet;

use super::*;

#[test]
fn the_same_seed_repeats_every_update_and_another_one_does_not() {
    let options = SimOptions { users: 12, ..SimOptions::default() };
    let known = updates(&drift(), &options, 3_000);
    assert_eq!(updates(&drift(), &options, 3_000), known);
    let other = updates(&drift(), &SimOptions { seed: 2, ..options.clone() }, 3_000);
    assert_ne!(other.last(), known.last());
    // How fast it goes changes slots and times, not what happens in which order.
    let faster = updates(&drift(), &SimOptions { rate: 1_000, ..options }, 3_000);
    let order = |updates: &[AccountUpdate]| updates.iter().map(|u| u.pubkey).collect::<Vec<_>>();
    assert_eq!(order(&faster), order(&known));
    assert_ne!(faster.last(), known.last());
}

#[test]
fn slots_last_400_ms_and_write_versions_rise_strictly() {
    let options = SimOptions { users: 3, rate: 1_000, ..SimOptions::default() };
    let all = updates(&drift(), &options, 4_000);
    assert!(all.windows(2).all(|pair| pair[0].write_version < pair[1].write_version));
    assert!(all.windows(2).all(|pair| pair[0].slot <= pair[1].slot));
    // 4,000 updates at 1,000 per second are ten slots, each with 400 and what its last event adds.
    let of_slot = |slot| all.iter().filter(|update| update.slot == slot).count();
    assert!((395..=405).contains(&of_slot(START + 5)), "{}", of_slot(START + 5));
    assert_eq!(all.last().unwrap().slot, START + 10);
}

#[test]
fn no_two_updates_of_a_market_are_the_same() {
    let profile = drift();
    let all = updates(&profile, &SimOptions { users: 3, ..SimOptions::default() }, 5_000);
    let first = all.iter().position(|update| update.slot > START).unwrap();
    let mut last: HashMap<Pubkey, &[u8]> = HashMap::new();
    for update in &all[first..] {
        if let Some(before) = last.insert(update.pubkey, &update.data) {
            assert_ne!(before, update.data, "{}", update.pubkey);
        }
    }
}

#[test]
fn with_a_focus_one_market_alone_is_updated() {
    let profile = drift();
    let options = SimOptions { users: 2, focus_market: Some(3), ..SimOptions::default() };
    let all = updates(&profile, &options, 500);
    let hammered = &all[all.len() - 500..];
    let market = profile.perp_market_address(3).unwrap();
    assert!(hammered.iter().all(|update| update.pubkey == market));
    assert!(hammered.windows(2).all(|pair| pair[0].data != pair[1].data));
    // Its oracle stands still, and so it agrees as ever.
    let price = field(&profile, Kind::PerpMarket, "amm.historical_oracle_data.last_oracle_price");
    let prices: HashSet<_> = hammered.iter().map(|update| price.read_u64(&update.data)).collect();
    assert_eq!(prices.len(), 1);

    let nowhere = SimOptions { focus_market: Some(16), ..options };
    let all = updates(&profile, &nowhere, 500);
    let touched: HashSet<_> = all[all.len() - 500..].iter().map(|update| update.pubkey).collect();
    assert!(touched.len() > 10);
}

#[test]
fn with_pairs_every_version_of_every_market_checks_and_counts_up() {
    let profile = drift();
    let options = SimOptions { users: 2, pairs: true, ..SimOptions::default() };
    let pairs = Pairs::of(&profile).unwrap();
    assert!(pairs.has_checksum());
    let mut counts: HashMap<Pubkey, u64> = HashMap::new();
    let mut checked = 0;
    for update in updates(&profile, &options, 2_000) {
        if of_kind(&profile, Kind::PerpMarket, &update) {
            let count = pairs.check(&update.data).unwrap();
            let before = counts.insert(update.pubkey, count);
            assert!(before.is_none_or(|before| count == before + 1));
            checked += 1;
        }
    }
    assert!(checked > 500 && counts.len() == 16);
    let plain = updates(&profile, &SimOptions { pairs: false, ..options }, 0);
    let markets = plain.iter().filter(|update| of_kind(&profile, Kind::PerpMarket, update));
    assert!(markets.map(|update| pairs.check(&update.data)).all(|checked| checked.is_err()));
}

#[test]
fn cold_users_are_brought_only_while_somebody_follows_them() {
    let profile = drift();
    let options = SimOptions { users: 2, cold_users: 2, ..SimOptions::default() };
    let [cold, never] = cold_users(&profile, &options).try_into().unwrap();
    let stats = profile.user_stats_address(&cold.authority).unwrap();
    let mut simulation = simulation(&profile, &options);
    let mut all = Vec::new();
    simulation.all(|update| all.push(update));
    let after = |simulation: &mut Simulation| {
        let mut updates = Vec::new();
        (0..2_000).for_each(|_| simulation.step(&mut updates));
        let of = |key: &Pubkey| updates.iter().filter(|update| update.pubkey == *key).count();
        assert_eq!(of(&never.pubkey), 0);
        (of(&cold.pubkey), of(&stats))
    };
    assert!(!all.iter().any(|update| update.pubkey == cold.pubkey || update.pubkey == stats));
    assert_eq!(after(&mut simulation), (0, 0));

    let brought = simulation.follow(&cold.pubkey).unwrap();
    assert!(of_kind(&profile, Kind::User, &brought) && brought.pubkey == cold.pubkey);
    assert!(simulation.follow(&cold.pubkey).is_some(), "asked again, it answers again");
    let (user, no_stats) = after(&mut simulation);
    assert!(user > 20 && no_stats == 0, "{user} {no_stats}");
    assert!(simulation.follow(&stats).is_some());
    assert!(after(&mut simulation).1 > 5);

    simulation.unfollow(&cold.pubkey);
    assert_eq!(after(&mut simulation), (0, 0));
    assert_eq!(simulation.follow(&Pubkey([9; 32])), None);
    simulation.unfollow(&Pubkey([9; 32]));
}
