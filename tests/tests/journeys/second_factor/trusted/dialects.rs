//! Trusted devices in each dialect.

use axum::http::Method;
use jiff::SignedDuration;
use journeys::{Actor, Answer, DIALECTS, Dialect, PASSWORD, Site};
use serde_json::{Value, json};

use super::super::{Secured, done, proof, refusal, with_ann};
use super::{DAY, SECOND, TRUSTING};

const ANN: &str = "ann@example.com";

/// A request of a log-in, as each dialect has it.
fn request(dialect: Dialect, step: &str, values: &Value) -> (&'static str, Value) {
    let document = match (dialect, step) {
        (Dialect::Rest, "password") => return ("/api/accounts/login/", values.clone()),
        (Dialect::Rest, "mail") => return ("/api/accounts/login/email/confirm/", values.clone()),
        (Dialect::Rest, _) => return ("/api/accounts/login/second-factor/", values.clone()),
        (Dialect::Hasura, "password") => {
            "query($username: String, $password: String) {
            it: user_login(arg: {username: $username, password: $password}) { access refresh } }"
        }
        (Dialect::Hasura, "mail") => {
            "mutation($login_id: String, $code: String) {
            it: user_login_by_email(arg: {login_id: $login_id, code: $code}) { access refresh } }"
        }
        (Dialect::Hasura, _) => {
            "mutation($challenge: String, $code: String, $trust_device: Boolean) {
            it: user_complete_login(arg: {challenge: $challenge, code: $code,
                trust_device: $trust_device}) { access refresh } }"
        }
        (Dialect::Django, "password") => {
            "mutation($username: String!, $password: String!) {
            it: tokenAuth(username: $username, password: $password) { success errors token } }"
        }
        (Dialect::Django, "mail") => {
            "mutation($login_id: String!, $code: String!) {
            it: loginByEmail(loginId: $login_id, code: $code) { success errors token } }"
        }
        (Dialect::Django, _) => {
            "mutation($challenge: String!, $code: String!, $trust_device: Boolean) {
            it: completeLogin(challenge: $challenge, code: $code, trustDevice: $trust_device) {
                success errors token } }"
        }
        (Dialect::Plain, "password") => {
            "mutation($username: String!, $password: String!) {
            it: tokenAuth(username: $username, password: $password) { token } }"
        }
        (Dialect::Plain, "mail") => {
            "mutation($login_id: String!, $code: String!) {
            it: loginByEmail(loginId: $login_id, code: $code) { token } }"
        }
        (Dialect::Plain, _) => {
            "mutation($challenge: String!, $code: String!, $trust_device: Boolean) {
            it: completeLogin(challenge: $challenge, code: $code, trustDevice: $trust_device) {
                token } }"
        }
    };
    ("/graphql", json!({ "query": document, "variables": values }))
}

async fn ask(
    site: &Site,
    dialect: Dialect,
    step: &str,
    values: Value,
    device: Option<&str>,
) -> Answer {
    let (path, body) = request(dialect, step, &values);
    let mut headers = vec![("content-type", "application/json")];
    headers.extend(device.map(|device| ("x-device", device)));
    site.send(Method::POST, path, &headers, body.to_string()).await
}

async fn by_password(site: &Site, dialect: Dialect, device: Option<&str>) -> Answer {
    let values = match dialect {
        Dialect::Rest => json!({ "email": ANN, "password": PASSWORD }),
        Dialect::Django | Dialect::Hasura | Dialect::Plain => {
            json!({ "username": "ann", "password": PASSWORD })
        }
    };
    ask(site, dialect, "password", values, device).await
}

fn found(answer: &Answer, paths: &[&str]) -> Option<String> {
    let json = answer.json();
    paths.iter().find_map(|path| json.pointer(path)?.as_str().map(str::to_owned))
}

/// The access token of a log-in, if it is one.
fn access(answer: &Answer) -> Option<String> {
    found(answer, &["/data/it/token", "/data/it/access", "/access"])
}

fn challenge(answer: &Answer) -> String {
    assert_eq!(access(answer), None, "{}", answer.text);
    let paths = [
        "/data/it/errors/nonFieldErrors/0/challenge",
        "/errors/0/extensions/challenge",
        "/challenge",
    ];
    found(answer, &paths).unwrap_or_else(|| panic!("{}", answer.text))
}

fn device(answer: &Answer) -> String {
    answer.headers["x-device"].to_str().unwrap().to_owned()
}

/// The whole journey: trust, log in by the password and by a mail, the end.
#[tokio::test]
async fn each_dialect_trusts_a_device_until_the_end() {
    for dialect in DIALECTS {
        let site = Site::with(TRUSTING).await;
        let Secured { phone, .. } = with_ann(&site).await;
        // Without the flag, the device is known, but not trusted.
        let step = challenge(&by_password(&site, dialect, None).await);
        let values = json!({ "challenge": step, "code": phone.next(&site) });
        let opened = ask(&site, dialect, "complete", values, None).await;
        let known = device(&opened);
        let step = challenge(&by_password(&site, dialect, Some(&known)).await);
        let values = json!({ "challenge": step, "code": phone.next(&site), "trust_device": true });
        let opened = ask(&site, dialect, "complete", values, Some(&known)).await;
        let token = access(&opened).unwrap_or_else(|| panic!("{dialect:?} {}", opened.text));
        assert_eq!(proof(&token).1, "aal2", "{dialect:?}");
        let trusted = device(&opened);
        challenge(&by_password(&site, dialect, Some(&known)).await);
        challenge(&by_password(&site, dialect, None).await);

        let later = by_password(&site, dialect, Some(&trusted)).await;
        let token = access(&later).unwrap_or_else(|| panic!("{dialect:?} {}", later.text));
        assert_eq!((proof(&token).0, proof(&token).1), (json!(["pwd"]), json!("aal1")));
        let trusted = device(&later);
        let id = dialect.request_log_in_mail(&site, ANN).await.unwrap();
        let values = json!({ "login_id": id, "code": site.code(ANN).await });
        let by_mail = ask(&site, dialect, "mail", values.clone(), Some(&trusted)).await;
        let token = access(&by_mail).unwrap_or_else(|| panic!("{dialect:?} {}", by_mail.text));
        assert_eq!((proof(&token).0, proof(&token).1), (json!(["email"]), json!("aal1")));
        let again = ask(&site, dialect, "mail", values, Some(&trusted)).await;
        assert_eq!(access(&again), None, "the request is used up: {}", again.text);

        site.advance(DAY * 30 - SignedDuration::from_mins(1));
        assert!(access(&by_password(&site, dialect, Some(&trusted)).await).is_some());
        site.advance(SignedDuration::from_mins(1) + SECOND);
        challenge(&by_password(&site, dialect, Some(&trusted)).await);
    }
}

/// Each dialect refuses a value that is not a flag, in its own words, before the code is used up.
#[tokio::test]
async fn a_wish_that_is_neither_true_nor_false_is_refused() {
    let site = Site::with(TRUSTING).await;
    let Secured { phone, .. } = with_ann(&site).await;
    let step = challenge(&by_password(&site, Dialect::Rest, None).await);
    let code = phone.next(&site);
    for odd in [json!("perhaps"), json!(2), json!(null), json!([])] {
        let values = json!({ "challenge": step, "code": code, "trust_device": odd });
        let refused = ask(&site, Dialect::Rest, "complete", values, None).await;
        assert_eq!(refused.status, 400, "{odd}");
        assert!(refused.text.contains("Must be a valid boolean."), "{}", refused.text);
    }
    let arg = json!({ "challenge": step, "code": code, "trust_device": "yes" });
    for api in [journeys::HasuraApi::Rest, journeys::HasuraApi::Action] {
        let refused = site.hasura(api, "user_complete_login", arg.clone()).await;
        assert_eq!(refused.status, 400, "{refused:?}");
        assert!(refused.body.to_string().contains("Must be a valid boolean."), "{refused:?}");
    }
    // A form of HTML has texts.
    let form = format!("challenge={step}&code={code}&trust_device=on");
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let path = "/api/accounts/login/second-factor/";
    let opened = site.send(Method::POST, path, &headers, form).await;
    assert_eq!(opened.status, 200, "{}", opened.text);
    let trusted = device(&opened);
    assert!(access(&by_password(&site, Dialect::Rest, Some(&trusted)).await).is_some());
}

/// The list and its ends, by GraphQL and by REST.
#[tokio::test]
async fn trusted_devices_are_listed_and_ended_by_graphql_and_by_rest() {
    let site = Site::with(TRUSTING).await;
    let Secured { phone, .. } = with_ann(&site).await;
    let mut sessions = Vec::new();
    for _ in 0..3 {
        let step = challenge(&by_password(&site, Dialect::Rest, None).await);
        let values = json!({ "challenge": step, "code": phone.next(&site), "trust_device": true });
        let opened = ask(&site, Dialect::Rest, "complete", values, None).await;
        sessions.push((opened.json()["access"].as_str().unwrap().to_owned(), device(&opened)));
    }
    let ann = Actor { access: sessions[2].0.clone(), ..Actor::default() };
    let document = "{ trustedDevices {
        id createdAt lastUsedAt endsAt ipAddress userAgent current } }";
    let listed = site.ask(&ann, document, Value::Null).await.json();
    let listed = listed["data"]["trustedDevices"].as_array().unwrap().clone();
    let current: Vec<_> = listed.iter().map(|device| device["current"].clone()).collect();
    assert_eq!(current, [json!(true), json!(false), json!(false)], "newest first");
    let call = format!("endTrustedDevice(id: {})", listed[2]["id"]);
    done(&site, &ann, &call, "").await;
    assert_eq!(refusal(&site, &ann, &call).await, "not_found");
    challenge(&by_password(&site, Dialect::Rest, Some(&sessions[0].1)).await);

    let header = format!("Bearer {}", ann.access);
    let headers = [("authorization", header.as_str()), ("content-type", "application/json")];
    let path = "/api/accounts/trusted-devices/";
    let rest = site.send(Method::GET, path, &headers, "").await.json();
    let of_rest = rest["trusted_devices"].as_array().unwrap();
    assert_eq!(of_rest.len(), 2, "{rest}");
    for (one, other) in of_rest.iter().zip(&listed) {
        assert_eq!((&one["id"], &one["current"]), (&other["id"], &other["current"]));
    }
    let end = async |id: &Value| {
        let body = json!({ "id": id }).to_string();
        site.send(Method::POST, &format!("{path}end/"), &headers, body).await.status
    };
    assert_eq!(end(&of_rest[1]["id"]).await, 204);
    assert_eq!(end(&of_rest[1]["id"]).await, 404);
    challenge(&by_password(&site, Dialect::Rest, Some(&sessions[1].1)).await);
    let all = site.send(Method::POST, &format!("{path}end-all/"), &headers, "").await;
    assert_eq!(all.status, 204, "{}", all.text);
    challenge(&by_password(&site, Dialect::Rest, Some(&sessions[2].1)).await);
    let anonymous = site.send(Method::GET, path, &[], "").await;
    assert_eq!(anonymous.status, 401);

    // The list of sessions shows the sessions that proved no second factor.
    let step = challenge(&by_password(&site, Dialect::Rest, None).await);
    let values = json!({ "challenge": step, "code": phone.next(&site), "trust_device": true });
    let opened = ask(&site, Dialect::Rest, "complete", values, None).await;
    site.advance(SECOND);
    by_password(&site, Dialect::Rest, Some(&device(&opened))).await;
    let document = "{ sessions { byTrustedDevice } }";
    let sessions = site.ask(&ann, document, Value::Null).await.json();
    let by: Vec<_> = sessions["data"]["sessions"].as_array().unwrap().iter().take(2).collect();
    assert_eq!(by, [&json!({ "byTrustedDevice": true }), &json!({ "byTrustedDevice": false })]);
    done(&site, &ann, "endTrustedDevices", "").await;
}
