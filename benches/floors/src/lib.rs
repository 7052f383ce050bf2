//! The floors: the least that a PyO3 extension can do for a call, an attribute, a lookup; and a
//! clock close enough to an attribute read to time single ones.

use std::fs::File;
use std::hint::black_box;
use std::path::PathBuf;
use std::time::Instant;

use driftshm_layout::mapping::Mapping;
use driftshm_layout::sync::Ordering;
use pyo3::prelude::*;
use pyo3::types::PyString;

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

    /// A method that takes an object and returns a tuple of four constant u64.
    fn four(&self, _key: &Bound<'_, PyAny>) -> (u64, u64, u64, u64) {
        let constant = self.constant();
        (constant, constant, constant, constant)
    }

    /// A getter that returns a constant u64, one for which the interpreter makes a new object.
    #[getter]
    fn constant(&self) -> u64 {
        0x0123_4567_89ab_cdef
    }

    /// A getter that returns a constant u64, one of which the interpreter keeps an object.
    #[getter]
    fn small_constant(&self) -> u64 {
        7
    }
}

/// A word of a file that others store to.
#[pyclass(frozen)]
struct SharedWord {
    page: Mapping,
}

#[pymethods]
impl SharedWord {
    #[new]
    fn new(path: PathBuf) -> PyResult<Self> {
        let file = File::options().read(true).write(true).open(path)?;
        Ok(Self { page: Mapping::writable(file)? })
    }

    /// The file's first word, by one bare load.
    #[getter]
    fn value(&self) -> u64 {
        self.page.words().first().map_or(0, |word| word.load(Ordering::Relaxed))
    }
}

/// Nanoseconds that each of `count` reads of an attribute took. A look at the clock is in each of
/// them: `sample_nothing` says what it costs.
#[pyfunction]
fn sample_attribute(
    object: &Bound<'_, PyAny>,
    name: &Bound<'_, PyString>,
    count: usize,
) -> PyResult<Vec<u64>> {
    (0..count)
        .map(|_| {
            let start = Instant::now();
            let value = object.getattr(name)?;
            let took = start.elapsed();
            drop(value);
            Ok(nanoseconds(took))
        })
        .collect()
}

/// As `sample_attribute`, without the attribute.
#[pyfunction]
fn sample_nothing(count: usize) -> Vec<u64> {
    (0..count).map(|_| nanoseconds(Instant::now().elapsed())).collect()
}

fn nanoseconds(took: std::time::Duration) -> u64 {
    u64::try_from(took.as_nanos()).unwrap_or(u64::MAX)
}

/// Callgrind is told to write down what it counted whenever this function returns.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn driftshm_bench_mark() {
    black_box(());
}

/// See `driftshm_bench_mark`.
#[pyfunction]
fn mark() {
    driftshm_bench_mark();
}

/// The module.
#[pymodule(gil_used = false)]
mod driftshm_floors {
    #[pymodule_export]
    use super::{Floor, SharedWord, mark, sample_attribute, sample_nothing};
}
