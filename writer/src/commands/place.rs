//! Which region a command is about.

use std::path::PathBuf;

use clap::Args;
use driftshm_layout::dir::{self, Place};
use driftshm_layout::{OpenError, Region};

use crate::config::value;

/// Where the region is.
#[derive(Debug, Clone, Args)]
pub struct PlaceArgs {
    /// Name of the cluster [default: $DRIFTSHM_CLUSTER, else mainnet]
    #[arg(long, value_name = "NAME", value_parser = value::cluster)]
    cluster: Option<String>,

    /// Directory of the region [default: $DRIFTSHM_DIR, else /run/driftshm/CLUSTER where that
    /// exists, else /dev/shm/driftshm-UID/CLUSTER]
    // Not as clap's `env`: a directory of the environment goes with the cluster of the environment.
    #[arg(long)]
    dir: Option<PathBuf>,
}

impl PlaceArgs {
    /// The directory, and the cluster that must be in it.
    pub fn place(&self) -> Result<Place, OpenError> {
        match &self.dir {
            Some(dir) => Ok(Place::named(dir.clone(), self.cluster.clone())),
            None => dir::resolve(self.cluster.as_deref()),
        }
    }

    /// The directory and its region.
    pub fn open(&self) -> Result<(PathBuf, Region), OpenError> {
        let place = self.place()?;
        let region = open(&place)?;
        Ok((place.dir, region))
    }
}

/// The region of a place, if it is of the cluster that it should be of.
pub fn open(place: &Place) -> Result<Region, OpenError> {
    Region::open_at(place)
}
