//! Delivery into the development inbox.

use crate::app::App;
use crate::jobs::outbox::{Deliver, Delivering, Delivery, DeliveryError};
use crate::ops::mail::Channel;
use ostiary_core::error::Error;
use ostiary_core::time::Timestamp;
use ostiary_store::inbox;
use serde_json::json;

/// Shows messages instead of sending them.
pub struct InboxDelivery;

impl Deliver for InboxDelivery {
    fn deliver<'a>(&'a self, app: &'a App, delivery: &'a Delivery) -> Delivering<'a> {
        Box::pin(async move {
            let message = &delivery.message;
            let from = match message.channel {
                Channel::Email => format!("{} <{}>", message.from_name, app.options.mail_from),
                Channel::Sms => message.from_name.clone(),
            };
            let body = json!({
                "id": delivery.message_id.to_string(),
                "channel": message.channel,
                "to": message.to,
                "from": from,
                "subject": message.subject,
                "text": message.text,
                "html": message.html,
                "links": message.links,
                "code": message.code,
                "template_type": message.template_type,
                "created_at": delivery.created_at,
            })
            .to_string();
            let (id, to, created_at) = (delivery.message_id, message.to.clone(), delivery.created_at);
            let stored = body.clone();
            app.store
                .write(move |tx| {
                    let (to, stored) = (to.clone(), stored.clone());
                    async move { Ok::<_, Error>(inbox::insert(&tx, id, &to, &stored, created_at).await?) }
                })
                .await
                .map_err(|error| DeliveryError::Temporary(error.source.unwrap_or_default()))?;
            // Nobody may be watching, which is no failure.
            let _ = app.inbox_news.send(body);
            Ok(())
        })
    }

    fn next_attempt(&self, _attempts: i64, now: Timestamp, _expires_at: Timestamp) -> Option<Timestamp> {
        Some(now.plus_seconds(1))
    }
}
