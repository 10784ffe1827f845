use journeys::emulator::API_URL;
use serde_json::{Value, json};

use crate::deployment::Deployment;
use crate::events::stream_batch;

fn text<'a>(answer: &'a Value, name: &str) -> &'a str {
    answer[name].as_str().unwrap_or_else(|| panic!("no {name} in {answer}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_function_says_that_it_is_there() {
    let deployment = Deployment::start().await;
    let answer = deployment.api("health", &[]).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.body, json!({ "status": "ok" }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registration_returns_all_errors_at_once() {
    let deployment = Deployment::start().await;
    let answer = deployment.api("register-invalid", &[]).await;
    let register = answer.data("register");
    assert_eq!(register["success"], false);
    let codes = |field: &str| -> Vec<&str> {
        let errors = register["errors"][field].as_array().into_iter().flatten();
        errors.map(|error| text(error, "code")).collect()
    };
    assert_eq!(codes("email"), ["invalid"]);
    assert_eq!(codes("username"), ["invalid"]);
    assert_eq!(codes("password2"), ["password_mismatch"]);
    assert_eq!(register["token"], Value::Null);
    assert_eq!(deployment.mail_records().await.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn ann_signs_up_by_rest_and_cannot_log_in_before_she_has_verified() {
    let deployment = Deployment::start().await;
    let answer = deployment.api("rest-signup", &[]).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    assert_eq!(answer.body["email"], "ann@example.com");
    assert!(answer.body["access"].is_string() && answer.body["refresh"].is_string());
    let answer = deployment.api("rest-login", &[]).await;
    assert_eq!(answer.status, 403, "{}", answer.body);
    assert_eq!(answer.body["code"], "not_verified");
    assert_eq!(deployment.mail_records().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn ann_signs_up_verifies_logs_in_refreshes_and_logs_out() {
    let deployment = Deployment::start().await;

    let answer = deployment.api("register", &[]).await;
    let register = answer.data("register");
    assert_eq!(register["success"], true, "{register}");
    assert_eq!(register["errors"], Value::Null);
    assert!(register["token"].is_string() && register["refreshToken"].is_string());

    let answer = deployment.api("token-auth", &[]).await;
    let early = answer.data("tokenAuth");
    assert_eq!(early["errors"]["nonFieldErrors"][0]["code"], "not_verified", "{early}");

    let batch = stream_batch(&deployment.mail_records().await);
    let report = deployment.email_event.invoke(batch.to_string()).await;
    assert_eq!(report, json!({ "batchItemFailures": [] }));
    let mails = deployment.mails();
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].to, ["ann@example.com"]);
    let mail = mails[0].text.as_deref().unwrap();
    let link = mail.lines().find(|line| line.starts_with(API_URL)).unwrap();
    let (_, activation) = link.rsplit_once('/').unwrap();

    let token = [("activation_token", activation)];
    let answer = deployment.api("verify-account", &token).await;
    assert_eq!(answer.data("verifyAccount"), &json!({ "success": true, "errors": null }));
    let answer = deployment.api("verify-account", &token).await;
    let again = answer.data("verifyAccount");
    assert_eq!(again["errors"]["nonFieldErrors"][0]["code"], "already_verified", "{again}");

    let answer = deployment.api("token-auth-by-email", &[]).await;
    let by_email = answer.data("tokenAuth");
    assert_eq!(by_email["success"], true, "{by_email}");
    assert_eq!(by_email["user"]["username"], "ann");

    let answer = deployment.api("token-auth", &[]).await;
    let log_in = answer.data("tokenAuth");
    assert_eq!(log_in["success"], true, "{log_in}");
    assert_eq!(log_in["user"]["verified"], true);
    let access = [("access_token", text(log_in, "token"))];
    let refresh = [("refresh_token", text(log_in, "refreshToken"))];

    let answer = deployment.api("me", &access).await;
    let me = answer.data("me");
    assert_eq!(me["username"], "ann", "{me}");
    assert_eq!(me["email"], "ann@example.com");
    assert_eq!(me["verified"], true);
    assert_eq!(me["id"], log_in["user"]["id"]);

    let answer = deployment.api("verify-token", &access).await;
    let verify = answer.data("verifyToken");
    assert_eq!(verify["success"], true, "{verify}");
    assert_eq!(verify["payload"]["username"], "ann");

    let answer = deployment.api("refresh-token", &refresh).await;
    let refreshed = answer.data("refreshToken");
    assert_eq!(refreshed["success"], true, "{refreshed}");
    assert_ne!(refreshed["refreshToken"], log_in["refreshToken"]);
    let access = [("access_token", text(refreshed, "token"))];
    let refresh = [("refresh_token", text(refreshed, "refreshToken"))];
    assert_eq!(deployment.api("me", &access).await.data("me")["username"], "ann");

    let answer = deployment.api("revoke-token", &refresh).await;
    let revoke = answer.data("revokeToken");
    assert_eq!(revoke["success"], true, "{revoke}");
    assert!(revoke["revoked"].is_i64());

    assert_eq!(deployment.api("me", &access).await.data("me"), &Value::Null);
    let answer = deployment.api("refresh-token", &refresh).await;
    assert_eq!(answer.data("refreshToken")["success"], false);
    let answer = deployment.api("verify-token", &access).await;
    assert_eq!(answer.data("verifyToken")["success"], false);
}
