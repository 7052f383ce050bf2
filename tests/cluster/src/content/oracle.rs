//! Oracles where a file of accounts brings none.

use driftshm_layout::Pubkey;
use driftshm_layout::profile::{Profile, role};
use driftshm_writer::oracle::{Family, Source};

/// Prices are stated in 1e8, those of a multiple in so many times that.
const DECIMALS: u32 = 8;

/// The program that owns the oracles of a family.
pub(super) fn owner(profile: &Profile, family: Family) -> Pubkey {
    let program = match family {
        Family::Pyth => "FsJ3A3u2vn5cTVofAjvy6y5kwABJAqYWpe4975bi2epH",
        Family::PythPull => "rec5EKMGg6MxZYaMdyBfgwp4d5rB9T1VQH5pJv5LtFJ",
        Family::Switchboard => "SW1TCH7qEPTdLsDHRgPuMQjbQxKdH2aBStViMFnt64f",
        Family::SwitchboardOnDemand => "SBondMDrcV3K4kxZR1HNVT7osZxAHVHgYXL5Ze1oMUv",
        Family::PythLazer | Family::Prelaunch | Family::QuoteAsset => return profile.program_id,
    };
    program.parse().unwrap_or(profile.program_id)
}

/// An oracle account that gives a market this price (1e6).
pub(super) fn make(profile: &Profile, source: Source, price: i64, slot: u64) -> Vec<u8> {
    let exponent = -((DECIMALS + source.multiplier().ilog10()) as i32);
    let raw = price.saturating_mul(100);
    match source.family() {
        Family::PythLazer => own(profile, "PythLazerOracle", exponent, raw, slot),
        Family::Prelaunch => own(profile, "PrelaunchOracle", exponent, price, slot),
        Family::PythPull => {
            let mut data = vec![0; 134];
            put(&mut data, 0, &[0x22, 0xf1, 0x23, 0x63, 0x9d, 0x7e, 0xf4, 0xcd]);
            put(&mut data, 40, &[1]);
            put(&mut data, 73, &raw.to_le_bytes());
            put(&mut data, 81, &(raw / 1000).to_le_bytes());
            put(&mut data, 89, &exponent.to_le_bytes());
            put(&mut data, 109, &raw.to_le_bytes());
            put(&mut data, 125, &slot.to_le_bytes());
            data
        }
        Family::Switchboard => {
            let mut data = vec![0; 3851];
            put(&mut data, 0, &[0xd9, 0xe6, 0x41, 0x65, 0xc9, 0xa2, 0x1b, 0x7d]);
            put(&mut data, 236, &3_u32.to_le_bytes());
            put(&mut data, 341, &5_u32.to_le_bytes());
            put(&mut data, 350, &slot.to_le_bytes());
            put(&mut data, 366, &i128::from(raw).to_le_bytes());
            put(&mut data, 382, &DECIMALS.to_le_bytes());
            put(&mut data, 402, &DECIMALS.to_le_bytes());
            data
        }
        Family::SwitchboardOnDemand => {
            let mut data = vec![0; 3208];
            put(&mut data, 0, &[0xc4, 0x1b, 0x6c, 0xc4, 0x0a, 0xd7, 0xdb, 0x28]);
            put(&mut data, 40, &slot.to_le_bytes());
            put(&mut data, 48, &slot.to_le_bytes());
            put(&mut data, 56, &(i128::from(price) * 1_000_000_000_000).to_le_bytes());
            put(&mut data, 2264 + 96, &[1]);
            put(&mut data, 2264 + 104, &slot.to_le_bytes());
            data
        }
        Family::Pyth | Family::QuoteAsset => {
            let mut data = vec![0; 3312];
            let head =
                [(0, 0xa1b2_c3d4_u32), (4, 2), (8, 3), (12, 3312), (16, 1), (24, 3), (28, 3)];
            for (offset, number) in head {
                put(&mut data, offset, &number.to_le_bytes());
            }
            put(&mut data, 20, &exponent.to_le_bytes());
            put(&mut data, 40, &slot.to_le_bytes());
            put(&mut data, 208, &raw.to_le_bytes());
            put(&mut data, 216, &(raw / 1000).to_le_bytes());
            put(&mut data, 224, &1_u32.to_le_bytes());
            data
        }
    }
}

/// An oracle that the program keeps itself.
fn own(profile: &Profile, name: &str, exponent: i32, price: i64, slot: u64) -> Vec<u8> {
    let Some(account) = profile.account_by_name(name) else { return Vec::new() };
    let mut data = account.blank();
    let figures = [
        (role::PRICE, i128::from(price)),
        (role::CONFIDENCE, i128::from(price / 1000)),
        (role::EXPONENT, i128::from(exponent)),
        (role::PUBLISHED_SLOT, i128::from(slot)),
    ];
    for (role, figure) in figures {
        if let Some(field) = account.role(role) {
            let _ = field.write_int(&mut data, figure);
        }
    }
    data
}

fn put(data: &mut [u8], offset: usize, bytes: &[u8]) {
    for (to, from) in data.iter_mut().skip(offset).zip(bytes) {
        *to = *from;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use driftshm_writer::oracle::Decoder;

    #[test]
    fn a_made_oracle_gives_the_price_that_the_market_had() {
        let profile = Profile::builtin("drift-v2").unwrap();
        let decoder = Decoder::new(&profile);
        let sources = profile.enum_def(profile.oracle_sources().unwrap()).unwrap();
        let mut read = 0;
        for source in sources.variants.iter().filter_map(|name| Source::parse(name)) {
            if !source.needs_account() {
                continue;
            }
            let data = make(&profile, source, 1_234_567, 77);
            let price = decoder.decode(source, &data).unwrap();
            let expected = if source.is_stable_coin() { price.price } else { 1_234_567 };
            assert_eq!((price.price, price.published_slot), (expected, 77), "{source:?}");
            read += 1;
        }
        assert!(read >= 10, "{read}");
    }
}
