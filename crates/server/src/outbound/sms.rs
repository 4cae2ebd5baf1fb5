//! Text messages over a provider's HTTP interface.

use std::sync::Arc;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue, Method, StatusCode};

use super::{HttpClient, HttpError, HttpRequest, OutboundSms, SendError, Sending, SmsSender};
use crate::config::SmsProvider;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Posts each message as JSON to a configured address.
pub struct HttpSmsSender {
    provider: SmsProvider,
    client: Arc<HttpClient>,
}

impl HttpSmsSender {
    /// Sends to a provider through a client.
    pub fn new(provider: SmsProvider, client: Arc<HttpClient>) -> Self {
        HttpSmsSender { provider, client }
    }

    async fn post(&self, sms: &OutboundSms) -> Result<(), SendError> {
        let mut headers = self.provider.headers.clone();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let key = HeaderValue::from_str(&sms.id)
            .map_err(|_| SendError::Permanent("the id of the message does not fit a header".to_owned()))?;
        headers.insert(IDEMPOTENCY_KEY, key);
        let request = HttpRequest {
            method: Method::POST,
            url: self.provider.url.clone(),
            headers,
            body: Bytes::from(self.provider.body.render(&sms.to, &sms.text)),
        };
        match self.client.send(request).await {
            Ok(response) => judge(response.status()),
            Err(HttpError::TooLarge(status)) => judge(status),
            // Also a refused address: it can resolve to another one, or be allowed, before the message expires.
            Err(error) => Err(SendError::Temporary(format!("the SMS provider was not reached: {error}"))),
        }
    }
}

impl SmsSender for HttpSmsSender {
    fn send<'a>(&'a self, sms: &'a OutboundSms) -> Sending<'a> {
        Box::pin(self.post(sms))
    }
}

/// What an answer means. A request that is refused for what it is (4xx) will be refused again; one that came at the
/// wrong time, and credentials that the operator can correct (401), may work later.
fn judge(status: StatusCode) -> Result<(), SendError> {
    let reason = || format!("the SMS provider answered with status {}", status.as_u16());
    match status.as_u16() {
        200..=299 => Ok(()),
        401 | 408 | 409 | 425 | 429 | 500.. => Err(SendError::Temporary(reason())),
        _ => Err(SendError::Permanent(reason())),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::client::tests::{answering, loopback_client, silent};
    use super::*;
    use crate::config::SmsTemplate;

    fn sender(address: std::net::SocketAddr) -> HttpSmsSender {
        let mut headers = http::HeaderMap::new();
        headers.insert("authorization", HeaderValue::from_static("Bearer hunter2"));
        let provider = SmsProvider {
            url: format!("http://{address}/messages?from=Example").parse().unwrap(),
            headers,
            body: SmsTemplate::parse(r#"{"to":"{to}","body":"{text}"}"#).unwrap(),
        };
        HttpSmsSender::new(provider, Arc::new(loopback_client(Duration::from_millis(200))))
    }

    fn message() -> OutboundSms {
        OutboundSms {
            id: "sms-1".to_owned(),
            to: "+12025550162".to_owned(),
            text: "Your code is \"123456\".\nDo not share it.".to_owned(),
        }
    }

    #[tokio::test]
    async fn message_is_posted_as_json_with_credentials_and_a_stable_key() {
        let (address, received) = answering("HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n").await;
        sender(address).send(&message()).await.unwrap();
        let request = received.await.unwrap();
        let (head, body) = request.split_once("\r\n\r\n").unwrap();
        let mut lines = head.lines();
        assert_eq!(lines.next(), Some("POST /messages?from=Example HTTP/1.1"));
        let headers: Vec<String> = lines.map(str::to_ascii_lowercase).collect();
        for header in [
            "authorization: bearer hunter2".to_owned(),
            "content-type: application/json".to_owned(),
            "idempotency-key: sms-1".to_owned(),
            "connection: close".to_owned(),
            format!("host: {address}"),
            format!("content-length: {}", body.len()),
        ] {
            assert!(headers.contains(&header), "{header} in {headers:?}");
        }
        assert_eq!(body, r#"{"to":"+12025550162","body":"Your code is \"123456\".\nDo not share it."}"#);
    }

    #[tokio::test]
    async fn answers_say_whether_trying_again_can_help() {
        for (status, outcome) in [
            (200, Ok(())),
            (204, Ok(())),
            (302, Err(SendError::Permanent("the SMS provider answered with status 302".to_owned()))),
            (400, Err(SendError::Permanent("the SMS provider answered with status 400".to_owned()))),
            (401, Err(SendError::Temporary("the SMS provider answered with status 401".to_owned()))),
            (429, Err(SendError::Temporary("the SMS provider answered with status 429".to_owned()))),
            (503, Err(SendError::Temporary("the SMS provider answered with status 503".to_owned()))),
        ] {
            let (address, _received) = answering(&format!(
                "HTTP/1.1 {status} X\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n"
            ))
            .await;
            assert_eq!(sender(address).send(&message()).await, outcome, "{status}");
        }
    }

    #[tokio::test]
    async fn message_that_was_taken_counts_although_the_answer_is_too_long() {
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n{}", "x".repeat(5000));
        let (address, _received) = answering(&answer).await;
        assert_eq!(sender(address).send(&message()).await, Ok(()));
    }

    #[tokio::test]
    async fn failures_to_reach_the_provider_are_temporary_and_tell_nothing() {
        let closed = {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            listener.local_addr().unwrap()
        };
        let (garbage, _received) = answering("+12025550162 is not HTTP\r\n\r\n").await;
        for address in [closed, garbage, silent().await] {
            let outcome = sender(address).send(&message()).await;
            let Err(SendError::Temporary(reason)) = outcome else { panic!("{outcome:?}") };
            for secret in ["hunter2", "12025550162", "127.0.0.1", "123456"] {
                assert!(!reason.contains(secret), "{reason}");
            }
        }
    }
}
