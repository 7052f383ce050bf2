//! The writer's log: lines on standard error, for people or as JSON objects.

use std::fmt;

use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use super::args::{LogArgs, LogFormat, LogLevel};

/// So many lines wait for a standard error that is slow; more are lost.
const WAITING: usize = 1024;

/// Lets everything that is logged from now on appear on standard error, for as long as the
/// returned guard is there. Who logs never waits: a pipe that nobody empties must not keep
/// accounts from being published, nor the writer from ending.
pub fn start(args: &LogArgs) -> WorkerGuard {
    let builder = NonBlockingBuilder::default().lossy(true).buffered_lines_limit(WAITING);
    let (stderr, guard) = builder.thread_name("driftshm-log").finish(std::io::stderr());
    // A line that cannot be written is no reason to write another.
    let lines = tracing_subscriber::fmt()
        .with_writer(stderr)
        .with_env_filter(filter(args.log_level))
        .log_internal_errors(false);
    // Failing means that somebody else has set a log up already, which is as good.
    let _ = match args.log_format {
        LogFormat::Text => {
            let ansi = crate::commands::colour(std::io::stderr());
            lines.with_ansi(ansi).with_target(false).try_init()
        }
        LogFormat::Json => lines.event_format(JsonLines).try_init(),
    };
    guard
}

/// Our own lines of this level. Of the libraries below, only what needs a hand: with more, they
/// print what goes over the wire, and keys with it.
fn filter(level: LogLevel) -> EnvFilter {
    let (ours, theirs) = match level {
        LogLevel::Error => ("error", "error"),
        LogLevel::Warn => ("warn", "warn"),
        LogLevel::Info => ("info", "warn"),
        LogLevel::Debug => ("debug", "warn"),
        LogLevel::Trace => ("trace", "warn"),
    };
    // A prefix: it is the writer's target and the layout's as well.
    EnvFilter::new(format!("{theirs},driftshm={ours}"))
}

/// One object per event: time (seconds since 1970), level, target, message, and its fields.
struct JsonLines;

impl<S, N> FormatEvent<S, N> for JsonLines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut to: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut object = Object(Map::new());
        event.record(&mut object);
        let Object(mut object) = object;
        let time = driftshm_layout::clock::unix_ns() / 1_000;
        object.insert("time".into(), (time as f64 / 1e6).into());
        object.insert("level".into(), event.metadata().level().as_str().to_lowercase().into());
        object.insert("target".into(), event.metadata().target().into());
        writeln!(to, "{}", Value::Object(object))
    }
}

struct Object(Map<String, Value>);

impl Visit for Object {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name().into(), format!("{value:?}").into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().into(), value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.insert(field.name().into(), value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.insert(field.name().into(), value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.0.insert(field.name().into(), value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.insert(field.name().into(), value.into());
    }
}
