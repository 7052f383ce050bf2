//! Running `driftshm`, and a region for it to read.

use std::path::Path;
use std::process::{Command, Output};

use driftshm_layout::figures;
use driftshm_layout::oracle_price::{OraclePointer, OraclePrice};
use driftshm_layout::profile::{Kind, Profile, role};
use driftshm_layout::{
    AccountUpdate, Applied, Capacities, FeedState, Pubkey, RegionOptions, RegionWriter, Stamp,
};

/// The program without any of its variables.
pub fn driftshm(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_driftshm"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("DRIFTSHM_") {
            command.env_remove(name);
        }
    }
    command.args(args);
    command
}

/// What it printed, and its exit status.
pub struct Ran {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    /// The JSON on its standard output.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}: {:?} {:?}", self.stdout, self.stderr))
    }
}

pub fn run(command: &mut Command) -> Ran {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ran { code: status.code(), stdout: text(stdout), stderr: text(stderr) }
}

/// The line on standard error of a command that fails with this status.
pub fn complaint(command: &mut Command, code: i32) -> String {
    let ran = run(command);
    assert_eq!(ran.code, Some(code), "{}{}", ran.stdout, ran.stderr);
    let line = ran.stderr.trim_end_matches('\n');
    assert!(!line.contains('\n'), "more than one line: {line}");
    let text = line.strip_prefix("driftshm: ");
    text.unwrap_or_else(|| panic!("not ours: {line:?}")).to_owned()
}

pub const AUTHORITY: Pubkey = Pubkey([9; 32]);

/// A region with two perp markets, their oracle and a user, and the writer that holds it.
pub fn region(dir: &Path) -> RegionWriter {
    let profile = Profile::builtin("drift-v2").unwrap();
    let mut options = RegionOptions::new("test", profile);
    options.capacities = Capacities { journal: 64, ..options.capacities }
        .with(Kind::User, 4)
        .with(Kind::UserStats, 4)
        .with(Kind::PerpMarket, 4);
    let (mut writer, _) = RegionWriter::open(dir, options).unwrap();
    writer.set_feed_state(FeedState::Live);
    writer.set_slot(1000);
    let oracle = OraclePrice {
        source: 0,
        valid: true,
        price: 150_250_000,
        confidence: 1_000,
        published_slot: 999,
        has_sufficient_number_of_data_points: true,
    };
    let oracle_key = Pubkey([7; 32]);
    let record = publish(&mut writer, Kind::Oracle, oracle_key, None, &[1; 64], &oracle.to_words());
    for (index, symbol) in [(0, "SOL-PERP"), (1, "BTC-PERP")] {
        let epoch = writer.region().record(record).unwrap().epoch;
        let extra = OraclePointer { record, epoch, source: 0 }.to_words();
        let market = perp_market(writer.region().profile(), index, symbol);
        let pubkey = writer.region().profile().perp_market_address(index).unwrap();
        publish(&mut writer, Kind::PerpMarket, pubkey, Some(index), &market, &extra);
    }
    let user = user(writer.region().profile());
    let pubkey = writer.region().profile().user_address(&AUTHORITY, 2).unwrap();
    publish(&mut writer, Kind::User, pubkey, None, &user, &[]);
    writer.set_live();
    writer
}

pub fn publish(
    writer: &mut RegionWriter,
    kind: Kind,
    pubkey: Pubkey,
    index: Option<u16>,
    data: &[u8],
    extra: &[u64],
) -> u32 {
    let applied = writer.apply(&AccountUpdate {
        kind,
        pubkey,
        index,
        stamp: Stamp { slot: 1000, write_version: 0, source: 1 },
        received_ns: 0,
        lamports: 1,
        data,
        extra,
        closed: false,
        layout_mismatch: false,
    });
    match applied {
        Applied::Published { record, .. } => record,
        other => panic!("{other:?}"),
    }
}

/// A perp market whose mark price is 150.5.
pub fn perp_market(profile: &Profile, index: u16, symbol: &str) -> Vec<u8> {
    let def = profile.account(Kind::PerpMarket).unwrap();
    let mut data = def.blank();
    let (base, quote, peg) = (2_000_000_000, 2_000_000_000, 150_500_000);
    assert_eq!(figures::mark_price(base, quote, peg), Some(150_500_000));
    for (role, number) in [
        (role::MARKET_INDEX, u128::from(index)),
        (role::BASE_ASSET_RESERVE, base),
        (role::QUOTE_ASSET_RESERVE, quote),
        (role::PEG_MULTIPLIER, peg),
    ] {
        assert!(def.role(role).unwrap().write_uint(&mut data, number));
    }
    let name = format!("{symbol:<32}");
    assert!(def.role(role::SYMBOL).unwrap().write_bytes(&mut data, name.as_bytes()));
    data
}

fn user(profile: &Profile) -> Vec<u8> {
    let def = profile.account(Kind::User).unwrap();
    let mut data = def.blank();
    assert!(def.role(role::AUTHORITY).unwrap().write_pubkey(&mut data, &AUTHORITY));
    assert!(def.role(role::SUB_ACCOUNT_ID).unwrap().write_int(&mut data, 2));
    data
}
