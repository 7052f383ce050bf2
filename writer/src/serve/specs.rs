//! The feeds that can be named in the options.

use std::path::Path;

use driftshm_layout::profile::Profile;

use super::ServeError;
use crate::feeds::Feed;
use crate::feeds::replay::{self, ReplayOptions};
use crate::feeds::sim::{self, SimOptions};
#[cfg(feature = "live")]
use crate::live::LiveOptions;

/// A feed by its options.
#[derive(Debug, Clone)]
pub enum FeedSpec {
    /// Accounts that are made up.
    Sim(SimOptions),
    /// Accounts that were recorded.
    Replay(ReplayOptions),
    /// The chain's accounts, by one feed or several.
    #[cfg(feature = "live")]
    Live(Box<LiveOptions>),
}

impl FeedSpec {
    /// The feeds, ready to start. What is wrong with its options is said now.
    pub(super) fn prepare(&self, profile: &Profile, _dir: &Path) -> Result<Vec<Feed>, ServeError> {
        match self {
            Self::Sim(options) => {
                let (profile, options) = (profile.clone(), options.clone());
                Ok(vec![Feed::new("sim", move |slot, sink| {
                    sim::run(&profile, &options, slot, sink);
                    Ok(())
                })])
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
                Ok(vec![Feed::new("replay", move |slot, sink| {
                    replay::run(&options, slot, sink).map_err(|error| error.to_string())
                })])
            }
            #[cfg(feature = "live")]
            Self::Live(options) => crate::live::feeds(options, profile, _dir)
                .map_err(ServeError::io("set up the live feeds")),
        }
    }
}
