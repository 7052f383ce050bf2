//! A reader's view of the region in a directory, also when another one takes its place.

use std::path::PathBuf;
use std::sync::Arc;

use driftshm_layout::Region;

/// Looks at whichever region a directory has.
pub struct Eye {
    dir: PathBuf,
    region: Option<Arc<Region>>,
}

impl Eye {
    /// For a directory; whether there is a region does not matter yet.
    pub fn new(dir: PathBuf) -> Self {
        Self { dir, region: None }
    }

    /// The region of now; nothing while there is none that opens.
    pub fn region(&mut self) -> Option<Arc<Region>> {
        match &self.region {
            None => self.region = Region::open(&self.dir).ok().map(Arc::new),
            // One load. The new one may not have the path yet: then the next look finds it.
            Some(region) if region.header().is_superseded() => {
                if let Ok(Some(successor)) = region.successor() {
                    self.region = Some(Arc::new(successor));
                }
            }
            Some(_) => {}
        }
        self.region.clone()
    }
}
