//! A request as a handler sees it.

use crate::cx::{Cx, Result};
use crate::http::routes::{Route, Surface};
use crate::listen::rate_limit_key;
use crate::ops::actor::Actor;
use crate::ops::limits::Subject;
use crate::ops::login::Credentials;
use crate::ops::mail::MailWishes;
use crate::ops::sessions::tokens::{self, SessionCredential};
use crate::wire::Fields;
use axum::http::HeaderMap;
use ostiary_core::email::EmailAddress;
use ostiary_core::email_template::TemplateType;
use ostiary_core::error::ErrorType;
use ostiary_core::ids::SessionId;
use ostiary_core::session::SessionArguments;
use std::net::IpAddr;

/// In which proxies say for whom they ask.
const FORWARDED_FOR: &str = "x-forwarded-for";

/// A request: in which project, what it says, and what came with it.
pub struct Call {
    /// Where and when.
    pub cx: Cx,
    /// The row of the route table.
    pub route: &'static Route,
    /// The parameters of the path, decoded.
    pub path: Vec<(String, String)>,
    /// The fields of the body, or of the query for methods without one.
    pub fields: Fields,
    /// The headers.
    pub headers: HeaderMap,
    /// The client's address, as far as the trusted proxies tell; unspecified where there is no connection, as in tests.
    pub client: IpAddr,
    /// The session that came with the request itself: the member-session headers of the server API, the Basic password
    /// or cookie of the browser API.
    pub attached: Option<SessionCredential>,
    /// The intermediate session token that came in a cookie.
    pub intermediate_cookie: Option<String>,
    /// The member on whose behalf the call runs, where the route needs one or one was given.
    pub actor: Option<Actor>,
}

impl Call {
    /// Whether this is the browser API.
    pub fn is_browser(&self) -> bool {
        self.route.surface == Surface::Browser
    }

    /// The network of the caller, under which limits count (spec 06 R-37): an address, or the /64 of one.
    pub fn network(&self) -> IpAddr {
        rate_limit_key(self.client)
    }

    /// What the request counts under, where its endpoint is limited. The address of a browser's caller counts, and not
    /// that of a backend, which asks for many people.
    pub fn limit_subject(&self) -> Subject {
        let app = &self.cx.app;
        if app.options.trusted_proxies.is_empty() && self.headers.contains_key(FORWARDED_FOR) {
            app.proxy_warning.call_once(|| {
                tracing::warn!(
                    "requests come with X-Forwarded-For, but trusted_proxies is not set: if there is a proxy in front, \
                     rate limits take everybody behind it for one caller"
                );
            });
        }
        let email = self.fields.text("email_address").ok().flatten().and_then(EmailAddress::parse);
        Subject {
            email_address: email.map(|email| email.as_str().to_owned()),
            member: self.actor.as_ref().map(Actor::member_id),
            network: self.is_browser().then(|| self.network()),
            is_project: self.route.surface == Surface::Backend,
            phone_number: None,
        }
    }

    /// A parameter of the path.
    pub fn param(&self, name: &str) -> Result<&str> {
        self.path
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
            .ok_or_else(|| ErrorType::RouteNotFound.into())
    }

    /// The organization that the call is about: the acting member's in browsers, the named one on the server API.
    pub fn organization(&self) -> Result<String> {
        if self.is_browser()
            && let Some(actor) = &self.actor
        {
            return Ok(actor.organization_id().to_string());
        }
        match self.param("organization_id") {
            Ok(id) => Ok(id.to_owned()),
            Err(_) => Ok(self.fields.required("organization_id")?.to_owned()),
        }
    }

    /// The acting member; `user_unauthenticated` when there is none.
    pub fn actor(&self) -> Result<&Actor> {
        self.actor.as_ref().ok_or_else(|| ErrorType::UserUnauthenticated.into())
    }

    /// The length and claims of a session to be. Browsers cannot set claims (contract `backend.md` §8).
    pub fn session_arguments(&self) -> Result<SessionArguments> {
        let custom_claims =
            if self.is_browser() { None } else { self.fields.object("session_custom_claims")? };
        Ok(SessionArguments {
            duration_minutes: self.fields.integer("session_duration_minutes")?,
            custom_claims,
        })
    }

    /// The session token or signed token in the body of the server API.
    pub fn session_in_body(&self) -> Result<Option<SessionCredential>> {
        SessionCredential::at_most_one(
            self.fields.nonempty("session_token")?,
            self.fields.nonempty("session_jwt")?,
        )
    }

    /// What an authenticating call brings along. A session that the server API names must be alive; one that a browser
    /// happens to hold is ignored when it is not.
    pub async fn credentials(&self) -> Result<Credentials> {
        let session = if self.is_browser() {
            match &self.attached {
                Some(credential) => self.living(credential).await?,
                None => None,
            }
        } else {
            match self.session_in_body()? {
                Some(credential) => {
                    Some(tokens::find_session(&self.cx.reader(), &self.cx, &credential).await?)
                }
                None => None,
            }
        };
        Ok(Credentials {
            session,
            intermediate_session_token: self.intermediate_session_token()?,
            arguments: self.session_arguments()?,
            locale: self.fields.sms_locale()?,
        })
    }

    async fn living(&self, credential: &SessionCredential) -> Result<Option<SessionId>> {
        match tokens::find_session(&self.cx.reader(), &self.cx, credential).await {
            Ok(id) => Ok(Some(id)),
            Err(error)
                if matches!(error.kind, ErrorType::SessionNotFound | ErrorType::UnableToParseSessionJwt) =>
            {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// The intermediate session token of the body, or of the cookie.
    pub fn intermediate_session_token(&self) -> Result<Option<String>> {
        let given = self.fields.nonempty("intermediate_session_token")?;
        Ok(given.or_else(|| self.intermediate_cookie.clone()))
    }

    /// How the call wants its mails: the language, and templates of the project in fields for mails of a type each. All
    /// of them are judged, so that a mistake shows before it meets the one member whom it concerns.
    pub fn mail_wishes(&self, fields: &[(&str, TemplateType)]) -> Result<MailWishes> {
        let mut wishes = MailWishes { locale: self.fields.locale()?, templates: Vec::new() };
        for (field, kind) in fields {
            if let Some(id) = self.fields.nonempty(field)? {
                self.cx.project.email_templates.check(&id, *kind)?;
                wishes.templates.push((*kind, id));
            }
        }
        Ok(wishes)
    }
}
