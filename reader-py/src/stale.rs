//! Why nobody vouches for what would be read: the texts of `StaleError`.

use std::sync::Arc;

use driftshm_layout::record::Presence;
use driftshm_layout::{FeedState, State};
use pyo3::prelude::*;

use crate::errors;
use crate::follow::{Handle, Link, seconds_since};

/// When something was known, and what was asked for.
fn too_old(what: &str, age: f64, max_age: f64, why: &str) -> PyErr {
    let age = match age.is_finite() {
        true => format!("was last known to be current {age:.3} s ago"),
        false => "is not known to have been current".to_owned(),
    };
    errors::StaleError::new_err(format!("{what} {age}, max_age is {max_age} s: {why}"))
}

/// Raises if no account could ever be as fresh as that. Asked only where one is not: `NaN` and what
/// is below 0 never compare as fresh enough.
#[cold]
pub fn check_max_age(max_age: f64) -> PyResult<()> {
    match max_age >= 0.0 {
        true => Ok(()),
        false => {
            Err(errors::argument(format!("max_age is {max_age}: allowed are seconds from 0 on")))
        }
    }
}

impl Link {
    /// What keeps the whole region from being vouched for, if anything does.
    fn why_left(&self) -> Option<String> {
        let region = &self.region;
        if let Err(error) = self.successor() {
            return Some(format!("the region that took its place cannot be read: {error}"));
        }
        if !region.is_of_this_boot() {
            return Some("the region is from before the machine was started".to_owned());
        }
        if region.state() == Some(State::Stopped) {
            return Some("the writer was stopped".to_owned());
        }
        let seconds = region.heartbeat_age_ns() as f64 / 1e9;
        (!region.writer_alive()).then(|| format!("no heartbeat of the writer for {seconds:.1} s"))
    }

    fn why_feed(&self) -> String {
        let heard = seconds_since(self.region.live_ns());
        match self.region.feed_state() {
            FeedState::Live if heard.is_infinite() => "the writer's feed is live only now".into(),
            FeedState::Live => format!(
                "the writer's feed is live, and was last heard of {heard:.1} s ago: max_age is \
                 shorter than the time between two words of the chain"
            ),
            other => format!("the writer's feed is {}", other.as_str()),
        }
    }

    /// Raises if the region was not vouched for within `max_age` seconds: then nobody knows whether
    /// `what` it does not have exists.
    #[cold]
    pub fn guard_absence(&self, what: &str, max_age: f64) -> PyResult<()> {
        let age = seconds_since(self.region.live_ns());
        if age <= max_age {
            return Ok(());
        }
        check_max_age(max_age)?;
        let why = self.why_left().unwrap_or_else(|| self.why_feed());
        Err(too_old(&format!("{what} is not in the region, which"), age, max_age, &why))
    }
}

impl Handle {
    /// Why the account is not known to be as fresh as that.
    #[cold]
    pub fn stale(&self, max_age: f64) -> PyErr {
        let Some(here) = self.current() else { return errors::schema_changed(&self.pubkey) };
        if here.presence() == Presence::Gone {
            return errors::account_gone(&self.pubkey);
        }
        let why = if !Arc::ptr_eq(here.link.newest(), &here.link) {
            "the region that took its place does not have it (reader.watch has it followed)"
                .to_owned()
        } else if let Some(why) = here.link.why_left() {
            why
        } else if !here.region().is_followed(&here.record) {
            "the writer does not vouch for it: it is not followed any more (reader.watch makes \
             it), or has yet to come again after a gap"
                .to_owned()
        } else {
            here.link.why_feed()
        };
        too_old(&format!("account {}", self.pubkey), self.staleness(), max_age, &why)
    }
}
