//! The log, on standard error. A daemon's standard error is its log file.

use clap::ValueEnum;
use tracing_subscriber::EnvFilter;

use crate::outcome::Exit;
use crate::outcome::Failure;
use crate::outcome::Outcome;

/// How it is logged.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Format {
    /// Lines for people.
    Text,
    /// A JSON object a line.
    Json,
}

/// Begins to log what `filter` says.
pub(crate) fn start(filter: &str, format: Format) -> Outcome<()> {
    let filter = EnvFilter::builder().parse(filter);
    let filter = filter.map_err(|error| Failure::new(Exit::Usage, format!("--log: {error}")))?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(false);
    match format {
        Format::Text => log.init(),
        Format::Json => log.json().init(),
    }
    Ok(())
}
