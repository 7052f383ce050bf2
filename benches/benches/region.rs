//! What one operation on the region costs, without any process beside it.
#![forbid(unsafe_code)]

use std::cell::RefCell;

use divan::{Bencher, black_box};
use driftshm_layout::profile::{Kind, Profile, role};
use driftshm_layout::record::Buffer;
use driftshm_layout::{
    AccountUpdate, Capacities, Pubkey, RecordRef, Region, RegionOptions, RegionWriter, Stamp,
};
use tempfile::TempDir;

const MARKETS: u16 = 64;
const USERS: u64 = 4096;

fn main() {
    divan::main();
}

/// A region with accounts in it, its writer, and a reader of its own mapping.
struct Bench {
    writer: RefCell<RegionWriter>,
    region: Region,
    account: Vec<u8>,
    _dir: TempDir,
}

fn key(number: u64) -> Pubkey {
    Pubkey::from_words([number, number ^ 0x55, 3, 4])
}

fn update<'a>(kind: Kind, number: u64, data: &'a [u8], slot: u64) -> AccountUpdate<'a> {
    AccountUpdate {
        kind,
        pubkey: key(number),
        index: (kind == Kind::PerpMarket).then_some(number as u16),
        stamp: Stamp { slot, write_version: 0, source: 1 },
        received_ns: 0,
        lamports: 1,
        data,
        extra: &[],
        closed: false,
        layout_mismatch: false,
    }
}

impl Bench {
    fn new() -> Self {
        let dir = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
        let dir = dir.expect("a place for temporary files");
        let profile = Profile::builtin("drift-v2").expect("a builtin profile");
        let user = profile.blank(Kind::User).expect("the profile has users");
        let account = profile.blank(Kind::PerpMarket).expect("the profile has markets");
        let mut options = RegionOptions::new("bench", profile);
        options.capacities = Capacities::default().with(Kind::User, USERS as usize);
        let (mut writer, _) = RegionWriter::open(dir.path(), options).expect("room for a region");
        for market in 0..MARKETS {
            writer.apply(&update(Kind::PerpMarket, market.into(), &account, 1));
        }
        for number in 0..USERS - u64::from(MARKETS) {
            writer.apply(&update(Kind::User, u64::from(MARKETS) + number, &user, 1));
        }
        let region = Region::open(dir.path()).expect("the region that was just made");
        Self { writer: RefCell::new(writer), region, account, _dir: dir }
    }

    fn market(&self) -> RecordRef {
        self.region.at(Kind::PerpMarket, 7).expect("a market")
    }
}

/// One u64 of one version: what an attribute read of the Python package does.
#[divan::bench]
fn read_one_field(bencher: Bencher<'_, '_>) {
    let bench = Bench::new();
    let market = bench.market();
    let account = bench.region.profile().account(Kind::PerpMarket).expect("markets");
    let offset = account.role(role::BASE_ASSET_RESERVE).expect("a role").offset as usize;
    let read = |buffer: Buffer<'_>| buffer.payload_u64(offset);
    bencher.bench_local(|| bench.region.read(black_box(&market), read));
}

/// A copy of a whole perp market (1,216 bytes).
#[divan::bench]
fn snapshot_of_a_market(bencher: Bencher<'_, '_>) {
    let bench = Bench::new();
    let market = bench.market();
    bencher.bench_local(|| bench.region.snapshot(black_box(&market)));
}

/// From an address to its record, among thousands.
#[divan::bench]
fn directory_hit(bencher: Bencher<'_, '_>) {
    let bench = Bench::new();
    let pubkey = key(1000);
    bencher.bench_local(|| bench.region.find(black_box(&pubkey)));
}

/// An address that is not there.
#[divan::bench]
fn directory_miss(bencher: Bencher<'_, '_>) {
    let bench = Bench::new();
    let pubkey = key(u64::MAX);
    bencher.bench_local(|| bench.region.find(black_box(&pubkey)));
}

/// A perp market in which one byte changed: compared, copied, journalled.
#[divan::bench]
fn publish_a_market(bencher: Bencher<'_, '_>) {
    let bench = Bench::new();
    let mut data = bench.account.clone();
    let mut slot = 1;
    bencher.bench_local(|| {
        slot += 1;
        if let Some(byte) = data.last_mut() {
            *byte ^= 1;
        }
        bench.writer.borrow_mut().apply(&update(Kind::PerpMarket, 7, black_box(&data), slot))
    });
}

/// A perp market that is as it was.
#[divan::bench]
fn absorb_a_market(bencher: Bencher<'_, '_>) {
    let bench = Bench::new();
    let mut slot = 1;
    bencher.bench_local(|| {
        slot += 1;
        let same = update(Kind::PerpMarket, 7, black_box(&bench.account), slot);
        bench.writer.borrow_mut().apply(&same)
    });
}
