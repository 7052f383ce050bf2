//! The addresses that a program derives for its accounts.

use super::Profile;
use super::error::Problem;
use crate::Pubkey;

/// The account that an address belongs to, and the seeds it is derived from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SeedDef {
    pub name: String,
    parts: Vec<Part>,
}

/// One seed of an address.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(String),
    /// A key that the caller gives.
    Key(String),
    /// A number that the caller gives, little-endian, in so many bytes.
    Number(String, usize),
}

/// What the caller gives for a placeholder in an address's seeds.
#[derive(Debug, Clone, Copy)]
pub enum Seed<'a> {
    /// For `{name}`.
    Key(&'a Pubkey),
    /// For `{name:u8}` to `{name:u64}`.
    Number(u64),
}

const WIDTHS: [(&str, usize); 4] = [("u8", 1), ("u16", 2), ("u32", 4), ("u64", 8)];

/// What Solana accepts, less one for the bump seed.
const MAX_PARTS: usize = 15;
const MAX_SEED_LEN: usize = 32;

impl SeedDef {
    pub fn parse(name: String, texts: &[String]) -> Result<Self, Problem> {
        if texts.is_empty() || texts.len() > MAX_PARTS {
            return Err(Problem::Seed { text: format!("{} parts", texts.len()) });
        }
        let parts = texts.iter().map(|text| {
            let cut = || Problem::Seed { text: text.chars().take(64).collect() };
            Part::parse(text).ok_or_else(cut)
        });
        Ok(Self { name, parts: parts.collect::<Result<_, _>>()? })
    }

    pub fn texts(&self) -> Vec<String> {
        self.parts.iter().map(Part::text).collect()
    }

    fn bytes(&self, seeds: &[Seed<'_>]) -> Option<Vec<Vec<u8>>> {
        let mut given = seeds.iter();
        let mut all = Vec::with_capacity(self.parts.len());
        for part in &self.parts {
            all.push(match part {
                Part::Literal(text) => text.as_bytes().to_vec(),
                Part::Key(_) => match given.next()? {
                    Seed::Key(key) => key.0.to_vec(),
                    Seed::Number(_) => return None,
                },
                Part::Number(_, width) => match given.next()? {
                    Seed::Number(number) => little_endian(*number, *width)?,
                    Seed::Key(_) => return None,
                },
            });
        }
        given.next().is_none().then_some(all)
    }
}

impl Part {
    fn parse(text: &str) -> Option<Self> {
        if !text.contains(['{', '}']) {
            let fits = (1..=MAX_SEED_LEN).contains(&text.len());
            return fits.then(|| Part::Literal(text.to_owned()));
        }
        let placeholder = text.strip_prefix('{')?.strip_suffix('}')?;
        let (name, width) = match placeholder.split_once(':') {
            Some((name, width)) => {
                let known = WIDTHS.into_iter().find(|(known, _)| *known == width)?;
                (name, Some(known.1))
            }
            None => (placeholder, None),
        };
        let fits = (1..=MAX_SEED_LEN).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        let name = fits.then(|| name.to_owned())?;
        Some(match width {
            Some(width) => Part::Number(name, width),
            None => Part::Key(name),
        })
    }

    fn text(&self) -> String {
        match self {
            Part::Literal(text) => text.clone(),
            Part::Key(name) => format!("{{{name}}}"),
            Part::Number(name, width) => format!("{{{name}:u{}}}", width * 8),
        }
    }
}

/// The low `width` bytes of a number that has no more.
fn little_endian(number: u64, width: usize) -> Option<Vec<u8>> {
    let bytes = number.to_le_bytes();
    let (low, high) = bytes.split_at_checked(width)?;
    high.iter().all(|byte| *byte == 0).then(|| low.to_vec())
}

impl Profile {
    /// The address named `name` in the profile's `address_seeds`, its placeholders filled from
    /// `seeds` in order. `None` if the profile has no such address or it takes other seeds.
    pub fn address(&self, name: &str, seeds: &[Seed<'_>]) -> Option<Pubkey> {
        let known = self.seeds.iter().find(|known| known.name == name)?;
        let bytes = known.bytes(seeds)?;
        let slices: Vec<&[u8]> = bytes.iter().map(Vec::as_slice).collect();
        Pubkey::find_program_address(&slices, &self.program_id).map(|(address, _bump)| address)
    }

    /// The names of the addresses that [`Profile::address`] knows.
    pub fn address_names(&self) -> impl Iterator<Item = &str> {
        self.seeds.iter().map(|seed| seed.name.as_str())
    }

    /// The address of a perp market.
    pub fn perp_market_address(&self, index: u16) -> Option<Pubkey> {
        self.address("perp_market", &[Seed::Number(index.into())])
    }

    /// The address of a spot market.
    pub fn spot_market_address(&self, index: u16) -> Option<Pubkey> {
        self.address("spot_market", &[Seed::Number(index.into())])
    }

    /// The address of the state account.
    pub fn state_address(&self) -> Option<Pubkey> {
        self.address("state", &[])
    }

    /// The address of a user account.
    pub fn user_address(&self, authority: &Pubkey, sub_account_id: u16) -> Option<Pubkey> {
        self.address("user", &[Seed::Key(authority), Seed::Number(sub_account_id.into())])
    }

    /// The address of an authority's user stats.
    pub fn user_stats_address(&self, authority: &Pubkey) -> Option<Pubkey> {
        self.address("user_stats", &[Seed::Key(authority)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drift_accounts_are_where_they_are_on_chain() {
        let drift = Profile::builtin("drift-v2").unwrap();
        let text = |address: Option<Pubkey>| address.unwrap().to_string();
        assert_eq!(text(drift.state_address()), "5zpq7DvB6UdFFvpmBPspGPNfUGoBRRCE2HHg5u3gxcsN");
        assert_eq!(
            text(drift.perp_market_address(0)),
            "8UJgxaiQx5nTrdDgph5FiahMmzduuLTLf5WmsPegYA6W"
        );
    }

    #[test]
    fn an_address_takes_the_seeds_that_its_placeholders_name() {
        let drift = Profile::builtin("drift-v2").unwrap();
        let key = Pubkey([7; 32]);
        assert!(drift.address("user", &[Seed::Key(&key), Seed::Number(65_535)]).is_some());
        for seeds in [
            &[][..],
            &[Seed::Key(&key)],
            &[Seed::Number(0), Seed::Key(&key)],
            &[Seed::Key(&key), Seed::Number(65_536)],
            &[Seed::Key(&key), Seed::Number(0), Seed::Number(0)],
        ] {
            assert_eq!(drift.address("user", seeds), None, "{seeds:?}");
        }
        assert_eq!(drift.address("nobody", &[]), None);
    }

    #[test]
    fn seeds_read_as_written() {
        let texts = ["literal", "{authority}", "{index:u16}", "{id:u64}"].map(str::to_owned);
        assert_eq!(SeedDef::parse("x".to_owned(), &texts).unwrap().texts(), texts);
        for bad in ["", "{", "{}", "{:u8}", "{x:u7}", "{x:}", "a{x}", "{x}}", &"l".repeat(33)] {
            let parsed = SeedDef::parse("x".to_owned(), &[bad.to_owned()]);
            assert!(matches!(parsed, Err(Problem::Seed { .. })), "{bad:?}");
        }
        assert!(SeedDef::parse("x".to_owned(), &[]).is_err());
        assert!(SeedDef::parse("x".to_owned(), &vec!["a".to_owned(); 16]).is_err());
    }
}
