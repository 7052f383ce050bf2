//! Oracle sources: how a market says its oracle account is to be read.

use std::fmt;

use driftshm_layout::profile::Profile;

/// Who wrote an oracle account, and so how its bytes lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Family {
    /// Pyth's first, pushed price accounts.
    Pyth,
    /// Pyth's `PriceUpdateV2`, posted by whoever needs it.
    PythPull,
    /// Pyth Lazer prices, kept in an account of the program itself.
    PythLazer,
    /// Switchboard's v2 aggregators.
    Switchboard,
    /// Switchboard's on-demand pull feeds.
    SwitchboardOnDemand,
    /// Prices of markets without an outside feed, kept by the program itself.
    Prelaunch,
    /// The quote asset, worth one dollar by definition. It has no account.
    QuoteAsset,
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Pyth => "Pyth",
            Self::PythPull => "Pyth pull",
            Self::PythLazer => "Pyth Lazer",
            Self::Switchboard => "Switchboard",
            Self::SwitchboardOnDemand => "Switchboard on-demand",
            Self::Prelaunch => "prelaunch",
            Self::QuoteAsset => "quote asset",
        })
    }
}

/// One value of the program's enum of oracle sources, taken apart.
///
/// Markets that share an oracle account can differ in their source, and so in their price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Source {
    family: Family,
    multiplier: u32,
    stable_coin: bool,
}

impl Source {
    /// The source that a profile's enum variant of this name stands for, by name because the
    /// variants' numbers differ from program to program. `None`: the program (or this writer)
    /// cannot read such a source.
    pub fn parse(name: &str) -> Option<Self> {
        use Family::*;
        let (family, multiplier, stable_coin) = match name {
            "Pyth" => (Pyth, 1, false),
            "Pyth1K" => (Pyth, 1_000, false),
            "Pyth1M" => (Pyth, 1_000_000, false),
            "PythStableCoin" => (Pyth, 1, true),
            "PythPull" => (PythPull, 1, false),
            "Pyth1KPull" => (PythPull, 1_000, false),
            "Pyth1MPull" => (PythPull, 1_000_000, false),
            "PythStableCoinPull" => (PythPull, 1, true),
            "PythLazer" => (PythLazer, 1, false),
            "PythLazer1K" => (PythLazer, 1_000, false),
            "PythLazer1M" => (PythLazer, 1_000_000, false),
            "PythLazerStableCoin" => (PythLazer, 1, true),
            "Switchboard" => (Switchboard, 1, false),
            "SwitchboardOnDemand" => (SwitchboardOnDemand, 1, false),
            "Prelaunch" => (Prelaunch, 1, false),
            "QuoteAsset" => (QuoteAsset, 1, false),
            _ => return None,
        };
        Some(Self { family, multiplier, stable_coin })
    }

    /// By their number, the sources that a profile's program reads. `None` for those it rejects,
    /// and for those this writer cannot read.
    pub fn of_profile(profile: &Profile) -> Vec<Option<Self>> {
        let known = profile.oracle_sources().and_then(|id| profile.enum_def(id));
        let names = known.map_or(&[][..], |known| &known.variants);
        let read = |name: &String| match profile.rejects_oracle_source(name) {
            true => None,
            false => Self::parse(name),
        };
        names.iter().map(read).collect()
    }

    /// Whose account it is.
    pub const fn family(self) -> Family {
        self.family
    }

    /// How many tokens the market's unit holds: 1, 1,000 or 1,000,000.
    pub const fn multiplier(self) -> u32 {
        self.multiplier
    }

    /// Whether a price close to one dollar counts as exactly one dollar.
    pub const fn is_stable_coin(self) -> bool {
        self.stable_coin
    }

    /// Whether there is an account to follow; only the quote asset has none.
    pub const fn needs_account(self) -> bool {
        !matches!(self.family, Family::QuoteAsset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_family_multiplier_and_stable_coin() {
        let parts =
            |name| Source::parse(name).map(|s| (s.family(), s.multiplier(), s.is_stable_coin()));
        assert_eq!(parts("Pyth"), Some((Family::Pyth, 1, false)));
        assert_eq!(parts("Pyth1K"), Some((Family::Pyth, 1_000, false)));
        assert_eq!(parts("Pyth1MPull"), Some((Family::PythPull, 1_000_000, false)));
        assert_eq!(parts("PythStableCoinPull"), Some((Family::PythPull, 1, true)));
        assert_eq!(parts("PythLazer1K"), Some((Family::PythLazer, 1_000, false)));
        assert_eq!(parts("PythLazer1M"), Some((Family::PythLazer, 1_000_000, false)));
        assert_eq!(parts("PythLazerStableCoin"), Some((Family::PythLazer, 1, true)));
        assert_eq!(parts("Switchboard"), Some((Family::Switchboard, 1, false)));
    }

    #[test]
    fn names_of_no_readable_source_are_refused() {
        for name in ["", "pyth", "Pyth1KLazer", "PythLazerPull", "DeprecatedSwitchboard", "Pyth "] {
            assert_eq!(Source::parse(name), None, "{name:?}");
        }
    }

    #[test]
    fn what_the_program_rejects_is_not_read_though_this_writer_could() {
        let velocity = Profile::builtin("velocity").unwrap();
        let sources = Source::of_profile(&velocity);
        let number = |name| usize::from(velocity.discriminant("OracleSource", name).unwrap());
        for name in ["Pyth", "Pyth1K", "Pyth1M", "PythStableCoin", "QuoteAsset", "Prelaunch"] {
            assert_eq!(sources[number(name)], Source::parse(name), "{name}");
        }
        for name in ["PythLazer", "PythLazer1K", "PythLazer1M", "PythLazerStableCoin"] {
            assert!(sources[number(name)].is_some(), "{name}");
        }
        for name in ["PythPull", "Pyth1KPull", "Pyth1MPull", "PythStableCoinPull"] {
            assert!(sources[number(name)].is_none() && Source::parse(name).is_some(), "{name}");
        }
        for name in ["DeprecatedSwitchboard", "DeprecatedSwitchboardOnDemand"] {
            assert_eq!(sources[number(name)], None, "{name}");
        }
        let drift = Source::of_profile(&Profile::builtin("drift-v2").unwrap());
        assert_eq!((sources.len(), drift.len()), (16, 16));
        assert!(drift.iter().all(Option::is_some), "Drift reads all of its own");
    }

    #[test]
    fn only_the_quote_asset_has_no_account() {
        assert!(!Source::parse("QuoteAsset").unwrap().needs_account());
        assert!(Source::parse("Prelaunch").unwrap().needs_account());
    }
}
