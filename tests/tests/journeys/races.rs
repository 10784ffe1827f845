use std::sync::Arc;

use accounts::model::{Client, Email, User, Username};
use accounts::random::Random;
use accounts::store::{Created, Taken};
use embedded::{Fault, Gate, Times};
use journeys::{Actor, PASSWORD, Site, at_once, failure_code};
use serde_json::Value;

/// How many sign up at once.
const CROWD: usize = 60;

async fn start() -> Arc<Site> {
    Arc::new(Site::start().await)
}

fn successes(answers: &[Value]) -> usize {
    answers.iter().filter(|answer| answer["success"] == true).count()
}

/// One of each, and no item without a user.
async fn assert_one_account(site: &Site) {
    assert_eq!(site.items("EMAIL#").await, ["GUARD"]);
    assert_eq!(site.items("USERNAME#").await, ["GUARD"]);
    assert_eq!(site.items("USER#").await.iter().filter(|sk| *sk == "USER").count(), 1);
    let owner = site.item("USER#", "USER").await["id"].clone();
    assert_eq!(site.item("EMAIL#", "GUARD").await["user_id"], owner);
    assert_eq!(site.item("USERNAME#", "GUARD").await["user_id"], owner);
    assert_eq!(site.items("MAIL#").await.len(), 1);
    site.deliver_mail().await;
    assert_eq!(site.aws.mailbox().messages().len(), 1);
}

async fn assert_one_wins(number: impl Fn(usize) -> (String, String), taken: &str) {
    let site = start().await;
    let answers = at_once(CROWD, |at| {
        let (site, (email, name)) = (site.clone(), number(at));
        async move { site.register(&email, &name, PASSWORD, PASSWORD).await }
    })
    .await;
    assert_eq!(successes(&answers), 1);
    for loser in answers.iter().filter(|answer| answer["success"] == false) {
        let errors = loser["errors"].as_object().unwrap();
        assert_eq!(errors.len(), 1, "{loser}");
        assert_eq!(errors[taken][0]["code"], "unique", "{loser}");
    }
    assert_one_account(&site).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_want_one_name_at_once_one_gets_it() {
    assert_one_wins(|at| (format!("{at}@example.com"), "ann".to_owned()), "username").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_want_one_address_at_once_one_gets_it() {
    assert_one_wins(|at| ("ann@example.com".to_owned(), format!("ann{at}")), "email").await;
}

/// Without the hashing, which lets only a few through at a time: all are at the table at once.
#[tokio::test(flavor = "multi_thread")]
async fn of_many_transactions_for_one_name_at_once_one_is_done() {
    let site = start().await;
    site.meet("TransactWriteItems", CROWD);
    let outcomes = at_once(CROWD, |at| {
        let site = site.clone();
        async move {
            let id = Random::seeded(u64::try_from(at).unwrap()).id(site.now());
            let email = Email::parse(&format!("{at}@example.com")).unwrap();
            let name = Username::parse("ann").unwrap();
            let user = User::new(id.into(), &name, &email, None, site.now());
            site.store.create_user(&user, &[], None).await.unwrap()
        }
    })
    .await;
    let lost = Created::Taken(Taken { email: false, username: true });
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Created::Done).count(), 1);
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == lost).count(), CROWD - 1);
    assert_eq!(site.dump_without_trail().await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_verifications_with_one_link_one_succeeds() {
    let site = start().await;
    let ann = site.sign_up("ann").await;
    let token = site.link_token(&ann.email()).await;
    site.meet("TransactWriteItems", 2);
    let answers = at_once(2, |_| {
        let (site, token) = (site.clone(), token.clone());
        async move { site.verify_account(&token).await }
    })
    .await;
    assert_eq!(successes(&answers), 1, "{answers:?}");
    let loser = answers.iter().find(|answer| answer["success"] == false).unwrap();
    assert_eq!(failure_code(loser), "already_verified");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_link_and_code_at_once_one_succeeds() {
    let site = start().await;
    let ann = site.sign_up("ann").await;
    let (token, code) = (site.link_token(&ann.email()).await, site.code(&ann.email()).await);
    site.meet("TransactWriteItems", 2);
    let outcomes = at_once(2, |at| {
        let (site, ann, token, code) = (site.clone(), ann.clone(), token.clone(), code.clone());
        async move {
            let outcome = if at == 0 {
                site.accounts.verify_account(&token).await
            } else {
                site.accounts.verify_account_by_code(&ann.email(), &code, &Client::default()).await
            };
            outcome.map_err(|error| error.code())
        }
    })
    .await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
    assert!(outcomes.contains(&Err("already_verified")), "{outcomes:?}");
}

async fn try_codes(site: &Arc<Site>, ann: &Actor, codes: Vec<String>) -> Vec<Result<(), String>> {
    site.meet("UpdateItem", codes.len());
    at_once(codes.len(), |at| {
        let (site, email, code) = (site.clone(), ann.email(), codes[at].clone());
        async move {
            let outcome =
                site.accounts.verify_account_by_code(&email, &code, &Client::default()).await;
            outcome.map_err(|error| error.code().to_owned())
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_code_that_is_sent_many_times_at_once_works_once() {
    let site = start().await;
    let ann = site.sign_up("ann").await;
    let code = site.code(&ann.email()).await;
    let outcomes = try_codes(&site, &ann, vec![code; 20]).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
    for code in outcomes.into_iter().filter_map(Result::err) {
        let fits =
            ["invalid_otp", "too_many_attempts", "already_verified"].contains(&code.as_str());
        assert!(fits, "{code}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn however_many_wrong_codes_come_at_once_five_are_looked_at() {
    let site = start().await;
    let ann = site.sign_up("ann").await;
    let right = site.code(&ann.email()).await;
    let wrong = (0..51).map(|number| format!("{number:06}")).filter(|code| *code != right);
    let outcomes = try_codes(&site, &ann, wrong.take(50).collect()).await;
    let of = |code: &str| outcomes.iter().filter(|o| **o == Err(code.to_owned())).count();
    assert_eq!((of("invalid_otp"), of("too_many_attempts")), (5, 45));
    assert_eq!(site.item("EMAIL#", "OTP#").await["tries"].as_n().unwrap(), "5");
    let late = site.accounts.verify_account_by_code(&ann.email(), &right, &Client::default()).await;
    assert_eq!(late.unwrap_err().code(), "too_many_attempts");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_refreshes_at_once_have_one_successor() {
    let site = start().await;
    let ann = site.signed_in("ann").await;
    site.meet("UpdateItem", 20);
    let answers = at_once(20, |_| {
        let (site, token) = (site.clone(), ann.refresh.clone());
        async move { site.refresh_token(&token).await }
    })
    .await;
    assert_eq!(successes(&answers), 20, "{answers:?}");
    let first = &answers[0];
    assert!(answers.iter().all(|answer| answer == first), "{answers:?}");
    assert_ne!(first["refreshToken"], ann.refresh);
    assert_eq!(site.refresh_token(first["refreshToken"].as_str().unwrap()).await["success"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_that_meets_a_log_out_leaves_no_session() {
    for held in ["UpdateItem", "TransactWriteItems"] {
        let site = start().await;
        let ann = site.signed_in("ann").await;
        let gate = Gate::new();
        site.aws.faults().fail(held, Times::N(1), Fault::Held(gate.clone()));
        let call = async |operation: &str, site: &Site, token: &str| match operation {
            "UpdateItem" => site.refresh_token(token).await,
            _ => site.revoke_token(token).await,
        };
        let (late, token) = (site.clone(), ann.refresh.clone());
        let late = tokio::spawn(async move { call(held, &late, &token).await });
        gate.arrived(1).await;
        let other = if held == "UpdateItem" { "TransactWriteItems" } else { "UpdateItem" };
        let first = call(other, &site, &ann.refresh).await;
        assert_eq!(first["success"], true, "{first}");
        gate.open();
        let late = late.await.unwrap();
        assert_eq!(late["success"], held == "TransactWriteItems", "{late}");
        for answer in [&first, &late] {
            let token = answer["refreshToken"].as_str().unwrap_or(&ann.refresh);
            assert_eq!(site.refresh_token(token).await["success"], false);
            let access = answer["token"].as_str().unwrap_or(&ann.access).to_owned();
            assert_eq!(site.me(&Actor { access, ..ann.clone() }).await, None);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_log_outs_at_once_one_succeeds() {
    let site = start().await;
    let ann = site.signed_in("ann").await;
    site.meet("TransactWriteItems", 2);
    let answers = at_once(2, |_| {
        let (site, token) = (site.clone(), ann.refresh.clone());
        async move { site.revoke_token(&token).await }
    })
    .await;
    assert_eq!(successes(&answers), 1, "{answers:?}");
    let loser = answers.iter().find(|answer| answer["success"] == false).unwrap();
    assert_eq!(failure_code(loser), "invalid_token");
}
