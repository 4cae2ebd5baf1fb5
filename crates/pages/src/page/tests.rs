//! Rules that hold for every page, and for the styles and scripts that they load.

use std::collections::BTreeSet;

use ostiary_core::locale::Locale;

use super::*;

const FORWARD_URL: &str = "https://app.harbor.example/authenticate?stytch_token_type=multi_tenant_magic_links&token=k3V9&slug=northwind";
const ENTRIES: [(&str, u16, &str); 3] = [
    ("otp_code_not_found", 404, "The code is wrong, or none is outstanding."),
    ("invalid_code", 400, "A code has six digits."),
    ("magic_link_not_found", 404, "No such link."),
];

/// Every page with a name, previews of mails left out: they are documents of others.
fn every_page() -> Vec<(String, Page)> {
    let mut pages: Vec<_> = Locale::ALL
        .into_iter()
        .map(|locale| (format!("hop {}", locale.as_str()), link_hop(locale, "Harbor", FORWARD_URL)))
        .collect();
    for locale in Locale::ALL {
        pages.push((
            format!("unlock {}", locale.as_str()),
            unlock(locale, "Harbor", "/unlock", &[("token", "k3V9")]),
        ));
    }
    pages.push(("broken hop".into(), link_hop(Locale::En, "Harbor", "javascript:alert(1)")));
    pages
        .push(("error".into(), error(401, "This link no longer works", "It was used.", "request-id-test-1")));
    pages.push((
        "reference".into(),
        error_reference("invalid_code", 400, "A code has six digits.", "/errors"),
    ));
    pages.push(("index".into(), error_index(&ENTRIES, "/errors")));
    pages.push(("inbox".into(), inbox("http://localhost:8080")));
    pages
}

/// The values of an attribute, in order.
fn attributes<'a>(html: &'a str, name: &str) -> Vec<&'a str> {
    let start = format!(" {name}=\"");
    html.match_indices(&start)
        .map(|(at, _)| html[at + start.len()..].split('"').next().unwrap_or_default())
        .collect()
}

fn css() -> String {
    [&asset::TOKENS, &asset::STYLE, &asset::INBOX_STYLE]
        .map(|style| std::str::from_utf8(style.bytes).expect("styles are text"))
        .join("\n")
}

/// Names after a dot that begins a class selector.
fn classes_of_css() -> BTreeSet<String> {
    let css = css();
    let mut classes = BTreeSet::new();
    // Only what stands before a brace is a selector; comments and declarations are not.
    for rule in css.split('{') {
        let selector = rule.rsplit(['}', ';']).next().unwrap_or_default();
        let selector = selector.rsplit("*/").next().unwrap_or_default();
        for (at, _) in selector.match_indices('.') {
            let name: String = selector[at + 1..]
                .chars()
                .take_while(|character| character.is_ascii_alphanumeric() || *character == '-')
                .collect();
            if name.starts_with(|first: char| first.is_ascii_alphabetic()) {
                classes.insert(name);
            }
        }
    }
    classes
}

/// Classes that only the script of the inbox gives.
const CLASSES_OF_SCRIPT: [&str; 7] = ["mail-frame", "phone", "desktop", "dark", "light", "plain", "bubble"];

#[test]
fn no_page_has_inline_script_or_style() {
    for (name, page) in every_page() {
        let html = &page.html;
        assert!(!html.contains("<style") && !html.contains(" style="), "{name}");
        assert!(
            !html.contains(" onclick") && !html.contains(" onload") && !html.contains("javascript:"),
            "{name}"
        );
        for (at, _) in html.match_indices("<script") {
            assert!(html[at..].starts_with("<script src=\"/assets/"), "{name}");
        }
        for unsafe_source in ["unsafe-inline", "unsafe-eval", "*", "http"] {
            assert!(!page.content_security_policy.contains(unsafe_source), "{name}");
        }
        assert!(page.content_security_policy.starts_with("default-src 'none'; "), "{name}");
        for directive in ["base-uri 'none'", "frame-ancestors 'none'"] {
            assert!(page.content_security_policy.contains(directive), "{name}");
        }
    }
}

#[test]
fn pages_load_nothing_but_embedded_assets() {
    for (name, page) in every_page() {
        let mut loaded = attributes(&page.html, "src");
        for (at, _) in page.html.match_indices("<link ") {
            loaded.extend(attributes(page.html[at..].split('>').next().unwrap_or_default(), "href"));
        }
        assert!(loaded.len() >= 3, "{name}: {loaded:?}");
        for path in loaded {
            assert!(asset::find(path).is_some(), "{name}: {path}");
        }
    }
    assert!(!css().contains("url(") && !css().contains("@import"));
}

#[test]
fn pages_have_a_language_a_title_one_heading_and_sound_references() {
    for (name, page) in every_page() {
        let html = &page.html;
        assert!(html.starts_with("<!doctype html>\n<html lang=\""), "{name}");
        assert!(!html.contains("<title></title>") && html.matches("<title>").count() == 1, "{name}");
        assert_eq!(html.matches("<h1").count(), 1, "{name}");
        assert_eq!(html.matches("<main").count(), 1, "{name}");
        let ids = attributes(html, "id");
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "{name}: an id twice");
        for attribute in
            ["aria-labelledby", "aria-describedby", "aria-controls", "popovertarget", "data-copy", "for"]
        {
            for id in attributes(html, attribute) {
                assert!(ids.contains(&id), "{name}: {attribute}={id}");
            }
        }
    }
}

#[test]
fn every_class_has_a_style_and_every_style_a_user() {
    let styled = classes_of_css();
    let mut used: BTreeSet<String> = CLASSES_OF_SCRIPT.map(str::to_owned).into();
    for (name, page) in every_page() {
        for class in attributes(&page.html, "class").into_iter().flat_map(str::split_whitespace) {
            // The script of the hop page finds its form by this class.
            assert!(styled.contains(class) || class == "hop", "{name}: class {class} has no style");
            used.insert(class.to_owned());
        }
    }
    let unused: Vec<_> = styled.difference(&used).collect();
    assert!(unused.is_empty(), "no page uses these classes: {unused:?}");
}

#[test]
fn script_names_only_elements_that_are_there() {
    let script = std::str::from_utf8(asset::INBOX_SCRIPT.bytes).expect("scripts are text");
    let page = inbox("http://localhost:8080").html;
    let ids = attributes(&page, "id");
    for (at, start) in script.match_indices("element(\"") {
        let id = script[at + start.len()..].split('"').next().unwrap_or_default();
        assert!(ids.contains(&id), "inbox.js uses #{id}");
    }
    for danger in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("] {
        assert!(!script.contains(danger), "messages are put in place as text, not by {danger}");
    }
}

#[test]
fn values_from_outside_are_text_on_every_page() {
    let hostile = "\"><script>alert(1)</script><img src=x onerror=alert(1)>'{{title}}";
    let pages = [
        link_hop(Locale::En, hostile, FORWARD_URL),
        link_hop(Locale::En, "Harbor", &format!("https://app.example/?a={hostile}")),
        unlock(Locale::En, hostile, hostile, &[(hostile, hostile)]),
        error(400, hostile, hostile, hostile),
        error_reference(hostile, 400, hostile, hostile),
        error_index(&[(hostile, 400, hostile)], hostile),
        inbox(hostile),
    ];
    for page in pages {
        assert!(!page.html.contains("<script>") && !page.html.contains("<img"), "{}", page.html);
    }
}

#[test]
fn hop_leaves_form_action_open_for_redirects_of_the_app() {
    // Browsers apply form-action to redirects that follow a form, so a list of one origin would break apps.
    for page in [link_hop(Locale::En, "Harbor", FORWARD_URL), unlock(Locale::En, "Harbor", "/unlock", &[])] {
        assert!(!page.content_security_policy.contains("form-action"));
    }
}

#[test]
fn a_lock_ends_by_a_button_and_by_nothing_else() {
    let html = unlock(Locale::En, "Harbor", "/unlock", &[("token", "k3V9")]).html;
    assert!(html.contains("action=\"/unlock\" method=\"post\"") && html.contains("value=\"k3V9\""));
    assert!(!html.contains("<script") && !html.contains("http-equiv") && !html.contains("<a "));
}

#[test]
fn index_groups_errors_by_status_in_order() {
    let html = error_index(&ENTRIES, "https://auth.example/errors").html;
    let at = |text: &str| html.find(text).unwrap_or_else(|| panic!("{text} is on the page"));
    assert!(at("id=\"status-400\"") < at("/invalid_code\""));
    assert!(at("/invalid_code\"") < at("id=\"status-404\""));
    assert!(at("id=\"status-404\"") < at("/otp_code_not_found\""));
    assert!(at("/otp_code_not_found\"") < at("/magic_link_not_found\""));
    assert!(html.contains("<a href=\"https://auth.example/errors/invalid_code\">"));
    assert!(html.contains("404 Not found"));
}

#[test]
fn reference_shows_the_answer_of_the_server() {
    let html = error_reference("invalid_code", 400, "A code has six digits.", "/errors").html;
    assert!(html.contains("&quot;status_code&quot;: 400"));
    assert!(html.contains("&quot;error_type&quot;: &quot;invalid_code&quot;"));
    assert!(html.contains("<a href=\"/errors\">All errors</a>"));
}

#[test]
fn inbox_offers_commands_with_the_base_url() {
    let html = inbox("http://localhost:8080/").html;
    assert!(html.contains("data-api-url=\"http://localhost:8080\""));
    assert!(html.contains("curl http://localhost:8080/v1/b2b/otps/email/discovery/send"));
}
