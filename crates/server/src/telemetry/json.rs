//! Log lines as JSON objects.

use std::fmt::{Debug, Write as _};
use std::io::Write as _;

use serde_json::{Map, Value};
use time::OffsetDateTime;
use time::format_description::well_known::Iso8601;
use time::format_description::well_known::iso8601::{Config, EncodedConfig, TimePrecision};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

/// RFC 3339 in UTC with microseconds.
const TIMESTAMP: EncodedConfig = Config::DEFAULT
    .set_time_precision(TimePrecision::Second { decimal_digits: std::num::NonZeroU8::new(6) })
    .encode();

/// Names that every line has; fields of these names do not replace them.
const OWN_NAMES: [&str; 3] = ["timestamp", "level", "target"];

/// Writes every event as one line: `timestamp`, `level`, `target`, then the fields of the spans around it from
/// the outside in, then its own, all on one level under their own names.
///
/// ```text
/// {"timestamp":"2026-07-01T08:30:00.000000Z","level":"INFO","target":"ostiary_server::ops","request.id":"…","message":"code sent"}
/// ```
pub struct JsonLines<W> {
    writer: W,
}

impl<W> JsonLines<W> {
    /// Lines go to what `writer` makes, each in one write.
    pub fn new(writer: W) -> Self {
        JsonLines { writer }
    }
}

/// The fields of a span, kept with it.
struct SpanFields(Map<String, Value>);

impl<S, W> Layer<S> for JsonLines<W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields(Map::new());
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(SpanFields(fields.0));
        }
    }

    fn on_record(&self, id: &Id, record: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut extensions = span.extensions_mut();
        let Some(SpanFields(known)) = extensions.get_mut::<SpanFields>() else { return };
        let mut fields = Fields(std::mem::take(known));
        record.record(&mut fields);
        *known = fields.0;
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let metadata = event.metadata();
        let mut line = Fields(Map::new());
        line.0.insert("timestamp".to_owned(), now().into());
        line.0.insert("level".to_owned(), metadata.level().as_str().into());
        line.0.insert("target".to_owned(), metadata.target().into());
        for span in context.event_scope(event).into_iter().flat_map(|scope| scope.from_root()) {
            if let Some(SpanFields(fields)) = span.extensions().get::<SpanFields>() {
                line.0.extend(fields.iter().map(|(name, value)| (name.clone(), value.clone())));
            }
        }
        event.record(&mut line);
        let mut text = Value::Object(line.0).to_string();
        text.push('\n');
        // There is nowhere to report that reports cannot be written.
        let _ = self.writer.make_writer_for(metadata).write_all(text.as_bytes());
    }
}

fn now() -> String {
    OffsetDateTime::now_utc().format(&Iso8601::<TIMESTAMP>).expect("the present has a four-digit year")
}

/// Collects fields as JSON values.
struct Fields(Map<String, Value>);

impl Fields {
    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        if !OWN_NAMES.contains(&field.name()) {
            self.0.insert(field.name().to_owned(), value.into());
        }
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        let mut text = value.to_string();
        let mut source = value.source();
        while let Some(error) = source {
            write!(text, ": {error}").expect("writing to a String does not fail");
            source = error.source();
        }
        self.put(field, text);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.put(field, format!("{value:?}"));
    }
}

/// Reading back what is logged.
#[cfg(test)]
pub(crate) mod testing {
    use std::io;
    use std::sync::Arc;

    use parking_lot::Mutex;
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// The lines that some code logs.
    pub(crate) fn lines_of(code: impl FnOnce()) -> Vec<Map<String, Value>> {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::registry().with(JsonLines::new(move || writer.clone()));
        tracing::subscriber::with_default(subscriber, code);
        let text = String::from_utf8(lines.0.lock().clone()).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::now;
    use super::testing::lines_of;

    #[test]
    fn request_id_of_the_span_is_on_every_line_under_its_own_name() {
        let lines = lines_of(|| {
            let request =
                tracing::info_span!("request", request.id = "request-1", member.id = tracing::field::Empty);
            let _entered = request.enter();
            tracing::info!(attempts = 2, "code refused");
            request.record("member.id", "member-1");
            tracing::info_span!("inner", step = 3_u64).in_scope(|| tracing::warn!(ok = false, "inner line"));
        });
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0]["request.id"], "request-1");
        assert_eq!(lines[0]["message"], "code refused");
        assert_eq!(lines[0]["attempts"], 2);
        assert_eq!(lines[0]["level"], "INFO");
        assert!(!lines[0].contains_key("member.id"));
        assert_eq!(lines[1]["member.id"], "member-1");
        assert_eq!((&lines[1]["step"], &lines[1]["ok"]), (&3.into(), &false.into()));
        let names: Vec<&str> = lines[1].keys().map(String::as_str).collect();
        assert_eq!(names[..4], ["timestamp", "level", "target", "request.id"]);
    }

    #[test]
    fn text_from_outside_cannot_begin_a_line_or_replace_what_every_line_has() {
        let lines = lines_of(|| {
            tracing::info!(level = "FORGED", header = "a\n{\"level\":\"ERROR\"}\u{1b}[2J", "one line");
        });
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0]["level"], "INFO");
        assert_eq!(lines[0]["header"], "a\n{\"level\":\"ERROR\"}\u{1b}[2J");
    }

    #[test]
    fn errors_are_written_with_their_sources() {
        #[derive(Debug)]
        struct Outer(io::Error);
        impl std::fmt::Display for Outer {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("cannot start")
            }
        }
        impl std::error::Error for Outer {
            fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
                Some(&self.0)
            }
        }
        let error = Outer(io::Error::other("address taken"));
        let lines = lines_of(|| tracing::error!(error = &error as &dyn std::error::Error, "failed"));
        assert_eq!(lines[0]["error"], "cannot start: address taken");
    }

    #[test]
    fn time_is_utc_with_microseconds() {
        let text = now();
        let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
        assert_eq!(shape, "0000-00-00T00:00:00.000000Z");
    }
}
