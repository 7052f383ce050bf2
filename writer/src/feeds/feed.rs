//! A feed, ready to start.

use std::fmt;
use std::sync::Arc;

use super::{Figures, Sink};

type Run = dyn Fn(u64, &Sink) -> Result<(), String> + Send;

/// What a feed's state says of the accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Part {
    /// It brings accounts that no other does: they are as the chain has them while it is live.
    #[default]
    Sole,
    /// It brings what the other mirrors bring, too: one of them that is live is enough.
    Mirror,
    /// It helps others, and vouches for nothing.
    Beside,
}

/// A feed that can be started.
pub struct Feed {
    pub(crate) name: String,
    pub(crate) run: Box<Run>,
    pub(crate) part: Part,
    pub(crate) figures: Arc<Figures>,
}

impl fmt::Debug for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Feed").field(&self.name).finish()
    }
}

impl Feed {
    /// A feed of that name. `run` gets the slot to begin with, should the source have none, and
    /// where to put accounts; it returns when it is done or told to stop, and an error if it is to
    /// be started again.
    pub fn new(
        name: &str,
        run: impl Fn(u64, &Sink) -> Result<(), String> + Send + 'static,
    ) -> Self {
        let figures = Arc::default();
        Self { name: name.to_owned(), run: Box::new(run), part: Part::Sole, figures }
    }

    /// The same feed in another part, with figures of its own making.
    #[must_use]
    pub fn with(self, part: Part, figures: Arc<Figures>) -> Self {
        Self { part, figures, ..self }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }
}
