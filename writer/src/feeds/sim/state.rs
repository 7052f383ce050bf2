//! The program's state account, and what it keeps once per authority.

use driftshm_layout::Pubkey;
use driftshm_layout::profile::{AccountDef, Profile, role};

use super::account::{Account, Moment};
use super::cell::{Cell, Draft};
use super::dice::{Dice, Purpose, address};

/// How much there is of everything.
pub(super) struct Counts {
    pub perp_markets: u16,
    pub spot_markets: u16,
    pub authorities: u32,
    pub users: u32,
}

/// The state account. It does not change.
pub(super) fn state(profile: &Profile, def: &AccountDef, seed: u64, counts: &Counts) -> Account {
    let other = |what: u32| address(seed, Purpose::Other, 0xffff_0000 | what);
    let mut draft = Draft::new(profile, def);
    draft
        .set_key("admin", &other(1))
        .set_key("cold_admin", &other(1))
        .set_key("signer", &other(2))
        .set("oracle_guard_rails.price_divergence.mark_oracle_percent_divergence", 100_000)
        .set("oracle_guard_rails.price_divergence.oracle_twap5min_percent_divergence", 500_000)
        .set("oracle_guard_rails.validity.slots_before_stale_for_amm", 10)
        .set("oracle_guard_rails.validity.slots_before_stale_for_margin", 120)
        .set("oracle_guard_rails.validity.confidence_interval_max_size", 20_000)
        .set("oracle_guard_rails.validity.too_volatile_ratio", 5)
        .set("number_of_authorities", counts.authorities)
        .set("number_of_sub_accounts", counts.users)
        .set("liquidation_margin_buffer_ratio", 200)
        .set("settlement_duration", 300)
        .role(role::NUMBER_OF_MARKETS, counts.perp_markets)
        .role(role::NUMBER_OF_SPOT_MARKETS, counts.spot_markets)
        .set("min_perp_auction_duration", 10)
        .set("default_market_order_time_in_force", 60)
        .set("default_spot_auction_duration", 10)
        .set("liquidation_duration", 150)
        .set("initial_pct_to_liquidate", 2_500)
        .set("max_number_of_sub_accounts", 3_000)
        .set("max_initialize_user_fee", 500);
    for fees in ["perp_fee_structure", "spot_fee_structure"] {
        // The less a user trades, the more of it goes to the program.
        for (tier, parts) in [100, 90, 80, 70, 60, 50].into_iter().enumerate() {
            let tier = format!("{fees}.fee_tiers[{tier}]");
            for (path, number) in [
                ("fee_numerator", parts),
                ("fee_denominator", 100_000),
                ("maker_rebate_numerator", 20),
                ("maker_rebate_denominator", 100_000),
                ("referrer_reward_numerator", 15),
                ("referrer_reward_denominator", 100),
                ("referee_fee_numerator", 5),
                ("referee_fee_denominator", 100),
            ] {
                draft.set(&format!("{tier}.{path}"), number);
            }
        }
        draft.set(&format!("{fees}.flat_filler_fee"), 10_000);
    }
    let pubkey = profile.state_address().unwrap_or_else(|| other(0));
    Account { pubkey, owner: profile.program_id, data: draft.data }
}

/// The fields of user stats that change.
pub(super) struct StatsCells {
    maker_volume: Cell,
    taker_volume: Cell,
    fees: Cell,
    timestamps: [Cell; 2],
}

impl StatsCells {
    pub fn new(profile: &Profile, def: &AccountDef) -> Self {
        let path = |path| Cell::path(profile, def, path);
        Self {
            maker_volume: path("maker_volume30d"),
            taker_volume: path("taker_volume30d"),
            fees: path("fees.total_fee_paid"),
            timestamps: [path("last_maker_volume30d_ts"), path("last_taker_volume30d_ts")],
        }
    }
}

/// What the program keeps of one authority.
pub(super) struct Stats {
    pub account: Account,
    /// Only brought while somebody follows it.
    pub cold: bool,
    pub followed: bool,
    volume: [u64; 2],
}

impl Stats {
    /// The stats of an authority with so many users.
    pub fn new(
        profile: &Profile,
        def: &AccountDef,
        authority: &Pubkey,
        pubkey: Pubkey,
        users: u16,
        dice: &mut Dice,
    ) -> Self {
        let mut draft = Draft::new(profile, def);
        draft
            .role_key(role::AUTHORITY, authority)
            .set("number_of_sub_accounts", users)
            .set("number_of_sub_accounts_created", users);
        let account = Account { pubkey, owner: profile.program_id, data: draft.data };
        let volume = [dice.between(0.0, 1e12) as u64, dice.between(0.0, 1e12) as u64];
        Self { account, cold: false, followed: false, volume }
    }

    /// Whether nobody is brought it: it is cold, and nobody follows it.
    pub fn is_hidden(&self) -> bool {
        self.cold && !self.followed
    }

    /// After another trade.
    pub fn update(&mut self, cells: &StatsCells, dice: &mut Dice, now: Moment) {
        let side = usize::from(dice.chance(128));
        if let Some(volume) = self.volume.get_mut(side) {
            // 4 dollars to 4,000, of which a month forgets what it adds.
            *volume = *volume - (*volume >> 16) + 4_000_000 + dice.below(1 << 32) as u64;
        }
        self.refresh(cells, now);
    }

    /// Writes what changes.
    pub fn refresh(&mut self, cells: &StatsCells, now: Moment) {
        let data = &mut self.account.data;
        let [maker, taker] = self.volume;
        cells.maker_volume.set(data, maker);
        cells.taker_volume.set(data, taker);
        cells.fees.set(data, taker / 1_000);
        for timestamp in cells.timestamps {
            timestamp.set(data, now.unix_seconds());
        }
    }
}
