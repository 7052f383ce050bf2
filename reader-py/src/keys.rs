//! Public keys and lists of them from Python.

use driftshm_layout::Pubkey;
use driftshm_layout::profile::Kind;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyInt, PyList, PyString, PyTuple};

use crate::errors;
use crate::oracle::OracleView;
use crate::view::View;

/// A key from base58 text, 32 bytes, anything with `__bytes__` (solders), or a view.
pub fn pubkey(object: &Bound<'_, PyAny>) -> PyResult<Pubkey> {
    if let Ok(text) = object.cast::<PyString>() {
        let text = text.to_cow()?;
        return text
            .parse()
            .map_err(|error: driftshm_layout::PubkeyError| errors::pubkey(&error.to_string()));
    }
    if let Ok(view) = object.cast::<View>() {
        return Ok(View::handle(view).pubkey);
    }
    if let Ok(oracle) = object.cast::<OracleView>() {
        return oracle.get().address();
    }
    let bytes = match object.cast::<PyBytes>() {
        Ok(bytes) => bytes.clone(),
        Err(_) => {
            let converted = object.call_method0("__bytes__").map_err(|_| {
                let name = object.get_type().name().map(|name| name.to_string());
                errors::pubkey(&format!(
                    "{} is not a public key: expected base58 text, 32 bytes, or an object with __bytes__",
                    name.unwrap_or_default()
                ))
            })?;
            converted.cast_into::<PyBytes>()?
        }
    };
    let len = bytes.as_bytes().len();
    let key = bytes
        .as_bytes()
        .try_into()
        .map_err(|_| errors::pubkey(&format!("{len} bytes are not a public key: expected 32")))?;
    Ok(Pubkey(key))
}

/// The key of an account of that kind, from what [`pubkey`] takes. A view of another kind is
/// refused: it is a mistake that would find nothing, or something else.
pub fn account(kind: Kind, object: &Bound<'_, PyAny>) -> PyResult<Pubkey> {
    match kind_of(object) {
        Some(other) if other != kind => Err(errors::wrong_type(format!(
            "a view of kind {other} names no account of kind {kind}: pass a view of that kind, or \
             an address"
        ))),
        _ => pubkey(object),
    }
}

/// What a view is of; `None` if it is no view.
pub fn kind_of(object: &Bound<'_, PyAny>) -> Option<Kind> {
    match object.cast::<View>() {
        Ok(view) => Some(View::handle(view).record.kind),
        Err(_) => object.is_instance_of::<OracleView>().then_some(Kind::Oracle),
    }
}

/// The key of an owner. A view is refused: it is an account, and its owner another key.
pub fn authority(object: &Bound<'_, PyAny>) -> PyResult<Pubkey> {
    if kind_of(object).is_some() {
        return Err(errors::pubkey("a view is not an authority: pass its `authority` field"));
    }
    pubkey(object)
}

/// A whole number: an int, or what Python takes for one, such as numpy's.
pub fn whole_number<'py>(object: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyInt>>> {
    if let Ok(number) = object.cast::<PyInt>() {
        return Ok(Some(number.clone()));
    }
    if !object.get_type().hasattr("__index__")? {
        return Ok(None);
    }
    Ok(Some(object.call_method0("__index__")?.cast_into::<PyInt>()?))
}

/// The whole number that an argument is, if its type can hold it.
pub fn number<N: TryFrom<u64>>(argument: &str, object: &Bound<'_, PyAny>) -> PyResult<N> {
    let Some(number) = whole_number(object)? else {
        let given = object.get_type().name()?;
        return Err(errors::wrong_type(format!("{argument} is a whole number, not {given}")));
    };
    let found = number.extract::<u64>().ok().and_then(|number| N::try_from(number).ok());
    found.ok_or_else(|| {
        let most = u64::MAX >> (64 - 8 * size_of::<N>().min(8));
        errors::argument(format!("{argument} is {number}: allowed are 0 to {most}"))
    })
}

/// The items of an argument that may be one thing or several.
pub fn items<'py>(argument: Option<&Bound<'py, PyAny>>) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let Some(argument) = argument else { return Ok(Vec::new()) };
    // An attribute that is not there costs an exception: not for what is asked for most often.
    if argument.cast::<PyList>().is_ok() || argument.cast::<PyTuple>().is_ok() {
        return argument.try_iter()?.collect();
    }
    let single = argument.cast::<PyString>().is_ok()
        // Before Python 3.11 it has no `__bytes__`.
        || argument.cast::<PyBytes>().is_ok()
        || argument.cast::<PyInt>().is_ok()
        || argument.cast::<View>().is_ok()
        || argument.cast::<OracleView>().is_ok()
        || argument.hasattr("__bytes__")?
        // Arrays of one number count as numbers, too, but they are several things.
        || argument.hasattr("__index__")? && !argument.hasattr("__iter__")?;
    if single {
        return Ok(vec![argument.clone()]);
    }
    argument.try_iter()?.collect()
}
