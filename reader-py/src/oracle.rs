//! Oracles: the price of an oracle account as the program computes it for a market.

mod data;

use std::sync::Arc;

use driftshm_layout::record::{Meta, Presence};
use driftshm_layout::{OraclePrice, Pubkey, RecordRef};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::account::to_bytes;
use crate::errors;
use crate::figures::{market_name, oracle_address};
use crate::follow::{Handle, Link, age_of};
use crate::source::{Frozen, Words};

use data::{Numbers, source_member};
pub use data::{OraclePriceData, unpickle_oracle};

/// The live view of an oracle: of a market's (whichever account and source the market names now),
/// or of an oracle account itself.
#[pyclass(frozen, module = "driftshm")]
pub struct OracleView {
    handle: Arc<Handle>,
    is_market: bool,
}

/// Where the price is: the region's handle, the oracle's record, the source if it is known.
struct Place<'a> {
    handle: &'a Handle,
    oracle: RecordRef,
    source: Option<u8>,
}

fn no_oracle(market: &Arc<Handle>) -> PyErr {
    let oracle = match oracle_address(market) {
        Some(pubkey) => format!("oracle {pubkey}"),
        None => "its oracle".to_owned(),
    };
    errors::OracleInvalidError::new_err(format!(
        "{}: {oracle} is not in the region yet",
        market_name(market)
    ))
}

/// A source by its name in the profile.
fn source_name(link: &Link, source: u8) -> String {
    let profile = &link.schema.profile;
    let def = profile.oracle_sources().and_then(|id| profile.enum_def(id));
    let name = def.and_then(|def| def.variants.get(usize::from(source)));
    name.map_or_else(|| source.to_string(), ToString::to_string)
}

/// No price from an oracle by a source: of the market that names both, if it is known.
fn invalid(link: &Link, market: Option<&Arc<Handle>>, pubkey: &Pubkey, source: u8) -> PyErr {
    let market = market.map(|market| format!("{}: ", market_name(market))).unwrap_or_default();
    let closed = link.region.find(pubkey).map(|record| link.region.presence(&record));
    let why = match closed {
        Some(Presence::Closed) => "the account was closed on chain",
        _ => "see the writer's log for why",
    };
    let source = source_name(link, source);
    errors::OracleInvalidError::new_err(format!(
        "{market}no valid price from oracle {pubkey} by source {source}: {why}"
    ))
}

/// The price of a market's oracle.
pub fn price_of(market: &Arc<Handle>) -> PyResult<i64> {
    let handle = market.current().ok_or_else(|| errors::schema_changed(&market.pubkey))?;
    let region = handle.region();
    let (oracle, source) = region.oracle_of(&handle.record).ok_or_else(|| no_oracle(market))?;
    match region.oracle_price(&oracle, source) {
        Some((price, _)) if price.valid => Ok(price.price),
        Some(_) => {
            let pubkey = region.pubkey(&oracle).unwrap_or_default();
            Err(invalid(&handle.link, Some(market), &pubkey, source))
        }
        None => Err(no_oracle(market)),
    }
}

fn to_data(link: &Link, price: OraclePrice, meta: &Meta) -> OraclePriceData {
    let numbers = Numbers {
        price: price.price,
        confidence: price.confidence,
        delay: (link.region.slot() as i64).wrapping_sub(price.published_slot as i64),
        has_sufficient_number_of_data_points: price.has_sufficient_number_of_data_points,
        published_slot: price.published_slot,
        source: price.source,
        slot: meta.slot,
        version: meta.version,
    };
    OraclePriceData { schema: link.schema, numbers }
}

/// The price in a copy of an oracle account; `market` is asked for only to be named in an error.
pub fn data_of(
    link: &Link,
    copy: &Frozen,
    source: u8,
    market: impl FnOnce() -> Option<Arc<Handle>>,
) -> PyResult<OraclePriceData> {
    let words = Words::Frozen(copy);
    match OraclePrice::find(source, |i| words.extra(i)) {
        Some(price) if price.valid => Ok(to_data(link, price, &copy.meta())),
        _ => Err(invalid(link, market().as_ref(), &copy.pubkey(), source)),
    }
}

impl OracleView {
    /// A market's oracle; `None` if it is not in the region.
    pub fn of_market(handle: &Arc<Handle>) -> Option<Self> {
        let view = Self { handle: Arc::clone(handle), is_market: true };
        let there = view
            .place()
            .is_ok_and(|place| place.handle.region().presence(&place.oracle) == Presence::Here);
        there.then_some(view)
    }

    /// An oracle account itself.
    pub fn of_account(handle: &Arc<Handle>) -> Self {
        Self { handle: Arc::clone(handle), is_market: false }
    }

    /// The oracle account's address.
    pub fn address(&self) -> PyResult<Pubkey> {
        let place = self.place()?;
        place.handle.region().pubkey(&place.oracle).ok_or_else(|| self.gone())
    }

    /// The oracle is no longer in the region.
    #[cold]
    fn gone(&self) -> PyErr {
        match self.is_market {
            true => errors::oracle_gone(&market_name(&self.handle)),
            false => errors::account_gone(&self.handle.pubkey),
        }
    }

    /// The market's handle, if this is a market's oracle.
    fn market(&self) -> Option<&Arc<Handle>> {
        self.is_market.then_some(&self.handle)
    }

    fn place(&self) -> PyResult<Place<'_>> {
        let changed = || errors::schema_changed(&self.handle.pubkey);
        let handle = self.handle.current().ok_or_else(changed)?;
        if !self.is_market {
            return Ok(Place { handle, oracle: handle.record, source: None });
        }
        let found = handle.region().oracle_of(&handle.record);
        let found = found.ok_or_else(|| no_oracle(&self.handle))?;
        Ok(Place { handle, oracle: found.0, source: Some(found.1) })
    }

    fn all(&self) -> PyResult<(Vec<OraclePrice>, Meta)> {
        let place = self.place()?;
        let read = place
            .handle
            .region()
            .read(&place.oracle, |buffer| (OraclePrice::all(|i| buffer.extra(i)), buffer.meta()));
        read.map_err(|_| self.gone())
    }

    fn price_and_meta(&self) -> PyResult<(OraclePrice, Meta)> {
        let place = self.place()?;
        if let Some(source) = place.source {
            let found = place.handle.region().oracle_price(&place.oracle, source);
            let (price, meta) = found.ok_or_else(|| no_oracle(&self.handle))?;
            return match price.valid {
                true => Ok((price, meta)),
                false => Err(self.invalid(&place, source)),
            };
        }
        let (prices, meta) = self.all()?;
        match prices.as_slice() {
            [price] if price.valid => Ok((*price, meta)),
            [price] => Err(self.invalid(&self.place()?, price.source)),
            [] => Err(errors::OracleInvalidError::new_err(format!(
                "no market names oracle {}: it has no price, only bytes()",
                self.address()?
            ))),
            _ => Err(errors::OracleInvalidError::new_err(format!(
                "markets read oracle {} by several sources: see prices()",
                self.address()?
            ))),
        }
    }

    fn invalid(&self, place: &Place<'_>, source: u8) -> PyErr {
        match self.address() {
            Ok(pubkey) => invalid(&place.handle.link, self.market(), &pubkey, source),
            Err(error) => error,
        }
    }

    fn to_data(&self, price: OraclePrice, meta: &Meta) -> OraclePriceData {
        to_data(&self.handle.last().link, price, meta)
    }

    /// The handle of the oracle account itself.
    pub fn oracle_handle(&self) -> PyResult<Arc<Handle>> {
        let place = self.place()?;
        Handle::new(&place.handle.link, place.oracle).ok_or_else(|| self.gone())
    }
}

#[pymethods]
impl OracleView {
    /// The price: PRICE_PRECISION (1e6).
    #[getter]
    fn price(&self) -> PyResult<i64> {
        Ok(self.price_and_meta()?.0.price)
    }

    /// The price in quote per base.
    #[getter]
    fn price_float(&self) -> PyResult<f64> {
        Ok(self.price()? as f64 / 1e6)
    }

    /// How far off the price may be: 1e6.
    #[getter]
    fn confidence(&self) -> PyResult<u64> {
        Ok(self.price_and_meta()?.0.confidence)
    }

    /// The confidence in quote per base.
    #[getter]
    fn confidence_float(&self) -> PyResult<f64> {
        Ok(self.confidence()? as f64 / 1e6)
    }

    /// The slot in which the price was published.
    #[getter]
    fn published_slot(&self) -> PyResult<u64> {
        Ok(self.price_and_meta()?.0.published_slot)
    }

    /// Slots since the price was published, at the newest slot that the writer knows.
    #[getter]
    fn delay(&self) -> PyResult<i64> {
        let slot = self.handle.last().region().slot();
        Ok((slot as i64).wrapping_sub(self.published_slot()? as i64))
    }

    /// Whether enough publishers stand behind the price.
    #[getter]
    fn has_sufficient_number_of_data_points(&self) -> PyResult<bool> {
        Ok(self.price_and_meta()?.0.has_sufficient_number_of_data_points)
    }

    /// By which source the market reads the account: a member of `OracleSource`.
    #[getter]
    fn source(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let source = match self.place()?.source {
            Some(source) => source,
            None => self.price_and_meta()?.0.source,
        };
        source_member(py, self.handle.link.schema, source)
    }

    /// The oracle account's address, base58.
    #[getter]
    fn pubkey(&self) -> PyResult<String> {
        Ok(self.address()?.to_string())
    }

    /// The slot of the account's newest update; not driftpy's `slot`, which is `published_slot`.
    #[getter]
    fn slot(&self) -> PyResult<u64> {
        Ok(self.all()?.1.slot)
    }

    /// Orders updates of one source within a slot; 0 where the source has none.
    #[getter]
    fn write_version(&self) -> PyResult<u64> {
        Ok(self.all()?.1.write_version)
    }

    /// How sure the chain is of the newest version: `confirmed`, or `processed` where it may yet be
    /// taken back.
    #[getter]
    fn commitment(&self) -> PyResult<&'static str> {
        let confirmed = self.place()?.handle.confirmed_slot();
        Ok(if self.slot()? <= confirmed { "confirmed" } else { "processed" })
    }

    /// Counts the versions of the account.
    #[getter]
    fn version(&self) -> PyResult<u64> {
        Ok(self.all()?.1.version)
    }

    /// Seconds since the newest version was published.
    #[getter]
    fn age(&self) -> PyResult<f64> {
        let region = self.handle.newest().region();
        let publish_ns = self.all()?.1.publish_ns;
        Ok(age_of(publish_ns, region.is_of_this_boot()))
    }

    /// Seconds since the account was last known to be what the chain says.
    #[getter]
    fn staleness(&self) -> PyResult<f64> {
        Ok(self.oracle_handle()?.newest().staleness())
    }

    /// Whether the account was closed on chain.
    #[getter]
    fn closed(&self) -> PyResult<bool> {
        let place = self.place()?;
        match place.handle.region().presence(&place.oracle) {
            Presence::Gone => Err(self.gone()),
            presence => Ok(presence == Presence::Closed),
        }
    }

    /// Raises `StaleError` if the account is not known to be as fresh as `max_age` seconds; else
    /// returns the view itself.
    fn ensure_fresh<'py>(slf: Bound<'py, Self>, max_age: f64) -> PyResult<Bound<'py, Self>> {
        slf.get().oracle_handle()?.guard(Some(max_age))?;
        Ok(slf)
    }

    /// All of the price, of one version.
    #[pyo3(signature = (*, max_age = None))]
    pub fn snapshot(&self, max_age: Option<f64>) -> PyResult<OraclePriceData> {
        if max_age.is_some() {
            self.oracle_handle()?.guard(max_age)?;
        }
        let (price, meta) = self.price_and_meta()?;
        Ok(self.to_data(price, &meta))
    }

    /// The prices by every source that markets read the account by, of one version.
    fn prices<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let (prices, meta) = self.all()?;
        let dict = PyDict::new(py);
        for price in prices.into_iter().filter(|price| price.valid) {
            let source = source_member(py, self.handle.link.schema, price.source)?;
            dict.set_item(source, self.to_data(price, &meta))?;
        }
        Ok(dict)
    }

    /// The account, byte for byte.
    fn bytes(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let place = self.place()?;
        let copy = place.handle.region().snapshot(&place.oracle).map_err(|_| self.gone())?;
        Ok(to_bytes(py, &copy.data))
    }

    fn __repr__(&self) -> String {
        let pubkey = self.address().map(|key| key.to_string()).unwrap_or_default();
        match self.price_and_meta() {
            Ok((price, _)) => format!("<oracle {pubkey}, price {}>", price.price as f64 / 1e6),
            Err(_) => format!("<oracle {pubkey}, no price>"),
        }
    }
}
