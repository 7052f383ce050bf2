//! Publishing an account again though it did not change: what is derived from it did.

use super::{Applied, RegionWriter};
use crate::order::Stamp;
use crate::profile::Kind;
use crate::record::{self, Version};
use crate::region::RecordRef;
use crate::{Pubkey, clock};

/// No account on chain is longer.
const MAX_ACCOUNT: usize = 10 << 20;

impl RegionWriter {
    /// Whether an update with this stamp is not older than what is known of the account, or, for
    /// a market, of the one that has its index now. True for an account that is not known.
    pub fn is_news(&self, kind: Kind, pubkey: &Pubkey, index: Option<u16>, stamp: &Stamp) -> bool {
        self.outdoes(self.region.find(pubkey), kind, index, stamp)
    }

    /// Publishes the account's newest version once more with other extra words. Its stamp stays,
    /// so whatever would have replaced the account still does. [`Applied::Absorbed`] if it has
    /// these words already, or if nothing was published of it yet.
    pub fn republish_extra(&mut self, account: &RecordRef, extra: &[u64]) -> Applied {
        let section = *self.region.geometry().section(account.kind);
        let words = self.words_of(&section, account.place as usize);
        let same = self.region.read(account, |buffer| {
            (0..section.shape.extra_words)
                .all(|i| buffer.extra(i) == extra.get(i).copied().unwrap_or(0))
        });
        let (Ok(false), Ok(mut old)) = (same, self.region.snapshot(account)) else {
            return Applied::Absorbed;
        };
        let seen = record::seen(words, section.shape);
        // A truncated account stays one: its length is its real one, its tail is not stored.
        old.data.resize((old.meta.data_len as usize).min(MAX_ACCOUNT), 0);
        let version = self.publish(
            account,
            &Version {
                data: &old.data,
                extra,
                slot: old.meta.slot,
                write_version: old.meta.write_version,
                source: old.meta.source,
                received_ns: old.meta.received_ns,
                publish_ns: clock::monotonic_ns(),
                lamports: old.meta.lamports,
                closed: old.meta.closed,
                layout_mismatch: old.meta.layout_mismatch,
            },
        );
        if let Some((slot, write_version, source)) = seen {
            record::set_seen(words, section.shape, slot, write_version, source);
        }
        Applied::Published { record: account.number, version }
    }
}
