//! The permissions of the functions in the template. In every journey, the embedded AWS denies all other calls.

use std::sync::Arc;

use accounts::clock::Clock;
use accounts::config::Settings;
use accounts::model::Role;
use accounts::random::Random;
use accounts::secrets;
use accounts::store::Store;
use jiff::SignedDuration;
use journeys::{SECRET, Site, show};
use serde_json::Value;

use crate::pictures::files::png;

/// One way through all operations that differ in their calls to AWS.
async fn tour(site: &Site) {
    let ann = site.signed_in("ann").await;
    assert_eq!(site.me(&ann).await.as_deref(), Some("ann"));
    assert!(!site.sessions(&ann).await.is_empty());
    let of_others = "{ users { edges { node { username } } } them: users(username_Istartswith: \
                     \"a\") { edges { node { username } } } }";
    let answer = site.ask(&ann, of_others, Value::Null).await;
    assert!(answer.code().is_none() && answer.text.contains("ann"), "{}", answer.text);

    let boss = site.signed_in_as(Role::Staff, "boss").await;
    let look = "staffOverview { waitingMails days { signUps } }";
    let overview = site.call(&boss, "query", look).await.unwrap();
    assert!(overview["days"][6]["signUps"] == 2, "{overview}");

    site.set_picture(&ann, png()).await.unwrap();
    site.set_picture(&ann, png()).await.unwrap();
    let url = site.picture_url(&ann).await.unwrap();
    assert_eq!(show(&url).await.status, 200);

    let token = site.email_change_link(&ann, "ann@new.example").await;
    let answer = site.submit(&format!("/activate/{token}"), &[], "").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let ann = site.refreshed(&ann).await;
    assert_eq!(site.log_out(&ann).await["success"], true);

    // A mail that no sender takes, and all items that expire: an account with a picture, too.
    let bob = site.sign_up("bob").await;
    site.set_picture(&bob, png()).await.unwrap();
    site.advance(SignedDuration::from_hours(1));
    assert!(site.clean_up().await.mails > 0);
    site.advance(SignedDuration::from_hours(24 * 365));
    let swept = site.clean_up().await;
    assert!(swept.sessions > 0 && swept.accounts == 1, "{swept:?}");
    assert!(!site.published().await.is_empty());
}

/// A cold start of the functions that have a secret.
async fn cold_starts(site: &Site) {
    site.aws.secret().set(Some(SECRET));
    for function in ["GraphqlFunction", "EmailEventFunction"] {
        let sdk = accounts::aws::embedded_as(site.aws.endpoint_url(), function);
        let arn = site.aws.secret().arn();
        let given = move |name: &str| (name == "AUTH_SECRET_ARN").then(|| arn.clone());
        let settings = Settings::new(given);
        let secret = secrets::read(settings.auth_secret_arn(), sdk.clone()).await.unwrap();
        assert!(settings.with_secret(secret).secret().is_ok());
        if function == "GraphqlFunction" {
            let arn = site.aws.secret().add("a-key", "a key in PEM");
            let given = move |name: &str| match name {
                "JWT_ALGORITHM" => Some("RS256".to_owned()),
                "JWT_PRIVATE_KEY_ARN" => Some(arn.clone()),
                _ => None,
            };
            let arn = Settings::new(given).private_key_arn();
            assert!(secrets::read(arn, sdk.clone()).await.unwrap().is_some());
        }
        Store::connect(&sdk, site.aws.table_name(), Random::System, Clock::System).warm_up();
    }
}

#[tokio::test]
async fn every_function_may_do_what_it_does_and_no_more() {
    let site = Arc::new(
        Site::with(&[("USERS_QUERY", "authenticated"), ("EVENTS_PERSONAL_DATA", "on")]).await,
    );
    let toured = tokio::spawn({
        let site = site.clone();
        async move {
            cold_starts(&site).await;
            tour(&site).await;
        }
    });
    let toured = toured.await;
    let permissions = site.aws.permissions();
    assert_eq!(permissions.denied(), [], "they need that");
    toured.unwrap();
    assert_eq!(permissions.functions().count(), 4);
    for function in permissions.functions() {
        assert_eq!(permissions.unused(function), [], "{function} does not need that");
    }
}
