//! Change notifications: subscriptions, and watches that keep accounts followed.

use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use driftshm_layout::Pubkey;
use driftshm_layout::control::{self, Filter, Item};
use driftshm_layout::profile::Kind;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple};

use crate::errors;
use crate::keys;
use crate::keys::items;
use crate::reader::Reader;

/// Signals are looked for at least this often: one that comes just before the wait is not lost.
const SIGNAL_CHECK: Duration = Duration::from_secs(1);

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

fn forks() -> u64 {
    FORKS.load(Ordering::Relaxed)
}

fn forked() -> PyErr {
    errors::ForkedError::new_err(
        "this subscription or watch belongs to the parent process: make a new one after fork",
    )
}

fn seconds(value: f64) -> PyResult<Duration> {
    // Far beyond any use, and still a time that can be added to now.
    let limit = Duration::from_secs(1 << 31);
    Duration::try_from_secs_f64(value)
        .map(|timeout| timeout.min(limit))
        .map_err(|_| errors::filter(format!("timeout is {value}: allowed are seconds from 0 on")))
}

/// The arguments that make a filter.
pub struct FilterArgs<'a, 'py> {
    /// Indexes, symbols or views.
    pub perp_markets: Option<&'a Bound<'py, PyAny>>,
    /// Indexes, symbols or views.
    pub spot_markets: Option<&'a Bound<'py, PyAny>>,
    /// Addresses or views.
    pub users: Option<&'a Bound<'py, PyAny>>,
    /// Authorities or views.
    pub user_stats: Option<&'a Bound<'py, PyAny>>,
    /// Addresses or views.
    pub oracles: Option<&'a Bound<'py, PyAny>>,
    /// Names of kinds, each for all of its accounts.
    pub kinds: Option<Vec<String>>,
}

impl FilterArgs<'_, '_> {
    fn to_filter(&self, reader: &Reader) -> PyResult<Filter> {
        let mut filter = Filter::default();
        for (kind, keys, places) in [
            (Kind::PerpMarket, self.perp_markets, &mut filter.perp_markets),
            (Kind::SpotMarket, self.spot_markets, &mut filter.spot_markets),
        ] {
            for key in items(keys)? {
                let place = reader.market_place(kind, &key)?;
                places.push(u16::try_from(place).unwrap_or(u16::MAX));
            }
        }
        for key in items(self.users)?.iter().chain(&items(self.oracles)?) {
            filter.pubkeys.push(keys::pubkey(key)?);
        }
        for key in items(self.user_stats)? {
            let authority = keys::pubkey(&key)?;
            let profile = &reader.shared()?.link().schema.profile;
            let address = match key.cast::<crate::view::View>() {
                Ok(_) => Some(authority),
                Err(_) => profile.user_stats_address(&authority),
            };
            filter.pubkeys.extend(address);
        }
        for name in self.kinds.iter().flatten() {
            let kind = name.parse::<Kind>().map_err(|_| {
                let known: Vec<_> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
                errors::filter(format!(
                    "there is no kind {name:?}; there are: {}",
                    known.join(", ")
                ))
            })?;
            filter.kinds.push(kind);
        }
        let given = [
            self.perp_markets.is_some(),
            self.spot_markets.is_some(),
            self.users.is_some(),
            self.user_stats.is_some(),
            self.oracles.is_some(),
            self.kinds.is_some(),
        ];
        if !given.contains(&true) {
            return Ok(Filter::everything());
        }
        if filter.is_empty() {
            return Err(errors::filter("the filter names no account: it could never match".into()));
        }
        Ok(filter)
    }
}

/// One account changed.
#[pyclass(frozen, module = "driftshm")]
pub struct Change {
    reader: Py<Reader>,
    change: control::Change,
}

#[pymethods]
impl Change {
    /// `perp_market`, `spot_market`, `oracle`, `user`, `user_stats` or `state`.
    #[getter]
    fn kind(&self) -> &'static str {
        self.change.account.kind.as_str()
    }

    /// The market index of markets, the base58 address of other accounts.
    #[getter]
    fn key(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        match self.change.account.kind {
            Kind::PerpMarket | Kind::SpotMarket => {
                Ok(self.change.account.place.into_pyobject(py)?.into_any().unbind())
            }
            _ => Ok(self.pubkey().into_pyobject(py)?.into_any().unbind()),
        }
    }

    /// The account's address, base58.
    #[getter]
    fn pubkey(&self) -> String {
        self.change.pubkey.to_string()
    }

    /// The version that was published; the view may show a newer one already.
    #[getter]
    fn version(&self) -> u64 {
        self.change.version
    }

    /// The slot of the update.
    #[getter]
    fn slot(&self) -> u64 {
        self.change.slot
    }

    /// CLOCK_MONOTONIC ns of the publish: compare with `time.monotonic_ns()`.
    #[getter]
    fn publish_ns(&self) -> u64 {
        self.change.publish_ns
    }

    /// Versions since the last change of this account that were passed over.
    #[getter]
    fn missed(&self) -> u64 {
        self.change.missed
    }

    /// The account's live view, the same object that the reader gives; `None` if it is gone.
    #[getter]
    fn view(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        let reader = self.reader.get();
        let region = &reader.shared()?.link().region;
        match region.find(&self.change.pubkey) {
            Some(record) => reader.view_of(py, &record),
            None => Ok(None),
        }
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let control::Change { version, slot, .. } = self.change;
        Ok(format!(
            "Change(kind={:?}, key={}, version={version}, slot={slot})",
            self.kind(),
            self.key(py)?.bind(py).repr()?
        ))
    }
}

/// Without conflation: so many journal entries were lost, because the bot was too slow.
#[pyclass(frozen, get_all, module = "driftshm")]
pub struct Lagged {
    /// How many.
    pub count: u64,
}

#[pymethods]
impl Lagged {
    fn __repr__(&self) -> String {
        format!("Lagged(count={})", self.count)
    }
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
    /// Subscribes; waits for the writer's answer with the interpreter free to run others.
    pub fn new(
        reader: Bound<'_, Reader>,
        args: &FilterArgs<'_, '_>,
        conflate: bool,
        timeout: f64,
    ) -> PyResult<Self> {
        let filter = args.to_filter(reader.get())?;
        let shared = Arc::clone(reader.get().shared()?);
        let timeout = seconds(timeout)?;
        let made = reader.py().detach(|| {
            let region = Arc::clone(&shared.link().region);
            control::Subscription::new(&shared.dir, region, &filter, conflate, timeout)
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
        items
            .into_iter()
            .map(|item| match item {
                Item::Change(change) => {
                    let reader = self.reader.clone_ref(py);
                    Ok(Py::new(py, Change { reader, change })?.into_any())
                }
                Item::Lagged(count) => Ok(Py::new(py, Lagged { count })?.into_any()),
            })
            .collect()
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
