//! Counters of the server, in the Prometheus text format.
//!
//! All series exist from the start: one block of counters per row of the route table and fixed words for every
//! other label, so that requests cannot add series (R-48). Counting is a few relaxed additions, without locks and
//! without memory of its own.

use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use http::header::CONTENT_TYPE;
use ostiary_core::rate_limit::{LimitField, LimitGroup};

/// Upper bounds of the duration histogram, microseconds; a last bucket holds everything longer.
pub const DURATION_BOUNDS_MICROS: [u64; 14] = [
    500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000,
    5_000_000, 10_000_000,
];

/// Route label of requests that match no row of the table.
pub const UNMATCHED_ROUTE: &str = "unmatched";

const BUCKETS: usize = DURATION_BOUNDS_MICROS.len() + 1;
const STATUS_CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// How a session was answered to `sessions/authenticate`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionOutcome {
    /// Valid.
    Accepted,
    /// Unknown, expired or revoked.
    NotFound,
    /// A JWT that is malformed, expired or not signed by this project.
    InvalidJwt,
    /// Valid, but its roles do not allow what was asked.
    Forbidden,
}

/// What a message of the outbox is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// Mail.
    Mail,
    /// Text message.
    Sms,
}

/// How sending a message failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendFailure {
    /// It is tried again.
    Temporary,
    /// It is given up.
    Permanent,
}

const OUTCOMES: [&str; 4] = ["accepted", "not_found", "invalid_jwt", "forbidden"];
const CHANNELS: [&str; 2] = ["mail", "sms"];
const FAILURES: [&str; 2] = ["temporary", "permanent"];

/// The counters of one process.
pub struct Metrics {
    /// One per row of the route table, then one for everything else.
    routes: Box<[RouteCounters]>,
    in_flight: AtomicI64,
    sessions: [AtomicU64; OUTCOMES.len()],
    jwt_signed: AtomicU64,
    outbox_sent: [AtomicU64; CHANNELS.len()],
    outbox_failed: [[AtomicU64; FAILURES.len()]; CHANNELS.len()],
    outbox_pending: AtomicU64,
    rate_limited: [[AtomicU64; LimitField::ALL.len()]; LimitGroup::ALL.len()],
    hashing_waiting: AtomicI64,
    hashing_work_micros: AtomicU64,
    hashing_refused: AtomicU64,
    hashing_waited: Histogram,
}

struct RouteCounters {
    /// `method="POST",route="/v1/b2b/sessions/authenticate"`.
    labels: String,
    by_class: [Histogram; STATUS_CLASSES.len()],
}

#[derive(Default)]
struct Histogram {
    buckets: [AtomicU64; BUCKETS],
    sum_micros: AtomicU64,
}

impl Histogram {
    fn observe(&self, duration: Duration) {
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        let bucket = DURATION_BOUNDS_MICROS.partition_point(|bound| *bound < micros);
        self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        self.sum_micros.fetch_add(micros, Ordering::Relaxed);
    }

    fn is_empty(&self) -> bool {
        self.buckets.iter().all(|bucket| bucket.load(Ordering::Relaxed) == 0)
    }
}

/// A request that is being answered, until dropped.
#[must_use]
pub struct InFlight<'a>(&'a AtomicI64);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Metrics {
    /// Counters for a route table: `(method, path template)` of each row, in order.
    pub fn new<'a>(routes: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let rows = routes.into_iter().chain([("other", UNMATCHED_ROUTE)]);
        let routes = rows.map(|(method, path)| RouteCounters {
            labels: format!("method=\"{}\",route=\"{}\"", escaped(method), escaped(path)),
            by_class: Default::default(),
        });
        Metrics {
            routes: routes.collect(),
            in_flight: AtomicI64::new(0),
            sessions: Default::default(),
            jwt_signed: AtomicU64::new(0),
            outbox_sent: Default::default(),
            outbox_failed: Default::default(),
            outbox_pending: AtomicU64::new(0),
            rate_limited: Default::default(),
            hashing_waiting: AtomicI64::new(0),
            hashing_work_micros: AtomicU64::new(0),
            hashing_refused: AtomicU64::new(0),
            hashing_waited: Histogram::default(),
        }
    }

    /// A request has come in; it is answered when the value is dropped, also when its client has gone.
    pub fn request_started(&self) -> InFlight<'_> {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        InFlight(&self.in_flight)
    }

    /// A request was answered. `route` is its row in the table; any other number counts as no row.
    pub fn request_finished(&self, route: usize, status: u16, duration: Duration) {
        let unmatched = self.routes.len() - 1;
        let class = usize::from(status / 100).clamp(1, STATUS_CLASSES.len()) - 1;
        self.routes[route.min(unmatched)].by_class[class].observe(duration);
    }

    /// A session was asked for.
    pub fn session_authenticated(&self, outcome: SessionOutcome) {
        self.sessions[outcome as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// A session JWT was signed.
    pub fn jwt_signed(&self) {
        self.jwt_signed.fetch_add(1, Ordering::Relaxed);
    }

    /// A message was taken by the relay or provider.
    pub fn outbox_sent(&self, channel: Channel) {
        self.outbox_sent[channel as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// An attempt to send a message failed.
    pub fn outbox_failed(&self, channel: Channel, failure: SendFailure) {
        self.outbox_failed[channel as usize][failure as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// How many messages wait now, counted in the database.
    pub fn set_outbox_pending(&self, messages: u64) {
        self.outbox_pending.store(messages, Ordering::Relaxed);
    }

    /// A request was refused because a limit was exceeded.
    pub fn rate_limited(&self, group: LimitGroup, field: LimitField) {
        self.rate_limited[group as usize][field as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// A piece of password work has joined the queue, which will take about so long.
    pub fn hashing_queued(&self, micros: u64) {
        self.hashing_work_micros.fetch_add(micros, Ordering::Relaxed);
        self.hashing_waiting.fetch_add(1, Ordering::Relaxed);
    }

    /// The turn of a piece of password work has come.
    pub fn hashing_began(&self, waited: Duration) {
        self.hashing_waiting.fetch_sub(1, Ordering::Relaxed);
        self.hashing_waited.observe(waited);
    }

    /// Password work was refused because the queue is full.
    pub fn hashing_refused(&self) {
        self.hashing_refused.fetch_add(1, Ordering::Relaxed);
    }

    /// What the metrics listener serves: `GET /metrics`.
    pub fn router(self: &Arc<Self>) -> Router {
        let metrics = Arc::clone(self);
        let page = move || {
            let page = metrics.exposition();
            async move { ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], page) }
        };
        Router::new().route("/metrics", get(page))
    }

    /// All series in the Prometheus text format 0.0.4. Series of routes appear once a request was counted.
    pub fn exposition(&self) -> String {
        let mut page = Page(String::with_capacity(16 * 1024));
        page.family("ostiary_build_info", "gauge", "The running version.");
        page.value("ostiary_build_info", &format!("version=\"{}\"", env!("CARGO_PKG_VERSION")), 1);
        self.write_requests(&mut page);

        page.family("ostiary_http_requests_in_flight", "gauge", "Requests that are being answered.");
        page.value("ostiary_http_requests_in_flight", "", self.in_flight.load(Ordering::Relaxed));

        let name = "ostiary_sessions_authenticated_total";
        page.family(name, "counter", "Sessions that were asked for, by outcome.");
        for (outcome, count) in OUTCOMES.iter().zip(&self.sessions) {
            page.value(name, &format!("outcome=\"{outcome}\""), count.load(Ordering::Relaxed));
        }
        page.family("ostiary_jwt_signed_total", "counter", "Session JWTs that were signed.");
        page.value("ostiary_jwt_signed_total", "", self.jwt_signed.load(Ordering::Relaxed));

        let name = "ostiary_outbox_sent_total";
        page.family(name, "counter", "Messages that a relay or provider has taken.");
        for (channel, count) in CHANNELS.iter().zip(&self.outbox_sent) {
            page.value(name, &format!("channel=\"{channel}\""), count.load(Ordering::Relaxed));
        }
        let name = "ostiary_outbox_failed_total";
        page.family(name, "counter", "Attempts to send a message that failed: temporary ones are repeated.");
        for (channel, counts) in CHANNELS.iter().zip(&self.outbox_failed) {
            for (failure, count) in FAILURES.iter().zip(counts) {
                let labels = format!("channel=\"{channel}\",kind=\"{failure}\"");
                page.value(name, &labels, count.load(Ordering::Relaxed));
            }
        }
        page.family("ostiary_outbox_pending", "gauge", "Messages that wait to be sent.");
        page.value("ostiary_outbox_pending", "", self.outbox_pending.load(Ordering::Relaxed));

        let name = "ostiary_rate_limited_total";
        page.family(name, "counter", "Requests that were refused because they came too often.");
        for group in LimitGroup::ALL {
            for field in group.fields() {
                let count = self.rate_limited[*group as usize][*field as usize].load(Ordering::Relaxed);
                page.value(name, &format!("group=\"{group}\",field=\"{field}\""), count);
            }
        }

        self.write_hashing(&mut page);
        if let Some(bytes) = resident_memory_bytes() {
            page.family("process_resident_memory_bytes", "gauge", "Memory of the process in RAM.");
            page.value("process_resident_memory_bytes", "", bytes);
        }
        page.0
    }

    fn write_hashing(&self, page: &mut Page) {
        page.family("ostiary_hashing_waiting", "gauge", "Pieces of password work whose turn has not come.");
        page.value("ostiary_hashing_waiting", "", self.hashing_waiting.load(Ordering::Relaxed));
        let name = "ostiary_hashing_work_seconds_total";
        page.family(name, "counter", "Password work that was taken on, as estimated before it was done.");
        page.value(name, "", seconds(self.hashing_work_micros.load(Ordering::Relaxed)));
        let name = "ostiary_hashing_refused_total";
        page.family(name, "counter", "Password work refused with 429 because too much waited already.");
        page.value(name, "", self.hashing_refused.load(Ordering::Relaxed));
        let name = "ostiary_hashing_wait_seconds";
        page.family(name, "histogram", "Time from asking for password work to its turn.");
        page.histogram(name, "", &self.hashing_waited);
    }

    fn write_requests(&self, page: &mut Page) {
        let mut durations = Page(String::new());
        let requests = "ostiary_http_requests_total";
        let duration = "ostiary_http_request_duration_seconds";
        page.family(requests, "counter", "Requests that were answered.");
        durations.family(duration, "histogram", "Time from reading a request to having its answer.");
        for route in &self.routes {
            for (class, histogram) in STATUS_CLASSES.iter().zip(&route.by_class) {
                if histogram.is_empty() {
                    continue;
                }
                let labels = format!("{},status=\"{class}\"", route.labels);
                let count = durations.histogram(duration, &labels, histogram);
                page.value(requests, &labels, count);
            }
        }
        page.0.push_str(&durations.0);
    }
}

/// The text being written.
struct Page(String);

impl Page {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}")
            .expect("writing to a String does not fail");
    }

    fn value(&mut self, name: &str, labels: &str, value: impl std::fmt::Display) {
        let written = if labels.is_empty() {
            writeln!(self.0, "{name} {value}")
        } else {
            writeln!(self.0, "{name}{{{labels}}} {value}")
        };
        written.expect("writing to a String does not fail");
    }

    /// The buckets, sum and count of a histogram; gives the count.
    fn histogram(&mut self, name: &str, labels: &str, histogram: &Histogram) -> u64 {
        let (bucket_name, separator) = (format!("{name}_bucket"), if labels.is_empty() { "" } else { "," });
        let mut up_to = 0;
        for (at, in_bucket) in histogram.buckets.iter().enumerate() {
            up_to += in_bucket.load(Ordering::Relaxed);
            let bound = DURATION_BOUNDS_MICROS.get(at).map_or("+Inf".to_owned(), |micros| seconds(*micros));
            self.value(&bucket_name, &format!("{labels}{separator}le=\"{bound}\""), up_to);
        }
        let sum = seconds(histogram.sum_micros.load(Ordering::Relaxed));
        self.value(&format!("{name}_sum"), labels, sum);
        self.value(&format!("{name}_count"), labels, up_to);
        up_to
    }
}

/// Microseconds as seconds, without rounding: `0.0025`.
fn seconds(micros: u64) -> String {
    let text = format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn escaped(label: &str) -> String {
    label.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// As Linux tells it; `None` elsewhere.
fn resident_memory_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metrics() -> Metrics {
        Metrics::new([
            ("POST", "/v1/b2b/sessions/authenticate"),
            ("GET", "/v1/b2b/sessions/jwks/{project_id}"),
        ])
    }

    /// The value of a series.
    fn value(page: &str, series: &str) -> Option<String> {
        page.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ').map(str::to_owned))
    }

    #[test]
    fn request_is_counted_in_its_row_class_and_buckets() {
        let metrics = metrics();
        metrics.request_finished(0, 200, Duration::from_micros(1_000));
        metrics.request_finished(0, 204, Duration::from_micros(1_001));
        metrics.request_finished(0, 401, Duration::from_secs(60));
        let page = metrics.exposition();
        let row = r#"method="POST",route="/v1/b2b/sessions/authenticate",status"#;
        for (series, expected) in [
            (format!("ostiary_http_requests_total{{{row}=\"2xx\"}}"), "2"),
            (format!("ostiary_http_requests_total{{{row}=\"4xx\"}}"), "1"),
            (format!("ostiary_http_request_duration_seconds_bucket{{{row}=\"2xx\",le=\"0.0005\"}}"), "0"),
            (format!("ostiary_http_request_duration_seconds_bucket{{{row}=\"2xx\",le=\"0.001\"}}"), "1"),
            (format!("ostiary_http_request_duration_seconds_bucket{{{row}=\"2xx\",le=\"0.0025\"}}"), "2"),
            (format!("ostiary_http_request_duration_seconds_bucket{{{row}=\"4xx\",le=\"10\"}}"), "0"),
            (format!("ostiary_http_request_duration_seconds_bucket{{{row}=\"4xx\",le=\"+Inf\"}}"), "1"),
            (format!("ostiary_http_request_duration_seconds_sum{{{row}=\"2xx\"}}"), "0.002001"),
            (format!("ostiary_http_request_duration_seconds_sum{{{row}=\"4xx\"}}"), "60"),
            (format!("ostiary_http_request_duration_seconds_count{{{row}=\"2xx\"}}"), "2"),
        ] {
            assert_eq!(value(&page, &series).as_deref(), Some(expected), "{series}\n{page}");
        }
    }

    #[test]
    fn series_are_bounded_whatever_is_counted() {
        let metrics = metrics();
        for status in 0..=u16::MAX {
            let route = usize::from(status).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            metrics.request_finished(route, status, Duration::from_nanos(u64::MAX / (1 + u64::from(status))));
            metrics.request_finished(usize::from(status) % 3, status, Duration::ZERO);
        }
        let page = metrics.exposition();
        // Three rows, five classes; per series a counter, the buckets, sum and count.
        let series = page.lines().filter(|line| line.starts_with("ostiary_http_request")).count();
        assert_eq!(series, 3 * 5 * (1 + BUCKETS + 2) + 1, "{page}");
        assert!(page.contains("route=\"unmatched\""));
    }

    #[test]
    fn every_family_is_described_once_and_before_its_values() {
        let metrics = metrics();
        metrics.request_finished(1, 200, Duration::from_millis(3));
        let page = metrics.exposition();
        let mut described = Vec::new();
        for line in page.lines() {
            if let Some(rest) = line.strip_prefix("# TYPE ") {
                let name = rest.split(' ').next().unwrap();
                assert!(!described.contains(&name), "{name} twice");
                described.push(name);
            } else if !line.starts_with('#') {
                let family = *described.last().unwrap();
                assert!(line.starts_with(family), "{line} follows {family}");
                let number = line.rsplit(' ').next().unwrap();
                assert!(number.parse::<f64>().is_ok(), "{line}");
            }
        }
    }

    #[test]
    fn request_in_flight_is_counted_until_its_guard_is_gone() {
        let metrics = metrics();
        let first = metrics.request_started();
        let second = metrics.request_started();
        assert_eq!(value(&metrics.exposition(), "ostiary_http_requests_in_flight").as_deref(), Some("2"));
        drop((first, second));
        assert_eq!(value(&metrics.exposition(), "ostiary_http_requests_in_flight").as_deref(), Some("0"));
    }

    #[test]
    fn words_of_labels_belong_to_their_meanings() {
        let metrics = metrics();
        metrics.session_authenticated(SessionOutcome::Accepted);
        metrics.session_authenticated(SessionOutcome::Forbidden);
        metrics.jwt_signed();
        metrics.outbox_sent(Channel::Sms);
        metrics.outbox_failed(Channel::Mail, SendFailure::Permanent);
        metrics.set_outbox_pending(7);
        metrics.rate_limited(LimitGroup::EmailSends, LimitField::Network);
        metrics.hashing_queued(1_000_000);
        metrics.hashing_queued(500_000);
        metrics.hashing_began(Duration::from_millis(20));
        metrics.hashing_refused();
        let page = metrics.exposition();
        for (series, expected) in [
            ("ostiary_sessions_authenticated_total{outcome=\"accepted\"}", "1"),
            ("ostiary_sessions_authenticated_total{outcome=\"not_found\"}", "0"),
            ("ostiary_sessions_authenticated_total{outcome=\"invalid_jwt\"}", "0"),
            ("ostiary_sessions_authenticated_total{outcome=\"forbidden\"}", "1"),
            ("ostiary_jwt_signed_total", "1"),
            ("ostiary_outbox_sent_total{channel=\"sms\"}", "1"),
            ("ostiary_outbox_failed_total{channel=\"mail\",kind=\"permanent\"}", "1"),
            ("ostiary_outbox_failed_total{channel=\"mail\",kind=\"temporary\"}", "0"),
            ("ostiary_outbox_pending", "7"),
            ("ostiary_rate_limited_total{group=\"email_sends\",field=\"network\"}", "1"),
            ("ostiary_rate_limited_total{group=\"email_sends\",field=\"email\"}", "0"),
            ("ostiary_hashing_waiting", "1"),
            ("ostiary_hashing_work_seconds_total", "1.5"),
            ("ostiary_hashing_refused_total", "1"),
            ("ostiary_hashing_wait_seconds_bucket{le=\"0.01\"}", "0"),
            ("ostiary_hashing_wait_seconds_bucket{le=\"0.025\"}", "1"),
            ("ostiary_hashing_wait_seconds_count", "1"),
        ] {
            assert_eq!(value(&page, series).as_deref(), Some(expected), "{series}");
        }
    }

    #[test]
    fn memory_of_the_process_is_told() {
        let page = metrics().exposition();
        let bytes: u64 = value(&page, "process_resident_memory_bytes").unwrap().parse().unwrap();
        assert!(bytes > 100_000, "{bytes}");
    }

    #[test]
    fn labels_are_escaped() {
        let metrics = Metrics::new([("GET", "/a\"b\\c\n")]);
        metrics.request_finished(0, 200, Duration::ZERO);
        assert!(metrics.exposition().contains(r#"route="/a\"b\\c\n",status="2xx"} 1"#));
    }

    #[tokio::test]
    async fn metrics_are_served_as_text_under_one_path() {
        use http_body_util::BodyExt;
        use tower_service::Service;

        let metrics = Arc::new(metrics());
        for (path, status) in [("/metrics", 200), ("/", 404)] {
            let request = http::Request::get(path).body(axum::body::Body::empty()).unwrap();
            let response = metrics.router().call(request).await.unwrap();
            assert_eq!(response.status(), status);
            if status == 200 {
                assert_eq!(response.headers()[CONTENT_TYPE], "text/plain; version=0.0.4; charset=utf-8");
                let body = response.into_body().collect().await.unwrap().to_bytes();
                assert!(body.starts_with(b"# HELP ostiary_build_info"));
            }
        }
    }
}
