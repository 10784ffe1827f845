//! Second factors in the console: the log-in of staff, the removal of a user's factor by staff, and a change that needs
//! the second factor of staff.

use accounts::model::Role;
use axum::http::StatusCode;
use jiff::SignedDuration;
use journeys::{PASSWORD, Site, Visit};

use crate::second_factor_pages::{MINUTE, PAGE, complete, first_step, hidden, location, with_app};

#[tokio::test]
async fn the_console_has_two_steps_and_each_first_step_opens_its_own_pages() {
    let site = Site::start().await;
    site.signed_in_as(Role::Superuser, "boss").await;
    site.signed_in("ann").await;
    let (_, app, _) = with_app(&site, "boss").await;
    let challenge = first_step(&site, "/admin", "boss").await;
    let elsewhere = complete(&site, "/account", &challenge, &app.code(&site)).await;
    assert_eq!((elsewhere.status, Visit::cookie(&elsewhere)), (StatusCode::UNAUTHORIZED, None));
    let opened = complete(&site, "/admin", &challenge, &app.code(&site)).await;
    assert_eq!(location(&opened), "/admin");
    let desk = Visit::with(&site, Visit::cookie(&opened).unwrap());
    assert_eq!(desk.get("/admin/users").await.status, StatusCode::OK);

    // A user who is no staff gets no further with both factors than with the password.
    let (_, app, _) = with_app(&site, "ann").await;
    let challenge = first_step(&site, "/admin", "ann").await;
    let refused = complete(&site, "/admin", &challenge, &app.code(&site)).await;
    assert_eq!((refused.status, Visit::cookie(&refused)), (StatusCode::UNAUTHORIZED, None));
    assert!(refused.text.contains("may not use the console"), "{}", refused.text);
}

#[tokio::test]
async fn staff_ask_for_the_removal_and_a_proof_of_the_user_keeps_the_factor() {
    let site = Site::start().await;
    site.signed_in_as(Role::Superuser, "boss").await;
    let ann = site.signed_in("ann").await;
    let (visit, app, _) = with_app(&site, "ann").await;
    let desk = Visit::open(&site, "/admin", "boss").await;
    let csrf = desk.csrf("/admin/invite").await;
    let user = format!("/admin/users/{}", ann.user_id());
    let (remove, keep) =
        (format!("{user}/remove-second-factor"), format!("{user}/keep-second-factor"));
    let page = desk.get(&user).await.text;
    assert!(
        page.contains("<dd>Authenticator app or passkey</dd>") && page.contains(&remove),
        "{page}"
    );

    // It is grave: after five minutes, it wants the password.
    site.advance(MINUTE * 6);
    assert!(desk.get(&remove).await.text.contains("type=\"password\""));
    let refused = desk.post(&remove, &csrf, "reason=lost+phone").await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{}", refused.text);
    let ask = async || {
        let fields = format!("reason=lost+phone&password={PASSWORD}");
        location(&desk.post(&remove, &csrf, &fields).await).to_owned()
    };
    assert_eq!(ask().await, format!("{user}?done=remove-second-factor"));
    let mails = site.mails_to(&ann.email()).await;
    assert!(mails.last().unwrap().subject.contains("will be removed"), "{mails:?}");
    let end = "2026-03-04 12:";
    let page = desk.get(&user).await.text;
    assert!(page.contains(&format!("until {end}")) && page.contains(&keep), "{page}");
    assert!(page.contains("<q>lost phone</q>"), "{page}");

    // The user sees it, and keeps the factor by a code.
    let page = visit.get(PAGE).await.text;
    assert!(page.contains(&format!("That happens at {end}")), "{page}");
    let own = visit.csrf("/account").await;
    let asked = visit.post("/account/second-factor/keep", &own, "").await;
    assert_eq!(asked.status, StatusCode::FORBIDDEN);
    let code = format!("second_factor_code={}", app.code(&site));
    let kept = visit.post("/account/second-factor/keep", &own, &code).await;
    assert_eq!(location(&kept), "/account/second-factor?done=factor-kept");
    assert!(!visit.get(PAGE).await.text.contains("That happens at"));
    assert_eq!(desk.post(&keep, &csrf, "").await.status, StatusCode::CONFLICT);

    // Staff keep it, too; and without either, it ends.
    ask().await;
    assert!(location(&desk.post(&keep, &csrf, "").await).ends_with("?done=keep-second-factor"));
    ask().await;
    site.advance(SignedDuration::from_hours(73));
    Visit::open(&site, "/account", "ann").await;
}

#[tokio::test]
async fn a_grave_change_wants_the_second_factor_of_staff_who_have_one_and_keeps_its_form() {
    let site = Site::start().await;
    site.signed_in_as(Role::Superuser, "boss").await;
    let ann = site.signed_in("ann").await;
    let (_, app, _) = with_app(&site, "boss").await;
    let challenge = first_step(&site, "/admin", "boss").await;
    let opened = complete(&site, "/admin", &challenge, &app.code(&site)).await;
    let desk = Visit::with(&site, Visit::cookie(&opened).unwrap());
    let csrf = desk.csrf("/admin/invite").await;
    site.advance(MINUTE * 6);
    let delete = format!("/admin/users/{}/delete", ann.user_id());
    assert!(!desk.get(&delete).await.text.contains("type=\"password\""));
    let asked = desk.post(&delete, &csrf, "reason=spam&name=ann").await;
    assert_eq!(asked.status, StatusCode::FORBIDDEN);
    assert!(asked.text.contains("body class=\"console\""), "{}", asked.text);
    let (reason, name) = (hidden(&asked.text, "reason"), hidden(&asked.text, "name"));
    let code = app.code(&site);
    let fields = format!("reason={reason}&name={name}&second_factor_code={code}");
    let deleted = desk.post(&delete, &csrf, &fields).await;
    assert!(location(&deleted).ends_with("/trail?done=delete"));
    assert_eq!(site.me(&ann).await, None);
}
