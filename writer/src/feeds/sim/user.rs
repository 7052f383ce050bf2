//! Users: collateral, perp positions and open orders that refer to the markets there are.

use driftshm_layout::Pubkey;
use driftshm_layout::profile::{AccountDef, Profile, role};

use super::account::{Account, Moment};
use super::cell::{Cell, Draft, List};
use super::dice::Dice;
use super::perp::{CUMULATIVE_FUNDING_RATE, Perp};
use super::spot::Spot;

/// The most positions and orders a user gets; the profile may have room for fewer.
const MOST_POSITIONS: usize = 4;
const MOST_ORDERS: usize = 6;

/// The fields of a user that are written more than once.
pub(super) struct UserCells {
    spots: List,
    spot: SpotPositionCells,
    perps: List,
    perp: PositionCells,
    orders: List,
    order: OrderCells,
    last_active_slot: Cell,
    next_order_id: Cell,
}

struct SpotPositionCells {
    market: Cell,
    balance: Cell,
    balance_type: Cell,
    cumulative_deposits: Cell,
}

struct PositionCells {
    market: Cell,
    base: Cell,
    quote: [Cell; 3],
    funding_rate: Cell,
    open_bids: Cell,
    open_asks: Cell,
    open_orders: Cell,
}

struct OrderCells {
    market: Cell,
    status: Cell,
    order_type: Cell,
    market_type: Cell,
    direction: Cell,
    existing_direction: Cell,
    base: Cell,
    price: Cell,
    post_only: Cell,
    slot: Cell,
    id: Cell,
}

impl UserCells {
    pub fn new(profile: &Profile, def: &AccountDef) -> Self {
        let list = |role| List::role(profile, def, role);
        let (spots, perps) = (list(role::SPOT_POSITIONS), list(role::PERP_POSITIONS));
        let orders = list(role::ORDERS);
        let spot = |path| spots.cell(profile, path);
        let perp = |path| perps.cell(profile, path);
        let order = |path| orders.cell(profile, path);
        Self {
            spots,
            spot: SpotPositionCells {
                market: spot("market_index"),
                balance: spot("scaled_balance"),
                balance_type: spot("balance_type"),
                cumulative_deposits: spot("cumulative_deposits"),
            },
            perps,
            perp: PositionCells {
                market: perp("market_index"),
                base: perp("base_asset_amount"),
                quote: [
                    perp("quote_asset_amount"),
                    perp("quote_entry_amount"),
                    perp("quote_break_even_amount"),
                ],
                funding_rate: perp("last_cumulative_funding_rate"),
                open_bids: perp("open_bids"),
                open_asks: perp("open_asks"),
                open_orders: perp("open_orders"),
            },
            orders,
            order: OrderCells {
                market: order("market_index"),
                status: order("status"),
                order_type: order("order_type"),
                market_type: order("market_type"),
                direction: order("direction"),
                existing_direction: order("existing_position_direction"),
                base: order("base_asset_amount"),
                price: order("price"),
                post_only: order("post_only"),
                slot: order("slot"),
                id: order("order_id"),
            },
            last_active_slot: Cell::path(profile, def, "last_active_slot"),
            next_order_id: Cell::path(profile, def, "next_order_id"),
        }
    }
}

/// A user account.
pub(super) struct User {
    pub account: Account,
    /// Only brought while somebody follows it.
    pub cold: bool,
    pub followed: bool,
    /// Its authority's place among the user stats.
    pub stats: usize,
    positions: Vec<Position>,
    orders: Vec<Order>,
    next_order_id: u32,
}

struct Position {
    /// Place in the list of perp markets, which is the market's index.
    market: usize,
    /// Where it is in the account.
    start: u32,
    base: i64,
    most: i64,
    quote: i64,
}

struct Order {
    market: usize,
    start: u32,
    buys: bool,
}

/// Who a user is.
pub(super) struct Identity<'a> {
    pub pubkey: Pubkey,
    pub authority: &'a Pubkey,
    pub sub_account_id: u16,
    pub cold: bool,
    pub stats: usize,
}

/// The markets that users trade in.
pub(super) struct Markets<'a> {
    pub perps: &'a mut [Perp],
    pub spots: &'a mut [Spot],
}

impl User {
    /// A user with some collateral, positions and orders, which the markets' totals include.
    pub fn new(
        profile: &Profile,
        def: &AccountDef,
        cells: &UserCells,
        identity: &Identity<'_>,
        markets: &mut Markets<'_>,
        dice: &mut Dice,
        now: Moment,
    ) -> Self {
        let name = match identity.sub_account_id {
            0 => "Main Account".to_owned(),
            sub => format!("Subaccount {}", u32::from(sub) + 1),
        };
        let mut draft = Draft::new(profile, def);
        draft
            .role_key(role::AUTHORITY, identity.authority)
            .role(role::SUB_ACCOUNT_ID, identity.sub_account_id)
            .role_name(role::SYMBOL, &name)
            .set("next_liquidation_id", 1)
            .set("settled_perp_pnl", dice.between(-5e9, 5e9) as i64)
            .set("cumulative_perp_funding", dice.between(-1e7, 1e7) as i64);
        let mut data = draft.data;
        let deposited = deposit(profile, cells, markets.spots, dice, &mut data);
        let deposits = Cell::path(profile, def, "total_deposits");
        deposits.set(&mut data, (deposited * 1e6) as i64);
        let positions = open_positions(cells, markets.perps, dice, &mut data);
        let orders = place_orders(profile, cells, &positions, markets.perps, dice, &mut data);
        let open_orders = orders.len() as u32;
        Cell::path(profile, def, "open_orders").set(&mut data, open_orders);
        Cell::role(def, role::HAS_OPEN_ORDER).set(&mut data, i32::from(open_orders > 0));
        let mut user = Self {
            account: Account { pubkey: identity.pubkey, owner: profile.program_id, data },
            cold: identity.cold,
            followed: false,
            stats: identity.stats,
            positions,
            orders,
            next_order_id: 1,
        };
        for place in 0..user.orders.len() {
            user.move_order(cells, place, markets.perps, dice, now);
        }
        user.touch(cells, now);
        user
    }

    /// The markets that it holds a position in.
    pub fn markets(&self) -> impl Iterator<Item = usize> {
        self.positions.iter().map(|position| position.market)
    }

    /// Trades a little of one position, and moves one order.
    pub fn update(&mut self, cells: &UserCells, perps: &mut [Perp], dice: &mut Dice, now: Moment) {
        let place = dice.below(self.positions.len());
        self.trade(cells, place, perps, dice);
        let place = dice.below(self.orders.len());
        self.move_order(cells, place, perps, dice, now);
        self.touch(cells, now);
    }

    fn touch(&mut self, cells: &UserCells, now: Moment) {
        cells.last_active_slot.set(&mut self.account.data, now.slot);
        cells.next_order_id.set(&mut self.account.data, self.next_order_id);
    }

    fn trade(&mut self, cells: &UserCells, place: usize, perps: &mut [Perp], dice: &mut Dice) {
        let Some(position) = self.positions.get_mut(place) else { return };
        let Some(perp) = perps.get_mut(position.market) else { return };
        let steps = 1 + dice.below(10) as i64;
        let change = if dice.chance(128) { steps } else { -steps } * perp.step;
        // It stays what it is, long or short, and neither closes nor grows for ever.
        let size = (position.base * position.base.signum()).saturating_add(change);
        let size = size.clamp(perp.step, position.most);
        let base = size * position.base.signum();
        position.quote -= quote_of(base - position.base, perp.price);
        perp.traded(position.base, base);
        position.base = base;
        write_position(cells, position, &mut self.account.data);
    }

    /// Cancels an order and places it anew, near the price as it is now.
    fn move_order(
        &mut self,
        cells: &UserCells,
        place: usize,
        perps: &[Perp],
        dice: &mut Dice,
        now: Moment,
    ) {
        let Some(order) = self.orders.get(place) else { return };
        let Some(perp) = perps.get(order.market) else { return };
        let off = dice.between(0.001, 0.03) * if order.buys { -1.0 } else { 1.0 };
        let price = (perp.price as f64 * (1.0 + off)) as i64 / perp.tick * perp.tick;
        let data = &mut self.account.data;
        cells.order.price.at(order.start).set(data, price.max(perp.tick));
        cells.order.slot.at(order.start).set(data, now.slot);
        cells.order.id.at(order.start).set(data, self.next_order_id);
        self.next_order_id = self.next_order_id.wrapping_add(1).max(1);
    }
}

/// Quote (1e6) for so much base (1e9) at a price (1e6).
fn quote_of(base: i64, price: i64) -> i64 {
    (i128::from(base) * i128::from(price) / 1_000_000_000) as i64
}

/// Some of the quote asset, and of another token, lent or borrowed; worth so many dollars.
fn deposit(
    profile: &Profile,
    cells: &UserCells,
    spots: &mut [Spot],
    dice: &mut Dice,
    data: &mut [u8],
) -> f64 {
    let mut deposited = 0.0;
    let other = 1 + dice.below(spots.len().saturating_sub(1));
    for (place, index) in [0, other].into_iter().enumerate().take(cells.spots.len as usize) {
        let Some(spot) = spots.get_mut(index) else { continue };
        let dollars = dice.between(100.0, if index == 0 { 200_000.0 } else { 5_000.0 });
        let borrow = index != 0 && dice.chance(64);
        let tokens = dollars / (spot.price as f64 / 1e6);
        let balance = spot.scaled(tokens, borrow);
        let total = if borrow { &mut spot.borrows } else { &mut spot.deposits };
        *total += u128::from(balance);
        let amount = (tokens * 10_f64.powi(spot.decimals as i32)) as i64;
        let start = cells.spots.start(place as u32);
        let kind = if borrow { "Borrow" } else { "Deposit" };
        cells.spot.market.at(start).set(data, index as i64);
        cells.spot.balance.at(start).set(data, balance);
        cells.spot.balance_type.at(start).set_variant(profile, data, kind);
        cells.spot.cumulative_deposits.at(start).set(data, if borrow { -amount } else { amount });
        deposited += if borrow { 0.0 } else { dollars };
    }
    deposited
}

/// One to four positions in as many markets.
fn open_positions(
    cells: &UserCells,
    perps: &mut [Perp],
    dice: &mut Dice,
    data: &mut [u8],
) -> Vec<Position> {
    let room = (cells.perps.len as usize).min(perps.len()).min(MOST_POSITIONS);
    let count = if room == 0 { 0 } else { 1 + dice.below(room) };
    let first = dice.below(perps.len());
    let mut positions = Vec::with_capacity(count);
    for place in 0..count {
        // Neighbours, so that no market comes twice.
        let market = (first + place) % perps.len();
        let Some(perp) = perps.get_mut(market) else { continue };
        let dollars = dice.between(200.0, 50_000.0);
        let steps = (dollars * 1e15 / perp.price as f64 / perp.step as f64) as i64;
        let size = steps.clamp(1, i64::MAX / 8 / perp.step) * perp.step;
        let base = if dice.chance(132) { size } else { -size };
        let entry = perp.price as f64 * dice.between(0.97, 1.03);
        let start = cells.perps.start(place as u32);
        let quote = -quote_of(base, entry as i64);
        let position = Position { market, start, base, most: size * 4, quote };
        perp.traded(0, base);
        cells.perp.market.at(start).set(data, market as i64);
        cells.perp.funding_rate.at(start).set(data, CUMULATIVE_FUNDING_RATE);
        write_position(cells, &position, data);
        positions.push(position);
    }
    positions
}

fn write_position(cells: &UserCells, position: &Position, data: &mut [u8]) {
    cells.perp.base.at(position.start).set(data, position.base);
    for quote in cells.perp.quote {
        quote.at(position.start).set(data, position.quote);
    }
}

/// Up to six limit orders in the markets of the positions, whose open amounts include them.
fn place_orders(
    profile: &Profile,
    cells: &UserCells,
    positions: &[Position],
    perps: &[Perp],
    dice: &mut Dice,
    data: &mut [u8],
) -> Vec<Order> {
    let mut orders = Vec::new();
    let count = dice.below(1 + MOST_ORDERS.min(cells.orders.len as usize));
    for place in 0..count {
        let Some(position) = positions.get(dice.below(positions.len())) else { break };
        let Some(perp) = perps.get(position.market) else { break };
        let buys = dice.chance(128);
        let size = (position.base.abs() / 4 / perp.step).max(1) * perp.step;
        let start = cells.orders.start(place as u32);
        let of = &cells.order;
        of.market.at(start).set(data, position.market as i64);
        of.status.at(start).set_variant(profile, data, "Open");
        of.order_type.at(start).set_variant(profile, data, "Limit");
        of.market_type.at(start).set_variant(profile, data, "Perp");
        of.direction.at(start).set_variant(profile, data, if buys { "Long" } else { "Short" });
        let existing = if position.base > 0 { "Long" } else { "Short" };
        of.existing_direction.at(start).set_variant(profile, data, existing);
        of.base.at(start).set(data, size);
        of.post_only.at(start).set(data, i32::from(dice.chance(128)));
        let (open, sign) =
            if buys { (cells.perp.open_bids, 1) } else { (cells.perp.open_asks, -1) };
        add(open.at(position.start), data, sign * i128::from(size));
        add(cells.perp.open_orders.at(position.start), data, 1);
        orders.push(Order { market: position.market, start, buys });
    }
    orders
}

fn add(cell: Cell, data: &mut [u8], more: i128) {
    let sum = cell.get(data).unwrap_or(0) + more;
    cell.set(data, sum);
}
