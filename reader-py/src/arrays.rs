//! Sections as numpy structured arrays, with the profile's fields as dtype.

use std::cell::RefCell;
use std::mem::MaybeUninit;

use driftshm_layout::Region;
use driftshm_layout::profile::{DISCRIMINATOR_LEN, Kind, Profile, StructId, Type};
use pyo3::exceptions::PyImportError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyByteArray, PyDict, PyList};

use crate::errors;
use crate::follow::Link;
use crate::value;

/// Bytes of a row behind the account: its slot, its version and its address, in the columns `_slot`,
/// `_version` and `_pubkey`.
const TAIL: usize = 48;

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

/// The dtype of a row: the account with its discriminator, then `_slot`, `_version` and `_pubkey`.
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
    for (name, format, at) in [("_slot", "<u8", 0), ("_version", "<u8", 8), ("_pubkey", "V32", 16)]
    {
        names.append(name)?;
        formats.append(format)?;
        offsets.append(account.len + at)?;
    }
    let spec = spec(py, names, formats, offsets, account.len + TAIL)?;
    Ok(numpy.call_method1("dtype", (spec,))?.unbind())
}

/// All accounts of a kind that can be read, a row each, each row of one version.
pub fn array_of<'py>(py: Python<'py>, link: &Link, kind: Kind) -> PyResult<Bound<'py, PyAny>> {
    let dtype = link.schema.dtype(kind, || row_dtype(py, &link.schema.profile, kind))?;
    let len = link.schema.profile.account(kind).map_or(0, |account| account.len);
    let rows = match len % 8 {
        0 => rows_of_words(py, &link.region, kind, len / 8)?,
        _ => rows_of_bytes(py, &link.region, kind, len)?,
    };
    if rows.len() == 0 {
        let none = PyDict::new(py);
        none.set_item("dtype", dtype)?;
        return py.import("numpy")?.call_method("empty", (0,), Some(&none));
    }
    static FROM_BUFFER: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    FROM_BUFFER.import(py, "numpy", "frombuffer")?.call1((rows, dtype))
}

/// Rows of accounts that are whole words long.
fn rows_of_words<'py>(
    py: Python<'py>,
    region: &Region,
    kind: Kind,
    len: usize,
) -> PyResult<Bound<'py, PyByteArray>> {
    let stride = len + TAIL / 8;
    let rows = region.places_in_use(kind);
    let fill = |words: &mut [MaybeUninit<u64>]| {
        let mut used = 0;
        let mut free = words.chunks_exact_mut(stride);
        let mut next = free.next();
        for record in region.accounts(kind) {
            let Some(row) = next.as_deref_mut() else { break };
            let Some(pubkey) = region.pubkey(&record) else { continue };
            // Runs again where it was torn; the last run is of one version.
            let row = RefCell::new(row);
            let read = region.read(&record, |buffer| {
                if buffer.unreadable() {
                    return false;
                }
                let mut row = row.borrow_mut();
                let (account, tail) = row.split_at_mut(len);
                buffer.copy_payload_words(account);
                if let [slot, version, address @ ..] = tail {
                    slot.write(buffer.slot());
                    version.write(buffer.version());
                    for (word, bytes) in address.iter_mut().zip(pubkey.0.chunks_exact(8)) {
                        word.write(u64::from_le_bytes(bytes.try_into().unwrap_or_default()));
                    }
                }
                true
            });
            // What cannot be read, or went away meanwhile, leaves its row to the next one.
            if read == Ok(true) {
                used += stride;
                next = free.next();
            }
        }
        used
    };
    // SAFETY: rows are counted once all their parts are written, and in their order.
    unsafe { value::bytearray(py, rows * stride, fill) }
}

/// Rows of accounts of any length.
fn rows_of_bytes<'py>(
    py: Python<'py>,
    region: &Region,
    kind: Kind,
    len: usize,
) -> PyResult<Bound<'py, PyByteArray>> {
    let mut rows: Vec<u8> = Vec::new();
    for record in region.accounts(kind) {
        let Some(pubkey) = region.pubkey(&record) else { continue };
        let start = rows.len();
        let own = RefCell::new(&mut rows);
        let read = region.read(&record, |buffer| {
            let mut rows = own.borrow_mut();
            rows.resize(start + len + TAIL, 0);
            let (account, tail) = rows[start..].split_at_mut(len);
            buffer.copy_payload(account);
            tail[..8].copy_from_slice(&buffer.slot().to_le_bytes());
            tail[8..16].copy_from_slice(&buffer.version().to_le_bytes());
            tail[16..].copy_from_slice(&pubkey.0);
            !buffer.unreadable()
        });
        if read != Ok(true) {
            rows.truncate(start);
        }
    }
    Ok(PyByteArray::new(py, &rows))
}
