//! What is said of an account before its fields.

use std::fmt::Write;

use driftshm_layout::clock;
use serde_json::{Map, Value};

use super::Account;
use crate::commands::headline::{Price, headline};
use crate::commands::keys::{symbol, symbol_key};
use crate::commands::output::{Paint, duration};

/// Everything but the account itself.
pub struct Header<'a> {
    account: &'a Account<'a>,
    symbol: Option<String>,
    pubkey: Option<String>,
    /// Nanoseconds since it was published.
    age_ns: Option<u64>,
    prices: Vec<Price>,
}

impl<'a> Header<'a> {
    /// Looks it up.
    pub fn new(account: &'a Account<'a>) -> Self {
        let region = account.region;
        // Times of another boot mean nothing.
        let this_boot = region.heartbeat_age_ns() != u64::MAX;
        let published = account.snapshot.meta.publish_ns;
        Self {
            account,
            symbol: symbol(region, &account.record),
            pubkey: region.pubkey(&account.record).map(|pubkey| pubkey.to_string()),
            age_ns: this_boot.then(|| clock::monotonic_ns().saturating_sub(published)),
            prices: headline(region, &account.record),
        }
    }

    /// For `--json`.
    pub fn to_json(&self) -> Map<String, Value> {
        let meta = &self.account.snapshot.meta;
        let region = self.account.region;
        let mut object = Map::new();
        let mut put = |name: &str, value: Value| object.insert(name.to_owned(), value);
        put("kind", self.account.record.kind.as_str().into());
        put("index", self.index().into());
        put(symbol_key(self.account.record.kind), self.symbol.clone().into());
        put("pubkey", self.pubkey.clone().into());
        put("slot", meta.slot.into());
        put("write_version", meta.write_version.into());
        put("version", meta.version.into());
        put("age_ns", self.age_ns.into());
        put("lamports", meta.lamports.into());
        put("data_len", meta.data_len.into());
        put("closed", meta.closed.into());
        put("layout_mismatch", meta.layout_mismatch.into());
        put("truncated", meta.truncated.into());
        put("followed", region.is_followed(&self.account.record).into());
        put("writer_alive", region.writer_alive().into());
        for price in &self.prices {
            put(price.name, i64::try_from(price.value).ok().into());
            put(&format!("{}_float", price.name), price.float().into());
        }
        object
    }

    /// Two or three lines.
    pub fn to_text(&self, paint: Paint) -> String {
        let meta = &self.account.snapshot.meta;
        let region = self.account.region;
        let mut first = vec![self.account.record.kind.as_str().to_owned()];
        first.extend(self.index().map(|index| index.to_string()));
        first.extend(self.symbol.clone());
        first.extend(self.pubkey.clone());
        let mut text = first.join(" ") + "\n";
        let age = self.age_ns.map(duration).unwrap_or_else(|| "unknown".into());
        let (slot, version, len) = (meta.slot, meta.version, meta.data_len);
        let mut second = format!("slot {slot}  version {version}  age {age}  {len} bytes");
        for price in &self.prices {
            let _ = write!(second, "  {} {}", price.name, price.text());
        }
        text += &(paint.dim(&second) + "\n");
        let mut note = |condition: bool, what: &str| {
            if condition {
                text += &(paint.odd(what) + "\n");
            }
        };
        note(meta.closed, "closed: the account is no more");
        let unknown = "its length is not one that the profile describes: no fields";
        note(meta.layout_mismatch, unknown);
        note(meta.truncated, "longer than its record: its tail is missing (see --headroom)");
        note(!region.is_followed(&self.account.record), "no longer followed: this may be old");
        note(!region.writer_alive(), "no writer lives: this may be old (see driftshm status)");
        text
    }

    fn index(&self) -> Option<u32> {
        use driftshm_layout::profile::Kind::{PerpMarket, SpotMarket};
        let record = &self.account.record;
        matches!(record.kind, PerpMarket | SpotMarket).then_some(record.place)
    }
}
