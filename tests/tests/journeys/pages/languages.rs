//! The languages of the account pages: which one a reader gets, and that nothing breaks out of it.

use axum::http::{Method, StatusCode};
use journeys::{Answer, Site, link_token};
use serde_json::json;

use super::{FORM, OTHER, get, named};

const TITLES: [(&str, &str, &str); 3] = [
    ("en", "ltr", "Enter your code"),
    ("de", "ltr", "Ihren Code eingeben"),
    ("fa", "rtl", "کد خود را وارد کنید"),
];

async fn get_in(site: &Site, path: &str, accepted: &str) -> Answer {
    site.send(Method::GET, path, &[("accept-language", accepted)], "").await
}

async fn post_in(site: &Site, path: &str, accepted: &str, form: &str) -> Answer {
    let headers = [FORM, ("accept-language", accepted)];
    site.send(Method::POST, path, &headers, form.to_owned()).await
}

fn language(answer: &Answer) -> &str {
    let language = answer.headers["content-language"].to_str().expect("a tag");
    assert!(answer.text.contains(&format!("<html lang=\"{language}\" ")), "{}", answer.text);
    language
}

fn location(answer: &Answer) -> &str {
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    answer.headers["location"].to_str().expect("a path")
}

/// A link that was mailed to a user who signed up in a browser of that language.
async fn activation_of(site: &Site, name: &str, accepted: &str) -> String {
    let email = named(name).email();
    let document = format!(
        "mutation {{ register(email: \"{email}\", username: \"{name}\", password1: \"{OTHER}\", \
         password2: \"{OTHER}\") {{ success errors }} }}"
    );
    let body = json!({ "query": document }).to_string();
    let headers = [("content-type", "application/json"), ("accept-language", accepted)];
    let answer = site.send(Method::POST, "/graphql", &headers, body).await.json();
    assert_eq!(answer["data"]["register"]["success"], true, "{answer}");
    site.link_token(&email).await
}

#[tokio::test]
async fn a_page_comes_in_the_language_that_the_browser_asks_for() {
    let site = Site::with(&[("CORS_ORIGINS", "https://app.example")]).await;
    for (tag, direction, title) in TITLES {
        let page = get_in(&site, "/activate", &format!("tlh, {tag};q=0.9, en;q=0.1")).await;
        assert_eq!(language(&page), tag);
        let html = format!("<html lang=\"{tag}\" dir=\"{direction}\">");
        assert!(page.text.contains(&html), "{}", page.text);
        assert!(page.text.contains(&format!("<h1>{title}</h1>")), "{}", page.text);
        assert!(page.text.contains(&format!("hreflang=\"{tag}\" aria-current=\"true\"")));
        assert_eq!(page.text.matches("aria-current").count(), 1);
        // A shared cache must not give one reader another reader's language.
        let varies = page.headers.get_all("vary").iter();
        let varies = varies.map(|value| value.to_str().expect("text").to_lowercase());
        assert!(varies.collect::<Vec<_>>().join(",").contains("accept-language"));
    }
    assert_eq!(language(&get_in(&site, "/activate", "tlh").await), "en");
}

#[tokio::test]
async fn a_choice_on_the_page_comes_before_the_browser_and_the_browser_before_the_user() {
    let site = Site::with(&[("DEFAULT_LANGUAGE", "fa")]).await;
    let link = format!("/activate/{}", activation_of(&site, "ann", "de").await);
    assert_eq!(language(&get(&site, "/activate").await), "fa", "the site's language");
    assert_eq!(language(&get(&site, &link).await), "de", "the user's language");
    assert_eq!(language(&get_in(&site, &link, "tlh").await), "de");
    assert_eq!(language(&get_in(&site, &link, "en").await), "en", "the browser's language");
    let chosen = format!("{link}?lang=fa");
    assert_eq!(language(&get_in(&site, &chosen, "en").await), "fa", "the chosen language");
    // The links of a page replace the whole query, but a reader may have typed two.
    assert_eq!(language(&get_in(&site, "/activate?lang=de&lang=EN", "fa").await), "en");
}

#[tokio::test]
async fn a_choice_stays_until_the_last_page() {
    let site = Site::start().await;
    let page = get_in(&site, "/password-reset?lang=de", "en").await;
    assert!(page.text.contains("<form method=\"post\" action=\"?lang=de\">"), "{}", page.text);
    let refused = post_in(&site, "/password-reset?lang=de", "en", "email=none").await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert_eq!(language(&refused), "de");
    assert!(refused.text.contains("Bitte geben Sie eine gültige E-Mail-Adresse ein."));
    assert!(refused.text.contains("<title>Fehler: Passwort vergessen? – Example</title>"));
    let sent = post_in(&site, "/password-reset?lang=de", "en", "email=ann%40example.com").await;
    assert_eq!(location(&sent), "/done/reset-mailed?lang=de");
    let done = get_in(&site, "/done/reset-mailed?lang=de", "en").await;
    assert!(done.text.contains("<h1>Sehen Sie in Ihr Postfach</h1>"), "{}", done.text);
    assert!(done.text.contains("href=\"/password-reset?lang=de\""), "{}", done.text);
    // A reader who gets the language of the browser has plain addresses.
    let sent = post_in(&site, "/password-reset", "de", "email=ann%40example.com").await;
    assert_eq!(location(&sent), "/done/reset-mailed");
}

#[tokio::test]
async fn the_language_of_the_links_user_stays_until_the_last_page() {
    let site = Site::start().await;
    let link = format!("/activate/{}", activation_of(&site, "ann", "fa").await);
    let page = get(&site, &link).await;
    assert_eq!(language(&page), "fa");
    assert!(page.text.contains("action=\"?lang=fa\""), "{}", page.text);
    let name = "<strong><bdi>ann</bdi></strong>";
    assert!(page.text.contains(name), "a name in Latin letters is isolated: {}", page.text);
    let done = post_in(&site, &format!("{link}?lang=fa"), "tlh", "").await;
    let done = get(&site, location(&done)).await;
    assert!(done.text.contains("<h1>نشانی شما تأیید شد</h1>"), "{}", done.text);
}

#[tokio::test]
async fn every_link_of_a_page_leads_to_the_page_in_another_language() {
    let site = Site::with(&[("BASE_URL", "https://example.com/accounts/")]).await;
    for path in ["/activate", "/password-reset", "/activation-mail", "/done/password-set", "/x/y"] {
        let page = site.send(Method::GET, path, &[("accept", "text/html")], "").await;
        for (tag, _, _) in TITLES {
            let link = format!("<a href=\"?lang={tag}\" lang=\"{tag}\" hreflang=\"{tag}\"");
            assert!(page.text.contains(&link), "{}", page.text);
            let headers = [("accept", "text/html")];
            let path = format!("{path}?lang={tag}");
            let other = site.send(Method::GET, &path, &headers, "").await;
            assert_eq!((other.status, language(&other)), (page.status, tag));
        }
    }
}

#[tokio::test]
async fn a_language_that_the_pages_do_not_have_is_not_shown() {
    let site = Site::start().await;
    let plain = get(&site, "/activate").await.text;
    for hostile in [
        "tlh",
        "",
        "%22%3E%3Cscript%3E",
        "../../../etc/passwd",
        "en.json",
        "de%00",
        "%FF%FE",
        "de%0d%0aset-cookie:a=b",
        "DE-",
    ] {
        let page = get(&site, &format!("/activate?lang={hostile}")).await;
        assert_eq!(
            (page.status, page.text.as_str()),
            (StatusCode::OK, plain.as_str()),
            "{hostile}"
        );
    }
}

#[tokio::test]
async fn names_of_users_and_sites_are_text_in_every_language() {
    let site = Site::with(&[("SITE_NAME", "<i>\u{202e}Ann & Co</i>{{ site }}")]).await;
    site.sign_up("ann").await;
    let activate = link_token(&site.mails_to("ann@example.com").await[0]);
    for (tag, _, _) in TITLES {
        for path in ["/activate", "/done/password-set", &format!("/activate/{activate}")] {
            let page = get_in(&site, path, tag).await.text;
            assert!(page.contains("&lt;i&gt;") && !page.contains("<i>"), "{page}");
            assert!(page.contains("{{ site }}"), "a name is no template: {page}");
        }
        let typed = "email=%22%3E%3Ci%3E{{username}}%40x&code=1";
        let page = post_in(&site, "/activate", tag, typed).await.text;
        assert!(page.contains("value=\"&quot;&gt;&lt;i&gt;{{username}}@x\""), "{page}");
    }
}
