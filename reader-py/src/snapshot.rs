//! Snapshots: frozen copies of one version.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, OnceLock};

use driftshm_layout::Pubkey;
use driftshm_layout::profile::Kind;
use driftshm_layout::record::META_WORDS;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::account::{Struct, to_bytes};
use crate::descriptors::{self, Class};
use crate::errors;
use crate::figures;
use crate::follow::age_of;
use crate::schema::Schema;
use crate::source::{Frozen, Source};
use crate::tail::{self, Made, Tailed};
use crate::view::Meta;

/// A frozen copy of one version of an account, or of a struct within one. Has the same attributes
/// as the view it was taken from, supports the buffer protocol, equality and pickle.
#[pyclass(frozen, subclass, module = "driftshm")]
pub struct Snapshot(());

// SAFETY: without contents; `new` fails, and nothing else makes one.
unsafe impl Tailed for Snapshot {
    type Value = Struct;
}

impl Class for Snapshot {
    const LIVE: bool = false;
    fn made(schema: &Schema) -> &[OnceLock<Made<Self>>] {
        &schema.snapshots
    }
}

impl Snapshot {
    /// What it is of.
    pub fn inner<'a>(snapshot: &'a Bound<'_, Self>) -> &'a Struct {
        tail::value(snapshot)
    }

    fn frozen<'a>(snapshot: &'a Bound<'_, Self>) -> &'a Frozen {
        match &Self::inner(snapshot).source {
            Source::Frozen(frozen) => frozen,
            Source::Live(_) => unreachable!("snapshots are made of frozen sources only"),
        }
    }
}

#[pymethods]
impl Snapshot {
    #[new]
    fn new() -> PyResult<Self> {
        descriptors::not_from_python()
    }

    /// The slot of the update that brought this version.
    #[getter]
    fn slot(slf: &Bound<'_, Self>) -> u64 {
        Self::frozen(slf).meta().slot
    }

    /// Orders updates of one source within a slot; 0 where the source has none.
    #[getter]
    fn write_version(slf: &Bound<'_, Self>) -> u64 {
        Self::frozen(slf).meta().write_version
    }

    /// Counts the versions published in the record.
    #[getter]
    fn version(slf: &Bound<'_, Self>) -> u64 {
        Self::frozen(slf).meta().version
    }

    /// Seconds since this version was published.
    #[getter]
    fn age(slf: &Bound<'_, Self>) -> f64 {
        let frozen = Self::frozen(slf);
        age_of(frozen.meta().publish_ns, frozen.is_of_this_boot())
    }

    /// Whether the account was closed.
    #[getter]
    fn closed(slf: &Bound<'_, Self>) -> bool {
        Self::frozen(slf).meta().closed
    }

    /// The account's address, base58.
    #[getter]
    fn pubkey(slf: &Bound<'_, Self>) -> String {
        Self::frozen(slf).pubkey().to_string()
    }

    /// Everything that this version says beside its fields.
    fn meta(slf: &Bound<'_, Self>) -> Meta {
        Self::frozen(slf).meta().into()
    }

    /// Every field, nested, as plain Python values.
    fn to_dict<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyDict>> {
        Self::inner(slf).to_dict(slf.py())
    }

    /// Byte for byte: the whole account as on chain, or this struct's part of it.
    fn bytes(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        Ok(to_bytes(slf.py(), &Self::inner(slf).bytes()?))
    }

    /// The field at `path` as a float, scaled by its unit.
    fn float(slf: &Bound<'_, Self>, path: &str) -> PyResult<f64> {
        figures::float(Self::inner(slf), path)
    }

    fn __eq__(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> bool {
        let Ok(other) = other.cast::<Snapshot>() else { return false };
        let (a, b) = (Self::inner(slf), Self::inner(other));
        let (ours, theirs) = (Self::frozen(slf), Self::frozen(other));
        std::ptr::eq(a.schema, b.schema)
            && (a.index, a.base, ours.pubkey()) == (b.index, b.base, theirs.pubkey())
            && ours.meta().closed == theirs.meta().closed
            && a.bytes().ok() == b.bytes().ok()
    }

    fn __hash__(slf: &Bound<'_, Self>) -> u64 {
        let mut hasher = DefaultHasher::new();
        (Self::inner(slf).index, Self::inner(slf).base, Self::frozen(slf).pubkey())
            .hash(&mut hasher);
        hasher.finish()
    }

    fn __repr__(slf: &Bound<'_, Self>) -> String {
        figures::describe(Self::inner(slf), "snapshot")
    }

    fn __reduce__<'py>(
        slf: &Bound<'py, Self>,
    ) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyTuple>)> {
        let (py, inner) = (slf.py(), Self::inner(slf));
        let function = py.import("driftshm._driftshm")?.getattr("unpickle")?;
        let frozen = Self::frozen(slf);
        let words: Vec<u8> = frozen.words().iter().flat_map(|word| word.to_le_bytes()).collect();
        let place = (inner.index, inner.base, inner.is_account, frozen.extra_words());
        let arguments = (
            inner.schema.to_pickle(py)?,
            frozen.kind() as u8,
            to_bytes(py, &frozen.pubkey().0),
            to_bytes(py, &words),
            place,
            to_bytes(py, if frozen.is_of_this_boot() { boot_id() } else { &[] }),
        );
        Ok((function, arguments.into_pyobject(py)?))
    }
}

/// The boot that a pickle's times are of: it may be kept for longer.
fn boot_id() -> &'static [u8] {
    static BOOT: OnceLock<[u8; 16]> = OnceLock::new();
    BOOT.get_or_init(driftshm_layout::clock::boot_id)
}

/// Makes a snapshot from its pickle.
#[pyfunction]
#[pyo3(name = "unpickle")]
pub fn unpickle(
    py: Python<'_>,
    schema: &Bound<'_, PyAny>,
    kind: u8,
    pubkey: [u8; 32],
    words: Vec<u8>,
    place: (usize, u32, bool, usize),
    boot: Vec<u8>,
) -> PyResult<Py<PyAny>> {
    let schema = Schema::from_pickle(schema)?;
    let damaged = || errors::wrong_type("the pickle is damaged".to_owned());
    let kind = Kind::from_index(kind).ok_or_else(damaged)?;
    let words: Arc<[u64]> = words
        .chunks_exact(8)
        .map(|chunk| u64::from_le_bytes(chunk.try_into().unwrap_or_default()))
        .collect();
    if words.len() < META_WORDS {
        return Err(damaged());
    }
    let (index, base, is_account, extra_words) = place;
    if schema.struct_def(index).is_none() || base > 1 << 20 || extra_words > words.len() {
        return Err(damaged());
    }
    let frozen = Frozen::new(words, kind, extra_words, &Pubkey(pubkey));
    let frozen = frozen.of_boot(boot == boot_id());
    let mut copy = Struct::new(Source::Frozen(frozen), schema, index, base);
    copy.is_account = is_account;
    copy.into_object::<Snapshot>(py)
}
