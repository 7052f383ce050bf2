//! Change notifications.

use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use driftshm_layout::control;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple};

use crate::change;
use crate::errors;
use crate::filter::FilterArgs;
use crate::forks::{forked, forks};
use crate::reader::Reader;

/// Signals are looked for at least this often: one that comes just before the wait is not lost.
const SIGNAL_CHECK: Duration = Duration::from_secs(1);

/// Far beyond any use, and still a time that can be added to now.
const LONGEST: f64 = (1_u64 << 31) as f64;

/// A timeout; infinity is as good as none.
pub fn seconds(value: f64) -> PyResult<Duration> {
    Duration::try_from_secs_f64(value.min(LONGEST))
        .ok()
        .filter(|_| !value.is_nan())
        .ok_or_else(|| errors::filter(format!("timeout is {value}: allowed are seconds from 0 on")))
}

/// A stream of changes for any event loop: `fileno()` is readable when `drain()` may have
/// something, after a drain that had nothing. Reconnects by itself when the writer restarts.
#[pyclass(frozen, module = "driftshm")]
pub struct Subscription {
    reader: Py<Reader>,
    state: Mutex<Option<control::Subscription>>,
    /// The same descriptor again, to wait on without holding the lock.
    ready: Mutex<Option<Arc<OwnedFd>>>,
    forks: u64,
}

impl Subscription {
    /// Subscribes; waits for the writer's answer with the interpreter free to run others, or, without
    /// a timeout, not at all: see `_settle`.
    pub fn new(
        reader: Bound<'_, Reader>,
        args: &FilterArgs<'_, '_>,
        conflate: bool,
        timeout: Option<f64>,
    ) -> PyResult<Self> {
        let filter = args.to_filter(reader.get())?;
        let shared = Arc::clone(reader.get().shared()?);
        let timeout = timeout.map(seconds).transpose()?;
        let made = reader.py().detach(|| {
            let region = Arc::clone(&shared.link().region);
            match timeout {
                Some(timeout) => {
                    control::Subscription::new(&shared.dir, region, &filter, conflate, timeout)
                }
                None => control::Subscription::begin(&shared.dir, region, &filter, conflate),
            }
        });
        let state = made.map_err(|error| errors::link(&error))?;
        let ready = state.fd().try_clone_to_owned()?;
        Ok(Self {
            reader: reader.unbind(),
            state: Mutex::new(Some(state)),
            ready: Mutex::new(Some(Arc::new(ready))),
            forks: forks(),
        })
    }

    /// A subscription as one of the iterators of `driftshm.aio`.
    pub fn stream<'py>(
        class: &str,
        reader: Bound<'py, Reader>,
        args: &FilterArgs<'_, 'py>,
        conflate: bool,
        timeout: f64,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = reader.py();
        // The loop's other tasks must not wait: the first await sees to the connection.
        let timeout = seconds(timeout)?.as_secs_f64();
        let subscription = Self::new(reader, args, conflate, None)?;
        py.import("driftshm.aio")?.getattr(class)?.call1((subscription, timeout))
    }

    fn lock(&self) -> MutexGuard<'_, Option<control::Subscription>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with<T>(&self, act: impl FnOnce(&mut control::Subscription) -> T) -> PyResult<T> {
        if self.forks != forks() {
            return Err(forked());
        }
        match self.lock().as_mut() {
            Some(state) => Ok(act(state)),
            None => Err(errors::ReaderClosedError::new_err("the subscription was closed")),
        }
    }

    fn items(&self, py: Python<'_>, max: usize) -> PyResult<Vec<Py<PyAny>>> {
        let mut items = Vec::new();
        let generation = self.with(|state| {
            state.drain(max, &mut items);
            state.region().generation()
        })?;
        // A region whose file was lost does not say that another has taken its place: the
        // subscription may be the first to know.
        if let Ok(shared) = self.reader.get().shared() {
            let link = shared.link();
            if link.region.generation() != generation {
                link.follow();
            }
        }
        items.into_iter().map(|item| change::to_object(py, &self.reader, item)).collect()
    }

    fn ready(&self) -> PyResult<Arc<OwnedFd>> {
        let ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        let closed = || errors::ReaderClosedError::new_err("the subscription was closed");
        ready.as_ref().map(Arc::clone).ok_or_else(closed)
    }
}

#[pymethods]
impl Subscription {
    /// What changed since the last call, at most `max` items; empty if nothing did, and then
    /// `fileno()` becomes readable as soon as something does.
    #[pyo3(signature = (max = 4096))]
    fn drain(&self, py: Python<'_>, max: usize) -> PyResult<Vec<Py<PyAny>>> {
        self.items(py, max.max(1))
    }

    /// Waits until something changes, and returns it; an empty list when the time is up. Other
    /// threads run meanwhile, and signals (Ctrl-C) are handled.
    #[pyo3(signature = (timeout = None, *, max = 4096))]
    fn wait<'py>(
        &self,
        py: Python<'py>,
        timeout: Option<f64>,
        max: usize,
    ) -> PyResult<Bound<'py, PyList>> {
        let deadline = timeout.map(seconds).transpose()?.map(|timeout| Instant::now() + timeout);
        loop {
            let items = self.items(py, max.max(1))?;
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if !items.is_empty() || left.is_some_and(|left| left.is_zero()) {
                return PyList::new(py, items);
            }
            let slice = left.map_or(SIGNAL_CHECK, |left| left.min(SIGNAL_CHECK));
            let ready = self.ready()?;
            py.detach(|| control::wait_readable(&*ready, slice))?;
            py.check_signals()?;
        }
    }

    /// For an event loop: readable when `drain()` may have something. Stays the same for the life
    /// of the subscription. Remove it from the loop before `close()`.
    fn fileno(&self) -> PyResult<i32> {
        self.with(|state| state.fd().as_raw_fd())
    }

    /// Whether the writer is connected. While it is not, nothing changes; the subscription
    /// reconnects by itself.
    #[getter]
    fn connected(&self) -> PyResult<bool> {
        self.with(|state| state.is_connected())
    }

    /// How often it has connected: each further one followed a restart of the writer.
    #[getter]
    fn times_connected(&self) -> PyResult<u64> {
        self.with(|state| state.times_connected())
    }

    /// Why it is not connected, if it is not: what the last attempt to reconnect ended with.
    #[getter]
    fn last_error(&self) -> PyResult<Option<String>> {
        self.with(|state| state.last_error().map(ToString::to_string))
    }

    /// Goes on with the first connection of a stream, without waiting: whether it stands. Raises if
    /// it failed, or if nobody waits for it any longer.
    #[pyo3(signature = (*, is_over = false))]
    fn _settle(&self, is_over: bool) -> PyResult<bool> {
        let settled = self.with(|state| match state.settle() {
            Ok(false) if is_over => Err(state.give_up()),
            settled => settled,
        })?;
        settled.map_err(|error| errors::link(&error))
    }

    /// Whether `close()` was called.
    #[getter]
    fn closed(&self) -> bool {
        self.lock().is_none()
    }

    /// The reader that it was made from.
    #[getter]
    fn reader(&self, py: Python<'_>) -> Py<Reader> {
        self.reader.clone_ref(py)
    }

    /// Ends the subscription; the writer forgets it. May be called again.
    fn close(&self) {
        drop(self.lock().take());
        self.ready.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    fn __enter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    #[pyo3(signature = (*_error))]
    fn __exit__(&self, _error: &Bound<'_, PyTuple>) {
        self.close();
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.close();
    }
}
