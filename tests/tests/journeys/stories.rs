//! The same stories through every dialect: the answers differ, the effects are the same.

use accounts::model::Role;
use jiff::SignedDuration;
use journeys::{DIALECTS, Dialect, PASSWORD, Site, TokenPair};

const EMAIL: &str = "ann@example.com";

/// Ann has signed up and proven her address.
async fn ann(dialect: Dialect) -> Site {
    let site = Site::start().await;
    dialect.sign_up(&site, "ann", EMAIL, PASSWORD).await.unwrap();
    dialect.verify(&site, EMAIL).await.unwrap();
    site
}

/// Ann is logged in, too.
async fn logged_in(dialect: Dialect) -> (Site, TokenPair) {
    let site = ann(dialect).await;
    let held = dialect.log_in(&site, "ann", EMAIL, PASSWORD).await.unwrap();
    assert_eq!(dialect.who(&site, &held).await.as_deref(), Ok("ann"), "{dialect:?}");
    (site, held)
}

/// None of her tokens works.
async fn assert_over(dialect: Dialect, site: &Site, held: &TokenPair) {
    let who = dialect.who(site, held).await.unwrap_err();
    assert!(["unauthenticated", "invalid_token"].contains(&who.as_str()), "{dialect:?} {who}");
    assert_eq!(dialect.refresh(site, held).await, Err("invalid_token".into()), "{dialect:?}");
}

async fn user_id(site: &Site, held: &TokenPair) -> accounts::model::UserId {
    site.accounts.authenticate(&held.access).await.unwrap().user.id
}

#[tokio::test]
async fn a_second_sign_up_finds_the_name_and_the_address_taken() {
    for dialect in DIALECTS {
        let site = Site::start().await;
        dialect.sign_up(&site, "ann", EMAIL, PASSWORD).await.unwrap();
        let before = site.dump().await;
        for (name, email) in
            [("ann", "other@example.com"), ("other", EMAIL), ("ANN", "Ann@EXAMPLE.com")]
        {
            let again = dialect.sign_up(&site, name, email, PASSWORD).await;
            assert_eq!(again, Err("unique".into()), "{dialect:?} {name} {email}");
        }
        assert_eq!(site.dump().await, before, "{dialect:?}");
    }
}

#[tokio::test]
async fn a_weak_password_is_refused_at_sign_up() {
    for dialect in DIALECTS {
        let site = Site::start().await;
        let refused = dialect.sign_up(&site, "ann", EMAIL, "1234").await;
        assert_eq!(refused, Err("password_too_short".into()), "{dialect:?}");
        assert_eq!(site.dump().await, [""; 0]);
    }
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_user_are_answered_alike() {
    for dialect in DIALECTS {
        let site = ann(dialect).await;
        let wrong = dialect.log_in(&site, "ann", EMAIL, "not hers").await;
        let unknown = dialect.log_in(&site, "bob", "bob@example.com", PASSWORD).await;
        assert_eq!(wrong, Err("invalid_credentials".into()), "{dialect:?}");
        assert_eq!(wrong, unknown, "{dialect:?}");
    }
}

#[tokio::test]
async fn a_log_in_reveals_an_unproven_address_only_after_the_right_password() {
    for dialect in DIALECTS {
        let site = Site::start().await;
        dialect.sign_up(&site, "ann", EMAIL, PASSWORD).await.unwrap();
        let right = dialect.log_in(&site, "ann", EMAIL, PASSWORD).await;
        assert_eq!(right, Err("not_verified".into()), "{dialect:?}");
        let wrong = dialect.log_in(&site, "ann", EMAIL, "not hers").await;
        assert_eq!(wrong, Err("invalid_credentials".into()), "{dialect:?}");
    }
}

#[tokio::test]
async fn an_address_is_proven_once() {
    for dialect in DIALECTS {
        let site = ann(dialect).await;
        let again = dialect.verify(&site, EMAIL).await.unwrap_err();
        // The code was deleted by then.
        let code = if dialect == Dialect::Rest { "invalid_otp" } else { "already_verified" };
        assert_eq!(again, code, "{dialect:?}");
    }
}

#[tokio::test]
async fn a_refresh_gives_tokens_that_work() {
    for dialect in DIALECTS {
        let (site, held) = logged_in(dialect).await;
        let next = dialect.refresh(&site, &held).await.unwrap();
        assert_eq!(dialect.who(&site, &next).await.as_deref(), Ok("ann"), "{dialect:?}");
        // Hasura's clients keep the one that they have.
        assert_eq!(next.refresh == held.refresh, dialect == Dialect::Hasura, "{dialect:?}");
    }
}

#[tokio::test]
async fn a_refresh_token_that_was_used_before_ends_the_session_where_it_rotates() {
    for dialect in DIALECTS.into_iter().filter(|dialect| *dialect != Dialect::Hasura) {
        let (site, held) = logged_in(dialect).await;
        let next = dialect.refresh(&site, &held).await.unwrap();
        site.advance(SignedDuration::from_secs(11));
        assert_eq!(dialect.refresh(&site, &held).await, Err("invalid_token".into()), "{dialect:?}");
        assert_over(dialect, &site, &next).await;
    }
}

#[tokio::test]
async fn a_log_out_ends_both_tokens_and_a_second_one_finds_nothing() {
    for dialect in DIALECTS {
        let (site, held) = logged_in(dialect).await;
        assert_eq!(dialect.log_out(&site, &held).await, Ok(()), "{dialect:?}");
        assert_over(dialect, &site, &held).await;
        let again = dialect.log_out(&site, &held).await.unwrap_err();
        assert!(
            ["invalid_token", "unauthenticated"].contains(&again.as_str()),
            "{dialect:?} {again}"
        );
    }
}

#[tokio::test]
async fn a_password_that_is_reset_ends_the_session_and_logs_in() {
    for dialect in DIALECTS {
        let (site, held) = logged_in(dialect).await;
        assert_eq!(dialect.reset(&site, EMAIL, "zmxn73hhQQp").await, Ok(()), "{dialect:?}");
        assert_over(dialect, &site, &held).await;
        let old = dialect.log_in(&site, "ann", EMAIL, PASSWORD).await;
        assert_eq!(old, Err("invalid_credentials".into()), "{dialect:?}");
        let new = dialect.log_in(&site, "ann", EMAIL, "zmxn73hhQQp").await.unwrap();
        assert_eq!(dialect.who(&site, &new).await.as_deref(), Ok("ann"));
    }
}

#[tokio::test]
async fn a_banned_user_is_anonymous_at_once() {
    for dialect in DIALECTS {
        let (site, held) = logged_in(dialect).await;
        site.store.set_active(user_id(&site, &held).await, false).await.unwrap();
        assert_over(dialect, &site, &held).await;
        let refused = dialect.log_in(&site, "ann", EMAIL, PASSWORD).await;
        assert_eq!(refused, Err("invalid_credentials".into()), "{dialect:?}");
    }
}

#[tokio::test]
async fn another_role_ends_the_tokens_that_claim_the_old_one() {
    for dialect in DIALECTS {
        let (site, held) = logged_in(dialect).await;
        site.store.set_role(user_id(&site, &held).await, Role::Staff).await.unwrap();
        assert_over(dialect, &site, &held).await;
    }
}

#[tokio::test]
async fn tokens_end_in_their_time() {
    for dialect in DIALECTS {
        let (site, held) = logged_in(dialect).await;
        site.advance(SignedDuration::from_secs(901));
        assert!(dialect.who(&site, &held).await.is_err(), "{dialect:?}");
        site.advance(SignedDuration::from_hours(24 * 7));
        assert_eq!(dialect.refresh(&site, &held).await, Err("invalid_token".into()), "{dialect:?}");
    }
}

#[tokio::test]
async fn a_token_of_one_dialect_is_one_of_all() {
    let (site, held) = logged_in(Dialect::Rest).await;
    for dialect in DIALECTS {
        assert_eq!(dialect.who(&site, &held).await.as_deref(), Ok("ann"), "{dialect:?}");
    }
}

#[tokio::test]
async fn a_table_that_does_not_answer_lets_no_user_in() {
    use embedded::{Fault, Times};
    for dialect in DIALECTS {
        let site = ann(dialect).await;
        site.aws.faults().fail("GetItem", Times::Always, Fault::Rejected);
        if dialect == Dialect::Rest {
            let body = format!("{{\"email\":\"{EMAIL}\",\"password\":\"{PASSWORD}\"}}");
            let headers = [("content-type", "application/json")];
            let path = "/api/accounts/login/";
            let answer = site.send(axum::http::Method::POST, path, &headers, body).await;
            assert_eq!(answer.status, 503);
        } else {
            let refused = dialect.log_in(&site, "ann", EMAIL, PASSWORD).await;
            assert_eq!(refused, Err("unavailable".into()), "{dialect:?}");
        }
    }
}
