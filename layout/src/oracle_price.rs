//! Decoded oracle prices, and a market's pointer to its own: the extra words of records.
//!
//! ```text
//!  oracle record: 8 entries of 4 words, one per source in use; unused ones are zero
//!    word 0   bit 0 used │ 1 price valid │ 2 enough data points │ bits 8‥15 source (enum number)
//!         1   price, i64, PRICE_PRECISION (1e6)
//!         2   confidence, u64, 1e6
//!         3   slot in which the price was published
//!  market record:
//!    word 0   bit 0 used │ bits 8‥15 source │ bits 32‥63 record number of its oracle
//!         1   that record's epoch
//! ```

/// How many sources one oracle account can be read by.
pub const SOURCES: usize = 8;
const ENTRY_WORDS: usize = 4;
/// Extra words of an oracle record.
pub const EXTRA_WORDS: usize = SOURCES * ENTRY_WORDS;

const USED: u64 = 1;
const VALID: u64 = 2;
const SUFFICIENT: u64 = 4;
const SOURCE_SHIFT: u32 = 8;

/// An oracle's price as the program computes it for one source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OraclePrice {
    /// Number of the source in the profile's oracle source enum.
    pub source: u8,
    /// Whether the account could be read by this source at all; if not, the rest is zero.
    pub valid: bool,
    /// PRICE_PRECISION (1e6).
    pub price: i64,
    /// 1e6, like the price.
    pub confidence: u64,
    /// The slot in which it was published.
    pub published_slot: u64,
    /// Whether enough publishers stand behind it.
    pub has_sufficient_number_of_data_points: bool,
}

impl OraclePrice {
    /// The price as extra words of the oracle's record.
    pub fn to_words(self) -> [u64; ENTRY_WORDS] {
        let flags = USED
            | if self.valid { VALID } else { 0 }
            | if self.has_sufficient_number_of_data_points { SUFFICIENT } else { 0 };
        let what = flags | u64::from(self.source) << SOURCE_SHIFT;
        [what, self.price as u64, self.confidence, self.published_slot]
    }

    fn from_words(words: [u64; ENTRY_WORDS]) -> Option<Self> {
        (words[0] & USED != 0).then_some(Self {
            source: (words[0] >> SOURCE_SHIFT) as u8,
            valid: words[0] & VALID != 0,
            price: words[1] as i64,
            confidence: words[2],
            published_slot: words[3],
            has_sufficient_number_of_data_points: words[0] & SUFFICIENT != 0,
        })
    }

    /// Finds the price for `source` among an oracle record's extra words.
    #[inline]
    pub fn find(source: u8, extra: impl Fn(usize) -> u64) -> Option<Self> {
        (0..SOURCES).map(|i| i * ENTRY_WORDS).find_map(|start| {
            let what = extra(start);
            let is_it = what & USED != 0 && (what >> SOURCE_SHIFT) as u8 == source;
            is_it.then(|| {
                Self::from_words([what, extra(start + 1), extra(start + 2), extra(start + 3)])
            })?
        })
    }

    /// Every price among an oracle record's extra words.
    pub fn all(extra: impl Fn(usize) -> u64) -> Vec<Self> {
        (0..SOURCES)
            .map(|i| i * ENTRY_WORDS)
            .filter_map(|at| {
                Self::from_words([extra(at), extra(at + 1), extra(at + 2), extra(at + 3)])
            })
            .collect()
    }
}

/// Where a market's oracle price is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OraclePointer {
    /// Number of the oracle's record in the region.
    pub record: u32,
    /// The epoch in which that record belongs to the oracle.
    pub epoch: u64,
    /// The source by which this market reads it.
    pub source: u8,
}

impl OraclePointer {
    /// The pointer as extra words of the market's record.
    pub fn to_words(self) -> [u64; 2] {
        let what = USED | u64::from(self.source) << SOURCE_SHIFT | u64::from(self.record) << 32;
        [what, self.epoch]
    }

    /// The pointer among a market record's extra words.
    #[inline]
    pub fn from_extra(extra: impl Fn(usize) -> u64) -> Option<Self> {
        let what = extra(0);
        (what & USED != 0).then(|| Self {
            record: (what >> 32) as u32,
            epoch: extra(1),
            source: (what >> SOURCE_SHIFT) as u8,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_and_pointers_round_trip() {
        let price = OraclePrice {
            source: 12,
            valid: true,
            price: -5,
            confidence: 7,
            published_slot: 9,
            has_sufficient_number_of_data_points: true,
        };
        let mut extra = [0; EXTRA_WORDS];
        extra[4..8].copy_from_slice(&price.to_words());
        assert_eq!(OraclePrice::find(12, |i| extra[i]), Some(price));
        assert_eq!(OraclePrice::find(11, |i| extra[i]), None);
        assert_eq!(OraclePrice::all(|i| extra[i]), [price]);
        let pointer = OraclePointer { record: u32::MAX, epoch: 4, source: 15 };
        assert_eq!(OraclePointer::from_extra(|i| pointer.to_words()[i]), Some(pointer));
        assert_eq!(OraclePointer::from_extra(|_| 0), None);
    }
}
