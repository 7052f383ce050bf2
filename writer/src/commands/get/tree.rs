//! An account's fields, one line each, under the paths by which they can be asked for.

use driftshm_layout::profile::{
    AccountDef, DISCRIMINATOR_LEN, Field, Profile, Type, UnitId, Value,
};

use crate::commands::headline::Price;
use crate::commands::output::{Paint, scaled};

/// Longer lists of numbers are cut.
const LISTED: u32 = 16;

struct Line {
    path: String,
    value: String,
    /// The same in its unit.
    note: String,
}

/// The lines of one account.
pub struct Tree<'a> {
    profile: &'a Profile,
    data: &'a [u8],
    lines: Vec<Line>,
}

impl<'a> Tree<'a> {
    /// No lines yet.
    pub fn new(profile: &'a Profile, data: &'a [u8]) -> Self {
        Self { profile, data, lines: Vec::new() }
    }

    /// Adds all fields of the account.
    pub fn account(&mut self, def: &AccountDef) {
        let offset = DISCRIMINATOR_LEN as u32;
        self.field("", Field { offset, ty: Type::Struct(def.struct_id), unit: None });
    }

    /// Adds a field with all that is in it.
    pub fn field(&mut self, path: &str, field: Field) {
        match field.ty {
            Type::Struct(id) => {
                let Some(def) = self.profile.struct_def(id) else { return };
                for inner in &def.fields {
                    let dot = if path.is_empty() { "" } else { "." };
                    let path = format!("{path}{dot}{}", inner.name);
                    let offset = field.offset.saturating_add(inner.offset);
                    self.field(&path, Field { offset, ..inner.field() });
                }
            }
            Type::Array(id) => {
                let Some(array) = self.profile.array(id) else { return };
                let elem = |index: u32| Field {
                    offset: field.offset.saturating_add(index * array.elem.size() as u32),
                    ty: array.elem,
                    unit: field.unit,
                };
                if matches!(array.elem, Type::Struct(_) | Type::Array(_)) {
                    self.elements(path, array.len, elem);
                } else {
                    self.list(path, array.len, elem);
                }
            }
            _ => {
                let (value, note) = match field.read(self.data) {
                    Some(value) => (self.leaf(&value), self.in_unit(&value, field.unit)),
                    None => ("-".to_owned(), "behind the account's end".to_owned()),
                };
                self.lines.push(Line { path: path.to_owned(), value, note });
            }
        }
    }

    /// Adds what is no field.
    pub fn figure(&mut self, price: &Price) {
        let (path, value) = (price.name.to_owned(), price.value.to_string());
        self.lines.push(Line { path, value, note: price.text() + " price" });
    }

    /// Structs: those in use; how many others there are is one line.
    fn elements(&mut self, path: &str, len: u32, elem: impl Fn(u32) -> Field) {
        let mut empty = 0;
        for index in 0..len {
            let field = elem(index);
            let bytes = field.bytes(self.data).unwrap_or_default();
            if bytes.iter().all(|byte| *byte == 0) {
                empty += 1;
            } else {
                self.field(&format!("{path}[{index}]"), field);
            }
        }
        if empty != 0 {
            let value = format!("{empty} of {len} are empty");
            self.lines.push(Line { path: path.to_owned(), value, note: String::new() });
        }
    }

    /// Numbers and the like: all on one line.
    fn list(&mut self, path: &str, len: u32, elem: impl Fn(u32) -> Field) {
        let one = |index| elem(index).read(self.data).map_or("-".into(), |value| self.leaf(&value));
        let mut shown: Vec<String> = (0..len.min(LISTED)).map(one).collect();
        if len > LISTED {
            shown.push(format!("… {len} in all"));
        }
        let value = format!("[{}]", shown.join(", "));
        self.lines.push(Line { path: path.to_owned(), value, note: String::new() });
    }

    fn leaf(&self, value: &Value) -> String {
        match value {
            Value::Bool(truth) => truth.to_string(),
            Value::UInt(number) => number.to_string(),
            Value::Int(number) => number.to_string(),
            Value::Pubkey(key) => key.to_string(),
            Value::Enum { id, discriminant } => match self.profile.variant(*id, *discriminant) {
                Some(name) => name.to_owned(),
                None => discriminant.to_string(),
            },
            Value::Bytes(bytes) => bytes_text(bytes),
        }
    }

    fn in_unit(&self, value: &Value, unit: Option<UnitId>) -> String {
        let Some(unit) = unit.and_then(|id| self.profile.unit(id)) else { return String::new() };
        let decimals = u32::from(unit.decimals);
        let figure = match value {
            Value::UInt(number) => scaled(false, *number, decimals),
            Value::Int(number) => scaled(*number < 0, number.unsigned_abs(), decimals),
            _ => return String::new(),
        };
        if decimals == 0 { unit.name.clone() } else { format!("{figure} {}", unit.name) }
    }

    /// Aligned columns.
    pub fn to_text(&self, paint: Paint) -> String {
        let width = |text: fn(&Line) -> &str, most: usize| {
            let widths = self.lines.iter().map(|line| text(line).chars().count());
            widths.filter(|width| *width <= most).max().unwrap_or_default()
        };
        let paths = width(|line| &line.path, 64);
        let values = width(|line| if line.note.is_empty() { "" } else { &line.value }, 44);
        let mut text = String::new();
        for Line { path, value, note } in &self.lines {
            text += &paint.dim(&format!("{path:<paths$}"));
            text += &match note.is_empty() {
                true => format!("  {value}\n"),
                false => format!("  {value:<values$}  {}\n", paint.dim(note)),
            };
        }
        text
    }
}

/// A name as text, anything else in hexadecimal.
fn bytes_text(bytes: &[u8]) -> String {
    let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    let used = bytes.get(..end).unwrap_or_default();
    let printable = used.iter().all(|byte| (b' '..=b'~').contains(byte));
    match std::str::from_utf8(used) {
        Ok("") => format!("{} zero bytes", bytes.len()),
        Ok(text) if printable => format!("{:?}", text.trim_end()),
        _ => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use driftshm_layout::profile::Kind;

    #[test]
    fn fields_are_named_by_paths_and_shown_in_their_units() {
        let profile = Profile::builtin("drift-v2").unwrap();
        let def = profile.account(Kind::PerpMarket).unwrap();
        let mut data = def.blank();
        let set = |data: &mut Vec<u8>, path: &str, number| {
            assert!(profile.resolve(def, path).unwrap().write_int(data, number));
        };
        set(&mut data, "amm.base_asset_reserve", 1_500_000_000);
        set(&mut data, "amm.base_asset_amount_short", -2_000_000_000);
        assert!(profile.resolve(def, "name").unwrap().write_bytes(&mut data, b"SOL-PERP        "));
        let mut tree = Tree::new(&profile, &data);
        tree.account(def);
        let text = tree.to_text(Paint(false));
        let line = |path: &str| -> Vec<&str> {
            let line = text.lines().find(|line| line.starts_with(&format!("{path} "))).unwrap();
            line.split_whitespace().collect()
        };
        assert_eq!(line("amm.base_asset_reserve")[1..], ["1500000000", "1.5", "amm_reserve"]);
        assert_eq!(line("amm.base_asset_amount_short")[1..], ["-2000000000", "-2", "base"]);
        assert_eq!(line("name")[1..], ["\"SOL-PERP\""]);
        assert_eq!(line("status")[1..], ["Initialized"]);
    }

    #[test]
    fn empty_elements_of_a_list_are_one_line() {
        let profile = Profile::builtin("drift-v2").unwrap();
        let def = profile.account(Kind::User).unwrap();
        let mut data = def.blank();
        let price = profile.resolve(def, "orders[3].price").unwrap();
        assert!(price.write_int(&mut data, 7_000_000));
        let mut tree = Tree::new(&profile, &data);
        tree.field("orders", profile.resolve(def, "orders").unwrap());
        let text = tree.to_text(Paint(false));
        assert!(text.contains("orders[3].price "), "{text}");
        assert!(!text.contains("orders[0]"), "{text}");
        assert!(text.contains("31 of 32 are empty"), "{text}");
    }

    #[test]
    fn what_an_account_is_too_short_for_is_not_made_up() {
        let profile = Profile::builtin("drift-v2").unwrap();
        let def = profile.account(Kind::State).unwrap();
        let data = &def.blank()[..100];
        let mut tree = Tree::new(&profile, data);
        tree.account(def);
        let text = tree.to_text(Paint(false));
        assert!(text.lines().last().unwrap().contains(" -"), "{text}");
    }

    #[test]
    fn bytes_are_text_if_they_can_be() {
        assert_eq!(bytes_text(b"BTC-PERP    "), "\"BTC-PERP\"");
        assert_eq!(bytes_text(b"main\0\0\0"), "\"main\"");
        assert_eq!(bytes_text(&[0; 3]), "3 zero bytes");
        assert_eq!(bytes_text(&[1, 255]), "01ff");
    }
}
