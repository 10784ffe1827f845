//! The console of staff, as a browser without scripts uses it.

use accounts::model::{Role, Trail, UserId};
use axum::http::{Method, StatusCode};
use jiff::SignedDuration;
use journeys::{Actor, Answer, FORM, PASSWORD, Site, Visit};

const MINUTE: SignedDuration = SignedDuration::from_mins(1);

/// A member of staff with an open console.
struct Desk<'a> {
    site: &'a Site,
    visit: Visit<'a>,
}

async fn log_in(site: &Site, name: &str, password: &str) -> Answer {
    Visit::log_in(site, "/admin", name, password).await
}

impl<'a> Desk<'a> {
    async fn open(site: &'a Site, name: &str) -> Self {
        Self { site, visit: Visit::open(site, "/admin", name).await }
    }

    async fn get(&self, path: &str) -> Answer {
        self.visit.get(path).await
    }

    async fn csrf(&self) -> String {
        self.visit.csrf("/admin/invite").await
    }

    /// Sends the form of a page.
    async fn post(&self, path: &str, fields: &str) -> Answer {
        self.visit.post(path, &self.csrf().await, fields).await
    }

    async fn change(&self, user: UserId, change: &str, fields: &str) -> Answer {
        self.site.advance(SignedDuration::from_millis(1));
        self.post(&format!("/admin/users/{user}/{change}"), fields).await
    }
}

async fn site() -> (Site, Actor) {
    let site = Site::start().await;
    let boss = site.signed_in_as(Role::Superuser, "boss").await;
    (site, boss)
}

#[tokio::test]
async fn staff_open_the_console_and_other_users_do_not_and_see_nothing_of_it() {
    let (site, _) = site().await;
    let ann = site.signed_in("ann").await;
    let page = site.send(Method::GET, "/admin", &[], "").await;
    assert!(page.text.contains("<h1>Staff console</h1>"), "{}", page.text);
    for (name, password) in [("ann", PASSWORD), ("boss", "wrong"), ("nobody", PASSWORD)] {
        let refused = log_in(&site, name, password).await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{name}");
        assert!(Visit::cookie(&refused).is_none(), "{name}");
    }
    // A user who is no staff gets the same answer on every path, with or without a token of the API.
    let bearer = format!("Bearer {}", ann.access);
    let mut answers = Vec::new();
    for path in ["/admin/users", "/admin/nothing", "/admin/users/x/ban", "/admin/acts"] {
        for header in [("accept", "text/html"), ("authorization", bearer.as_str())] {
            for method in [Method::GET, Method::POST] {
                let answer = site.send(method, path, &[header, FORM[0]], "").await;
                answers.push((answer.status, answer.text));
            }
        }
    }
    assert_eq!(answers[0].0, StatusCode::NOT_FOUND);
    assert!(answers.iter().all(|answer| *answer == answers[0]));

    let desk = Desk::open(&site, "boss").await;
    assert!(desk.get("/admin").await.text.contains("<h1>Overview</h1>"));
    assert_eq!(desk.get("/admin/nothing").await.status, StatusCode::NOT_FOUND);
    // The refusal of a right password is in the trail of that user.
    let trail = site.store.trail(Trail::Of(ann.user_id()), None, 100).await.unwrap();
    assert!(trail.events.iter().any(|event| event.event.name() == "console_refused"));
}

#[tokio::test]
async fn wrong_passwords_at_the_console_count_with_those_of_the_api() {
    let site = Site::with(&[("THROTTLE", "on")]).await;
    let boss = site.signed_in_as(Role::Superuser, "boss").await;
    for _ in 0..6 {
        assert_eq!(log_in(&site, "boss", "wrong").await.status, StatusCode::UNAUTHORIZED);
    }
    for _ in 0..4 {
        assert!(!site.is_password(&boss, "wrong").await);
    }
    let hashes = site.accounts.password_hashes();
    let locked = log_in(&site, "boss", PASSWORD).await;
    assert_eq!(locked.status, StatusCode::TOO_MANY_REQUESTS, "{}", locked.text);
    assert!(Visit::cookie(&locked).is_none());
    assert_eq!(site.accounts.password_hashes(), hashes, "a lock costs no hash");
}

#[tokio::test]
async fn the_session_of_the_console_is_apart_from_the_api() {
    let (site, boss) = site().await;
    let desk = Desk::open(&site, "boss").await;
    let token = desk.visit.cookie.split('=').nth(1).unwrap();
    // Its token opens no API.
    assert_eq!(site.me(&Actor { access: token.to_owned(), ..boss.clone() }).await, None);
    // A token of the API opens no console.
    for token in [&boss.access, &boss.refresh] {
        let forged = Visit::with(&site, format!("__Host-latchkey-console={token}"));
        assert_eq!(forged.get("/admin/users").await.status, StatusCode::SEE_OTHER);
    }
    let answer = log_in(&site, "boss", PASSWORD).await;
    let set = answer.headers["set-cookie"].to_str().unwrap();
    for part in ["; Path=/", "; HttpOnly", "; Secure", "; SameSite=Strict"] {
        assert!(set.contains(part), "{set}");
    }
}

#[tokio::test]
async fn the_session_ends_after_half_an_hour_without_use_and_after_twelve_hours() {
    let (site, _) = site().await;
    let desk = Desk::open(&site, "boss").await;
    for _ in 0..3 {
        site.advance(MINUTE * 29);
        assert_eq!(desk.get("/admin/users").await.status, StatusCode::OK);
    }
    site.advance(MINUTE * 31);
    let ended = desk.get("/admin/users").await;
    assert_eq!(ended.status, StatusCode::SEE_OTHER);
    assert_eq!(ended.headers["location"], "/admin");

    let desk = Desk::open(&site, "boss").await;
    for _ in 0..26 {
        site.advance(MINUTE * 27);
        assert_eq!(desk.get("/admin/users").await.status, StatusCode::OK);
    }
    site.advance(MINUTE * 20);
    assert_eq!(desk.get("/admin/users").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn demoted_banned_or_logged_out_staff_are_refused_at_the_next_click() {
    for how in ["demoted", "banned", "logged out"] {
        let (site, boss) = site().await;
        let desk = Desk::open(&site, "boss").await;
        let id = boss.user_id();
        match how {
            "demoted" => assert!(site.store.set_role(id, Role::User).await.unwrap()),
            "banned" => assert!(site.store.set_active(id, false).await.unwrap()),
            _ => assert_eq!(desk.post("/admin/log-out", "").await.status, StatusCode::SEE_OTHER),
        }
        assert_eq!(desk.get("/admin/users").await.status, StatusCode::SEE_OTHER, "{how}");
    }
}

#[tokio::test]
async fn a_change_is_a_post_of_this_session_from_a_page_of_this_site() {
    let (site, _) = site().await;
    let ann = site.signed_in("ann").await;
    let (desk, other) = (Desk::open(&site, "boss").await, Desk::open(&site, "boss").await);
    let path = format!("/admin/users/{}/ban", ann.user_id());
    let csrf = desk.csrf().await;
    let own = |csrf: &str| format!("csrf={csrf}&reason=spam");
    let before = site.dump().await;
    let foreign = other.csrf().await;
    let cookie = ("cookie", desk.visit.cookie.as_str());
    for (headers, form) in [
        (vec![FORM[0], cookie, ("sec-fetch-site", "cross-site")], own(&csrf)),
        (vec![FORM[0], cookie, ("origin", "https://evil.example")], own(&csrf)),
        (vec![FORM[0], FORM[1], cookie], own("")),
        (vec![FORM[0], FORM[1], cookie], own(&foreign)),
        (vec![FORM[0], FORM[1], cookie], "reason=spam".to_owned()),
    ] {
        let refused = site.send(Method::POST, &path, &headers, form).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{headers:?}");
    }
    // The page only asks.
    assert_eq!(desk.get(&path).await.status, StatusCode::OK);
    assert_eq!(site.dump().await, before);
    assert_eq!(desk.post(&path, "reason=spam").await.status, StatusCode::SEE_OTHER);
    assert_eq!(site.me(&ann).await, None);
}

#[tokio::test]
async fn each_change_does_what_its_page_says_and_is_in_the_trail() {
    let (site, _) = site().await;
    let ann = site.signed_in("ann").await;
    let id = ann.user_id();
    let desk = Desk::open(&site, "boss").await;
    let done = |answer: &Answer, change: &str| {
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{change}: {}", answer.text);
        let location = answer.headers["location"].to_str().unwrap();
        assert!(location.ends_with(&format!("?done={change}")), "{location}");
    };
    let ban = desk.change(id, "ban", "reason=spam+%3Cb%3E&until=2026-03-02T12%3A00").await;
    done(&ban, "ban");
    assert_eq!(site.me(&ann).await, None);
    let page = desk.get(&format!("/admin/users/{id}?done=ban")).await.text;
    for text in ["The user is banned.", "Banned until 2026-03-02 12:00", "spam &lt;b&gt;"] {
        assert!(page.contains(text), "{text}: {page}");
    }
    done(&desk.change(id, "lift-ban", "reason=").await, "lift-ban");
    let ann = site.log_in(&ann).await;
    done(
        &desk.change(id, "end-session", &format!("session={}", ann.session_id())).await,
        "end-session",
    );
    assert_eq!(site.me(&ann).await, None);
    let ann = site.log_in(&ann).await;
    done(&desk.change(id, "end-sessions", "").await, "end-sessions");
    assert_eq!(site.me(&ann).await, None);
    let mails = site.mails_to(&ann.email()).await.len();
    done(&desk.change(id, "send-reset", "").await, "send-reset");
    assert_eq!(site.mails_to(&ann.email()).await.len(), mails + 1);
    done(&desk.change(id, "lift-locks", "").await, "lift-locks");
    done(&desk.change(id, "clear-email-status", "").await, "clear-email-status");
    done(&desk.change(id, "set-role", "role=staff").await, "set-role");
    done(&desk.change(id, "set-role", "role=user").await, "set-role");
    done(&desk.change(id, "expire-password", "").await, "expire-password");
    assert!(!site.is_password(&ann, PASSWORD).await);

    let trail = desk.get(&format!("/admin/users/{id}/trail")).await.text;
    for event in [
        "Password expired",
        "Role changed",
        "Mail goes out again",
        "Locks lifted",
        "Reset mail sent",
        "All sessions ended",
        "Session ended",
        "Ban lifted",
        "Banned",
    ] {
        assert!(trail.contains(event), "{event}: {trail}");
    }
    let acts = desk.get("/admin/acts").await.text;
    assert!(acts.contains("Password expired") && acts.contains(&id.to_string()), "{acts}");
}

#[tokio::test]
async fn the_language_goes_along_with_a_change() {
    let (site, _) = site().await;
    let ann = site.signed_in("ann").await;
    let desk = Desk::open(&site, "boss").await;
    let path = format!("/admin/users/{}", ann.user_id());
    let done = desk.post(&format!("{path}/ban?lang=de"), "reason=").await;
    assert_eq!(done.headers["location"], format!("{path}?done=ban&lang=de").as_str());
    let page = desk.get(done.headers["location"].to_str().unwrap()).await.text;
    assert!(page.contains("Der Benutzer ist gesperrt."), "{page}");
    let found = desk.get("/admin/users?lang=de&q=ann").await;
    assert_eq!(found.headers["location"], format!("{path}?lang=de").as_str());
}

#[tokio::test]
async fn a_page_says_that_staff_have_caused_too_many_mails() {
    let site = Site::with(&[("THROTTLE", "on")]).await;
    site.signed_in_as(Role::Superuser, "boss").await;
    let ann = site.signed_in("ann").await;
    let desk = Desk::open(&site, "boss").await;
    for _ in 0..100 {
        let sent = desk.change(ann.user_id(), "send-reset", "").await;
        assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.text);
    }
    let refused = desk.change(ann.user_id(), "send-reset", "").await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(refused.headers.contains_key("retry-after"));
    assert!(refused.text.contains("You caused too many mails"), "{}", refused.text);
}

#[tokio::test]
async fn a_deletion_wants_the_name_and_after_five_minutes_the_password() {
    let (site, _) = site().await;
    let ann = site.signed_in("ann").await;
    let id = ann.user_id();
    let desk = Desk::open(&site, "boss").await;
    let wrong = desk.change(id, "delete", "name=anna").await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    assert!(wrong.text.contains("That is not the username."), "{}", wrong.text);
    site.advance(MINUTE * 6);
    let page = desk.get(&format!("/admin/users/{id}/delete")).await.text;
    assert!(page.contains("name=\"password\"") && page.contains("all sessions"), "{page}");
    for (password, text) in
        [("", "Please enter your own password."), ("wrong", "That password is wrong.")]
    {
        let refused = desk.change(id, "delete", &format!("name=ann&password={password}")).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST);
        assert!(refused.text.contains(text), "{}", refused.text);
    }
    let form = format!("name=ann&password={}", PASSWORD.replace(' ', "+"));
    let deleted = desk.change(id, "delete", &form).await;
    assert_eq!(deleted.status, StatusCode::SEE_OTHER, "{}", deleted.text);
    let trail = desk.get(deleted.headers["location"].to_str().unwrap()).await.text;
    assert!(trail.contains("The user is deleted for good."), "{trail}");
    assert!(trail.contains("This user was deleted.") && !trail.contains("ann@"), "{trail}");
    assert_eq!(desk.get(&format!("/admin/users/{id}")).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn staff_change_no_staff_and_a_superuser_cannot_ban_their_own_account() {
    let (site, boss) = site().await;
    site.signed_in_as(Role::Staff, "sam").await;
    let sue = site.signed_in_as(Role::Staff, "sue").await;
    let desk = Desk::open(&site, "sam").await;
    for user in [sue.user_id(), boss.user_id()] {
        for change in ["ban", "end-sessions", "expire-password", "delete"] {
            let refused = desk.change(user, change, "name=sue&role=user").await;
            let is_refused = [StatusCode::FORBIDDEN, StatusCode::BAD_REQUEST];
            assert!(is_refused.contains(&refused.status), "{change}: {}", refused.text);
        }
        let page = desk.get(&format!("/admin/users/{user}")).await.text;
        assert!(page.contains("Only a superuser can change this account."), "{page}");
        assert!(!page.contains("/ban\""), "{page}");
    }
    let desk = Desk::open(&site, "boss").await;
    let own = desk.change(boss.user_id(), "ban", "").await;
    assert_eq!(own.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_search_finds_one_user_exactly_or_those_whose_names_begin_so() {
    let (site, _) = site().await;
    let users = site.add_users("user", 60, |_, _| {}).await;
    let desk = Desk::open(&site, "boss").await;
    let user = &users[7];
    for text in [user.email.clone(), user.username.clone(), user.id.to_string()] {
        let found = desk.get(&format!("/admin/users?q={text}")).await;
        assert_eq!(found.headers["location"], format!("/admin/users/{}", user.id).as_str());
    }
    let page = desk.get("/admin/users?q=user000").await.text;
    assert_eq!(page.matches("<th scope=\"row\">").count(), 10, "{page}");
    let none = desk.get("/admin/users?q=%3Cscript%3E").await.text;
    assert!(none.contains("&lt;script&gt;") && !none.contains("<script>"), "{none}");
    // The newest first, page by page, and back.
    let first = desk.get("/admin/users").await.text;
    assert!(first.contains("user0059") && !first.contains("user0030"), "{first}");
    let link = |page: &str, rel: &str| {
        let part = page.split(&format!("rel=\"{rel}\" href=\"")).nth(1)?;
        Some(part.split('"').next()?.replace("&amp;", "&"))
    };
    assert_eq!(link(&first, "prev"), None);
    let second = desk.get(&link(&first, "next").unwrap()).await.text;
    assert!(second.contains("user0030") && !second.contains("user0059"), "{second}");
    let back = desk.get(&link(&second, "prev").unwrap()).await.text;
    assert!(back.contains("user0059"), "{back}");
}

#[tokio::test]
async fn an_invited_user_gets_a_mail_and_a_bad_invitation_says_what_is_wrong() {
    let (site, _) = site().await;
    site.signed_in("ann").await;
    let desk = Desk::open(&site, "boss").await;
    let wrong = desk.post("/admin/invite", "email=ann%40example.com&username=").await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST, "{}", wrong.text);
    assert!(wrong.text.contains("id=\"email-error\""), "{}", wrong.text);
    let invited = desk.post("/admin/invite", "email=new%40example.com&username=").await;
    assert_eq!(invited.status, StatusCode::SEE_OTHER, "{}", invited.text);
    assert_eq!(site.mails_to("new@example.com").await.len(), 1);
}

#[tokio::test]
async fn no_page_of_the_console_shows_a_secret() {
    let (site, boss) = site().await;
    let ann = site.signed_in("ann").await;
    let link = site.reset_link(&ann).await;
    let desk = Desk::open(&site, "boss").await;
    let id = ann.user_id();
    for path in [
        "/admin".to_owned(),
        "/admin/users".to_owned(),
        format!("/admin/users/{id}"),
        format!("/admin/users/{id}/trail"),
        format!("/admin/users/{}", boss.user_id()),
        "/admin/acts".to_owned(),
        "/admin/network?ip=192.0.2.1".to_owned(),
    ] {
        let page = desk.get(&path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        let cookie = desk.visit.cookie.split('=').nth(1).unwrap();
        for secret in ["$argon2", "eyJ", &link, &ann.access, &ann.refresh, cookie] {
            assert!(!page.text.contains(secret), "{secret} on {path}");
        }
    }
}

#[tokio::test]
async fn a_page_of_users_costs_a_read_a_row_and_a_constant_for_each_number_of_users() {
    for users in [500, 20_000] {
        let (site, _) = site().await;
        site.add_users("user", users, |_, _| {}).await;
        let desk = Desk::open(&site, "boss").await;
        let mut path = "/admin/users".to_owned();
        for page in 0..4 {
            site.calls.take();
            site.aws.tally().take();
            let text = desk.get(&path).await.text;
            let calls = site.calls.take();
            // The caller, and whether staff need a second factor; eight parts of the index, seldom twice; the rows in
            // one call.
            assert!(calls.calls <= 2 + 16 + 1, "{users} users, page {page}: {calls:?}");
            let units: f64 = site.aws.tally().take().iter().map(|call| call.read_units).sum();
            let rows = f64::from(u32::try_from(text.matches("<tr>").count()).unwrap());
            assert!(units <= rows + 16.0, "{users} users, page {page}: {units} for {rows} rows");
            let next = text.split("rel=\"next\" href=\"").nth(1).unwrap();
            path = next.split('"').next().unwrap().replace("&amp;", "&");
        }
        site.calls.take();
        desk.get("/admin").await;
        assert!(site.calls.take().calls <= 2 + 49 + 8, "the overview");
    }
}
