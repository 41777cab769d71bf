//! What goes wrong is said on standard error: a C program has no other way to hear of it.

use std::fmt::Debug;
use std::fmt::Write;
use std::sync::Once;

use tracing::Event;
use tracing::Metadata;
use tracing::Subscriber;
use tracing::field::Field;
use tracing::field::Visit;
use tracing::level_filters::LevelFilter;
use tracing::span::Attributes;
use tracing::span::Id;
use tracing::span::Record;

/// The environment variable that says how much is said: `off`, `error`, `warn` (unless set), `info`, `debug`, `trace`.
const LEVEL: &str = "PROJFS_LOG";

/// Says things on standard error, from the first call on. A Rust program that has its own way keeps it.
pub(crate) fn begin() {
    static BEGUN: Once = Once::new();
    BEGUN.call_once(|| {
        let level = std::env::var(LEVEL).ok().and_then(|level| level.parse().ok());
        let log = Log { level: level.unwrap_or(LevelFilter::WARN) };
        // Fails only if there is one already.
        let _ = tracing::subscriber::set_global_default(log);
    });
}

struct Log {
    level: LevelFilter,
}

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= self.level
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.level)
    }

    fn event(&self, event: &Event<'_>) {
        eprintln!("{}", line(event));
    }

    // What happens within what is not said.
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// An event in a line: `projfs: warning: what (name value, ...)`.
fn line(event: &Event<'_>) -> String {
    let mut said = Said::default();
    event.record(&mut said);
    let level = match *event.metadata().level() {
        tracing::Level::ERROR => "error",
        tracing::Level::WARN => "warning",
        tracing::Level::INFO => "note",
        tracing::Level::DEBUG | tracing::Level::TRACE => "debug",
    };
    let Said { message, values } = said;
    match values.as_str() {
        "" => format!("projfs: {level}: {message}"),
        values => format!("projfs: {level}: {message} ({values})"),
    }
}

#[derive(Default)]
struct Said {
    message: String,
    values: String,
}

impl Visit for Said {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        // Writing to a string cannot fail.
        let _ = if field.name() == "message" {
            write!(self.message, "{value:?}")
        } else {
            let comma = if self.values.is_empty() { "" } else { ", " };
            write!(self.values, "{comma}{} {value:?}", field.name())
        };
    }
}

#[cfg(test)]
mod tests;
