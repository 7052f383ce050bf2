//! Compiled getters: several fields of one version, without a copy of the account.

use std::cell::Cell;
use std::mem::offset_of;
use std::sync::OnceLock;

use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::account::{self, Struct};
use crate::calls::{self, Slow, Usual, Vectorcall};
use crate::errors;
use crate::schema::{Schema, is_child};
use crate::snapshot::Snapshot;
use crate::source::Words;
use crate::tail::{self, Made, Release, Tailed};
use crate::value::{self, Leaf};
use crate::view::View;

/// Made by `fields(...)`: called with a view or snapshot it returns a tuple of the fields' values,
/// all of one version. Paths are looked up once per type of account.
#[pyclass(frozen, subclass, module = "driftshm")]
pub struct Fields(());

// SAFETY: without contents; `new` fails, and nothing else makes one.
unsafe impl Tailed for Fields {
    type Value = Compiled;
}

/// What a getter holds.
#[repr(C)]
pub struct Compiled {
    /// What the interpreter calls.
    vectorcall: Vectorcall,
    paths: Vec<String>,
    plans: Plans,
}

impl Release for Compiled {
    fn release(self, _: Python<'_>) {}
}

/// `getter(account)`.
struct Call;

impl Usual for Call {
    type Class = Fields;
    const ARGUMENTS: usize = 1;

    fn slow() -> &'static Slow {
        static SLOW: Slow = Slow::new();
        &SLOW
    }

    #[inline(always)]
    fn call<'py>(
        fields: &Bound<'py, Fields>,
        account: Option<&Bound<'py, PyAny>>,
        max_age: Option<f64>,
    ) -> Option<PyResult<Py<PyAny>>> {
        let done = tail::value(fields).get_known(account?, max_age)?;
        Some(done.map(|tuple| tuple.into_any().unbind()))
    }
}

/// The type of all getters.
fn class(py: Python<'_>) -> PyResult<&'static Made<Fields>> {
    static MADE: OnceLock<Made<Fields>> = OnceLock::new();
    if let Some(made) = MADE.get() {
        return Ok(made);
    }
    let slow = py.get_type::<Fields>().getattr("__call__")?;
    Call::slow().get_or_init(|| slow.unbind());
    let place = tail::offset::<Compiled>() + offset_of!(Compiled, vectorcall);
    let made = calls::callable::<Fields>(py, c"driftshm.Fields", c"A compiled getter.", place)?;
    Ok(MADE.get_or_init(|| made))
}

/// Plans that were made, one per type; a getter rarely has more than one.
#[derive(Default)]
struct Plans {
    plan: OnceLock<Plan>,
    next: OnceLock<Box<Plans>>,
}

struct Plan {
    schema: &'static Schema,
    index: usize,
    /// The type of the views that it is for.
    views: &'static Made<View>,
    leaves: Vec<Leaf>,
    /// There are no more than fit, and all are short ([`Leaf::is_short`]).
    is_short: bool,
}

/// As many short fields are read without an allocation.
const SHORT: usize = 8;

/// Makes a compiled getter: `getter = fields("amm.base_asset_reserve", "status")`, then
/// `getter(market)` returns a tuple.
#[pyfunction]
#[pyo3(signature = (*paths))]
pub fn fields(py: Python<'_>, paths: Vec<String>) -> PyResult<Py<PyAny>> {
    if paths.is_empty() {
        return Err(errors::wrong_type("fields() needs at least one path".to_owned()));
    }
    let vectorcall = calls::vectorcall_of::<Call>();
    class(py)?.object(py, Compiled { vectorcall, paths, plans: Plans::default() })
}

impl Compiled {
    #[inline]
    fn plan(&self, py: Python<'_>, s: &Struct) -> PyResult<&Plan> {
        let mut plans = &self.plans;
        loop {
            let plan = match plans.plan.get() {
                Some(plan) => plan,
                None => {
                    let plan = self.make_plan(py, s)?;
                    plans.plan.get_or_init(|| plan)
                }
            };
            if plan.index == s.index && std::ptr::eq(plan.schema, s.schema) {
                return Ok(plan);
            }
            plans = plans.next.get_or_init(Box::default);
        }
    }

    #[cold]
    fn make_plan(&self, py: Python<'_>, s: &Struct) -> PyResult<Plan> {
        let views = s.schema.class::<View>(py, s.index)?;
        let leaves = self
            .paths
            .iter()
            .map(|path| {
                let field = account::resolve(s.schema, s.index, 0, path)?;
                match is_child(field.ty) {
                    true => Err(errors::wrong_type(format!(
                        "{path} is a struct or an array: name fields within it"
                    ))),
                    false => Ok(Leaf::new(field.offset, field.ty)),
                }
            })
            .collect::<PyResult<Vec<_>>>()?;
        let is_short = leaves.len() <= SHORT && leaves.iter().all(Leaf::is_short);
        Ok(Plan { schema: s.schema, index: s.index, views, leaves, is_short })
    }

    /// By a plan that was made before; `None` if there is none, or nothing can be read.
    #[inline(always)]
    fn get_known<'py>(
        &self,
        account: &Bound<'py, PyAny>,
        max_age: Option<f64>,
    ) -> Option<PyResult<Bound<'py, PyTuple>>> {
        let mut plans = &self.plans;
        loop {
            let plan = plans.plan.get()?;
            if let Some(view) = plan.views.cast(account) {
                if let Err(error) = View::handle(view).guard(max_age) {
                    return Some(Err(error));
                }
                return if plan.is_short { plan.get_short(view) } else { None };
            }
            plans = plans.next.get()?;
        }
    }

    fn get<'py>(&self, py: Python<'py>, s: &Struct) -> PyResult<Bound<'py, PyTuple>> {
        let plan = self.plan(py, s)?;
        let raw = s.source.read(|from| plan.gather(&from, s.base as usize))?;
        value::tuple_of_any(py, plan.schema, &plan.leaves, &raw)
    }
}

impl Plan {
    /// Short fields of one version; `None` if there is none that can be read.
    #[inline(always)]
    fn get_short<'py>(&self, view: &Bound<'py, View>) -> Option<PyResult<Bound<'py, PyTuple>>> {
        let here = View::handle(view).current()?;
        let base = View::inner(view).base as usize;
        if base % 8 != 0 {
            return None;
        }
        // Overwritten by a second look if the first was torn.
        let raw = [const { Cell::new([0; 2]) }; SHORT];
        let unreadable = here.region().read(&here.record, |buffer| {
            for (slot, leaf) in raw.iter().zip(&self.leaves) {
                let place = (base + leaf.offset as usize) / 8;
                let high = if leaf.words > 1 { buffer.payload(place + 1) } else { 0 };
                slot.set([buffer.payload(place), high]);
            }
            buffer.unreadable()
        });
        if unreadable != Ok(false) {
            return None;
        }
        let raw = self.leaves.iter().zip(&raw).map(|(leaf, raw)| leaf.cut(raw.get()));
        Some(value::tuple(view.py(), self.schema, &self.leaves, raw))
    }

    /// Any fields' words.
    fn gather(&self, from: &Words<'_>, base: usize) -> Vec<Vec<u64>> {
        let words = |leaf: &Leaf| {
            let at = base + leaf.offset as usize;
            (0..leaf.words).map(|nth| from.u64_at(at + nth * 8)).collect()
        };
        self.leaves.iter().map(words).collect()
    }
}

#[pymethods]
impl Fields {
    #[new]
    fn new() -> PyResult<Self> {
        Err(errors::wrong_type("getters are made by fields()".to_owned()))
    }

    /// The fields' values, all of one version.
    #[pyo3(signature = (account, /, *, max_age = None))]
    fn __call__<'py>(
        slf: &Bound<'py, Self>,
        account: &Bound<'py, PyAny>,
        max_age: Option<f64>,
    ) -> PyResult<Bound<'py, PyTuple>> {
        let fields = tail::value(slf);
        if let Ok(view) = account.cast::<View>() {
            View::handle(view).guard(max_age)?;
            return fields.get(slf.py(), View::inner(view));
        }
        match account.cast::<Snapshot>() {
            Ok(_) if max_age.is_some() => Err(errors::wrong_type(
                "a snapshot gets no fresher: say max_age= when it is taken".to_owned(),
            )),
            Ok(snapshot) => fields.get(slf.py(), Snapshot::inner(snapshot)),
            Err(_) => Err(errors::wrong_type(format!(
                "expected a view or a snapshot, not {}",
                account.get_type().name()?
            ))),
        }
    }

    /// The paths, as they were given.
    #[getter]
    fn paths(slf: &Bound<'_, Self>) -> Vec<String> {
        tail::value(slf).paths.clone()
    }

    fn __repr__(slf: &Bound<'_, Self>) -> String {
        format!(
            "fields({})",
            tail::value(slf).paths.iter().map(|p| format!("{p:?}")).collect::<Vec<_>>().join(", ")
        )
    }
}
