//! Where drift-rs and the profile are known to differ, and why.
//!
//! drift-rs 1.0.0-alpha.15 carries the IDL of Drift 2.118.0, the profile describes 2.162.0. Between
//! them the program moved nothing, but gave bytes that it no longer used other meanings.

/// Bytes that one of the two reads as something else, or does not read.
pub struct Difference {
    pub account: &'static str,
    /// The fields that drift-rs has and the profile has not.
    pub theirs: &'static [&'static str],
    /// The fields that the profile has and drift-rs has not.
    pub ours: &'static [&'static str],
    pub why: Why,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// The same number under another name.
    Renamed,
    /// The program dropped what drift-rs reads, and keeps something else in its place.
    Replaced,
    /// What was padding for drift-rs has a meaning since.
    WasPadding,
}

const fn differs(
    account: &'static str,
    theirs: &'static [&'static str],
    ours: &'static [&'static str],
    why: Why,
) -> Difference {
    Difference { account, theirs, ours, why }
}

/// All of them; elements of arrays without their index. The sides are in the order of their bytes.
pub const DIFFERENCES: [Difference; 11] = [
    differs("PerpMarket", &["amm.max_position_size"], &["amm.mm_oracle_slot"], Why::Replaced),
    differs(
        "PerpMarket",
        &["amm.long_intensity_count", "amm.short_intensity_count"],
        &["amm.mm_oracle_price"],
        Why::Replaced,
    ),
    differs(
        "PerpMarket",
        &["amm.total_fee_earned_per_lp"],
        &["amm.mm_oracle_sequence_id"],
        Why::Replaced,
    ),
    differs(
        "PerpMarket",
        &[],
        &[
            "amm.oracle_low_risk_slot_delay_override",
            "amm.amm_spread_adjustment",
            "amm.oracle_slot_delay_override",
            "amm.amm_inventory_spread_adjustment",
            "amm.reference_price_offset_deadband_pct",
            "amm.last_funding_oracle_twap",
            "lp_fee_transfer_scalar",
            "lp_status",
            "lp_paused_operations",
            "lp_exchange_fee_excluscion_scalar",
            "last_fill_price",
            "lp_pool_id",
            "market_config",
        ],
        Why::WasPadding,
    ),
    differs("SpotMarket", &["token_program"], &["token_program_flag"], Why::Renamed),
    differs(
        "User",
        &["perp_positions[].last_base_asset_amount_per_lp"],
        &["perp_positions[].isolated_position_scaled_balance"],
        Why::Replaced,
    ),
    // Its first two bytes are padding now.
    differs(
        "User",
        &["perp_positions[].remainder_base_asset_amount"],
        &["perp_positions[].max_margin_ratio"],
        Why::Replaced,
    ),
    differs(
        "User",
        &["perp_positions[].per_lp_base"],
        &["perp_positions[].position_flag"],
        Why::Replaced,
    ),
    differs("UserStats", &[], &["paused_operations"], Why::WasPadding),
    differs("State", &[], &["feature_bit_flags"], Why::WasPadding),
    differs("State", &[], &["lp_pool_feature_bit_flags"], Why::WasPadding),
];

/// Variants that enums of the profile have got since.
pub const NEW_VARIANTS: [(&str, &str); 1] = [("MarginMode", "HighLeverageMaintenance")];

/// Fields that drift-rs reads as a bool and the profile as a number.
pub const WERE_BOOLS: [(&str, &str); 1] = [("UserStats", "disable_update_perp_bid_ask_twap")];
