//! One version of an oracle's price, as Python sees it.

use std::hash::{Hash, Hasher};

use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::schema::Schema;

/// One version of an oracle's price. Prices and confidence have PRICE_PRECISION (1e6).
#[pyclass(frozen, eq, hash, module = "driftshm")]
pub struct OraclePriceData {
    /// By which the source has a name.
    pub schema: &'static Schema,
    /// All else.
    pub numbers: Numbers,
}

/// What Python gets one by one: see the getters.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Numbers {
    pub price: i64,
    pub confidence: u64,
    pub delay: i64,
    pub has_sufficient_number_of_data_points: bool,
    pub published_slot: u64,
    pub source: u8,
    pub slot: u64,
    pub version: u64,
}

impl PartialEq for OraclePriceData {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.schema, other.schema) && self.numbers == other.numbers
    }
}

impl Hash for OraclePriceData {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.numbers.hash(state);
    }
}

/// A source by its name in the profile; the number itself where it has none.
pub fn source_member(py: Python<'_>, schema: &Schema, source: u8) -> PyResult<Py<PyAny>> {
    match schema.profile.oracle_sources() {
        Some(id) => schema.member(py, id, source),
        None => Ok(source.into_pyobject(py)?.into_any().unbind()),
    }
}

#[pymethods]
impl OraclePriceData {
    /// PRICE_PRECISION (1e6).
    #[getter]
    fn price(&self) -> i64 {
        self.numbers.price
    }

    /// The price in quote per base.
    #[getter]
    fn price_float(&self) -> f64 {
        self.numbers.price as f64 / 1e6
    }

    /// How far off the price may be: 1e6.
    #[getter]
    fn confidence(&self) -> u64 {
        self.numbers.confidence
    }

    /// The confidence in quote per base.
    #[getter]
    fn confidence_float(&self) -> f64 {
        self.numbers.confidence as f64 / 1e6
    }

    /// Slots since it was published, at the newest slot that the writer knew.
    #[getter]
    fn delay(&self) -> i64 {
        self.numbers.delay
    }

    /// Whether enough publishers stand behind it.
    #[getter]
    fn has_sufficient_number_of_data_points(&self) -> bool {
        self.numbers.has_sufficient_number_of_data_points
    }

    /// The slot in which it was published.
    #[getter]
    fn published_slot(&self) -> u64 {
        self.numbers.published_slot
    }

    /// By which source the account was read: a member of `OracleSource`.
    #[getter]
    fn source(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        source_member(py, self.schema, self.numbers.source)
    }

    /// The slot of the account's update; not driftpy's `slot`, which is `published_slot`.
    #[getter]
    fn slot(&self) -> u64 {
        self.numbers.slot
    }

    /// Counts the versions of the account.
    #[getter]
    fn version(&self) -> u64 {
        self.numbers.version
    }

    fn __repr__(&self) -> String {
        let Numbers { price, confidence, published_slot, .. } = self.numbers;
        format!(
            "OraclePriceData(price={price}, confidence={confidence}, published_slot={published_slot})"
        )
    }

    fn __reduce__<'py>(
        &self,
        py: Python<'py>,
    ) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyTuple>)> {
        let function = py.import("driftshm._driftshm")?.getattr("unpickle_oracle")?;
        let n = self.numbers;
        let numbers = (
            n.price,
            n.confidence,
            n.delay,
            n.has_sufficient_number_of_data_points,
            n.published_slot,
            n.source,
            n.slot,
            n.version,
        );
        Ok((function, (self.schema.to_pickle(py)?, numbers).into_pyobject(py)?))
    }
}

/// Makes an oracle's price from its pickle.
#[pyfunction]
pub fn unpickle_oracle(
    schema: &Bound<'_, PyAny>,
    numbers: (i64, u64, i64, bool, u64, u8, u64, u64),
) -> PyResult<OraclePriceData> {
    let schema = Schema::from_pickle(schema)?;
    let (price, confidence, delay, enough, published_slot, source, slot, version) = numbers;
    let has_sufficient_number_of_data_points = enough;
    let numbers = Numbers {
        price,
        confidence,
        delay,
        has_sufficient_number_of_data_points,
        published_slot,
        source,
        slot,
        version,
    };
    Ok(OraclePriceData { schema, numbers })
}
