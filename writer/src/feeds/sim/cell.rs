//! Writing accounts by the profile's word.

use driftshm_layout::Pubkey;
use driftshm_layout::profile::{AccountDef, Field, Profile, Root, StructId, Type};

/// A field, if the profile has it: writing to one that it lacks does nothing, and neither does a
/// number that the field cannot hold.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Cell(Option<Field>);

impl Cell {
    /// The account's field that has this role.
    pub fn role(account: &AccountDef, role: &str) -> Self {
        Self(account.role(role))
    }

    /// The field at this path; where the profile has none, at the same path with an underscore
    /// before each number, as later programs spell it.
    pub fn path<'a>(profile: &Profile, root: impl Into<Root<'a>>, path: &str) -> Self {
        let root = root.into();
        let found = profile.resolve(root, path).ok();
        Self(found.or_else(|| profile.resolve(root, &spelled_apart(path)).ok()))
    }

    /// A perp market's field of this name: in its AMM, or where later programs have moved it.
    pub fn of_perp(profile: &Profile, account: &AccountDef, name: &str) -> Self {
        let homes = ["amm.", "", "market_stats.", "fee_ledger."];
        let find = |home| Self::path(profile, account, &format!("{home}{name}")).0;
        Self(homes.into_iter().find_map(find))
    }

    /// The same field of a struct that starts at `start`.
    pub fn at(self, start: u32) -> Self {
        Self(self.0.map(|field| Field { offset: start + field.offset, ..field }))
    }

    /// Stores a number, or a bool.
    pub fn set(self, data: &mut [u8], number: impl Into<i128>) {
        if let Some(field) = self.0 {
            let _ = field.write_int(data, number.into());
        }
    }

    /// Stores an amount that may be larger than any `i128`.
    pub fn set_amount(self, data: &mut [u8], number: impl Into<u128>) {
        if let Some(field) = self.0 {
            let _ = field.write_uint(data, number.into());
        }
    }

    /// Stores an address.
    pub fn set_key(self, data: &mut [u8], key: &Pubkey) {
        if let Some(field) = self.0 {
            let _ = field.write_pubkey(data, key);
        }
    }

    /// Stores a name, padded with spaces, cut if it is too long.
    pub fn set_name(self, data: &mut [u8], name: &str) {
        if let Some(field) = self.0 {
            let padded: Vec<u8> =
                name.bytes().chain(std::iter::repeat(b' ')).take(field.size()).collect();
            let _ = field.write_bytes(data, &padded);
        }
    }

    /// Stores a variant by its name, if the field's enum has it.
    pub fn set_variant(self, profile: &Profile, data: &mut [u8], name: &str) {
        let Some(Field { ty: Type::Enum(id), .. }) = self.0 else { return };
        let variants = profile.enum_def(id).map(|known| known.variants.as_slice());
        if let Some(place) = variants.and_then(|names| names.iter().position(|it| it == name)) {
            self.set(data, place as i128);
        }
    }

    /// The number in it.
    pub fn get(self, data: &[u8]) -> Option<i128> {
        self.0?.read_i128(data)
    }
}

/// `twap5min` as `twap_5min`.
fn spelled_apart(path: &str) -> String {
    let mut apart = String::with_capacity(path.len() + 4);
    for character in path.chars() {
        let after_letter = apart.ends_with(|before: char| before.is_ascii_lowercase());
        if after_letter && character.is_ascii_digit() {
            apart.push('_');
        }
        apart.push(character);
    }
    apart
}

/// A list of structs in an account; empty if the profile lacks it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct List {
    start: u32,
    stride: u32,
    /// How many there are.
    pub len: u32,
    /// What each is.
    pub elem: Option<StructId>,
}

impl List {
    /// The account's list that has this role.
    pub fn role(profile: &Profile, account: &AccountDef, role: &str) -> Self {
        let find = || {
            let field = account.role(role)?;
            let Type::Array(id) = field.ty else { return None };
            let array = profile.array(id)?;
            let Type::Struct(elem) = array.elem else { return None };
            let stride = array.elem.size() as u32;
            Some(Self { start: field.offset, stride, len: array.len, elem: Some(elem) })
        };
        find().unwrap_or_default()
    }

    /// The field at this path of each element, relative to the element.
    pub fn cell(self, profile: &Profile, path: &str) -> Cell {
        self.elem.map_or(Cell::default(), |elem| Cell::path(profile, elem, path))
    }

    /// Where an element starts.
    pub fn start(self, index: u32) -> u32 {
        self.start + index * self.stride
    }
}

/// An account while it is put together, field by field.
pub(super) struct Draft<'a> {
    profile: &'a Profile,
    def: &'a AccountDef,
    pub data: Vec<u8>,
}

impl<'a> Draft<'a> {
    /// An account of this description, all zero.
    pub fn new(profile: &'a Profile, def: &'a AccountDef) -> Self {
        Self { profile, def, data: def.blank() }
    }

    /// Stores a number where the profile has this path.
    pub fn set(&mut self, path: &str, number: impl Into<i128>) -> &mut Self {
        Cell::path(self.profile, self.def, path).set(&mut self.data, number);
        self
    }

    /// Stores a number in a perp market's field of this name.
    pub fn set_perp(&mut self, name: &str, number: impl Into<i128>) -> &mut Self {
        Cell::of_perp(self.profile, self.def, name).set(&mut self.data, number);
        self
    }

    /// Stores an address where the profile has this path.
    pub fn set_key(&mut self, path: &str, key: &Pubkey) -> &mut Self {
        Cell::path(self.profile, self.def, path).set_key(&mut self.data, key);
        self
    }

    /// Stores a variant where the profile has this path.
    pub fn set_variant(&mut self, path: &str, name: &str) -> &mut Self {
        Cell::path(self.profile, self.def, path).set_variant(self.profile, &mut self.data, name);
        self
    }

    /// Stores a number in the field that has this role.
    pub fn role(&mut self, role: &str, number: impl Into<i128>) -> &mut Self {
        Cell::role(self.def, role).set(&mut self.data, number);
        self
    }

    /// Stores an address in the field that has this role.
    pub fn role_key(&mut self, role: &str, key: &Pubkey) -> &mut Self {
        Cell::role(self.def, role).set_key(&mut self.data, key);
        self
    }

    /// Stores a name in the field that has this role.
    pub fn role_name(&mut self, role: &str, name: &str) -> &mut Self {
        Cell::role(self.def, role).set_name(&mut self.data, name);
        self
    }

    /// Stores a variant in the field that has this role.
    pub fn role_variant(&mut self, role: &str, name: &str) -> &mut Self {
        Cell::role(self.def, role).set_variant(self.profile, &mut self.data, name);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use driftshm_layout::profile::{Kind, role};

    #[test]
    fn what_the_profile_lacks_or_cannot_hold_is_left_alone() {
        let profile = Profile::builtin("drift-v2").unwrap();
        let mut data = profile.blank(Kind::PerpMarket).unwrap();
        let before = data.clone();
        Cell::path(&profile, Kind::PerpMarket, "no.such_field").set(&mut data, 1);
        Cell::path(&profile, Kind::PerpMarket, "market_index").set(&mut data, 70_000);
        Cell::path(&profile, Kind::PerpMarket, "status").set_variant(&profile, &mut data, "None");
        Cell::path(&profile, Kind::PerpMarket, "amm").set(&mut data, 1);
        Cell::path(&profile, Kind::PerpMarket, "expiry_ts").at(9_999).set(&mut data, 1);
        assert_eq!(data, before);
    }

    #[test]
    fn a_field_that_moved_or_is_spelled_otherwise_is_found() {
        let offset = |profile: &str, name| {
            let profile = Profile::builtin(profile).unwrap();
            let def = profile.account(Kind::PerpMarket).unwrap();
            let found = Cell::of_perp(&profile, def, name).0.map(|field| field.offset);
            let path = |path| profile.resolve(def, path).map(|field| field.offset).ok();
            (found, path("amm.last_mark_price_twap5min"), path("market_stats.mark_std"))
        };
        let (found, drift, _) = offset("drift-v2", "last_mark_price_twap5min");
        assert!(found.is_some() && found == drift);
        let (found, _, velocity) = offset("velocity", "mark_std");
        assert!(found.is_some() && found == velocity);
        assert!(offset("velocity", "last_mark_price_twap5min").0.is_some());
        assert_eq!(offset("velocity", "no_such_field").0, None);
        assert_eq!(spelled_apart("a5min.volume24h[3].u_8"), "a_5min.volume_24h[3].u_8");
    }

    #[test]
    fn names_are_padded_with_spaces_and_cut() {
        let profile = Profile::builtin("drift-v2").unwrap();
        let def = profile.account(Kind::PerpMarket).unwrap();
        let mut draft = Draft::new(&profile, def);
        let name = def.role(role::SYMBOL).unwrap();
        draft.role_name(role::SYMBOL, "SOL-PERP");
        assert_eq!(name.read_bytes(&draft.data).unwrap(), b"SOL-PERP                        ");
        draft.role_name(role::SYMBOL, &"x".repeat(40));
        assert_eq!(name.read_text(&draft.data).unwrap(), "x".repeat(32));
    }

    #[test]
    fn a_list_knows_where_its_elements_are() {
        let profile = Profile::builtin("drift-v2").unwrap();
        let def = profile.account(Kind::User).unwrap();
        let list = List::role(&profile, def, role::PERP_POSITIONS);
        let mut data = def.blank();
        list.cell(&profile, "market_index").at(list.start(7)).set(&mut data, 5);
        let field = profile.resolve(def, "perp_positions[7].market_index").unwrap();
        assert_eq!((list.len, field.read_u64(&data)), (8, Some(5)));
        assert_eq!(List::role(&profile, def, "no_such_role").len, 0);
    }
}
