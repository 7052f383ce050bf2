//! From what people type (`SOL-PERP`, `3`, an address) to an account of the region.

use driftshm_layout::profile::{Kind, role};
use driftshm_layout::{Pubkey, RecordRef, Region};

use super::failure::Failure;
use super::output::some_of;

/// More than these are not listed when something is not found.
const LISTED: usize = 12;

/// A market that is there.
pub struct Market {
    /// Its index.
    pub index: u16,
    /// Its symbol, if it has one.
    pub symbol: Option<String>,
    /// Its record.
    pub account: RecordRef,
}

/// What [`symbol`] is called in JSON: a user has a name of its own choosing, and no symbol.
pub fn symbol_key(kind: Kind) -> &'static str {
    if kind == Kind::User { "name" } else { "symbol" }
}

/// The name that an account gives itself.
pub fn symbol(region: &Region, account: &RecordRef) -> Option<String> {
    let field = region.profile().account(account.kind)?.role(role::SYMBOL)?;
    let snapshot = region.snapshot(account).ok()?;
    let text = field.read_text(&snapshot.data)?;
    // Anybody can name an account, also with what would steer a terminal.
    let text: String = text.chars().filter(|c| !c.is_control()).collect();
    (!text.is_empty()).then_some(text)
}

/// All markets of a kind.
pub fn markets(region: &Region, kind: Kind) -> Vec<Market> {
    let all = region.accounts(kind).filter(|account| region.meta(account).is_ok());
    all.filter_map(|account| {
        let index = u16::try_from(account.place).ok()?;
        Some(Market { index, symbol: symbol(region, &account), account })
    })
    .collect()
}

/// The index of a market by its index or symbol. An index need not be in use yet.
pub fn market_index(region: &Region, kind: Kind, key: &str) -> Result<u16, Failure> {
    if let Ok(index) = key.parse() {
        return Ok(index);
    }
    let all = markets(region, kind);
    let same = |market: &&Market| {
        market.symbol.as_deref().is_some_and(|symbol| symbol.eq_ignore_ascii_case(key))
    };
    match all.iter().find(same) {
        Some(market) => Ok(market.index),
        None => Err(no_market(region, kind, key, &all)),
    }
}

/// A market by its index, symbol or address.
pub fn market(region: &Region, kind: Kind, key: &str) -> Result<RecordRef, Failure> {
    let missing = || no_market(region, kind, key, &markets(region, kind));
    if let Ok(address) = key.parse::<Pubkey>() {
        return region.find(&address).filter(|found| found.kind == kind).ok_or_else(missing);
    }
    let index = market_index(region, kind, key)?;
    region.at(kind, index.into()).filter(|found| region.meta(found).is_ok()).ok_or_else(missing)
}

/// An oracle by its address, or by a market that is priced by it: a symbol, `perp:0`, `spot:0`,
/// or a perp market's index.
pub fn oracle(region: &Region, key: &str) -> Result<RecordRef, Failure> {
    if let Ok(address) = key.parse::<Pubkey>() {
        let found = region.find(&address).filter(|found| found.kind == Kind::Oracle);
        let count = region.accounts(Kind::Oracle).count();
        return found.ok_or_else(|| {
            Failure::NotThere(format!("there is no oracle {key} among the {count} of the region"))
        });
    }
    let market = match key.split_once(':') {
        Some(("perp", key)) => market(region, Kind::PerpMarket, key),
        Some(("spot", key)) => market(region, Kind::SpotMarket, key),
        _ => market(region, Kind::PerpMarket, key).or_else(|perp| {
            // A number means a perp market; a symbol may be a spot market's.
            match key.parse::<u16>() {
                Ok(_) => Err(perp),
                Err(_) => market(region, Kind::SpotMarket, key)
                    .map_err(|spot| Failure::NotThere(format!("{perp}; {spot}"))),
            }
        }),
    }?;
    let found = region.oracle_of(&market).map(|(oracle, _)| oracle);
    found.ok_or_else(|| Failure::NotThere(format!("the market {key} has no oracle account")))
}

/// The address that `ADDRESS`, `AUTHORITY` or `AUTHORITY:SUB_ID` means for a user: an authority
/// without a number, only if the region has no user with that address.
pub fn user_address(region: &Region, key: &str) -> Result<Pubkey, Failure> {
    let (text, sub_account_id) = match key.split_once(':') {
        Some((text, id)) => {
            let id: u16 = id.parse().map_err(|_| {
                let allowed = "write AUTHORITY:SUB_ID, with a number from 0 to 65535";
                Failure::Argument(format!("{id:?} is no sub-account id: {allowed}"))
            })?;
            (text, Some(id))
        }
        None => (key, None),
    };
    let address: Pubkey = text
        .parse()
        .map_err(|error: driftshm_layout::PubkeyError| Failure::Argument(error.to_string()))?;
    let derived = |id| region.profile().user_address(&address, id);
    match sub_account_id {
        Some(id) => derived(id).ok_or_else(|| {
            Failure::NotThere("this profile does not say how users' addresses are derived".into())
        }),
        None if region.find(&address).is_some() => Ok(address),
        None => Ok(derived(0).filter(|user| region.find(user).is_some()).unwrap_or(address)),
    }
}

/// What to watch for `ADDRESS`, `AUTHORITY` or `AUTHORITY:SUB_ID`: an address that the region does
/// not have may be an account's, or an authority's whose first sub-account is yet to be brought.
pub fn addresses_to_watch(region: &Region, key: &str) -> Result<Vec<Pubkey>, Failure> {
    let address = user_address(region, key)?;
    let may_be_authority = !key.contains(':') && region.find(&address).is_none();
    let first = may_be_authority.then(|| region.profile().user_address(&address, 0)).flatten();
    Ok([Some(address), first].into_iter().flatten().collect())
}

/// A user by its address, or by its authority's.
pub fn user(region: &Region, key: &str) -> Result<RecordRef, Failure> {
    let address = user_address(region, key)?;
    let found = region.find(&address).filter(|found| found.kind == Kind::User);
    found.ok_or_else(|| no_user(region, key))
}

/// User stats by their address, or by their authority's.
pub fn user_stats(region: &Region, key: &str) -> Result<RecordRef, Failure> {
    let address: Pubkey = key
        .parse()
        .map_err(|error: driftshm_layout::PubkeyError| Failure::Argument(error.to_string()))?;
    let derived = region.profile().user_stats_address(&address);
    let found = [Some(address), derived]
        .into_iter()
        .flatten()
        .find_map(|address| region.find(&address).filter(|found| found.kind == Kind::UserStats));
    found.ok_or_else(|| {
        let count = region.accounts(Kind::UserStats).count();
        Failure::NotThere(format!(
            "there are no user stats of {key} among the {count} of the region"
        ))
    })
}

/// The state account.
pub fn state(region: &Region) -> Result<RecordRef, Failure> {
    region.accounts(Kind::State).next().ok_or_else(|| {
        let feed = region.feed_state().as_str();
        Failure::NotThere(format!("there is no state account yet: the feed is {feed}"))
    })
}

/// `0 SOL-PERP, 1 BTC-PERP, …`
pub fn list(all: &[Market]) -> String {
    let names: Vec<String> = all
        .iter()
        .map(|market| match &market.symbol {
            Some(symbol) => format!("{} {symbol}", market.index),
            None => market.index.to_string(),
        })
        .collect();
    some_of(&names, LISTED)
}

fn no_market(region: &Region, kind: Kind, key: &str, all: &[Market]) -> Failure {
    let what = kind.as_str().replace('_', " ");
    Failure::NotThere(match all {
        [] => {
            let feed = region.feed_state().as_str();
            format!("there is no {what} {key}, nor any other yet: the feed is {feed}")
        }
        all => format!("there is no {what} {key}: there are {}", list(all)),
    })
}

fn no_user(region: &Region, key: &str) -> Failure {
    let authority = key.split(':').next().unwrap_or_default().parse::<Pubkey>().ok();
    let others: Vec<String> = authority.map_or_else(Vec::new, |it| sub_accounts(region, &it));
    Failure::NotThere(match others.as_slice() {
        [] => {
            let count = region.accounts(Kind::User).count();
            format!(
                "there is no user {key} among the {count} of the region; the writer follows one \
                 that is named by --user, or that a bot watches (driftshm watch --user {key})"
            )
        }
        others => format!(
            "there is no user {key}: of this authority there are the sub-accounts {}",
            some_of(others, LISTED)
        ),
    })
}

fn sub_accounts(region: &Region, authority: &Pubkey) -> Vec<String> {
    let Some(def) = region.profile().account(Kind::User) else { return Vec::new() };
    let (Some(owner), Some(id)) = (def.role(role::AUTHORITY), def.role(role::SUB_ACCOUNT_ID))
    else {
        return Vec::new();
    };
    let of_authority = region.accounts(Kind::User).filter_map(|account| {
        let data = region.snapshot(&account).ok()?.data;
        (owner.read_pubkey(&data)? == *authority).then(|| id.read_u64(&data))?
    });
    let mut ids: Vec<u64> = of_authority.collect();
    ids.sort_unstable();
    ids.iter().map(u64::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use driftshm_layout::profile::Profile;
    use driftshm_layout::{AccountUpdate, RegionOptions, RegionWriter, Stamp};

    #[test]
    fn an_address_that_the_region_does_not_have_is_watched_as_an_authority_too() {
        let dir = tempfile::tempdir().unwrap();
        let options = RegionOptions::new("test", Profile::builtin("drift-v2").unwrap());
        let (mut writer, _) = RegionWriter::open(dir.path(), options).unwrap();
        let authority = Pubkey([9; 32]);
        let [first, second] =
            [0, 1].map(|id| writer.region().profile().user_address(&authority, id).unwrap());
        let watched = |writer: &RegionWriter, key: &str| {
            addresses_to_watch(writer.region(), key).unwrap_or_else(|error| panic!("{error}"))
        };
        let key = authority.to_string();
        assert_eq!(watched(&writer, &key), [authority, first]);
        assert_eq!(watched(&writer, &format!("{key}:1")), [second]);
        writer.apply(&AccountUpdate {
            kind: Kind::User,
            pubkey: first,
            index: None,
            stamp: Stamp::default(),
            received_ns: 0,
            lamports: 1,
            data: &[1; 8],
            extra: &[],
            closed: false,
            layout_mismatch: false,
        });
        assert_eq!(watched(&writer, &key), [first]);
        assert_eq!(watched(&writer, &first.to_string()), [first]);
    }
}
