//! Compiled getters: several fields of one version, without a copy of the account.

use std::sync::OnceLock;

use driftshm_layout::profile::Type;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::account::{self, Struct};
use crate::descriptors::Class;
use crate::errors;
use crate::schema::{Schema, is_child};
use crate::snapshot::Snapshot;
use crate::value;
use crate::view::View;

/// Words that are gathered without an allocation.
const INLINE_WORDS: usize = 16;

/// Made by `fields(...)`: called with a view or snapshot it returns a tuple of the fields' values,
/// all of one version. Paths are looked up once per type of account.
#[pyclass(frozen, module = "driftshm")]
pub struct Fields {
    paths: Vec<String>,
    plans: Plans,
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
    /// Offset from the start of the struct, type, words.
    fields: Vec<(u32, Type, usize)>,
    words: usize,
}

/// Makes a compiled getter: `getter = fields("amm.base_asset_reserve", "status")`, then
/// `getter(market)` returns a tuple.
#[pyfunction]
#[pyo3(signature = (*paths))]
pub fn fields(paths: Vec<String>) -> PyResult<Fields> {
    if paths.is_empty() {
        return Err(errors::wrong_type("fields() needs at least one path".to_owned()));
    }
    Ok(Fields { paths, plans: Plans::default() })
}

impl Fields {
    #[inline]
    fn plan(&self, s: &Struct) -> PyResult<&Plan> {
        let mut plans = &self.plans;
        loop {
            let plan = match plans.plan.get() {
                Some(plan) => plan,
                None => {
                    let plan = self.make_plan(s)?;
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
    fn make_plan(&self, s: &Struct) -> PyResult<Plan> {
        let fields = self
            .paths
            .iter()
            .map(|path| {
                let field = account::resolve(s.schema, s.index, 0, path)?;
                match is_child(field.ty) {
                    true => Err(errors::wrong_type(format!(
                        "{path} is a struct or an array: name fields within it"
                    ))),
                    false => Ok((field.offset, field.ty, field.size().div_ceil(8))),
                }
            })
            .collect::<PyResult<Vec<_>>>()?;
        let words = fields.iter().map(|(.., words)| words).sum();
        Ok(Plan { schema: s.schema, index: s.index, fields, words })
    }

    fn get<'py>(&self, py: Python<'py>, s: &Struct) -> PyResult<Bound<'py, PyTuple>> {
        let plan = self.plan(s)?;
        let base = s.base as usize;
        let gather = |from: &crate::source::Words<'_>, raw: &mut [u64]| {
            let mut slots = raw.iter_mut();
            for (offset, _, words) in &plan.fields {
                for (i, slot) in slots.by_ref().take(*words).enumerate() {
                    *slot = from.u64_at(base + *offset as usize + i * 8);
                }
            }
        };
        if plan.words <= INLINE_WORDS {
            let raw = s.source.read(|from| {
                let mut raw = [0; INLINE_WORDS];
                gather(&from, &mut raw);
                raw
            })?;
            return tuple(py, plan, &raw);
        }
        let raw = s.source.read(|from| {
            let mut raw = vec![0; plan.words];
            gather(&from, &mut raw);
            raw
        })?;
        tuple(py, plan, &raw)
    }
}

fn tuple<'py>(py: Python<'py>, plan: &Plan, raw: &[u64]) -> PyResult<Bound<'py, PyTuple>> {
    let mut rest = raw;
    let mut failed = None;
    let values = plan.fields.iter().map(|(_, ty, words)| {
        let (own, behind) = rest.split_at((*words).min(rest.len()));
        rest = behind;
        value::to_py(py, plan.schema, *ty, own).unwrap_or_else(|error| {
            failed = Some(error);
            py.None()
        })
    });
    let values = PyTuple::new(py, values)?;
    failed.map_or(Ok(values), Err)
}

#[pymethods]
impl Fields {
    /// The fields' values, all of one version.
    #[pyo3(signature = (account, /, *, max_age = None))]
    fn __call__<'py>(
        &self,
        account: &Bound<'py, PyAny>,
        max_age: Option<f64>,
    ) -> PyResult<Bound<'py, PyTuple>> {
        let py = account.py();
        if let Ok(view) = account.cast::<View>() {
            view.get().handle().guard(max_age)?;
            return self.get(py, view.get().inner());
        }
        match account.cast::<Snapshot>() {
            Ok(_) if max_age.is_some() => Err(errors::wrong_type(
                "a snapshot gets no fresher: say max_age= when it is taken".to_owned(),
            )),
            Ok(snapshot) => self.get(py, snapshot.get().inner()),
            Err(_) => Err(errors::wrong_type(format!(
                "expected a view or a snapshot, not {}",
                account.get_type().name()?
            ))),
        }
    }

    /// The paths, as they were given.
    #[getter]
    fn paths(&self) -> Vec<String> {
        self.paths.clone()
    }

    fn __repr__(&self) -> String {
        format!(
            "fields({})",
            self.paths.iter().map(|p| format!("{p:?}")).collect::<Vec<_>>().join(", ")
        )
    }
}
