//! Fields as Python values.

use std::mem::MaybeUninit;
use std::sync::OnceLock;

use driftshm_layout::Pubkey;
use driftshm_layout::profile::Type;
use pyo3::exceptions::PyRuntimeError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyBytes, PyString, PyTuple};

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

/// A field of an account, and how it becomes a Python value.
pub struct Leaf {
    /// From the start of its struct.
    pub offset: u32,
    /// How many words it takes.
    pub words: usize,
    ty: Type,
    /// Whether it is a number that is made right away, and how.
    pub number: Option<Number>,
    /// Bits of its (last) word that are not the number's.
    others: u32,
}

/// Numbers that are made right away.
#[derive(Clone, Copy)]
pub enum Number {
    /// Of up to 8 bytes.
    Unsigned,
    /// The same.
    Signed,
    /// Of 16 bytes.
    WideUnsigned,
    /// The same.
    WideSigned,
}

impl Leaf {
    /// The field of that type at `offset`.
    pub fn new(offset: u32, ty: Type) -> Self {
        let number = match ty {
            Type::U8 | Type::U16 | Type::U32 | Type::U64 => Some(Number::Unsigned),
            Type::I8 | Type::I16 | Type::I32 | Type::I64 => Some(Number::Signed),
            Type::U128 => Some(Number::WideUnsigned),
            Type::I128 => Some(Number::WideSigned),
            _ => None,
        };
        let others = 64 - 8 * ty.size().min(8) as u32;
        Self { offset, words: ty.size().div_ceil(8), ty, number, others }
    }

    /// Whether it is within a word, or is two, where its struct begins with a word.
    pub fn is_short(&self) -> bool {
        let within = self.offset as usize % 8 + self.ty.size() <= 8;
        self.words <= 1 && within || self.words == 2 && self.offset % 8 == 0
    }

    /// From where it begins, the words that a short one is in.
    #[inline(always)]
    pub fn cut(&self, [low, high]: [u64; 2]) -> [u64; 2] {
        [low >> (self.offset % 8 * 8), high]
    }

    /// Its words as a new reference.
    #[inline(always)]
    fn object(&self, py: Python<'_>, schema: &Schema, raw: [u64; 2]) -> *mut ffi::PyObject {
        let [low, high] = raw;
        match self.number {
            Some(Number::Unsigned) => unsigned(py, low << self.others >> self.others),
            Some(Number::Signed) => signed(py, (low << self.others) as i64 >> self.others),
            Some(Number::WideUnsigned) if high == 0 => unsigned(py, low),
            Some(Number::WideSigned) if is_sign(low, high) => signed(py, low as i64),
            _ => self.rare(py, schema, &raw),
        }
    }

    #[cold]
    #[inline(never)]
    fn rare(&self, py: Python<'_>, schema: &Schema, raw: &[u64]) -> *mut ffi::PyObject {
        or_raised(py, to_py(py, schema, self.ty, raw).map(Py::into_ptr))
    }
}

/// Whether the upper half of a number of 128 bits only continues the lower one's sign.
#[inline(always)]
fn is_sign(low: u64, high: u64) -> bool {
    high as i64 == low as i64 >> 63
}

/// A new reference, or null with an exception set.
#[inline(always)]
fn unsigned(_: Python<'_>, number: u64) -> *mut ffi::PyObject {
    // SAFETY: attached to the interpreter, as the token shows.
    unsafe { ffi::PyLong_FromUnsignedLongLong(number) }
}

/// The same.
#[inline(always)]
fn signed(_: Python<'_>, number: i64) -> *mut ffi::PyObject {
    // SAFETY: as above.
    unsafe { ffi::PyLong_FromLongLong(number) }
}

/// The object, or null with the error as the exception.
#[inline(always)]
pub fn or_raised(py: Python<'_>, made: PyResult<*mut ffi::PyObject>) -> *mut ffi::PyObject {
    #[cold]
    #[inline(never)]
    fn raise(py: Python<'_>, error: PyErr) -> *mut ffi::PyObject {
        error.restore(py);
        std::ptr::null_mut()
    }
    match made {
        Ok(object) => object,
        Err(error) => raise(py, error),
    }
}

/// A leaf as a new reference, or null with an exception set: the body of an attribute read.
#[inline]
pub fn leaf(py: Python<'_>, s: &Struct, leaf: &Leaf) -> PyResult<*mut ffi::PyObject> {
    let at = (s.base + leaf.offset) as usize;
    if leaf.words > 2 {
        return Ok(read(py, &s.source, s.schema, at as u32, leaf.ty)?.into_ptr());
    }
    let raw = s
        .source
        .read(|words| [words.u64_at(at), if leaf.words > 1 { words.u64_at(at + 8) } else { 0 }])?;
    Ok(leaf.object(py, s.schema, raw))
}

/// How a number is read where all is as usual; else `None`.
pub trait Quick {
    /// Of the account's newest version, as a new reference, or null with an exception set.
    fn get(py: Python<'_>, s: &Struct, leaf: &Leaf) -> Option<*mut ffi::PyObject>;
}

/// For [`Number::Unsigned`].
pub enum QuickUnsigned {}
/// For [`Number::Signed`].
pub enum QuickSigned {}
/// For [`Number::WideUnsigned`].
pub enum QuickWideUnsigned {}
/// For [`Number::WideSigned`].
pub enum QuickWideSigned {}

/// The word that a short number is in, shifted to its upper end; `None` if it is in two.
#[inline(always)]
fn upper(s: &Struct, leaf: &Leaf) -> Option<u64> {
    let at = s.base + leaf.offset;
    let above = leaf.others.checked_sub(at % 8 * 8)?;
    let [word] = s.source.peek(at as usize)?;
    Some(word << above)
}

/// Both words of a number of 128 bits; `None` if it is in three.
#[inline(always)]
fn both(s: &Struct, leaf: &Leaf) -> Option<[u64; 2]> {
    let at = s.base + leaf.offset;
    if at % 8 == 0 { s.source.peek(at as usize) } else { None }
}

impl Quick for QuickUnsigned {
    #[inline(always)]
    fn get(py: Python<'_>, s: &Struct, leaf: &Leaf) -> Option<*mut ffi::PyObject> {
        Some(unsigned(py, upper(s, leaf)? >> leaf.others))
    }
}

impl Quick for QuickSigned {
    #[inline(always)]
    fn get(py: Python<'_>, s: &Struct, leaf: &Leaf) -> Option<*mut ffi::PyObject> {
        Some(signed(py, upper(s, leaf)? as i64 >> leaf.others))
    }
}

impl Quick for QuickWideUnsigned {
    #[inline(always)]
    fn get(py: Python<'_>, s: &Struct, leaf: &Leaf) -> Option<*mut ffi::PyObject> {
        let raw @ [low, high] = both(s, leaf)?;
        Some(if high == 0 { unsigned(py, low) } else { leaf.rare(py, s.schema, &raw) })
    }
}

impl Quick for QuickWideSigned {
    #[inline(always)]
    fn get(py: Python<'_>, s: &Struct, leaf: &Leaf) -> Option<*mut ffi::PyObject> {
        let raw @ [low, high] = both(s, leaf)?;
        let is_short = is_sign(low, high);
        Some(if is_short { signed(py, low as i64) } else { leaf.rare(py, s.schema, &raw) })
    }
}

/// The leaves' values, from the words of each, however many.
pub fn tuple_of_any<'py>(
    py: Python<'py>,
    schema: &Schema,
    leaves: &[Leaf],
    raw: &[Vec<u64>],
) -> PyResult<Bound<'py, PyTuple>> {
    let values = leaves.iter().zip(raw).map(|(leaf, raw)| to_py(py, schema, leaf.ty, raw));
    PyTuple::new(py, values.collect::<PyResult<Vec<_>>>()?)
}

/// The leaves' values, from the words of each, no more than two.
#[inline(always)]
pub fn tuple<'py>(
    py: Python<'py>,
    schema: &Schema,
    leaves: &[Leaf],
    raw: impl IntoIterator<Item = [u64; 2]>,
) -> PyResult<Bound<'py, PyTuple>> {
    // SAFETY: attached; a new reference, or null with an exception.
    let tuple = unsafe { ffi::PyTuple_New(leaves.len() as ffi::Py_ssize_t) };
    // SAFETY: as said.
    let tuple = unsafe { Bound::from_owned_ptr_or_err(py, tuple) }?;
    for (place, (leaf, raw)) in leaves.iter().zip(raw).enumerate() {
        let object = leaf.object(py, schema, raw);
        if object.is_null() {
            return Err(PyErr::fetch(py));
        }
        // SAFETY: the tuple is new and nobody else's, the place within it, and the item's
        // reference is given away. Places that stay empty are what a tuple's end expects.
        unsafe { ffi::PyTuple_SetItem(tuple.as_ptr(), place as ffi::Py_ssize_t, object) };
    }
    // SAFETY: it is a tuple.
    Ok(unsafe { tuple.cast_into_unchecked() })
}

/// A bytearray of the words that `fill` wrote: of that many at most, it says how many.
///
/// # Safety
/// `fill` must have written the first so many words that it says.
pub unsafe fn bytearray<'py>(
    py: Python<'py>,
    words: usize,
    fill: impl FnOnce(&mut [MaybeUninit<u64>]) -> usize,
) -> PyResult<Bound<'py, PyByteArray>> {
    let len = (words * 8) as ffi::Py_ssize_t;
    // SAFETY: attached; without bytes to copy it makes that many uninitialized ones. A new
    // reference, or null with an exception.
    let made = unsafe { ffi::PyByteArray_FromStringAndSize(std::ptr::null(), len) };
    // SAFETY: as said.
    let made = unsafe { Bound::from_owned_ptr_or_err(py, made) }?.cast_into::<PyByteArray>()?;
    let start = made.data().cast::<MaybeUninit<u64>>();
    // Where there are none, it may be the interpreter's own text of nothing.
    if words > 0 && !start.is_aligned() {
        return Err(PyRuntimeError::new_err("this Python allocates bytes at odd addresses"));
    }
    let out = match words {
        0 => &mut [][..],
        // SAFETY: aligned, as was checked; as long as that, and nobody else's yet.
        _ => unsafe { std::slice::from_raw_parts_mut(start, words) },
    };
    let used = fill(out).min(words);
    if used < words {
        made.resize(used * 8)?;
    }
    Ok(made)
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
