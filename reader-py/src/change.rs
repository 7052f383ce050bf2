//! What a subscription yields.

use driftshm_layout::control::{self, Item};
use driftshm_layout::profile::Kind;
use pyo3::prelude::*;

use crate::reader::Reader;

/// One account changed.
#[pyclass(frozen, module = "driftshm")]
pub struct Change {
    reader: Py<Reader>,
    change: control::Change,
}

#[pymethods]
impl Change {
    /// `perp_market`, `spot_market`, `oracle`, `user`, `user_stats` or `state`.
    #[getter]
    fn kind(&self) -> &'static str {
        self.change.account.kind.as_str()
    }

    /// The market index of markets, the base58 address of other accounts.
    #[getter]
    fn key(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        match self.change.account.kind {
            Kind::PerpMarket | Kind::SpotMarket => {
                Ok(self.change.account.place.into_pyobject(py)?.into_any().unbind())
            }
            _ => Ok(self.pubkey().into_pyobject(py)?.into_any().unbind()),
        }
    }

    /// The account's address, base58.
    #[getter]
    fn pubkey(&self) -> String {
        self.change.pubkey.to_string()
    }

    /// The version that was published; the view may show a newer one already.
    #[getter]
    fn version(&self) -> u64 {
        self.change.version
    }

    /// The slot of the update.
    #[getter]
    fn slot(&self) -> u64 {
        self.change.slot
    }

    /// CLOCK_MONOTONIC ns of the publish: compare with `time.monotonic_ns()`.
    #[getter]
    fn publish_ns(&self) -> u64 {
        self.change.publish_ns
    }

    /// Versions since the last change of this account that were passed over.
    #[getter]
    fn missed(&self) -> u64 {
        self.change.missed
    }

    /// The account's live view, the same object that the reader gives; `None` if it is gone.
    #[getter]
    fn view(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        let reader = self.reader.get();
        // One region for both: the record's number is another account's in another one.
        let link = reader.shared()?.link();
        match link.region.find(&self.change.pubkey) {
            Some(record) => reader.view_in(py, link, &record),
            None => Ok(None),
        }
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let control::Change { version, slot, .. } = self.change;
        Ok(format!(
            "Change(kind={:?}, key={}, version={version}, slot={slot})",
            self.kind(),
            self.key(py)?.bind(py).repr()?
        ))
    }
}

/// Without conflation: so many journal entries were lost, because the bot was too slow.
#[pyclass(frozen, get_all, module = "driftshm")]
pub struct Lagged {
    /// How many.
    pub count: u64,
}

#[pymethods]
impl Lagged {
    fn __repr__(&self) -> String {
        format!("Lagged(count={})", self.count)
    }
}

/// An item as Python gets it.
pub fn to_object(py: Python<'_>, reader: &Py<Reader>, item: Item) -> PyResult<Py<PyAny>> {
    match item {
        Item::Change(change) => {
            let reader = reader.clone_ref(py);
            Ok(Py::new(py, Change { reader, change })?.into_any())
        }
        Item::Lagged(count) => Ok(Py::new(py, Lagged { count })?.into_any()),
    }
}
