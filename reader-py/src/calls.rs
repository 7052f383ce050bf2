//! Calls that bots make all the time, without PyO3's parsing of arguments.
//!
//! Each takes at most one argument and `max_age=`. What it is not made for (other arguments, other
//! types, what is not there) goes to the method of the same name that PyO3 made, which also has
//! every error.

use std::ffi::{CStr, CString};
use std::sync::OnceLock;

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyFloat, PyInt, PyString, PyTuple, PyType};

use crate::descriptors::guarded;
use crate::tail::{Made, Tailed};

/// The method as PyO3 made it, once [`install`] or the like has found it.
pub type Slow = OnceLock<Py<PyAny>>;

/// A call in its usual form.
pub trait Usual {
    /// What it is called on.
    type Class;
    /// How many positional arguments it takes: 0 or 1.
    const ARGUMENTS: usize;
    /// The method for all other cases.
    fn slow() -> &'static Slow;
    /// The usual case; `None` if it is another.
    fn call<'py>(
        this: &Bound<'py, Self::Class>,
        argument: Option<&Bound<'py, PyAny>>,
        max_age: Option<f64>,
    ) -> Option<PyResult<Py<PyAny>>>;
}

static MAX_AGE: OnceLock<Py<PyString>> = OnceLock::new();

/// The arguments of a call as the interpreter passes them.
struct Arguments<'a, 'py> {
    py: Python<'py>,
    positional: &'a [*mut ffi::PyObject],
    keywords: Option<Borrowed<'a, 'py, PyTuple>>,
    /// The keywords' values.
    values: &'a [*mut ffi::PyObject],
}

impl<'py> Arguments<'_, 'py> {
    /// `max_age`, if there is no other keyword; `None` = not a usual call.
    #[inline(always)]
    fn max_age(&self) -> Option<Option<f64>> {
        let Some(keywords) = self.keywords else { return Some(None) };
        let [value] = self.values else { return None };
        let keyword = keywords.get_borrowed_item(0).ok()?;
        // Names in a program are interned.
        if keyword.as_ptr() != MAX_AGE.get()?.as_ptr() {
            return None;
        }
        let value = borrowed(self.py, value);
        if value.is_none() {
            return Some(None);
        }
        value.cast_exact::<PyFloat>().ok().map(|number| Some(number.value()))
    }

    #[cold]
    fn slow(&self, slow: &Slow, this: &Bound<'py, PyAny>) -> PyResult<Py<PyAny>> {
        let Some(slow) = slow.get() else {
            return Err(pyo3::exceptions::PyRuntimeError::new_err("driftshm was not initialized"));
        };
        let mut all = vec![this.clone()];
        all.extend(self.positional.iter().map(|each| borrowed(self.py, each).to_owned()));
        let named = PyDict::new(self.py);
        if let Some(keywords) = self.keywords {
            for (keyword, value) in keywords.iter_borrowed().zip(self.values) {
                named.set_item(keyword, borrowed(self.py, value))?;
            }
        }
        slow.call(self.py, PyTuple::new(self.py, all)?, Some(&named))
    }
}

/// An argument, which lives as long as the call.
#[inline(always)]
fn borrowed<'a, 'py>(
    py: Python<'py>,
    argument: &'a *mut ffi::PyObject,
) -> Borrowed<'a, 'py, PyAny> {
    // SAFETY: made from the arguments of a call that is running (`call`), which are never null and
    // live until it returns.
    unsafe { Borrowed::from_ptr(py, *argument) }
}

/// Calls `U` with what the interpreter passed.
///
/// # Safety
/// As the interpreter calls: `this` is an instance of `U::Class`; behind `arguments` are `count`
/// positional ones, then one for each name in the tuple `keywords`, which may be null.
#[inline(always)]
unsafe fn call<U: Usual>(
    this: *mut ffi::PyObject,
    arguments: *const *mut ffi::PyObject,
    count: usize,
    keywords: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    guarded(|py| {
        // SAFETY: by the caller; its caller holds a reference for the whole call.
        let this = unsafe { Borrowed::from_ptr(py, this) };
        let keywords = (!keywords.is_null()).then(|| {
            // SAFETY: by the caller.
            let keywords = unsafe { Borrowed::from_ptr(py, keywords) };
            // SAFETY: by the caller.
            unsafe { keywords.cast_unchecked::<PyTuple>() }
        });
        let named = keywords.map_or(0, |keywords| keywords.len());
        let all = match count + named {
            0 => &[][..],
            // SAFETY: by the caller; they stay there for the whole call.
            all => unsafe { std::slice::from_raw_parts(arguments, all) },
        };
        let (positional, values) = all.split_at(count);
        let arguments = Arguments { py, positional, keywords, values };
        if count == U::ARGUMENTS {
            if let Some(max_age) = arguments.max_age() {
                let argument = positional.first().map(|argument| borrowed(py, argument));
                // SAFETY: by the caller.
                let own = unsafe { this.cast_unchecked::<U::Class>() };
                if let Some(done) = U::call(&own, argument.as_deref(), max_age) {
                    return done.map(Py::into_ptr);
                }
            }
        }
        arguments.slow(U::slow(), &this).map(Py::into_ptr)
    })
}

/// As a method: for `METH_FASTCALL | METH_KEYWORDS`.
unsafe extern "C" fn method<U: Usual>(
    this: *mut ffi::PyObject,
    arguments: *const *mut ffi::PyObject,
    count: isize,
    keywords: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: method descriptors check the type of `self`; the rest is the interpreter's protocol.
    unsafe { call::<U>(this, arguments, count.unsigned_abs(), keywords) }
}

/// What the interpreter finds in an object that it calls.
pub type Vectorcall = unsafe extern "C" fn(
    *mut ffi::PyObject,
    *const *mut ffi::PyObject,
    usize,
    *mut ffi::PyObject,
) -> *mut ffi::PyObject;

/// For objects of types on `U::Class`, see [`callable`].
pub fn vectorcall_of<U: Usual>() -> Vectorcall {
    vectorcall::<U>
}

/// A type whose objects are called by the [`Vectorcall`] that is `place` bytes from their start.
/// The protocol is in the stable ABI from 3.12 on, and the same since 3.9.
pub fn callable<C: Tailed>(
    py: Python<'_>,
    name: &'static CStr,
    doc: &'static CStr,
    place: usize,
) -> PyResult<Made<C>> {
    const HAVE_VECTORCALL: std::ffi::c_ulong = 1 << 11;
    let member = ffi::PyMemberDef {
        name: c"__vectorcalloffset__".as_ptr(),
        type_code: ffi::Py_T_PYSSIZET,
        offset: place as ffi::Py_ssize_t,
        flags: ffi::Py_READONLY,
        doc: std::ptr::null(),
    };
    // An all-zero element ends it.
    let members = Box::leak(Box::new([member, ffi::PyMemberDef::default()]));
    let slots = [
        (ffi::Py_tp_members, members.as_mut_ptr().cast()),
        (ffi::Py_tp_doc, doc.as_ptr().cast_mut().cast()),
    ];
    // SAFETY: the slots are of the kinds that their numbers say, and what they point to is leaked
    // or static; the caller says where in `C::Value` the vectorcall is.
    unsafe { Made::new(py, name.as_ptr(), HAVE_VECTORCALL, &slots) }
}

/// As the call of the object itself.
///
/// # Safety
/// In types on `U::Class` only.
unsafe extern "C" fn vectorcall<U: Usual>(
    this: *mut ffi::PyObject,
    arguments: *const *mut ffi::PyObject,
    count: usize,
    keywords: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // The uppermost bit says whether the place before the arguments may be used.
    let count = count & (usize::MAX >> 1);
    // SAFETY: by the caller, and the interpreter's protocol.
    unsafe { call::<U>(this, arguments, count, keywords) }
}

/// A method of that name in `class`, in front of the one that PyO3 made (there or in its base).
fn method_def<U: Usual>(class: &Bound<'_, PyType>, name: &str) -> PyResult<ffi::PyMethodDef> {
    let slow = class.getattr(name)?;
    let signature: String = slow.getattr("__text_signature__")?.extract()?;
    let doc: String = slow.getattr("__doc__")?.extract()?;
    let doc = format!("{name}{signature}\n--\n\n{doc}");
    U::slow().get_or_init(|| slow.unbind());
    Ok(ffi::PyMethodDef {
        ml_name: leaked(name),
        ml_meth: ffi::PyMethodDefPointer { PyCFunctionFastWithKeywords: method::<U> },
        ml_flags: ffi::METH_FASTCALL | ffi::METH_KEYWORDS,
        ml_doc: leaked(&doc),
    })
}

/// For a type made on `base`.
pub fn method_of<U: Usual>(py: Python<'_>, name: &str) -> PyResult<ffi::PyMethodDef>
where
    U::Class: pyo3::PyClass,
{
    method_def::<U>(&py.get_type::<U::Class>(), name)
}

/// To be called before any of these.
pub fn init(py: Python<'_>) {
    MAX_AGE.get_or_init(|| PyString::intern(py, "max_age").unbind());
}

/// Puts the usual form of a method in front of the one that PyO3 made.
pub fn install<U: Usual>(py: Python<'_>, name: &str) -> PyResult<()>
where
    U::Class: pyo3::PyClass,
{
    let class = py.get_type::<U::Class>();
    if U::slow().get().is_some() {
        return Ok(());
    }
    let def = Box::leak(Box::new(method_def::<U>(&class, name)?));
    // SAFETY: the definition and what it points to are leaked, as the descriptor needs.
    let descriptor = unsafe { ffi::PyDescr_NewMethod(class.as_type_ptr(), def) };
    // SAFETY: a new reference or null with an exception set.
    let descriptor = unsafe { Bound::from_owned_ptr_or_err(py, descriptor) }?;
    class.setattr(name, descriptor)
}

/// An int as an index; `None` for those that are none.
#[inline(always)]
pub fn small_int(number: &Bound<'_, PyInt>) -> Option<usize> {
    // SAFETY: an int, attached.
    let value = unsafe { ffi::PyLong_AsSsize_t(number.as_ptr()) };
    if value == -1 {
        // -1, or an exception since it is too large.
        drop(PyErr::take(number.py()));
    }
    usize::try_from(value).ok()
}

/// Text for as long as the process.
pub fn leaked(text: &str) -> *const std::ffi::c_char {
    CString::new(text.replace('\0', "")).unwrap_or_default().into_raw()
}
