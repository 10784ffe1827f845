//! Trusted devices on the pages: the checkbox of the second step, and the list.

use axum::http::{Method, StatusCode};
use journeys::{Answer, FORM, PASSWORD, Site, Visit};

use super::super::{Secured, with_ann};
use super::TRUSTING;

const PAGE: &str = "/account/second-factor";

fn hidden(page: &str, name: &str) -> String {
    let field = format!("name=\"{name}\" value=\"");
    let value = page.split(field.as_str()).nth(1).unwrap_or_else(|| panic!("no {name}: {page}"));
    value.split('"').next().unwrap().to_owned()
}

/// The cookies that an answer sets, for the next request.
fn cookies(answer: &Answer) -> String {
    let set = answer.headers.get_all("set-cookie").iter().map(|set| set.to_str().unwrap());
    let pairs: Vec<_> = set.filter_map(|set| set.split(';').next()).collect();
    pairs.join("; ")
}

async fn post(site: &Site, path: &str, cookies: &str, form: String) -> Answer {
    let headers = [FORM[0], FORM[1], ("cookie", cookies)];
    site.send(Method::POST, path, &headers, form).await
}

fn by_password() -> String {
    format!("name=ann&password={}", PASSWORD.replace(' ', "+"))
}

/// After a wrong code, the checkbox of the form stays checked.
#[tokio::test]
async fn the_checkbox_of_the_second_step_trusts_the_browser_and_the_page_ends_the_trust() {
    let site = Site::with(TRUSTING).await;
    let Secured { phone, .. } = with_ann(&site).await;
    let step = post(&site, "/account/log-in", "", by_password()).await;
    let checkbox = "name=\"trust_device\" value=\"true\"";
    assert!(step.text.contains(&format!("{checkbox}>")), "{}", step.text);
    assert!(step.text.contains("Trust this device until 2026-03-31"), "{}", step.text);
    let challenge = hidden(&step.text, "challenge");
    let form = format!("challenge={challenge}&code=000&trust_device=true");
    let wrong = post(&site, "/account/log-in/code", "", form).await;
    assert!(wrong.text.contains(&format!("{checkbox} checked>")), "{}", wrong.text);
    let code = phone.next(&site);
    let form = format!("challenge={challenge}&code={code}&trust_device=true");
    let opened = post(&site, "/account/log-in/code", "", form).await;
    assert_eq!(opened.status, StatusCode::SEE_OTHER, "{}", opened.text);
    let trusted = cookies(&opened);

    let again = post(&site, "/account/log-in", &trusted, by_password()).await;
    assert_eq!(again.status, StatusCode::SEE_OTHER, "{}", again.text);
    let visit = Visit::with(&site, Visit::cookie(&again).unwrap());
    let page = visit.get(PAGE).await.text;
    for part in ["Trusted devices", "This device", "End the trust in all devices"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let (csrf, id) = (visit.csrf(PAGE).await, hidden(&page, "device"));
    for _ in 0..2 {
        let ended = visit.post(&format!("{PAGE}/end-trust"), &csrf, &format!("device={id}")).await;
        assert_eq!(ended.headers["location"], "/account/second-factor?done=trust-ended");
    }
    let page = visit.get("/account/second-factor?done=trust-ended").await.text;
    assert!(page.contains("The trust in the device has ended."), "{page}");
    assert!(!page.contains("Trusted devices"), "{page}");
    let asked = post(&site, "/account/log-in", &trusted, by_password()).await;
    assert!(asked.text.contains(checkbox), "{}", asked.text);

    let challenge = hidden(&asked.text, "challenge");
    let form = format!("challenge={challenge}&code={}&trust_device=true", phone.next(&site));
    let opened = post(&site, "/account/log-in/code", &trusted, form).await;
    let trusted = cookies(&opened);
    let ended = visit.post(&format!("{PAGE}/end-trusts"), &csrf, "").await;
    assert_eq!(ended.headers["location"], "/account/second-factor?done=trusts-ended");
    let page = visit.get("/account/second-factor?done=trusts-ended").await.text;
    assert!(page.contains("The trust in all devices has ended."), "{page}");
    let asked = post(&site, "/account/log-in", &trusted, by_password()).await;
    assert!(asked.text.contains(checkbox), "{}", asked.text);
    let foreign = visit.post(&format!("{PAGE}/end-trusts"), "x", "").await;
    assert_eq!(foreign.status, StatusCode::FORBIDDEN);
}

/// Without the setting, and in the console, there is no checkbox.
#[tokio::test]
async fn no_checkbox_without_the_setting_or_in_the_console() {
    let site = Site::with(TRUSTING).await;
    with_ann(&site).await;
    let console = post(&site, "/admin/log-in", "", by_password()).await;
    assert_eq!(console.status, StatusCode::OK);
    assert!(!console.text.contains("trust_device"), "{}", console.text);
    let site = site.restarted_with(&[]);
    let step = post(&site, "/account/log-in", "", by_password()).await;
    assert_eq!(step.status, StatusCode::OK);
    assert!(!step.text.contains("trust_device"), "{}", step.text);
}
