//! Passkeys on the account pages, as a browser with the script uses them.

use axum::http::{Method, StatusCode};
use jiff::SignedDuration;
use journeys::{Answer, FORM, PASSWORD, Site, Visit};
use serde_json::{Value, json};

use crate::passkeys::browser::Browser;

pub(crate) const MINUTE: SignedDuration = SignedDuration::from_mins(1);
pub(crate) const PAGE: &str = "/account/passkeys";

/// The value of an attribute of a page; `None` if no element has it.
fn attribute(page: &str, name: &str) -> Option<String> {
    let (_, rest) = page.split_once(&format!("{name}=\""))?;
    let value = rest.split('"').next()?;
    Some(value.replace("&quot;", "\"").replace("&#x27;", "'").replace("&amp;", "&"))
}

/// The options that a page has for its script.
pub(crate) fn options(page: &Answer) -> String {
    attribute(&page.text, "data-options").unwrap_or_else(|| panic!("no options: {}", page.text))
}

/// The value of a hidden field of a page.
pub(crate) fn hidden(page: &str, name: &str) -> String {
    attribute(page, &format!("name=\"{name}\" value")).unwrap_or_else(|| panic!("{name}: {page}"))
}

/// The fields of a form, encoded.
pub(crate) fn form(fields: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

pub(crate) fn location(answer: &Answer) -> &str {
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    answer.headers["location"].to_str().unwrap()
}

pub(crate) fn assert_has(page: &str, part: &str) {
    assert!(page.contains(part), "no {part} in {page}");
}

/// The script and nothing else runs, and it asks this site alone.
pub(crate) fn assert_script(page: &Answer) {
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    let expected = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; ";
    assert!(policy.starts_with(expected), "{policy}");
    assert_eq!(page.text.matches("<script").count(), 1, "{}", page.text);
    assert_has(&page.text, "<script src=\"/passkeys.js\"></script>");
}

/// Adds a passkey on the pages. Gives the answer.
pub(crate) async fn add(visit: &Visit<'_>, browser: &mut Browser, name: &str) -> Answer {
    let csrf = visit.csrf(PAGE).await;
    let begun = visit.post("/account/passkeys/begin", &csrf, "").await;
    assert_eq!(begun.status, StatusCode::OK, "{}", begun.text);
    assert_script(&begun);
    let credential = browser.create(&options(&begun)).await;
    let fields = form(&[("credential", &credential), ("name", name)]);
    visit.post("/account/passkeys/add", &csrf, &fields).await
}

/// A user with a passkey, in a session of the pages.
pub(crate) async fn with_passkey<'a>(
    site: &'a Site,
    name: &str,
    browser: &mut Browser,
) -> Visit<'a> {
    let visit = Visit::open(site, "/account", name).await;
    let added = add(&visit, browser, "Phone").await;
    assert_eq!(added.status, StatusCode::OK, "{}", added.text);
    visit
}

/// The answer of an authenticator to the challenge of the form that logs in.
pub(crate) async fn answer(site: &Site, root: &str, browser: &mut Browser) -> String {
    let path = format!("{root}/log-in/passkey-options");
    let asked = site.send(Method::POST, &path, &[FORM[1]], "").await;
    assert_eq!(asked.status, StatusCode::OK, "{}", asked.text);
    assert_eq!(asked.headers["content-type"], "application/json");
    browser.get(&asked.text).await
}

pub(crate) async fn log_in(site: &Site, root: &str, credential: &str) -> Answer {
    let fields = form(&[("credential", credential)]);
    site.send(Method::POST, &format!("{root}/log-in/passkey"), &FORM, fields).await
}

#[tokio::test]
async fn a_user_adds_a_passkey_and_sees_it_in_the_list() {
    let (site, mut browser) = (Site::start().await, Browser::new());
    let ann = site.signed_in("ann").await;
    let visit = Visit::open(&site, "/account", "ann").await;
    assert_has(&visit.get("/account").await.text, PAGE);
    let empty = visit.get(PAGE).await;
    assert_script(&empty);
    // Without the script, the form stays hidden, and the page says what is missing.
    assert_has(&empty.text, "action=\"/account/passkeys/begin\" data-with-passkeys hidden>");
    assert_has(&empty.text, "<p data-without-passkeys>To add a passkey, you need");
    assert_eq!(attribute(&empty.text, "data-accepted-passkeys"), None);

    let added = add(&visit, &mut browser, "Ann's <phone>").await;
    assert_eq!(added.status, StatusCode::OK, "{}", added.text);
    assert_eq!(added.text.matches("<li><code>").count(), 10, "{}", added.text);
    assert_has(&added.text, "href=\"/account/passkeys?done=passkey-added\"");
    let list = visit.get("/account/passkeys?done=passkey-added").await;
    for part in ["The passkey is added.", "Ann&#x27;s &lt;phone&gt;", "end-other-sessions"] {
        assert_has(&list.text, part);
    }
    assert_script(&list);
    let accepted = attribute(&list.text, "data-accepted-passkeys").unwrap();
    let accepted: Value = serde_json::from_str(&accepted).unwrap();
    assert_eq!(accepted["rpId"], "accounts.example");
    assert_eq!(accepted["allAcceptedCredentialIds"].as_array().unwrap().len(), 1);
    let factor = visit.get("/account/second-factor").await.text;
    for part in ["It is on:", "10 of 10 are left.", "Add an authenticator app"] {
        assert_has(&factor, part);
    }
    assert!(!factor.contains("second-factor/remove"), "there is no app to remove: {factor}");

    // A second one: there are recovery codes already.
    let added = add(&visit, &mut Browser::new(), "").await;
    assert_eq!(location(&added), "/account/passkeys?done=passkey-added");
    assert_has(&visit.get(PAGE).await.text, "<bdi>Passkey</bdi>");
    // The same answer again is too old.
    let user = site.accounts.passkeys(&site.caller(&ann).await).await.unwrap();
    assert_eq!(user.passkeys.len(), 2);
}

#[tokio::test]
async fn the_list_changes_names_and_refuses_those_that_are_none() {
    let (site, mut browser) = (Site::start().await, Browser::new());
    site.signed_in("ann").await;
    let visit = with_passkey(&site, "ann", &mut browser).await;
    let csrf = visit.csrf(PAGE).await;
    let id = hidden(&visit.get(PAGE).await.text, "id");
    let rename = async |id: &str, name: &str| {
        visit.post("/account/passkeys/rename", &csrf, &form(&[("id", id), ("name", name)])).await
    };
    assert_eq!(
        location(&rename(&id, " Old phone ").await),
        "/account/passkeys?done=passkey-renamed"
    );
    assert_has(&visit.get(PAGE).await.text, "<bdi>Old phone</bdi>");
    for bad in ["", "  ", "a\u{202e}b", &"x".repeat(101)] {
        let refused = rename(&id, bad).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{bad}");
        assert_has(&refused.text, "Please enter a name of 1 to 100 characters.");
        assert_has(&refused.text, "<title>Error: ");
    }
    assert_eq!(location(&rename("none", "Mine").await), PAGE);

    // A new passkey with a bad name is asked for once more.
    let mut other = Browser::new();
    let begun = visit.post("/account/passkeys/begin", &csrf, "").await;
    let credential = other.create(&options(&begun)).await;
    let fields = form(&[("credential", &credential), ("name", "a\u{7}b")]);
    let again = visit.post("/account/passkeys/add", &csrf, &fields).await;
    assert_eq!(again.status, StatusCode::BAD_REQUEST);
    assert_has(&again.text, "Please enter a name of 1 to 100 characters.");
    assert_ne!(options(&again), options(&begun), "another question");
    // An answer to another challenge is too old, and an answer that makes no sense is refused.
    let credential = Browser::new().create(&options(&again)).await;
    let fields = form(&[("credential", &credential), ("name", "Key")]);
    assert_eq!(
        location(&visit.post("/account/passkeys/add", &csrf, &fields).await),
        "/account/passkeys?done=passkey-added"
    );
    let late = visit.post("/account/passkeys/add", &csrf, &fields).await;
    assert_eq!(late.status, StatusCode::BAD_REQUEST);
    assert_has(&late.text, "Please begin again.");
    let nonsense = visit.post("/account/passkeys/add", &csrf, "credential=%7B%7D").await;
    assert_eq!(nonsense.status, StatusCode::BAD_REQUEST);
    assert_has(&nonsense.text, "The passkey could not be added.");
}

/// C6, C16: a removal needs a proof; the provider of the passkeys learns which are left.
#[tokio::test]
async fn a_removal_asks_for_the_passkey_and_says_that_none_is_left() {
    let (site, mut browser) = (Site::start().await, Browser::new());
    site.signed_in("ann").await;
    let visit = with_passkey(&site, "ann", &mut browser).await;
    let csrf = visit.csrf(PAGE).await;
    let id = hidden(&visit.get(PAGE).await.text, "id");
    site.advance(MINUTE * 6);
    let fields = form(&[("id", &id)]);
    let asked = visit.post("/account/passkeys/remove", &csrf, &fields).await;
    assert_eq!(asked.status, StatusCode::FORBIDDEN);
    assert_script(&asked);
    assert_has(&asked.text, "<h1>Confirm that it is you</h1>");
    assert_eq!(hidden(&asked.text, "id"), id);
    let prove = async |credential: &str| {
        let fields = form(&[("id", &id), ("second_factor_passkey", credential)]);
        visit.post("/account/passkeys/remove", &csrf, &fields).await
    };
    let refused = prove("{}").await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert_has(&refused.text, "That passkey was not accepted.");
    let other = answer(&site, "/account", &mut browser).await;
    let refused = prove(&other).await;
    assert_has(&refused.text, "Please use the passkey again.");
    let credential = browser.get(&options(&refused)).await;
    let removed = prove(&credential).await;
    assert_eq!(removed.status, StatusCode::OK, "{}", removed.text);
    assert_has(&removed.text, "The passkey is removed.");
    let accepted = attribute(&removed.text, "data-accepted-passkeys").unwrap();
    let accepted: Value = serde_json::from_str(&accepted).unwrap();
    assert_eq!(accepted["allAcceptedCredentialIds"], json!([]));
    // The password is enough again. A new session, some minutes old, gives it once more for a new passkey.
    let visit = Visit::open(&site, "/account", "ann").await;
    let csrf = visit.csrf(PAGE).await;
    site.advance(MINUTE * 6);
    assert_has(&visit.get(PAGE).await.text, "type=\"password\"");
    for (password, text) in
        [("", "Please enter your password."), ("wrong", "That password is wrong.")]
    {
        let fields = format!("password={password}");
        let refused = visit.post("/account/passkeys/begin", &csrf, &fields).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST);
        assert_has(&refused.text, text);
    }
    let fields = format!("password={PASSWORD}");
    let begun = visit.post("/account/passkeys/begin", &csrf, &fields).await;
    assert_eq!(begun.status, StatusCode::OK, "{}", begun.text);
}

#[tokio::test]
async fn no_get_and_no_form_of_another_site_changes_a_passkey() {
    let (site, mut browser) = (Site::start().await, Browser::new());
    site.signed_in("ann").await;
    let visit = with_passkey(&site, "ann", &mut browser).await;
    let (csrf, id) = (visit.csrf(PAGE).await, hidden(&visit.get(PAGE).await.text, "id"));
    let before = site.dump().await;
    let cookie = ("cookie", visit.cookie.as_str());
    for path in ["begin", "add", "rename", "remove"].map(|path| format!("{PAGE}/{path}")) {
        assert_eq!(visit.get(&path).await.status, StatusCode::OK, "{path}");
        for (headers, csrf) in [
            (vec![FORM[0], cookie, ("sec-fetch-site", "cross-site")], csrf.as_str()),
            (vec![FORM[0], cookie, ("origin", "https://evil.example")], csrf.as_str()),
            (vec![FORM[0], FORM[1], cookie], ""),
        ] {
            let fields =
                form(&[("csrf", csrf), ("id", &id), ("name", "Evil"), ("credential", "{}")]);
            let refused = site.send(Method::POST, &path, &headers, fields).await;
            assert_eq!(refused.status, StatusCode::FORBIDDEN, "{path} {headers:?}");
        }
    }
    for path in ["passkey", "passkey-options", "passkey-step"] {
        let path = format!("/account/log-in/{path}");
        assert_eq!(site.send(Method::GET, &path, &[], "").await.status, StatusCode::OK, "{path}");
        let headers = [FORM[0], ("sec-fetch-site", "cross-site")];
        let fields = form(&[("credential", "{}"), ("challenge", "x")]);
        let refused = site.send(Method::POST, &path, &headers, fields).await;
        assert!(refused.status.is_client_error() && Visit::cookie(&refused).is_none(), "{path}");
    }
    assert_eq!(site.dump().await, before);
}

#[tokio::test]
async fn a_site_that_cannot_have_passkeys_does_not_offer_them() {
    let site = Site::with(&[("BASE_URL", "https://192.0.2.1")]).await;
    site.signed_in("ann").await;
    let page = site.send(Method::GET, "/account", &[], "").await;
    for part in ["webauthn", "passkey", "<script"] {
        assert!(!page.text.contains(part), "{part} in {}", page.text);
    }
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(!policy.contains("script-src"), "{policy}");
    let visit = Visit::open(&site, "/account", "ann").await;
    for path in ["/account", "/account/second-factor"] {
        assert!(!visit.get(path).await.text.contains("passkey"), "{path}");
    }
    assert_eq!(visit.get(PAGE).await.status, StatusCode::NOT_FOUND);
    let path = "/account/log-in/passkey-options";
    assert_eq!(site.send(Method::POST, path, &FORM, "").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_script_is_one_static_file_of_the_pages() {
    let site = Site::start().await;
    let script = site.send(Method::GET, "/passkeys.js", &[], "").await;
    assert_eq!(script.headers["content-type"], "text/javascript; charset=utf-8");
    assert_eq!(script.headers["cache-control"], "public, max-age=3600");
    assert_has(&script.text, "signalAllAcceptedCredentials");
    assert!(!script.text.contains("signalUnknownCredential"));
    let site = Site::with(&[("PAGES", "off")]).await;
    let answer = site.send(Method::GET, "/passkeys.js", &[], "").await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
}
