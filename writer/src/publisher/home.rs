//! The directory that region, lock and control socket share: what the publisher tells the socket.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use driftshm_layout::{dir, mapping};
use tokio::sync::Notify;

/// The directory as the writer knows it.
pub struct Home {
    dir: PathBuf,
    /// Which file the writer's lock is.
    lock: Mutex<Option<(u64, u64)>>,
    moved: Notify,
}

impl Home {
    /// To be called by who holds the lock that is there now.
    pub fn new(dir: &Path) -> Self {
        let home = Self { dir: dir.into(), lock: Mutex::default(), moved: Notify::new() };
        home.note_lock();
        home
    }

    /// The directory was made anew, or its lock: the caller holds the one that is there now.
    pub fn is_anew(&self) {
        self.note_lock();
        self.moved.notify_one();
    }

    /// Waits until it was made anew.
    pub async fn made_anew(&self) {
        self.moved.notified().await;
    }

    fn note_lock(&self) {
        *self.lock.lock().unwrap_or_else(PoisonError::into_inner) = self.lock_there();
    }

    fn lock_there(&self) -> Option<(u64, u64)> {
        mapping::identity(&dir::lock_path(&self.dir)).ok()
    }

    /// Whether the lock that is there now is the writer's: only then may it name files there.
    pub fn is_ours(&self) -> bool {
        let ours = *self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        ours.is_some() && ours == self.lock_there()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_ours_while_the_lock_in_it_is_the_one_we_hold() {
        let temp = tempfile::tempdir().unwrap();
        assert!(!Home::new(temp.path()).is_ours(), "no lock at all");
        let path = dir::lock_path(temp.path());
        std::fs::write(&path, "").unwrap();
        let home = Home::new(temp.path());
        assert!(home.is_ours());
        let aside = temp.path().join("aside");
        std::fs::rename(&path, aside).unwrap();
        assert!(!home.is_ours());
        std::fs::write(&path, "").unwrap();
        assert!(!home.is_ours(), "another's");
        home.is_anew();
        assert!(home.is_ours());
    }
}
