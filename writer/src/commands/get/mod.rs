//! `driftshm get`: one account, decoded.

mod header;
mod oracle;
mod tree;

use std::io::Write;
use std::process::ExitCode;

use clap::Args;
use driftshm_layout::profile::{AccountDef, Field};
use driftshm_layout::record::Unread;
use driftshm_layout::{RecordRef, Region, Snapshot};
use serde_json::{Map, Value, json};

use super::failure::Failure;
use super::headline::{Price, headline};
use super::keys;
use super::kind::KindName;
use super::output::Paint;
use super::place::PlaceArgs;
use header::Header;

/// Prints one account of the region, decoded.
#[derive(Debug, Clone, Args)]
#[command(
    override_usage = "driftshm get [OPTIONS] <perp|spot|oracle|user|user-stats> <KEY> [FIELD]...\n       \
    driftshm get [OPTIONS] state [FIELD]..."
)]
#[command(after_help = "KEY is\n  \
    perp, spot   a market's index, symbol (SOL-PERP) or address\n  \
    oracle       an address, or a market that it prices: SOL-PERP, perp:0, spot:0; 0 is perp:0\n  \
    user         an address, or AUTHORITY or AUTHORITY:SUB_ID\n  \
    user-stats   an address, or AUTHORITY\n\
    FIELD is a path, such as amm.base_asset_reserve or perp_positions[0]; only those are printed. So are\n\
    the figures of the heading: mark_price and oracle_price.")]
pub struct GetArgs {
    /// What kind of account
    kind: KindName,

    /// Which account (not for state), and which of its fields
    #[arg(value_name = "KEY [FIELD]...")]
    rest: Vec<String>,

    /// Print one JSON object, numbers as the program has them
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: PlaceArgs,
}

/// One version of an account, and what its bytes are.
struct Account<'a> {
    region: &'a Region,
    record: RecordRef,
    snapshot: Snapshot,
    /// `None` if the profile does not know them, or not in this length.
    def: Option<&'a AccountDef>,
}

/// What was asked for by name.
#[derive(Debug, Clone, Copy)]
enum Asked {
    /// Something that the account holds.
    Field(Field),
    /// What the heading says, and the account does not hold.
    Figure(Price),
}

/// Prints the account.
pub fn run(args: &GetArgs) -> Result<ExitCode, Failure> {
    let (_, region) = args.place.open()?;
    let (key, paths) = match (args.kind, args.rest.split_first()) {
        (KindName::State, _) => ("", args.rest.as_slice()),
        (_, Some((key, paths))) => (key.as_str(), paths),
        (kind, None) => return Err(no_key(&region, kind)),
    };
    let record = match args.kind {
        KindName::Perp | KindName::Spot => keys::market(&region, args.kind.into(), key),
        KindName::Oracle => keys::oracle(&region, key),
        KindName::User => keys::user(&region, key),
        KindName::UserStats => keys::user_stats(&region, key),
        KindName::State => keys::state(&region),
    }?;
    let snapshot =
        region.snapshot(&record).map_err(|unread| unread_failure(args.kind, key, unread))?;
    let def = region.profile().classify(&snapshot.data);
    let def = def.filter(|def| def.kind == record.kind && !snapshot.meta.layout_mismatch);
    let account = Account { region: &region, record, snapshot, def };
    let fields = resolve(&account, paths)?;
    let mut out = std::io::stdout().lock();
    match args.json {
        true => writeln!(out, "{:#}", as_json(&account, &fields))?,
        false => out.write_all(as_text(&account, &fields, Paint::stdout()).as_bytes())?,
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

fn resolve<'p>(
    account: &Account<'_>,
    paths: &'p [String],
) -> Result<Vec<(&'p str, Asked)>, Failure> {
    if paths.is_empty() {
        return Ok(Vec::new());
    }
    let Some(def) = account.def else {
        let why =
            if account.snapshot.meta.closed { "closed" } else { "not one the profile can read" };
        return Err(Failure::NotThere(format!("no fields: the account is {why}")));
    };
    let profile = account.region.profile();
    let figures = headline(account.region, &account.record);
    let one = |path: &'p String| {
        let asked = match profile.resolve(def, path) {
            Ok(field) => Asked::Field(field),
            Err(error) => match figures.iter().find(|figure| figure.name == path) {
                Some(figure) => Asked::Figure(*figure),
                None => return Err(error.into()),
            },
        };
        Ok((path.as_str(), asked))
    };
    paths.iter().map(one).collect()
}

fn as_json(account: &Account<'_>, fields: &[(&str, Asked)]) -> Value {
    let profile = account.region.profile();
    let data = &account.snapshot.data;
    let mut object = Header::new(account).to_json();
    if account.record.kind == driftshm_layout::profile::Kind::Oracle && fields.is_empty() {
        object.insert("prices".into(), oracle::to_json(account));
    }
    if fields.is_empty() {
        let decoded = account.def.and_then(|def| profile.to_json_value(def, data));
        object.insert("account".into(), decoded.unwrap_or_default());
    } else {
        let value = |asked: &Asked| match asked {
            Asked::Field(field) => profile.field_json_value(*field, data),
            Asked::Figure(price) => i64::try_from(price.value).ok().into(),
        };
        let values = fields.iter().map(|(path, asked)| ((*path).to_owned(), value(asked)));
        object.insert("fields".into(), values.collect::<Map<_, _>>().into());
    }
    json!(object)
}

fn as_text(account: &Account<'_>, fields: &[(&str, Asked)], paint: Paint) -> String {
    let profile = account.region.profile();
    let data = &account.snapshot.data;
    let mut text = Header::new(account).to_text(paint);
    let mut tree = tree::Tree::new(profile, data);
    match (account.def, fields) {
        (Some(def), []) => tree.account(def),
        (_, fields) => fields.iter().for_each(|(path, asked)| match asked {
            Asked::Field(field) => tree.field(path, *field),
            Asked::Figure(price) => tree.figure(price),
        }),
    }
    if account.record.kind == driftshm_layout::profile::Kind::Oracle && fields.is_empty() {
        text += &oracle::to_text(account);
    }
    text + &tree.to_text(paint)
}

fn no_key(region: &Region, kind: KindName) -> Failure {
    let known = match kind {
        KindName::Perp | KindName::Spot => keys::list(&keys::markets(region, kind.into())),
        _ => String::new(),
    };
    let known = if known.is_empty() { known } else { format!("; there are {known}") };
    Failure::Argument(format!("KEY is missing: which account? (driftshm get --help){known}"))
}

fn unread_failure(kind: KindName, key: &str, unread: Unread) -> Failure {
    let kind = driftshm_layout::profile::Kind::from(kind).as_str().replace('_', " ");
    Failure::NotThere(match unread {
        Unread::Empty => format!("nothing has been published of the {kind} {key} yet"),
        Unread::Gone => format!("the {kind} {key} has just been dropped from the region"),
    })
}
