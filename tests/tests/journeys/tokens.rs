//! Tokens in requests to the API. Tests of the core cover the validation of a token by itself.

use accounts::model::Role;
use axum::http::Method;
use journeys::forge::{self, Signer, derived};
use journeys::{Actor, PASSWORD, SECRET, Site, failure_code, s};
use serde_json::{Value, json};

const HASURA: &str = "https://hasura.io/jwt/claims";

fn access_key() -> Signer {
    Signer::ed25519(derived(SECRET, "access token, EdDSA"))
}

fn refresh_key() -> Signer {
    Signer::hs256(derived(SECRET, "refresh token"))
}

/// A token like that one, but for some claims, signed by hand.
fn forged(token: &str, signer: &Signer, changes: &Value) -> String {
    let mut payload = forge::payload(token);
    payload.as_object_mut().unwrap().extend(changes.as_object().cloned().unwrap());
    forge::token(&forge::header(token).to_string(), &payload.to_string(), signer)
}

fn with_access(actor: &Actor, access: String) -> Actor {
    Actor { access, ..actor.clone() }
}

async fn assert_no_access(site: &Site, actor: &Actor, token: String) {
    assert_eq!(failure_code(&site.verify_token(&token).await), "invalid_token", "{token}");
    assert_eq!(site.me(&with_access(actor, token)).await, None);
}

async fn published(site: &Site) -> Vec<Value> {
    let answer = site.send(Method::GET, "/.well-known/jwks.json", &[], "").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers["content-type"], "application/json");
    assert_eq!(answer.headers["cache-control"], "public, max-age=300");
    assert_eq!(answer.json().as_object().unwrap().keys().collect::<Vec<_>>(), ["keys"]);
    answer.json()["keys"].as_array().cloned().unwrap()
}

#[tokio::test]
async fn tokens_made_by_hand_are_honoured() {
    let site = Site::start().await;
    let (ann, bob) = (site.signed_in("ann").await, site.sign_up("bob").await);
    let access = forged(&ann.access, &access_key(), &json!({}));
    assert_eq!(site.verify_token(&access).await["success"], true);
    assert_eq!(site.me(&with_access(&ann, access)).await.as_deref(), Some("ann"));
    let refresh = forged(&ann.refresh, &refresh_key(), &json!({}));
    assert_eq!(site.refresh_token(&refresh).await["success"], true);
    let link = site.link_token(&bob.email()).await;
    let link = forged(&link, &Signer::hs256(derived(SECRET, "link token")), &json!({}));
    assert_eq!(site.verify_account(&link).await["success"], true);
}

#[tokio::test]
async fn an_access_token_speaks_for_its_own_user_in_its_own_session() {
    let site = Site::start().await;
    let (ann, bob) = (site.signed_in("ann").await, site.signed_in("bob").await);
    let (anns, bobs) = (ann.session_id(), bob.session_id());
    let bob = bob.user_id().to_string();
    let unknown = "019ca93c-8000-7000-8000-000000000000";
    for changes in [
        json!({ "sub": bob }),
        json!({ "sid": bobs }),
        json!({ "sub": unknown }),
        json!({ "sid": unknown }),
        json!({ "sub": unknown, "sid": unknown }),
        json!({ "sub": anns }),
        json!({ "sid": ann.user_id().to_string() }),
    ] {
        assert_no_access(&site, &ann, forged(&ann.access, &access_key(), &changes)).await;
        let refresh = forged(&ann.refresh, &refresh_key(), &changes);
        assert_eq!(failure_code(&site.refresh_token(&refresh).await), "invalid_token", "{changes}");
        assert_eq!(failure_code(&site.revoke_token(&refresh).await), "invalid_token", "{changes}");
    }
    site.assert_goes_on(&ann).await;
}

#[tokio::test]
async fn a_role_that_the_user_has_not_is_refused() {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    for role in ["staff", "admin", "User", "", "user "] {
        let changes = json!({ "role": role });
        assert_no_access(&site, &ann, forged(&ann.access, &access_key(), &changes)).await;
        let refresh = forged(&ann.refresh, &refresh_key(), &changes);
        assert_eq!(failure_code(&site.refresh_token(&refresh).await), "invalid_token", "{role}");
    }
    site.store.set_role(ann.user_id(), Role::Staff).await.unwrap();
    let ann = site.log_in(&ann).await;
    let lower = forged(&ann.access, &access_key(), &json!({ "role": "user" }));
    assert_no_access(&site, &ann, lower).await;
    site.assert_goes_on(&ann).await;
}

#[tokio::test]
async fn a_refresh_token_that_was_never_given_out_ends_nothing() {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    for generation in [1, 2, u64::MAX - 1] {
        let later = forged(&ann.refresh, &refresh_key(), &json!({ "generation": generation }));
        assert_eq!(failure_code(&site.refresh_token(&later).await), "invalid_token");
    }
    site.assert_goes_on(&ann).await;
}

#[tokio::test]
async fn no_door_takes_a_token_of_another_kind() {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    let activation = site.link_token(&ann.email()).await;
    let reset = site.reset_link(&ann).await;
    for token in [&ann.refresh, &activation, &reset] {
        assert_no_access(&site, &ann, token.clone()).await;
    }
    for token in [&ann.access, &activation, &reset] {
        assert_eq!(failure_code(&site.refresh_token(token).await), "invalid_token");
        assert_eq!(failure_code(&site.revoke_token(token).await), "invalid_token");
    }
    for token in [&ann.access, &ann.refresh, &reset] {
        assert_eq!(failure_code(&site.verify_account(token).await), "invalid_token");
    }
    for token in [&ann.access, &ann.refresh, &activation] {
        let answer = site.reset_password(token, "another jf84jfKKd", "another jf84jfKKd").await;
        assert_eq!(failure_code(&answer), "invalid_token");
    }
    site.assert_goes_on(&ann).await;
}

#[tokio::test]
async fn a_token_without_a_signature_or_by_the_public_key_is_refused_at_every_door() {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    let jwk = published(&site).await.remove(0);
    let public = forge::bytes(jwk["x"].as_str().unwrap());
    for (alg, signer) in [("none", Signer::None), ("HS256", Signer::hs256(public))] {
        for typ in ["at+jwt", "rt+jwt", "link+jwt", "JWT"] {
            let header = json!({ "typ": typ, "alg": alg, "kid": jwk["kid"] }).to_string();
            for claims in [&ann.access, &ann.refresh] {
                let payload = forge::payload(claims).to_string();
                let token = forge::token(&header, &payload, &signer);
                assert_no_access(&site, &ann, token.clone()).await;
                assert_eq!(failure_code(&site.refresh_token(&token).await), "invalid_token");
                assert_eq!(failure_code(&site.verify_account(&token).await), "invalid_token");
            }
        }
    }
}

#[tokio::test]
async fn a_header_of_a_megabyte_authenticates_no_caller() {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    let long = with_access(&ann, format!("{}{}", ann.access, "A".repeat(1 << 20)));
    assert_eq!(site.me(&long).await, None);
}

/// A setting for as long as the test runs.
fn setting(name: &'static str, value: String) -> (&'static str, &'static str) {
    (name, value.leak())
}

fn settings(algorithm: &'static str, pem: &str) -> &'static [(&'static str, &'static str)] {
    let given = [("JWT_ALGORITHM", algorithm), setting("JWT_PRIVATE_KEY", pem.to_owned())];
    Vec::from(given).leak()
}

fn rsa_pem() -> String {
    forge::pem("PRIVATE KEY", &forge::rsa_pkcs8())
}

#[tokio::test]
async fn under_each_algorithm_a_user_logs_in_and_others_can_verify_the_token() {
    for algorithm in ["EdDSA", "ES256", "RS256", "HS256"] {
        let site = Site::with(settings(algorithm, &rsa_pem())).await;
        let ann = site.signed_in("ann").await;
        let ann = site.assert_goes_on(&ann).await;
        let keys = published(&site).await;
        assert_eq!(forge::header(&ann.access)["alg"], algorithm);
        if algorithm == "HS256" {
            assert_eq!(keys, Vec::<Value>::new());
        } else {
            assert_eq!(keys.len(), 1, "{algorithm}");
            assert_eq!(keys[0]["kid"], forge::header(&ann.access)["kid"], "{algorithm}");
            assert!(forge::is_signed_by(&keys[0], &ann.access), "{algorithm}");
            let private = ["d", "p", "q", "dp", "dq", "qi", "k", "oth"];
            assert!(private.iter().all(|name| keys[0][name].is_null()), "{}", keys[0]);
        }
    }
}

#[tokio::test]
async fn another_algorithm_ends_access_tokens_and_no_session() {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    let site = site.restarted_with(&[("JWT_ALGORITHM", "ES256")]);
    assert_eq!(site.me(&ann).await, None);
    let ann = site.refreshed(&ann).await;
    assert_eq!(site.me(&ann).await.as_deref(), Some("ann"));
}

#[tokio::test]
async fn a_new_rsa_key_beside_the_old_one_logs_no_user_out() {
    let (old, new) = (rsa_pem(), rsa_pem());
    let site = Site::with(settings("RS256", &old)).await;
    let ann = site.signed_in("ann").await;
    let site = site.restarted_with(settings("RS256", &format!("{new}{old}")));
    assert_eq!(site.me(&ann).await.as_deref(), Some("ann"));
    let later = site.refreshed(&ann).await;
    let keys = published(&site).await;
    let kids = [&later, &ann].map(|actor| forge::header(&actor.access)["kid"].clone());
    assert_eq!([&keys[0]["kid"], &keys[1]["kid"]], [&kids[0], &kids[1]]);
    let site = site.restarted_with(settings("RS256", &new));
    assert_eq!(site.me(&ann).await, None);
    assert_eq!(site.me(&later).await.as_deref(), Some("ann"));
}

/// Asserts that Hasura takes the claims, and that they say no more than they should.
fn assert_hasura(token: &str, user: &str, role: &str, allowed: &[&str]) {
    let payload = forge::payload(token);
    let claims = json!({
        "x-hasura-user-id": user,
        "x-hasura-default-role": role,
        "x-hasura-allowed-roles": allowed,
    });
    assert_eq!(payload[HASURA], claims, "{payload}");
    let mut names: Vec<_> = payload.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    let expected = [
        "acr",
        "amr",
        "aud",
        "auth_time",
        "email_verified",
        "exp",
        HASURA,
        "iat",
        "iss",
        "jti",
        "origIat",
        "role",
        "sid",
        "sub",
        "username",
    ];
    assert_eq!(names, expected);
    assert!(!payload.to_string().contains('@'), "{payload}");
}

#[tokio::test]
async fn every_access_token_has_hasuras_claims_and_no_address() {
    let site = Site::start().await;
    let ann = site.sign_up("ann").await;
    let id = ann.user_id().to_string();
    assert_hasura(&ann.access, &id, "unverified", &["unverified"]);
    site.verify_account(&site.link_token(&ann.email()).await).await;
    let ann = site.log_in(&ann).await;
    assert_hasura(&ann.access, &id, "user", &["user"]);
    let ann = site.refreshed(&ann).await;
    assert_hasura(&ann.access, &id, "user", &["user"]);
    let new = "another jf84jfKKd";
    let ann = ann.with_tokens(&site.change_password(&ann, PASSWORD, new, new).await);
    assert_hasura(&ann.access, &id, "user", &["user"]);
    for (role, allowed) in
        [(Role::Staff, &["user", "staff"][..]), (Role::Superuser, &["user", "staff", "superuser"])]
    {
        site.store.set_role(ann.user_id(), role).await.unwrap();
        let answer = site.token_auth(json!({ "username": "ann", "password": new })).await;
        let ann = ann.with_tokens(&answer);
        assert_hasura(&ann.access, &id, role.name(), allowed);
    }
}

#[tokio::test]
async fn nothing_that_a_user_can_write_lands_among_hasuras_claims() {
    let site = Site::start().await;
    let ann = site.signed_in("x-hasura-role").await;
    assert_hasura(&ann.access, &ann.user_id().to_string(), "user", &["user"]);
    for written in [
        "{\"x-hasura-role\":\"admin\"}",
        "\",\"x-hasura-default-role\":\"admin\",\"y\":\"",
        "\"}},\"role\":\"staff",
        "https://hasura.io/jwt/claims",
        "\\",
        "\u{0}\u{1f}\u{2028}",
    ] {
        for attribute in ["username", "first_name", "last_name", "email", "secondary_email"] {
            site.set_on_user(&ann, attribute, s(written)).await;
        }
        let ann = site.log_in(&ann).await;
        assert_eq!(forge::payload(&ann.access)["username"], written);
        let claims = &forge::payload(&ann.access)[HASURA];
        assert_eq!(claims.as_object().unwrap().len(), 3, "{claims}");
        assert_hasura(&ann.access, &ann.user_id().to_string(), "user", &["user"]);
        let refreshed = site.refreshed(&ann).await;
        assert_hasura(&refreshed.access, &ann.user_id().to_string(), "user", &["user"]);
    }
}
