//! Solana public keys: 32 bytes, written in base58, and the addresses a program derives.

use std::fmt;
use std::str::FromStr;

use curve25519_dalek::edwards::CompressedEdwardsY;
use sha2::{Digest, Sha256};

/// A Solana account address.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
#[repr(transparent)]
pub struct Pubkey(pub [u8; 32]);

/// A text that is not the base58 form of 32 bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a public key: expected the base58 form of 32 bytes (32 to 44 characters)")]
pub struct PubkeyError {
    /// What was given, cut after 64 characters.
    pub text: String,
}

impl Pubkey {
    /// The four little-endian words that the region stores.
    pub fn to_words(self) -> [u64; 4] {
        let mut words = [0; 4];
        for (word, bytes) in words.iter_mut().zip(self.0.chunks_exact(8)) {
            *word = u64::from_le_bytes(bytes.try_into().unwrap_or_default());
        }
        words
    }

    /// The inverse of [`Pubkey::to_words`].
    pub fn from_words(words: [u64; 4]) -> Self {
        let mut bytes = [0; 32];
        for (chunk, word) in bytes.chunks_exact_mut(8).zip(words) {
            chunk.copy_from_slice(&word.to_le_bytes());
        }
        Self(bytes)
    }

    /// The program-derived address of `seeds` under `program`, with its bump seed: the first
    /// bump counting down from 255 whose hash is not a point of the ed25519 curve.
    ///
    /// `None` if a seed is longer than 32 bytes, if there are more than 15, or if no bump works.
    pub fn find_program_address(seeds: &[&[u8]], program: &Pubkey) -> Option<(Pubkey, u8)> {
        if seeds.len() > 15 || seeds.iter().any(|seed| seed.len() > 32) {
            return None;
        }
        let mut prefix = Sha256::new();
        for seed in seeds {
            prefix.update(seed);
        }
        (0..=255).rev().find_map(|bump: u8| {
            let mut hash = prefix.clone();
            hash.update([bump]);
            hash.update(program.0);
            hash.update(b"ProgramDerivedAddress");
            let candidate: [u8; 32] = hash.finalize().into();
            let on_curve = CompressedEdwardsY(candidate).decompress().is_some();
            (!on_curve).then_some((Pubkey(candidate), bump))
        })
    }
}

impl FromStr for Pubkey {
    type Err = PubkeyError;

    fn from_str(text: &str) -> Result<Self, PubkeyError> {
        let mut bytes = [0; 32];
        match five8::decode_32(text.as_bytes(), &mut bytes) {
            Ok(_) => Ok(Self(bytes)),
            Err(_) => Err(PubkeyError { text: text.chars().take(64).collect() }),
        }
    }
}

impl fmt::Display for Pubkey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0; 44];
        let len = five8::encode_32(&self.0, &mut text);
        f.pad(std::str::from_utf8(&text[..usize::from(len)]).unwrap_or_default())
    }
}

impl serde::Serialize for Pubkey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Pubkey {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl fmt::Debug for Pubkey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pubkey({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_words_round_trip() {
        let text = "dRiftyHA39MWEi3m9aunc5MzRF1JYuBsbn6VPcn33UH";
        let key: Pubkey = text.parse().unwrap();
        assert_eq!(key.to_string(), text);
        assert_eq!(Pubkey::from_words(key.to_words()), key);
        assert_eq!(Pubkey::default().to_string(), "11111111111111111111111111111111");
    }

    #[test]
    fn malformed_texts_are_refused() {
        for text in
            ["", "abc", "0OIl", &"1".repeat(45), "dRiftyHA39MWEi3m9aunc5MzRF1JYuBsbn6VPcn33U"]
        {
            assert!(text.parse::<Pubkey>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn derives_the_programs_own_addresses() {
        let program: Pubkey = "dRiftyHA39MWEi3m9aunc5MzRF1JYuBsbn6VPcn33UH".parse().unwrap();
        let seeds: [&[u8]; 2] = [b"perp_market", &0u16.to_le_bytes()];
        let (address, _bump) = Pubkey::find_program_address(&seeds, &program).unwrap();
        assert_eq!(address.to_string(), "8UJgxaiQx5nTrdDgph5FiahMmzduuLTLf5WmsPegYA6W");
    }
}
