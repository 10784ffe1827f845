//! The pages of the own account, as a browser without scripts uses them.

use accounts::model::{Role, Trail};
use axum::http::{Method, StatusCode};
use jiff::SignedDuration;
use journeys::{Actor, FORM, PASSWORD, Site, Visit};

const JSON: (&str, &str) = ("content-type", "application/json");
const MINUTE: SignedDuration = SignedDuration::from_mins(1);

async fn site() -> (Site, Actor) {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    site.advance(MINUTE);
    (site, ann)
}

#[tokio::test]
async fn users_see_their_sessions_and_what_happened_without_what_identifies_staff() {
    let (site, ann) = site().await;
    let boss = site.signed_in_as(Role::Superuser, "boss").await;
    for change in ["staffBan", "staffLiftBan"] {
        site.change(&boss, change, ann.user_id(), "reason: \"a rumour\"").await.unwrap();
        site.advance(MINUTE);
    }
    let form = site.send(Method::GET, "/account", &[], "").await;
    assert!(form.text.contains("<h1>Your account</h1>"), "{}", form.text);
    assert!(form.text.contains("action=\"/account/log-in\""), "{}", form.text);
    let visit = Visit::open(&site, "/account", "ann").await;
    let page = visit.get("/account").await;
    assert_eq!(page.status, StatusCode::OK);
    for shown in ["ann@example.com", "This browser", "Banned</strong> <small>(by our team)"] {
        assert!(page.text.contains(shown), "{shown}: {}", page.text);
    }
    let ids = [boss.user_id().to_string(), "a rumour".to_owned(), "boss".to_owned()];
    for hidden in ids {
        assert!(!page.text.contains(&hidden), "{hidden}: {}", page.text);
    }
}

#[tokio::test]
async fn a_page_session_opens_neither_the_api_nor_the_console_and_no_token_opens_the_pages() {
    let site = Site::start().await;
    let boss = site.signed_in_as(Role::Superuser, "boss").await;
    let (account, console) =
        (Visit::open(&site, "/account", "boss").await, Visit::open(&site, "/admin", "boss").await);
    let token = |visit: &Visit<'_>| visit.cookie.split_once('=').unwrap().1.to_owned();
    for token in [token(&account), token(&console)] {
        assert_eq!(site.me(&Actor { access: token, ..boss.clone() }).await, None);
    }
    for (name, path, token) in [
        ("console", "/admin/users", token(&account)),
        ("account", "/account", token(&console)),
        ("account", "/account/activity", boss.access.clone()),
        ("account", "/account/activity", boss.refresh.clone()),
    ] {
        let forged = Visit::with(&site, format!("__Host-latchkey-{name}={token}"));
        let answer = forged.get(path).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{path}: {}", answer.text);
        let cleared = answer.headers["set-cookie"].to_str().unwrap();
        assert!(cleared.contains("; Max-Age=0;"), "{cleared}");
    }
    assert_eq!(account.get("/account").await.status, StatusCode::OK);
    assert_eq!(console.get("/admin/users").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_session_that_its_user_ends_on_the_page_is_refused_from_the_next_request_on() {
    let (site, ann) = site().await;
    let visit = Visit::open(&site, "/account", "ann").await;
    let csrf = visit.csrf("/account").await;
    let page = visit.get("/account").await.text;
    let session = page.split("name=\"session\" value=\"").nth(1).unwrap();
    let session = session.split('"').next().unwrap().to_owned();
    assert!(site.me(&ann).await.is_some());
    let done = visit.post("/account/end-session", &csrf, &format!("session={session}")).await;
    assert_eq!(done.headers["location"], "/account?done=session-ended");
    assert_eq!(site.me(&ann).await, None);

    let (second, third) = (site.log_in(&ann).await, site.log_in(&ann).await);
    let done = visit.post("/account/end-other-sessions", &csrf, "").await;
    assert_eq!(done.headers["location"], "/account?done=sessions-ended");
    for ended in [second, third] {
        assert_eq!(site.me(&ended).await, None);
    }
    // The session of the page goes on, until its user ends it.
    let page = visit.get("/account?done=sessions-ended").await.text;
    assert!(page.contains("You are logged out everywhere else."), "{page}");
    let out = visit.post("/account/log-out", &csrf, "").await;
    assert_eq!(out.headers["location"], "/account");
    assert_eq!(visit.get("/account/activity").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_user_ends_no_session_of_another_user_and_another_site_ends_none() {
    let (site, ann) = site().await;
    let eve = Visit::open(&site, "/account", "ann").await;
    let eves = site.signed_in("eve").await;
    let visit = Visit::open(&site, "/account", "eve").await;
    let csrf = visit.csrf("/account").await;
    let page = eve.get("/account").await.text;
    let of_ann = page.split("name=\"session\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let own = format!("session={of_ann}");
    visit.post("/account/end-session", &csrf, &own).await;
    assert!(site.me(&ann).await.is_some(), "the session of another user goes on");

    let before = site.dump().await;
    let cookie = ("cookie", visit.cookie.as_str());
    let foreign = eve.csrf("/account").await;
    for path in ["/account/end-other-sessions", "/account/end-session", "/account/log-out"] {
        for (headers, csrf) in [
            (vec![FORM[0], cookie, ("sec-fetch-site", "cross-site")], csrf.as_str()),
            (vec![FORM[0], cookie, ("origin", "https://evil.example")], csrf.as_str()),
            (vec![FORM[0], FORM[1], cookie], ""),
            (vec![FORM[0], FORM[1], cookie], foreign.as_str()),
        ] {
            let form = format!("csrf={csrf}&session={of_ann}");
            let refused = site.send(Method::POST, path, &headers, form).await;
            assert_eq!(refused.status, StatusCode::FORBIDDEN, "{path} {headers:?}");
        }
        assert_eq!(visit.get(path).await.status, StatusCode::OK);
    }
    assert_eq!(site.dump().await, before, "a GET changes nothing, and no refused form does");
    assert!(site.me(&eves).await.is_some());
}

#[tokio::test]
async fn wrong_passwords_on_the_page_count_with_those_of_the_api() {
    let site = Site::with(&[("THROTTLE", "on")]).await;
    let ann = site.signed_in("ann").await;
    for _ in 0..6 {
        let wrong = Visit::log_in(&site, "/account", "ann", "wrong").await;
        assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
        assert!(wrong.text.contains("The name or the password is wrong."), "{}", wrong.text);
    }
    for _ in 0..4 {
        assert!(!site.is_password(&ann, "wrong").await);
    }
    let locked = Visit::log_in(&site, "/account", "ann", PASSWORD).await;
    assert_eq!(locked.status, StatusCode::TOO_MANY_REQUESTS, "{}", locked.text);
    assert_eq!(Visit::cookie(&locked), None);
}

#[tokio::test]
async fn a_long_trail_is_read_page_by_page() {
    let (site, ann) = site().await;
    for _ in 0..60 {
        site.log_in(&ann).await;
        site.advance(MINUTE);
    }
    let visit = Visit::open(&site, "/account", "ann").await;
    let few = visit.get("/account").await.text;
    assert!(few.contains("href=\"/account/activity\""), "{few}");
    let (mut path, mut pages, mut seen) = ("/account/activity".to_owned(), 0, 0);
    loop {
        let page = visit.get(&path).await.text;
        (pages, seen) = (pages + 1, seen + page.matches("<li>").count());
        let Some(next) = page.split("rel=\"next\" href=\"").nth(1) else { break };
        path = format!("/account/activity{}", next.split('"').next().unwrap());
    }
    let trail = site.store.trail(Trail::Of(ann.user_id()), None, 100).await.unwrap();
    assert!(trail.events.len() > 60 && trail.next.is_none(), "{trail:?}");
    assert_eq!((pages, seen), (2, trail.events.len()));
}

#[tokio::test]
async fn users_download_their_own_data_with_the_password_and_the_trail_has_it() {
    let (site, ann) = site().await;
    site.signed_in("eve").await;
    let visit = Visit::open(&site, "/account", "ann").await;
    let other = Visit::open(&site, "/account", "eve").await;
    let csrf = visit.csrf("/account").await;
    let (right, wrong) = (format!("password={}", PASSWORD.replace(' ', "+")), "password=wrong");
    let exported = async || {
        let events = site.store.trail(Trail::Of(ann.user_id()), None, 100).await.unwrap().events;
        events.iter().filter(|event| event.event.name() == "personal_data_exported").count()
    };

    let foreign = visit.post("/account/data", &other.csrf("/account").await, &right).await;
    assert_eq!(foreign.status, StatusCode::FORBIDDEN, "{}", foreign.text);
    for fields in [wrong, "password=", ""] {
        let refused = visit.post("/account/data", &csrf, fields).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{}", refused.text);
        assert!(refused.text.contains("That password is wrong."), "{}", refused.text);
        assert_eq!(refused.headers.get("content-disposition"), None);
    }
    assert_eq!(exported().await, 0);

    let file = visit.post("/account/data", &csrf, &right).await;
    assert_eq!(file.status, StatusCode::OK, "{}", file.text);
    for (header, value) in [
        ("content-type", "application/json"),
        ("content-disposition", "attachment; filename=\"personal-data.json\""),
        ("cache-control", "no-store"),
    ] {
        assert_eq!(file.headers[header], value);
    }
    let data = file.json();
    assert_eq!(data["account"]["username"], "ann", "{data}");
    assert_eq!(data["activity"][0]["event"], "personal_data_exported", "{data}");
    assert!(!file.text.contains("eve@"), "{data}");
    assert_eq!(exported().await, 1);
}

#[tokio::test]
async fn a_page_session_guesses_the_password_for_a_download_only_as_often_as_a_token_may() {
    let site = Site::with(&[("THROTTLE", "on")]).await;
    let ann = site.signed_in("ann").await;
    let authorization = ann.authorization();
    let by_token = async || {
        let headers = [JSON, ("authorization", authorization.as_str())];
        let body = "{\"password\":\"wrong\"}";
        site.send(Method::POST, "/api/accounts/export/", &headers, body).await.status
    };
    let visit = Visit::open(&site, "/account", "ann").await;
    let csrf = visit.csrf("/account").await;
    let on_page = async || visit.post("/account/data", &csrf, "password=wrong").await.status;
    let mut guesses = 0;
    loop {
        let statuses = (on_page().await, by_token().await);
        assert_eq!(statuses.0, statuses.1, "after {guesses} guesses");
        if statuses.0 == StatusCode::TOO_MANY_REQUESTS {
            break;
        }
        guesses += 1;
        assert!(guesses < 100);
    }
    let right = format!("password={}", PASSWORD.replace(' ', "+"));
    let locked = visit.post("/account/data", &csrf, &right).await;
    assert_eq!(locked.status, StatusCode::TOO_MANY_REQUESTS, "{}", locked.text);
    assert_eq!(visit.get("/account").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_user_whose_address_is_not_verified_downloads_nothing() {
    let site = Site::with(&[("ALLOW_LOGIN_NOT_VERIFIED", "true")]).await;
    site.sign_up("ann").await;
    let visit = Visit::open(&site, "/account", "ann").await;
    let csrf = visit.csrf("/account").await;
    let right = format!("password={}", PASSWORD.replace(' ', "+"));
    let refused = visit.post("/account/data", &csrf, &right).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{}", refused.text);
    assert!(refused.text.contains("Please confirm your e-mail address first."), "{}", refused.text);
}
