//! A new password must not be white space only. A check of a password does not apply that rule.

use accounts::crypto::Hasher;
use accounts::model::PlainPassword;
use axum::http::Method;
use journeys::{Actor, DIALECTS, HasuraApi, PASSWORD, Site, s};
use serde_json::{Value, json};

const BLANK: [&str; 5] = [
    "            ",
    "\t\t\t\t\t\t\t\t\t\t\t\t",
    "\u{a0}\u{a0}\u{a0}\u{a0}\u{a0}\u{a0}\u{a0}\u{a0}\u{a0}\u{a0}\u{a0}\u{a0}",
    "\u{3000}\u{3000}\u{3000}\u{3000}\u{3000}\u{3000}\u{3000}\u{3000}",
    "\u{200b} \u{2060} \u{feff} \u{200b} \u{2060} \u{feff}",
];

/// The code of the password's fault, under the front's own name of the field.
fn code(answer: &Value, names: &[&str]) -> String {
    let fields = [
        &answer["errors"],
        &answer["errors"][0]["extensions"]["fields"],
        &answer["data"]["it"]["errors"],
    ];
    let found = names.iter().flat_map(|name| fields.map(|fields| &fields[*name][0]["code"]));
    let mut codes = found.filter_map(Value::as_str);
    codes.next().unwrap_or_else(|| panic!("{answer}")).to_owned()
}

/// A password that is chosen in each dialect, by an account that has one, is refused.
async fn assert_is_set_nowhere(site: &Site, ann: &Actor, blank: &str) {
    for dialect in DIALECTS {
        let made = dialect.sign_up(site, "eve", "eve@example.com", blank).await;
        let code = made.unwrap_err();
        assert!(["required", "blank"].contains(&code.as_str()), "{dialect:?} {blank:?}: {code}");
    }
    let mut refused = vec![
        site.change_password(ann, PASSWORD, blank, blank).await,
        site.reset_password(&site.reset_link(ann).await, blank, blank).await,
    ];
    let header = ann.authorization();
    let body = json!({ "old_password": PASSWORD, "new_password": blank });
    let sent = site.rest_as(Method::POST, Some(&header), "password/change/", body.clone());
    refused.push(sent.await.json());
    let sent = site.send_json("PUT", "/users/user/change_password/", Some(&header), &body);
    assert_eq!(sent.await.json(), json!({ "new_password": ["This field may not be blank."] }));
    let token = site.reset_link(ann).await;
    let body = json!({ "token": token, "new_password": blank });
    refused.push(site.rest("password/reset/confirm/", body).await.json());
    for answer in refused {
        let names = ["newPassword1", "newPassword2", "new_password"];
        assert_eq!(code(&answer, &names), "required", "{blank:?}: {answer}");
    }
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let body = blank.bytes().map(|byte| format!("%{byte:02x}")).collect::<Vec<_>>().concat();
    let body = format!("password={body}&again={body}");
    let page = site.send(Method::POST, &format!("/password-reset/{token}"), &form, body).await;
    assert_eq!(page.status, 400, "{}", page.text);
    assert!(page.text.contains("This field is required."), "{}", page.text);
    assert!(site.is_password(ann, PASSWORD).await);
}

#[tokio::test]
pub(super) async fn a_password_of_white_space_is_set_nowhere() {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    for blank in BLANK {
        let ann = site.log_in(&ann).await;
        assert_is_set_nowhere(&site, &ann, blank).await;
    }
    assert_eq!(site.items("USERNAME#eve").await, [""; 0]);
}

#[tokio::test]
async fn a_first_password_of_white_space_is_not_set() {
    let site = Site::with(&[("ALLOW_PASSWORDLESS_REGISTRATION", "true")]).await;
    let ann = site.sign_up_without_password("ann").await;
    let link = site.link_token(&ann.email()).await;
    for blank in BLANK {
        let answer = site.set_password(&link, blank, blank).await;
        assert_eq!(answer["errors"]["newPassword1"][0]["code"], "required", "{answer}");
    }
    assert_eq!(site.set_password(&link, PASSWORD, PASSWORD).await["success"], true);
}

/// It was set before that was refused, or by another system.
#[tokio::test]
pub(super) async fn a_password_of_white_space_that_an_account_has_is_right_wherever_it_is_asked_for()
 {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    let (email, blank) = (ann.email(), BLANK[0]);
    let hash = Hasher::default().hash(PlainPassword::new(blank), [7; 16]).await.unwrap();
    let set = || site.set_on_user(&ann, "password", s(hash.expose()));
    set().await;
    for dialect in DIALECTS {
        dialect.log_in(&site, "ann", &email, blank).await.unwrap_or_else(|code| panic!("{code}"));
        let wrong = dialect.log_in(&site, "ann", &email, &format!("{blank} ")).await;
        assert_eq!(wrong, Err("invalid_credentials".to_owned()), "{dialect:?}");
    }
    for api in [HasuraApi::Rest, HasuraApi::Action] {
        site.hasura_log_in(api, &ann, blank).await;
    }

    assert_eq!(site.change_password(&ann, blank, PASSWORD, PASSWORD).await["success"], true);
    let body = json!({ "old_password": blank, "new_password": PASSWORD });
    set().await;
    let here = site.hasura_log_in(HasuraApi::Rest, &ann, blank).await;
    let header = Some(here.authorization());
    let change = "/users/user/change_password/";
    let answer = site.send_json("PUT", change, header.as_deref(), &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    set().await;
    let here = site.hasura_log_in(HasuraApi::Rest, &ann, blank).await;
    let header = Some(here.authorization());
    let answer = site.rest_as(Method::POST, header.as_deref(), "password/change/", body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}
