//! The page behind the link that ends a lock.
//!
//! As with the page behind sign-in links, opening it changes nothing, since mail scanners open it too. The lock ends by
//! the button alone: there is no script, because a person who only looks at the page may have been warned by the mail,
//! and may want the lock to stay.
//!
//! The policy leaves `form-action` open, because browsers apply it to the redirect to the app as well.

use ostiary_core::locale::Locale;

use super::{Frame, Page, mark};
use crate::asset;
use crate::html::Html;
use crate::words;

/// `form-action` is missing on purpose, see the head of this file.
const POLICY: &str =
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The page that asks whether to end a lock at the app named `app_name`. Its button posts `fields` to `action`.
pub fn unlock(locale: Locale, app_name: &str, action: &str, fields: &[(&str, &str)]) -> Page {
    let words = Words::of(locale);
    let title = words.title.replace("{app}", &words::one_line(app_name));
    let (before, after) = words.title.split_once("{app}").expect("the title names the app");
    let heading = [Html::text(before), Html::text(&words::name(app_name)), Html::text(after)];
    let fields = fields.iter().map(|(name, value)| {
        Html::fill(
            "      <input type=\"hidden\" name=\"{{name}}\" value=\"{{value}}\">\n",
            &[("name", Html::text(name)), ("value", Html::text(value))],
        )
    });
    let way_on = Html::fill(
        include_str!("../../templates/unlock_form.html"),
        &[("action", Html::text(action)), ("fields", fields.collect()), ("button", Html::text(words.button))],
    );
    let body = Html::fill(
        include_str!("../../templates/hop.html"),
        &[
            ("title", heading.into_iter().collect()),
            ("text", Html::text(words.text)),
            ("way_on", way_on),
            ("not_you", Html::text(words.not_you)),
            ("secured_by", Html::text(words.secured_by)),
            ("mark", mark()),
        ],
    );
    Frame { lang: locale.as_str(), title: &title, styles: &[&asset::STYLE], script: None, body }
        .into_page(POLICY)
}

/// The words of the page in one language.
struct Words {
    /// `{app}` is the name of the app.
    title: &'static str,
    text: &'static str,
    button: &'static str,
    not_you: &'static str,
    secured_by: &'static str,
}

impl Words {
    fn of(locale: Locale) -> &'static Self {
        match locale {
            Locale::En => &Words {
                title: "Unlock your account at {app}",
                text: "It was locked after too many failed sign-ins. If they were yours, unlock it and sign in again.",
                button: "Unlock my account",
                not_you: "They were not yours? Close the page. The lock keeps whoever is guessing out.",
                secured_by: "Secured by Ostiary",
            },
            Locale::Es => &Words {
                title: "Desbloquea tu cuenta de {app}",
                text: "Se bloqueó tras demasiados intentos fallidos. Si fueron tuyos, desbloquéala y vuelve a entrar.",
                button: "Desbloquear mi cuenta",
                not_you: "¿No fueron tuyos? Cierra la página. El bloqueo deja fuera a quien intenta adivinar.",
                secured_by: "Protegido por Ostiary",
            },
            Locale::Fr => &Words {
                title: "Débloquer votre compte {app}",
                text: "Il a été bloqué après trop de connexions échouées. Si c’était vous, débloquez-le et \
                       reconnectez-vous.",
                button: "Débloquer mon compte",
                not_you: "Ce n’était pas vous\u{202F}? Fermez la page. Le blocage arrête la personne qui essaie de deviner.",
                secured_by: "Sécurisé par Ostiary",
            },
            Locale::PtBr => &Words {
                title: "Desbloqueie sua conta em {app}",
                text: "Ela foi bloqueada após muitas tentativas sem sucesso. Se foram suas, desbloqueie e entre de novo.",
                button: "Desbloquear minha conta",
                not_you: "Não foram suas? Feche a página. O bloqueio mantém fora quem tenta adivinhar.",
                secured_by: "Protegido por Ostiary",
            },
        }
    }
}
