//! The pages about errors that `error_url` leads to, for developers (spec 01d §1).

use super::{Frame, Page, STATIC_POLICY, wordmark};
use crate::asset;
use crate::html::Html;

/// The page about one `error_type`. `text` is the catalogue's text; `errors_url` is the address of
/// [`error_index`], without a slash at the end, and the page itself is served at `{errors_url}/{error_type}`.
pub fn error_reference(error_type: &str, status: u16, text: &str, errors_url: &str) -> Page {
    let sample = serde_json::json!({
        "status_code": status,
        "request_id": "request-id-test-…",
        "error_type": error_type,
        "error_message": text,
        "error_url": format!("{errors_url}/{error_type}"),
    });
    let body = Html::fill(
        include_str!("../../templates/error_reference.html"),
        &[
            ("wordmark", wordmark()),
            ("errors_url", Html::text(errors_url)),
            ("error_type", Html::text(error_type)),
            ("status", Html::text(&status_name(status))),
            ("text", Html::text(text)),
            ("advice", Html::fixed(advice(status))),
            ("sample", Html::text(&format!("{sample:#}"))),
        ],
    );
    let title = format!("{error_type} · Errors · Ostiary");
    Frame { lang: "en", title: &title, styles: &[&asset::STYLE], script: None, body }.into_page(STATIC_POLICY)
}

/// All errors, grouped by status in ascending order. `entries` are `error_type`, status and text; within a status
/// they keep their order. Each links to `{errors_url}/{error_type}`.
pub fn error_index(entries: &[(&str, u16, &str)], errors_url: &str) -> Page {
    let mut statuses: Vec<u16> = entries.iter().map(|(_, status, _)| *status).collect();
    statuses.sort_unstable();
    statuses.dedup();
    let jumps = statuses.iter().map(|status| {
        Html::fill(
            "    <a href=\"#status-{{code}}\">{{name}}</a>\n",
            &[("code", Html::text(&status.to_string())), ("name", Html::text(&status_name(*status)))],
        )
    });
    let groups = statuses.iter().map(|status| group(*status, entries, errors_url));
    let body = Html::fill(
        include_str!("../../templates/error_index.html"),
        &[("wordmark", wordmark()), ("jumps", jumps.collect()), ("groups", groups.collect())],
    );
    Frame { lang: "en", title: "Errors · Ostiary", styles: &[&asset::STYLE], script: None, body }
        .into_page(STATIC_POLICY)
}

fn group(status: u16, entries: &[(&str, u16, &str)], errors_url: &str) -> Html {
    let rows = entries.iter().filter(|entry| entry.1 == status).map(|(error_type, _, text)| {
        Html::fill(
            include_str!("../../templates/error_index_row.html"),
            &[
                ("errors_url", Html::text(errors_url)),
                ("error_type", Html::text(error_type)),
                ("text", Html::text(text)),
            ],
        )
    });
    Html::fill(
        include_str!("../../templates/error_index_group.html"),
        &[
            ("code", Html::text(&status.to_string())),
            ("name", Html::text(&status_name(status))),
            ("advice", Html::fixed(advice(status))),
            ("rows", rows.collect()),
        ],
    )
}

/// A status with its name, "404 Not found".
fn status_name(status: u16) -> String {
    let name = match status {
        400 => "Bad request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not found",
        405 => "Method not allowed",
        408 => "Timeout",
        409 => "Conflict",
        413 => "Body too large",
        415 => "Unsupported content type",
        429 => "Too many requests",
        499 => "Client closed request",
        500 => "Internal error",
        503 => "Unavailable",
        _ => return status.to_string(),
    };
    format!("{status} {name}")
}

/// What a caller does about any error of a status.
fn advice(status: u16) -> &'static str {
    match status {
        401 => {
            "The credential or the code was refused. Sending the same again gives the same answer: sign in again, \
             or check the project's id and secret."
        }
        403 => "The caller is known but may not do this. Sending it again does not help.",
        404 => {
            "Check what the request names: an id, a code, a token or a path. It is not there, or it belongs to \
             another project or organization."
        }
        408 | 499 => "The answer did not come in time. The request may be sent again.",
        429 => "Wait for as many seconds as the header Retry-After says, then send the request again.",
        500..=599 => {
            "Nothing was wrong with the request. It may be sent again after a pause; if the error stays, the \
             server's log has more under the request id."
        }
        _ => "The request has to change before it is sent again. Nothing was changed.",
    }
}
