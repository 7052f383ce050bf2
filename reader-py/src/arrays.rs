//! Sections as numpy structured arrays, with the profile's fields as dtype.

use std::cell::RefCell;

use driftshm_layout::RecordRef;
use driftshm_layout::profile::{DISCRIMINATOR_LEN, Kind, Profile, StructId, Type};
use pyo3::exceptions::PyImportError;
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyDict, PyList};

use crate::errors;
use crate::follow::Link;

/// Bytes of a row behind the account: its slot and its version, in the columns `_slot` and
/// `_version`.
const TAIL: usize = 16;

/// The dtype of a struct: packed offsets as on chain; 128-bit numbers as pairs of 64-bit words
/// (`lo`, `hi`), addresses and byte arrays as raw bytes (`V<n>`).
fn dtype<'py>(py: Python<'py>, profile: &Profile, id: StructId) -> PyResult<Bound<'py, PyDict>> {
    let (names, formats, offsets) = (PyList::empty(py), PyList::empty(py), PyList::empty(py));
    for field in profile.struct_def(id).map_or(&[][..], |def| &def.fields) {
        names.append(&field.name)?;
        formats.append(format_of(py, profile, field.ty)?)?;
        offsets.append(field.offset)?;
    }
    let size = profile.struct_def(id).map_or(0, |def| def.size);
    spec(py, names, formats, offsets, size)
}

fn spec<'py>(
    py: Python<'py>,
    names: Bound<'py, PyList>,
    formats: Bound<'py, PyList>,
    offsets: Bound<'py, PyList>,
    size: usize,
) -> PyResult<Bound<'py, PyDict>> {
    let spec = PyDict::new(py);
    spec.set_item("names", names)?;
    spec.set_item("formats", formats)?;
    spec.set_item("offsets", offsets)?;
    spec.set_item("itemsize", size)?;
    Ok(spec)
}

fn format_of<'py>(py: Python<'py>, profile: &Profile, ty: Type) -> PyResult<Bound<'py, PyAny>> {
    let text = match ty {
        Type::Bool => "?",
        Type::U8 | Type::Enum(_) => "u1",
        Type::U16 => "<u2",
        Type::U32 => "<u4",
        Type::U64 => "<u8",
        Type::I8 => "i1",
        Type::I16 => "<i2",
        Type::I32 => "<i4",
        Type::I64 => "<i8",
        Type::Pubkey => "V32",
        Type::Bytes(len) => return Ok(format!("V{len}").into_pyobject(py)?.into_any()),
        Type::U128 | Type::I128 => {
            let high = if ty == Type::I128 { "<i8" } else { "<u8" };
            let parts = vec![("lo", "<u8"), ("hi", high)];
            return Ok(parts.into_pyobject(py)?.into_any());
        }
        Type::Struct(id) => return Ok(dtype(py, profile, id)?.into_any()),
        Type::Array(id) => {
            let Some(array) = profile.array(id) else {
                return Err(errors::wrong_type("the profile has no such array".to_owned()));
            };
            let elem = format_of(py, profile, array.elem)?;
            let numpy = py.import("numpy")?;
            let elem = numpy.call_method1("dtype", (elem,))?;
            return numpy.call_method1("dtype", ((elem, (array.len,)),));
        }
    };
    Ok(text.into_pyobject(py)?.into_any())
}

/// The dtype of a row: the account with its discriminator, then `_slot` and `_version`.
fn row_dtype(py: Python<'_>, profile: &Profile, kind: Kind) -> PyResult<Py<PyAny>> {
    let Some(account) = profile.account(kind) else {
        return Err(errors::wrong_type(format!("the profile has no {kind}")));
    };
    let numpy = py
        .import("numpy")
        .map_err(|_| PyImportError::new_err("arrays need numpy: pip install 'driftshm[numpy]'"))?;
    let (names, formats, offsets) = (PyList::empty(py), PyList::empty(py), PyList::empty(py));
    for field in profile.struct_def(account.struct_id).map_or(&[][..], |def| &def.fields) {
        names.append(&field.name)?;
        formats.append(format_of(py, profile, field.ty)?)?;
        offsets.append(field.offset as usize + DISCRIMINATOR_LEN)?;
    }
    for (name, offset) in [("_slot", account.len), ("_version", account.len + 8)] {
        names.append(name)?;
        formats.append("<u8")?;
        offsets.append(offset)?;
    }
    let spec = spec(py, names, formats, offsets, account.len + TAIL)?;
    Ok(numpy.call_method1("dtype", (spec,))?.unbind())
}

/// All accounts of a kind that can be read, a row each, each row of one version.
pub fn array_of<'py>(py: Python<'py>, link: &Link, kind: Kind) -> PyResult<Bound<'py, PyAny>> {
    let dtype = link.schema.dtype(kind, || row_dtype(py, &link.schema.profile, kind))?;
    let len = link.schema.profile.account(kind).map_or(0, |account| account.len);
    let stride = len + TAIL;
    let region = &link.region;
    let readable =
        |record: &RecordRef| region.read(record, |buffer| !buffer.unreadable()).unwrap_or(false);
    let records: Vec<RecordRef> = region.accounts(kind).filter(readable).collect();
    let mut used = 0;
    let rows = PyByteArray::new_with(py, records.len() * stride, |rows| {
        let mut free = rows.chunks_exact_mut(stride);
        let mut next = free.next();
        for record in &records {
            let Some(row) = next.as_deref_mut() else { break };
            // Runs again where it was torn; the last run is of one version.
            let row = RefCell::new(row);
            let read = region.read(record, |buffer| {
                let mut row = row.borrow_mut();
                let (account, tail) = row.split_at_mut(len);
                buffer.copy_payload(account);
                let meta = buffer.meta();
                let (slot, version) = tail.split_at_mut(8);
                slot.copy_from_slice(&meta.slot.to_le_bytes());
                version.copy_from_slice(&meta.version.to_le_bytes());
                !buffer.unreadable()
            });
            // An account that went away meanwhile leaves its row to the next one.
            if read == Ok(true) {
                used += 1;
                next = free.next();
            }
        }
        Ok(())
    })?;
    let keywords = PyDict::new(py);
    keywords.set_item("dtype", dtype)?;
    keywords.set_item("count", used)?;
    if used == 0 {
        keywords.del_item("count")?;
        return py.import("numpy")?.call_method("empty", (0,), Some(&keywords));
    }
    py.import("numpy")?.call_method("frombuffer", (rows,), Some(&keywords))
}
