//! The values that templates are checked with. Together, the samples of a page reach each of its branches.

use minijinja::{Value, context};

/// Samples for a file, or for a text.
pub(super) fn samples(file: &str, language: &str) -> Vec<Value> {
    let about = match file {
        "ask_for_mail.html" => "ask_reset",
        "choose_password.html" => "reset",
        "take_back.html" => "cancel",
        _ => "too_old",
    };
    let nexts: &[&str] = match file {
        "message.html" => {
            &["app", "send_again", "ask_for_reset", "enter_code", "anywhere", "later"]
        }
        _ => &["later"],
    };
    let sample = |next: &str, is_full: bool| {
        let filled = |text: &'static str| if is_full { text } else { "" };
        let error = context! { key => "refused_too_long", limit => 150, actual => 151 };
        let errors = || if is_full { vec![error.clone()] } else { Vec::new() };
        let (light, dark) = (["#ffffff", "#ffffff"], ["#000000", "#000000"]);
        context! {
            language, about, next,
            languages => [context! { tag => language, name => "Language" }],
            site => "Site", base => "", app_url => filled("https://app.example.com"),
            activation_path => "activate", reset_path => "password-reset",
            query => filled("?lang=en"), token => "token",
            username => filled("user"), email => filled("u***@example.com"),
            email_typed => filled("user@example.com"), username_typed => filled("user"),
            asks_for_name => is_full, is_wrong => is_full,
            email_errors => errors(), code_errors => errors(), username_errors => errors(),
            password_errors => errors(), again_errors => errors(),
            name => "name", errors => errors(), hint => is_full, takes_focus => is_full,
            limit => 150, actual => 151, password_min_length => 8,
            hidden => [context! { name => "email", value => filled("user@example.com") }],
            action => filled("?lang=en"), challenge => "challenge", by_itself => is_full,
            script => "/work.js",
            light, dark, button => "#1d4ed8", label => "#ffffff", link => "#1d4ed8",
            dark_link => "#1d4ed8",
        }
    };
    nexts.iter().flat_map(|next| [sample(next, true), sample(next, false)]).collect()
}
