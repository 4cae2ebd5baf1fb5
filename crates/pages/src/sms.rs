//! Text messages (spec 01d §6).

use ostiary_core::locale::Locale;

use crate::words;

/// Longest name of an app in a text message, in characters. With it every message fits into one segment, which
/// holds 70 characters once a letter such as "ó" forces the wide alphabet.
const APP_NAME_CHARS_MAX: usize = 18;

/// The text message with a one-time code. Code first, because locked screens show only the beginning; the word
/// "code" beside it lets phones offer to fill it in.
pub fn one_time_code(locale: Locale, app_name: &str, code: &str, expires_in_minutes: u32) -> String {
    let app = words::shorten(&words::one_line(app_name), APP_NAME_CHARS_MAX);
    let code = words::one_line(code);
    let minutes = expires_in_minutes;
    let is_one = minutes == 1;
    match locale {
        Locale::En => {
            let unit = if is_one { "minute" } else { "minutes" };
            format!("{code} is your code for {app}. It expires in {minutes} {unit}.")
        }
        Locale::Es => {
            let unit = if is_one { "minuto" } else { "minutos" };
            format!("{code} es tu código para {app}. Caduca en {minutes} {unit}.")
        }
        Locale::Fr => {
            let unit = if is_one { "minute" } else { "minutes" };
            format!("{code} est votre code pour {app}. Expire dans {minutes} {unit}.")
        }
        Locale::PtBr => {
            let unit = if is_one { "minuto" } else { "minutos" };
            format!("{code} é seu código para {app}. Expira em {minutes} {unit}.")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_says_code_app_and_expiry() {
        for (locale, expected) in [
            (Locale::En, "418207 is your code for Harbor. It expires in 2 minutes."),
            (Locale::Es, "418207 es tu código para Harbor. Caduca en 2 minutos."),
            (Locale::Fr, "418207 est votre code pour Harbor. Expire dans 2 minutes."),
            (Locale::PtBr, "418207 é seu código para Harbor. Expira em 2 minutos."),
        ] {
            assert_eq!(one_time_code(locale, "Harbor", "418207", 2), expected);
        }
        assert!(one_time_code(Locale::En, "Harbor", "418207", 1).ends_with("1 minute."));
    }

    #[test]
    fn a_message_fits_one_segment_of_its_alphabet() {
        let name = "Harbor Logistics International Limited";
        for locale in Locale::ALL {
            let message = one_time_code(locale, name, "418207", 15);
            // The ellipsis of the shortened name is outside the narrow alphabet too.
            assert!(message.encode_utf16().count() <= 70, "{message}");
        }
    }

    #[test]
    fn names_cannot_add_lines() {
        let message = one_time_code(Locale::En, "Harbor\nCall +1 555", "418207", 2);
        assert!(!message.contains('\n'));
    }
}
