//! The page after a button, for every result.

use axum::http::{Method, StatusCode};
use jiff::SignedDuration;
use journeys::Site;
use serde_json::json;

use super::{FORM, OTHER, PASSWORDLESS, assert_page, get, links, named, post};

const OK: StatusCode = StatusCode::OK;
const INVALID: &str = "This link is not valid";

fn twice(password: &str) -> String {
    format!("password={password}&again={password}")
}

#[tokio::test]
async fn every_path_works_with_a_slash_at_its_end() {
    let site = Site::with(&[PASSWORDLESS]).await;
    let [activate, reset, set] = links(&site).await;
    for (path, title) in [
        ("/activate", "Enter your code"),
        ("/password-reset", "Forgot your password?"),
        (&activate, "Confirm your address"),
        (&reset, "Choose a new password"),
        (&set, "Set your password"),
        (&activate.replace("activate", "send-again"), "Send a new link"),
    ] {
        assert_page(&get(&site, &format!("{path}/")).await, StatusCode::OK, title);
    }
    let page = post(&site, &format!("{activate}/"), "").await;
    assert_page(&page, StatusCode::OK, "Your address is confirmed");
    for path in ["/health/", "/.well-known/jwks.json/", "/pages.css/", "/api/openapi.json/"] {
        assert_eq!(get(&site, path).await.status, StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn a_person_on_an_unknown_path_gets_a_page_and_a_program_json() {
    let site = Site::with(&[("APP_URL", "https://app.example")]).await;
    let browser = ("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8");
    for path in ["/", "/activate/a/b", "/actvate", "/password-reset/x/y/", "/graphql/x"] {
        let page = site.send(Method::GET, path, &[browser], "").await;
        assert_page(&page, StatusCode::NOT_FOUND, "There is no such page");
        for next in ["https://app.example", "/activate", "/password-reset"] {
            assert!(page.text.contains(&format!("href=\"{next}\"")), "{next} in {}", page.text);
        }
        for accept in ["*/*", "application/json", "application/json, text/html;q=0.5"] {
            let answer = site.send(Method::GET, path, &[("accept", accept)], "").await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND);
            assert_eq!(answer.json()["code"], "not_found", "{path} {accept}");
        }
    }
    let site = Site::with(&[("PAGES", "off")]).await;
    let answer = site.send(Method::GET, "/activate", &[browser], "").await;
    assert_eq!(answer.json()["code"], "not_found");
}

#[tokio::test]
async fn get_and_head_of_every_page_change_nothing() {
    let site = Site::with(&[PASSWORDLESS]).await;
    let links = links(&site).await;
    let again = links[0].replace("/activate/", "/send-again/");
    let titles = ["Confirm your address", "Choose a new password", "Set your password"];
    let mut pages: Vec<_> = links.iter().map(String::as_str).zip(titles).collect();
    pages.push(("/activate", "Enter your code"));
    pages.push(("/password-reset", "Forgot your password?"));
    pages.push((&again, "Send a new link"));
    let before = site.dump().await;
    for (path, title) in pages {
        let page = get(&site, path).await;
        assert_page(&page, OK, title);
        assert!(page.text.contains("<form method=\"post\"") && page.text.contains("<button>"));
        let head = site.send(Method::HEAD, path, &[], "").await;
        assert_eq!((head.status, head.text.as_str()), (OK, ""), "{path}");
        assert_eq!(
            head.headers["content-security-policy"],
            page.headers["content-security-policy"]
        );
    }
    assert_eq!(site.dump().await, before);
}

#[tokio::test]
async fn a_success_page_links_back_to_the_application() {
    let site = Site::with(&[PASSWORDLESS, ("APP_URL", "https://app.example")]).await;
    let [activate, reset, set] = links(&site).await;
    for (path, form, title) in [
        (activate, String::new(), "Your address is confirmed"),
        (reset, twice(OTHER), "Your password is set"),
        (set, twice(OTHER), "Your password is set"),
    ] {
        let page = post(&site, &path, &form).await;
        assert_page(&page, OK, title);
        let link = "<a class=\"button\" href=\"https://app.example\">Continue to Example</a>";
        assert!(page.text.contains(link), "{}", page.text);
    }
    assert!(site.is_password(&named("bob"), OTHER).await);
    assert!(site.is_password(&named("eve"), OTHER).await);
}

#[tokio::test]
async fn a_form_that_worked_leads_to_a_page_that_can_be_loaded_again() {
    let site = Site::with(&[PASSWORDLESS]).await;
    let [activate, reset, set] = links(&site).await;
    for (path, form) in [
        (activate.as_str(), String::new()),
        (&reset, twice(OTHER)),
        (&set, twice(OTHER)),
        ("/password-reset", "email=bob%40example.com".to_owned()),
        ("/activation-mail", "email=eve2%40example.com".to_owned()),
    ] {
        let answer = site.send(Method::POST, path, &[FORM], form).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{path}: {}", answer.text);
        let page = answer.headers["location"].to_str().unwrap().to_owned();
        let shown = get(&site, &page).await;
        assert_eq!(shown.status, OK, "{path}");
        assert_eq!(get(&site, &page).await.text, shown.text);
    }
    assert_eq!(get(&site, "/done/nothing").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_used_link_says_so_before_a_form_is_filled_in() {
    let site = Site::with(&[PASSWORDLESS]).await;
    let [activate, reset, set] = links(&site).await;
    for (path, status, title) in [
        (activate, StatusCode::SEE_OTHER, None),
        (reset, StatusCode::BAD_REQUEST, Some(INVALID)),
        (set, StatusCode::BAD_REQUEST, Some("Your password was set before")),
    ] {
        assert_eq!(post(&site, &path, &twice(OTHER)).await.status, OK);
        let page = get(&site, &path).await;
        assert_eq!(page.status, status, "{path}: {}", page.text);
        match title {
            Some(title) => assert_page(&page, status, title),
            None => assert_eq!(page.headers["location"], "/done/address-confirmed-before"),
        }
    }
}

#[tokio::test]
async fn a_page_says_whose_account_it_is_and_a_password_manager_hears_it() {
    let site = Site::with(&[PASSWORDLESS]).await;
    let [activate, reset, set] = links(&site).await;
    for (path, name) in [(activate, "ann"), (reset, "bob"), (set, "eve")] {
        let page = get(&site, &path).await.text;
        let masked = format!("{}***@example.com", &name[..1]);
        assert!(
            page.contains(&masked) && page.contains(&format!("<strong>{name}</strong>")),
            "{page}"
        );
        assert!(!page.contains(&format!("{name}@example.com")), "{page}");
        if page.contains("type=\"password\"") {
            let field = format!("autocomplete=\"username\" value=\"{name}\"");
            assert!(page.contains(&field), "{page}");
        }
    }
}

#[tokio::test]
async fn a_sign_ups_mail_can_be_asked_for_again() {
    let site = Site::start().await;
    let ann = site.sign_up("ann").await;
    site.link_token(&ann.email()).await;
    site.aws.mailbox().clear();
    site.advance(SignedDuration::from_mins(2));
    let wrong = post(&site, "/activate", "email=ann%40example.com&code=123456").await;
    assert!(wrong.text.contains("href=\"/activation-mail\""), "{}", wrong.text);
    assert_page(&get(&site, "/activation-mail").await, OK, "Confirm your address");
    let page = post(&site, "/activation-mail", "email=ann%40example.com").await;
    assert_page(&page, OK, "Check your email");
    let token = site.link_token(&ann.email()).await;
    assert_page(
        &post(&site, &format!("/activate/{token}"), "").await,
        OK,
        "Your address is confirmed",
    );
    let bad = post(&site, "/activation-mail", "email=ann").await;
    assert_page(&bad, StatusCode::BAD_REQUEST, "Confirm your address");
}

#[tokio::test]
async fn a_page_explains_the_second_use_of_a_link() {
    let site = Site::with(&[PASSWORDLESS]).await;
    let [activate, reset, set] = links(&site).await;
    for (path, form, status, title) in [
        (activate, String::new(), OK, "Your address was confirmed before"),
        (reset, twice(OTHER), StatusCode::BAD_REQUEST, INVALID),
        (set, twice(OTHER), StatusCode::BAD_REQUEST, "Your password was set before"),
    ] {
        assert_eq!(post(&site, &path, &form).await.status, OK);
        let page = post(&site, &path, &form).await;
        assert_page(&page, status, title);
        assert_eq!(page.text.contains("href=\"/password-reset\""), status != OK, "{}", page.text);
        assert!(!page.text.contains("<a class=\"button\""), "there is no application");
    }
}

#[tokio::test]
async fn an_expired_link_has_a_button_for_a_new_mail_before_and_after_the_form() {
    let site = Site::with(&[PASSWORDLESS]).await;
    let links = links(&site).await;
    site.advance(SignedDuration::from_hours(8 * 24));
    for path in links {
        let token = path.rsplit('/').next().unwrap();
        for page in [get(&site, &path).await, post(&site, &path, &twice(OTHER)).await] {
            assert_page(&page, StatusCode::GONE, "This link is too old");
            let form = format!("<form method=\"post\" action=\"/send-again/{token}\"><button>");
            assert!(page.text.contains(&form), "{}", page.text);
        }
    }
}

#[tokio::test]
async fn an_invalid_link_shows_how_to_go_on() {
    let site = Site::with(&[PASSWORDLESS]).await;
    let [activate, reset, set] = links(&site).await;
    let of = |link: &str| link.rsplit('/').next().unwrap().to_owned();
    let before = site.dump().await;
    for (page, next, wrong) in [
        ("activate", "/activate", of(&reset)),
        ("password-reset", "/password-reset", of(&set)),
        ("password-set", "/password-reset", of(&activate)),
    ] {
        for token in [wrong.as_str(), "garbage", &of(&activate)[1..], "%FF%FE", "%00", "%22%3E%3Cb"]
        {
            let path = format!("/{page}/{token}");
            for answer in [get(&site, &path).await, post(&site, &path, &twice(OTHER)).await] {
                assert_page(&answer, StatusCode::BAD_REQUEST, INVALID);
                assert!(answer.text.contains(&format!("<a href=\"{next}\">")), "{}", answer.text);
            }
        }
    }
    assert_eq!(site.dump().await, before);
}

#[tokio::test]
async fn when_the_table_does_not_answer_the_pages_say_that_nothing_is_lost() {
    let site = Site::with(&[PASSWORDLESS]).await;
    let [activate, reset, set] = links(&site).await;
    let again = activate.replace("/activate/", "/send-again/");
    let fault = embedded::Fault::InternalError;
    site.aws.faults().fail("dynamodb:*", embedded::Times::Always, fault);
    for path in [&activate, &reset, &set, &again] {
        let page = post(&site, path, &twice(OTHER)).await;
        assert_page(&page, StatusCode::SERVICE_UNAVAILABLE, "That did not work");
    }
    let page = post(&site, "/password-reset", "email=ann%40example.com").await;
    assert_page(&page, StatusCode::SERVICE_UNAVAILABLE, "That did not work");
}

#[tokio::test]
async fn a_request_for_a_reset_gets_the_same_page_with_and_without_an_account() {
    let site = Site::start().await;
    site.signed_in("ann").await;
    site.aws.mailbox().clear();
    let mut pages = Vec::new();
    for email in ["ann%40example.com", "nobody%40example.com"] {
        let page = post(&site, "/password-reset", &format!("email={email}")).await;
        assert_page(&page, OK, "Check your email");
        pages.push(page.text);
    }
    assert_eq!(pages[0], pages[1]);
    assert_eq!(site.mails_to("nobody@example.com").await.len(), 0);
    let token = site.link_token("ann@example.com").await;
    let page = post(&site, &format!("/password-reset/{token}"), &twice(OTHER)).await;
    assert_page(&page, OK, "Your password is set");
    let answer = site.token_auth(json!({ "username": "ann", "password": OTHER })).await;
    assert_eq!(answer["success"], true);
}
