//! Oracle accounts of other programs, as the decoders in [`crate::oracle`] read them.

use driftshm_layout::Pubkey;

use super::account::Moment;
use crate::oracle::Family;

/// A price as an oracle states it: `price / 10^decimals`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Quote {
    pub price: i64,
    pub confidence: u64,
    pub decimals: u32,
}

/// The program that owns the accounts of a family; `None` if it has none of another program.
pub(super) fn owner(family: Family) -> Option<Pubkey> {
    let program = match family {
        Family::Pyth => "FsJ3A3u2vn5cTVofAjvy6y5kwABJAqYWpe4975bi2epH",
        Family::PythPull => "rec5EKMGg6MxZYaMdyBfgwp4d5rB9T1VQH5pJv5LtFJ",
        Family::Switchboard => "SW1TCH7qEPTdLsDHRgPuMQjbQxKdH2aBStViMFnt64f",
        Family::SwitchboardOnDemand => "SBondMDrcV3K4kxZR1HNVT7osZxAHVHgYXL5Ze1oMUv",
        Family::PythLazer | Family::Prelaunch | Family::QuoteAsset => return None,
    };
    program.parse().ok()
}

/// An account of the family, but for its price.
pub(super) fn blank(family: Family, feed: &Pubkey) -> Vec<u8> {
    match family {
        Family::Pyth => {
            let mut data = vec![0; 3312];
            for (offset, number) in [(0, 0xa1b2_c3d4_u32), (4, 2), (8, 3), (12, 3312), (16, 1)] {
                put(&mut data, offset, number.to_le_bytes());
            }
            put(&mut data, 24, 32_u32.to_le_bytes());
            put(&mut data, 28, 29_u32.to_le_bytes());
            put(&mut data, 224, 1_u32.to_le_bytes());
            data
        }
        Family::PythPull => {
            let mut data = vec![0; 134];
            put(&mut data, 0, [0x22, 0xf1, 0x23, 0x63, 0x9d, 0x7e, 0xf4, 0xcd]);
            put(&mut data, 40, [1]);
            put(&mut data, 41, feed.0);
            data
        }
        Family::Switchboard => {
            let mut data = vec![0; 3851];
            put(&mut data, 0, [0xd9, 0xe6, 0x41, 0x65, 0xc9, 0xa2, 0x1b, 0x7d]);
            put(&mut data, 236, 3_u32.to_le_bytes());
            put(&mut data, 341, 5_u32.to_le_bytes());
            data
        }
        Family::SwitchboardOnDemand => {
            let mut data = vec![0; 3208];
            put(&mut data, 0, [0xc4, 0x1b, 0x6c, 0xc4, 0x0a, 0xd7, 0xdb, 0x28]);
            put(&mut data, 2120, feed.0);
            put(&mut data, 2264 + 96, [3]);
            data
        }
        Family::PythLazer | Family::Prelaunch | Family::QuoteAsset => Vec::new(),
    }
}

/// Puts a price into an account of the family.
pub(super) fn set_price(family: Family, data: &mut [u8], quote: Quote, now: Moment) {
    let Quote { price, confidence, decimals } = quote;
    let exponent = -(decimals as i32);
    let seconds = now.unix_seconds();
    match family {
        Family::Pyth => {
            put(data, 20, exponent.to_le_bytes());
            put(data, 32, now.slot.to_le_bytes());
            put(data, 40, now.slot.to_le_bytes());
            put(data, 96, seconds.to_le_bytes());
            put(data, 208, price.to_le_bytes());
            put(data, 216, confidence.to_le_bytes());
            put(data, 232, now.slot.to_le_bytes());
        }
        Family::PythPull => {
            put(data, 73, price.to_le_bytes());
            put(data, 81, confidence.to_le_bytes());
            put(data, 89, exponent.to_le_bytes());
            put(data, 93, seconds.to_le_bytes());
            put(data, 101, (seconds - 1).to_le_bytes());
            put(data, 109, price.to_le_bytes());
            put(data, 117, confidence.to_le_bytes());
            put(data, 125, now.slot.to_le_bytes());
        }
        Family::Switchboard => {
            put(data, 350, now.slot.to_le_bytes());
            put(data, 358, seconds.to_le_bytes());
            put(data, 366, i128::from(price).to_le_bytes());
            put(data, 382, decimals.to_le_bytes());
            put(data, 386, i128::from(confidence).to_le_bytes());
            put(data, 402, decimals.to_le_bytes());
        }
        Family::SwitchboardOnDemand => {
            let scale = 10_i128.pow(18_u32.saturating_sub(decimals));
            let (value, off) = (i128::from(price) * scale, i128::from(confidence / 2) * scale);
            // Three oracles, whose mean is the price.
            for (submission, value) in [value - off, value, value + off].into_iter().enumerate() {
                put(data, 8 + 64 * submission + 32, now.slot.to_le_bytes());
                put(data, 8 + 64 * submission + 40, now.slot.to_le_bytes());
                put(data, 8 + 64 * submission + 48, value.to_le_bytes());
            }
            put(data, 2216, seconds.to_le_bytes());
            let result = [value, off, value, 2 * off, value - off, value + off];
            for (place, figure) in result.into_iter().enumerate() {
                put(data, 2264 + 16 * place, figure.to_le_bytes());
            }
            put(data, 2264 + 104, now.slot.to_le_bytes());
        }
        Family::PythLazer | Family::Prelaunch | Family::QuoteAsset => {}
    }
}

fn put<const N: usize>(data: &mut [u8], offset: usize, bytes: [u8; N]) {
    if let Some(target) = data.get_mut(offset..).and_then(|tail| tail.first_chunk_mut()) {
        *target = bytes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oracle::{Decoder, Source};
    use driftshm_layout::profile::Profile;

    #[test]
    fn each_family_reads_back_as_the_price_that_was_put_in() {
        let decoder = Decoder::new(&Profile::builtin("drift-v2").unwrap());
        let now = Moment { slot: 42, unix_us: 1_700_000_000_000_000 };
        let quote = Quote { price: 150_000_000, confidence: 2_000_000, decimals: 8 };
        for name in ["Pyth", "PythPull", "Switchboard", "SwitchboardOnDemand"] {
            let source = Source::parse(name).unwrap();
            let mut data = blank(source.family(), &Pubkey([7; 32]));
            set_price(source.family(), &mut data, quote, now);
            let price = decoder.decode(source, &data).unwrap();
            assert_eq!((price.price, price.confidence), (1_500_000, 20_000), "{name}");
            assert_eq!(price.published_slot, 42, "{name}");
            assert!(price.has_sufficient_number_of_data_points, "{name}");
            assert!(owner(source.family()).is_some(), "{name}");
        }
    }
}
