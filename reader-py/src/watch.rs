//! Watches: accounts kept followed without awaiting their changes.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use driftshm_layout::Pubkey;
use driftshm_layout::control;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::errors;
use crate::forks::forks;
use crate::subscription::seconds;

/// Accounts that the writer follows for as long as this lives, across restarts of the writer.
#[pyclass(frozen, module = "driftshm")]
pub struct Watch {
    state: Mutex<Option<control::Watch>>,
    pubkeys: Vec<Pubkey>,
    forks: u64,
}

impl Watch {
    /// Asks the writer.
    pub fn new(py: Python<'_>, dir: &Path, pubkeys: Vec<Pubkey>, timeout: f64) -> PyResult<Self> {
        if pubkeys.is_empty() {
            return Err(errors::filter("watch() needs at least one address".to_owned()));
        }
        let timeout = seconds(timeout)?;
        let made = py.detach(|| control::Watch::new(dir, &pubkeys, timeout));
        let state = made.map_err(|error| errors::link(&error))?;
        Ok(Self { state: Mutex::new(Some(state)), pubkeys, forks: forks() })
    }

    fn end(&self) {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner).take();
        match state {
            Some(state) if self.forks != forks() => state.abandon(),
            other => drop(other),
        }
    }
}

#[pymethods]
impl Watch {
    /// The addresses, base58.
    #[getter]
    fn pubkeys(&self) -> Vec<String> {
        self.pubkeys.iter().map(Pubkey::to_string).collect()
    }

    /// Ends the watch. May be called again.
    fn close(&self, py: Python<'_>) {
        py.detach(|| self.end());
    }

    fn __enter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    #[pyo3(signature = (*_error))]
    fn __exit__(&self, py: Python<'_>, _error: &Bound<'_, PyTuple>) {
        self.close(py);
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.end();
    }
}
