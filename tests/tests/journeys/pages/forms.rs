//! Each fault of a form is shown at its field; a body that is no form does no harm.

use axum::http::{Method, StatusCode};
use journeys::{Answer, PASSWORD, Site};

use super::{FORM, OTHER, PASSWORDLESS, assert_error_at, assert_page, get, links, named, post};

const REFUSED: StatusCode = StatusCode::BAD_REQUEST;

#[tokio::test]
async fn a_mismatch_belongs_to_the_second_field_and_all_else_to_the_first() {
    let site = Site::with(&[PASSWORDLESS]).await;
    let [_, reset, set] = links(&site).await;
    for (path, title) in [(reset, "Choose a new password"), (set, "Set your password")] {
        let form = format!("password={OTHER}&again={PASSWORD}");
        let page = post(&site, &path, &form).await;
        assert_page(&page, REFUSED, title);
        assert_error_at(&page.text, "again", "match.");
        for (password, text) in [
            ("1234567", "entirely numeric."),
            ("kdjf84%00jfKKd", "Null characters are not allowed."),
            (&"a".repeat(300), "at most 256 characters"),
        ] {
            let form = format!("password={password}&again={password}");
            let page = post(&site, &path, &form).await;
            assert_page(&page, REFUSED, title);
            assert_error_at(&page.text, "password", text);
            for typed in [password, PASSWORD] {
                let shown = format!("value=\"{typed}");
                assert!(!page.text.contains(&shown), "{}", page.text);
            }
        }
    }
}

#[tokio::test]
async fn a_form_without_a_mistake_says_of_none() {
    let site = Site::with(&[PASSWORDLESS]).await;
    let [activate, reset, set] = links(&site).await;
    for path in [&activate, &reset, &set, "/activate", "/password-reset"] {
        let page = get(&site, path).await.text;
        for part in ["aria-invalid", "autofocus", "role=\"alert\"", "Error: "] {
            assert!(!page.contains(part), "{part} in {page}");
        }
    }
}

#[tokio::test]
async fn what_was_typed_is_shown_again_as_text() {
    let site = Site::start().await;
    let typed = "%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E";
    let page = post(&site, "/password-reset", &format!("email={typed}")).await;
    assert_page(&page, REFUSED, "Forgot your password?");
    assert_error_at(&page.text, "email", "Enter a valid email address.");
    assert!(page.text.contains("value=\"&quot;&gt;&lt;script"), "{}", page.text);
    let page = post(&site, "/activate", &format!("email={typed}&code=123456")).await;
    assert_page(&page, REFUSED, "Enter your code");
    assert_error_at(&page.text, "code", "That code is wrong");
}

/// Every body is refused with a whole page, and changes nothing.
async fn assert_harmless(site: &Site, path: &str, kind: &str, body: Vec<u8>) -> Answer {
    let shown = String::from_utf8_lossy(&body[..body.len().min(40)]).into_owned();
    let answer = site.send(Method::POST, path, &[("content-type", kind)], body).await;
    assert_eq!(answer.status, REFUSED, "{path} {kind} {shown}");
    assert!(answer.text.contains("<h1>") && answer.text.ends_with("</html>"), "{}", answer.text);
    assert!(answer.headers.contains_key("content-security-policy"));
    answer
}

#[tokio::test]
async fn an_entry_that_is_missing_is_named_at_its_field() {
    let site = Site::with(&[PASSWORDLESS]).await;
    let [_, reset, set] = links(&site).await;
    for path in [reset, set] {
        for (form, field) in [
            (format!("password={OTHER}&again="), "again"),
            (format!("password=&again={OTHER}"), "password"),
        ] {
            let page = post(&site, &path, &form).await;
            assert_eq!(page.status, REFUSED, "{form}");
            assert_error_at(&page.text, field, "This field is required.");
            assert!(!page.text.contains("match."), "{form}: {}", page.text);
        }
        let page = post(&site, &path, "password=&again=").await;
        assert_eq!(page.text.matches("This field is required.").count(), 2, "{}", page.text);
    }
}

#[tokio::test]
async fn a_form_that_is_not_text_counts_as_an_empty_one() {
    let site = Site::start().await;
    for path in ["/activate", "/password-reset"] {
        let empty = post(&site, path, "").await;
        for value in ["%FF", "a%EF%BF%BD"] {
            let form = format!("email={value}%40example.com&code=123456");
            let page = post(&site, path, &form).await;
            assert_eq!((page.status, page.text), (empty.status, empty.text.clone()), "{form}");
        }
    }
}

#[tokio::test]
async fn odd_bodies_change_nothing() {
    let site = Site::with(&[PASSWORDLESS]).await;
    let [_, reset, set] = links(&site).await;
    let before = site.dump().await;
    for path in [&reset, &set, "/activate", "/password-reset"] {
        for body in [
            b"".to_vec(),
            b"email".to_vec(),
            b"password=%FF%FE%FFabcdefgh&again=%FF%FE%FFabcdefgh&email=%FF&code=%FF".to_vec(),
            b"password=\xFF\xFEabcdefgh&again=\xFF\xFEabcdefgh&email=\xFF&code=\xFF".to_vec(),
            b"\0\0\0".to_vec(),
            b"email=a%00b%40example.com&code=%00&password=%00&again=%00".to_vec(),
            b"email=a&email=b&code=1&code=2&password=a&password=b&again=a".to_vec(),
            [b"password=".to_vec(), vec![b'a'; 3 * 1024 * 1024]].concat(),
            [b"email=".to_vec(), vec![b'a'; 15 * 1024]].concat(),
            b"again[]=1&password[]=1&email[]=1&code[]=1".to_vec(),
        ] {
            assert_harmless(&site, path, FORM.1, body).await;
        }
        let json =
            b"{\"password\":\"zmxn73hhQQp\",\"again\":\"zmxn73hhQQp\",\"email\":\"a@b.example\"}";
        for kind in ["application/json", "multipart/form-data; boundary=x", "text/plain", "\u{7}"] {
            if kind != "\u{7}" {
                assert_harmless(&site, path, kind, json.to_vec()).await;
            }
        }
    }
    assert_eq!(site.dump().await, before);
    assert!(site.is_password(&named("bob"), PASSWORD).await);
}

#[tokio::test]
async fn a_form_of_more_than_16_kib_is_refused_whatever_is_in_it() {
    let site = Site::with(&[PASSWORDLESS]).await;
    let [_, reset, _] = links(&site).await;
    let form = |padding| format!("password={OTHER}&again={OTHER}&more={}", "a".repeat(padding));
    let before = site.dump().await;
    assert_harmless(&site, &reset, FORM.1, form(16 * 1024).into()).await;
    assert_eq!(site.dump().await, before);
    assert_eq!(post(&site, &reset, &form(15 * 1024)).await.status, StatusCode::OK);
}
