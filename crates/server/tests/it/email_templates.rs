//! Email templates: looks and words of a project's own, set by operators and seen in the mails that go out.

use crate::harness::Server;
use crate::on_both_engines;
use crate::operators::Operator;
use ostiary_core::project::KeyScope;
use serde_json::{Value, json};
use std::sync::Arc;

const LOGIN: &str = "/v1/b2b/magic_links/email/login_or_signup";
const ADA: &str = "ada@acme.example";

fn look(id: &str, color: &str) -> Value {
    json!({"template_id": id, "name": "Look", "prebuilt_customization": {"button_color": color, "text_alignment": "CENTER"}})
}

fn words(id: &str, kind: &str, variable: &str) -> Value {
    json!({
        "template_id": id,
        "name": "Words",
        "sender_information": {
            "from_local_part": "login", "from_domain": "acme.example", "from_name": "Acme",
            "reply_to_local_part": "support", "reply_to_name": "Acme Support",
        },
        "custom_html_customization": {
            "template_type": kind,
            "html_content": format!("<p>\u{200b}Own words for {{{{organization_name}}}}: <b>{{{{{variable}}}}}</b></p>\n"),
            "plaintext_content": format!("Own words: {{{{{variable}}}}}"),
            "subject": "Own subject for {{organization_name}}",
        },
    })
}

struct Place<'a> {
    operator: Operator<'a>,
    templates: String,
    defaults: String,
    admin: String,
    environment: String,
}

async fn place(t: &Server) -> Place<'_> {
    let operator = Operator::new(t, KeyScope::ALL).await;
    let environment = operator.own_place("/pwa/v3");
    let (project, _) = environment.split_once("/environments/").unwrap();
    Place {
        templates: format!("{project}/email_templates"),
        defaults: format!("{project}/default_email_templates"),
        admin: project.replace("/pwa/v3", "/admin/v1"),
        environment: operator.own_place("/admin/v1"),
        operator,
    }
}

async fn acme(t: &Server) -> String {
    let acme = t.organization("Acme", json!({})).await;
    t.member(&acme, ADA, json!({})).await;
    acme
}

async fn last_mail(t: &Server, acme: &str, more: Value) -> Value {
    let mut body = json!({"organization_id": acme, "email_address": ADA});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    t.post(LOGIN, body).await.ok();
    t.last_message(ADA).await
}

on_both_engines! {
    async fn what_is_set_is_read_back_byte_for_byte(t) {
        let Place { operator, templates, .. } = place(&t).await;
        for template in [look("look-1", "#ff0000"), words("words-1", "LOGIN", "magic_link_url")] {
            let created = operator.post(&templates, template.clone()).await.ok()["email_template"].take();
            for part in ["sender_information", "custom_html_customization"] {
                assert_eq!(created[part], *template.get(part).unwrap_or(&Value::Null), "{part}");
            }
            let path = format!("{templates}/{}", template["template_id"].as_str().unwrap());
            assert_eq!(operator.get(&path).await.ok()["email_template"], created);
            // A second apply changes nothing, also with the nulls that clients send.
            let mut again = template.clone();
            again["name"] = Value::Null;
            assert_eq!(operator.put(&path, again).await.ok()["email_template"], created);
        }
        let look = operator.get(&format!("{templates}/look-1")).await.ok()["email_template"].take();
        assert_eq!(look["prebuilt_customization"], json!({
            "button_border_radius": null, "button_color": "#ff0000", "button_text_color": null,
            "font_family": null, "text_alignment": "CENTER",
        }));
        let listed = operator.get(&templates).await.ok()["email_templates"].take();
        assert_eq!(listed.as_array().unwrap().len(), 2);
    }

    async fn a_default_look_is_in_every_built_in_mail(t) {
        let (Place { operator, templates, defaults, .. }, acme) = (place(&t).await, acme(&t).await);
        let before = last_mail(&t, &acme, json!({})).await;
        assert!(!before["html"].as_str().unwrap().contains("#ff0000"));
        operator.post(&templates, look("look-1", "#ff0000")).await.ok();
        operator.post(&format!("{defaults}/PREBUILT"), json!({"template_id": "look-1"})).await.ok();
        assert_eq!(operator.get(&format!("{defaults}/PREBUILT")).await.ok()["template_id"], "look-1");
        assert!(last_mail(&t, &acme, json!({})).await["html"].as_str().unwrap().contains("background-color:#ff0000"));
        operator.delete(&format!("{defaults}/PREBUILT")).await.fails(400, "cannot_delete_default_email_template");
        operator.delete(&format!("{templates}/look-1")).await.fails(400, "cannot_delete_default_email_template");
        operator.post(&templates, look("look-2", "#00ff00")).await.ok();
        operator.post(&format!("{defaults}/PREBUILT"), json!({"template_id": "look-2"})).await.ok();
        operator.delete(&format!("{templates}/look-1")).await.ok();
        assert!(last_mail(&t, &acme, json!({})).await["html"].as_str().unwrap().contains("background-color:#00ff00"));
    }

    async fn own_words_go_out_by_default_and_by_name(t) {
        let (Place { operator, templates, defaults, .. }, acme) = (place(&t).await, acme(&t).await);
        operator.post(&templates, words("default-login", "LOGIN", "magic_link_url")).await.ok();
        operator.post(&templates, words("other-login", "LOGIN", "magic_link_url")).await.ok();
        operator.post(&templates, words("signup", "SIGNUP", "magic_link_url")).await.ok();
        operator.post(&templates, words("code", "ONE_TIME_PASSCODE", "otp_code")).await.ok();
        let named = last_mail(&t, &acme, json!({"login_template_id": "other-login"})).await;
        assert_eq!(named["subject"], "Own subject for Acme");
        let link = named["links"][0].as_str().unwrap();
        assert_eq!(named["text"], format!("Own words: {link}"));
        assert!(named["html"].as_str().unwrap().contains("Own words for Acme: <b>http"));
        assert_ne!(last_mail(&t, &acme, json!({})).await["subject"], "Own subject for Acme");

        operator.get(&format!("{defaults}/LOGIN")).await.fails(404, "email_template_not_found");
        operator.post(&format!("{defaults}/LOGIN"), json!({"template_id": "default-login"})).await.ok();
        assert_eq!(last_mail(&t, &acme, json!({})).await["subject"], "Own subject for Acme");
        operator.delete(&format!("{defaults}/LOGIN")).await.ok();
        operator.delete(&format!("{defaults}/LOGIN")).await.ok();
        assert_ne!(last_mail(&t, &acme, json!({})).await["subject"], "Own subject for Acme");

        let body = |template: &str| json!({"organization_id": acme, "email_address": ADA, "login_template_id": template});
        t.post("/v1/b2b/otps/email/login_or_signup", body("code")).await.ok();
        let mail = t.last_message(ADA).await;
        assert_eq!(mail["text"], format!("Own words: {}", mail["code"].as_str().unwrap()));
        for (path, template) in [(LOGIN, "code"), (LOGIN, "signup"), (LOGIN, "none"), ("/v1/b2b/otps/email/login_or_signup", "signup")] {
            t.post(path, body(template)).await.fails(400, "invalid_template_id");
        }
        // The template that is not needed this time is judged too.
        t.post(LOGIN, json!({"organization_id": acme, "email_address": ADA, "signup_template_id": "none"})).await
            .fails(400, "invalid_template_id");
    }

    async fn hostile_templates_are_refused(t) {
        let Place { operator, templates, defaults, admin, .. } = place(&t).await;
        let with = |html: &str| {
            let mut template = words("hostile", "LOGIN", "magic_link_url");
            template["custom_html_customization"]["html_content"] = json!(format!("{html}{{{{magic_link_url}}}}"));
            template
        };
        for html in ["<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<a href=\"javascript:alert(1)\">x</a>", "<iframe></iframe>", "<p style=\"{{organization_name}}\">"] {
            operator.post(&templates, with(html)).await.fails(400, "invalid_email_template_content");
            operator.post(&format!("{admin}/email_templates/preview"), with(html)).await.fails(400, "invalid_email_template_content");
        }
        for html in ["{{ constructor }}", "{{#each x}}", "{{otp_code}}", "{{"] {
            operator.post(&templates, with(html)).await.fails(400, "invalid_email_template_parameters");
        }
        let mut no_sender = words("a-template", "LOGIN", "magic_link_url");
        no_sender["sender_information"] = Value::Null;
        let mut both = words("a-template", "LOGIN", "magic_link_url");
        both["prebuilt_customization"] = json!({});
        let mut injected = words("a-template", "LOGIN", "magic_link_url");
        injected["sender_information"]["from_name"] = json!("Ada\r\nBcc: eve@evil.example");
        for bad in [
            no_sender, both, injected, json!({"template_id": "a-template"}), look("a-template", "red"), look("a-template", "#fff;background:url(x)"),
            words("a-template", "PREBUILT", "magic_link_url"), words("a-template", "NEWSLETTER", "magic_link_url"), words("a-template", "UNLOCK", "magic_link_url"),
        ] {
            operator.post(&templates, bad).await.fails(400, "invalid_email_template_parameters");
        }
        operator.post(&templates, look("../x", "#fff")).await.fails(400, "invalid_template_id");
        operator.post(&templates, look("look-1", "#fff")).await.ok();
        operator.post(&templates, look("look-1", "#000")).await.fails(400, "duplicate_email_template_vanity_id");
        operator.put(&format!("{templates}/look-1"), json!({"prebuilt_customization": {"button_color": "x"}})).await
            .fails(400, "invalid_email_template_parameters");
        operator.get(&format!("{templates}/none")).await.fails(404, "email_template_not_found");
        operator.post(&format!("{defaults}/LOGIN"), json!({"template_id": "look-1"})).await.fails(400, "invalid_template_id");
        operator.post(&format!("{defaults}/NEWS"), json!({"template_id": "look-1"})).await.fails(400, "invalid_email_template_parameters");
        operator.post(&format!("{defaults}/PREBUILT"), json!({"template_id": "look-1"})).await.ok();
        let login = words("look-1", "LOGIN", "magic_link_url");
        operator.put(&format!("{templates}/look-1"), login).await.fails(400, "invalid_email_template_parameters");
        let reader = Operator::new(&t, &[]).await;
        reader.post(&templates, look("look-2", "#fff")).await.fails(403, "unauthorized_action");
    }

    async fn templates_are_shown_and_tried_before_they_are_used(t) {
        let Place { operator, templates, admin, environment, .. } = place(&t).await;
        let shown = operator.post(&format!("{admin}/email_templates/preview"), words("x", "INVITE", "magic_link_url")).await.ok();
        assert_eq!(shown["subject"], "Own subject for Northwind Freight");
        assert!(shown["html"].as_str().unwrap().contains("<b>https://app.example.com/"));
        operator.post(&templates, look("look-1", "#ff0000")).await.ok();
        let preview = format!("{admin}/email_templates/look-1/preview");
        let french = operator.post(&preview, json!({"template_type": "RESET_PASSWORD", "locale": "fr"})).await.ok();
        assert!(french["html"].as_str().unwrap().contains("lang=\"fr\""));
        assert!(french["html"].as_str().unwrap().contains("background-color:#ff0000"));
        operator.post(&preview, json!({"locale": "xx"})).await.fails(400, "invalid_locale");

        let test = |id: &str| format!("{environment}/email_templates/{id}/test");
        operator.post(&templates, words("words-1", "ONE_TIME_PASSCODE", "otp_code")).await.ok();
        operator.post(&test("words-1"), json!({"email_address": "grace@ostiary.example"})).await.ok();
        assert_eq!(t.last_message("grace@ostiary.example").await["text"], "Own words: 123456");
        operator.post(&test("look-1"), json!({"email_address": "grace@ostiary.example", "template_type": "INVITE"})).await.ok();
        assert_eq!(t.last_message("grace@ostiary.example").await["template_type"], "INVITE");
        operator.post(&test("words-1"), json!({"email_address": "grace@ostiary.example", "template_type": "LOGIN"})).await
            .fails(400, "invalid_template_id");
        operator.post(&test("words-1"), json!({"email_address": "nobody"})).await.fails(400, "invalid_email");
        operator.post(&test("none"), json!({"email_address": "grace@ostiary.example"})).await.fails(404, "email_template_not_found");
    }

    /// Both halves of two changes of one template are there afterwards.
    async fn no_half_of_two_changes_is_lost(t) {
        let t = Arc::new(t);
        let templates = {
            let Place { operator, templates, .. } = place(&t).await;
            operator.post(&templates, words("words-1", "LOGIN", "magic_link_url")).await.ok();
            templates
        };
        for round in 0..10 {
            let changes = [
                json!({"name": format!("Name {round}")}),
                json!({"sender_information": {"from_local_part": "login", "from_domain": "acme.example", "from_name": format!("Sender {round}")}}),
            ];
            let calls = changes.map(|change| {
                let (t, path) = (t.clone(), format!("{templates}/words-1"));
                tokio::spawn(async move {
                    Operator::new(&t, KeyScope::ALL).await.put(&path, change).await.ok();
                })
            });
            for call in calls {
                call.await.unwrap();
            }
            let operator = Operator::new(&t, KeyScope::ALL).await;
            let read = operator.get(&format!("{templates}/words-1")).await.ok()["email_template"].take();
            assert_eq!(read["name"], format!("Name {round}"));
            assert_eq!(read["sender_information"]["from_name"], format!("Sender {round}"));
        }
    }

    async fn other_nodes_write_with_the_new_template_within_two_seconds(t) {
        let t = Arc::new(t);
        let Some(second) = t.another_node().await else { return };
        let (Place { operator, templates, defaults, .. }, acme) = (place(&t).await, acme(&t).await);
        operator.post(&templates, words("words-1", "LOGIN", "magic_link_url")).await.ok();
        operator.post(&format!("{defaults}/LOGIN"), json!({"template_id": "words-1"})).await.ok();
        // What the job of every node does each second.
        second.app.refresh_projects().await.unwrap();
        second.post(LOGIN, json!({"organization_id": acme, "email_address": ADA})).await.ok();
        assert_eq!(t.last_message(ADA).await["subject"], "Own subject for Acme");
    }
}
