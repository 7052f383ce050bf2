//! Opening a region, and waiting for one whose writer is just being started.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use driftshm_layout::FeedState;
use pyo3::prelude::*;

use crate::errors;
use crate::reader::Reader;
use crate::subscription::seconds;

/// Between two looks: there is no descriptor to wait on before there is a writer.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Opens the region of a cluster, or of a directory if the argument has a slash. With a timeout, waits
/// until it is there and its feed is live.
#[pyfunction]
#[pyo3(signature = (cluster_or_dir = None, *, timeout = None))]
pub fn open(
    py: Python<'_>,
    cluster_or_dir: Option<PathBuf>,
    timeout: Option<f64>,
) -> PyResult<Reader> {
    let Some(timeout) = timeout else { return Reader::new(py, cluster_or_dir) };
    let deadline = Instant::now() + seconds(timeout)?;
    loop {
        let is_over = Instant::now() >= deadline;
        match Reader::new(py, cluster_or_dir.clone()) {
            Ok(reader) => {
                let feed_state = reader.alive_link()?.region.feed_state();
                if feed_state == FeedState::Live {
                    return Ok(reader);
                }
                if is_over {
                    return Err(errors::not_live(reader.directory(), feed_state, timeout));
                }
            }
            Err(error) if is_over || !errors::is_of_waiting(py, &error) => return Err(error),
            Err(_) => {}
        }
        py.detach(|| std::thread::sleep(LOOK_EVERY));
        py.check_signals()?;
    }
}
