//! The reader: accounts by index, symbol and address.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use driftshm_layout::dir;
use driftshm_layout::profile::Kind;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::arrays;
use crate::calls;
use crate::cut::{self, Cut};
use crate::errors;
use crate::filter::FilterArgs;
use crate::follow::{Link, Shared};
use crate::keys;
use crate::lookup::{GetMarket, GetUser};
use crate::oracle::OracleView;
use crate::stats;
use crate::subscription::{Subscription, seconds};
use crate::views::Views;
use crate::watch::Watch;

/// One in so many usual calls takes the long way, which looks at the writer's heart.
const LONG_WAY_EVERY: u32 = 256;

/// Reads a region. Thread-safe; costs nothing while it is not used.
#[pyclass(frozen, module = "driftshm")]
pub struct Reader {
    pub(crate) shared: Arc<Shared>,
    closed: AtomicBool,
    /// Usual calls so far, or about as many: threads may overwrite each other's count.
    calls: AtomicU32,
    pub(crate) views: Views,
}

impl Reader {
    /// Whether `close` was called.
    #[inline(always)]
    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// Counts a usual call; whether it is one to take the long way.
    #[inline(always)]
    pub fn is_due(&self) -> bool {
        let calls = self.calls.load(Ordering::Relaxed).wrapping_add(1);
        self.calls.store(calls, Ordering::Relaxed);
        calls % LONG_WAY_EVERY == 0
    }
}

/// Puts the usual forms of calls in front of the methods.
pub fn install_calls(py: Python<'_>) -> PyResult<()> {
    calls::install::<GetMarket<0>>(py, "get_perp_market")?;
    calls::install::<GetMarket<1>>(py, "get_spot_market")?;
    calls::install::<GetUser>(py, "get_user")
}

#[pymethods]
impl Reader {
    #[new]
    #[pyo3(signature = (cluster_or_dir = None))]
    pub fn new(py: Python<'_>, cluster_or_dir: Option<std::path::PathBuf>) -> PyResult<Self> {
        let text = cluster_or_dir.as_ref().map(|path| path.to_string_lossy().into_owned());
        let place = dir::resolve(text.as_deref()).map_err(|error| errors::open(&error))?;
        let first = Link::open(&place).map_err(|error| errors::open(&error))?;
        let views = Views::new(py, &first);
        let shared = Arc::new(Shared { dir: place.dir, first });
        Ok(Self { shared, closed: AtomicBool::new(false), calls: AtomicU32::new(0), views })
    }

    /// Ends the reader. Views, snapshots and arrays that it gave stay as they are.
    fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
    }

    fn __enter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    #[pyo3(signature = (*_error))]
    fn __exit__(&self, _error: &Bound<'_, PyTuple>) {
        self.close();
    }

    /// The live view of a perp market by index or symbol; `None` if it is not there.
    #[pyo3(signature = (index_or_symbol, *, max_age = None))]
    fn get_perp_market(
        &self,
        index_or_symbol: &Bound<'_, PyAny>,
        max_age: Option<f64>,
    ) -> PyResult<Option<Py<PyAny>>> {
        self.market(Kind::PerpMarket, index_or_symbol, max_age)
    }

    /// The live view of a spot market by index or symbol; `None` if it is not there.
    #[pyo3(signature = (index_or_symbol, *, max_age = None))]
    fn get_spot_market(
        &self,
        index_or_symbol: &Bound<'_, PyAny>,
        max_age: Option<f64>,
    ) -> PyResult<Option<Py<PyAny>>> {
        self.market(Kind::SpotMarket, index_or_symbol, max_age)
    }

    /// The live view of a perp market's oracle; `None` if market or oracle is not there.
    #[pyo3(signature = (index_or_symbol, *, max_age = None))]
    fn get_perp_oracle(
        &self,
        index_or_symbol: &Bound<'_, PyAny>,
        max_age: Option<f64>,
    ) -> PyResult<Option<OracleView>> {
        self.oracle(Kind::PerpMarket, index_or_symbol, max_age)
    }

    /// The live view of a spot market's oracle; `None` if market or oracle is not there.
    #[pyo3(signature = (index_or_symbol, *, max_age = None))]
    fn get_spot_oracle(
        &self,
        index_or_symbol: &Bound<'_, PyAny>,
        max_age: Option<f64>,
    ) -> PyResult<Option<OracleView>> {
        self.oracle(Kind::SpotMarket, index_or_symbol, max_age)
    }

    /// The live view of an oracle account by its address, whichever markets name it.
    #[pyo3(signature = (pubkey, *, max_age = None))]
    fn get_oracle(
        &self,
        py: Python<'_>,
        pubkey: &Bound<'_, PyAny>,
        max_age: Option<f64>,
    ) -> PyResult<Option<Py<PyAny>>> {
        self.by_pubkey(py, Kind::Oracle, &keys::account(Kind::Oracle, pubkey)?, max_age)
    }

    /// The live view of a user account by its address, or by authority and sub-account.
    #[pyo3(
        signature = (pubkey = None, *, authority = None, sub_account_id = None, max_age = None),
        text_signature = "($self, pubkey=None, *, authority=None, sub_account_id=0, max_age=None)",
    )]
    fn get_user(
        &self,
        py: Python<'_>,
        pubkey: Option<&Bound<'_, PyAny>>,
        authority: Option<&Bound<'_, PyAny>>,
        sub_account_id: Option<&Bound<'_, PyAny>>,
        max_age: Option<f64>,
    ) -> PyResult<Option<Py<PyAny>>> {
        let pubkey = match (pubkey, authority) {
            (Some(_), None) if sub_account_id.is_some() => {
                let message = "get_user() takes sub_account_id= with authority= only: a pubkey is \
                               the user account's own address";
                return Err(errors::wrong_type(message.to_owned()));
            }
            (Some(pubkey), None) => keys::account(Kind::User, pubkey)?,
            (None, Some(authority)) => {
                let number = sub_account_id.map_or(Ok(0), |n| keys::number("sub_account_id", n))?;
                self.authority_account(authority, |profile, authority| {
                    profile.user_address(authority, number)
                })?
            }
            _ => {
                let message = "get_user() takes either a pubkey or authority=";
                return Err(errors::wrong_type(message.to_owned()));
            }
        };
        self.by_pubkey(py, Kind::User, &pubkey, max_age)
    }

    /// The live view of an authority's user stats; `None` if they are not there.
    #[pyo3(signature = (authority, *, max_age = None))]
    fn get_user_stats(
        &self,
        py: Python<'_>,
        authority: &Bound<'_, PyAny>,
        max_age: Option<f64>,
    ) -> PyResult<Option<Py<PyAny>>> {
        let pubkey = self.authority_account(authority, |profile, authority| {
            profile.user_stats_address(authority)
        })?;
        self.by_pubkey(py, Kind::UserStats, &pubkey, max_age)
    }

    /// The live view of the program's state account; `None` if it is not there.
    #[pyo3(signature = (*, max_age = None))]
    fn get_state(&self, py: Python<'_>, max_age: Option<f64>) -> PyResult<Option<Py<PyAny>>> {
        self.state(py, max_age)
    }

    /// The live views of all perp markets, by index.
    fn perp_markets(&self, py: Python<'_>) -> PyResult<Vec<Py<PyAny>>> {
        self.all(py, Kind::PerpMarket)
    }

    /// The live views of all spot markets, by index.
    fn spot_markets(&self, py: Python<'_>) -> PyResult<Vec<Py<PyAny>>> {
        self.all(py, Kind::SpotMarket)
    }

    /// The live views of all users in the region.
    fn users(&self, py: Python<'_>) -> PyResult<Vec<Py<PyAny>>> {
        self.all(py, Kind::User)
    }

    /// All perp markets as a numpy structured array, each row of one version.
    fn perp_markets_array<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        arrays::array_of(py, self.newest_link()?, Kind::PerpMarket)
    }

    /// All spot markets as a numpy structured array, each row of one version.
    fn spot_markets_array<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        arrays::array_of(py, self.newest_link()?, Kind::SpotMarket)
    }

    /// All users as a numpy structured array, each row of one version.
    fn users_array<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        arrays::array_of(py, self.newest_link()?, Kind::User)
    }

    /// Several accounts in one consistent cut: none changed between the first and the last read.
    #[pyo3(signature = (
        *, perp_markets = None, spot_markets = None, perp_oracles = None, spot_oracles = None,
        users = None, user_stats = None, state = false, max_age = None,
    ))]
    #[expect(clippy::too_many_arguments, reason = "one keyword per kind of account")]
    fn snapshot(
        &self,
        py: Python<'_>,
        perp_markets: Option<&Bound<'_, PyAny>>,
        spot_markets: Option<&Bound<'_, PyAny>>,
        perp_oracles: Option<&Bound<'_, PyAny>>,
        spot_oracles: Option<&Bound<'_, PyAny>>,
        users: Option<&Bound<'_, PyAny>>,
        user_stats: Option<&Bound<'_, PyAny>>,
        state: bool,
        max_age: Option<f64>,
    ) -> PyResult<Cut> {
        let args = cut::CutArgs {
            perp_markets,
            spot_markets,
            perp_oracles,
            spot_oracles,
            users,
            user_stats,
            state,
        };
        cut::take(py, self, &args, max_age)
    }

    /// Subscribes to changes from now on: see `Subscription`. Without arguments, to all.
    #[pyo3(signature = (
        *, perp_markets = None, spot_markets = None, users = None, user_stats = None,
        oracles = None, kinds = None, conflate = true, timeout = 2.0,
    ))]
    #[expect(clippy::too_many_arguments, reason = "one keyword per kind of account")]
    fn subscribe(
        slf: Bound<'_, Self>,
        perp_markets: Option<&Bound<'_, PyAny>>,
        spot_markets: Option<&Bound<'_, PyAny>>,
        users: Option<&Bound<'_, PyAny>>,
        user_stats: Option<&Bound<'_, PyAny>>,
        oracles: Option<&Bound<'_, PyAny>>,
        kinds: Option<&Bound<'_, PyAny>>,
        conflate: bool,
        timeout: f64,
    ) -> PyResult<Subscription> {
        let args = FilterArgs { perp_markets, spot_markets, users, user_stats, oracles, kinds };
        Subscription::new(slf, &args, conflate, Some(timeout))
    }

    /// Changes from now on, one at a time: `async for change in reader.changes(...)`.
    #[pyo3(signature = (
        *, perp_markets = None, spot_markets = None, users = None, user_stats = None,
        oracles = None, kinds = None, conflate = true, timeout = 2.0,
    ))]
    #[expect(clippy::too_many_arguments, reason = "one keyword per kind of account")]
    fn changes<'py>(
        slf: Bound<'py, Self>,
        perp_markets: Option<&Bound<'py, PyAny>>,
        spot_markets: Option<&Bound<'py, PyAny>>,
        users: Option<&Bound<'py, PyAny>>,
        user_stats: Option<&Bound<'py, PyAny>>,
        oracles: Option<&Bound<'py, PyAny>>,
        kinds: Option<&Bound<'py, PyAny>>,
        conflate: bool,
        timeout: f64,
    ) -> PyResult<Bound<'py, PyAny>> {
        let args = FilterArgs { perp_markets, spot_markets, users, user_stats, oracles, kinds };
        Subscription::stream("Changes", slf, &args, conflate, timeout)
    }

    /// As `changes`, but all that wait at once, as a list: cheaper when there are many.
    #[pyo3(signature = (
        *, perp_markets = None, spot_markets = None, users = None, user_stats = None,
        oracles = None, kinds = None, conflate = true, timeout = 2.0,
    ))]
    #[expect(clippy::too_many_arguments, reason = "one keyword per kind of account")]
    fn batches<'py>(
        slf: Bound<'py, Self>,
        perp_markets: Option<&Bound<'py, PyAny>>,
        spot_markets: Option<&Bound<'py, PyAny>>,
        users: Option<&Bound<'py, PyAny>>,
        user_stats: Option<&Bound<'py, PyAny>>,
        oracles: Option<&Bound<'py, PyAny>>,
        kinds: Option<&Bound<'py, PyAny>>,
        conflate: bool,
        timeout: f64,
    ) -> PyResult<Bound<'py, PyAny>> {
        let args = FilterArgs { perp_markets, spot_markets, users, user_stats, oracles, kinds };
        Subscription::stream("Batches", slf, &args, conflate, timeout)
    }

    /// Awaits a version of the account newer than `newer_than` (default: its present one).
    #[pyo3(signature = (view, *, newer_than = None, timeout = None))]
    fn wait<'py>(
        slf: Bound<'py, Self>,
        view: Bound<'py, PyAny>,
        newer_than: Option<&Bound<'py, PyAny>>,
        timeout: Option<f64>,
    ) -> PyResult<Bound<'py, PyAny>> {
        // What is no view has no newer version, so that would be awaited for ever.
        if keys::kind_of(&view).is_none() {
            let given = view.get_type().name()?;
            return Err(errors::wrong_type(format!(
                "wait() takes a view, such as reader.get_perp_market(0), not {given}"
            )));
        }
        let newer_than =
            newer_than.map(|number| keys::number::<u64>("newer_than", number)).transpose()?;
        let timeout = timeout.map(seconds).transpose()?.map(|timeout| timeout.as_secs_f64());
        let wait = slf.py().import("driftshm.aio")?.getattr("wait_newer")?;
        wait.call1((slf, view, newer_than, timeout))
    }

    /// Asks the writer to follow accounts for as long as the returned object lives.
    #[pyo3(signature = (*pubkeys, timeout = 2.0))]
    fn watch(
        &self,
        py: Python<'_>,
        pubkeys: Vec<Bound<'_, PyAny>>,
        timeout: f64,
    ) -> PyResult<Watch> {
        let shared = self.shared()?;
        let keys = pubkeys.iter().map(keys::pubkey).collect::<PyResult<Vec<_>>>()?;
        Watch::new(py, &shared.dir, keys, timeout)
    }

    /// Whether a writer runs: by its own word, and by its heartbeat.
    #[getter]
    fn writer_alive(&self) -> PyResult<bool> {
        Ok(self.alive_link()?.region.writer_alive())
    }

    /// A new number per start of the writer.
    #[getter]
    fn generation(&self) -> PyResult<u64> {
        Ok(self.alive_link()?.region.generation())
    }

    /// `connecting`, `syncing`, `live`, `stalled` or `down` (also when no writer runs).
    #[getter]
    fn feed_state(&self) -> PyResult<&'static str> {
        Ok(self.alive_link()?.region.feed_state().as_str())
    }

    /// The newest Solana slot that the writer knows.
    #[getter]
    fn slot(&self) -> PyResult<u64> {
        Ok(self.alive_link()?.region.slot())
    }

    /// The cluster whose accounts these are.
    #[getter]
    fn cluster(&self) -> PyResult<String> {
        Ok(self.link()?.region.cluster().to_owned())
    }

    /// The directory that was opened.
    #[getter]
    pub fn directory(&self) -> std::path::PathBuf {
        self.shared.dir.clone()
    }

    /// Name of the profile by which accounts are read.
    #[getter]
    fn profile(&self) -> PyResult<String> {
        Ok(self.link()?.schema.profile.name.clone())
    }

    /// The writer's counters, records in use and capacity by kind, heartbeat age in seconds.
    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        stats::of(py, &self.alive_link()?.region)
    }

    fn __repr__(&self) -> String {
        let region = &self.shared.link().region;
        let dir = self.shared.dir.display();
        let feed = region.feed_state().as_str();
        format!("<driftshm.Reader of {dir}, cluster {}, feed {feed}>", region.cluster())
    }
}
