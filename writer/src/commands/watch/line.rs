//! One change as a line.

use std::collections::HashMap;
use std::io::{self, Write};

use driftshm_layout::control::{Change, Item};
use driftshm_layout::profile::Kind;
use driftshm_layout::{Region, clock};
use serde_json::{Map, Value, json};

use crate::commands::headline::headline;
use crate::commands::keys;
use crate::commands::output::{Paint, time_of_day};

/// Prints changes in one of the two forms.
pub struct Lines {
    json: bool,
    paint: Paint,
    /// By record and epoch; names hardly ever change.
    symbols: HashMap<(u32, u64), Option<String>>,
}

impl Lines {
    /// Nothing printed yet.
    pub fn new(json: bool) -> Self {
        Self { json, paint: Paint::stdout(), symbols: HashMap::new() }
    }

    /// Prints one item.
    pub fn print(&mut self, region: &Region, item: &Item, out: &mut impl Write) -> io::Result<()> {
        match (item, self.json) {
            (Item::Change(change), true) => writeln!(out, "{}", self.as_json(region, change)),
            (Item::Change(change), false) => writeln!(out, "{}", self.as_text(region, change)),
            (Item::Lagged(count), true) => writeln!(out, "{}", json!({ "lagged": count })),
            (Item::Lagged(count), false) => {
                let text = format!("… {count} journal entries were lost: this reader is too slow");
                writeln!(out, "{}", self.paint.odd(&text))
            }
        }
    }

    fn symbol(&mut self, region: &Region, change: &Change) -> Option<String> {
        let account = &change.account;
        let known = self.symbols.entry((account.number, account.epoch));
        known.or_insert_with(|| keys::symbol(region, account)).clone()
    }

    fn as_json(&mut self, region: &Region, change: &Change) -> Value {
        let account = &change.account;
        let mut object = Map::new();
        object.insert("kind".into(), account.kind.as_str().into());
        object.insert("index".into(), index(change).into());
        let name = keys::symbol_key(account.kind);
        object.insert(name.into(), self.symbol(region, change).into());
        object.insert("pubkey".into(), change.pubkey.to_string().into());
        object.insert("slot".into(), change.slot.into());
        object.insert("version".into(), change.version.into());
        object.insert("missed".into(), change.missed.into());
        object.insert("publish_ns".into(), change.publish_ns.into());
        object.insert("unix_ns".into(), unix_ns(change).into());
        for price in headline(region, account) {
            object.insert(price.name.into(), i64::try_from(price.value).ok().into());
            object.insert(format!("{}_float", price.name), price.float().into());
        }
        object.into()
    }

    fn as_text(&mut self, region: &Region, change: &Change) -> String {
        let symbol = self.symbol(region, change);
        let key = match (index(change), symbol) {
            (Some(index), Some(symbol)) => format!("{index} {symbol}"),
            (Some(index), None) => index.to_string(),
            (None, _) => change.pubkey.to_string(),
        };
        let time = self.paint.dim(&time_of_day(unix_ns(change)));
        let kind = change.account.kind.as_str();
        let (slot, version) = (change.slot, change.version);
        let mut line = format!("{time}  {kind:<11} {key:<16}  slot {slot}  v{version:<6}");
        for price in headline(region, &change.account) {
            line += &format!("  {} {}", price.name, price.text());
        }
        if region.meta(&change.account).is_ok_and(|meta| meta.closed) {
            line += &self.paint.odd("  closed");
        }
        if change.missed != 0 {
            line += &self.paint.dim(&format!("  ({} missed)", change.missed));
        }
        line.trim_end().to_owned()
    }
}

/// The market index, of markets.
fn index(change: &Change) -> Option<u32> {
    let market = matches!(change.account.kind, Kind::PerpMarket | Kind::SpotMarket);
    market.then_some(change.account.place)
}

/// The wall time of the publish.
fn unix_ns(change: &Change) -> u64 {
    let age = clock::monotonic_ns().saturating_sub(change.publish_ns);
    clock::unix_ns().saturating_sub(age)
}
