//! The program's derived addresses.

use driftshm_layout::Pubkey;
use driftshm_layout::profile::Profile;
use pyo3::prelude::*;

use crate::errors;
use crate::keys;

fn derive(profile: &str, derive: impl Fn(&Profile) -> Option<Pubkey>) -> PyResult<String> {
    let known = Profile::builtin(profile).ok_or_else(|| {
        let names: Vec<_> = Profile::builtin_names().collect();
        errors::wrong_type(format!(
            "no profile {profile:?} comes with driftshm; there are {names:?}"
        ))
    })?;
    let address = derive(&known).ok_or_else(|| {
        errors::wrong_type(format!("the profile {profile:?} does not say how this address is made"))
    })?;
    Ok(address.to_string())
}

/// Address of a user account.
#[pyfunction]
#[pyo3(
    signature = (authority, sub_account_id = None, *, profile = "drift-v2"),
    text_signature = "(authority, sub_account_id=0, *, profile='drift-v2')",
)]
pub fn derive_user_account(
    authority: &Bound<'_, PyAny>,
    sub_account_id: Option<&Bound<'_, PyAny>>,
    profile: &str,
) -> PyResult<String> {
    let authority = keys::authority(authority)?;
    let number = sub_account_id.map_or(Ok(0), |number| keys::number("sub_account_id", number))?;
    derive(profile, |p| p.user_address(&authority, number))
}

/// Address of an authority's user stats.
#[pyfunction]
#[pyo3(signature = (authority, *, profile = "drift-v2"))]
pub fn derive_user_stats_account(authority: &Bound<'_, PyAny>, profile: &str) -> PyResult<String> {
    let authority = keys::authority(authority)?;
    derive(profile, |p| p.user_stats_address(&authority))
}

/// Address of a perp market.
#[pyfunction]
#[pyo3(signature = (market_index, *, profile = "drift-v2"))]
pub fn derive_perp_market_account(
    market_index: &Bound<'_, PyAny>,
    profile: &str,
) -> PyResult<String> {
    let index = keys::number("market_index", market_index)?;
    derive(profile, |p| p.perp_market_address(index))
}

/// Address of a spot market.
#[pyfunction]
#[pyo3(signature = (market_index, *, profile = "drift-v2"))]
pub fn derive_spot_market_account(
    market_index: &Bound<'_, PyAny>,
    profile: &str,
) -> PyResult<String> {
    let index = keys::number("market_index", market_index)?;
    derive(profile, |p| p.spot_market_address(index))
}

/// Address of the program's state account.
#[pyfunction]
#[pyo3(signature = (*, profile = "drift-v2"))]
pub fn derive_state_account(profile: &str) -> PyResult<String> {
    derive(profile, Profile::state_address)
}
