use accounts::model::Client;
use std::future::Future;

use accounts::AuthError;
use axum::http::{Method, StatusCode};
use embedded::{Fault, Gate, Times};
use jiff::SignedDuration;
use journeys::{Actor, Answer, Site, error, failure, failure_code, s};
use serde_json::{Value, json};

const INVALID: &str = "This link is not valid";
const TOO_OLD: &str = "This link is too old";
const ACTIVE: &str = "Your address is confirmed";
const ACTIVE_ALREADY: &str = "Your address was confirmed before";
const WRONG_CODE: &str = "That code is wrong, used or too old.";

/// A site with a user who has a link and a code, and has used neither.
async fn ann_has_mail() -> (Site, Actor, String) {
    let site = Site::start().await;
    let ann = site.sign_up("ann").await;
    let token = site.link_token(&ann.email()).await;
    (site, ann, token)
}

async fn is_verified(site: &Site, user: &Actor) -> bool {
    let header = user.authorization();
    let answer = site.graphql_as(Some(&header), "{ me { verified } }", Value::Null).await;
    answer.json()["data"]["me"]["verified"].as_bool().unwrap()
}

async fn open_link(site: &Site, method: Method, token: &str) -> Answer {
    let path = format!("/activate/{token}");
    if method == Method::POST {
        site.submit(&path, &[], "").await
    } else {
        site.send(method, &path, &[], "").await
    }
}

async fn enter_code(site: &Site, email: &str, code: &str) -> Answer {
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let encoded = email.replace('@', "%40").replace('<', "%3C").replace('"', "%22");
    site.submit("/activate", &form, format!("email={encoded}&code={code}")).await
}

/// The digits that are one off.
fn wrong(code: &str) -> String {
    format!("{:06}", (code.parse::<u32>().unwrap() + 1) % 1_000_000)
}

fn assert_page(answer: &Answer, status: StatusCode, text: &str) {
    assert_eq!(answer.status, status, "{}", answer.text);
    assert!(answer.text.contains(text), "{}", answer.text);
    let header = |name| answer.headers.get(name).map(|value| value.to_str().unwrap());
    assert!(header("content-type").unwrap().starts_with("text/html"));
    let policy = header("content-security-policy").unwrap();
    assert!(policy.contains("default-src 'none'"), "{policy}");
    assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
    assert_eq!(header("referrer-policy"), Some("no-referrer"));
    assert_eq!(header("x-content-type-options"), Some("nosniff"));
    assert_eq!(header("cache-control"), Some("no-store"));
}

#[tokio::test]
async fn looking_at_a_link_changes_nothing_and_pressing_its_button_verifies() {
    let (site, ann, token) = ann_has_mail().await;
    let before = site.dump().await;
    for _ in 0..3 {
        assert_page(&open_link(&site, Method::GET, &token).await, StatusCode::OK, "<button>");
        let head = open_link(&site, Method::HEAD, &token).await;
        assert_eq!((head.status, head.text.as_str()), (StatusCode::OK, ""));
    }
    assert_eq!(site.dump().await, before);
    assert_page(&open_link(&site, Method::POST, &token).await, StatusCode::OK, ACTIVE);
    assert!(is_verified(&site, &ann).await);
}

#[tokio::test]
async fn pressing_the_button_again_says_that_the_account_was_active() {
    let (site, _, token) = ann_has_mail().await;
    open_link(&site, Method::POST, &token).await;
    let again = open_link(&site, Method::POST, &token).await;
    assert_page(&again, StatusCode::OK, ACTIVE_ALREADY);
}

#[tokio::test]
async fn a_link_that_is_none_of_ours_is_refused() {
    let (site, ann, token) = ann_has_mail().await;
    for other in ["garbage", "a.b.c", "%E2%82%AC", &token[1..], &ann.access, &ann.refresh] {
        let answer = open_link(&site, Method::POST, other).await;
        assert_page(&answer, StatusCode::BAD_REQUEST, INVALID);
    }
    assert!(!is_verified(&site, &ann).await);
}

#[tokio::test]
async fn a_link_path_that_is_not_text_is_refused() {
    let (site, ..) = ann_has_mail().await;
    let answer = open_link(&site, Method::POST, "%FF%FE").await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn the_button_says_that_an_old_link_is_too_old() {
    let (site, ann, token) = ann_has_mail().await;
    site.advance(SignedDuration::from_hours(7 * 24));
    assert_page(&open_link(&site, Method::POST, &token).await, StatusCode::GONE, TOO_OLD);
    let password = json!({ "username": ann.name, "password": journeys::PASSWORD });
    assert_eq!(failure_code(&site.token_auth(password).await), "not_verified");
}

#[tokio::test]
async fn a_link_works_once_through_the_api() {
    let (site, ann, token) = ann_has_mail().await;
    let done = json!({ "success": true, "errors": null });
    assert_eq!(site.verify_account(&token).await, done);
    assert!(is_verified(&site, &ann).await);
    let errors = failure("already_verified", "Account already verified.");
    assert_eq!(site.verify_account(&token).await, json!({ "success": false, "errors": errors }));
}

#[tokio::test]
async fn the_api_refuses_what_is_no_link_token() {
    let (site, ann, token) = ann_has_mail().await;
    let errors = json!({ "nonFieldErrors": [error("invalid_token", "Invalid token.")] });
    let refused = json!({ "success": false, "errors": errors });
    let unsigned = token.rsplit_once('.').unwrap().0;
    for other in ["", "garbage", " ", "..", unsigned, &ann.access, &ann.refresh] {
        assert_eq!(site.verify_account(other).await, refused, "{other:?}");
    }
    assert!(!is_verified(&site, &ann).await);
}

#[tokio::test]
async fn a_link_token_with_any_one_character_changed_is_refused() {
    let (site, _, token) = ann_has_mail().await;
    for at in 0..token.len() {
        let mut tampered = token.clone();
        let other = if token.as_bytes()[at] == b'A' { "B" } else { "A" };
        tampered.replace_range(at..=at, other);
        let outcome = site.accounts.verify_account(&tampered).await;
        assert_eq!(outcome.map_err(|error| error.code()), Err("invalid_token"), "at {at}");
    }
    assert_eq!(site.verify_account(&token).await["success"], true);
}

#[tokio::test]
async fn the_link_of_an_older_mail_says_that_the_account_is_verified() {
    let (site, ann, first) = ann_has_mail().await;
    let mut mail = site.item("MAIL#", "MAIL").await;
    let id = "01890a5d-ac96-774b-bcce-b302099a8057";
    mail.extend([
        ("pk".to_owned(), s(format!("MAIL#{id}"))),
        ("id".to_owned(), s(id)),
        ("state".to_owned(), s("due")),
        ("lease_until".to_owned(), journeys::n(0)),
    ]);
    site.put(mail).await;
    let second = site.link_token(&ann.email()).await;
    assert_ne!(first, second);
    assert_eq!(site.verify_account(&second).await["success"], true);
    assert_eq!(failure_code(&site.verify_account(&first).await), "already_verified");
}

#[tokio::test]
async fn the_right_code_verifies_once() {
    let (site, ann, _) = ann_has_mail().await;
    let code = site.code(&ann.email()).await;
    let page = site.send(Method::GET, "/activate", &[], "").await;
    assert_page(&page, StatusCode::OK, "Enter your code");
    let spaced = format!("+{code}+");
    let answer = enter_code(&site, "ANN@example.com", &spaced).await;
    assert_page(&answer, StatusCode::OK, ACTIVE);
    assert!(is_verified(&site, &ann).await);
    let again = enter_code(&site, &ann.email(), &code).await;
    assert_page(&again, StatusCode::BAD_REQUEST, WRONG_CODE);
}

#[tokio::test]
async fn a_code_is_taken_as_people_copy_and_type_it() {
    for (at, to) in
        [(3, "-"), (3, "%20"), (0, "%E2%81%A6"), (6, "%E2%81%A9"), (6, "%E2%80%8B%C2%A0")]
    {
        let (site, ann, _) = ann_has_mail().await;
        let mut code = site.code(&ann.email()).await;
        code.insert_str(at, to);
        assert_page(&enter_code(&site, &ann.email(), &code).await, StatusCode::OK, ACTIVE);
    }
    for zero in ['۰', '٠', '०', '０'] {
        let (site, ann, _) = ann_has_mail().await;
        let code = site.code(&ann.email()).await;
        let digit = |c: char| char::from_u32(u32::from(zero) + c.to_digit(10).unwrap()).unwrap();
        let otp = code.chars().map(digit).collect::<String>();
        let body = json!({ "email": ann.email(), "otp": otp }).to_string();
        let headers = [("content-type", "application/json")];
        let answer = site.send(Method::POST, "/api/accounts/verify-email/", &headers, body).await;
        assert_eq!(answer.status, StatusCode::OK, "{otp}: {}", answer.text);
    }
}

#[tokio::test]
async fn a_text_that_can_be_no_code_is_no_try() {
    let (site, ann, _) = ann_has_mail().await;
    let code = site.code(&ann.email()).await;
    for slip in ["", "12345", "1234567", "12345a", "%D9%A1", "l23456", "12345.6"] {
        let answer = enter_code(&site, &ann.email(), slip).await;
        assert_page(&answer, StatusCode::BAD_REQUEST, WRONG_CODE);
    }
    assert_page(&enter_code(&site, &ann.email(), &code).await, StatusCode::OK, ACTIVE);
}

#[tokio::test]
async fn a_link_works_with_what_was_copied_along_with_it() {
    for (before, after) in
        [("", "."), ("", "%20"), ("%E2%81%A6", "%E2%81%A9"), ("", "%E2%80%8B/"), ("%3C", "%3E.")]
    {
        let (site, _, token) = ann_has_mail().await;
        let path = format!("/activate/{before}{token}{after}");
        let page = site.send(Method::GET, &path, &[], "").await;
        assert_page(&page, StatusCode::OK, "Confirm your address");
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        let page = site.submit(&path, &headers, "").await;
        assert_page(&page, StatusCode::OK, ACTIVE);
    }
    for (before, after) in [(" ", ". "), ("", "%20"), ("\u{2066}", "\u{2069}"), ("<", ">")] {
        let (site, _, token) = ann_has_mail().await;
        let token = format!("{before}{token}{after}");
        assert_eq!(site.verify_account(&token).await["success"], true, "{token}");
        assert_eq!(failure_code(&site.verify_account(&token).await), "already_verified");
    }
}

#[tokio::test]
async fn a_wrong_code_is_refused_as_one_for_an_unknown_address_is() {
    let (site, ann, _) = ann_has_mail().await;
    let code = site.code(&ann.email()).await;
    for code in [&wrong(&code), "", "12345", "1234567", "abcdef", "%D9%A1%D9%A2"] {
        let known = enter_code(&site, &ann.email(), code).await;
        assert_page(&known, StatusCode::BAD_REQUEST, WRONG_CODE);
        let unknown = enter_code(&site, "eve@example.com", code).await;
        assert_eq!(unknown.text.replace("eve@", "ann@"), known.text);
    }
    assert!(!is_verified(&site, &ann).await);
}

#[tokio::test]
async fn after_five_wrong_tries_the_right_code_is_refused_and_the_link_still_works() {
    let (site, ann, token) = ann_has_mail().await;
    let code = site.code(&ann.email()).await;
    for _ in 0..5 {
        enter_code(&site, &ann.email(), &wrong(&code)).await;
    }
    let answer = enter_code(&site, &ann.email(), &code).await;
    assert_page(&answer, StatusCode::BAD_REQUEST, WRONG_CODE);
    assert_eq!(site.verify_account(&token).await["success"], true);
}

#[tokio::test]
async fn a_code_has_five_tries_the_right_one_included() {
    let (site, ann, _) = ann_has_mail().await;
    let code = site.code(&ann.email()).await;
    for _ in 0..4 {
        enter_code(&site, &ann.email(), &wrong(&code)).await;
    }
    assert_page(&enter_code(&site, &ann.email(), &code).await, StatusCode::OK, ACTIVE);
}

#[tokio::test]
async fn a_code_lives_for_ten_minutes() {
    let (site, ann, _) = ann_has_mail().await;
    let code = site.code(&ann.email()).await;
    site.advance(SignedDuration::from_secs(600));
    let answer = enter_code(&site, &ann.email(), &code).await;
    assert_page(&answer, StatusCode::BAD_REQUEST, WRONG_CODE);

    let (site, ann, _) = ann_has_mail().await;
    let code = site.code(&ann.email()).await;
    site.advance(SignedDuration::from_secs(599));
    assert_page(&enter_code(&site, &ann.email(), &code).await, StatusCode::OK, ACTIVE);
}

#[tokio::test]
async fn a_code_proves_no_other_address() {
    let (site, ann, _) = ann_has_mail().await;
    let bob = site.sign_up("bob").await;
    let code = site.code(&bob.email()).await;
    let answer = enter_code(&site, &ann.email(), &code).await;
    assert_page(&answer, StatusCode::BAD_REQUEST, WRONG_CODE);
    assert!(!is_verified(&site, &ann).await && !is_verified(&site, &bob).await);
}

#[tokio::test]
async fn the_code_page_shows_what_was_typed_as_text() {
    let (site, ..) = ann_has_mail().await;
    let answer = enter_code(&site, "\"><script>", "123456").await;
    assert_page(&answer, StatusCode::BAD_REQUEST, WRONG_CODE);
    assert!(!answer.text.contains("<script"), "{}", answer.text);
}

#[tokio::test]
async fn a_form_without_its_fields_is_refused() {
    let (site, ..) = ann_has_mail().await;
    for (kind, body) in [
        ("application/x-www-form-urlencoded", "email=ann%40example.com"),
        ("application/x-www-form-urlencoded", ""),
        ("application/json", "{\"email\":\"ann@example.com\",\"code\":\"123456\"}"),
    ] {
        let headers = [("content-type", kind)];
        let answer = site.send(Method::POST, "/activate", &headers, body).await;
        assert_page(&answer, StatusCode::BAD_REQUEST, "Please enter your address and the code");
    }
}

/// A change of the account before, or while, its code and its link are used.
async fn closed(site: &Site, ann: &Actor, by: &str) {
    match by {
        "a ban" => assert!(site.store.set_active(ann.user_id(), false).await.unwrap()),
        _ => site.set_on_user(ann, "ends_at", journeys::n(0)).await,
    }
}

async fn code_of(answer: impl Future<Output = Result<(), AuthError>>) -> Result<(), &'static str> {
    answer.await.map_err(|error| error.code())
}

#[tokio::test]
async fn the_right_code_of_an_account_that_was_closed_is_wrong_and_not_one_that_was_used() {
    for by in ["a ban", "its end"] {
        let (site, ann, token) = ann_has_mail().await;
        let code = site.code(&ann.email()).await;
        closed(&site, &ann, by).await;
        let client = Client::default();
        let by_code = site.accounts.verify_account_by_code("ann@example.com", &code, &client);
        assert_eq!(code_of(by_code).await, Err("invalid_otp"), "{by}");
        assert_page(
            &enter_code(&site, &ann.email(), &code).await,
            StatusCode::BAD_REQUEST,
            WRONG_CODE,
        );
        let by_link = site.accounts.verify_account(&token);
        assert_eq!(code_of(by_link).await, Err("invalid_token"), "{by}");
    }
}

#[tokio::test]
async fn an_account_that_is_closed_while_it_is_proven_is_not_called_proven() {
    for by in ["a ban", "its end"] {
        for is_by_code in [true, false] {
            let (site, ann, token) = ann_has_mail().await;
            let code = site.code(&ann.email()).await;
            let gate = Gate::new();
            site.aws.faults().fail("TransactWriteItems", Times::N(1), Fault::Held(gate.clone()));
            let meanwhile = async {
                gate.arrived(1).await;
                closed(&site, &ann, by).await;
                gate.open();
            };
            if is_by_code {
                let client = Client::default();
                let email = "ann@example.com";
                let proof = site.accounts.verify_account_by_code(email, &code, &client);
                let (answer, ()) = tokio::join!(code_of(proof), meanwhile);
                assert_eq!(answer, Err("invalid_otp"), "{by}");
            } else {
                let proof = site.accounts.verify_account(&token);
                let (answer, ()) = tokio::join!(code_of(proof), meanwhile);
                assert_eq!(answer, Err("invalid_token"), "{by}");
            }
        }
    }
}
