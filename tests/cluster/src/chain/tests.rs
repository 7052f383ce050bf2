//! The chain against a model that remembers everything.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;

use super::state::State;
use super::*;

const START: u64 = 100;
const RULES: Rules =
    Rules { confirm_after: 2, finalize_after: 3, replay_slots: 1_000, replay_bytes: usize::MAX };

#[derive(Debug, Clone)]
enum Step {
    Write(u8),
    Advance,
    Orphan(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (0..4_u8).prop_map(Step::Write),
        3 => Just(Step::Advance),
        1 => (1..4_usize).prop_map(Step::Orphan),
    ];
    vec(step, 0..120)
}

fn key(number: u8) -> Pubkey {
    Pubkey([number; 32])
}

fn write(state: &mut State, number: u8, out: &mut Vec<Arc<Notice>>) -> u64 {
    let write_version = state.next_write_version();
    let slot = state.slot(Commitment::Processed);
    let account = Account {
        pubkey: key(number),
        owner: SYSTEM_PROGRAM,
        lamports: 1,
        data: Bytes::new(),
        slot,
        write_version,
    };
    state.write(Arc::new(Written { account, withheld: Protocols::NONE }), out);
    write_version
}

/// Slots that count, with their writes: the newest is open.
#[derive(Debug)]
struct Model {
    live: Vec<(u64, BTreeMap<u8, u64>)>,
    tip: u64,
    /// How many of them are confirmed; what is stays so, though slots upon it be undone.
    confirmed: usize,
    finalized: usize,
}

impl Model {
    /// How many slots a commitment has reached.
    fn reached(&self, commitment: Commitment) -> usize {
        match commitment {
            Commitment::Processed => self.live.len(),
            Commitment::Confirmed => self.confirmed,
            Commitment::Finalized => self.finalized,
        }
    }

    fn begin(&mut self) {
        self.tip += 1;
        let processed = self.live.len();
        self.confirmed = self.confirmed.max(processed.saturating_sub(RULES.confirm_after));
        self.finalized = self.finalized.max(self.confirmed.saturating_sub(RULES.finalize_after));
        self.live.push((self.tip, BTreeMap::new()));
    }

    fn newest(&self, number: u8, commitment: Commitment) -> Option<u64> {
        let slots = &self.live[..self.reached(commitment)];
        slots.iter().rev().find_map(|(_, writes)| writes.get(&number).copied())
    }
}

const LEVELS: [Commitment; 3] =
    [Commitment::Processed, Commitment::Confirmed, Commitment::Finalized];

proptest! {
    #[test]
    fn each_commitment_sees_the_last_write_that_counts(steps in steps()) {
        let mut state = State::new(RULES, START);
        let mut model = Model { live: Vec::new(), tip: START, confirmed: 0, finalized: 0 };
        model.begin();
        let mut out = Vec::new();
        for step in steps {
            match step {
                Step::Write(number) => {
                    let version = write(&mut state, number, &mut out);
                    model.live.last_mut().unwrap().1.insert(number, version);
                }
                Step::Advance => {
                    state.advance(&mut out);
                    model.begin();
                }
                Step::Orphan(count) => {
                    let dead = state.orphan(count, true, &mut out);
                    let doomed = count.min(model.live.len() - model.confirmed);
                    prop_assert_eq!(dead.len(), doomed);
                    for slot in dead {
                        prop_assert_eq!(model.live.pop().unwrap().0, slot);
                    }
                    model.begin();
                }
            }
            for commitment in LEVELS {
                let slot = state.slot(commitment);
                let reached = model.reached(commitment);
                let expected = reached.checked_sub(1).map_or(START, |last| model.live[last].0);
                prop_assert_eq!(slot, expected, "{:?}", commitment);
                for number in 0..4 {
                    let seen = state.account_at(&key(number), slot);
                    let seen = seen.map(|written| written.account.write_version);
                    prop_assert_eq!(seen, model.newest(number, commitment), "{:?}", commitment);
                }
            }
        }
    }

    #[test]
    fn a_replay_is_what_the_stream_would_have_brought(steps in steps()) {
        let mut state = State::new(RULES, START);
        let mut out = Vec::new();
        for step in steps {
            match step {
                Step::Write(number) => drop(write(&mut state, number, &mut out)),
                Step::Advance => state.advance(&mut out),
                Step::Orphan(_) => {}
            }
        }
        for commitment in LEVELS {
            let accounts = |notices: &[Arc<Notice>]| -> Vec<u64> {
                let of_level = |notice: &Arc<Notice>| match &notice.what {
                    What::Account(account) if account.commitment == commitment => {
                        Some(account.written.account.write_version)
                    }
                    _ => None,
                };
                notices.iter().filter_map(of_level).collect()
            };
            let replayed = state.replay(START + 1, commitment).unwrap();
            prop_assert_eq!(accounts(&replayed), accounts(&out), "{:?}", commitment);
        }
        prop_assert!(state.replay(START, Commitment::Processed).is_none());
    }
}

#[test]
fn what_cannot_be_replayed_any_more_is_forgotten() {
    let rules = Rules { replay_slots: 5, ..RULES };
    let mut state = State::new(rules, START);
    let mut out = Vec::new();
    for _ in 0..1_000 {
        write(&mut state, 1, &mut out);
        state.advance(&mut out);
        out.clear();
    }
    assert_eq!(state.replay_from(), START + 996);
    assert!(state.remembered() < 200, "{}", state.remembered());
    let rules = Rules { replay_bytes: 0, ..RULES };
    let mut state = State::new(rules, START);
    let account = |state: &mut State| Account {
        pubkey: key(1),
        owner: SYSTEM_PROGRAM,
        lamports: 1,
        data: Bytes::from_static(&[0; 64]),
        slot: state.slot(Commitment::Processed),
        write_version: state.next_write_version(),
    };
    for _ in 0..20 {
        let account = account(&mut state);
        let written = Written { account, withheld: Protocols::NONE };
        state.write(Arc::new(written), &mut out);
        state.advance(&mut out);
    }
    // What is not final yet is needed, room or not.
    assert_eq!(state.replay_from(), state.slot(Commitment::Finalized) + 1);
}
