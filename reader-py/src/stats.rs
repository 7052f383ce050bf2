//! What a region says of itself, in numbers.

use driftshm_layout::Region;
use driftshm_layout::header::Owner;
use driftshm_layout::profile::Kind;
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// The writer's counters, records in use and capacity by kind, heartbeat age in seconds.
pub fn of<'py>(py: Python<'py>, region: &Region) -> PyResult<Bound<'py, PyDict>> {
    let stats = PyDict::new(py);
    stats.set_item("state", region.state().map(driftshm_layout::State::as_str))?;
    stats.set_item("writer_pid", region.header().owner(Owner::WriterPid))?;
    stats.set_item("generation", region.generation())?;
    stats.set_item("slot", region.slot())?;
    stats.set_item("feed_state", region.feed_state().as_str())?;
    stats.set_item("heartbeat_age", region.heartbeat_age_ns() as f64 / 1e9)?;
    for (name, value) in region.counters() {
        stats.set_item(name, value)?;
    }
    let (used, capacity) = (PyDict::new(py), PyDict::new(py));
    for kind in Kind::ALL {
        used.set_item(kind.as_str(), region.accounts(kind).count())?;
        capacity.set_item(kind.as_str(), region.geometry().section(kind).capacity)?;
    }
    stats.set_item("records", used)?;
    stats.set_item("capacity", capacity)?;
    Ok(stats)
}
