//! Live views.

use std::sync::{Arc, OnceLock};

use driftshm_layout::record::Presence;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::account::{Struct, to_bytes};
use crate::calls::{Slow, Usual};
use crate::descriptors::{self, Class};
use crate::errors;
use crate::figures;
use crate::follow::{Handle, age_of};
use crate::schema::Schema;
use crate::snapshot::Snapshot;
use crate::source::Source;
use crate::tail::{self, Made, Tailed};

/// A live view of an account, or of a struct within one. Each attribute read is of the newest
/// version and never torn; two reads may be of two versions (`fields` and `snapshot` are not).
#[pyclass(frozen, subclass, module = "driftshm")]
pub struct View(());

// SAFETY: without contents; `new` fails, and nothing else makes one.
unsafe impl Tailed for View {
    type Value = Struct;
}

impl Class for View {
    const LIVE: bool = true;
    fn made(schema: &Schema) -> &[OnceLock<Made<Self>>] {
        &schema.views
    }
}

impl View {
    /// What it is of.
    #[inline(always)]
    pub fn inner<'a>(view: &'a Bound<'_, Self>) -> &'a Struct {
        tail::value(view)
    }

    #[inline(always)]
    fn take(view: &Bound<'_, Self>, max_age: Option<f64>) -> PyResult<Py<PyAny>> {
        View::handle(view).guard(max_age)?;
        View::inner(view).freeze()?.into_object::<Snapshot>(view.py())
    }

    /// The account behind it.
    #[inline(always)]
    pub fn handle<'a>(view: &'a Bound<'_, Self>) -> &'a Arc<Handle> {
        match &Self::inner(view).source {
            Source::Live(handle) => handle,
            Source::Frozen(_) => unreachable!("views are made of live sources only"),
        }
    }
}

/// `view.snapshot()`.
pub struct TakeSnapshot;

impl Usual for TakeSnapshot {
    type Class = View;
    const ARGUMENTS: usize = 0;

    fn slow() -> &'static Slow {
        static SLOW: Slow = Slow::new();
        &SLOW
    }

    #[inline(always)]
    fn call<'py>(
        view: &Bound<'py, View>,
        _: Option<&Bound<'py, PyAny>>,
        max_age: Option<f64>,
    ) -> Option<PyResult<Py<PyAny>>> {
        Some(View::take(view, max_age))
    }
}

/// What one version says beside the account's fields.
#[pyclass(frozen, get_all, module = "driftshm")]
pub struct Meta {
    /// Counts the versions published in this record.
    pub version: u64,
    /// The slot of the update that brought it.
    pub slot: u64,
    /// Orders updates of one source within a slot; 0 where the source has none.
    pub write_version: u64,
    /// CLOCK_MONOTONIC ns when the writer received it.
    pub received_ns: u64,
    /// CLOCK_MONOTONIC ns when it was published.
    pub publish_ns: u64,
    /// The account's balance.
    pub lamports: u64,
    /// The account's length in bytes.
    pub data_len: u32,
    /// The account was closed.
    pub closed: bool,
    /// The profile does not know the account's length: bytes only.
    pub layout_mismatch: bool,
    /// The account is longer than its record: the tail is missing.
    pub truncated: bool,
}

impl From<driftshm_layout::record::Meta> for Meta {
    fn from(meta: driftshm_layout::record::Meta) -> Self {
        Self {
            version: meta.version,
            slot: meta.slot,
            write_version: meta.write_version,
            received_ns: meta.received_ns,
            publish_ns: meta.publish_ns,
            lamports: meta.lamports,
            data_len: meta.data_len,
            closed: meta.closed,
            layout_mismatch: meta.layout_mismatch,
            truncated: meta.truncated,
        }
    }
}

#[pymethods]
impl Meta {
    fn __repr__(&self) -> String {
        format!("Meta(version={}, slot={}, closed={})", self.version, self.slot, self.closed)
    }
}

#[pymethods]
impl View {
    #[new]
    fn new() -> PyResult<Self> {
        descriptors::not_from_python()
    }

    /// The slot of the newest version.
    #[getter]
    fn slot(slf: &Bound<'_, Self>) -> PyResult<u64> {
        View::inner(slf).source.read_any(|words| words.meta().slot)
    }

    /// Orders updates of one source within a slot; 0 where the source has none.
    #[getter]
    fn write_version(slf: &Bound<'_, Self>) -> PyResult<u64> {
        View::inner(slf).source.read_any(|words| words.meta().write_version)
    }

    /// How sure the chain is of the newest version: `confirmed`, or `processed` where it may yet be
    /// taken back.
    #[getter]
    fn commitment(slf: &Bound<'_, Self>) -> PyResult<&'static str> {
        let slot = View::slot(slf)?;
        let is_confirmed = slot <= View::handle(slf).confirmed_slot();
        Ok(if is_confirmed { "confirmed" } else { "processed" })
    }

    /// Counts the versions published in this record.
    #[getter]
    fn version(slf: &Bound<'_, Self>) -> PyResult<u64> {
        View::inner(slf).source.read_any(|words| words.meta().version)
    }

    /// Seconds since the newest version was published. An account that has not changed for long is
    /// old but not stale: see `staleness`.
    #[getter]
    fn age(slf: &Bound<'_, Self>) -> PyResult<f64> {
        let region = View::handle(slf).newest().region();
        let publish_ns = View::inner(slf).source.read_any(|words| words.meta().publish_ns)?;
        Ok(age_of(publish_ns, region.is_of_this_boot()))
    }

    /// Seconds since the account was last known to be what the chain says: what `max_age` is
    /// compared with. Judged at each call, from the writer's heartbeat and the state of its feeds.
    #[getter]
    fn staleness(slf: &Bound<'_, Self>) -> f64 {
        View::handle(slf).newest().staleness()
    }

    /// Whether the account was closed on chain.
    #[getter]
    fn closed(slf: &Bound<'_, Self>) -> PyResult<bool> {
        match View::handle(slf).last().presence() {
            Presence::Gone => Err(errors::account_gone(&View::handle(slf).pubkey)),
            presence => Ok(presence == Presence::Closed),
        }
    }

    /// The account's address, base58.
    #[getter]
    fn pubkey(slf: &Bound<'_, Self>) -> String {
        View::handle(slf).pubkey.to_string()
    }

    /// Everything that the newest version says beside its fields.
    fn meta(slf: &Bound<'_, Self>) -> PyResult<Meta> {
        View::inner(slf).source.read_any(|words| words.meta()).map(Meta::from)
    }

    /// Raises `StaleError` if the account is not known to be as fresh as `max_age` seconds; else
    /// returns the view itself.
    fn ensure_fresh<'py>(slf: Bound<'py, Self>, max_age: f64) -> PyResult<Bound<'py, Self>> {
        View::handle(&slf).guard(Some(max_age))?;
        Ok(slf)
    }

    /// A frozen copy of the newest version.
    #[pyo3(signature = (*, max_age = None))]
    fn snapshot(slf: &Bound<'_, Self>, max_age: Option<f64>) -> PyResult<Py<PyAny>> {
        View::take(slf, max_age)
    }

    /// Every field of the newest version, nested, as plain Python values.
    fn to_dict<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyDict>> {
        View::inner(slf).to_dict(slf.py())
    }

    /// The newest version, byte for byte: the whole account, or this struct's part of it.
    fn bytes(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        Ok(to_bytes(slf.py(), &View::inner(slf).bytes()?))
    }

    /// The field at `path` as a float, scaled by its unit.
    fn float(slf: &Bound<'_, Self>, path: &str) -> PyResult<f64> {
        figures::float(View::inner(slf), path)
    }

    fn __repr__(slf: &Bound<'_, Self>) -> String {
        figures::describe(View::inner(slf), "view")
    }
}
