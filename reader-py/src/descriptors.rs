//! The C-level corner: types made at run time, one getset descriptor per field.
//!
//! A field's offset and type are in its descriptor's closure, so an attribute read is one C call:
//! no dictionary, no argument parsing. Types are made with `PyType_FromSpecWithBases` (stable ABI)
//! on top of the PyO3 classes `View` and `Snapshot`. Closures, names and documentation are leaked:
//! types live for as long as the process, and there is one set per schema.

use std::cell::Cell;
use std::ffi::{CString, c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

use driftshm_layout::profile::{FieldDef, Profile, Type};
use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyTuple, PyType};

use crate::account::Struct;
use crate::figures::{self, Figure};
use crate::schema::{Schema, is_child, module_of};
use crate::value;

/// What a descriptor does, in its closure.
pub enum Get {
    /// Reads a number, an address, bytes, a variant.
    Leaf {
        /// Bytes from the start of the struct.
        offset: u32,
        /// What is there.
        ty: Type,
    },
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
pub trait Class: pyo3::PyClass<Frozen = pyo3::pyclass::boolean_struct::True> + Sync {
    /// Views are live, snapshots are not.
    const LIVE: bool;
    /// What an instance holds.
    fn inner(&self) -> &Struct;
}

thread_local! {
    /// What the next instance made on this thread holds: the only way to make one.
    static PENDING: Cell<Option<Struct>> = const { Cell::new(None) };
}

/// For the `#[new]` of both classes.
pub fn take_pending() -> PyResult<Struct> {
    PENDING.take().ok_or_else(|| PyTypeError::new_err("views and snapshots come from a Reader"))
}

/// A type made at run time.
pub struct MadeClass {
    /// The type.
    pub class: Py<PyType>,
    new: ffi::newfunc,
    nothing: Py<PyTuple>,
}

/// Makes an instance of a made type.
pub fn instantiate(py: Python<'_>, made: &MadeClass, inner: Struct) -> PyResult<Py<PyAny>> {
    PENDING.set(Some(inner));
    // SAFETY: `new` is the type's own `tp_new`, called as the interpreter would: with the type and
    // an empty tuple, attached.
    let object =
        unsafe { (made.new)(made.class.as_ptr().cast(), made.nothing.as_ptr(), ptr::null_mut()) };
    // SAFETY: a new reference, or null with an exception set.
    let object = unsafe { Bound::from_owned_ptr_or_err(py, object) };
    if object.is_err() {
        PENDING.set(None);
    }
    Ok(object?.unbind())
}

/// Runs a getter's body; an error or a panic becomes the Python exception.
fn guarded(body: impl FnOnce(Python<'_>) -> PyResult<*mut ffi::PyObject>) -> *mut ffi::PyObject {
    // SAFETY: the interpreter calls descriptors with the thread state attached, and the token
    // does not outlive the call.
    let py = unsafe { Python::assume_attached() };
    match catch_unwind(AssertUnwindSafe(|| body(py))) {
        Ok(Ok(object)) => object,
        Ok(Err(error)) => {
            error.restore(py);
            ptr::null_mut()
        }
        Err(_) => {
            PyRuntimeError::new_err("internal error of driftshm").restore(py);
            ptr::null_mut()
        }
    }
}

/// The instance behind a descriptor's `self`.
///
/// # Safety
/// `object` must be an instance of `C` or of a type made on it, alive for `'py`.
unsafe fn inner<'py, C: Class>(py: Python<'py>, object: *mut ffi::PyObject) -> &'py Struct {
    // SAFETY: by the caller; the interpreter holds a reference for the whole call.
    let object = unsafe { Borrowed::from_ptr(py, object) };
    // SAFETY: by the caller.
    let object = unsafe { object.cast_unchecked::<C>() };
    let class: *const C = object.get();
    // SAFETY: the class is frozen, so a shared reference is always allowed. It is used within the
    // call only, during which the object lives.
    unsafe { &*class }.inner()
}

unsafe extern "C" fn get<C: Class>(
    object: *mut ffi::PyObject,
    closure: *mut c_void,
) -> *mut ffi::PyObject {
    guarded(|py| {
        // SAFETY: getset descriptors check the type of `self` before they call the getter.
        let inner = unsafe { inner::<C>(py, object) };
        // SAFETY: `make_class` gave this getter a leaked `Get` as its closure.
        let get = unsafe { &*closure.cast::<Get>() };
        match get {
            Get::Leaf { offset, ty } => value::leaf(py, inner, *offset, *ty),
            Get::Child { offset, ty, number } => {
                Ok(inner.child::<C>(py, *offset, *ty, *number)?.into_ptr())
            }
            Get::Figure(figure) => Ok(figures::get(py, inner, *figure)?.into_ptr()),
        }
    })
}

unsafe extern "C" fn funding_rate<C: Class>(
    object: *mut ffi::PyObject,
    _: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    guarded(|py| {
        // SAFETY: method descriptors check the type of `self` before they call the method.
        let inner = unsafe { inner::<C>(py, object) };
        Ok(figures::funding_rate_of(inner)?.into_pyobject(py)?.into_ptr())
    })
}

unsafe extern "C" fn market_data<C: Class>(
    object: *mut ffi::PyObject,
    _: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    guarded(|py| {
        // SAFETY: as in `funding_rate`.
        let inner = unsafe { inner::<C>(py, object) };
        Ok(figures::market_data(py, inner)?.into_ptr())
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
        // SAFETY: this slot is in types made on `Snapshot` only.
        let inner = unsafe { inner::<crate::snapshot::Snapshot>(py, object) };
        let (start, len) = inner.frozen_bytes();
        let len = isize::try_from(len).unwrap_or(0);
        // SAFETY: `view` is the interpreter's. The bytes never change and live as long as the
        // snapshot, of which the filled view holds a reference.
        let failed =
            unsafe { PyBuffer_FillInfo(view, object, start.cast_mut().cast(), len, 1, flags) };
        if failed == 0 { Ok(object) } else { Err(PyErr::fetch(py)) }
    });
    if filled.is_null() { -1 } else { 0 }
}

fn leaked(text: &str) -> *const std::ffi::c_char {
    CString::new(text.replace('\0', "")).unwrap_or_default().into_raw()
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
    ffi::PyGetSetDef {
        name: leaked(name),
        get: Some(get::<C>),
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
                false => Get::Leaf { offset, ty },
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

fn methods<C: Class>(schema: &Schema, index: usize) -> Vec<ffi::PyMethodDef> {
    let is_perp = schema.kind_of(index) == Some(driftshm_layout::profile::Kind::PerpMarket);
    if !is_perp {
        return Vec::new();
    }
    let method = |name, function, doc| ffi::PyMethodDef {
        ml_name: leaked(name),
        ml_meth: ffi::PyMethodDefPointer { PyCFunction: function },
        ml_flags: ffi::METH_NOARGS,
        ml_doc: leaked(doc),
    };
    vec![
        method("funding_rate", funding_rate::<C>, figures::FUNDING_RATE_DOC),
        method("market_data", market_data::<C>, figures::MARKET_DATA_DOC),
    ]
}

/// Makes the Python type of a struct.
pub fn make_class<C: Class>(
    py: Python<'_>,
    schema: &'static Schema,
    index: usize,
) -> PyResult<MadeClass> {
    let def = schema.struct_def(index).map_or("", |def| &def.name);
    let module = module_of(&schema.profile);
    let (suffix, what) = if C::LIVE { ("", "Live view") } else { ("Snapshot", "Snapshot") };
    let (program, version) = (&schema.profile.name, &schema.profile.program_version);
    let doc = format!("{what} of the struct {def} of the program ({program}, version {version}).");

    // An all-zero element ends each of these arrays.
    let mut getters = getters::<C>(schema, index);
    getters.push(ffi::PyGetSetDef::default());
    let mut methods = methods::<C>(schema, index);
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
    slots.push((0, ptr::null_mut()));
    let mut slots: Vec<_> =
        slots.into_iter().map(|(slot, pfunc)| ffi::PyType_Slot { slot, pfunc }).collect();
    let mut spec = ffi::PyType_Spec {
        name: leaked(&format!("{module}.{def}{suffix}")),
        basicsize: 0,
        itemsize: 0,
        flags: ffi::Py_TPFLAGS_DEFAULT as u32,
        slots: slots.as_mut_ptr(),
    };
    let bases = PyTuple::new(py, [py.get_type::<C>()])?;
    // SAFETY: the spec and its slots are valid for the call, ended by a zero slot; what they point
    // to is leaked, since the type keeps the pointers. Basic size 0 means: as the base's.
    let made = unsafe { ffi::PyType_FromSpecWithBases(&mut spec, bases.as_ptr()) };
    // SAFETY: a new reference or null with an exception set, as documented.
    let made = unsafe { Bound::from_owned_ptr_or_err(py, made) }?;
    let class = made.cast_into::<PyType>()?;
    // SAFETY: the type is a heap type, just made.
    let new = unsafe { ffi::PyType_GetSlot(class.as_type_ptr(), ffi::Py_tp_new) };
    // SAFETY: slot `tp_new` of a type is a `newfunc` or null, which `Option` of it also is.
    let new = unsafe { std::mem::transmute::<*mut c_void, Option<ffi::newfunc>>(new) };
    let new = new.ok_or_else(|| PyTypeError::new_err("the base class cannot be instantiated"))?;
    Ok(MadeClass { class: class.unbind(), new, nothing: PyTuple::empty(py).unbind() })
}
