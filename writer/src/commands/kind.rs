//! The kinds of accounts, as they are typed.

use clap::ValueEnum;
use driftshm_layout::profile::Kind;

/// A kind of account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum KindName {
    #[value(alias = "perp_market", alias = "perp-market")]
    Perp,
    #[value(alias = "spot_market", alias = "spot-market")]
    Spot,
    Oracle,
    User,
    #[value(alias = "user_stats")]
    UserStats,
    State,
}

impl From<KindName> for Kind {
    fn from(name: KindName) -> Self {
        match name {
            KindName::Perp => Self::PerpMarket,
            KindName::Spot => Self::SpotMarket,
            KindName::Oracle => Self::Oracle,
            KindName::User => Self::User,
            KindName::UserStats => Self::UserStats,
            KindName::State => Self::State,
        }
    }
}
