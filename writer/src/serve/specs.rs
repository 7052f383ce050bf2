//! The feeds that can be named in the options.

use driftshm_layout::profile::Profile;

use super::{Feed, ServeError};
use crate::feeds::replay::{self, ReplayOptions};
use crate::feeds::sim::{self, SimOptions};

/// A feed by its options.
#[derive(Debug, Clone)]
pub enum FeedSpec {
    /// Accounts that are made up.
    Sim(SimOptions),
    /// Accounts that were recorded.
    Replay(ReplayOptions),
}

impl FeedSpec {
    /// The feed, ready to start. What is wrong with its options is said now.
    pub(super) fn prepare(&self, profile: &Profile) -> Result<Feed, ServeError> {
        match self {
            Self::Sim(options) => {
                let (profile, options) = (profile.clone(), options.clone());
                Ok(Feed::new("sim", move |slot, sink| {
                    sim::run(&profile, &options, slot, sink);
                    Ok(())
                }))
            }
            Self::Replay(options) => {
                let options = options.clone();
                let path = options.path.clone();
                // Opening a directory works, reading it does not.
                let readable = std::fs::File::open(&path).and_then(|file| file.metadata());
                let sound = readable.and_then(|meta| match meta.is_dir() {
                    true => Err(std::io::ErrorKind::IsADirectory.into()),
                    false => Ok(()),
                });
                sound.map_err(|source| ServeError::Recording { path, source })?;
                Ok(Feed::new("replay", move |slot, sink| {
                    replay::run(&options, slot, sink).map_err(|error| error.to_string())
                }))
            }
        }
    }
}
