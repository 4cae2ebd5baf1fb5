use super::*;

const URL: &str =
    "https://auth.harbor.example/v1/b2b/magic_links/redirect?token=k3V9&public_token=public-token-1";
const SIGN_IN_URL: &str = "https://auth.harbor.example/v1/b2b/magic_links/redirect?token=Qe2u";
const CODE: &str = "418207";

fn context() -> Context<'static> {
    Context {
        app_name: "Harbor",
        organization_name: Some("Northwind Freight"),
        invited_by_name: Some("Tomas Reyes"),
        email_address: "mara.lindt@northwind.example",
        url: Some(URL),
        secondary_url: None,
        code: Some(CODE),
        expires_in_minutes: 60,
    }
}

/// Every template in every language.
fn every() -> impl Iterator<Item = (Template, Locale)> {
    Template::ALL.into_iter().flat_map(|template| Locale::ALL.map(|locale| (template, locale)))
}

/// What stands between the tags of a document, comments and head left out.
fn visible(html: &str) -> String {
    let (_, body) = html.split_once("<body").expect("the document has a body");
    let mut text = String::new();
    let mut rest = body;
    while let Some((before, after)) = rest.split_once('<') {
        text.push_str(before);
        let end = if after.starts_with("!--") { "-->" } else { ">" };
        rest = after.split_once(end).expect("the tag or comment ends").1;
    }
    text + rest
}

/// Fails unless every element is closed in order. Attribute values hold no angle brackets: they are escaped.
fn assert_well_formed(html: &str) {
    const VOID: [&str; 4] = ["meta", "br", "img", "!doctype"];
    let mut open = Vec::new();
    let mut rest = html;
    while let Some((_, after)) = rest.split_once('<') {
        if after.starts_with("!--") {
            rest = after.split_once("-->").expect("the comment ends").1;
            continue;
        }
        let (tag, after) = after.split_once('>').expect("the tag ends");
        assert!(!tag.contains('<'), "a tag inside a tag: <{tag}>");
        assert_eq!(tag.matches('"').count() % 2, 0, "an open attribute: <{tag}>");
        let name = tag.split_whitespace().next().unwrap_or_default();
        match name.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop(), Some(name), "</{name}> closes another element"),
            None if VOID.contains(&name) => {}
            None => open.push(name),
        }
        rest = after;
    }
    assert!(open.is_empty(), "left open: {open:?}");
}

#[test]
fn every_mail_is_whole_in_every_language() {
    for (template, locale) in every() {
        let mail = render(template, locale, &context());
        let name = format!("{template:?} {}", locale.as_str());
        assert_well_formed(&mail.html);
        assert!(mail.html.len() < 102_000, "{name}: programs cut mails of more than 102 kB");
        assert!(mail.html.contains(&format!("<html lang=\"{}\"", locale.as_str())), "{name}");
        assert!(!mail.subject.is_empty() && mail.subject.chars().count() <= SUBJECT_CHARS_MAX, "{name}");
        assert!(mail.text.ends_with('\n') && !mail.text.contains("\n\n\n"), "{name}");
        for part in [&mail.subject, &mail.text, &mail.html] {
            assert!(!part.contains("{{") && !part.contains("**"), "{name}: {part}");
            assert!(!part.contains("{place}") && !part.contains("{email}"), "{name}: {part}");
        }
        assert!(!mail.html.contains("<script") && !mail.html.contains("<img"), "{name}");
        assert!(!mail.html.contains("<link") && !mail.html.contains("@import"), "{name}");
    }
}

#[test]
fn a_mail_carries_its_link_or_its_code_once_in_each_part() {
    for (template, locale) in every() {
        let mail = render(template, locale, &context());
        let name = format!("{template:?} {}", locale.as_str());
        let escaped_url = URL.replace('&', "&amp;");
        let (shown, hidden) = if template.has_code() { (CODE, URL) } else { (URL, CODE) };
        let shown_in_html = if template.has_code() { CODE } else { &escaped_url };
        assert_eq!(mail.text.matches(shown).count(), 1, "{name}");
        assert_eq!(visible(&mail.html).matches(shown_in_html).count(), 1, "{name}");
        assert!(!mail.text.contains(hidden) && !mail.html.contains(hidden), "{name}");
        assert_eq!(
            mail.subject.contains(CODE),
            template.has_code(),
            "{name}: codes stand in the subject too"
        );
        if !template.has_code() {
            assert_eq!(
                mail.html.matches(&format!("<a href=\"{escaped_url}\"")).count(),
                1,
                "{name}: the button"
            );
        }
        // Alone on its line, so that a double click or a program finds it.
        assert!(mail.text.lines().any(|line| line == shown), "{name}");
    }
}

#[test]
fn lines_of_the_text_are_short_except_for_links() {
    for (template, locale) in every() {
        let mail = render(template, locale, &context());
        for line in mail.text.lines().filter(|line| *line != URL) {
            assert!(line.chars().count() <= 72, "{template:?} {}: {line}", locale.as_str());
            assert_eq!(line.trim_end(), line);
        }
    }
}

#[test]
fn a_login_mail_reads_like_this() {
    let mail = render(Template::Login, Locale::En, &context());
    assert_eq!(mail.subject, "Sign in to Northwind Freight");
    assert_eq!(
        mail.text,
        format!(
            "Sign in to Northwind Freight\n\
             \n\
             Use this link to finish signing in as mara.lindt@northwind.example. It\n\
             works once and expires in 1 hour.\n\
             \n\
             Sign in:\n\
             {URL}\n\
             \n\
             You did not try to sign in? You can ignore this message: without the\n\
             link nobody gets in.\n\
             \n\
             --\n\
             Sent to mara.lindt@northwind.example because someone used this address\n\
             at Northwind Freight. We never ask for your password or a code by email.\n"
        )
    );
}

#[test]
fn a_code_mail_reads_like_this() {
    let context = Context { expires_in_minutes: 10, ..context() };
    let mail = render(Template::OneTimePasscode, Locale::PtBr, &context);
    assert_eq!(mail.subject, "418207 é seu código para Northwind Freight");
    assert_eq!(
        mail.text,
        "Seu código de acesso\n\
         \n\
         Digite este código onde você está entrando como\n\
         mara.lindt@northwind.example.\n\
         \n\
         418207\n\
         \n\
         Ele funciona uma única vez e expira em 10 minutos.\n\
         \n\
         Não compartilhe este código, nem mesmo com quem disser que é do suporte.\n\
         Você não tentou entrar? Ignore esta mensagem.\n\
         \n\
         --\n\
         Enviado para mara.lindt@northwind.example porque alguém usou este\n\
         endereço em Northwind Freight. Nunca pedimos sua senha nem um código por\n\
         e-mail.\n"
    );
}

#[test]
fn an_invitation_names_the_inviter_if_there_is_one() {
    let named = render(Template::Invite, Locale::En, &context());
    assert_eq!(named.subject, "Tomas Reyes invited you to Northwind Freight");
    for nobody in [None, Some(""), Some(" \r\n ")] {
        let mail = render(Template::Invite, Locale::En, &Context { invited_by_name: nobody, ..context() });
        assert_eq!(mail.subject, "You are invited to Northwind Freight");
        assert!(!mail.text.contains("Tomas Reyes"));
    }
}

#[test]
fn discovery_mails_speak_for_the_project_and_reveal_no_organization() {
    for template in [Template::DiscoveryLogin, Template::DiscoveryOneTimePasscode] {
        for locale in Locale::ALL {
            let mail = render(template, locale, &context());
            assert!(mail.subject.contains("Harbor"));
            for part in [&mail.subject, &mail.text, &mail.html] {
                assert!(!part.contains("Northwind Freight"), "{template:?}");
            }
        }
    }
    let without = Context { organization_name: None, ..context() };
    assert_eq!(render(Template::Login, Locale::Es, &without).subject, "Inicia sesión en Harbor");
}

#[test]
fn a_second_link_offers_signing_in_without_a_password() {
    let context = Context { secondary_url: Some(SIGN_IN_URL), ..context() };
    for template in [Template::ResetPassword, Template::VerifyEmailPasswordReset] {
        for locale in Locale::ALL {
            let mail = render(template, locale, &context);
            assert_eq!(mail.text.lines().filter(|line| *line == SIGN_IN_URL).count(), 1);
            assert_eq!(mail.html.matches(&format!("href=\"{SIGN_IN_URL}\"")).count(), 1);
            assert_well_formed(&mail.html);
        }
    }
}

#[test]
fn hostile_names_stay_text_on_one_line() {
    let hostile = "<script>alert('1')</script>\r\nBcc: eve@evil.example\n\n{{blocks}} **{code}** \u{202E}-->";
    let context = Context {
        app_name: hostile,
        organization_name: Some(hostile),
        invited_by_name: Some(hostile),
        email_address: "\"<b>\r\nX: y\"@evil.example",
        url: Some("https://auth.example/?a=\"><script>alert(1)</script>"),
        ..context()
    };
    for (template, locale) in every() {
        let mail = render(template, locale, &context);
        let name = format!("{template:?} {}", locale.as_str());
        assert!(!mail.subject.contains(char::is_control), "{name}: {:?}", mail.subject);
        assert!(!mail.html.contains("<script") && !mail.html.contains("<b>"), "{name}");
        assert_well_formed(&mail.html);
        assert!(!mail.text.contains('\r'), "{name}");
        let paragraphs = |mail: &Mail| mail.text.split("\n\n").count();
        assert_eq!(paragraphs(&mail), paragraphs(&render(template, locale, &self::context())), "{name}");
        for part in [&mail.text, &mail.html] {
            assert!(!part.contains('\u{202E}'), "{name}");
            assert!(part.contains("{code}"), "{name}: values are not sentences");
        }
    }
}

#[test]
fn names_in_the_body_never_become_links_of_mail_programs() {
    let context = Context { invited_by_name: Some("Free money at evil.example/now"), ..context() };
    let mail = render(Template::Invite, Locale::En, &context);
    for part in [&mail.text, &visible(&mail.html)] {
        assert!(!part.contains("evil.example"));
        assert!(part.contains("evil.\u{200B}example/now"));
    }
}

#[test]
fn subjects_are_bounded() {
    let long = "Ü".repeat(5000);
    let mail = render(Template::Login, Locale::Fr, &Context { organization_name: Some(&long), ..context() });
    assert_eq!(mail.subject.chars().count(), SUBJECT_CHARS_MAX);
    assert!(mail.subject.ends_with('…'));
    assert!(mail.html.len() < 102_000);
}

#[test]
fn template_types_are_those_of_the_wire() {
    let mut types: Vec<_> =
        Template::ALL.into_iter().map(|template| template.template_type().as_str()).collect();
    types.sort_unstable();
    types.dedup();
    assert_eq!(
        types,
        [
            "INVITE",
            "LOGIN",
            "ONE_TIME_PASSCODE",
            "ONE_TIME_PASSCODE_SIGNUP",
            "RESET_PASSWORD",
            "SIGNUP",
            "UNLOCK",
            "VERIFY_EMAIL_PASSWORD_RESET"
        ]
    );
}

#[test]
#[should_panic(expected = "rendered with its link")]
fn a_link_mail_without_a_link_is_a_bug() {
    render(Template::Login, Locale::En, &Context { url: None, ..context() });
}
