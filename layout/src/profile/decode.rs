//! A whole account as JSON.

use serde_json::{Map, Number, Value as Json};

use super::Profile;
use super::field::Field;
use super::model::{StructDef, Type};
use super::path::Root;
use super::value::Value;

impl Profile {
    /// A whole account (or the bytes of a struct), decoded: structs as objects, enums by the name of their variant (or by
    /// number, if it is unknown), addresses in base58, arrays and byte arrays as lists.
    ///
    /// Integers that fit in 64 bits are numbers, larger ones strings: most readers of JSON would
    /// round them. What a shorter account lacks is null. `None` if the account has another
    /// discriminator, or a length that this layout cannot be trusted with.
    pub fn to_json_value<'a>(&self, root: impl Into<Root<'a>>, data: &[u8]) -> Option<Json> {
        let (id, account) = self.root(root.into()).ok()?;
        let body = match account {
            Some(account) if !account.layout_ok(data.len()) => return None,
            Some(account) => data.strip_prefix(&account.discriminator)?,
            None => data,
        };
        Some(self.struct_json_value(self.struct_def(id)?, body))
    }

    /// One field, decoded as [`Profile::to_json_value`] does; null if it is not there.
    pub fn field_json_value(&self, field: Field, data: &[u8]) -> Json {
        match field.ty {
            Type::Struct(id) => match self.struct_def(id) {
                Some(def) => self.struct_json_value(def, tail(data, field.offset)),
                None => Json::Null,
            },
            Type::Array(id) => match self.array(id) {
                Some(array) => {
                    let elems = tail(data, field.offset);
                    let stride = array.elem.size() as u32;
                    let elem = |index| Field { offset: index * stride, ty: array.elem, unit: None };
                    (0..array.len).map(|i| self.field_json_value(elem(i), elems)).collect()
                }
                None => Json::Null,
            },
            _ => field.read(data).map_or(Json::Null, |value| self.leaf(value)),
        }
    }

    fn struct_json_value(&self, def: &StructDef, data: &[u8]) -> Json {
        let fields = def
            .fields
            .iter()
            .map(|field| (field.name.clone(), self.field_json_value(field.field(), data)));
        Json::Object(fields.collect::<Map<_, _>>())
    }

    fn leaf(&self, value: Value) -> Json {
        match value {
            Value::Bool(truth) => truth.into(),
            Value::UInt(number) => {
                Number::from_u128(number).map_or_else(|| number.to_string().into(), Json::Number)
            }
            Value::Int(number) => {
                Number::from_i128(number).map_or_else(|| number.to_string().into(), Json::Number)
            }
            Value::Pubkey(key) => key.to_string().into(),
            Value::Enum { id, discriminant } => match self.variant(id, discriminant) {
                Some(name) => name.into(),
                None => discriminant.into(),
            },
            Value::Bytes(bytes) => bytes.into(),
        }
    }
}

/// What follows `offset`, or nothing.
fn tail(data: &[u8], offset: u32) -> &[u8] {
    usize::try_from(offset).ok().and_then(|start| data.get(start..)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Kind;

    #[test]
    fn integers_above_64_bits_become_strings() {
        let drift = Profile::builtin("drift-v2").unwrap();
        let mut data = drift.blank(Kind::PerpMarket).unwrap();
        let field = |path| drift.resolve(Kind::PerpMarket, path).unwrap();
        assert!(field("amm.sqrt_k").write_uint(&mut data, u128::MAX));
        assert!(field("amm.peg_multiplier").write_uint(&mut data, u64::MAX.into()));
        assert!(field("amm.total_fee").write_int(&mut data, i128::MIN));
        assert!(field("status").write_int(&mut data, 1));
        assert!(field("contract_type").write_int(&mut data, 200));
        let json = drift.to_json_value(Kind::PerpMarket, &data).unwrap();
        assert_eq!(json["amm"]["sqrt_k"], u128::MAX.to_string());
        assert_eq!(json["amm"]["peg_multiplier"], u64::MAX);
        assert_eq!(json["amm"]["total_fee"], i128::MIN.to_string());
        assert_eq!(json["status"], "Active");
        assert_eq!(json["contract_type"], 200, "an unknown variant keeps its number");
    }

    #[test]
    fn what_is_not_such_an_account_is_not_decoded() {
        let drift = Profile::builtin("drift-v2").unwrap();
        let data = drift.blank(Kind::User).unwrap();
        assert!(drift.to_json_value(Kind::User, &data).is_some());
        assert!(drift.to_json_value("User", &data).is_some());
        assert!(drift.to_json_value(Kind::State, &data).is_none(), "another discriminator");
        assert!(drift.to_json_value(Kind::User, &data[..4375]).is_none(), "too short");
        assert!(drift.to_json_value(Kind::User, &[]).is_none());
    }
}
