//! Every exception, and the only place that makes one from an error of the layout.

use driftshm_layout::control::LinkError;
use driftshm_layout::profile::PathError;
use driftshm_layout::{OpenError, Pubkey};
use pyo3::create_exception;
use pyo3::exceptions::{
    PyArithmeticError, PyAttributeError, PyException, PyLookupError, PyTypeError, PyValueError,
};
use pyo3::prelude::*;
use pyo3::types::PyDict;

create_exception!(driftshm, DriftShmError, PyException, "Base of all errors of driftshm.");

macro_rules! errors {
    ($($name:ident($base:ident): $doc:literal,)*) => {
        $(create_exception!(driftshm, $name, $base, $doc);)*

        /// Adds every exception that needs one base only.
        fn add_plain(module: &Bound<'_, PyModule>) -> PyResult<()> {
            let py = module.py();
            $(module.add(stringify!($name), py.get_type::<$name>())?;)*
            Ok(())
        }
    };
}

errors! {
    OpenFailed(DriftShmError): "The region cannot be opened.",
    NoRegionError(OpenFailed): "There is no region: is the writer running?",
    RegionNotReadyError(OpenFailed): "The region is just being made: try again in a moment.",
    RegionPermissionError(OpenFailed): "This user may not read the region.",
    IncompatibleRegionError(OpenFailed): "The region has another format than this reader; both are named.",
    CorruptRegionError(OpenFailed): "The file is not a sound region.",
    OtherClusterError(OpenFailed): "The region is of another cluster than the one asked for.",
    NotLiveError(OpenFailed): "The region is there, and its feed did not become live in time.",
    ReaderClosedError(DriftShmError): "The reader was closed.",
    StaleError(DriftShmError): "The account is not known to be as fresh as `max_age` asks: the message says why.",
    AccountClosedError(DriftShmError): "The account was closed on chain: it has no fields.",
    AccountGoneError(DriftShmError): "The account is no longer in the region: nobody followed it, and its record was reclaimed.",
    LayoutMismatchError(DriftShmError): "The account's length is not one that the profile knows: only its bytes can be read.",
    SchemaChangedError(DriftShmError): "The writer now uses another profile: get the account from the reader again.",
    OracleInvalidError(DriftShmError): "The oracle is not there, or gives no valid price by the source that the market names.",
    ContendedError(DriftShmError): "Accounts changed too fast for one consistent cut.",
    ConnectionFailed(DriftShmError): "There is no connection to the writer's control socket.",
    WriterDeadError(ConnectionFailed): "No writer runs, or it does not answer.",
    ConnectionRefusedByWriterError(ConnectionFailed): "The writer refuses the connection or the subscription.",
    IncompatibleWriterError(ConnectionFailed): "The writer is of another version.",
    DescriptorLimitError(ConnectionFailed): "This process has too many open files to receive the writer's.",
    ForkedError(DriftShmError): "Subscriptions and watches belong to the process that made them: make new ones after fork.",
}

const WITH_TWO_BASES: &str = "
class FieldError(DriftShmError, AttributeError):
    'The account has no such field; the message names near ones.'
class UnknownMarketError(DriftShmError, LookupError):
    'No market has that index or symbol, nor could one: the message says what there is.'
class UnknownAccountError(DriftShmError, LookupError):
    'An account that a cut needs is not in the region: the message says how to get it there.'
class NoFigureError(DriftShmError, ArithmeticError):
    'A figure cannot be computed from what the account holds: the message says why.'
class ArgumentError(DriftShmError, ValueError):
    'An argument is out of range: the message names it, and what is allowed.'
class PubkeyError(DriftShmError, ValueError):
    'Not the base58 text or the 32 bytes of a public key.'
class FilterError(ArgumentError):
    'A filter names something that cannot be subscribed to.'
";

/// Adds the whole tree to the module.
pub fn add_to(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    module.add("DriftShmError", py.get_type::<DriftShmError>())?;
    add_plain(module)?;
    let names = PyDict::new(py);
    names.set_item("DriftShmError", py.get_type::<DriftShmError>())?;
    names.set_item("__name__", "driftshm")?;
    for base in [
        py.get_type::<PyArithmeticError>(),
        py.get_type::<PyAttributeError>(),
        py.get_type::<PyLookupError>(),
        py.get_type::<PyValueError>(),
    ] {
        names.set_item(base.name()?, base)?;
    }
    let code = std::ffi::CString::new(WITH_TWO_BASES)?;
    py.run(&code, Some(&names), None)?;
    for name in [
        "FieldError",
        "UnknownMarketError",
        "UnknownAccountError",
        "NoFigureError",
        "ArgumentError",
        "PubkeyError",
        "FilterError",
    ] {
        module.add(name, names.get_item(name)?)?;
    }
    Ok(())
}

fn named(name: &str, message: String) -> PyErr {
    Python::attach(|py| {
        let class = py.import("driftshm._driftshm").and_then(|module| module.getattr(name));
        match class.and_then(|class| class.call1((message,))) {
            Ok(error) => PyErr::from_value(error),
            Err(error) => error,
        }
    })
}

/// An account has no such field.
pub fn field(error: &PathError) -> PyErr {
    named("FieldError", error.to_string())
}

/// Something that views have, but not as a field.
#[cold]
pub fn not_a_field(message: String) -> PyErr {
    named("FieldError", message)
}

/// A market that is not there and could not be.
pub fn unknown_market(message: String) -> PyErr {
    named("UnknownMarketError", message)
}

/// An account that is not there, of which a cut was asked for.
pub fn unknown_account(message: String) -> PyErr {
    named("UnknownAccountError", message)
}

/// A figure that the account's numbers do not give.
#[cold]
pub fn no_figure(message: String) -> PyErr {
    named("NoFigureError", message)
}

/// An argument beyond what is allowed.
#[cold]
pub fn argument(message: String) -> PyErr {
    named("ArgumentError", message)
}

/// A filter that makes no sense.
pub fn filter(message: String) -> PyErr {
    named("FilterError", message)
}

/// Something that is no public key.
pub fn pubkey(what: &str) -> PyErr {
    named("PubkeyError", what.to_owned())
}

/// An argument of a wrong type.
pub fn wrong_type(message: String) -> PyErr {
    PyTypeError::new_err(message)
}

/// Why a region was not opened.
pub fn open(error: &OpenError) -> PyErr {
    let message = error.to_string();
    match error {
        OpenError::NotFound { .. } => NoRegionError::new_err(message),
        OpenError::NotReady { .. } => RegionNotReadyError::new_err(message),
        OpenError::PermissionDenied { .. } => RegionPermissionError::new_err(message),
        OpenError::Incompatible { .. } => IncompatibleRegionError::new_err(message),
        OpenError::Corrupt { .. } => CorruptRegionError::new_err(message),
        OpenError::OtherCluster { .. } => OtherClusterError::new_err(message),
        OpenError::ForeignOwner { .. } => RegionPermissionError::new_err(message),
        OpenError::ClusterName { .. } | OpenError::Io { .. } => OpenFailed::new_err(message),
    }
}

/// Whether to wait may help: there is no region yet, or it is just being made.
pub fn is_of_waiting(py: Python<'_>, error: &PyErr) -> bool {
    error.is_instance_of::<NoRegionError>(py) || error.is_instance_of::<RegionNotReadyError>(py)
}

/// A region whose feed is not live.
pub fn not_live(dir: std::path::PathBuf, state: driftshm_layout::FeedState, timeout: f64) -> PyErr {
    let (dir, state) = (dir.display(), state.as_str());
    NotLiveError::new_err(format!(
        "the feed of the region in {dir} is {state} after {timeout} s: see `driftshm status`"
    ))
}

/// The process may not open more files: the same number on every Linux.
const EMFILE: i32 = 24;

/// Why there is no connection.
pub fn link(error: &LinkError) -> PyErr {
    let message = error.to_string();
    match error {
        LinkError::NoWriter { .. } | LinkError::Timeout { .. } | LinkError::Busy { .. } => {
            WriterDeadError::new_err(message)
        }
        LinkError::NotAllowed { .. } | LinkError::Refused { .. } => {
            ConnectionRefusedByWriterError::new_err(message)
        }
        LinkError::Incompatible(_) => IncompatibleWriterError::new_err(message),
        LinkError::DescriptorsLost => DescriptorLimitError::new_err(message),
        LinkError::Io { source, .. } if source.raw_os_error() == Some(EMFILE) => {
            DescriptorLimitError::new_err(format!(
                "{message}: raise this process's limit of open files (ulimit -n)"
            ))
        }
        LinkError::HungUp { .. } | LinkError::Protocol(_) | LinkError::Io { .. } => {
            ConnectionFailed::new_err(message)
        }
    }
}

/// The account was closed.
pub fn closed(pubkey: &Pubkey) -> PyErr {
    AccountClosedError::new_err(format!("account {pubkey} was closed on chain: it has no fields"))
}

/// The account's length is unknown to the profile.
pub fn layout_mismatch(pubkey: &Pubkey, len: u32) -> PyErr {
    LayoutMismatchError::new_err(format!(
        "account {pubkey} has {len} bytes, which the profile does not know: read it with \
         snapshot().bytes(), or run the writer with a newer profile"
    ))
}

/// The account's record was given to another; its address is not known any more.
#[cold]
pub fn gone() -> PyErr {
    gone_from_region("the account")
}

/// This account's record was given to another.
#[cold]
pub fn account_gone(pubkey: &Pubkey) -> PyErr {
    gone_from_region(&format!("account {pubkey}"))
}

/// The same of an oracle, which its market names.
#[cold]
pub fn oracle_gone(market: &str) -> PyErr {
    gone_from_region(&format!("the oracle of {market}"))
}

fn gone_from_region(what: &str) -> PyErr {
    AccountGoneError::new_err(format!(
        "{what} is no longer in the region, since nobody followed it: watch it (reader.watch) and \
         get it again"
    ))
}

/// The writer went over to another profile.
#[cold]
pub fn schema_changed(pubkey: &Pubkey) -> PyErr {
    SchemaChangedError::new_err(format!(
        "the writer now uses another profile: get account {pubkey} from the reader again"
    ))
}
