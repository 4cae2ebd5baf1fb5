//! The address of a mail relay.

use percent_encoding::percent_decode_str;
use url::{Host, Url};

use super::values::Secret;

/// How the connection to a relay is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmtpSecurity {
    /// TLS from the first byte (`smtps://`).
    Tls,
    /// Plain greeting, then TLS or nothing is sent (`smtp://`).
    StartTls,
    /// No TLS (`smtp://…?tls=none`), for a relay on the same machine or a trusted network.
    None,
}

/// A mail relay, read from `smtp://user:password@host:port`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SmtpRelay {
    /// Name or address of the relay; its certificate is checked against it.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Protection of the connection.
    pub security: SmtpSecurity,
    /// User and password, when the relay wants them.
    pub credentials: Option<(String, Secret)>,
}

impl SmtpRelay {
    /// Reads the address of a relay.
    ///
    /// The port is 465 for `smtps://`, 587 for `smtp://` and 25 with `?tls=none`, unless written (RFC 8314
    /// §3.3, RFC 6409 §3.1).
    ///
    /// # Errors
    /// A sentence that says what is wrong, without the value, since it holds a password.
    pub fn parse(text: &str) -> Result<Self, String> {
        let url = Url::parse(text).map_err(|error| {
            format!("is not an address such as smtp://user:password@mail.example.com:587 ({error}; special characters in user and password must be percent-encoded)")
        })?;
        let plain = match url.query() {
            None | Some("tls=starttls") => false,
            Some("tls=none") => true,
            Some(_) => {
                return Err("has an unknown option after `?`; known are tls=starttls and tls=none".to_owned());
            }
        };
        let security = match (url.scheme(), plain) {
            ("smtps", false) => SmtpSecurity::Tls,
            ("smtps", true) => return Err("says smtps:// and tls=none at once".to_owned()),
            ("smtp", false) => SmtpSecurity::StartTls,
            ("smtp", true) => SmtpSecurity::None,
            _ => return Err("must start with smtp:// or smtps://".to_owned()),
        };
        if !matches!(url.path(), "" | "/") || url.fragment().is_some() {
            return Err(
                "has a path; special characters in user and password must be percent-encoded".to_owned()
            );
        }
        let host = match url.host() {
            // The URL standard reads hosts of schemes it does not know as opaque text.
            Some(Host::Domain(domain)) if !domain.is_empty() => domain.to_owned(),
            Some(Host::Ipv4(ip)) => ip.to_string(),
            Some(Host::Ipv6(ip)) => ip.to_string(),
            _ => return Err("names no host".to_owned()),
        };
        let default_port = match security {
            SmtpSecurity::Tls => 465,
            SmtpSecurity::StartTls => 587,
            SmtpSecurity::None => 25,
        };
        let credentials = match (url.username(), url.password()) {
            ("", None) => None,
            ("", Some(_)) | (_, None) => {
                return Err("needs both a user and a password, or neither".to_owned());
            }
            (user, Some(password)) => Some((decode(user)?, Secret::new(decode(password)?))),
        };
        if credentials.is_some() && security == SmtpSecurity::None {
            return Err("would send the password unprotected; drop tls=none or the password".to_owned());
        }
        Ok(SmtpRelay { host, port: url.port().unwrap_or(default_port), security, credentials })
    }
}

fn decode(text: &str) -> Result<String, String> {
    match percent_decode_str(text).decode_utf8() {
        Ok(decoded) => Ok(decoded.into_owned()),
        Err(_) => Err("has a user or password that is not UTF-8 once percent-decoded".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relay_is_read_with_the_usual_ports() {
        for (text, host, port, security) in [
            ("smtp://mail.example.com", "mail.example.com", 587, SmtpSecurity::StartTls),
            ("smtp://mail.example.com?tls=starttls", "mail.example.com", 587, SmtpSecurity::StartTls),
            ("smtp://mail.example.com:2525", "mail.example.com", 2525, SmtpSecurity::StartTls),
            ("smtps://mail.example.com", "mail.example.com", 465, SmtpSecurity::Tls),
            ("smtp://localhost?tls=none", "localhost", 25, SmtpSecurity::None),
            ("smtp://127.0.0.1:1025/?tls=none", "127.0.0.1", 1025, SmtpSecurity::None),
            ("smtp://[::1]:1025?tls=none", "::1", 1025, SmtpSecurity::None),
        ] {
            let relay = SmtpRelay { host: host.to_owned(), port, security, credentials: None };
            assert_eq!(SmtpRelay::parse(text), Ok(relay), "{text}");
        }
    }

    #[test]
    fn user_and_password_are_percent_decoded() {
        let relay = SmtpRelay::parse("smtps://ada%40example.com:p%2Fs%23s@mail.example.com").unwrap();
        let (user, password) = relay.credentials.unwrap();
        assert_eq!((user.as_str(), password.expose()), ("ada@example.com", "p/s#s"));
    }

    #[test]
    fn wrong_addresses_are_refused_without_repeating_the_password() {
        for text in [
            "mail.example.com",
            "http://ada:hunter2@mail.example.com",
            "smtp://",
            "smtp://:hunter2@mail.example.com",
            "smtp://ada@mail.example.com",
            "smtp://ada:hunter2@mail.example.com?tls=none",
            "smtp://ada:hunter2@mail.example.com?tls=maybe",
            "smtps://mail.example.com?tls=none",
            "smtp://ada:hunter2/x@mail.example.com",
            "smtp://ada:hunter2@mail.example.com/inbox",
            "smtp://ada:%ff@mail.example.com",
        ] {
            let reason = SmtpRelay::parse(text).expect_err(text);
            assert!(!reason.contains("hunter2"), "{reason}");
        }
    }
}
