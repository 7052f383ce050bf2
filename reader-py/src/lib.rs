//! The Python extension: live views of the region's accounts, snapshots, and change notifications.

mod account;
mod addresses;
mod arrays;
mod calls;
mod change;
mod cut;
mod descriptors;
mod errors;
mod fields;
mod figures;
mod filter;
mod follow;
mod forks;
mod keys;
mod lookup;
mod opening;
mod oracle;
mod reader;
mod schema;
mod seq;
mod snapshot;
mod source;
mod stale;
mod stats;
mod subscription;
mod tail;
mod value;
mod view;
mod views;
mod watch;

use pyo3::prelude::*;

#[cfg(not(target_endian = "little"))]
compile_error!("accounts are little-endian, and snapshots give them out as they are in memory");

/// The native half of `driftshm`.
#[pymodule(gil_used = false)]
mod _driftshm {
    #[pymodule_export]
    use super::addresses::{
        derive_perp_market_account, derive_spot_market_account, derive_state_account,
        derive_user_account, derive_user_stats_account,
    };
    #[pymodule_export]
    use super::change::{Change, Lagged};
    #[pymodule_export]
    use super::cut::{Cut, CutId, unpickle_cut, unpickle_cut_id};
    #[pymodule_export]
    use super::fields::{Fields, fields};
    #[pymodule_export]
    use super::figures::{FundingRate, funding_rate};
    #[pymodule_export]
    use super::forks::{after_fork_in_child, after_fork_in_parent, before_fork};
    #[pymodule_export]
    use super::opening::open;
    #[pymodule_export]
    use super::oracle::{OraclePriceData, OracleView, unpickle_oracle};
    #[pymodule_export]
    use super::reader::Reader;
    #[pymodule_export]
    use super::schema::types_of_profile;
    #[pymodule_export]
    use super::seq::ArrayView;
    #[pymodule_export]
    use super::snapshot::{Snapshot, unpickle};
    #[pymodule_export]
    use super::subscription::Subscription;
    #[pymodule_export]
    use super::view::{Meta, View};
    #[pymodule_export]
    use super::watch::Watch;
    use pyo3::prelude::*;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        module.add("ABI_VERSION", driftshm_layout::header::ABI_VERSION)?;
        super::calls::init(module.py());
        super::reader::install_calls(module.py())?;
        super::errors::add_to(module)
    }
}
