//! Which accounts are followed: by policy, and because somebody asks for them.

use std::time::Instant;

use driftshm_layout::Pubkey;
use driftshm_layout::profile::Kind;

use super::Publisher;
use crate::feeds::FeedCommand;

/// Which users, and stats of users, are recorded. Everything else always is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Follow {
    /// Every one that a feed brings.
    #[default]
    All,
    /// Those that a bot watches, or that are named at the start.
    Watched,
}

impl Publisher {
    /// Whether an account of this kind is recorded though nobody asks for it.
    pub(super) fn follows_all_of(&self, kind: Kind) -> bool {
        match kind {
            Kind::User | Kind::UserStats => self.follow == Follow::All,
            _ => true,
        }
    }

    /// Whether the account is to be recorded.
    #[inline]
    pub(super) fn follows(&self, kind: Kind, pubkey: &Pubkey) -> bool {
        self.follows_all_of(kind) || self.watches.wants(pubkey)
    }

    /// One more wants the account.
    pub(super) fn want(&mut self, pubkey: &Pubkey) {
        if !self.watches.add(pubkey) {
            return;
        }
        self.feeds.tell(FeedCommand::Follow(*pubkey));
        let region = self.writer.region();
        if region.find(pubkey).is_some_and(|account| !region.is_followed(&account)) {
            self.returning.insert(*pubkey);
        }
    }

    /// One less wants the account.
    pub(super) fn unwant(&mut self, pubkey: &Pubkey) {
        self.watches.remove(pubkey, Instant::now());
    }

    /// A feed has brought an account that is wanted again: it is vouched for from now on.
    pub(super) fn has_returned(&mut self, pubkey: &Pubkey) {
        if self.returning.remove(pubkey) {
            self.set_followed(pubkey, true);
        }
    }

    /// Stores whether what the region has of an account is vouched for.
    pub(super) fn set_followed(&mut self, pubkey: &Pubkey, followed: bool) {
        if let Some(account) = self.writer.region().find(pubkey) {
            self.writer.set_followed(&account, followed);
        }
    }

    /// Accounts of this kind that nobody watches are fetched later than the others, or nobody brings
    /// them for now: each is vouched for again once it has come.
    pub(super) fn doubt_unwatched(&mut self, kind: Kind) {
        let records: Vec<_> = self.writer.region().accounts(kind).collect();
        for record in records {
            let region = self.writer.region();
            let Some(pubkey) = region.pubkey(&record) else { continue };
            let is_open = region.meta(&record).is_ok_and(|meta| !meta.closed);
            if is_open && region.is_followed(&record) && !self.watches.wants(&pubkey) {
                self.writer.set_followed(&record, false);
                self.returning.insert(pubkey);
            }
        }
    }

    /// Changes of these were not told of, or could not be read: each is vouched for once it has come
    /// again.
    pub(super) fn doubt_each(&mut self, pubkeys: Vec<Pubkey>) {
        for pubkey in pubkeys {
            // What the region does not have is not vouched for anyway.
            if let Some(account) = self.writer.region().find(&pubkey) {
                self.writer.set_followed(&account, false);
                self.returning.insert(pubkey);
            }
        }
    }

    /// Lets go of accounts that nobody has wanted for a while.
    pub(super) fn end_watches(&mut self, now: Instant) {
        while let Some(pubkey) = self.watches.expire(now) {
            let account = self.writer.region().find(&pubkey);
            let stays = account.is_some_and(|account| match account.kind {
                Kind::Oracle => {
                    self.registry.uses(&pubkey).is_some() || self.is_own_oracle(&account)
                }
                kind => self.follows_all_of(kind),
            });
            if stays {
                continue;
            }
            self.feeds.tell(FeedCommand::Unfollow(pubkey));
            self.returning.remove(&pubkey);
            self.unconfirmed.remove(&pubkey);
            if let Some(account) = account {
                self.writer.set_followed(&account, false);
            }
        }
    }
}
