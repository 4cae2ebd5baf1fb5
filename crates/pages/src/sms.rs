//! Text messages (spec 01d §6).

use ostiary_core::locale::SmsLocale;

use crate::words;

/// Longest name of an app in a text message, in characters. With it every message fits into one segment, which
/// holds 70 characters once a letter such as "ó" forces the wide alphabet.
const APP_NAME_CHARS_MAX: usize = 18;

/// The text message with a one-time code. Code first, because locked screens show only the beginning; the word
/// "code" beside it lets phones offer to fill it in. Languages with several plurals get the unit as a symbol.
pub fn one_time_code(locale: SmsLocale, app_name: &str, code: &str, expires_in_minutes: u32) -> String {
    let app = words::shorten(&words::one_line(app_name), APP_NAME_CHARS_MAX);
    let code = words::one_line(code);
    let minutes = expires_in_minutes;
    let unit = |one: &'static str, more: &'static str| if minutes == 1 { one } else { more };
    match locale {
        SmsLocale::En => {
            let unit = unit("minute", "minutes");
            format!("{code} is your code for {app}. It expires in {minutes} {unit}.")
        }
        SmsLocale::Es => {
            let unit = unit("minuto", "minutos");
            format!("{code} es tu código para {app}. Caduca en {minutes} {unit}.")
        }
        SmsLocale::PtBr => {
            let unit = unit("minuto", "minutos");
            format!("{code} é seu código para {app}. Expira em {minutes} {unit}.")
        }
        SmsLocale::Fr => {
            let unit = unit("minute", "minutes");
            format!("{code} est votre code pour {app}. Expire dans {minutes} {unit}.")
        }
        SmsLocale::It => {
            let unit = unit("minuto", "minuti");
            format!("{code} è il tuo codice per {app}. Scade tra {minutes} {unit}.")
        }
        SmsLocale::DeDe => {
            let unit = unit("Minute", "Minuten");
            format!("{code} ist Ihr Code für {app}. Er gilt {minutes} {unit}.")
        }
        SmsLocale::ZhHans => format!("{code} 是您的 {app} 验证码，{minutes} 分钟内有效。"),
        SmsLocale::CaEs => {
            let unit = unit("minut", "minuts");
            format!("{code} és el teu codi per a {app}. Caduca en {minutes} {unit}.")
        }
        SmsLocale::Ja => format!("{code} は {app} の認証コードです。有効期限は{minutes}分です。"),
        SmsLocale::Ru => format!("{code} — ваш код для {app}. Действует {minutes} мин."),
        SmsLocale::Nl => {
            let unit = unit("minuut", "minuten");
            format!("{code} is je code voor {app}. Verloopt over {minutes} {unit}.")
        }
        SmsLocale::Pl => format!("{code} to Twój kod do {app}. Ważny przez {minutes} min."),
        SmsLocale::Tr => format!("{code}, {app} kodunuz. {minutes} dakika geçerlidir."),
        SmsLocale::Fa => format!("{code} کد شما برای {app} است. اعتبار: {minutes} دقیقه."),
        SmsLocale::Vi => format!("{code} là mã của bạn cho {app}. Hết hạn sau {minutes} phút."),
        SmsLocale::Cs => format!("{code} je váš kód pro {app}. Platí {minutes} min."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_says_code_app_and_expiry() {
        for (locale, expected) in [
            (SmsLocale::En, "418207 is your code for Harbor. It expires in 2 minutes."),
            (SmsLocale::Es, "418207 es tu código para Harbor. Caduca en 2 minutos."),
            (SmsLocale::PtBr, "418207 é seu código para Harbor. Expira em 2 minutos."),
            (SmsLocale::Fr, "418207 est votre code pour Harbor. Expire dans 2 minutes."),
            (SmsLocale::It, "418207 è il tuo codice per Harbor. Scade tra 2 minuti."),
            (SmsLocale::DeDe, "418207 ist Ihr Code für Harbor. Er gilt 2 Minuten."),
            (SmsLocale::ZhHans, "418207 是您的 Harbor 验证码，2 分钟内有效。"),
            (SmsLocale::CaEs, "418207 és el teu codi per a Harbor. Caduca en 2 minuts."),
            (SmsLocale::Ja, "418207 は Harbor の認証コードです。有効期限は2分です。"),
            (SmsLocale::Ru, "418207 — ваш код для Harbor. Действует 2 мин."),
            (SmsLocale::Nl, "418207 is je code voor Harbor. Verloopt over 2 minuten."),
            (SmsLocale::Pl, "418207 to Twój kod do Harbor. Ważny przez 2 min."),
            (SmsLocale::Tr, "418207, Harbor kodunuz. 2 dakika geçerlidir."),
            (SmsLocale::Fa, "418207 کد شما برای Harbor است. اعتبار: 2 دقیقه."),
            (SmsLocale::Vi, "418207 là mã của bạn cho Harbor. Hết hạn sau 2 phút."),
            (SmsLocale::Cs, "418207 je váš kód pro Harbor. Platí 2 min."),
        ] {
            assert_eq!(one_time_code(locale, "Harbor", "418207", 2), expected);
        }
        assert!(one_time_code(SmsLocale::En, "Harbor", "418207", 1).ends_with("1 minute."));
    }

    #[test]
    fn a_message_fits_one_segment_of_its_alphabet() {
        let name = "Harbor Logistics International Limited";
        for locale in SmsLocale::ALL {
            let message = one_time_code(*locale, name, "418207", 15);
            // The ellipsis of the shortened name is outside the narrow alphabet too.
            assert!(message.encode_utf16().count() <= 70, "{message}");
        }
    }

    #[test]
    fn names_cannot_add_lines() {
        let message = one_time_code(SmsLocale::En, "Harbor\nCall +1 555", "418207", 2);
        assert!(!message.contains('\n'));
    }
}
