//! What is to be done around forks: connections belong to the process that made them.

use std::sync::atomic::{AtomicU64, Ordering};

use driftshm_layout::control;
use pyo3::prelude::*;

use crate::errors;

static FORKS: AtomicU64 = AtomicU64::new(0);

/// To be called before each fork.
#[pyfunction]
pub fn before_fork() {
    control::before_fork();
}

/// To be called in the parent after each fork.
#[pyfunction]
pub fn after_fork_in_parent() {
    control::after_fork_in_parent();
}

/// To be called in the child after each fork.
#[pyfunction]
pub fn after_fork_in_child() {
    FORKS.fetch_add(1, Ordering::Relaxed);
    control::after_fork_in_child();
}

/// How often this process was forked off.
pub fn forks() -> u64 {
    FORKS.load(Ordering::Relaxed)
}

/// What belongs to the parent was used.
pub fn forked() -> PyErr {
    errors::ForkedError::new_err(
        "this subscription or watch belongs to the parent process: make a new one after fork",
    )
}
