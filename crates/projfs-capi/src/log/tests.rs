use std::sync::Mutex;

use super::*;

/// Keeps what it is told.
struct Kept(&'static Mutex<Vec<String>>, Log);

impl Subscriber for Kept {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.1.enabled(metadata)
    }

    fn event(&self, event: &Event<'_>) {
        self.0.lock().unwrap().push(line(event));
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        self.1.new_span(attributes)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[test]
fn an_event_is_a_line_and_what_is_below_the_level_is_not_said() {
    static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let log = Kept(&LINES, Log { level: LevelFilter::WARN });
    tracing::subscriber::with_default(log, || {
        tracing::warn!(size = 5, why = "no reason", "left out");
        tracing::error!("failed: {}", 7);
        tracing::info!("not said");
    });
    let lines = LINES.lock().unwrap();
    assert_eq!(*lines, ["projfs: warning: left out (size 5, why \"no reason\")", "projfs: error: failed: 7"]);
}
