//! A struct of an account, or the whole account: what views and snapshots have in common.

use std::sync::{Arc, OnceLock};

use driftshm_layout::profile::{Field, Kind, PathError, Type};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList};

use crate::descriptors::Class;
use crate::errors;
use crate::figures::Figure;
use crate::follow::Handle;
use crate::schema::Schema;
use crate::seq::ArrayView;
use crate::source::{Frozen, Source};
use crate::tail::Release;
use crate::value;

/// Bytes of an account before its struct.
const DISCRIMINATOR: u32 = driftshm_layout::profile::DISCRIMINATOR_LEN as u32;

/// A struct within an account.
pub struct Struct {
    /// The account.
    pub source: Source,
    /// The types.
    pub schema: &'static Schema,
    /// Which struct of the profile.
    pub index: usize,
    /// Where it starts in the account.
    pub base: u32,
    /// Whether it is the whole account.
    pub is_account: bool,
    /// Nested structs and arrays, each made when first asked for.
    children: OnceLock<Box<[OnceLock<Py<PyAny>>]>>,
}

impl Release for Struct {
    fn release(mut self, py: Python<'_>) {
        let children = self.children.take().into_iter().flatten();
        children.filter_map(OnceLock::into_inner).for_each(|child| child.drop_ref(py));
    }
}

impl Struct {
    /// The struct with that index, at `base` in the account.
    #[inline(always)]
    pub fn new(source: Source, schema: &'static Schema, index: usize, base: u32) -> Self {
        let children = OnceLock::new();
        Self { source, schema, index, base, is_account: false, children }
    }

    /// The whole account; `None` if the profile has no struct for its kind.
    pub fn account(source: Source, schema: &'static Schema, kind: Kind) -> Option<Self> {
        let index = schema.struct_of(kind)?.index();
        let account = Self::new(source, schema, index, DISCRIMINATOR);
        Some(Self { is_account: true, ..account })
    }

    /// The live view of an account.
    pub fn view_of(py: Python<'_>, handle: Arc<Handle>) -> PyResult<Option<Py<PyAny>>> {
        let (schema, kind) = (handle.link.schema, handle.record.kind);
        let Some(account) = Self::account(Source::Live(handle), schema, kind) else {
            return Ok(None);
        };
        account.into_object::<crate::view::View>(py).map(Some)
    }

    /// As an object of its made type.
    #[inline(always)]
    pub fn into_object<C: Class>(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.schema.class::<C>(py, self.index)?.object(py, self)
    }

    /// The object of a nested struct or array, always the same one.
    pub fn child<C: Class>(
        &self,
        py: Python<'_>,
        offset: u32,
        ty: Type,
        number: usize,
    ) -> PyResult<Py<PyAny>> {
        let cells = self.children.get_or_init(|| {
            (0..self.schema.children(self.index)).map(|_| OnceLock::new()).collect()
        });
        let cell = cells.get(number);
        if let Some(child) = cell.and_then(OnceLock::get) {
            return Ok(child.clone_ref(py));
        }
        let child = value::composite::<C>(py, &self.source, self.schema, self.base + offset, ty)?;
        Ok(cell.map_or(&child, |cell| cell.get_or_init(|| child.clone_ref(py))).clone_ref(py))
    }

    /// The field at a path, with its offset from the start of the account.
    pub fn resolve(&self, path: &str) -> PyResult<Field> {
        resolve(self.schema, self.index, self.base, path)
    }

    /// A copy of one version of the account, with this struct in it.
    #[inline(always)]
    pub fn freeze(&self) -> PyResult<Self> {
        let frozen = match &self.source {
            Source::Live(handle) => Frozen::of(handle)?,
            Source::Frozen(frozen) => frozen.clone(),
        };
        let schema = self.schema;
        let copy = Self::new(Source::Frozen(frozen), schema, self.index, self.base);
        Ok(Self { is_account: self.is_account, ..copy })
    }

    /// The bytes of one version: the whole account, or this struct's part of it.
    pub fn bytes(&self) -> PyResult<Vec<u8>> {
        let copy = self.freeze()?;
        let Source::Frozen(frozen) = &copy.source else { return Ok(Vec::new()) };
        let mut bytes = frozen.bytes();
        if self.is_account {
            return Ok(bytes);
        }
        let size = self.schema.struct_def(self.index).map_or(0, |def| def.size);
        bytes.truncate(self.base as usize + size);
        bytes.drain(..bytes.len().min(self.base as usize));
        Ok(bytes)
    }

    /// Where a snapshot's bytes are; the whole account's, or this struct's part.
    pub fn frozen_bytes(&self) -> (*const u8, usize) {
        let Source::Frozen(frozen) = &self.source else { return (std::ptr::null(), 0) };
        let words = frozen.payload();
        let len = (frozen.meta().data_len as usize).min(words.len() * 8);
        let (start, end) = match self.is_account {
            true => (0, len),
            false => {
                let size = self.schema.struct_def(self.index).map_or(0, |def| def.size);
                let start = (self.base as usize).min(len);
                (start, (start + size).min(len))
            }
        };
        // Words are little-endian on every supported machine (see the check in lib.rs).
        (words.as_ptr().cast::<u8>().wrapping_add(start), end - start)
    }

    /// Every field of one version as plain Python values.
    pub fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let copy = self.freeze()?;
        copy.source.read(|_| ())?;
        struct_to_dict(py, &copy.source, copy.schema, copy.index, copy.base)
    }
}

/// Resolves a path from a struct that starts at `base` in its account.
pub fn resolve(schema: &Schema, index: usize, base: u32, path: &str) -> PyResult<Field> {
    let profile = &schema.profile;
    let id = schema.struct_def(index).and_then(|def| profile.struct_by_name(&def.name));
    let Some(id) = id else {
        return Err(errors::wrong_type("the profile has no such struct".to_owned()));
    };
    let field = profile.resolve(id, path).map_err(|error| no_field(schema, index, path, &error))?;
    Ok(Field { offset: field.offset + base, ..field })
}

/// What every view has beside its account's fields.
const BESIDE: [&str; 8] =
    ["pubkey", "slot", "write_version", "version", "commitment", "age", "staleness", "closed"];

/// A path that names no field: perhaps something else that views have.
#[cold]
fn no_field(schema: &Schema, index: usize, path: &str, error: &PathError) -> PyErr {
    let account = schema.kind_of(index).and_then(|kind| schema.profile.account(kind));
    let figures = account.map(|account| Figure::of(account, true)).unwrap_or_default();
    let is_figure = figures.iter().any(|(_, name, _)| *name == path);
    match is_figure || account.is_some() && BESIDE.contains(&path) {
        true => errors::not_a_field(format!(
            "{path} is a figure beside the account's fields, not one of them: read it as an \
             attribute, view.{path}"
        )),
        false => errors::field(error),
    }
}

fn struct_to_dict<'py>(
    py: Python<'py>,
    source: &Source,
    schema: &'static Schema,
    index: usize,
    base: u32,
) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    for field in schema.struct_def(index).map_or(&[][..], |def| &def.fields) {
        let plain = plain_value(py, source, schema, base + field.offset, field.ty)?;
        dict.set_item(&field.name, plain)?;
    }
    Ok(dict)
}

fn plain_value(
    py: Python<'_>,
    source: &Source,
    schema: &'static Schema,
    offset: u32,
    ty: Type,
) -> PyResult<Py<PyAny>> {
    match ty {
        Type::Struct(id) => {
            Ok(struct_to_dict(py, source, schema, id.index(), offset)?.into_any().unbind())
        }
        Type::Array(id) => {
            let Some(array) = schema.profile.array(id) else { return Ok(py.None()) };
            let stride = array.elem.size() as u32;
            let items = (0..array.len)
                .map(|i| plain_value(py, source, schema, offset + i * stride, array.elem))
                .collect::<PyResult<Vec<_>>>()?;
            Ok(PyList::new(py, items)?.into_any().unbind())
        }
        _ => value::read(py, source, schema, offset, ty),
    }
}

/// An array within an account, as plain values.
pub fn array_to_list(py: Python<'_>, array: &ArrayView) -> PyResult<Py<PyAny>> {
    let source = match array.source() {
        Source::Live(handle) => Source::Frozen(Frozen::of(handle)?),
        frozen @ Source::Frozen(_) => frozen.clone(),
    };
    source.read(|_| ())?;
    let (schema, base, def) = (array.schema(), array.base(), array.def());
    let stride = def.elem.size() as u32;
    let items = (0..def.len)
        .map(|i| plain_value(py, &source, schema, base + i * stride, def.elem))
        .collect::<PyResult<Vec<_>>>()?;
    Ok(PyList::new(py, items)?.into_any().unbind())
}

/// Bytes as Python's.
pub fn to_bytes(py: Python<'_>, bytes: &[u8]) -> Py<PyAny> {
    PyBytes::new(py, bytes).into_any().unbind()
}
