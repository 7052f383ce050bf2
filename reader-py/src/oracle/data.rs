//! One version of an oracle's price, as Python sees it.

use pyo3::prelude::*;

/// One version of an oracle's price. Prices and confidence have PRICE_PRECISION (1e6).
#[pyclass(frozen, get_all, module = "driftshm")]
pub struct OraclePriceData {
    /// PRICE_PRECISION (1e6).
    pub price: i64,
    /// How far off the price may be: 1e6.
    pub confidence: u64,
    /// Slots since it was published, at the newest slot that the writer knows.
    pub delay: i64,
    /// Whether enough publishers stand behind it.
    pub has_sufficient_number_of_data_points: bool,
    /// The slot in which it was published.
    pub published_slot: u64,
    /// By which source the account was read: a member of `OracleSource`.
    pub source: Py<PyAny>,
    /// The slot of the account's update; not driftpy's `slot`, which is `published_slot`.
    pub slot: u64,
    /// Counts the versions of the account.
    pub version: u64,
}

#[pymethods]
impl OraclePriceData {
    /// The price in quote per base.
    #[getter]
    fn price_float(&self) -> f64 {
        self.price as f64 / 1e6
    }

    /// The confidence in quote per base.
    #[getter]
    fn confidence_float(&self) -> f64 {
        self.confidence as f64 / 1e6
    }

    fn __repr__(&self) -> String {
        let Self { price, confidence, published_slot, .. } = self;
        format!(
            "OraclePriceData(price={price}, confidence={confidence}, published_slot={published_slot})"
        )
    }
}
