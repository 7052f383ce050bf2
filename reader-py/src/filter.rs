//! Which accounts a subscription is for, from the arguments of a call.

use driftshm_layout::control::Filter;
use driftshm_layout::profile::Kind;
use pyo3::prelude::*;
use pyo3::types::PyString;

use crate::errors;
use crate::keys::{self, items};
use crate::reader::Reader;

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
    pub kinds: Option<&'a Bound<'py, PyAny>>,
}

impl FilterArgs<'_, '_> {
    /// The filter; raises if it could never match.
    pub fn to_filter(&self, reader: &Reader) -> PyResult<Filter> {
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
        for (kind, keys) in [(Kind::User, self.users), (Kind::Oracle, self.oracles)] {
            for key in items(keys)? {
                filter.pubkeys.push(keys::account(kind, &key)?);
            }
        }
        for key in items(self.user_stats)? {
            let given = keys::account(Kind::UserStats, &key)?;
            let address = match keys::kind_of(&key) {
                // Its own address; what is no view is an authority.
                Some(_) => Some(given),
                None => reader.shared()?.link().schema.profile.user_stats_address(&given),
            };
            filter.pubkeys.extend(address);
        }
        for name in items(self.kinds)? {
            let Ok(name) = name.cast::<PyString>() else {
                let given = name.get_type().name()?;
                return Err(errors::wrong_type(format!("a kind is named by text, not {given}")));
            };
            let name = name.to_cow()?;
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
