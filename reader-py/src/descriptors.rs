//! The C-level corner: types made at run time, one getset descriptor per field.
//!
//! A field's offset and type are in its descriptor's closure, so an attribute read is one C call:
//! no dictionary, no argument parsing. Types are made with `PyType_FromSpecWithBases` (stable ABI)
//! on top of the PyO3 classes `View` and `Snapshot`, see `tail`. Closures, names and documentation
//! are leaked: types live for as long as the process, and there is one set per schema.

use std::ffi::{c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::sync::OnceLock;

use driftshm_layout::profile::{FieldDef, Profile, Type};
use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::ffi;
use pyo3::prelude::*;

use crate::account::Struct;
use crate::calls::{self, leaked};
use crate::figures::{self, Figure};
use crate::schema::{Schema, is_child, module_of};
use crate::tail::{self, Made, Tailed};
use crate::value::{
    self, Leaf, Number, Quick, QuickSigned, QuickUnsigned, QuickWideSigned, QuickWideUnsigned,
};

/// What a descriptor does, in its closure.
pub enum Get {
    /// Reads a number, an address, bytes, a variant.
    Leaf(Leaf),
    /// Gives the view of a nested struct or array, always the same one.
    Child {
        /// Bytes from the start of the struct.
        offset: u32,
        /// What is there.
        ty: Type,
        /// Its number among the struct's children.
        number: usize,
    },
    /// Computes a figure.
    Figure(Figure),
}

/// The PyO3 class that a made type extends.
pub trait Class: Tailed<Value = Struct> {
    /// Views are live, snapshots are not.
    const LIVE: bool;
    /// The types made on it, by struct.
    fn made(schema: &Schema) -> &[OnceLock<Made<Self>>];
}

/// For the `#[new]` of both classes.
pub fn not_from_python<T>() -> PyResult<T> {
    Err(PyTypeError::new_err("views and snapshots come from a Reader"))
}

/// Runs a getter's body; an error or a panic becomes the Python exception.
#[inline(always)]
pub fn guarded(
    body: impl FnOnce(Python<'_>) -> PyResult<*mut ffi::PyObject>,
) -> *mut ffi::PyObject {
    // SAFETY: the interpreter calls descriptors with the thread state attached, and the token
    // does not outlive the call.
    let py = unsafe { Python::assume_attached() };
    // Errors are dealt with inside: what comes out of there is one word, in a register.
    match catch_unwind(AssertUnwindSafe(|| value::or_raised(py, body(py)))) {
        Ok(object) => object,
        Err(_) => panicked(py),
    }
}

#[cold]
#[inline(never)]
fn panicked(py: Python<'_>) -> *mut ffi::PyObject {
    PyRuntimeError::new_err("internal error of driftshm").restore(py);
    ptr::null_mut()
}

/// Runs `body` with what the instance behind a descriptor's `self` holds.
///
/// # Safety
/// `object` must be an instance of `C` or of a type made on it, alive for the call.
#[inline(always)]
unsafe fn inner<C: Class, T>(
    py: Python<'_>,
    object: *mut ffi::PyObject,
    body: impl FnOnce(&Struct) -> PyResult<T>,
) -> PyResult<T> {
    // SAFETY: by the caller; the interpreter holds a reference for the whole call.
    let object = unsafe { Borrowed::from_ptr(py, object) };
    // SAFETY: by the caller.
    let object = unsafe { object.cast_unchecked::<C>() };
    body(tail::value(&object))
}

/// For what is not made right away, and what is not as usual.
unsafe extern "C" fn get<C: Class>(
    object: *mut ffi::PyObject,
    closure: *mut c_void,
) -> *mut ffi::PyObject {
    guarded(|py| {
        // SAFETY: `make_class` gave this getter a leaked `Get` as its closure.
        let get = unsafe { &*closure.cast::<Get>() };
        let body = |inner: &Struct| match get {
            Get::Leaf(leaf) => value::leaf(py, inner, leaf),
            Get::Child { offset, ty, number } => {
                Ok(inner.child::<C>(py, *offset, *ty, *number)?.into_ptr())
            }
            Get::Figure(figure) => Ok(figures::get(py, inner, *figure)?.into_ptr()),
        };
        // SAFETY: getset descriptors check the type of `self` before they call the getter.
        unsafe { inner::<C, _>(py, object, body) }
    })
}

/// A number of a live account.
unsafe extern "C" fn quick<C: Class, N: Quick>(
    object: *mut ffi::PyObject,
    closure: *mut c_void,
) -> *mut ffi::PyObject {
    guarded(|py| {
        // SAFETY: as in `get`.
        let get_what = unsafe { &*closure.cast::<Get>() };
        let body = |inner: &Struct| match get_what {
            Get::Leaf(leaf) => Ok(N::get(py, inner, leaf)),
            _ => Ok(None),
        };
        // SAFETY: as in `get`.
        match unsafe { inner::<C, _>(py, object, body) }? {
            Some(object) => Ok(object),
            // SAFETY: this one's own arguments.
            None => Ok(unsafe { get::<C>(object, closure) }),
        }
    })
}

unsafe extern "C" fn funding_rate<C: Class>(
    object: *mut ffi::PyObject,
    _: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    guarded(|py| {
        let body =
            |inner: &Struct| Ok(figures::funding_rate_of(inner)?.into_pyobject(py)?.into_ptr());
        // SAFETY: method descriptors check the type of `self` before they call the method.
        unsafe { inner::<C, _>(py, object, body) }
    })
}

unsafe extern "C" fn market_data<C: Class>(
    object: *mut ffi::PyObject,
    _: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    guarded(|py| {
        let body = |inner: &Struct| Ok(figures::market_data(py, inner)?.into_ptr());
        // SAFETY: as in `funding_rate`.
        unsafe { inner::<C, _>(py, object, body) }
    })
}

// Part of the stable ABI from 3.11 on, exported by every earlier version too. `Py_buffer` is the
// interpreter's own: only this function looks into it.
unsafe extern "C" {
    fn PyBuffer_FillInfo(
        view: *mut c_void,
        exporter: *mut ffi::PyObject,
        start: *mut c_void,
        len: isize,
        readonly: c_int,
        flags: c_int,
    ) -> c_int;
}
/// `Py_bf_getbuffer`: numbers of slots never change.
const GET_BUFFER: c_int = 1;

unsafe extern "C" fn get_buffer(
    object: *mut ffi::PyObject,
    view: *mut c_void,
    flags: c_int,
) -> c_int {
    let filled = guarded(|py| {
        let body = |inner: &Struct| Ok(inner.frozen_bytes());
        // SAFETY: this slot is in types made on `Snapshot` only.
        let (start, len) = unsafe { inner::<crate::snapshot::Snapshot, _>(py, object, body)? };
        let len = isize::try_from(len).unwrap_or(0);
        // SAFETY: `view` is the interpreter's. The bytes never change and live as long as the
        // snapshot, of which the filled view holds a reference.
        let failed =
            unsafe { PyBuffer_FillInfo(view, object, start.cast_mut().cast(), len, 1, flags) };
        if failed == 0 { Ok(object) } else { Err(PyErr::fetch(py)) }
    });
    if filled.is_null() { -1 } else { 0 }
}

fn document(profile: &Profile, field: &FieldDef) -> String {
    let mut parts: Vec<String> =
        field.doc.iter().map(|doc| format!("{}.", doc.trim_end_matches('.'))).collect();
    if let Some(unit) = field.unit.and_then(|unit| profile.unit(unit)) {
        parts.push(match unit.decimals {
            0 => format!("Unit: {}.", unit.name),
            decimals => format!("Unit: {}, an integer with {decimals} decimals.", unit.name),
        });
    }
    parts.join(" ")
}

fn getset<C: Class>(name: &str, doc: &str, get_what: Get) -> ffi::PyGetSetDef {
    let number = match &get_what {
        Get::Leaf(leaf) if C::LIVE => leaf.number,
        _ => None,
    };
    let get: ffi::getter = match number {
        Some(Number::Unsigned) => quick::<C, QuickUnsigned>,
        Some(Number::Signed) => quick::<C, QuickSigned>,
        Some(Number::WideUnsigned) => quick::<C, QuickWideUnsigned>,
        Some(Number::WideSigned) => quick::<C, QuickWideSigned>,
        None => get::<C>,
    };
    ffi::PyGetSetDef {
        name: leaked(name),
        get: Some(get),
        set: None,
        doc: leaked(doc),
        closure: Box::into_raw(Box::new(get_what)).cast(),
    }
}

fn getters<C: Class>(schema: &Schema, index: usize) -> Vec<ffi::PyGetSetDef> {
    let fields = schema.struct_def(index).map_or(&[][..], |def| &def.fields);
    let mut children = 0..;
    let is_account = schema.kind_of(index).is_some();
    let mut getters: Vec<_> = fields
        .iter()
        // An account's own address is the view's: it can be read of a closed account, too.
        .filter(|field| !(is_account && field.name == "pubkey"))
        .map(|field| {
            let (offset, ty) = (field.offset, field.ty);
            let get_what = match is_child(ty) {
                true => Get::Child { offset, ty, number: children.next().unwrap_or_default() },
                false => Get::Leaf(Leaf::new(offset, ty)),
            };
            getset::<C>(&field.name, &document(&schema.profile, field), get_what)
        })
        .collect();
    if let Some(account) = schema.kind_of(index).and_then(|kind| schema.profile.account(kind)) {
        for (figure, name, doc) in Figure::of(account, C::LIVE) {
            if !fields.iter().any(|field| field.name == name) {
                getters.push(getset::<C>(name, doc, Get::Figure(figure)));
            }
        }
    }
    getters
}

fn methods<C: Class>(
    py: Python<'_>,
    schema: &Schema,
    index: usize,
) -> PyResult<Vec<ffi::PyMethodDef>> {
    let mut methods = Vec::new();
    // In the type itself: the interpreter is quicker to call what it need not look for in a base.
    if C::LIVE {
        methods.push(calls::method_of::<crate::view::TakeSnapshot>(py, "snapshot")?);
    }
    let is_perp = schema.kind_of(index) == Some(driftshm_layout::profile::Kind::PerpMarket);
    if !is_perp {
        return Ok(methods);
    }
    let method = |name, function, doc| ffi::PyMethodDef {
        ml_name: leaked(name),
        ml_meth: ffi::PyMethodDefPointer { PyCFunction: function },
        ml_flags: ffi::METH_NOARGS,
        ml_doc: leaked(doc),
    };
    methods.extend([
        method("funding_rate", funding_rate::<C>, figures::FUNDING_RATE_DOC),
        method("market_data", market_data::<C>, figures::MARKET_DATA_DOC),
    ]);
    Ok(methods)
}

/// Makes the Python type of a struct.
pub fn make_class<C: Class>(
    py: Python<'_>,
    schema: &'static Schema,
    index: usize,
) -> PyResult<Made<C>> {
    let def = schema.struct_def(index).map_or("", |def| &def.name);
    let module = module_of(&schema.profile);
    let (suffix, what) = if C::LIVE { ("", "Live view") } else { ("Snapshot", "Snapshot") };
    let (program, version) = (&schema.profile.name, &schema.profile.program_version);
    let doc = format!("{what} of the struct {def} of the program ({program}, version {version}).");

    // An all-zero element ends each of these arrays.
    let mut getters = getters::<C>(schema, index);
    getters.push(ffi::PyGetSetDef::default());
    let mut methods = methods::<C>(py, schema, index)?;
    methods.push(ffi::PyMethodDef::zeroed());
    let mut slots = vec![
        (ffi::Py_tp_getset, getters.leak().as_mut_ptr().cast::<c_void>()),
        (ffi::Py_tp_methods, methods.leak().as_mut_ptr().cast()),
        (ffi::Py_tp_doc, leaked(&doc).cast_mut().cast()),
    ];
    if !C::LIVE {
        let get_buffer: unsafe extern "C" fn(_, _, _) -> _ = get_buffer;
        slots.push((GET_BUFFER, get_buffer as *mut c_void));
    }
    // SAFETY: the slots are of the kinds that their numbers say; what they point to is leaked.
    unsafe { Made::new(py, leaked(&format!("{module}.{def}{suffix}")), 0, &slots) }
}
