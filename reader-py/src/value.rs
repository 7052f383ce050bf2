//! Fields as Python values.

use std::sync::OnceLock;

use driftshm_layout::Pubkey;
use driftshm_layout::profile::Type;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};

use crate::account::Struct;
use crate::descriptors::Class;
use crate::errors;
use crate::schema::Schema;
use crate::seq::ArrayView;
use crate::source::{Source, Words};

/// Eight bytes cut to `size` of them.
#[inline(always)]
fn cut(word: u64, size: usize) -> u64 {
    if size >= 8 { word } else { word & ((1 << (size * 8)) - 1) }
}

/// The same, with the sign of the last.
#[inline(always)]
fn cut_signed(word: u64, size: usize) -> i64 {
    let shift = 64 - size.min(8) as u32 * 8;
    (word << shift) as i64 >> shift
}

/// A leaf as a new reference: the body of an attribute read.
#[inline]
pub fn leaf(py: Python<'_>, s: &Struct, offset: u32, ty: Type) -> PyResult<*mut ffi::PyObject> {
    let at = (s.base + offset) as usize;
    match ty {
        Type::U8 | Type::U16 | Type::U32 | Type::U64 => {
            let number = cut(s.source.read(|words| words.u64_at(at))?, ty.size());
            // SAFETY: attached to the interpreter, as `py` shows; a new reference or null.
            Ok(unsafe { ffi::PyLong_FromUnsignedLongLong(number) })
        }
        Type::I8 | Type::I16 | Type::I32 | Type::I64 => {
            let number = cut_signed(s.source.read(|words| words.u64_at(at))?, ty.size());
            // SAFETY: as above.
            Ok(unsafe { ffi::PyLong_FromLongLong(number) })
        }
        Type::U128 => {
            let (low, high) = s.source.read(|words| (words.u64_at(at), words.u64_at(at + 8)))?;
            if high == 0 {
                // SAFETY: as above.
                return Ok(unsafe { ffi::PyLong_FromUnsignedLongLong(low) });
            }
            Ok(wide(low, high).into_pyobject(py)?.into_ptr())
        }
        _ => Ok(read(py, &s.source, s.schema, at as u32, ty)?.into_ptr()),
    }
}

fn wide(low: u64, high: u64) -> u128 {
    u128::from(low) | u128::from(high) << 64
}

/// Any field of an account that has a value of its own.
pub fn read(
    py: Python<'_>,
    source: &Source,
    schema: &'static Schema,
    offset: u32,
    ty: Type,
) -> PyResult<Py<PyAny>> {
    let words = ty.size().div_ceil(8);
    let at = offset as usize;
    if words <= 8 {
        let raw = source.read(|from| gather::<8>(&from, at, words))?;
        return to_py(py, schema, ty, &raw);
    }
    let raw =
        source.read(|from| (0..words).map(|i| from.u64_at(at + i * 8)).collect::<Vec<_>>())?;
    to_py(py, schema, ty, &raw)
}

/// The first `words` words of a field.
#[inline(always)]
pub fn gather<const N: usize>(from: &Words<'_>, at: usize, words: usize) -> [u64; N] {
    let mut raw = [0; N];
    for (i, word) in raw.iter_mut().enumerate().take(words) {
        *word = from.u64_at(at + i * 8);
    }
    raw
}

/// A field's bytes, as little-endian words, as a Python value.
pub fn to_py(py: Python<'_>, schema: &Schema, ty: Type, raw: &[u64]) -> PyResult<Py<PyAny>> {
    let word = |i: usize| raw.get(i).copied().unwrap_or(0);
    let size = ty.size();
    Ok(match ty {
        Type::Bool => (cut(word(0), 1) != 0).into_pyobject(py)?.to_owned().into_any().unbind(),
        Type::U8 | Type::U16 | Type::U32 | Type::U64 => {
            cut(word(0), size).into_pyobject(py)?.into_any().unbind()
        }
        Type::I8 | Type::I16 | Type::I32 | Type::I64 => {
            cut_signed(word(0), size).into_pyobject(py)?.into_any().unbind()
        }
        Type::U128 => match word(1) {
            0 => word(0).into_pyobject(py)?.into_any().unbind(),
            high => wide(word(0), high).into_pyobject(py)?.into_any().unbind(),
        },
        Type::I128 => {
            let number = wide(word(0), word(1)) as i128;
            match i64::try_from(number) {
                Ok(small) => small.into_pyobject(py)?.into_any().unbind(),
                Err(_) => number.into_pyobject(py)?.into_any().unbind(),
            }
        }
        Type::Pubkey => {
            let key = Pubkey::from_words([word(0), word(1), word(2), word(3)]);
            PyString::new(py, &key.to_string()).into_any().unbind()
        }
        Type::Enum(id) => schema.member(py, id, word(0) as u8)?,
        Type::Bytes(len) => {
            let bytes: Vec<u8> = raw.iter().flat_map(|word| word.to_le_bytes()).collect();
            let bytes = bytes.get(..len as usize).unwrap_or(&bytes);
            PyBytes::new(py, bytes).into_any().unbind()
        }
        Type::Struct(_) | Type::Array(_) => {
            return Err(errors::wrong_type("a struct or an array has no single value".into()));
        }
    })
}

/// The object of a nested struct or array at `offset` in the account.
pub fn composite<C: Class>(
    py: Python<'_>,
    source: &Source,
    schema: &'static Schema,
    offset: u32,
    ty: Type,
) -> PyResult<Py<PyAny>> {
    match ty {
        Type::Struct(id) => {
            Struct::new(source.clone(), schema, id.index(), offset).into_object::<C>(py)
        }
        Type::Array(id) => {
            let Some(def) = schema.profile.array(id) else {
                return Err(errors::wrong_type("the profile has no such array".to_owned()));
            };
            let items = (0..def.len).map(|_| OnceLock::new()).collect();
            let array = ArrayView::new(source.clone(), schema, offset, def, items);
            Ok(Py::new(py, array)?.into_any())
        }
        _ => read(py, source, schema, offset, ty),
    }
}
