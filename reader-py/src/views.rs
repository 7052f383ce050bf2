//! The views that a reader has given.

use std::sync::{Arc, Mutex, OnceLock};

use driftshm_layout::profile::Kind;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::follow::{Handle, Link};
use crate::schema::Schema;

/// Views that were made, so that an account's is always the same object. One set per schema.
pub struct Views {
    schema: &'static Schema,
    /// Perp and spot markets by index.
    pub markets: [Box<[OnceLock<Market>]>; 2],
    /// All others, by address.
    pub by_key: Py<PyDict>,
    /// Held where a view is put into `by_key`: of several threads that made one, one's is kept.
    pub putting: Mutex<()>,
    next: OnceLock<Box<Views>>,
}

/// A market's view.
pub struct Market {
    /// The object.
    pub view: Py<PyAny>,
    /// The account behind it.
    pub handle: Arc<Handle>,
}

impl Views {
    /// None yet.
    pub fn new(py: Python<'_>, link: &Link) -> Self {
        let cells = |kind| {
            let capacity = link.region.geometry().section(kind).capacity;
            (0..capacity.min(1 << 16)).map(|_| OnceLock::new()).collect()
        };
        Self {
            schema: link.schema,
            markets: [cells(Kind::PerpMarket), cells(Kind::SpotMarket)],
            by_key: PyDict::new(py).unbind(),
            putting: Mutex::new(()),
            next: OnceLock::new(),
        }
    }

    /// Those of a region's schema.
    pub fn of<'a>(&'a self, py: Python<'_>, link: &Link) -> &'a Self {
        let mut views = self;
        while !std::ptr::eq(views.schema, link.schema) {
            views = views.next.get_or_init(|| Box::new(Self::new(py, link)));
        }
        views
    }
}
