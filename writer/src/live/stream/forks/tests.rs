use super::*;

const KEY: Pubkey = Pubkey([1; 32]);

fn account(slot: u64, data: u8) -> AccountUpdate {
    AccountUpdate {
        pubkey: KEY,
        owner: None,
        slot,
        write_version: 0,
        lamports: 1,
        data: vec![data],
        received_ns: 0,
        source: 0,
    }
}

fn word(slot: u64, parent: u64, status: SlotStatus) -> SlotUpdate {
    SlotUpdate { slot, parent: Some(parent), status }
}

/// Slot 10 is confirmed, and 11 to 13 follow each other.
fn chain() -> Forks {
    let mut forks = Forks::default();
    assert!(forks.slot(word(10, 9, SlotStatus::Confirmed)).is_empty());
    for slot in 11..=13 {
        assert!(forks.slot(word(slot, slot - 1, SlotStatus::Processed)).is_empty());
    }
    forks
}

#[test]
fn a_dead_slot_is_undone_to_what_was_before_it() {
    let mut forks = chain();
    assert!(forks.put(&account(11, 1), || Some(account(9, 0))));
    assert!(forks.put(&account(12, 2), || unreachable!("it is known already")));
    let dead = SlotUpdate { slot: 12, parent: None, status: SlotStatus::Dead };
    assert_eq!(forks.slot(dead), [Undo::To { slot: 12, before: account(11, 1) }]);
    let dead = SlotUpdate { slot: 11, parent: None, status: SlotStatus::Dead };
    assert_eq!(forks.slot(dead), [Undo::To { slot: 11, before: account(9, 0) }]);
    assert!(!forks.put(&account(12, 3), || None), "and nothing of it is taken any more");
}

#[test]
fn a_slot_that_is_no_ancestor_of_a_confirmed_one_is_undone() {
    let mut forks = chain();
    assert!(forks.put(&account(13, 3), || Some(account(9, 0))));
    // 14 builds on 12, so 13 is left aside.
    forks.slot(word(14, 12, SlotStatus::Processed));
    assert_eq!(
        forks.slot(word(14, 12, SlotStatus::Confirmed)),
        [Undo::To { slot: 13, before: account(9, 0) }]
    );
    assert_eq!(forks.settled(), 14);
}

#[test]
fn a_confirmed_slot_settles_its_ancestors_though_no_word_of_them_came() {
    let mut forks = chain();
    assert!(forks.put(&account(12, 2), || Some(account(9, 0))));
    assert!(forks.slot(word(13, 12, SlotStatus::Finalized)).is_empty());
    let dead = SlotUpdate { slot: 12, parent: None, status: SlotStatus::Dead };
    assert!(forks.slot(dead).is_empty(), "too late: it is confirmed");
    assert!(forks.histories.is_empty() && forks.touched.is_empty());
}

#[test]
fn without_any_word_of_confirmation_depth_settles() {
    let mut forks = Forks::default();
    forks.slot(word(100, 99, SlotStatus::Confirmed));
    assert!(forks.put(&account(101, 1), || Some(account(50, 0))));
    for slot in 102..140 {
        // 101 is skipped by all that follow.
        let parent = if slot == 102 { 100 } else { slot - 1 };
        let undone = forks.slot(word(slot, parent, SlotStatus::Processed));
        if !undone.is_empty() {
            assert_eq!(undone, [Undo::To { slot: 101, before: account(50, 0) }]);
        }
    }
    assert!(forks.settled() >= 140 - DEPTH - 2);
    assert!(forks.dead.contains(&101));
}

#[test]
fn what_was_fetched_is_something_to_fall_back_on() {
    let mut forks = Forks::default();
    forks.slot(word(100, 99, SlotStatus::Begun));
    assert!(forks.put(&account(100, 1), || None));
    forks.fetched(100);
    assert!(forks.histories.is_empty() && forks.bytes == 0);
    assert!(forks.put(&account(101, 2), || Some(account(100, 1))));
    let dead = SlotUpdate { slot: 101, parent: None, status: SlotStatus::Dead };
    assert_eq!(forks.slot(dead), [Undo::To { slot: 101, before: account(100, 1) }]);
}

#[test]
fn what_is_not_known_from_before_is_to_be_fetched() {
    let mut forks = chain();
    assert!(forks.put(&account(13, 3), || None));
    let dead = SlotUpdate { slot: 13, parent: None, status: SlotStatus::Dead };
    assert_eq!(forks.slot(dead), [Undo::Fetch { slot: 13, pubkey: KEY }]);
}

#[test]
fn what_another_feed_has_brought_of_an_open_slot_is_nothing_to_fall_back_on() {
    let mut forks = chain();
    assert!(forks.put(&account(13, 3), || Some(account(13, 3))));
    let dead = SlotUpdate { slot: 13, parent: None, status: SlotStatus::Dead };
    assert_eq!(forks.slot(dead), [Undo::Fetch { slot: 13, pubkey: KEY }]);
    // Unless it is RPC that has brought it: what that says is confirmed.
    let fetched = AccountUpdate { source: RPC_SOURCE, ..account(13, 3) };
    assert!(forks.put(&account(15, 5), || Some(fetched.clone())));
    let dead = SlotUpdate { slot: 15, parent: None, status: SlotStatus::Dead };
    assert_eq!(forks.slot(dead), [Undo::To { slot: 15, before: fetched }]);
    let mut forks = chain();
    forks.slot(SlotUpdate { slot: 13, parent: None, status: SlotStatus::Dead });
    // Nor what is of a slot that is void.
    assert!(forks.put(&account(14, 4), || Some(account(13, 3))));
    let dead = SlotUpdate { slot: 14, parent: None, status: SlotStatus::Dead };
    assert_eq!(forks.slot(dead), [Undo::Fetch { slot: 14, pubkey: KEY }]);
}

#[test]
fn a_slot_that_was_left_aside_brings_nothing_even_if_it_is_late() {
    let mut forks = chain();
    // 13 is skipped by what is confirmed, before it has brought anything.
    forks.slot(word(14, 12, SlotStatus::Processed));
    assert!(forks.slot(word(14, 12, SlotStatus::Confirmed)).is_empty());
    assert!(!forks.put(&account(13, 3), || Some(account(9, 0))));
    assert!(forks.put(&account(12, 2), || Some(account(9, 0))), "an ancestor may be late");
}

#[test]
fn of_a_slot_only_the_last_of_an_account_is_kept() {
    let mut forks = chain();
    for data in 0..100 {
        assert!(forks.put(&account(13, data), || Some(account(9, 0))));
    }
    assert_eq!((forks.histories[&KEY].open.len(), forks.bytes), (1, 1));
    assert!(forks.put(&account(14, 4), || unreachable!("it is known already")));
    let dead = SlotUpdate { slot: 14, parent: None, status: SlotStatus::Dead };
    assert_eq!(forks.slot(dead), [Undo::To { slot: 14, before: account(13, 99) }]);
}

#[test]
fn many_large_accounts_are_settled_early_rather_than_kept() {
    let mut forks = chain();
    for number in 0..200_u64 {
        let slot = 13 + number / 10;
        let mut update = account(slot, 0);
        update.pubkey.0[..8].copy_from_slice(&number.to_le_bytes());
        update.data = vec![0; 1 << 20];
        assert!(forks.put(&update, || None));
    }
    assert!(forks.bytes <= KEPT_BYTES, "{}", forks.bytes);
    let kept: usize = forks.histories.values().map(|history| history.open.len()).sum();
    assert_eq!(forks.bytes, kept << 20, "what is counted is what is there");
    assert_eq!(forks.histories.len(), kept);
}

#[test]
fn memory_is_bounded_though_nothing_is_ever_settled() {
    let mut forks = Forks::default();
    for slot in 1..5000 {
        // Each is a root of its own.
        forks.slot(SlotUpdate { slot, parent: None, status: SlotStatus::Processed });
        forks.put(&account(slot, 0), || None);
    }
    assert!(forks.parents.len() <= REMEMBERED);
    assert!(forks.histories[&KEY].open.len() <= KEPT);
    assert!(forks.touched.len() <= REMEMBERED, "{}", forks.touched.len());
}
