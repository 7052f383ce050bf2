//! The floors: the least that a PyO3 extension can do for a call, an attribute, a lookup.

use pyo3::prelude::*;

/// Does the least.
#[pyclass(frozen)]
struct Floor {
    object: Py<PyAny>,
}

#[pymethods]
impl Floor {
    #[new]
    fn new(object: Py<PyAny>) -> Self {
        Self { object }
    }

    /// A method that takes an int and returns an existing object.
    fn existing(&self, py: Python<'_>, _index: usize) -> Py<PyAny> {
        self.object.clone_ref(py)
    }

    /// A method that takes an object and returns nothing.
    fn empty(&self, _key: &Bound<'_, PyAny>) {}

    /// A getter that returns a constant u64.
    #[getter]
    fn constant(&self) -> u64 {
        0x0123_4567_89ab_cdef
    }
}

/// The module.
#[pymodule(gil_used = false)]
mod driftshm_floors {
    #[pymodule_export]
    use super::Floor;
}
