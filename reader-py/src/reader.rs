//! The reader: accounts by index, symbol and address.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use driftshm_layout::header::Owner;
use driftshm_layout::profile::Kind;
use driftshm_layout::record::Presence;
use driftshm_layout::{Pubkey, RecordRef, dir};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyInt, PyString, PyTuple};

use crate::account::Struct;
use crate::arrays;
use crate::cut::{self, Cut};
use crate::errors;
use crate::follow::{Handle, Link, Shared};
use crate::keys;
use crate::oracle::OracleView;
use crate::schema::Schema;
use crate::subscription::{FilterArgs, Subscription, Watch};
use crate::view::View;

/// Reads a region. Thread-safe; costs nothing while it is not used.
#[pyclass(frozen, module = "driftshm")]
pub struct Reader {
    shared: Arc<Shared>,
    closed: AtomicBool,
    views: Views,
}

/// Views that were made, so that an account's is always the same object. One set per schema.
struct Views {
    schema: &'static Schema,
    markets: [Box<[OnceLock<Market>]>; 2],
    by_key: Py<PyDict>,
    next: OnceLock<Box<Views>>,
}

struct Market {
    view: Py<PyAny>,
    handle: Arc<Handle>,
}

impl Views {
    fn new(py: Python<'_>, link: &Link) -> Self {
        let cells = |kind| {
            let capacity = link.region.geometry().section(kind).capacity;
            (0..capacity.min(1 << 16)).map(|_| OnceLock::new()).collect()
        };
        Self {
            schema: link.schema,
            markets: [cells(Kind::PerpMarket), cells(Kind::SpotMarket)],
            by_key: PyDict::new(py).unbind(),
            next: OnceLock::new(),
        }
    }

    fn of<'a>(&'a self, py: Python<'_>, link: &Link) -> &'a Self {
        let mut views = self;
        while !std::ptr::eq(views.schema, link.schema) {
            views = views.next.get_or_init(|| Box::new(Self::new(py, link)));
        }
        views
    }
}

fn handle(view: &Bound<'_, PyAny>) -> Option<Arc<Handle>> {
    view.cast::<View>().ok().map(|view| Arc::clone(view.get().handle()))
}

impl Reader {
    fn link(&self) -> PyResult<&Arc<Link>> {
        if self.closed.load(Ordering::Relaxed) {
            return Err(errors::ReaderClosedError::new_err("the reader was closed: open another"));
        }
        Ok(self.shared.link())
    }

    /// The newest region; without a live writer, looked for at the path.
    fn alive_link(&self) -> PyResult<&Arc<Link>> {
        let link = self.link()?;
        Ok(if link.region.writer_alive() { link } else { link.follow() })
    }

    /// What the reader shares with its subscriptions.
    pub fn shared(&self) -> PyResult<&Arc<Shared>> {
        self.link().map(|_| &self.shared)
    }

    /// The view of a record, whether or not there is something to read.
    pub fn view_of(&self, py: Python<'_>, record: &RecordRef) -> PyResult<Option<Py<PyAny>>> {
        let link = self.link()?;
        let views = self.views.of(py, link);
        let cell = match record.kind {
            Kind::PerpMarket => views.markets[0].get(record.place as usize),
            Kind::SpotMarket => views.markets[1].get(record.place as usize),
            _ => None,
        };
        if let Some(market) = cell.and_then(OnceLock::get) {
            if market.handle.last().presence() != Presence::Gone {
                return Ok(Some(market.view.clone_ref(py)));
            }
        }
        let Some(pubkey) = link.region.pubkey(record) else { return Ok(None) };
        let key = PyString::new(py, &pubkey.to_string());
        let by_key = views.by_key.bind(py);
        if let Some(view) = by_key.get_item(&key)? {
            if is_current(&view) {
                return Ok(Some(view.unbind()));
            }
        }
        let Some(handle) = Handle::new(link, *record) else { return Ok(None) };
        let view = match record.kind {
            Kind::Oracle => Py::new(py, OracleView::of_account(&handle))?.into_any(),
            _ => match Struct::view_of(py, Arc::clone(&handle))? {
                Some(view) => view,
                None => return Ok(None),
            },
        };
        if let Some(cell) = cell.filter(|cell| cell.get().is_none()) {
            let market = cell.get_or_init(|| Market { view, handle });
            return Ok(Some(market.view.clone_ref(py)));
        }
        by_key.set_item(key, &view)?;
        Ok(Some(view))
    }

    /// A market's place by index, symbol, or a view of it.
    pub fn market_place(&self, kind: Kind, key: &Bound<'_, PyAny>) -> PyResult<usize> {
        let link = self.link()?;
        let capacity = link.region.geometry().section(kind).capacity;
        if let Ok(index) = key.cast::<PyInt>() {
            return index.extract::<usize>().ok().filter(|i| *i < capacity).ok_or_else(|| {
                let most = capacity - 1;
                errors::unknown_market(format!(
                    "there is no {kind} {index}: indexes are 0 to {most}"
                ))
            });
        }
        if let Some(handle) = handle(key).filter(|handle| handle.record.kind == kind) {
            return Ok(handle.last().record.place as usize);
        }
        let Ok(symbol) = key.cast::<PyString>() else {
            let given = key.get_type().name()?;
            return Err(errors::wrong_type(format!(
                "a {kind} is named by index or symbol, not {given}"
            )));
        };
        self.place_of_symbol(key.py(), kind, &symbol.to_cow()?)
    }

    fn place_of_symbol(&self, py: Python<'_>, kind: Kind, symbol: &str) -> PyResult<usize> {
        let link = self.link()?;
        let mut known = Vec::new();
        for record in link.region.accounts(kind) {
            if link.region.presence(&record) != Presence::Here {
                continue;
            }
            let Some(view) = self.view_of(py, &record)? else { continue };
            let Ok(name) = crate::figures::symbol(crate::descriptors::Class::inner(
                view.bind(py).cast::<View>()?.get(),
            )) else {
                continue;
            };
            if name.eq_ignore_ascii_case(symbol) {
                return Ok(record.place as usize);
            }
            known.push(name);
        }
        known.truncate(40);
        let known = if known.is_empty() { "none yet".to_owned() } else { known.join(", ") };
        Err(errors::unknown_market(format!("there is no {kind} {symbol:?}; there are: {known}")))
    }

    fn market(
        &self,
        kind: Kind,
        key: &Bound<'_, PyAny>,
        max_age: Option<f64>,
    ) -> PyResult<Option<Py<PyAny>>> {
        let py = key.py();
        let link = self.link()?;
        // The usual case first: a market that was asked for before, by its index.
        let index = key.cast_exact::<PyInt>().ok().and_then(|index| index.extract::<usize>().ok());
        if let Some(place) = index {
            let market = self.views.markets[kind as usize].get(place).and_then(OnceLock::get);
            if let Some(market) = market.filter(|market| is_live(&market.handle)) {
                market.handle.guard(max_age)?;
                return Ok(Some(market.view.clone_ref(py)));
            }
        }
        let place = match key.cast::<PyInt>() {
            Ok(index) => match index.extract::<usize>() {
                Ok(place) => place,
                Err(_) => self.market_place(kind, key)?,
            },
            Err(_) => self.market_place(kind, key)?,
        };
        if place >= link.region.geometry().section(kind).capacity {
            self.market_place(kind, key)?;
        }
        self.present(py, link.region.at(kind, place), max_age)
    }

    /// The view of a record if there is something to read.
    fn present(
        &self,
        py: Python<'_>,
        record: Option<RecordRef>,
        max_age: Option<f64>,
    ) -> PyResult<Option<Py<PyAny>>> {
        let link = self.link()?;
        let Some(record) = record.filter(|r| link.region.presence(r) == Presence::Here) else {
            return Ok(None);
        };
        let Some(view) = self.view_of(py, &record)? else { return Ok(None) };
        if max_age.is_some() {
            if let Some(handle) = handle(view.bind(py)) {
                handle.guard(max_age)?;
            }
        }
        Ok(Some(view))
    }

    fn by_pubkey(
        &self,
        py: Python<'_>,
        kind: Kind,
        pubkey: &Pubkey,
        max_age: Option<f64>,
    ) -> PyResult<Option<Py<PyAny>>> {
        let found = self.link()?.region.find(pubkey).filter(|record| record.kind == kind);
        self.present(py, found, max_age)
    }

    fn all(&self, py: Python<'_>, kind: Kind) -> PyResult<Vec<Py<PyAny>>> {
        let link = self.link()?;
        let mut views = Vec::new();
        for record in link.region.accounts(kind) {
            views.extend(self.present(py, Some(record), None)?);
        }
        Ok(views)
    }

    fn oracle(
        &self,
        kind: Kind,
        key: &Bound<'_, PyAny>,
        max_age: Option<f64>,
    ) -> PyResult<Option<OracleView>> {
        let Some(market) = self.market(kind, key, None)? else { return Ok(None) };
        let market = handle(market.bind(key.py()));
        let Some(view) = market.as_ref().and_then(OracleView::of_market) else { return Ok(None) };
        if max_age.is_some() {
            view.oracle_handle()?.guard(max_age)?;
        }
        Ok(Some(view))
    }

    fn authority_account(
        &self,
        authority: &Bound<'_, PyAny>,
        address: impl Fn(&driftshm_layout::profile::Profile, &Pubkey) -> Option<Pubkey>,
    ) -> PyResult<Pubkey> {
        let authority = keys::authority(authority)?;
        address(&self.link()?.schema.profile, &authority).ok_or_else(|| {
            errors::wrong_type("the profile does not say how this address is made".to_owned())
        })
    }
}

/// The account behind a view, if it is the present one of its record.
fn is_current(view: &Bound<'_, PyAny>) -> bool {
    match view.cast::<OracleView>() {
        Ok(oracle) => oracle.get().oracle_handle().is_ok(),
        Err(_) => handle(view).is_some_and(|handle| handle.last().presence() != Presence::Gone),
    }
}

/// The account behind a view, if there is something to read.
#[inline]
fn live<'a>(view: &'a Bound<'_, PyAny>) -> Option<&'a Arc<Handle>> {
    let handle = view.cast::<View>().ok()?.get().handle();
    is_live(handle).then_some(handle)
}

#[inline]
fn is_live(handle: &Handle) -> bool {
    handle.current().is_some_and(|here| here.presence() == Presence::Here)
}

#[pymethods]
impl Reader {
    #[new]
    #[pyo3(signature = (cluster_or_dir = None))]
    fn new(py: Python<'_>, cluster_or_dir: Option<std::path::PathBuf>) -> PyResult<Self> {
        let text = cluster_or_dir.as_ref().map(|path| path.to_string_lossy().into_owned());
        let place = dir::resolve(text.as_deref());
        let first = Link::open(&place).map_err(|error| errors::open(&error))?;
        let views = Views::new(py, &first);
        let shared = Arc::new(Shared { dir: place.dir, first });
        Ok(Self { shared, closed: AtomicBool::new(false), views })
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

    /// The live view of a user account by its address, or by authority and sub-account.
    #[pyo3(signature = (pubkey = None, *, authority = None, sub_account_id = 0, max_age = None))]
    fn get_user(
        &self,
        py: Python<'_>,
        pubkey: Option<&Bound<'_, PyAny>>,
        authority: Option<&Bound<'_, PyAny>>,
        sub_account_id: u16,
        max_age: Option<f64>,
    ) -> PyResult<Option<Py<PyAny>>> {
        let pubkey = match (pubkey, authority) {
            (Some(pubkey), None) => {
                if let Ok(text) = pubkey.cast_exact::<PyString>() {
                    let views = self.views.of(py, self.link()?);
                    if let Some(view) = views.by_key.bind(py).get_item(text)? {
                        if let Some(handle) = live(&view).filter(|h| h.record.kind == Kind::User) {
                            handle.guard(max_age)?;
                            return Ok(Some(view.unbind()));
                        }
                    }
                }
                keys::pubkey(pubkey)?
            }
            (None, Some(authority)) => self
                .authority_account(authority, |profile, authority| {
                    profile.user_address(authority, sub_account_id)
                })?,
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
        let state = self.link()?.region.at(Kind::State, 0);
        self.present(py, state, max_age)
    }

    /// The live views of all perp markets, by index.
    fn perp_markets(&self, py: Python<'_>) -> PyResult<Vec<Py<PyAny>>> {
        self.all(py, Kind::PerpMarket)
    }

    /// The live views of all spot markets, by index.
    fn spot_markets(&self, py: Python<'_>) -> PyResult<Vec<Py<PyAny>>> {
        self.all(py, Kind::SpotMarket)
    }

    /// The live views of all users.
    fn users(&self, py: Python<'_>) -> PyResult<Vec<Py<PyAny>>> {
        self.all(py, Kind::User)
    }

    /// All perp markets as a numpy structured array, each row of one version.
    fn perp_markets_array<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        arrays::array_of(py, self.link()?, Kind::PerpMarket)
    }

    /// All spot markets as a numpy structured array, each row of one version.
    fn spot_markets_array<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        arrays::array_of(py, self.link()?, Kind::SpotMarket)
    }

    /// All users as a numpy structured array, each row of one version.
    fn users_array<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        arrays::array_of(py, self.link()?, Kind::User)
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
        kinds: Option<Vec<String>>,
        conflate: bool,
        timeout: f64,
    ) -> PyResult<Subscription> {
        let args = FilterArgs { perp_markets, spot_markets, users, user_stats, oracles, kinds };
        Subscription::new(slf, &args, conflate, timeout)
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
        kinds: Option<Vec<String>>,
        conflate: bool,
        timeout: f64,
    ) -> PyResult<Bound<'py, PyAny>> {
        let args = FilterArgs { perp_markets, spot_markets, users, user_stats, oracles, kinds };
        stream("Changes", slf, &args, conflate, timeout)
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
        kinds: Option<Vec<String>>,
        conflate: bool,
        timeout: f64,
    ) -> PyResult<Bound<'py, PyAny>> {
        let args = FilterArgs { perp_markets, spot_markets, users, user_stats, oracles, kinds };
        stream("Batches", slf, &args, conflate, timeout)
    }

    /// Awaits a version of the account newer than `newer_than` (default: its present one).
    #[pyo3(signature = (view, *, newer_than = None, timeout = None))]
    fn wait<'py>(
        slf: Bound<'py, Self>,
        view: Bound<'py, PyAny>,
        newer_than: Option<u64>,
        timeout: Option<f64>,
    ) -> PyResult<Bound<'py, PyAny>> {
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
    fn directory(&self) -> std::path::PathBuf {
        self.shared.dir.clone()
    }

    /// Name of the profile by which accounts are read.
    #[getter]
    fn profile(&self) -> PyResult<String> {
        Ok(self.link()?.schema.profile.name.clone())
    }

    /// The writer's counters, records in use and capacity by kind, heartbeat age in seconds.
    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let region = &self.alive_link()?.region;
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

    fn __repr__(&self) -> String {
        let region = &self.shared.link().region;
        let dir = self.shared.dir.display();
        let feed = region.feed_state().as_str();
        format!("<driftshm.Reader of {dir}, cluster {}, feed {feed}>", region.cluster())
    }
}

/// A subscription as one of the iterators of `driftshm.aio`.
fn stream<'py>(
    class: &str,
    reader: Bound<'py, Reader>,
    args: &FilterArgs<'_, 'py>,
    conflate: bool,
    timeout: f64,
) -> PyResult<Bound<'py, PyAny>> {
    let py = reader.py();
    let subscription = Subscription::new(reader, args, conflate, timeout)?;
    py.import("driftshm.aio")?.getattr(class)?.call1((subscription,))
}

/// Opens the region of a cluster, or of a directory if the argument has a slash.
#[pyfunction]
#[pyo3(signature = (cluster_or_dir = None))]
pub fn open(py: Python<'_>, cluster_or_dir: Option<std::path::PathBuf>) -> PyResult<Reader> {
    Reader::new(py, cluster_or_dir)
}

/// The items of an argument that may be one thing or several.
pub fn items<'py>(argument: Option<&Bound<'py, PyAny>>) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let Some(argument) = argument else { return Ok(Vec::new()) };
    let single = argument.cast::<PyString>().is_ok()
        || argument.cast::<PyInt>().is_ok()
        || argument.cast::<View>().is_ok()
        || argument.cast::<OracleView>().is_ok()
        || argument.hasattr("__bytes__")?;
    if single {
        return Ok(vec![argument.clone()]);
    }
    argument.try_iter()?.collect()
}
