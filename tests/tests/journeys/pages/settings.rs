//! The settings of the pages.

use accounts::config::Settings;
use accounts::model::Color;
use axum::http::{Method, StatusCode};
use graphql::FrontSettings;
use journeys::Site;

use super::{PASSWORDLESS, assert_page, get, links, post};

const JSON: (&str, &str) = ("content-type", "application/json");

async fn style(site: &Site) -> String {
    let sheet = get(site, "/pages.css").await;
    assert_eq!(sheet.status, 200);
    assert_eq!(sheet.headers["content-type"], "text/css; charset=utf-8");
    assert_eq!(sheet.headers["x-content-type-options"], "nosniff");
    assert_eq!(sheet.headers["cache-control"], "public, max-age=3600");
    sheet.text
}

/// The value of a custom property, in light and, if it is another one, in dark.
fn values<'a>(style: &'a str, name: &str) -> Vec<&'a str> {
    let name = format!("{name}: ");
    let found = style.split(name.as_str()).skip(1);
    found.filter_map(|rest| rest.split_once(';')).map(|(value, _)| value).collect()
}

#[tokio::test]
async fn without_pages_there_are_none() {
    let links = links(&Site::with(&[PASSWORDLESS]).await).await;
    let site = Site::with(&[("PAGES", "off")]).await;
    let paths =
        ["/activate", "/password-reset", "/send-again/x", "/pages.css", "/login", "/signup"];
    for path in links.iter().map(String::as_str).chain(paths) {
        for method in [Method::GET, Method::HEAD, Method::POST] {
            let answer = site.send(method.clone(), path, &[], "").await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{method} {path}");
        }
        assert_eq!(get(&site, path).await.json()["code"], "not_found");
    }
    let body = "{\"query\":\"{ __typename }\"}";
    assert_eq!(site.send(Method::POST, "/graphql", &[JSON], body).await.status, 200);
}

#[tokio::test]
async fn links_are_mailed_whether_or_not_there_are_pages() {
    let site = Site::with(&[("PAGES", "off")]).await;
    let ann = site.sign_up("ann").await;
    let token = site.link_token(&ann.email()).await;
    assert_eq!(site.verify_account(&token).await["success"], true);
}

#[tokio::test]
async fn the_colour_is_the_sites_and_its_text_can_be_read() {
    for (given, button, label) in [
        (&[] as &'static [(&str, &str)], "#1d4ed8", "#ffffff"),
        (&[("PAGE_COLOR", "#FACC15")], "#facc15", "#000000"),
        (&[("PAGE_COLOR", "#fff")], "#ffffff", "#000000"),
        (&[("PAGE_COLOR", "#000000")], "#000000", "#ffffff"),
    ] {
        let style = style(&Site::with(given).await).await;
        assert_eq!(values(&style, "--button"), [button]);
        assert_eq!(values(&style, "--label"), [label]);
        let color = |name, shade: usize| {
            Color::parse(values(&style, name)[shade]).expect("a colour in light and in dark")
        };
        for shade in [0, 1] {
            for background in ["--around", "--card"] {
                let contrast = color("--link", shade).contrast(color(background, shade));
                assert!(contrast >= 4.5, "{button} on {background} {shade}: {contrast}");
            }
        }
    }
}

#[tokio::test]
async fn a_colour_that_is_none_is_named_at_the_start() {
    for value in ["blue", "1d4ed8", "#1d4ed", "#1d4ed8ff", "#fff;}body{display:none", "rgb(1,2,3)"]
    {
        let lookup = move |name: &str| match name {
            "PAGE_COLOR" => Some(value.to_owned()),
            "BASE_URL" => Some("https://accounts.example".to_owned()),
            _ => None,
        };
        let error = FrontSettings::new(&Settings::new(lookup)).unwrap_err().to_string();
        assert_eq!(error, "PAGE_COLOR must be a colour such as #1d4ed8");
    }
}

#[tokio::test]
async fn pages_is_on_or_off() {
    let lookup = |name: &str| match name {
        "PAGES" => Some("maybe".to_owned()),
        "BASE_URL" => Some("https://accounts.example".to_owned()),
        _ => None,
    };
    let error = FrontSettings::new(&Settings::new(lookup)).unwrap_err().to_string();
    assert_eq!(error, "PAGES must be on or off (or true or false)");
}

#[tokio::test]
async fn a_broken_file_of_a_page_is_named_at_the_start_unless_there_are_no_pages() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("pages")).expect("a folder");
    std::fs::write(folder.path().join("pages/en.json"), "{ \"titel\": \"x\" }").expect("a file");
    let start = |pages: &'static str| {
        let folder = folder.path().to_string_lossy().into_owned();
        FrontSettings::new(&Settings::new(move |name: &str| match name {
            "PAGES" => Some(pages.to_owned()),
            "MAIL_TEMPLATES" => Some(folder.clone()),
            "BASE_URL" => Some("https://accounts.example".to_owned()),
            _ => None,
        }))
    };
    let error = start("on").unwrap_err().to_string();
    assert_eq!(error, "MAIL_TEMPLATES cannot be used: en.json: no page has a text titel");
    assert!(start("off").is_ok());
}

#[tokio::test]
async fn below_a_path_of_its_own_the_pages_lead_below_it() {
    let site = Site::with(&[("BASE_URL", "https://example.com/accounts/")]).await;
    let page = get(&site, "/activate").await;
    assert_page(&page, StatusCode::OK, "Enter your code");
    assert!(page.text.contains("href=\"/accounts/pages.css\""), "{}", page.text);
    assert!(page.text.contains("action=\"/accounts/activate\""), "{}", page.text);
    let page = post(&site, "/password-reset/garbage", "password=a&again=a").await;
    assert!(page.text.contains("href=\"/accounts/password-reset\""), "{}", page.text);
}

#[tokio::test]
async fn the_name_of_the_site_is_shown_as_text() {
    let site = Site::with(&[("SITE_NAME", "<b>Ann & Co</b>")]).await;
    let page = get(&site, "/activate").await.text;
    assert!(page.contains("&lt;b&gt;Ann &amp; Co") && !page.contains("<b>"), "{page}");
}
