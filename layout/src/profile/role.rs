//! The parts that fields play, whatever a program calls them.
//!
//! A profile says which field of an account has which role; nothing else in driftshm knows a
//! program's field names. A role that a profile leaves out is `None` at lookup, and what depends
//! on it does without. A profile may name further roles, for programs newer than this one.

use super::Profile;
use super::model::Type;

/// Markets: the market's index.
pub const MARKET_INDEX: &str = "market_index";
/// Markets and users: a display name, padded with spaces or zeroes.
pub const SYMBOL: &str = "symbol";
/// Markets: the oracle that prices them.
pub const ORACLE: &str = "oracle";
/// Markets: how that oracle is to be read, a variant of
/// [`Profile::oracle_sources`](super::Profile::oracle_sources).
pub const ORACLE_SOURCE: &str = "oracle_source";
/// Markets: whether they are active.
pub const STATUS: &str = "status";
/// Markets: the oracle price that the program saw last.
pub const LAST_ORACLE_PRICE: &str = "last_oracle_price";
/// Markets: the program's average of the oracle price.
pub const LAST_ORACLE_PRICE_TWAP: &str = "last_oracle_price_twap";
/// Markets: order sizes are multiples of this.
pub const ORDER_STEP_SIZE: &str = "order_step_size";
/// Markets: order prices are multiples of this.
pub const ORDER_TICK_SIZE: &str = "order_tick_size";
/// Markets: the smallest order.
pub const MIN_ORDER_SIZE: &str = "min_order_size";
/// Markets: when they expire, in Unix seconds.
pub const EXPIRY_TS: &str = "expiry_ts";

/// Perp markets: the base side of the AMM.
pub const BASE_ASSET_RESERVE: &str = "base_asset_reserve";
/// Perp markets: the quote side of the AMM.
pub const QUOTE_ASSET_RESERVE: &str = "quote_asset_reserve";
/// Perp markets: what scales the AMM's quote side to a price.
pub const PEG_MULTIPLIER: &str = "peg_multiplier";
/// Perp markets: the sum of all long positions.
pub const BASE_ASSET_AMOUNT_LONG: &str = "base_asset_amount_long";
/// Perp markets: the sum of all short positions, negative.
pub const BASE_ASSET_AMOUNT_SHORT: &str = "base_asset_amount_short";
/// Perp markets: funding of the last period, in quote per base.
pub const LAST_FUNDING_RATE: &str = "last_funding_rate";
/// Perp markets: when funding was last updated, in Unix seconds.
pub const LAST_FUNDING_RATE_TS: &str = "last_funding_rate_ts";
/// Perp markets: the average of the oracle price at the last funding update.
pub const LAST_FUNDING_ORACLE_TWAP: &str = "last_funding_oracle_twap";
/// Perp markets: seconds between funding updates.
pub const FUNDING_PERIOD: &str = "funding_period";
/// Perp markets: the program's average of the mark price.
pub const LAST_MARK_PRICE_TWAP: &str = "last_mark_price_twap";
/// Perp markets: volume of the last day.
pub const VOLUME_24H: &str = "volume24h";
/// Perp markets: the margin ratio that opening a position needs.
pub const MARGIN_RATIO_INITIAL: &str = "margin_ratio_initial";
/// Perp markets: the margin ratio under which a position is liquidated.
pub const MARGIN_RATIO_MAINTENANCE: &str = "margin_ratio_maintenance";

/// Spot markets: the token's mint.
pub const MINT: &str = "mint";
/// Spot markets: how many decimals the token has.
pub const DECIMALS: &str = "decimals";
/// Spot markets: all deposits, scaled.
pub const DEPOSIT_BALANCE: &str = "deposit_balance";
/// Spot markets: all borrows, scaled.
pub const BORROW_BALANCE: &str = "borrow_balance";
/// Spot markets: what scales a deposit balance to tokens.
pub const CUMULATIVE_DEPOSIT_INTEREST: &str = "cumulative_deposit_interest";
/// Spot markets: what scales a borrow balance to tokens.
pub const CUMULATIVE_BORROW_INTEREST: &str = "cumulative_borrow_interest";

/// Users and user stats: who owns them.
pub const AUTHORITY: &str = "authority";
/// Users: which of its authority's accounts this is.
pub const SUB_ACCOUNT_ID: &str = "sub_account_id";
/// Users: the perp positions.
pub const PERP_POSITIONS: &str = "perp_positions";
/// Users: the spot positions.
pub const SPOT_POSITIONS: &str = "spot_positions";
/// Users: the orders.
pub const ORDERS: &str = "orders";
/// Users: whether bots may ignore the account.
pub const IDLE: &str = "idle";
/// Users: whether any order is open.
pub const HAS_OPEN_ORDER: &str = "has_open_order";

/// State: how many perp markets there are.
pub const NUMBER_OF_MARKETS: &str = "number_of_markets";
/// State: how many spot markets there are.
pub const NUMBER_OF_SPOT_MARKETS: &str = "number_of_spot_markets";

/// The program's own oracles: the price.
pub const PRICE: &str = "price";
/// The program's own oracles: how far off the price may be.
pub const CONFIDENCE: &str = "confidence";
/// The program's own oracles: the power of ten that price and confidence are multiplied with; an
/// oracle without this role has them in the unit of the field.
pub const EXPONENT: &str = "exponent";
/// The program's own oracles: the slot that the price was published in.
pub const PUBLISHED_SLOT: &str = "published_slot";
/// The program's own oracles: when the price was made, in the oracle's own unit.
pub const PUBLISH_TIME: &str = "publish_time";

const ADDRESSES: [&str; 3] = [ORACLE, MINT, AUTHORITY];
const VARIANTS: [&str; 2] = [ORACLE_SOURCE, STATUS];
const FLAGS: [&str; 2] = [IDLE, HAS_OPEN_ORDER];
const LISTS: [&str; 3] = [PERP_POSITIONS, SPOT_POSITIONS, ORDERS];
const NUMBERS: [&str; 33] = [
    MARKET_INDEX,
    LAST_ORACLE_PRICE,
    LAST_ORACLE_PRICE_TWAP,
    ORDER_STEP_SIZE,
    ORDER_TICK_SIZE,
    MIN_ORDER_SIZE,
    EXPIRY_TS,
    BASE_ASSET_RESERVE,
    QUOTE_ASSET_RESERVE,
    PEG_MULTIPLIER,
    BASE_ASSET_AMOUNT_LONG,
    BASE_ASSET_AMOUNT_SHORT,
    LAST_FUNDING_RATE,
    LAST_FUNDING_RATE_TS,
    LAST_FUNDING_ORACLE_TWAP,
    FUNDING_PERIOD,
    LAST_MARK_PRICE_TWAP,
    VOLUME_24H,
    MARGIN_RATIO_INITIAL,
    MARGIN_RATIO_MAINTENANCE,
    DECIMALS,
    DEPOSIT_BALANCE,
    BORROW_BALANCE,
    CUMULATIVE_DEPOSIT_INTEREST,
    CUMULATIVE_BORROW_INTEREST,
    SUB_ACCOUNT_ID,
    NUMBER_OF_MARKETS,
    NUMBER_OF_SPOT_MARKETS,
    PRICE,
    CONFIDENCE,
    EXPONENT,
    PUBLISHED_SLOT,
    PUBLISH_TIME,
];

/// What a field must hold to play this role, in words, if it does not hold that. A role that is
/// not known here takes any field.
pub(super) fn mismatch(profile: &Profile, role: &str, ty: Type) -> Option<&'static str> {
    let (fits, holds) = if NUMBERS.contains(&role) {
        (ty.is_integer(), "an integer")
    } else if ADDRESSES.contains(&role) {
        (ty == Type::Pubkey, "a pubkey")
    } else if VARIANTS.contains(&role) {
        (matches!(ty, Type::Enum(_)), "an enum")
    } else if FLAGS.contains(&role) {
        (ty == Type::Bool, "a bool")
    } else if LISTS.contains(&role) {
        (is_list(profile, ty), "an array of structs")
    } else if role == SYMBOL {
        (matches!(ty, Type::Bytes(_)), "an array of u8")
    } else {
        return None;
    };
    (!fits).then_some(holds)
}

fn is_list(profile: &Profile, ty: Type) -> bool {
    let Type::Array(id) = ty else { return false };
    profile.array(id).is_some_and(|array| matches!(array.elem, Type::Struct(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn builtin_profiles_use_roles_that_are_known() {
        for name in Profile::builtin_names() {
            let profile = Profile::builtin(name).unwrap();
            for account in profile.accounts() {
                for (role, _path) in account.roles() {
                    let known = mismatch(&profile, role, Type::Array(no_array())).is_some();
                    assert!(known, "{name}: {role} of {} is none of the constants", account.name);
                }
            }
        }
    }

    /// An array that no profile has, which can play no role.
    fn no_array() -> crate::profile::ArrayId {
        crate::profile::ArrayId { index: u16::MAX, size: 1 }
    }

    #[test]
    fn a_role_lies_in_the_account_not_in_the_struct() {
        let drift = Profile::builtin("drift-v2").unwrap();
        let market = drift.account(super::super::Kind::PerpMarket).unwrap();
        assert_eq!(market.role(MARKET_INDEX).unwrap().offset, 1160);
        assert_eq!(market.role(MINT), None);
    }
}
