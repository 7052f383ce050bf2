//! Reading and writing one field of an account's bytes.

use super::model::{Type, UnitId};
use super::value::Value;
use crate::Pubkey;

/// A place in an account (or in a struct, if resolved from one), and what is there.
///
/// Reading never trusts the bytes: what lies outside of them, or does not fit the asked type,
/// is `None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Field {
    /// Where it starts: from the account's first byte, its discriminator included. Of a field
    /// looked up in a struct: from the struct's first byte.
    pub offset: u32,
    /// What it holds.
    pub ty: Type,
    /// What its number counts.
    pub unit: Option<UnitId>,
}

impl Field {
    /// How many bytes it takes.
    pub fn size(&self) -> usize {
        self.ty.size()
    }

    /// Where it ends: an account of at least this length has all of it.
    pub fn end(&self) -> usize {
        usize::try_from(self.offset).unwrap_or(usize::MAX).saturating_add(self.size())
    }

    /// Its bytes in the account, if the account is long enough to have them all.
    pub fn bytes<'a>(&self, account: &'a [u8]) -> Option<&'a [u8]> {
        account.get(usize::try_from(self.offset).ok()?..self.end())
    }

    /// What it holds; `None` for structs and arrays, which have no single value.
    pub fn read(&self, account: &[u8]) -> Option<Value> {
        Value::decode(self.ty, self.bytes(account)?)
    }

    /// Its number; of a bool or an enum, its byte. `None` if negative.
    pub fn read_u128(&self, account: &[u8]) -> Option<u128> {
        self.read(account)?.as_u128()
    }

    /// Its number, as [`Field::read_u128`]; `None` if it does not fit.
    pub fn read_u64(&self, account: &[u8]) -> Option<u64> {
        self.read_u128(account)?.try_into().ok()
    }

    /// Its number; of a bool or an enum, its byte. `None` if it does not fit.
    pub fn read_i128(&self, account: &[u8]) -> Option<i128> {
        self.read(account)?.as_i128()
    }

    /// Its number, as [`Field::read_i128`]; `None` if it does not fit.
    pub fn read_i64(&self, account: &[u8]) -> Option<i64> {
        self.read_i128(account)?.try_into().ok()
    }

    /// Its address, if it is one.
    pub fn read_pubkey(&self, account: &[u8]) -> Option<Pubkey> {
        match self.ty {
            Type::Pubkey => self.bytes(account)?.try_into().ok().map(Pubkey),
            _ => None,
        }
    }

    /// Its bytes, if it is a byte array.
    pub fn read_bytes<'a>(&self, account: &'a [u8]) -> Option<&'a [u8]> {
        match self.ty {
            Type::Bytes(_) => self.bytes(account),
            _ => None,
        }
    }

    /// A byte array as the text that programs keep in one: padded with spaces or zeroes.
    ///
    /// What is not UTF-8 in it becomes U+FFFD.
    pub fn read_text(&self, account: &[u8]) -> Option<String> {
        let bytes = self.read_bytes(account)?;
        let text = String::from_utf8_lossy(bytes);
        Some(text.trim_matches(['\0', ' ']).to_owned())
    }

    /// Stores a number in an integer, a bool or an enum; false, with nothing stored, if it does
    /// not fit or the account is too short.
    #[must_use]
    pub fn write_int(&self, account: &mut [u8], number: i128) -> bool {
        let fits = match self.ty {
            Type::Bool => (0..=1).contains(&number),
            Type::U8 | Type::Enum(_) => u8::try_from(number).is_ok(),
            Type::U16 => u16::try_from(number).is_ok(),
            Type::U32 => u32::try_from(number).is_ok(),
            Type::U64 => u64::try_from(number).is_ok(),
            Type::U128 => number >= 0,
            Type::I8 => i8::try_from(number).is_ok(),
            Type::I16 => i16::try_from(number).is_ok(),
            Type::I32 => i32::try_from(number).is_ok(),
            Type::I64 => i64::try_from(number).is_ok(),
            Type::I128 => true,
            Type::Pubkey | Type::Bytes(_) | Type::Struct(_) | Type::Array(_) => false,
        };
        fits && self.store(account, &number.to_le_bytes())
    }

    /// Stores a number as [`Field::write_int`] does.
    #[must_use]
    pub fn write_uint(&self, account: &mut [u8], number: u128) -> bool {
        match i128::try_from(number) {
            Ok(number) => self.write_int(account, number),
            Err(_) => self.ty == Type::U128 && self.store(account, &number.to_le_bytes()),
        }
    }

    /// Stores an address; false if this is none or the account is too short.
    #[must_use]
    pub fn write_pubkey(&self, account: &mut [u8], key: &Pubkey) -> bool {
        self.ty == Type::Pubkey && self.store(account, &key.0)
    }

    /// Stores bytes in a byte array, zeroes behind them; false if this is none, or they or the
    /// account do not fit.
    #[must_use]
    pub fn write_bytes(&self, account: &mut [u8], bytes: &[u8]) -> bool {
        if !matches!(self.ty, Type::Bytes(_)) || bytes.len() > self.size() {
            return false;
        }
        let Some(target) = self.bytes_mut(account) else { return false };
        target.fill(0);
        for (to, from) in target.iter_mut().zip(bytes) {
            *to = *from;
        }
        true
    }

    fn bytes_mut<'a>(&self, account: &'a mut [u8]) -> Option<&'a mut [u8]> {
        account.get_mut(usize::try_from(self.offset).ok()?..self.end())
    }

    /// Stores the first `size()` bytes of `bytes`, which has at least so many.
    fn store(&self, account: &mut [u8], bytes: &[u8]) -> bool {
        let Some(target) = self.bytes_mut(account) else { return false };
        for (to, from) in target.iter_mut().zip(bytes) {
            *to = *from;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(offset: u32, ty: Type) -> Field {
        Field { offset, ty, unit: None }
    }

    #[test]
    fn integers_of_every_type_come_back_as_written() {
        let signed = [
            (Type::I8, i128::from(i8::MIN)),
            (Type::I16, i16::MIN.into()),
            (Type::I32, i32::MIN.into()),
            (Type::I64, i64::MIN.into()),
            (Type::I128, i128::MIN),
        ];
        for (ty, number) in signed {
            let mut account = [0xaa; 24];
            let field = at(3, ty);
            assert!(field.write_int(&mut account, number), "{ty:?}");
            assert_eq!(field.read(&account), Some(Value::Int(number)));
            assert_eq!(field.read_i128(&account), Some(number));
            assert_eq!(field.read_u128(&account), None, "it is negative");
            assert_eq!((account[2], account[field.end()]), (0xaa, 0xaa), "nothing else is touched");
        }
        for bytes in [1, 2, 4, 8, 16] {
            let ty = [Type::U8, Type::U16, Type::U32, Type::U64, Type::U128]
                .into_iter()
                .find(|ty| ty.size() == bytes)
                .unwrap();
            let number = u128::MAX >> (128 - 8 * bytes);
            let mut account = [0xaa; 24];
            let field = at(3, ty);
            assert!(field.write_uint(&mut account, number), "{ty:?}");
            assert_eq!(field.read(&account), Some(Value::UInt(number)));
            assert_eq!((account[2], account[field.end()]), (0xaa, 0xaa), "nothing else is touched");
        }
    }

    #[test]
    fn numbers_that_do_not_fit_are_not_written() {
        let mut account = [7; 16];
        for (ty, number) in [
            (Type::Bool, 2),
            (Type::U8, 256),
            (Type::U8, -1),
            (Type::I8, 128),
            (Type::U64, -1),
            (Type::U64, 1 << 64),
            (Type::U128, -1),
            (Type::I64, 1 << 63),
            (Type::Pubkey, 1),
            (Type::Bytes(8), 1),
        ] {
            assert!(!at(0, ty).write_int(&mut account, number), "{ty:?} {number}");
        }
        assert!(!at(0, Type::I128).write_uint(&mut account, u128::MAX));
        assert_eq!(account, [7; 16]);
    }

    #[test]
    fn numbers_that_do_not_fit_are_not_read() {
        let account = u128::MAX.to_le_bytes();
        let field = at(0, Type::U128);
        assert_eq!(field.read_u128(&account), Some(u128::MAX));
        assert_eq!(field.read_u64(&account), None);
        assert_eq!(field.read_i128(&account), None);
        assert_eq!(at(0, Type::I128).read_i64(&account), Some(-1));
        assert_eq!(at(0, Type::U64).read_i64(&account), None);
    }

    #[test]
    fn what_lies_outside_the_account_is_not_there() {
        let mut account = [0; 40];
        for offset in [33, 40, 41, u32::MAX] {
            assert_eq!(at(offset, Type::U64).read(&account), None);
            assert!(!at(offset, Type::U64).write_int(&mut account, 1));
            assert_eq!(at(offset, Type::Bytes(8)).read_bytes(&account), None);
            assert!(!at(offset, Type::Bytes(8)).write_bytes(&mut account, b"x"));
        }
        assert_eq!(at(9, Type::Pubkey).read_pubkey(&account), None);
        assert!(at(8, Type::Pubkey).read_pubkey(&account).is_some());
        assert_eq!(at(0, Type::U64).read_u64(&[]), None);
    }

    #[test]
    fn a_field_is_read_as_what_it_is_only() {
        let account = [1; 40];
        assert_eq!(at(0, Type::U64).read_pubkey(&account), None);
        assert_eq!(at(0, Type::Pubkey).read_u64(&account), None);
        assert_eq!(at(0, Type::U8).read_bytes(&account), None);
        assert_eq!(at(0, Type::Bool).read_u64(&account), Some(1));
    }

    #[test]
    fn texts_lose_their_padding() {
        let field = at(1, Type::Bytes(12));
        let mut account = [0; 14];
        assert!(field.write_bytes(&mut account, b"SOL-PERP    "));
        assert_eq!(field.read_text(&account).unwrap(), "SOL-PERP");
        assert!(field.write_bytes(&mut account, b"BTC"));
        assert_eq!(field.read_text(&account).unwrap(), "BTC", "the old text is gone");
        assert!(!field.write_bytes(&mut account, b"thirteen byte"));
        assert!(field.write_bytes(&mut account, b"\xff\xfe"));
        assert_eq!(field.read_text(&account).unwrap(), "\u{fffd}\u{fffd}");
    }
}
