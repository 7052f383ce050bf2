//! What a recording consists of, item by item.
//!
//! ```text
//!   0  u32  bytes of the body          8  u64  ns since the session began
//!   4  u8   kind                      16  the body
//!   5  u8   rank of the source
//!   6  u16  flags
//!
//!   kind        body
//!   1 session   JSON: unix_ns, program, profile, cluster, writer
//!   2 account   u64 slot, u64 write_version, u64 lamports, pubkey (32), owner (32), data
//!               flag 1: the owner is not known    flag 2: from the region, at first
//!   3 slot      u64 slot
//!   4 state     u8 feed state: 1 connecting, 2 syncing, 3 live, 4 stalled, 5 down
//!   5 gap       u64 items that are missing here: the disk was too slow
//!   6 end       nothing: the session ended in order
//!   7 take back u64 slot that is not part of the chain, then as account: what it was before
//!   8 confirmed u64 slot: what is of this one or an older one stands
//! ```
//! Kinds that are not known are passed over.

use driftshm_layout::{FeedState, Pubkey};
use serde::{Deserialize, Serialize};

use crate::feeds::AccountUpdate;

const HEADER_LEN: usize = 16;
const ACCOUNT_LEN: usize = 3 * 8 + 2 * 32;

const SESSION: u8 = 1;
const ACCOUNT: u8 = 2;
const SLOT: u8 = 3;
const STATE: u8 = 4;
const GAP: u8 = 5;
const END: u8 = 6;
const TAKE_BACK: u8 = 7;
const CONFIRMED: u8 = 8;

/// The system program lets no account grow beyond it.
const MAX_DATA: usize = 10 << 20;

const NO_OWNER: u16 = 1;
const AT_FIRST: u16 = 2;

/// What was recorded, and by whom.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Session {
    /// When it began, in ns since 1970.
    pub unix_ns: u64,
    /// The program whose accounts these are.
    pub program: String,
    /// The profile's name.
    pub profile: String,
    /// The cluster's name.
    pub cluster: String,
    /// The writer's version.
    pub writer: String,
}

/// What is said at some time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// A session begins.
    Session(Session),
    /// An account, as a feed brought it. `received_ns` is that of the item.
    Account(AccountUpdate),
    /// The newest slot.
    Slot(u64),
    /// How a feed is.
    State(FeedState),
    /// So many items are missing.
    Gap(u64),
    /// The session ended in order.
    End,
    /// A slot turned out not to be part of the chain.
    TakeBack {
        /// The slot.
        slot: u64,
        /// The account as it was before.
        before: AccountUpdate,
    },
    /// What is of this slot or an older one stands.
    Confirmed(u64),
    /// Of a newer version.
    Unknown,
}

/// One item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Nanoseconds since the session began.
    pub time_ns: u64,
    /// Rank of the source; 0 for what no feed said.
    pub source: u8,
    /// Whether it is the state of the region at first, and not what a feed brought.
    pub at_first: bool,
    /// What it says.
    pub said: Said,
}

impl Item {
    /// The next item of a block, and how many bytes it takes; `None` if there is none.
    pub(super) fn decode(bytes: &[u8]) -> Option<(Self, usize)> {
        let (header, rest) = bytes.split_first_chunk::<HEADER_LEN>()?;
        let len = u32::from_le_bytes(*header.first_chunk()?) as usize;
        let body = rest.get(..len)?;
        let [kind, source] = *header.get(4..)?.first_chunk()?;
        let flags = u16::from_le_bytes(*header.get(6..)?.first_chunk()?);
        let time_ns = u64::from_le_bytes(*header.get(8..)?.first_chunk()?);
        let number = || Some(u64::from_le_bytes(body.try_into().ok()?));
        let said = match kind {
            SESSION => Said::Session(serde_json::from_slice(body).ok()?),
            ACCOUNT => Said::Account(account(body, source, flags)?),
            SLOT => Said::Slot(number()?),
            STATE => match *body {
                [state] => Said::State(FeedState::from_word(state.into())?),
                _ => return None,
            },
            GAP => Said::Gap(number()?),
            END => Said::End,
            TAKE_BACK => {
                let (slot, before) = body.split_first_chunk()?;
                let before = account(before, source, flags)?;
                Said::TakeBack { slot: u64::from_le_bytes(*slot), before }
            }
            CONFIRMED => Said::Confirmed(number()?),
            _ => Said::Unknown,
        };
        let at_first = flags & AT_FIRST != 0;
        Some((Self { time_ns, source, at_first, said }, HEADER_LEN + len))
    }
}

fn account(body: &[u8], source: u8, flags: u16) -> Option<AccountUpdate> {
    let (fixed, data) = body.split_at_checked(ACCOUNT_LEN)?;
    let number = |at: usize| Some(u64::from_le_bytes(*fixed.get(at..)?.first_chunk()?));
    let key = |at: usize| Some(Pubkey(*fixed.get(at..)?.first_chunk()?));
    Some(AccountUpdate {
        slot: number(0)?,
        write_version: number(8)?,
        lamports: number(16)?,
        pubkey: key(24)?,
        owner: if flags & NO_OWNER == 0 { Some(key(56)?) } else { None },
        data: data.to_vec(),
        received_ns: 0,
        source,
    })
}

/// Appends an account; returns false, and appends nothing, if it has more bytes than any has.
pub(super) fn put_account(
    out: &mut Vec<u8>,
    time_ns: u64,
    update: &AccountUpdate,
    at_first: bool,
) -> bool {
    if update.data.len() > MAX_DATA {
        return false;
    }
    let flags = owner_flag(update) | if at_first { AT_FIRST } else { 0 };
    put_header(out, ACCOUNT_LEN + update.data.len(), ACCOUNT, update.source, flags, time_ns);
    put_body(out, update);
    true
}

/// The same for what an account was before a slot that is not part of the chain.
pub(super) fn put_take_back(
    out: &mut Vec<u8>,
    time_ns: u64,
    slot: u64,
    before: &AccountUpdate,
) -> bool {
    if before.data.len() > MAX_DATA {
        return false;
    }
    let len = 8 + ACCOUNT_LEN + before.data.len();
    put_header(out, len, TAKE_BACK, before.source, owner_flag(before), time_ns);
    out.extend(slot.to_le_bytes());
    put_body(out, before);
    true
}

fn owner_flag(update: &AccountUpdate) -> u16 {
    if update.owner.is_none() { NO_OWNER } else { 0 }
}

fn put_body(out: &mut Vec<u8>, update: &AccountUpdate) {
    for number in [update.slot, update.write_version, update.lamports] {
        out.extend(number.to_le_bytes());
    }
    out.extend(update.pubkey.0);
    out.extend(update.owner.unwrap_or_default().0);
    out.extend(&update.data);
}

pub(super) fn put_session(out: &mut Vec<u8>, session: &Session) {
    // Plain strings and a number: nothing in it can fail to be JSON.
    let json = serde_json::to_vec(session).unwrap_or_default();
    put_header(out, json.len(), SESSION, 0, 0, 0);
    out.extend(json);
}

pub(super) fn put_slot(out: &mut Vec<u8>, time_ns: u64, source: u8, slot: u64) {
    put_header(out, 8, SLOT, source, 0, time_ns);
    out.extend(slot.to_le_bytes());
}

pub(super) fn put_confirmed(out: &mut Vec<u8>, time_ns: u64, source: u8, slot: u64) {
    put_header(out, 8, CONFIRMED, source, 0, time_ns);
    out.extend(slot.to_le_bytes());
}

pub(super) fn put_state(out: &mut Vec<u8>, time_ns: u64, source: u8, state: FeedState) {
    put_header(out, 1, STATE, source, 0, time_ns);
    out.push(state as u8);
}

pub(super) fn put_gap(out: &mut Vec<u8>, time_ns: u64, items: u64) {
    put_header(out, 8, GAP, 0, 0, time_ns);
    out.extend(items.to_le_bytes());
}

pub(super) fn put_end(out: &mut Vec<u8>, time_ns: u64) {
    put_header(out, 0, END, 0, 0, time_ns);
}

fn put_header(out: &mut Vec<u8>, len: usize, kind: u8, source: u8, flags: u16, time_ns: u64) {
    out.reserve(HEADER_LEN + len);
    out.extend((len as u32).to_le_bytes());
    out.extend([kind, source]);
    out.extend(flags.to_le_bytes());
    out.extend(time_ns.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn update() -> AccountUpdate {
        AccountUpdate {
            pubkey: Pubkey([7; 32]),
            owner: Some(Pubkey([8; 32])),
            slot: u64::MAX,
            write_version: 3,
            lamports: 4,
            data: vec![5; 100],
            received_ns: 0,
            source: 9,
        }
    }

    #[test]
    fn every_kind_comes_back_as_it_was_put() {
        let session = Session { unix_ns: 1, cluster: "mainnet".to_owned(), ..Session::default() };
        let orphan = AccountUpdate { owner: None, data: Vec::new(), ..update() };
        let mut out = Vec::new();
        put_session(&mut out, &session);
        assert!(put_account(&mut out, 10, &update(), false));
        assert!(put_account(&mut out, 11, &orphan, true));
        put_slot(&mut out, 12, 2, 99);
        put_state(&mut out, 13, 2, FeedState::Stalled);
        put_gap(&mut out, 14, 5);
        put_header(&mut out, 3, 77, 0, 0, 15);
        out.extend([1, 2, 3]);
        put_end(&mut out, 16);
        assert!(put_take_back(&mut out, 17, 98, &orphan));
        put_confirmed(&mut out, 18, 4, 97);
        let (mut items, mut rest) = (Vec::new(), &out[..]);
        while let Some((item, len)) = Item::decode(rest) {
            items.push((item.time_ns, item.source, item.at_first, item.said));
            rest = &rest[len..];
        }
        assert!(rest.is_empty());
        let expected = [
            (0, 0, false, Said::Session(session)),
            (10, 9, false, Said::Account(update())),
            (11, 9, true, Said::Account(orphan.clone())),
            (12, 2, false, Said::Slot(99)),
            (13, 2, false, Said::State(FeedState::Stalled)),
            (14, 0, false, Said::Gap(5)),
            (15, 0, false, Said::Unknown),
            (16, 0, false, Said::End),
            (17, 9, false, Said::TakeBack { slot: 98, before: orphan }),
            (18, 4, false, Said::Confirmed(97)),
        ];
        assert_eq!(items, expected);
    }

    #[test]
    fn what_is_cut_or_of_a_wrong_length_is_no_item() {
        let mut out = Vec::new();
        put_account(&mut out, 10, &update(), false);
        for len in 0..out.len() {
            assert_eq!(Item::decode(&out[..len]), None, "{len}");
        }
        // An account of fewer bytes than it needs, a slot of seven, a state that is none.
        for (kind, len) in [(ACCOUNT, 87), (SLOT, 7), (STATE, 1), (STATE, 0), (SESSION, 2)] {
            let mut bad = Vec::new();
            put_header(&mut bad, len, kind, 0, 0, 0);
            bad.resize(HEADER_LEN + len, 0);
            assert_eq!(Item::decode(&bad), None, "{kind}");
        }
        let huge = AccountUpdate { data: vec![0; (10 << 20) + 1], ..update() };
        let before = out.clone();
        assert!(!put_account(&mut out, 0, &huge, false) && out == before);
    }
}
