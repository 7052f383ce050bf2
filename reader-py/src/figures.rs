//! Figures derived from fields, by the program's formulas.

use std::sync::Arc;

use driftshm_layout::Pubkey;
use driftshm_layout::figures as formulas;
use driftshm_layout::profile::{AccountDef, Field, Kind, Type, role};
use pyo3::prelude::*;

use crate::account::Struct;
use crate::errors;
use crate::follow::Handle;
use crate::source::{Source, Words};
use crate::value;

/// A figure that types of accounts have as an attribute.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Figure {
    /// The market's name.
    Symbol,
    /// The AMM's price.
    MarkPrice,
    /// The same as a float.
    MarkPriceFloat,
    /// The oracle's price for this market.
    OraclePrice,
    /// The same as a float.
    OraclePriceFloat,
    /// The larger side's open positions.
    OpenInterest,
    /// The same as a float.
    OpenInterestFloat,
    /// All deposits.
    DepositTokenAmount,
    /// The same as a float.
    DepositTokenAmountFloat,
    /// All borrows.
    BorrowTokenAmount,
    /// The same as a float.
    BorrowTokenAmountFloat,
}

const SYMBOL: (Figure, &str, &str) =
    (Figure::Symbol, "symbol", "The market's name, such as SOL-PERP.");
const ORACLE: [(Figure, &str, &str); 2] = [
    (
        Figure::OraclePrice,
        "oracle_price",
        "The oracle's newest price by this market's source: PRICE_PRECISION (1e6).",
    ),
    (
        Figure::OraclePriceFloat,
        "oracle_price_float",
        "The oracle's newest price in quote per base.",
    ),
];
const PERP: [(Figure, &str, &str); 4] = [
    (
        Figure::MarkPrice,
        "mark_price",
        "The AMM's stored reserve price, quote_asset_reserve * peg_multiplier / \
         base_asset_reserve: PRICE_PRECISION (1e6). Not its bid or ask, not the price after the \
         repeg that the next trade makes, and not the order book's.",
    ),
    (
        Figure::MarkPriceFloat,
        "mark_price_float",
        "The AMM's stored reserve price in quote per base: see mark_price.",
    ),
    (
        Figure::OpenInterest,
        "open_interest",
        "max(|base_asset_amount_long|, |base_asset_amount_short|): BASE_PRECISION (1e9).",
    ),
    (Figure::OpenInterestFloat, "open_interest_float", "The open interest in base units."),
];
const SPOT: [(Figure, &str, &str); 4] = [
    (
        Figure::DepositTokenAmount,
        "deposit_token_amount",
        "All deposits with their interest, rounded down: smallest token units.",
    ),
    (
        Figure::DepositTokenAmountFloat,
        "deposit_token_amount_float",
        "All deposits with their interest, in whole tokens.",
    ),
    (
        Figure::BorrowTokenAmount,
        "borrow_token_amount",
        "All borrows with their interest, rounded up: smallest token units.",
    ),
    (
        Figure::BorrowTokenAmountFloat,
        "borrow_token_amount_float",
        "All borrows with their interest, in whole tokens.",
    ),
];

/// For `help(market.funding_rate)`.
pub const FUNDING_RATE_DOC: &str = "The last funding rate as a fraction of the oracle's TWAP: \
hourly, over 8 hours, and over a year. last_funding_rate / 1e9 / (last_funding_oracle_twap / 1e6).";
/// For `help(market.market_data)`.
pub const MARKET_DATA_DOC: &str = "The market's key figures of one version, as a dict: \
market_index, symbol, mark_price, oracle_price (both floats; None where there is none), \
open_interest, volume_24h, funding_rate_hourly, funding_rate_8h, funding_rate_annual, slot, version.";

impl Figure {
    /// The figures of a kind of account. A snapshot has no oracle price: the oracle is another
    /// account (`Reader.snapshot` takes both in one cut).
    pub fn of(account: &AccountDef, live: bool) -> Vec<(Self, &'static str, &'static str)> {
        let own = match account.kind {
            Kind::PerpMarket => &PERP,
            Kind::SpotMarket => &SPOT,
            _ => return Vec::new(),
        };
        let oracle = if live { &ORACLE[..] } else { &[] };
        [SYMBOL].iter().chain(oracle).chain(own).copied().collect()
    }
}

fn role_field(s: &Struct, name: &str) -> PyResult<Field> {
    let account = s.schema.kind_of(s.index).and_then(|kind| s.schema.profile.account(kind));
    account.and_then(|account| account.role(name)).ok_or_else(|| {
        errors::wrong_type(format!("the profile does not say which field is the {name}"))
    })
}

fn number(words: &Words<'_>, field: Field) -> i128 {
    let at = field.offset as usize;
    let low = words.u64_at(at);
    let size = field.size();
    let bits = 128 - size.min(16) as u32 * 8;
    let high = if size > 8 { words.u64_at(at + 8) } else { 0 };
    let raw = u128::from(low) | u128::from(high) << 64;
    match field.ty.is_signed() {
        true => (raw << bits) as i128 >> bits,
        false => ((raw << bits) >> bits) as i128,
    }
}

/// Numbers of one version, by role.
fn numbers<const N: usize>(s: &Struct, roles: [&str; N]) -> PyResult<[i128; N]> {
    let mut fields = [None; N];
    for (field, name) in fields.iter_mut().zip(roles) {
        *field = Some(role_field(s, name)?);
    }
    s.source.read(|words| fields.map(|field| field.map_or(0, |field| number(&words, field))))
}

/// The symbol of a market.
pub fn symbol(s: &Struct) -> PyResult<String> {
    let field = role_field(s, role::SYMBOL)?;
    let at = field.offset as usize;
    let words = s.source.read(|words| value::gather::<8>(&words, at, field.size().div_ceil(8)))?;
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    let text = String::from_utf8_lossy(bytes.get(..field.size()).unwrap_or_default());
    Ok(text.trim_matches(['\0', ' ']).to_owned())
}

/// A market as errors name it: by its symbol and address.
fn name_of(s: &Struct) -> String {
    let pubkey = s.source.pubkey();
    match symbol(s) {
        Ok(symbol) if !symbol.is_empty() => format!("{symbol} ({pubkey})"),
        _ => format!("market {pubkey}"),
    }
}

/// The same, from the handle of the market's account.
pub fn market_name(market: &Arc<Handle>) -> String {
    match market_struct(market) {
        Some(s) => name_of(&s),
        None => format!("market {}", market.pubkey),
    }
}

/// The address of the oracle that a market names.
pub fn oracle_address(market: &Arc<Handle>) -> Option<Pubkey> {
    let s = market_struct(market)?;
    let at = role_field(&s, role::ORACLE).ok()?.offset as usize;
    let words = s.source.read(|words| value::gather::<4>(&words, at, 4)).ok()?;
    let mut key = [0; 32];
    for (bytes, word) in key.chunks_exact_mut(8).zip(words) {
        bytes.copy_from_slice(&word.to_le_bytes());
    }
    Some(Pubkey(key))
}

fn market_struct(market: &Arc<Handle>) -> Option<Struct> {
    let source = Source::Live(Arc::clone(market));
    Struct::account(source, market.link.schema, market.record.kind)
}

fn mark_price(s: &Struct) -> PyResult<u128> {
    let roles = [role::BASE_ASSET_RESERVE, role::QUOTE_ASSET_RESERVE, role::PEG_MULTIPLIER];
    let [base, quote, peg] = numbers(s, roles)?.map(|n| n as u128);
    formulas::mark_price(base, quote, peg).ok_or_else(|| {
        let why = match base {
            0 => "the AMM's base reserve is 0, so it has no mark price",
            _ => "the AMM's mark price does not fit 128 bits",
        };
        errors::no_figure(format!("{}: {why}", name_of(s)))
    })
}

fn open_interest(s: &Struct) -> PyResult<u128> {
    let roles = [role::BASE_ASSET_AMOUNT_LONG, role::BASE_ASSET_AMOUNT_SHORT];
    let [long, short] = numbers(s, roles)?;
    Ok(formulas::open_interest(long, short))
}

fn oracle_price(s: &Struct) -> PyResult<i64> {
    let Source::Live(handle) = &s.source else {
        return Err(errors::wrong_type("a snapshot has no oracle price".to_owned()));
    };
    crate::oracle::price_of(handle)
}

fn token_amount(s: &Struct, deposits: bool) -> PyResult<(u128, u32)> {
    let roles = match deposits {
        true => [role::DEPOSIT_BALANCE, role::CUMULATIVE_DEPOSIT_INTEREST, role::DECIMALS],
        false => [role::BORROW_BALANCE, role::CUMULATIVE_BORROW_INTEREST, role::DECIMALS],
    };
    let [balance, interest, decimals] = numbers(s, roles)?;
    let decimals = u32::try_from(decimals).unwrap_or(u32::MAX);
    formulas::token_amount(balance as u128, interest as u128, decimals, deposits)
        .map(|amount| (amount, decimals))
        .ok_or_else(|| {
            errors::no_figure(format!(
                "{}: the token amount does not fit 128 bits ({decimals} decimals)",
                name_of(s)
            ))
        })
}

/// A figure as a Python value.
pub fn get(py: Python<'_>, s: &Struct, figure: Figure) -> PyResult<Py<PyAny>> {
    let float = |value: f64| Ok(value.into_pyobject(py)?.into_any().unbind());
    let int = |value: u128| Ok(value.into_pyobject(py)?.into_any().unbind());
    match figure {
        Figure::Symbol => Ok(symbol(s)?.into_pyobject(py)?.into_any().unbind()),
        Figure::MarkPrice => int(mark_price(s)?),
        Figure::MarkPriceFloat => float(mark_price(s)? as f64 / 1e6),
        Figure::OraclePrice => Ok(oracle_price(s)?.into_pyobject(py)?.into_any().unbind()),
        Figure::OraclePriceFloat => float(oracle_price(s)? as f64 / 1e6),
        Figure::OpenInterest => int(open_interest(s)?),
        Figure::OpenInterestFloat => float(open_interest(s)? as f64 / 1e9),
        Figure::DepositTokenAmount => int(token_amount(s, true)?.0),
        Figure::BorrowTokenAmount => int(token_amount(s, false)?.0),
        Figure::DepositTokenAmountFloat => {
            let (amount, decimals) = token_amount(s, true)?;
            float(amount as f64 / 10f64.powi(decimals as i32))
        }
        Figure::BorrowTokenAmountFloat => {
            let (amount, decimals) = token_amount(s, false)?;
            float(amount as f64 / 10f64.powi(decimals as i32))
        }
    }
}

/// A funding rate as a fraction of the oracle's TWAP (0.0001 = one basis point).
#[pyclass(frozen, get_all, module = "driftshm")]
pub struct FundingRate {
    /// Per hour.
    pub hourly: f64,
    /// Per 8 hours, as other exchanges quote it.
    pub eight_hour: f64,
    /// Per year.
    pub annual: f64,
}

#[pymethods]
impl FundingRate {
    fn __repr__(&self) -> String {
        let Self { hourly, eight_hour, annual } = self;
        format!("FundingRate(hourly={hourly:.9}, eight_hour={eight_hour:.9}, annual={annual:.6})")
    }
}

/// The funding rate that a `last_funding_rate` (1e9, quote per base) is at an oracle TWAP (1e6).
#[pyfunction]
pub fn funding_rate(
    last_funding_rate: i64,
    last_funding_oracle_twap: i64,
) -> PyResult<FundingRate> {
    rate_at(last_funding_rate, last_funding_oracle_twap).ok_or_else(|| {
        errors::no_figure(format!(
            "the oracle TWAP of the last funding is {last_funding_oracle_twap}, so there is no \
             funding rate"
        ))
    })
}

fn rate_at(last_funding_rate: i64, last_funding_oracle_twap: i64) -> Option<FundingRate> {
    let rate = formulas::funding_rate(last_funding_rate, last_funding_oracle_twap)?;
    let formulas::FundingRate { hourly, eight_hour, annual } = rate;
    Some(FundingRate { hourly, eight_hour, annual })
}

/// The funding rate of a perp market.
pub fn funding_rate_of(s: &Struct) -> PyResult<FundingRate> {
    let [rate, twap] = numbers(s, [role::LAST_FUNDING_RATE, role::LAST_FUNDING_ORACLE_TWAP])?;
    let [rate, twap] = [rate, twap].map(|n| i64::try_from(n).unwrap_or(0));
    rate_at(rate, twap).ok_or_else(|| {
        errors::no_figure(format!(
            "{}: the oracle TWAP of the last funding is {twap}, so there is no funding rate yet",
            name_of(s)
        ))
    })
}

/// A perp market's key figures, of one version.
pub fn market_data(py: Python<'_>, s: &Struct) -> PyResult<Py<PyAny>> {
    let copy = s.freeze()?;
    let dict = pyo3::types::PyDict::new(py);
    dict.set_item("market_index", numbers(&copy, [role::MARKET_INDEX])?[0])?;
    dict.set_item("symbol", symbol(&copy)?)?;
    dict.set_item("mark_price", mark_price(&copy).ok().map(|price| price as f64 / 1e6))?;
    dict.set_item("oracle_price", oracle_price(s).ok().map(|price| price as f64 / 1e6))?;
    dict.set_item("open_interest", open_interest(&copy)? as f64 / 1e9)?;
    let volume = numbers(&copy, [role::VOLUME_24H]).ok().map(|[volume]| volume as f64 / 1e6);
    dict.set_item("volume_24h", volume)?;
    let rate = funding_rate_of(&copy).ok();
    dict.set_item("funding_rate_hourly", rate.as_ref().map(|rate| rate.hourly))?;
    dict.set_item("funding_rate_8h", rate.as_ref().map(|rate| rate.eight_hour))?;
    dict.set_item("funding_rate_annual", rate.as_ref().map(|rate| rate.annual))?;
    let meta = copy.source.read_any(|words| words.meta())?;
    dict.set_item("slot", meta.slot)?;
    dict.set_item("version", meta.version)?;
    Ok(dict.into_any().unbind())
}

/// A field as a float, scaled by its unit.
pub fn float(s: &Struct, path: &str) -> PyResult<f64> {
    let field = s.resolve(path)?;
    if !field.ty.is_integer() {
        return Err(errors::wrong_type(format!("{path} is not a number")));
    }
    let decimals = field.unit.and_then(|unit| s.schema.profile.unit(unit)).map(|u| u.decimals);
    let number = s.source.read(|words| number(&words, field))?;
    // A u128 beyond i128 was read as negative.
    let value = match (field.ty, number < 0) {
        (Type::U128, true) => number as u128 as f64,
        _ => number as f64,
    };
    Ok(value / 10f64.powi(i32::from(decimals.unwrap_or(0))))
}

/// For `repr`.
pub fn describe(s: &Struct, what: &str) -> String {
    let name = s.schema.struct_def(s.index).map_or("?", |def| &def.name);
    let pubkey = s.source.pubkey();
    let state = match s.source.read_any(|words| words.meta()) {
        Ok(meta) if meta.closed => "closed".to_owned(),
        Ok(meta) => format!("slot {}, version {}", meta.slot, meta.version),
        Err(_) => "gone".to_owned(),
    };
    let symbol = match s.is_account
        && matches!(s.schema.kind_of(s.index), Some(Kind::PerpMarket | Kind::SpotMarket))
    {
        true => symbol(s).map(|symbol| format!(" {symbol}")).unwrap_or_default(),
        false => String::new(),
    };
    format!("<{name}{symbol} {what} of {pubkey}, {state}>")
}
