//! The line of the log that each request has: failures at `ERROR`, refusals at `INFO`, and what went well at `DEBUG`.
//!
//! A line names the route and not the path, so that no identifier or token of a URL is kept, and neither headers nor
//! bodies.

use crate::http::encode;
use crate::http::routes::Route;
use axum::http::StatusCode;
use ostiary_core::error::Error;
use ostiary_core::ids::EnvironmentKind;
use std::net::IpAddr;
use std::time::Duration;
use uuid::Uuid;

/// What is known of a request when it has been answered.
pub(super) struct Answered {
    /// By whom and where.
    pub route: &'static Route,
    /// The client, as far as the trusted proxies tell.
    pub client: IpAddr,
    /// Together with the kind, the id in the answer.
    pub id: Uuid,
    /// The kind of environment that was called.
    pub kind: EnvironmentKind,
    /// From the head of the request to its answer.
    pub elapsed: Duration,
}

impl Answered {
    /// A request that was refused or failed. `source` of the error stays in the log: the answer does not have it.
    pub fn with_error(&self, request_id: &str, error: &Error) {
        let (kind, status) = (error.kind.name(), error.kind.status());
        let source = error.source.as_deref().unwrap_or_default();
        let (route, client, duration_us) = (self.route.path, self.client, self.micros());
        // The level is part of what the macro makes static.
        if status >= 500 {
            tracing::error!(
                request.id = request_id, http.method = %self.route.method, http.route = route, http.status = status,
                client.address = %client, duration_us, error.kind = kind, source, "request failed"
            );
        } else {
            tracing::info!(
                request.id = request_id, http.method = %self.route.method, http.route = route, http.status = status,
                client.address = %client, duration_us, error.kind = kind, source, "request refused"
            );
        }
    }

    /// A request that went well.
    pub fn with_success(&self, status: StatusCode) {
        // Naming the request costs more than asking whether anybody wants to know.
        if tracing::enabled!(tracing::Level::DEBUG) {
            tracing::debug!(
                request.id = encode::request_id(self.id, self.kind), http.method = %self.route.method,
                http.route = self.route.path, http.status = status.as_u16(), client.address = %self.client,
                duration_us = self.micros(), "request answered"
            );
        }
    }

    fn micros(&self) -> u64 {
        u64::try_from(self.elapsed.as_micros()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::routes::TABLE;
    use crate::telemetry::testing::lines_of;
    use ostiary_core::error::ErrorType;

    fn answered() -> Answered {
        let route =
            TABLE.iter().find(|route| route.path.contains("{member_id}")).expect("a route with a parameter");
        Answered {
            route,
            client: "192.0.2.7".parse().expect("an address"),
            id: Uuid::from_u128(7),
            kind: EnvironmentKind::Live,
            elapsed: Duration::from_micros(1_500),
        }
    }

    #[test]
    fn each_outcome_has_its_level_and_names_request_route_and_client() {
        let id = "request-id-live-00000000-0000-0000-0000-000000000007";
        for (level, message, status, log) in [
            ("DEBUG", "request answered", 200, None),
            ("INFO", "request refused", 404, Some(ErrorType::MemberNotFound)),
            ("ERROR", "request failed", 500, Some(ErrorType::InternalServerError)),
        ] {
            let lines = lines_of(|| match log {
                None => answered().with_success(StatusCode::OK),
                Some(kind) => answered().with_error(id, &kind.into()),
            });
            let [line] = lines.as_slice() else { panic!("one line for {message}: {lines:?}") };
            assert_eq!((&line["level"], &line["message"]), (&level.into(), &message.into()));
            assert_eq!((&line["request.id"], &line["client.address"]), (&id.into(), &"192.0.2.7".into()));
            assert_eq!((&line["http.status"], &line["duration_us"]), (&status.into(), &1_500.into()));
            assert!(
                line["http.route"].as_str().is_some_and(|route| route.contains("{member_id}")),
                "{line:?}"
            );
            assert_eq!(line.get("error.kind").and_then(|kind| kind.as_str()), log.map(|kind| kind.name()));
        }
    }
}
