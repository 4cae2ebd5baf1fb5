//! Delivery in production: mails by SMTP, text messages by the configured provider.

use crate::app::App;
use crate::config::Config;
use crate::jobs::inbox::InboxDelivery;
use crate::jobs::outbox::{Deliver, Delivering, Delivery, DeliveryError};
use crate::ops::mail::Channel;
use crate::outbound::{
    self, HttpLimits, HttpSmsSender, MailSender, Mailbox, OutboundMail, OutboundSms, SendError, SmsSender,
    SmtpSender,
};
use ostiary_core::time::Timestamp;
use std::sync::Arc;

/// Sends by what is configured. Under `ostiary dev` a channel without a sender goes to the inbox; under `serve` its
/// messages wait, and the log says why.
pub struct Senders {
    mail: Option<SmtpSender>,
    sms: Option<HttpSmsSender>,
}

impl Senders {
    /// The senders that a configuration names.
    pub fn of(config: &Config) -> Self {
        let client = || {
            Arc::new(outbound::http_client(HttpLimits::default(), config.outbound_allowed_networks.clone()))
        };
        Senders {
            mail: config.mail.relay.clone().map(SmtpSender::new),
            sms: config.sms.clone().map(|provider| HttpSmsSender::new(provider, client())),
        }
    }

    async fn send(&self, app: &App, delivery: &Delivery) -> Result<(), DeliveryError> {
        let message = &delivery.message;
        let id = delivery.message_id.to_string();
        let sent = match (message.channel, &self.mail, &self.sms) {
            (Channel::Email, Some(sender), _) => {
                let address = message.from_address.as_ref().unwrap_or(&app.options.mail_from).clone();
                let from = Mailbox { address, name: Some(message.from_name.clone()) };
                let named = |name: &String| (!name.is_empty()).then(|| name.clone());
                let reply_to = message.reply_to.as_ref();
                let mail = OutboundMail {
                    id,
                    to: message.to.clone(),
                    from,
                    reply_to: reply_to
                        .map(|(address, name)| Mailbox { address: address.clone(), name: named(name) }),
                    subject: message.subject.clone(),
                    text: message.text.clone(),
                    html: message.html.clone(),
                };
                sender.send(&mail).await
            }
            (Channel::Sms, _, Some(sender)) => {
                sender.send(&OutboundSms { id, to: message.to.clone(), text: message.text.clone() }).await
            }
            _ if app.options.is_dev => return InboxDelivery.deliver(app, delivery).await,
            (Channel::Email, None, _) => {
                Err(SendError::Temporary("no mail relay is configured (smtp.url)".into()))
            }
            (Channel::Sms, _, None) => {
                Err(SendError::Temporary("no SMS provider is configured (sms.url)".into()))
            }
        };
        sent.map_err(|error| match error {
            SendError::Temporary(reason) => DeliveryError::Temporary(reason),
            SendError::Permanent(reason) => DeliveryError::Permanent(reason),
        })
    }
}

impl Deliver for Senders {
    fn deliver<'a>(&'a self, app: &'a App, delivery: &'a Delivery) -> Delivering<'a> {
        Box::pin(self.send(app, delivery))
    }

    fn next_attempt(&self, attempts: i64, now: Timestamp, expires_at: Timestamp) -> Option<Timestamp> {
        outbound::next_attempt(u32::try_from(attempts).unwrap_or(u32::MAX), now, expires_at)
    }
}
