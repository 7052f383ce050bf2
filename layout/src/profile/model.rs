//! What a profile is made of: accounts, structs, fields, enums and units.

use super::DISCRIMINATOR_LEN;
use super::field::Field;
use super::kind::Kind;

/// One of a profile's structs, and its size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct StructId {
    pub(super) index: u16,
    pub(super) size: u32,
}

/// One of a profile's array types, and its size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ArrayId {
    pub(super) index: u16,
    pub(super) size: u32,
}

/// One of a profile's enums.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct EnumId(pub(super) u16);

/// One of a profile's units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct UnitId(pub(super) u16);

impl StructId {
    /// Its place in [`Profile::structs`](super::Profile::structs).
    pub fn index(self) -> usize {
        self.index.into()
    }
}

impl EnumId {
    /// Its place in [`Profile::enums`](super::Profile::enums).
    pub fn index(self) -> usize {
        self.0.into()
    }
}

impl UnitId {
    /// Its place in [`Profile::units`](super::Profile::units).
    pub fn index(self) -> usize {
        self.0.into()
    }
}

/// The type of a field. All integers are little-endian; nothing is aligned or padded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Type {
    /// One byte; anything but 0 is true.
    Bool,
    /// Unsigned, 1 byte.
    U8,
    /// Unsigned, 2 bytes.
    U16,
    /// Unsigned, 4 bytes.
    U32,
    /// Unsigned, 8 bytes.
    U64,
    /// Unsigned, 16 bytes.
    U128,
    /// Signed, 1 byte.
    I8,
    /// Signed, 2 bytes.
    I16,
    /// Signed, 4 bytes.
    I32,
    /// Signed, 8 bytes.
    I64,
    /// Signed, 16 bytes.
    I128,
    /// An account address, 32 bytes.
    Pubkey,
    /// `[u8; N]`, read as a whole.
    Bytes(u32),
    /// One byte: the place of the variant in the enum.
    Enum(EnumId),
    /// A nested struct.
    Struct(StructId),
    /// A fixed number of elements that are not plain bytes; see
    /// [`Profile::array`](super::Profile::array).
    Array(ArrayId),
}

impl Type {
    /// How many bytes a value takes.
    pub const fn size(self) -> usize {
        match self {
            Type::Bool | Type::U8 | Type::I8 | Type::Enum(_) => 1,
            Type::U16 | Type::I16 => 2,
            Type::U32 | Type::I32 => 4,
            Type::U64 | Type::I64 => 8,
            Type::U128 | Type::I128 => 16,
            Type::Pubkey => 32,
            Type::Bytes(len) => len as usize,
            Type::Struct(id) => id.size as usize,
            Type::Array(id) => id.size as usize,
        }
    }

    /// Whether this is one of the ten integer types.
    pub const fn is_integer(self) -> bool {
        self.is_unsigned() || self.is_signed()
    }

    /// Whether this is an unsigned integer.
    pub const fn is_unsigned(self) -> bool {
        matches!(self, Type::U8 | Type::U16 | Type::U32 | Type::U64 | Type::U128)
    }

    /// Whether this is a signed integer.
    pub const fn is_signed(self) -> bool {
        matches!(self, Type::I8 | Type::I16 | Type::I32 | Type::I64 | Type::I128)
    }
}

/// `len` values of one type, one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ArrayDef {
    /// What each element is; its size is the stride.
    pub elem: Type,
    /// How many there are; at least 1.
    pub len: u32,
}

/// A struct of the program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StructDef {
    /// The program's name for it.
    pub name: String,
    /// Its size in bytes, without any discriminator.
    pub size: usize,
    /// Its fields, by ascending offset.
    pub fields: Vec<FieldDef>,
}

impl StructDef {
    /// The field of this name.
    pub fn field(&self, name: &str) -> Option<&FieldDef> {
        self.fields.iter().find(|field| field.name == name)
    }
}

/// A field of a struct.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldDef {
    /// The program's name for it.
    pub name: String,
    /// Where it starts, in bytes from the start of its struct.
    pub offset: u32,
    /// What it holds.
    pub ty: Type,
    /// What its number counts, where the program says so.
    pub unit: Option<UnitId>,
    /// What the program says of it, in one line.
    pub doc: Option<String>,
}

impl FieldDef {
    /// The field as something to read with, relative to the start of its struct.
    pub fn field(&self) -> Field {
        Field { offset: self.offset, ty: self.ty, unit: self.unit }
    }
}

/// An enum of the program: a byte that is the place of a variant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnumDef {
    /// The program's name for it.
    pub name: String,
    /// The names of its variants, in order of their discriminant.
    pub variants: Vec<String>,
}

/// What the number in a field counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitDef {
    /// Its name: `price`, `quote`, `slot`, …
    pub name: String,
    /// How many decimal places the integer carries: the figure is `integer / 10^decimals`.
    pub decimals: u8,
    /// What it is, in one line.
    pub doc: Option<String>,
}

/// A kind of account that the profile's program owns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountDef {
    /// What it is to driftshm.
    pub kind: Kind,
    /// The program's name for it, which is also that of its struct.
    pub name: String,
    /// What follows the discriminator.
    pub struct_id: StructId,
    /// Its first eight bytes.
    pub discriminator: [u8; DISCRIMINATOR_LEN],
    /// The length that the profile describes, discriminator included.
    pub len: usize,
    /// An account shorter than this does not have the profile's layout.
    pub min_len: usize,
    /// If given, an account of any other length does not have the profile's layout.
    pub lengths: Option<Vec<usize>>,
    pub(super) roles: Vec<Role>,
}

/// Which field of an account plays a part that the rest of the system knows of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Role {
    pub name: String,
    pub path: String,
    pub field: Field,
}

impl AccountDef {
    /// The field that plays the part `role` (see [`role`](super::role)), at its place in the
    /// account.
    pub fn role(&self, role: &str) -> Option<Field> {
        self.roles.iter().find(|known| known.name == role).map(|known| known.field)
    }

    /// The roles that this account has, each with the path of its field.
    pub fn roles(&self) -> impl Iterator<Item = (&str, &str)> {
        self.roles.iter().map(|role| (role.name.as_str(), role.path.as_str()))
    }

    /// Whether an account of `len` bytes can be read by this layout.
    ///
    /// Longer ones can, by their known prefix, unless the profile names the lengths it trusts.
    pub fn layout_ok(&self, len: usize) -> bool {
        match &self.lengths {
            Some(lengths) => lengths.contains(&len),
            None => len >= self.min_len,
        }
    }

    /// An account of the described length: its discriminator, then zeroes.
    pub fn blank(&self) -> Vec<u8> {
        let mut account = vec![0; self.len];
        for (byte, known) in account.iter_mut().zip(self.discriminator) {
            *byte = known;
        }
        account
    }
}
