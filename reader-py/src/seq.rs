//! Arrays within an account.

use std::sync::OnceLock;

use driftshm_layout::profile::ArrayDef;
use pyo3::exceptions::PyIndexError;
use pyo3::prelude::*;
use pyo3::types::{PyList, PySlice};

use crate::account;
use crate::schema::{Schema, is_child};
use crate::snapshot::Snapshot;
use crate::source::Source;
use crate::value;
use crate::view::View;

/// An array of structs or numbers within an account. Its items are views (or snapshots) themselves,
/// always the same ones.
#[pyclass(frozen, module = "driftshm")]
pub struct ArrayView {
    source: Source,
    schema: &'static Schema,
    base: u32,
    def: ArrayDef,
    items: Box<[OnceLock<Py<PyAny>>]>,
}

impl ArrayView {
    /// The array at `base` in the account.
    pub fn new(
        source: Source,
        schema: &'static Schema,
        base: u32,
        def: ArrayDef,
        items: Box<[OnceLock<Py<PyAny>>]>,
    ) -> Self {
        Self { source, schema, base, def, items }
    }

    /// The account.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// The types.
    pub fn schema(&self) -> &'static Schema {
        self.schema
    }

    /// Where it starts in the account.
    pub fn base(&self) -> u32 {
        self.base
    }

    /// What it is of.
    pub fn def(&self) -> ArrayDef {
        self.def
    }

    fn item(&self, py: Python<'_>, place: usize) -> PyResult<Py<PyAny>> {
        let offset = self.base + (place * self.def.elem.size()) as u32;
        let Some(cell) = self.items.get(place) else {
            let len = self.def.len;
            return Err(PyIndexError::new_err(format!("index {place}, the array has {len} items")));
        };
        if !is_child(self.def.elem) {
            return value::read(py, &self.source, self.schema, offset, self.def.elem);
        }
        if let Some(item) = cell.get() {
            return Ok(item.clone_ref(py));
        }
        let (source, schema, elem) = (&self.source, &self.schema, self.def.elem);
        let item = match source {
            Source::Live(_) => value::composite::<View>(py, source, schema, offset, elem)?,
            Source::Frozen(_) => value::composite::<Snapshot>(py, source, schema, offset, elem)?,
        };
        Ok(cell.get_or_init(|| item).clone_ref(py))
    }
}

#[pymethods]
impl ArrayView {
    fn __len__(&self) -> usize {
        self.items.len()
    }

    fn __getitem__(&self, py: Python<'_>, index: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        if let Ok(slice) = index.cast::<PySlice>() {
            let range = slice.indices(self.items.len() as isize)?;
            let mut items = Vec::with_capacity(range.slicelength);
            for i in 0..range.slicelength {
                // Within the array, however long the step that would lead out of it.
                let place = range.start + i as isize * range.step;
                items.push(self.item(py, place as usize)?);
            }
            return Ok(PyList::new(py, items)?.into_any().unbind());
        }
        let len = self.items.len() as isize;
        let index: isize = index.extract()?;
        let place = if index < 0 { index + len } else { index };
        if !(0..len).contains(&place) {
            return Err(PyIndexError::new_err(format!("index {index}, the array has {len} items")));
        }
        self.item(py, place as usize)
    }

    fn __iter__(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let items =
            (0..self.items.len()).map(|i| self.item(py, i)).collect::<PyResult<Vec<_>>>()?;
        Ok(PyList::new(py, items)?.try_iter()?.into_any().unbind())
    }

    /// All items of one version, as plain Python values.
    fn to_list(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        account::array_to_list(py, self)
    }

    fn __repr__(&self) -> String {
        format!("<array of {} items>", self.items.len())
    }
}
