//! Objects of types made at run time: a PyO3 class without contents, and behind its head a value.
//!
//! The class gives its methods to all types made on it; a type made on it gives its instances room
//! for the value, which PyO3 need not know of. Making one costs an allocation and no more: no
//! `__new__`, no arguments. Nothing that values hold leads back to their object, so the garbage
//! collector is not told of them.

use std::ffi::{c_int, c_void};
use std::mem::{align_of, size_of};
use std::ptr;

use pyo3::exceptions::PyTypeError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyType;

/// A class whose instances carry a value behind them.
///
/// # Safety
/// The class has no contents of its own and cannot be instantiated, neither from Python (its
/// `#[new]` always fails) nor from Rust: every instance comes from [`Made::object`].
pub unsafe trait Tailed:
    pyo3::PyClass<Frozen = pyo3::pyclass::boolean_struct::True>
{
    /// What is behind the head.
    type Value: Release + Send + Sync;
}

/// How a value ends.
pub trait Release {
    /// Gives back what it holds of Python's.
    fn release(self, py: Python<'_>);
}

#[repr(C)]
struct Object<T> {
    head: ffi::PyObject,
    value: T,
}

/// Where the value is, from the object's start.
pub const fn offset<T>() -> usize {
    std::mem::offset_of!(Object<T>, value)
}

/// A type made on `C`.
pub struct Made<C: Tailed> {
    /// The type.
    pub class: Py<PyType>,
    of: std::marker::PhantomData<fn() -> C>,
}

impl<C: Tailed> Made<C> {
    /// A type of that name with these slots, which need no zero at their end, and those that its
    /// instances' values need.
    ///
    /// # Safety
    /// The slots must be right for instances of `C`, and what they and the name point to must live
    /// as long as the process. If the flags say that instances have a vectorcall, a slot must say
    /// where in `C::Value`.
    pub unsafe fn new(
        py: Python<'_>,
        name: *const std::ffi::c_char,
        flags: std::ffi::c_ulong,
        slots: &[(c_int, *mut c_void)],
    ) -> PyResult<Self> {
        const { assert!(align_of::<Object<C::Value>>() <= 16, "the allocator's alignment") }
        let base = py.get_type::<C>();
        let head: usize = base.getattr("__basicsize__")?.extract()?;
        if head != size_of::<ffi::PyObject>() {
            return Err(PyTypeError::new_err("this Python's objects are of another size"));
        }
        let (dealloc, traverse): (ffi::destructor, ffi::traverseproc) = (dealloc::<C>, traverse);
        let own = [
            (ffi::Py_tp_dealloc, dealloc as *mut c_void),
            // Keeps the type from inheriting the base's garbage collection.
            (ffi::Py_tp_traverse, traverse as *mut c_void),
            (ffi::Py_tp_free, ffi::PyObject_Free as *mut c_void),
            (0, ptr::null_mut()),
        ];
        let mut slots: Vec<_> = slots
            .iter()
            .chain(&own)
            .map(|(slot, pfunc)| ffi::PyType_Slot { slot: *slot, pfunc: *pfunc })
            .collect();
        let mut spec = ffi::PyType_Spec {
            name,
            basicsize: size_of::<Object<C::Value>>() as c_int,
            itemsize: 0,
            flags: (ffi::Py_TPFLAGS_DEFAULT | flags) as u32,
            slots: slots.as_mut_ptr(),
        };
        let bases = pyo3::types::PyTuple::new(py, [base])?;
        // SAFETY: the spec and its slots are valid for the call, ended by a zero slot; what they
        // point to lives on, by the caller. The base has nothing behind its head, as was checked,
        // so the value has the room from there on.
        let made = unsafe { ffi::PyType_FromSpecWithBases(&mut spec, bases.as_ptr()) };
        // SAFETY: a new reference or null with an exception set, as documented.
        let made = unsafe { Bound::from_owned_ptr_or_err(py, made) }?;
        let class = made.cast_into::<PyType>()?.unbind();
        Ok(Self { class, of: std::marker::PhantomData })
    }

    /// The object, if it is of exactly this type.
    #[inline(always)]
    pub fn cast<'a, 'py>(&self, object: &'a Bound<'py, PyAny>) -> Option<&'a Bound<'py, C>> {
        if object.get_type_ptr().cast() != self.class.as_ptr() {
            return None;
        }
        // SAFETY: the type was made on `C`.
        Some(unsafe { object.cast_unchecked() })
    }

    /// A new instance.
    #[inline(always)]
    pub fn object(&self, py: Python<'_>, value: C::Value) -> PyResult<Py<PyAny>> {
        let class = self.class.as_ptr().cast::<ffi::PyTypeObject>();
        // SAFETY: the type is a heap type without items, made in `new`.
        let object = unsafe { ffi::PyType_GenericAlloc(class, 0) };
        if object.is_null() {
            value.release(py);
            return Err(PyErr::fetch(py));
        }
        // SAFETY: in bounds: the type's basic size is that of `Object`.
        let place = unsafe { &raw mut (*object.cast::<Object<C::Value>>()).value };
        // SAFETY: the object is nobody else's yet, and its value uninitialized.
        unsafe { place.write(value) };
        // SAFETY: a new reference.
        Ok(unsafe { Bound::from_owned_ptr(py, object) }.unbind())
    }
}

/// The value behind an instance.
#[inline(always)]
pub fn value<'a, C: Tailed>(object: &'a Bound<'_, C>) -> &'a C::Value {
    let object = object.as_ptr().cast::<Object<C::Value>>();
    // SAFETY: every instance of `C` comes from `Made::object`, which wrote the value; it is never
    // written again, and lives as long as the object, of which the caller holds a reference.
    unsafe { &(*object).value }
}

unsafe extern "C" fn dealloc<C: Tailed>(object: *mut ffi::PyObject) {
    // SAFETY: the interpreter calls it with the thread state attached.
    let py = unsafe { Python::assume_attached() };
    // SAFETY: an object that is there has a type.
    let class = unsafe { ffi::Py_TYPE(object) };
    // SAFETY: in bounds, see `Made::object`.
    let place = unsafe { &raw const (*object.cast::<Object<C::Value>>()).value };
    // SAFETY: as in `value`; nobody has a reference any more.
    let value = unsafe { place.read() };
    value.release(py);
    // SAFETY: `PyType_GenericAlloc` took it from there, since the type has no garbage collection.
    unsafe { ffi::PyObject_Free(object.cast()) };
    // SAFETY: instances of heap types hold a reference of their type.
    unsafe { ffi::Py_DecRef(class.cast()) };
}

unsafe extern "C" fn traverse(
    _object: *mut ffi::PyObject,
    _visit: ffi::visitproc,
    _argument: *mut c_void,
) -> c_int {
    0
}
