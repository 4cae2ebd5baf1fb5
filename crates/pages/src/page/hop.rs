//! The page between a mail's link and the app.
//!
//! Mail scanners open links before people do: with GET and HEAD, many times, and in real browsers. The app at the
//! other end signs in with the link and so spends it, and the person finds it used. This page stands between
//! (spec 01b §1, spec 05b §4). Its rules:
//! - Opening it uses nothing up and sends nobody on: no redirect, no refresh, and no link. The way on is a form
//!   with a button, since scanners follow every address they find in a page but submit no forms; the token stands
//!   in a field of its own, so the whole address is nowhere in the document.
//! - The button works without script.
//! - The script goes on by itself only at a sign that a person is there; `assets/hop.js` says which and why.
//!
//! The policy leaves `form-action` open on purpose: browsers apply it to every redirect after a form as well, and
//! many apps send their people on from the address of the link to another host. The page holds one form, and its
//! target is escaped and comes from the project's own redirect URLs.

use ostiary_core::locale::Locale;

use super::{Frame, Page, mark};
use crate::asset;
use crate::html::Html;
use crate::words;

/// `form-action` is missing on purpose, see the head of this file.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; base-uri 'none'; \
                      frame-ancestors 'none'";

/// Schemes that do not lead to an app but run or show what stands in the address.
const REFUSED_SCHEMES: [&str; 7] = ["javascript", "data", "vbscript", "blob", "file", "about", "filesystem"];

/// The page between a mail's link and the app named `app_name`.
///
/// `forward_url` is the app's redirect URL with the token in its query; `https`, `http` and native schemes are
/// followed. An address that is not absolute, or whose scheme runs code, gets a page that leads nowhere: the
/// server never passes one, since redirect URLs are checked when they are configured.
///
/// The button sends the query as a form does, so it may be encoded differently (`%20` becomes `+`) while every
/// name and value stays the same.
pub fn link_hop(locale: Locale, app_name: &str, forward_url: &str) -> Page {
    let words = Words::of(locale);
    let app = Html::text(&words::name(app_name));
    let title = words.title.replace("{app}", &words::one_line(app_name));
    let Some(target) = Target::parse(forward_url) else {
        return finish(
            locale,
            &title,
            None,
            hop_body(words, &app, Html::text(words.broken), Html::default()),
        );
    };
    let fields = target.fields.iter().map(|(name, value)| {
        Html::fill(
            "      <input type=\"hidden\" name=\"{{name}}\" value=\"{{value}}\">\n",
            &[("name", Html::text(name)), ("value", Html::text(value))],
        )
    });
    let way_on = Html::fill(
        include_str!("../../templates/hop_form.html"),
        &[
            ("action", Html::text(&target.action)),
            ("fields", fields.collect()),
            ("button", Html::text(words.button)),
            ("leads_to", Html::text(words.leads_to)),
            ("host", Html::text(&target.host)),
            ("why", Html::text(words.why)),
        ],
    );
    finish(locale, &title, Some(&asset::HOP_SCRIPT), hop_body(words, &app, Html::text(words.unused), way_on))
}

fn hop_body(words: &Words, app: &Html, text: Html, way_on: Html) -> Html {
    let (before, after) = words.title.split_once("{app}").expect("the title names the app");
    let title = [Html::text(before), app.clone(), Html::text(after)].into_iter().collect();
    Html::fill(
        include_str!("../../templates/hop.html"),
        &[
            ("title", title),
            ("text", text),
            ("way_on", way_on),
            ("not_you", Html::text(words.not_you)),
            ("secured_by", Html::text(words.secured_by)),
            ("mark", mark()),
        ],
    )
}

fn finish(locale: Locale, title: &str, script: Option<&'static asset::Asset>, body: Html) -> Page {
    Frame { lang: locale.as_str(), title, styles: &[&asset::STYLE], script, body }.into_page(POLICY)
}

/// An address taken apart into what a form needs.
#[derive(Debug, PartialEq, Eq)]
struct Target {
    /// The address without its query, which the form's fields replace.
    action: String,
    /// Names and values of the query, decoded, in order.
    fields: Vec<(String, String)>,
    /// Where the address leads, for the reader: the host, or the scheme of an address without one.
    host: String,
}

impl Target {
    /// `None` for an address that is not absolute or whose scheme is refused.
    fn parse(url: &str) -> Option<Self> {
        let (scheme, after_scheme) = url.split_once(':')?;
        let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.chars().all(|rest| rest.is_ascii_alphanumeric() || matches!(rest, '+' | '-' | '.'));
        let is_refused = REFUSED_SCHEMES.iter().any(|refused| scheme.eq_ignore_ascii_case(refused));
        if !is_scheme || is_refused || url.contains(char::is_control) {
            return None;
        }
        let (before_fragment, fragment) = match url.split_once('#') {
            Some((before, _)) => url.split_at(before.len()),
            None => (url, ""),
        };
        let (address, query) = before_fragment.split_once('?').unwrap_or((before_fragment, ""));
        let fields = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name), decode(value))
        });
        Some(Self {
            action: format!("{address}{fragment}"),
            fields: fields.collect(),
            host: host(scheme, after_scheme).unwrap_or(scheme).to_owned(),
        })
    }
}

/// The host and port of a web address. A backslash ends the host, as in browsers, and what stands before an at sign
/// is not the host. Native addresses have none: there the scheme names the app.
fn host<'a>(scheme: &str, after_scheme: &'a str) -> Option<&'a str> {
    let is_web = ["https", "http"].iter().any(|web| scheme.eq_ignore_ascii_case(web));
    let authority = after_scheme.strip_prefix("//").filter(|_| is_web)?;
    let end = authority.find(['/', '\\', '?', '#']).unwrap_or(authority.len());
    let (_, host) = authority[..end].rsplit_once('@').unwrap_or(("", &authority[..end]));
    (!host.is_empty()).then_some(host)
}

/// Decodes one name or value of a query (`application/x-www-form-urlencoded`). Bytes that are not UTF-8 become
/// replacement characters, as in browsers.
fn decode(encoded: &str) -> String {
    let bytes = encoded.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut index = 0;
    while index < bytes.len() {
        let hex = |at: usize| bytes.get(at).and_then(|digit| char::from(*digit).to_digit(16));
        let byte = match (bytes[index], hex(index + 1), hex(index + 2)) {
            (b'+', ..) => b' ',
            (b'%', Some(high), Some(low)) => {
                index += 2;
                (high * 16 + low) as u8
            }
            (byte, ..) => byte,
        };
        decoded.push(byte);
        index += 1;
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

/// The words of the page in one language.
struct Words {
    /// `{app}` is the name of the app.
    title: &'static str,
    unused: &'static str,
    button: &'static str,
    /// Stands before the host.
    leads_to: &'static str,
    why: &'static str,
    not_you: &'static str,
    broken: &'static str,
    secured_by: &'static str,
}

impl Words {
    fn of(locale: Locale) -> &'static Self {
        match locale {
            Locale::En => &Words {
                title: "Continue to {app}",
                unused: "You opened a link from your email. It has not been used yet.",
                button: "Continue",
                leads_to: "You will go to",
                why: "This page stands between because some mail programs open links before you do.",
                not_you: "You did not ask for this link? Close the page.",
                broken: "This link leads nowhere. Ask for a new one where you signed in.",
                secured_by: "Secured by Ostiary",
            },
            Locale::Es => &Words {
                title: "Continuar a {app}",
                unused: "Has abierto un enlace de tu correo. Todavía no se ha usado.",
                button: "Continuar",
                leads_to: "Irás a",
                why: "Esta página existe porque algunos programas de correo abren los enlaces antes que tú.",
                not_you: "¿No has pedido este enlace? Cierra la página.",
                broken: "Este enlace no lleva a ninguna parte. Pide uno nuevo donde iniciaste sesión.",
                secured_by: "Protegido por Ostiary",
            },
            Locale::Fr => &Words {
                title: "Continuer vers {app}",
                unused: "Vous avez ouvert un lien reçu par e-mail. Il n’a pas encore été utilisé.",
                button: "Continuer",
                leads_to: "Vous irez vers",
                why: "Cette page existe parce que certaines messageries ouvrent les liens avant vous.",
                not_you: "Vous n’avez pas demandé ce lien\u{202F}? Fermez la page.",
                broken: "Ce lien ne mène nulle part. Demandez-en un nouveau là où vous vous connectez.",
                secured_by: "Sécurisé par Ostiary",
            },
            Locale::PtBr => &Words {
                title: "Continuar para {app}",
                unused: "Você abriu um link do seu e-mail. Ele ainda não foi usado.",
                button: "Continuar",
                leads_to: "Você irá para",
                why: "Esta página existe porque alguns programas de e-mail abrem os links antes de você.",
                not_you: "Você não pediu este link? Feche a página.",
                broken: "Este link não leva a lugar nenhum. Peça outro onde você entra.",
                secured_by: "Protegido por Ostiary",
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(url: &str) -> Target {
        Target::parse(url).expect("the address is followed")
    }

    #[test]
    fn an_address_becomes_a_form() {
        let target = target(
            "https://app.harbor.example/authenticate?stytch_token_type=discovery&token=k3V9%3D&flag#top",
        );
        assert_eq!(target.action, "https://app.harbor.example/authenticate#top");
        assert_eq!(target.host, "app.harbor.example");
        let fields: Vec<_> =
            target.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(fields, [("stytch_token_type", "discovery"), ("token", "k3V9="), ("flag", "")]);
    }

    #[test]
    fn query_values_are_decoded_as_browsers_do() {
        for (encoded, expected) in
            [("a+b%20c", "a b c"), ("%C3%A9", "é"), ("100%", "100%"), ("%zz%4", "%zz%4"), ("%FF", "\u{FFFD}")]
        {
            assert_eq!(decode(encoded), expected);
        }
    }

    #[test]
    fn the_reader_sees_the_host_that_the_browser_goes_to() {
        for (url, host) in [
            ("http://localhost:3000/authenticate", "localhost:3000"),
            ("https://app.harbor.example@evil.example/", "evil.example"),
            ("https://evil.example\\@app.harbor.example/", "evil.example"),
            ("com.harbor.app://login?token=x", "com.harbor.app"),
            ("com.harbor.app:/login?token=x", "com.harbor.app"),
        ] {
            assert_eq!(target(url).host, host, "{url}");
        }
    }

    #[test]
    fn addresses_that_run_code_or_are_not_absolute_lead_nowhere() {
        for url in [
            "javascript:alert(1)",
            "JavaScript:alert(1)",
            " javascript:alert(1)",
            "java\nscript:alert(1)",
            "data:text/html,x",
            "vbscript:x",
            "blob:https://app.example/1",
            "file:///etc/passwd",
            "/authenticate?token=x",
            "//app.example/authenticate",
            "https://app.example/\nx",
            "",
        ] {
            assert_eq!(Target::parse(url), None, "{url:?}");
            let page = link_hop(Locale::En, "Harbor", url);
            assert!(!page.html.contains("<form") && !page.html.contains("<script"), "{url:?}");
            assert!(page.html.contains("leads nowhere"));
        }
    }

    #[test]
    fn the_page_holds_no_address_that_a_scanner_could_follow() {
        for locale in Locale::ALL {
            let page = link_hop(
                locale,
                "Harbor",
                "https://app.harbor.example/authenticate?token=k3V9&slug=northwind",
            );
            assert!(!page.html.contains("<a "), "no link");
            assert!(!page.html.contains("http-equiv"), "no refresh");
            assert!(!page.html.contains("?token="), "no whole address");
            assert_eq!(page.html.matches("k3V9").count(), 1);
            assert!(page.html.contains(
                "<form class=\"hop\" action=\"https://app.harbor.example/authenticate\" method=\"get\">"
            ));
        }
    }

    #[test]
    fn values_of_the_address_cannot_leave_their_attribute() {
        let page = link_hop(
            Locale::En,
            "<b>Harbor</b>",
            "https://app.example/\"><script>?a\"=%22%3E%3Cscript%3Ealert(1)%3C/script%3E",
        );
        assert!(!page.html.contains("<script>") && !page.html.contains("<b>"));
        assert!(page.html.contains("value=\"&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;\""));
    }
}
