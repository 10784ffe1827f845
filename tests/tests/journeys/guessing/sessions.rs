//! The password that a session asks for once more.

use accounts::model::PlainPassword;
use journeys::{Actor, PASSWORD, Site, at_once};
use serde_json::Value;

use super::{attack, with_ann};

/// What an operation with that password comes to, in a session.
async fn confirm(site: &Site, actor: &Actor, password: &str) -> String {
    let archive =
        format!("mutation {{ archiveAccount(password: \"{password}\") {{ success errors }} }}");
    let answer =
        site.ask(actor, &archive, Value::Null).await.json()["data"]["archiveAccount"].clone();
    let errors = answer["errors"].as_object().cloned().unwrap_or_default();
    let code = errors.values().next().map(|error| error[0]["code"].as_str().unwrap().to_owned());
    code.unwrap_or_else(|| "ok".to_owned())
}

#[tokio::test]
async fn a_session_in_which_the_password_is_guessed_is_asked_no_more_and_others_are() {
    let (site, thief) = with_ann().await;
    let ann = site.log_in(&thief).await;
    attack(&site, "ann").await;
    for _ in 0..5 {
        assert_eq!(confirm(&site, &thief, "not it").await, "invalid_password");
    }
    let hashes = site.accounts.password_hashes();
    assert_eq!(confirm(&site, &thief, "not it").await, "throttled");
    assert_eq!(confirm(&site, &thief, PASSWORD).await, "throttled");
    assert_eq!(site.accounts.password_hashes(), hashes);
    assert_eq!(site.me(&thief).await.as_deref(), Some("ann"));
    assert_eq!(confirm(&site, &ann, PASSWORD).await, "ok");
}

#[tokio::test]
async fn parallel_guesses_in_one_session_check_no_more_passwords_than_its_limit() {
    let (site, ann) = with_ann().await;
    let caller = site.accounts.authenticate(&ann.access).await.unwrap();
    let jobs = at_once(30, |number| {
        let accounts = if number % 2 == 0 { &site.accounts } else { &site.elsewhere }.clone();
        let caller = caller.clone();
        async move {
            let answer = accounts.archive_account(&caller, PlainPassword::new("not it")).await;
            answer.map_or_else(|error| error.code(), |()| "ok")
        }
    });
    let codes = jobs.await;
    let of = |code: &str| codes.iter().filter(|it| **it == code).count();
    assert_eq!((of("invalid_password"), of("throttled")), (5, 25), "{codes:?}");
}
