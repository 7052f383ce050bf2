//! Consistent cuts: several accounts as they were at one moment.

use std::sync::Arc;

use driftshm_layout::profile::Kind;
use driftshm_layout::record::Presence;
use driftshm_layout::{Pubkey, RecordRef, Region};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::account::Struct;
use crate::errors;
use crate::follow::{Handle, Link};
use crate::keys::{self, items};
use crate::oracle;
use crate::reader::Reader;
use crate::snapshot::Snapshot;
use crate::source::{Frozen, Source};

/// Tries before a cut is given up: each fails only if one of its accounts changed during it.
const TRIES: usize = 10_000;

/// Names a cut: cuts with the same accounts and the same id hold the same bytes.
#[pyclass(frozen, get_all, eq, hash, module = "driftshm")]
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct CutId {
    /// The writer's generation.
    pub generation: u64,
    /// Lowest slot among the accounts.
    pub min_slot: u64,
    /// Highest slot among the accounts.
    pub max_slot: u64,
    /// The versions of the accounts, in the order in which they were asked for.
    pub versions: Vec<u64>,
}

#[pymethods]
impl CutId {
    fn __repr__(&self) -> String {
        let Self { generation, min_slot, max_slot, versions } = self;
        format!(
            "CutId(generation={generation}, min_slot={min_slot}, max_slot={max_slot}, versions={versions:?})"
        )
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<Pickle<'py>> {
        let Self { generation, min_slot, max_slot, versions } = self.clone();
        let arguments = (generation, min_slot, max_slot, versions);
        Ok((unpickler(py, "unpickle_cut_id")?, arguments.into_pyobject(py)?))
    }
}

/// A function of the module, and what to call it with.
type Pickle<'py> = (Bound<'py, PyAny>, Bound<'py, PyTuple>);

fn unpickler<'py>(py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
    py.import("driftshm._driftshm")?.getattr(name)
}

/// Makes a cut's id from its pickle.
#[pyfunction]
pub fn unpickle_cut_id(generation: u64, min_slot: u64, max_slot: u64, versions: Vec<u64>) -> CutId {
    CutId { generation, min_slot, max_slot, versions }
}

/// Snapshots of several accounts, none of which changed between the first and the last read.
#[pyclass(frozen, get_all, module = "driftshm")]
pub struct Cut {
    /// Generation of the writer, lowest and highest slot, versions.
    pub id: CutId,
    /// Perp markets by index.
    pub perp_markets: Py<PyDict>,
    /// Spot markets by index.
    pub spot_markets: Py<PyDict>,
    /// Oracle prices of the perp markets named in `perp_oracles`, by market index.
    pub perp_oracles: Py<PyDict>,
    /// Oracle prices of the spot markets named in `spot_oracles`, by market index.
    pub spot_oracles: Py<PyDict>,
    /// Users by address.
    pub users: Py<PyDict>,
    /// User stats by address.
    pub user_stats: Py<PyDict>,
    /// The state account, if it was asked for.
    pub state: Option<Py<PyAny>>,
}

#[pymethods]
impl Cut {
    fn __repr__(&self) -> String {
        format!("<cut of {} accounts, {}>", self.id.versions.len(), self.id.__repr__())
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<Pickle<'py>> {
        let accounts = [
            &self.perp_markets,
            &self.spot_markets,
            &self.perp_oracles,
            &self.spot_oracles,
            &self.users,
            &self.user_stats,
        ];
        let arguments = (self.id.clone(), accounts, &self.state);
        Ok((unpickler(py, "unpickle_cut")?, arguments.into_pyobject(py)?))
    }
}

/// Makes a cut from its pickle.
#[pyfunction]
pub fn unpickle_cut(
    id: &Bound<'_, CutId>,
    accounts: [Py<PyDict>; 6],
    state: Option<Py<PyAny>>,
) -> Cut {
    let [perp_markets, spot_markets, perp_oracles, spot_oracles, users, user_stats] = accounts;
    let id = id.get().clone();
    Cut { id, perp_markets, spot_markets, perp_oracles, spot_oracles, users, user_stats, state }
}

/// Copies of accounts of one region, as they were at one moment: after the last copy was made,
/// every account was still in the version that was copied.
pub fn freeze_all(py: Python<'_>, link: &Link, records: &[RecordRef]) -> PyResult<Vec<Frozen>> {
    let region = &link.region;
    let copy = |record: &RecordRef| {
        let pubkey = region.pubkey(record).ok_or_else(errors::gone)?;
        Frozen::of_record(region, record, &pubkey)
    };
    let mut copies = records.iter().map(copy).collect::<PyResult<Vec<_>>>()?;
    for attempt in 1..=TRIES {
        // A pass that finds nothing changed shows that all were current when it began.
        let mut changed = false;
        for (record, kept) in records.iter().zip(&mut copies) {
            if region.version(record) != kept.meta().version {
                *kept = copy(record)?;
                changed = true;
            }
        }
        if !changed {
            return Ok(copies);
        }
        if attempt % 64 == 0 {
            py.check_signals()?;
        }
    }
    Err(errors::ContendedError::new_err(format!(
        "{} accounts changed too fast for one consistent cut ({TRIES} tries): ask for fewer at once",
        records.len()
    )))
}

/// The id of a cut.
pub fn id_of(link: &Link, copies: &[Frozen]) -> CutId {
    let slots = || copies.iter().map(|copy| copy.meta().slot);
    CutId {
        generation: link.region.generation(),
        min_slot: slots().min().unwrap_or(0),
        max_slot: slots().max().unwrap_or(0),
        versions: copies.iter().map(|copy| copy.meta().version).collect(),
    }
}

/// What a cut is of, as `Reader.snapshot` was given it.
pub struct CutArgs<'a, 'py> {
    /// Indexes or symbols.
    pub perp_markets: Option<&'a Bound<'py, PyAny>>,
    /// Indexes or symbols.
    pub spot_markets: Option<&'a Bound<'py, PyAny>>,
    /// Indexes or symbols of perp markets.
    pub perp_oracles: Option<&'a Bound<'py, PyAny>>,
    /// Indexes or symbols of spot markets.
    pub spot_oracles: Option<&'a Bound<'py, PyAny>>,
    /// Addresses.
    pub users: Option<&'a Bound<'py, PyAny>>,
    /// Authorities.
    pub user_stats: Option<&'a Bound<'py, PyAny>>,
    /// Whether the state account too.
    pub state: bool,
}

/// Where a copy goes in the cut.
enum Slot {
    Market(Kind, usize),
    Oracle(Kind, usize, u8),
    Address(Kind, Pubkey),
    State,
}

/// Takes a cut.
pub fn take(
    py: Python<'_>,
    reader: &Reader,
    args: &CutArgs<'_, '_>,
    max_age: Option<f64>,
) -> PyResult<Cut> {
    let mut link = reader.newest_link()?;
    let (slots, records) = loop {
        let (slots, records) = match records_of(reader, link, args, max_age) {
            Ok(found) => found,
            Err(error) => {
                let newest = reader.alive_link()?;
                if Arc::ptr_eq(newest, link) {
                    return Err(error);
                }
                link = newest;
                continue;
            }
        };
        if max_age.is_some() {
            for record in &records {
                Handle::new(link, *record).ok_or_else(errors::gone)?.guard(max_age)?;
            }
        }
        // The guard may have found a newer region: then the cut is of that one.
        let newest = reader.shared()?.link();
        if Arc::ptr_eq(newest, link) {
            break (slots, records);
        }
        link = newest;
    };
    let copies = freeze_all(py, link, &records)?;
    let id = id_of(link, &copies);
    let dicts: [Bound<'_, PyDict>; 6] = std::array::from_fn(|_| PyDict::new(py));
    let [perp_markets, spot_markets, perp_oracles, spot_oracles, users, user_stats] = &dicts;
    let mut state = None;
    for (slot, copy) in slots.into_iter().zip(copies) {
        match slot {
            Slot::Market(kind, place) => {
                let dict = if kind == Kind::PerpMarket { perp_markets } else { spot_markets };
                dict.set_item(place, to_object(py, link, copy)?)?;
            }
            Slot::Oracle(kind, place, source) => {
                let dict = if kind == Kind::PerpMarket { perp_oracles } else { spot_oracles };
                let market = || link.region.at(kind, place).and_then(|at| Handle::new(link, at));
                dict.set_item(place, oracle::data_of(link, &copy, source, market)?)?;
            }
            Slot::Address(kind, pubkey) => {
                let dict = if kind == Kind::User { users } else { user_stats };
                dict.set_item(pubkey.to_string(), to_object(py, link, copy)?)?;
            }
            Slot::State => state = Some(to_object(py, link, copy)?),
        }
    }
    let [perp_markets, spot_markets, perp_oracles, spot_oracles, users, user_stats] =
        dicts.map(Bound::unbind);
    Ok(Cut { id, perp_markets, spot_markets, perp_oracles, spot_oracles, users, user_stats, state })
}

/// A market, or its oracle: which there are the chain says.
fn missing_market(what: &str) -> PyErr {
    errors::unknown_market(format!(
        "there is no {what} in the region: a cut needs all it is asked for"
    ))
}

/// An account that is only there if it is followed; `flag` is how the writer is told to.
fn missing_account(region: &Region, record: Option<RecordRef>, what: &str, flag: &str) -> PyErr {
    let closed = record.is_some_and(|record| region.presence(&record) == Presence::Closed);
    errors::unknown_account(match closed {
        true => format!("the {what} was closed on chain: leave it out of the cut"),
        false => format!(
            "there is no {what} in the region: watch it (reader.watch), or name it with {flag}, \
             before a cut"
        ),
    })
}

fn missing_state() -> PyErr {
    errors::unknown_account(
        "there is no state account in the region yet: the writer follows it always, so try again \
         when reader.feed_state is live"
            .to_owned(),
    )
}

/// Put into words only where it is missing.
type What<'a> = &'a dyn Fn() -> String;
type Missing<'a> = &'a dyn Fn() -> PyErr;

fn records_of(
    reader: &Reader,
    link: &Arc<Link>,
    args: &CutArgs<'_, '_>,
    max_age: Option<f64>,
) -> PyResult<(Vec<Slot>, Vec<RecordRef>)> {
    let region = &link.region;
    let (mut slots, mut records) = (Vec::new(), Vec::new());
    let mut add = |slot, record: Option<RecordRef>, what: What<'_>, missing: Missing<'_>| {
        match record.filter(|record| region.presence(record) == Presence::Here) {
            Some(record) => records.push(record),
            None => {
                if let Some(max_age) = max_age {
                    link.guard_absence(&what(), max_age)?;
                }
                return Err(missing());
            }
        }
        slots.push(slot);
        Ok(())
    };
    let markets = [(Kind::PerpMarket, args.perp_markets), (Kind::SpotMarket, args.spot_markets)];
    for (kind, keys) in markets {
        for key in items(keys)? {
            let place = reader.place_in(link, kind, &key)?;
            let what = || format!("{kind} {key}");
            let missing = || missing_market(&what());
            add(Slot::Market(kind, place), region.at(kind, place), &what, &missing)?;
        }
    }
    let oracles = [(Kind::PerpMarket, args.perp_oracles), (Kind::SpotMarket, args.spot_oracles)];
    for (kind, keys) in oracles {
        for key in items(keys)? {
            let place = reader.place_in(link, kind, &key)?;
            let what = || format!("oracle of {kind} {key}");
            let missing = || missing_market(&what());
            let found = region.at(kind, place).and_then(|market| region.oracle_of(&market));
            let (record, source) = found.unzip();
            let slot = Slot::Oracle(kind, place, source.unwrap_or_default());
            add(slot, record, &what, &missing)?;
        }
    }
    for key in items(args.users)? {
        let pubkey = keys::account(Kind::User, &key)?;
        let found = region.find(&pubkey).filter(|record| record.kind == Kind::User);
        let what = || format!("user {pubkey}");
        let missing = || missing_account(region, found, &what(), "--user");
        add(Slot::Address(Kind::User, pubkey), found, &what, &missing)?;
    }
    for key in items(args.user_stats)? {
        let authority = keys::authority(&key)?;
        let pubkey = link.schema.profile.user_stats_address(&authority).unwrap_or_default();
        let what = || format!("user stats account {pubkey} (of {authority})");
        let found = region.find(&pubkey);
        let missing = || missing_account(region, found, &what(), "--authority");
        add(Slot::Address(Kind::UserStats, pubkey), found, &what, &missing)?;
    }
    if args.state {
        add(
            Slot::State,
            region.at(Kind::State, 0),
            &|| "state account".to_owned(),
            &missing_state,
        )?;
    }
    Ok((slots, records))
}

/// A copy as a snapshot object.
pub fn to_object(py: Python<'_>, link: &Link, copy: Frozen) -> PyResult<Py<PyAny>> {
    let kind = copy.kind();
    let (schema, pubkey) = (link.schema, copy.pubkey());
    let account = Struct::account(Source::Frozen(copy), schema, kind);
    account.ok_or_else(|| errors::schema_changed(&pubkey))?.into_object::<Snapshot>(py)
}
