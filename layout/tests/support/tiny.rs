//! A made-up program with small accounts, and a region of a few pages for it.

use std::path::Path;

use driftshm_layout::profile::{Kind, Profile};
use driftshm_layout::{
    AccountUpdate, Applied, Capacities, Origin, Pubkey, RecordRef, Region, RegionOptions,
    RegionWriter, Stamp,
};

pub const PERP_LEN: usize = 48;
pub const USER_LEN: usize = 40;
pub const HEADROOM: usize = 512;

const JSON: &str = r#"{
 "format": 1, "name": "tiny", "program_version": "1.0.0",
 "program_id": "dRiftyHA39MWEi3m9aunc5MzRF1JYuBsbn6VPcn33UH",
 "address_seeds": {}, "units": {},
 "accounts": {
  "Perp": {"kind": "perp_market", "discriminator": "0101010101010101", "len": 48, "roles": {}},
  "Spot": {"kind": "spot_market", "discriminator": "0202020202020202", "len": 24, "roles": {}},
  "Price": {"kind": "oracle", "discriminator": "0303030303030303", "len": 24, "roles": {}},
  "User": {"kind": "user", "discriminator": "0404040404040404", "len": 40, "roles": {}},
  "Stats": {"kind": "user_stats", "discriminator": "0505050505050505", "len": 16, "roles": {}},
  "Globals": {"kind": "state", "discriminator": "0606060606060606", "len": 16, "roles": {}}
 },
 "enums": {"Source": ["One", "Other"]},
 "structs": {
  "Perp": {"size": 40, "fields": [
   {"name": "index", "offset": 0, "type": "u16"}, {"name": "source", "offset": 2, "type": "Source"},
   {"name": "reserves", "offset": 8, "type": "[u128;2]"}]},
  "Spot": {"size": 16, "fields": [{"name": "index", "offset": 0, "type": "u16"}]},
  "Price": {"size": 16, "fields": [{"name": "price", "offset": 0, "type": "i64"}]},
  "User": {"size": 32, "fields": [{"name": "authority", "offset": 0, "type": "pubkey"}]},
  "Stats": {"size": 8, "fields": [{"name": "count", "offset": 0, "type": "u64"}]},
  "Globals": {"size": 8, "fields": [{"name": "count", "offset": 0, "type": "u64"}]}
 }
}"#;

pub fn profile() -> Profile {
    Profile::from_json(JSON.as_bytes()).unwrap()
}

/// The same under another name.
pub fn profile_named(name: &str) -> Profile {
    let json = JSON.replace("\"name\": \"tiny\"", &format!("\"name\": {name:?}"));
    Profile::from_json(json.as_bytes()).unwrap()
}

pub fn options() -> RegionOptions {
    let mut options = RegionOptions::new("testnet", profile());
    let records = [4, 2, 3, 4, 2, 1];
    options.capacities = Capacities { records, journal: 64, headroom: HEADROOM };
    options
}

/// A writer of a new region, or of the one that is there.
pub fn writer(dir: &Path) -> RegionWriter {
    open(dir).0
}

pub fn open(dir: &Path) -> (RegionWriter, Origin) {
    RegionWriter::open(dir, options()).unwrap()
}

pub fn reader(dir: &Path) -> Region {
    Region::open(dir).unwrap()
}

/// An address that begins with `number`.
pub fn key(number: u8) -> Pubkey {
    let mut bytes = [0x11; 32];
    bytes[0] = number;
    Pubkey(bytes)
}

/// An update without write version, of a source with rank 1, and of some length that fits.
pub fn update(kind: Kind, number: u8, slot: u64, data: &[u8]) -> AccountUpdate<'_> {
    let index = matches!(kind, Kind::PerpMarket | Kind::SpotMarket).then_some(number.into());
    AccountUpdate {
        kind,
        pubkey: key(number + 16 * kind as u8),
        index,
        stamp: Stamp { slot, write_version: 0, source: 1 },
        received_ns: 7,
        lamports: 5,
        data,
        extra: &[],
        closed: false,
        layout_mismatch: false,
    }
}

pub fn user(number: u8, slot: u64, data: &[u8]) -> AccountUpdate<'_> {
    update(Kind::User, number, slot, data)
}

pub fn closed_user(number: u8, slot: u64) -> AccountUpdate<'static> {
    AccountUpdate { closed: true, lamports: 0, ..user(number, slot, &[]) }
}

/// The record of the account that [`update`] speaks of.
pub fn find(region: &Region, kind: Kind, number: u8) -> Option<RecordRef> {
    region.find(&key(number + 16 * kind as u8))
}

/// The bytes of the account that [`update`] speaks of, in its newest version.
pub fn data(region: &Region, kind: Kind, number: u8) -> Option<Vec<u8>> {
    Some(region.snapshot(&find(region, kind, number)?).ok()?.data)
}

pub fn version_of(applied: Applied) -> u64 {
    match applied {
        Applied::Published { version, .. } => version,
        other => panic!("{other:?} instead of published"),
    }
}

/// Updates as in [`populate`], to a region that may be damaged: no matter what becomes of them.
pub fn populate_or_not(writer: &mut RegionWriter) {
    for kind in Kind::ALL {
        for number in 0..5 {
            writer.apply(&update(kind, number, 1000, &[number; 24]));
            if let Some(account) = writer.find(kind, &key(number + 16 * kind as u8)) {
                writer.set_followed(&account, number % 2 == 0);
            }
        }
    }
    writer.heartbeat(Some(driftshm_layout::clock::monotonic_ns()));
    writer.set_live();
}

/// One or two accounts of every kind, some of them with a second version; a closed one too.
pub fn populate(writer: &mut RegionWriter) {
    for kind in Kind::ALL {
        let filler = |seed: u8| vec![seed; 24];
        for number in 0..writer.geometry().section(kind).capacity.min(2) as u8 {
            for slot in 1..=1 + u64::from(number) {
                let data = filler(kind as u8 * 16 + number + slot as u8 * 3);
                version_of(writer.apply(&update(kind, number, slot, &data)));
            }
        }
    }
    version_of(writer.apply(&closed_user(1, 9)));
    writer.set_live();
}
