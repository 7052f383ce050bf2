//! A profile's structs and enums as Python types, made when they are first used and kept for ever.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use driftshm_layout::profile::{EnumId, Kind, Profile, StructDef, StructId, Type};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList};

use crate::descriptors::{self, Class};
use crate::errors;
use crate::snapshot::Snapshot;
use crate::tail::Made;
use crate::view::View;

/// One profile's types. Regions with the same schema share them.
pub struct Schema {
    /// What accounts look like.
    pub profile: Arc<Profile>,
    hash: [u8; 32],
    /// By struct.
    pub views: Vec<OnceLock<Made<View>>>,
    /// By struct.
    pub snapshots: Vec<OnceLock<Made<Snapshot>>>,
    enums: Vec<OnceLock<Enum>>,
    json: OnceLock<Py<PyBytes>>,
    sizes: Vec<OnceLock<usize>>,
    dtypes: [OnceLock<Py<PyAny>>; Kind::ALL.len()],
}

struct Enum {
    class: Py<PyAny>,
    members: Vec<Py<PyAny>>,
}

static SCHEMAS: Mutex<Vec<&'static Schema>> = Mutex::new(Vec::new());

fn cells<T>(count: usize) -> Vec<OnceLock<T>> {
    (0..count).map(|_| OnceLock::new()).collect()
}

impl Schema {
    /// The types of a profile; made once per process, and never freed: instances of the types may
    /// outlive anything else.
    pub fn of(profile: &Arc<Profile>, hash: &[u8; 32]) -> &'static Self {
        let mut known = SCHEMAS.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(schema) = known.iter().find(|schema| schema.hash == *hash) {
            return schema;
        }
        let schema: &'static Self = Box::leak(Box::new(Self {
            profile: Arc::clone(profile),
            hash: *hash,
            views: cells(profile.structs().len()),
            snapshots: cells(profile.structs().len()),
            enums: cells(profile.enums().len()),
            json: OnceLock::new(),
            sizes: cells(profile.structs().len()),
            dtypes: Default::default(),
        }));
        known.push(schema);
        schema
    }

    /// The types of a profile that comes with the package.
    pub fn builtin(name: &str) -> Option<&'static Self> {
        let profile = Profile::builtin(name)?;
        let hash = profile.schema_hash();
        Some(Self::of(&Arc::new(profile), &hash))
    }

    /// The struct of a kind of account.
    pub fn struct_of(&self, kind: Kind) -> Option<StructId> {
        self.profile.account(kind).map(|account| account.struct_id)
    }

    /// The definition behind a struct's index.
    pub fn struct_def(&self, index: usize) -> Option<&StructDef> {
        self.profile.structs().get(index)
    }

    /// The kind of account that a struct is the whole of.
    pub fn kind_of(&self, index: usize) -> Option<Kind> {
        let account = self.profile.accounts().iter().find(|a| a.struct_id.index() == index)?;
        (account.kind != Kind::Oracle).then_some(account.kind)
    }

    /// How many of a struct's fields are structs or arrays themselves.
    pub fn children(&self, index: usize) -> usize {
        let Some(cell) = self.sizes.get(index) else { return 0 };
        *cell.get_or_init(|| {
            let fields = self.struct_def(index).map_or(&[][..], |def| &def.fields);
            fields.iter().filter(|field| is_child(field.ty)).count()
        })
    }

    /// The Python type of a struct.
    #[inline(always)]
    pub fn class<C: Class>(
        &'static self,
        py: Python<'_>,
        index: usize,
    ) -> PyResult<&'static Made<C>> {
        match C::made(self).get(index).and_then(OnceLock::get) {
            Some(class) => Ok(class),
            None => self.make_class(py, index),
        }
    }

    #[cold]
    fn make_class<C: Class>(
        &'static self,
        py: Python<'_>,
        index: usize,
    ) -> PyResult<&'static Made<C>> {
        let Some(cell) = C::made(self).get(index) else {
            return Err(errors::wrong_type("the profile has no such struct".to_owned()));
        };
        let class = descriptors::make_class::<C>(py, self, index)?;
        Ok(cell.get_or_init(|| class))
    }

    /// The numpy dtype of a kind of account, made once.
    pub fn dtype(
        &self,
        kind: Kind,
        make: impl FnOnce() -> PyResult<Py<PyAny>>,
    ) -> PyResult<&Py<PyAny>> {
        let cell = &self.dtypes[kind as usize];
        if let Some(dtype) = cell.get() {
            return Ok(dtype);
        }
        let made = make()?;
        Ok(cell.get_or_init(|| made))
    }

    fn enum_(&self, py: Python<'_>, id: EnumId) -> PyResult<Option<&Enum>> {
        let Some(cell) = self.enums.get(id.index()) else { return Ok(None) };
        if let Some(known) = cell.get() {
            return Ok(Some(known));
        }
        let Some(def) = self.profile.enum_def(id) else { return Ok(None) };
        let members = PyDict::new(py);
        for (number, variant) in def.variants.iter().enumerate() {
            members.set_item(variant, number)?;
        }
        let arguments = PyDict::new(py);
        arguments.set_item("module", module_of(&self.profile))?;
        let class =
            py.import("enum")?.getattr("IntEnum")?.call((&def.name, members), Some(&arguments))?;
        let members = def
            .variants
            .iter()
            .map(|variant| class.getattr(variant.as_str()).map(Bound::unbind))
            .collect::<PyResult<_>>()?;
        let made = Enum { class: class.unbind(), members };
        Ok(Some(cell.get_or_init(|| made)))
    }

    /// The member of an enum; the number itself where the profile has no variant for it.
    pub fn member(&self, py: Python<'_>, id: EnumId, number: u8) -> PyResult<Py<PyAny>> {
        let known = self.enum_(py, id)?.and_then(|known| known.members.get(usize::from(number)));
        match known {
            Some(member) => Ok(member.clone_ref(py)),
            None => Ok(number.into_pyobject(py)?.into_any().unbind()),
        }
    }

    /// The profile as JSON, or its name if it comes with the package: for pickles.
    pub fn to_pickle(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let name = &self.profile.name;
        if Profile::builtin(name).is_some_and(|known| known.schema_hash() == self.hash) {
            return Ok((name, &self.hash[..]).into_pyobject(py)?.into_any().unbind());
        }
        let json = self.json.get_or_init(|| PyBytes::new(py, &self.profile.to_json()).unbind());
        Ok(json.clone_ref(py).into_any())
    }

    /// The inverse of [`Schema::to_pickle`].
    pub fn from_pickle(pickled: &Bound<'_, PyAny>) -> PyResult<&'static Self> {
        let unknown = || errors::wrong_type("the pickle is of another version of driftshm".into());
        if let Ok((name, hash)) = pickled.extract::<(String, Vec<u8>)>() {
            let same = Self::builtin(&name).filter(|schema| schema.hash[..] == hash[..]);
            return same.ok_or_else(unknown);
        }
        let json: Vec<u8> = pickled.extract().map_err(|_| unknown())?;
        let profile = Profile::from_json(&json).map_err(|_| unknown())?;
        let hash = profile.schema_hash();
        Ok(Self::of(&Arc::new(profile), &hash))
    }
}

/// The Python module whose types a profile's are.
pub fn module_of(profile: &Profile) -> String {
    format!("driftshm.{}", profile.name.replace(['-', '.'], "_"))
}

/// Whether a field of this type is an object of its own.
pub fn is_child(ty: Type) -> bool {
    matches!(ty, Type::Struct(_) | Type::Array(_))
}

/// Every type of a profile that comes with the package: views, snapshots and enums, by name.
#[pyfunction]
pub fn types_of_profile<'py>(py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyDict>> {
    let schema = Schema::builtin(name).ok_or_else(|| {
        let known: Vec<_> = Profile::builtin_names().collect();
        errors::wrong_type(format!("no profile {name:?} comes with driftshm; there are {known:?}"))
    })?;
    let types = PyDict::new(py);
    for (index, def) in schema.profile.structs().iter().enumerate() {
        types.set_item(&def.name, &schema.class::<crate::view::View>(py, index)?.class)?;
        let snapshot = schema.class::<crate::snapshot::Snapshot>(py, index)?;
        types.set_item(format!("{}Snapshot", def.name), &snapshot.class)?;
    }
    for def in schema.profile.enums() {
        let Some(id) = schema.profile.enum_by_name(&def.name) else { continue };
        if let Some(known) = schema.enum_(py, id)? {
            types.set_item(&def.name, &known.class)?;
        }
    }
    let names = PyList::new(py, types.keys())?;
    types.set_item("__all__", names)?;
    Ok(types)
}
