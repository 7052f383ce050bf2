//! Finding accounts: by index, symbol and address, always the same view of each.

use std::sync::{Arc, OnceLock, PoisonError};

use driftshm_layout::profile::Kind;
use driftshm_layout::record::Presence;
use driftshm_layout::{Pubkey, RecordRef};
use pyo3::prelude::*;
use pyo3::sync::MutexExt;
use pyo3::types::{PyInt, PyString};

use crate::account::Struct;
use crate::calls::{Slow, Usual, small_int};
use crate::errors;
use crate::follow::{Handle, Link, Shared};
use crate::keys;
use crate::oracle::OracleView;
use crate::reader::Reader;
use crate::view::View;
use crate::views::Market;

fn handle(view: &Bound<'_, PyAny>) -> Option<Arc<Handle>> {
    view.cast::<View>().ok().map(|view| Arc::clone(View::handle(view)))
}

impl Reader {
    /// The newest region.
    pub fn link(&self) -> PyResult<&Arc<Link>> {
        if self.is_closed() {
            return Err(errors::ReaderClosedError::new_err("the reader was closed: open another"));
        }
        Ok(self.shared.link())
    }

    /// The newest region; without a live writer, looked for at the path now and then. For the
    /// beginning of each call: a bot that guards none of its reads shall not be left behind.
    pub fn newest_link(&self) -> PyResult<&Arc<Link>> {
        self.link().map(Link::newest_alive)
    }

    /// The newest region; without a live writer, looked for at the path.
    pub fn alive_link(&self) -> PyResult<&Arc<Link>> {
        let link = self.link()?;
        Ok(if link.region.writer_alive() { link } else { link.follow() })
    }

    /// What the reader shares with its subscriptions.
    pub fn shared(&self) -> PyResult<&Arc<Shared>> {
        self.link().map(|_| &self.shared)
    }

    /// The view of a record of the newest region, whether or not there is something to read.
    pub fn view_of(&self, py: Python<'_>, record: &RecordRef) -> PyResult<Option<Py<PyAny>>> {
        self.view_in(py, self.link()?, record)
    }

    /// The view of a record of that region: in another one it would be another account's.
    pub fn view_in(
        &self,
        py: Python<'_>,
        link: &Arc<Link>,
        record: &RecordRef,
    ) -> PyResult<Option<Py<PyAny>>> {
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
        let _putting = views.putting.lock_py_attached(py).unwrap_or_else(PoisonError::into_inner);
        match by_key.get_item(&key)? {
            Some(kept) if is_current(&kept) => Ok(Some(kept.unbind())),
            _ => {
                by_key.set_item(key, &view)?;
                Ok(Some(view))
            }
        }
    }

    /// A market's place by index, symbol, or a view of it.
    pub fn market_place(&self, kind: Kind, key: &Bound<'_, PyAny>) -> PyResult<usize> {
        self.place_in(self.link()?, kind, key)
    }

    /// A market's place in that region.
    pub fn place_in(
        &self,
        link: &Arc<Link>,
        kind: Kind,
        key: &Bound<'_, PyAny>,
    ) -> PyResult<usize> {
        let capacity = link.region.geometry().section(kind).capacity;
        if let Some(index) = keys::whole_number(key)? {
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
        self.place_of_symbol(key.py(), link, kind, &symbol.to_cow()?)
    }

    fn place_of_symbol(
        &self,
        py: Python<'_>,
        link: &Arc<Link>,
        kind: Kind,
        symbol: &str,
    ) -> PyResult<usize> {
        let mut known = Vec::new();
        for record in link.region.accounts(kind) {
            if link.region.presence(&record) != Presence::Here {
                continue;
            }
            let Some(view) = self.view_in(py, link, &record)? else { continue };
            let view = view.bind(py).cast::<View>()?;
            let Ok(name) = crate::figures::symbol(View::inner(view)) else { continue };
            if name.eq_ignore_ascii_case(symbol) {
                return Ok(record.place as usize);
            }
            known.push(name);
        }
        known.truncate(40);
        let known = match known.is_empty() {
            true => format!(
                "none yet, and the writer's feed is {} (driftshm.open(timeout=30) waits until it \
                 is live)",
                link.region.feed_state().as_str()
            ),
            false => known.join(", "),
        };
        Err(errors::unknown_market(format!("there is no {kind} {symbol:?}; there are: {known}")))
    }

    /// What `look` finds in the newest region.
    ///
    /// What it does not find there is looked for once more if no writer stands behind it and
    /// another region is at the path. That nothing is found is an answer only as far as somebody
    /// vouches for it: else, with `max_age`, it is an error that names `what` was looked for.
    #[inline]
    fn seek<T>(
        &self,
        max_age: Option<f64>,
        what: impl Fn() -> String,
        look: impl Fn(&Arc<Link>) -> PyResult<Option<T>>,
    ) -> PyResult<Option<T>> {
        let link = self.newest_link()?;
        let first = look(link);
        if matches!(first, Ok(Some(_))) {
            return first;
        }
        let newest = self.alive_link()?;
        let found = if Arc::ptr_eq(newest, link) { first } else { look(newest) };
        if let (Ok(None), Some(max_age)) = (&found, max_age) {
            newest.guard_absence(&what(), max_age)?;
        }
        found
    }

    /// The view of a market if there is something to read.
    pub fn market(
        &self,
        kind: Kind,
        key: &Bound<'_, PyAny>,
        max_age: Option<f64>,
    ) -> PyResult<Option<Py<PyAny>>> {
        let what = || format!("{kind} {key}");
        self.seek(max_age, what, |link| self.market_in(link, kind, key, max_age))
    }

    fn market_in(
        &self,
        link: &Arc<Link>,
        kind: Kind,
        key: &Bound<'_, PyAny>,
        max_age: Option<f64>,
    ) -> PyResult<Option<Py<PyAny>>> {
        let place = self.place_in(link, kind, key)?;
        self.present(key.py(), link, link.region.at(kind, place), max_age)
    }

    /// The view of a record of that region if there is something to read.
    fn present(
        &self,
        py: Python<'_>,
        link: &Arc<Link>,
        record: Option<RecordRef>,
        max_age: Option<f64>,
    ) -> PyResult<Option<Py<PyAny>>> {
        let Some(record) = record.filter(|r| link.region.presence(r) == Presence::Here) else {
            return Ok(None);
        };
        let Some(view) = self.view_in(py, link, &record)? else { return Ok(None) };
        if max_age.is_some() {
            match view.bind(py).cast::<OracleView>() {
                Ok(oracle) => oracle.get().oracle_handle()?.guard(max_age)?,
                Err(_) => handle(view.bind(py)).map_or(Ok(()), |handle| handle.guard(max_age))?,
            }
        }
        Ok(Some(view))
    }

    /// The view of an account if there is something to read.
    pub fn by_pubkey(
        &self,
        py: Python<'_>,
        kind: Kind,
        pubkey: &Pubkey,
        max_age: Option<f64>,
    ) -> PyResult<Option<Py<PyAny>>> {
        let what = || format!("{kind} {pubkey}");
        self.seek(max_age, what, |link| {
            let found = link.region.find(pubkey).filter(|record| record.kind == kind);
            self.present(py, link, found, max_age)
        })
    }

    /// The view of the program's state account if there is something to read.
    pub fn state(&self, py: Python<'_>, max_age: Option<f64>) -> PyResult<Option<Py<PyAny>>> {
        let what = || "state account".to_owned();
        self.seek(max_age, what, |link| {
            self.present(py, link, link.region.at(Kind::State, 0), max_age)
        })
    }

    /// The views of all accounts of a kind of which there is something to read.
    pub fn all(&self, py: Python<'_>, kind: Kind) -> PyResult<Vec<Py<PyAny>>> {
        let link = self.newest_link()?;
        let mut views = Vec::new();
        for record in link.region.accounts(kind) {
            views.extend(self.present(py, link, Some(record), None)?);
        }
        Ok(views)
    }

    /// The view of a market's oracle.
    pub fn oracle(
        &self,
        kind: Kind,
        key: &Bound<'_, PyAny>,
        max_age: Option<f64>,
    ) -> PyResult<Option<OracleView>> {
        let what = || format!("oracle of {kind} {key}");
        self.seek(max_age, what, |link| {
            let market = self.market_in(link, kind, key, None)?;
            let market = market.and_then(|market| handle(market.bind(key.py())));
            let Some(view) = market.as_ref().and_then(OracleView::of_market) else {
                return Ok(None);
            };
            if max_age.is_some() {
                view.oracle_handle()?.guard(max_age)?;
            }
            Ok(Some(view))
        })
    }

    /// The address that an authority's account has by the profile.
    pub fn authority_account(
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

#[inline]
fn is_live(handle: &Handle) -> bool {
    handle.current().is_some_and(|here| here.presence() == Presence::Here)
}

/// `reader.get_perp_market(0)`: a market that was asked for before, by its index; `KIND` 1 = spot.
pub struct GetMarket<const KIND: usize>;

impl<const KIND: usize> Usual for GetMarket<KIND> {
    type Class = Reader;
    const ARGUMENTS: usize = 1;

    fn slow() -> &'static Slow {
        static SLOW: [Slow; 2] = [Slow::new(), Slow::new()];
        &SLOW[KIND]
    }

    #[inline(always)]
    fn call<'py>(
        reader: &Bound<'py, Reader>,
        index: Option<&Bound<'py, PyAny>>,
        max_age: Option<f64>,
    ) -> Option<PyResult<Py<PyAny>>> {
        let index = small_int(index?.cast_exact::<PyInt>().ok()?)?;
        let market = reader.get().views.markets[KIND].get(index)?.get()?;
        if reader.get().is_due() || reader.get().is_closed() || !is_live(&market.handle) {
            return None;
        }
        Some(market.handle.guard(max_age).map(|()| market.view.clone_ref(reader.py())))
    }
}

/// `reader.get_user(address)`: one that was asked for before, by its address as text.
pub struct GetUser;

impl Usual for GetUser {
    type Class = Reader;
    const ARGUMENTS: usize = 1;

    fn slow() -> &'static Slow {
        static SLOW: Slow = Slow::new();
        &SLOW
    }

    #[inline(always)]
    fn call<'py>(
        reader: &Bound<'py, Reader>,
        address: Option<&Bound<'py, PyAny>>,
        max_age: Option<f64>,
    ) -> Option<PyResult<Py<PyAny>>> {
        let py = reader.py();
        let address = address?.cast_exact::<PyString>().ok()?;
        let views = reader.get().views.of(py, reader.get().link().ok()?);
        let view = views.by_key.bind(py).get_item(address).ok()??.cast_into::<View>().ok()?;
        let handle = View::handle(&view);
        if handle.record.kind != Kind::User || reader.get().is_due() || !is_live(handle) {
            return None;
        }
        let guarded = handle.guard(max_age);
        Some(guarded.map(|()| view.into_any().unbind()))
    }
}
