//! Structs: their fields, the types of these, and how they are nested.

use super::super::error::Problem;
use super::super::json::{Entries, FieldJson, StructJson};
use super::super::model::{ArrayDef, ArrayId, FieldDef, StructDef, Type, UnitId};
use super::super::{Profile, type_text};
use super::{Checked, MAX_DOC, MAX_STRUCT_SIZE, count, cut, invalid, keys, names, text};

const MAX_ARRAYS: usize = 512;
const MAX_DEPTH: u8 = 12;
const MAX_FIELDS: usize = 1024;
const MAX_STRUCTS: usize = 256;

/// Checks the structs and adds them, and the arrays in them, to the profile.
pub fn structs(profile: &mut Profile, json: Entries<StructJson>) -> Checked<()> {
    count("structs", json.0.len(), MAX_STRUCTS)?;
    keys("structs", &json, MAX_STRUCTS)?;
    // Names and sizes first: a struct may hold one that is listed after it.
    for (name, found) in &json.0 {
        size(&format!("structs.{name}"), found.size as u64, MAX_STRUCT_SIZE)?;
        profile.structs.push(StructDef { name: name.clone(), size: found.size, fields: vec![] });
    }
    one_meaning_per_type_name(profile)?;
    for (index, (name, found)) in json.0.into_iter().enumerate() {
        let fields = fields(profile, &format!("structs.{name}"), found)?;
        if let Some(known) = profile.structs.get_mut(index) {
            known.fields = fields;
        }
    }
    nesting(profile)
}

fn size(at: &str, size: u64, max: usize) -> Checked<()> {
    let good = size > 0 && size <= max as u64;
    if good { Ok(()) } else { Err(invalid(at, Problem::Size { size, max })) }
}

fn one_meaning_per_type_name(profile: &Profile) -> Checked<()> {
    let structs = profile.structs.iter().map(|known| known.name.as_str());
    let enums = profile.enums.iter().map(|known| known.name.as_str());
    for name in structs.clone().chain(enums.clone()) {
        if type_text::builtin(name).is_some() {
            return Err(invalid(name, Problem::Duplicate));
        }
    }
    names("types", structs.chain(enums))
}

fn fields(profile: &mut Profile, at: &str, json: StructJson) -> Checked<Vec<FieldDef>> {
    count(at, json.fields.len(), MAX_FIELDS)?;
    names(at, json.fields.iter().map(|field| field.name.as_str()))?;
    let mut reached = 0;
    let mut fields = Vec::with_capacity(json.fields.len());
    for found in json.fields {
        let field_at = format!("{at}.{}", found.name);
        let field = field(profile, &field_at, found)?;
        // Fields are listed by offset, so one that starts before the last one's end overlaps.
        if u64::from(field.offset) < reached {
            return Err(invalid(field_at, Problem::Overlap { offset: field.offset, reached }));
        }
        reached = u64::from(field.offset) + field.ty.size() as u64;
        if reached > json.size as u64 {
            return Err(invalid(field_at, Problem::Outside { end: reached, size: json.size }));
        }
        fields.push(field);
    }
    Ok(fields)
}

fn field(profile: &mut Profile, at: &str, json: FieldJson) -> Checked<FieldDef> {
    if let Some(doc) = &json.doc {
        text(at, doc, MAX_DOC)?;
    }
    let ty = type_of(profile, at, &json.ty, MAX_DEPTH)?;
    let unit = match json.unit {
        Some(unit) => Some(
            unit_of(profile, &unit, ty)
                .ok_or_else(|| invalid(at, Problem::Unit { unit: cut(&unit) }))?,
        ),
        None => None,
    };
    Ok(FieldDef { name: json.name, offset: json.offset, ty, unit, doc: json.doc })
}

fn unit_of(profile: &Profile, unit: &str, ty: Type) -> Option<UnitId> {
    let counted = match ty {
        Type::Array(id) => profile.array(id)?.elem,
        single => single,
    };
    if !counted.is_integer() {
        return None;
    }
    let index = profile.units.iter().position(|known| known.name == unit)?;
    u16::try_from(index).ok().map(UnitId)
}

/// The type that is written so; its arrays are added to the profile's.
fn type_of(profile: &mut Profile, at: &str, text: &str, depth: u8) -> Checked<Type> {
    if let Some(builtin) = type_text::builtin(text) {
        return Ok(builtin);
    }
    if let Some((elem, len)) = type_text::array(text) {
        let Some(depth) = depth.checked_sub(1) else {
            return Err(invalid(at, Problem::TooDeep { max: MAX_DEPTH }));
        };
        let elem = type_of(profile, at, elem, depth)?;
        let bytes = elem.size() as u64 * u64::from(len);
        size(at, bytes, MAX_STRUCT_SIZE)?;
        if elem == Type::U8 {
            return Ok(Type::Bytes(len));
        }
        let def = ArrayDef { elem, len };
        let known = profile.arrays.iter().position(|array| *array == def);
        let index = known.unwrap_or(profile.arrays.len());
        if known.is_none() {
            profile.arrays.push(def);
            count("arrays", profile.arrays.len(), MAX_ARRAYS)?;
        }
        // Both are small: there are at most MAX_ARRAYS, of at most MAX_STRUCT_SIZE bytes.
        return Ok(Type::Array(ArrayId { index: index as u16, size: bytes as u32 }));
    }
    let defined = match profile.struct_by_name(text) {
        Some(id) => Some(Type::Struct(id)),
        None => profile.enum_by_name(text).map(Type::Enum),
    };
    defined.ok_or_else(|| invalid(at, Problem::UnknownType { text: cut(text) }))
}

/// No struct contains itself, and nothing is nested too deep.
fn nesting(profile: &Profile) -> Checked<()> {
    let mut depths = vec![Depth::Unknown; profile.structs.len()];
    (0..profile.structs.len())
        .try_for_each(|index| struct_depth(profile, index, &mut depths).map(drop))
}

#[derive(Clone, Copy)]
enum Depth {
    Unknown,
    /// Being looked at: met again now, the struct contains itself.
    Open,
    Known(u8),
}

/// How many structs and arrays there are within each other, this one included. Each struct is
/// looked into once.
fn struct_depth(profile: &Profile, index: usize, depths: &mut [Depth]) -> Checked<u8> {
    let (Some(known), Some(state)) = (profile.structs.get(index), depths.get_mut(index)) else {
        return Ok(0);
    };
    let at = || format!("structs.{}", known.name);
    match *state {
        Depth::Known(depth) => return Ok(depth),
        Depth::Open => return Err(invalid(at(), Problem::Recursive)),
        Depth::Unknown => *state = Depth::Open,
    }
    let mut deepest = 0;
    for field in &known.fields {
        deepest = deepest.max(type_depth(profile, field.ty, depths)?);
    }
    if deepest >= MAX_DEPTH {
        return Err(invalid(at(), Problem::TooDeep { max: MAX_DEPTH }));
    }
    if let Some(state) = depths.get_mut(index) {
        *state = Depth::Known(deepest + 1);
    }
    Ok(deepest + 1)
}

fn type_depth(profile: &Profile, ty: Type, depths: &mut [Depth]) -> Checked<u8> {
    match ty {
        Type::Struct(id) => struct_depth(profile, id.index(), depths),
        Type::Array(id) => match profile.array(id) {
            Some(array) => Ok(type_depth(profile, array.elem, depths)?.saturating_add(1)),
            None => Ok(0),
        },
        _ => Ok(0),
    }
}
