use axum::http::Method;
use embedded::{Fault, Times};
use journeys::log::lines_of;
use journeys::{Actor, Answer, PASSWORD, Site};
use serde_json::{Value, json};

/// A failure of DynamoDB.
fn faults() -> [Fault; 3] {
    [Fault::Dropped, Fault::Throttled, Fault::InternalError]
}

/// The field and its arguments, for a logged-in user with a link and tokens.
fn operations(site_has: &Actor, link: &str) -> Vec<(&'static str, String)> {
    let Actor { access, refresh, .. } = site_has;
    vec![
        (
            "register",
            format!(
                "mutation {{ register(email: \"new@example.com\", username: \"new\", \
                 password1: \"{PASSWORD}\", password2: \"{PASSWORD}\") {{ success errors }} }}"
            ),
        ),
        (
            "register",
            "mutation { register(email: \"new@example.com\", username: \"new\", \
             password1: \"1\", password2: \"1\") { success errors } }"
                .to_owned(),
        ),
        ("verifyAccount", format!("mutation {{ verifyAccount(token: \"{link}\") {{ success }} }}")),
        (
            "tokenAuth",
            format!(
                "mutation {{ tokenAuth(username: \"ann\", password: \"{PASSWORD}\") {{ success }} }}"
            ),
        ),
        ("verifyToken", format!("mutation {{ verifyToken(token: \"{access}\") {{ success }} }}")),
        (
            "refreshToken",
            format!("mutation {{ refreshToken(refreshToken: \"{refresh}\") {{ success }} }}"),
        ),
        (
            "revokeToken",
            format!("mutation {{ revokeToken(refreshToken: \"{refresh}\") {{ success }} }}"),
        ),
        ("me", "{ me { username } }".to_owned()),
    ]
}

fn assert_unavailable(answer: &Answer, field: &str) {
    let body = answer.json();
    assert_eq!(answer.status, 200, "{body}");
    assert_eq!(answer.code().as_deref(), Some("unavailable"), "{body}");
    assert_eq!(body["data"], json!({ field: null }), "{body}");
    let text = "The service is not available at the moment. Please try again.";
    assert_eq!(body["errors"][0]["message"], text);
    let inside =
        ["dynamo", "aws", "amazon", "latchkey", "exception", "error {", "::", "pk", "http"];
    let lower = answer.text.to_lowercase();
    assert!(inside.iter().all(|word| !lower.contains(word)), "{}", answer.text);
}

async fn on_a_site_with_ann() -> (Site, Actor, String) {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    let bob = site.sign_up("bob").await;
    let link = site.link_token(&bob.email()).await;
    (site, ann, link)
}

#[tokio::test]
async fn when_the_table_does_not_answer_every_operation_says_so_and_changes_nothing() {
    for fault in faults() {
        let (site, ann, link) = on_a_site_with_ann().await;
        let before = site.dump().await;
        for (field, document) in operations(&ann, &link) {
            site.aws.faults().fail("dynamodb:*", Times::Always, fault.clone());
            let header = ann.authorization();
            let answer = site.graphql_as(Some(&header), &document, Value::Null).await;
            site.end_faults().await;
            assert_unavailable(&answer, field);
            assert_eq!(site.dump().await, before, "{field} {fault:?}");
        }
        // All of it works as soon as the table answers.
        for (field, document) in operations(&ann, &link) {
            let header = ann.authorization();
            let answer = site.graphql_as(Some(&header), &document, Value::Null).await;
            assert_eq!(answer.json()["errors"], Value::Null, "{field}");
        }
    }
}

#[tokio::test]
async fn when_the_table_refuses_us_every_operation_is_unavailable() {
    let (site, ann, link) = on_a_site_with_ann().await;
    site.aws.faults().fail("dynamodb:*", Times::Always, Fault::Rejected);
    for (field, document) in operations(&ann, &link) {
        let header = ann.authorization();
        let answer = site.graphql_as(Some(&header), &document, Value::Null).await;
        assert_unavailable(&answer, field);
    }
}

#[tokio::test]
async fn a_call_that_fails_twice_is_tried_a_third_time() {
    for fault in faults() {
        let (site, ann, link) = on_a_site_with_ann().await;
        for (field, document) in operations(&ann, &link) {
            site.aws.faults().fail("dynamodb:*", Times::N(2), fault.clone());
            let header = ann.authorization();
            let answer = site.graphql_as(Some(&header), &document, Value::Null).await;
            assert_eq!(answer.json()["errors"], Value::Null, "{field} {fault:?}");
        }
    }
}

/// Each call of a log-in by itself: a failure half-way leaves no session.
#[tokio::test]
async fn a_log_in_that_fails_half_way_leaves_nothing() {
    let (site, ann, _) = on_a_site_with_ann().await;
    let before = site.dump().await;
    let document = operations(&ann, "").remove(3).1;
    for done in 0..3 {
        site.aws.faults().fail("dynamodb:*", Times::N(done), Fault::Pass);
        site.aws.faults().fail("dynamodb:*", Times::Always, Fault::Dropped);
        assert_unavailable(&site.graphql(&document, Value::Null).await, "tokenAuth");
        site.end_faults().await;
        assert_eq!(site.dump().await, before, "after {done} calls");
    }
}

#[tokio::test]
async fn a_refresh_whose_user_cannot_be_read_can_be_tried_again() {
    let (site, ann, _) = on_a_site_with_ann().await;
    site.aws.faults().fail("GetItem", Times::N(3), Fault::Dropped);
    let document = operations(&ann, "").remove(5).1;
    assert_unavailable(&site.graphql(&document, Value::Null).await, "refreshToken");
    site.refreshed(&ann).await;
}

#[tokio::test]
async fn a_failed_field_leaves_its_neighbours_alone() {
    let (site, ann, _) = on_a_site_with_ann().await;
    site.aws.faults().fail("BatchGetItem", Times::Always, Fault::Dropped);
    let header = ann.authorization();
    let document = "{ __typename me { username } }";
    let answer = site.graphql_as(Some(&header), document, Value::Null).await;
    assert_eq!(answer.json()["data"], json!({ "__typename": "Query", "me": null }));
    assert_eq!(answer.code().as_deref(), Some("unavailable"));
}

#[tokio::test]
async fn the_activation_page_says_that_nothing_is_lost() {
    let (site, _, link) = on_a_site_with_ann().await;
    site.aws.faults().fail("dynamodb:*", Times::Always, Fault::InternalError);
    for (path, body) in [
        (format!("/activate/{link}"), ""),
        ("/activate".to_owned(), "email=a@b.example&code=123456"),
    ] {
        let form = [("content-type", "application/x-www-form-urlencoded")];
        let answer = site.send(Method::POST, &path, &form, body).await;
        assert_eq!(answer.status, 503, "{path}");
        assert!(answer.text.contains("Nothing is lost."), "{}", answer.text);
        assert!(!answer.text.to_lowercase().contains("dynamo"), "{}", answer.text);
    }
    site.end_faults().await;
    assert_eq!(site.verify_account(&link).await["success"], true);
}

#[tokio::test]
async fn each_front_logs_a_failed_dependency_once() {
    let (site, ..) = on_a_site_with_ann().await;
    site.aws.faults().fail("dynamodb:*", Times::Always, Fault::Rejected);
    let graphql = |document: &str| ("/graphql", "json", json!({ "query": document }).to_string());
    let create = format!(
        "mutation {{ createUser(input: {{email: \"new@example.com\", username: \"new\", \
         password: \"{PASSWORD}\"}}) {{ ok }} }}"
    );
    let arg = json!({ "username": "ann", "password": PASSWORD });
    let email = json!({ "email": "ann@example.com", "password": PASSWORD });
    let action = json!({ "action": { "name": "user_login" }, "input": { "arg": arg } });
    for (path, kind, body) in [
        graphql("mutation { tokenAuth(username: \"ann\", password: \"x\") { success errors } }"),
        graphql("mutation { resendActivationEmail(email: \"ann@example.com\") { success } }"),
        graphql(&create),
        graphql("query { user_login(arg: {username: \"ann\", password: \"x\"}) { access } }"),
        ("/users/login/", "json", arg.to_string()),
        ("/users/reset_password/", "json", email.to_string()),
        ("/hasura/actions", "json", action.to_string()),
        ("/api/accounts/login/", "json", email.to_string()),
        ("/activate", "x-www-form-urlencoded", "email=a@b.example&code=123456".to_owned()),
    ] {
        let form = [("content-type", &*format!("application/{kind}"))];
        let answer = site.send(Method::POST, path, &form, body).await;
        let lines = lines_of(answer.request_id());
        let failed = lines.iter().filter(|line| line["message"] == "a dependency failed");
        assert_eq!(failed.count(), 1, "{path} {}", answer.text);
    }
}

#[tokio::test]
async fn a_registration_whose_answer_is_lost_succeeds_once() {
    let site = Site::start().await;
    site.aws.faults().fail("TransactWriteItems", Times::N(1), Fault::AnswerLost);
    let ann = site.sign_up("ann").await;
    assert_eq!(site.me(&ann).await.as_deref(), Some("ann"));
    assert_eq!(site.items("USER#").await.iter().filter(|sk| *sk == "USER").count(), 1);
    assert_eq!(site.dump_without_trail().await.len(), 5);
    assert_eq!(site.mails_to(&ann.email()).await.len(), 1);
}

#[tokio::test]
async fn a_verification_or_log_out_whose_answer_is_lost_succeeds() {
    let site = Site::start().await;
    let ann = site.sign_up("ann").await;
    let link = site.link_token(&ann.email()).await;
    site.aws.faults().fail("TransactWriteItems", Times::N(1), Fault::AnswerLost);
    assert_eq!(site.verify_account(&link).await["success"], true);
    site.aws.faults().fail("TransactWriteItems", Times::N(1), Fault::AnswerLost);
    assert_eq!(site.revoke_token(&ann.refresh).await["success"], true);
}

#[tokio::test]
async fn a_refresh_whose_answer_is_lost_gives_the_successor() {
    let (site, ann, _) = on_a_site_with_ann().await;
    site.aws.faults().fail("UpdateItem", Times::N(1), Fault::AnswerLost);
    let next = site.refreshed(&ann).await;
    assert_eq!(site.me(&next).await.as_deref(), Some("ann"));
    site.refreshed(&next).await;
}

/// Such as a registration that meets another one, again and again.
#[tokio::test]
async fn a_transaction_that_meets_others_goes_through_in_the_end() {
    let site = Site::start().await;
    site.aws.faults().fail("TransactWriteItems", Times::N(5), Fault::Conflict);
    let ann = site.sign_up("ann").await;
    assert_eq!(site.dump_without_trail().await.len(), 5);
    let link = site.link_token(&ann.email()).await;
    site.aws.faults().fail("TransactWriteItems", Times::N(3), Fault::Conflict);
    assert_eq!(site.verify_account(&link).await["success"], true);
    site.aws.faults().fail("TransactWriteItems", Times::N(3), Fault::Conflict);
    assert_eq!(site.revoke_token(&ann.refresh).await["success"], true);
}

#[tokio::test]
async fn a_single_write_that_meets_a_transaction_goes_through_in_the_end() {
    let (site, ann, _) = on_a_site_with_ann().await;
    site.aws.faults().fail("UpdateItem", Times::N(2), Fault::Conflict);
    let ann = site.refreshed(&ann).await;
    site.aws.faults().fail("PutItem", Times::N(2), Fault::Conflict);
    site.log_in(&ann).await;
}

#[tokio::test]
async fn a_transaction_that_never_gets_through_is_unavailable() {
    let site = Site::start().await;
    site.aws.faults().fail("TransactWriteItems", Times::Always, Fault::Conflict);
    let document = operations(&Actor::default(), "").remove(0).1;
    assert_unavailable(&site.graphql(&document, Value::Null).await, "register");
    assert_eq!(site.dump().await, [""; 0]);
}

#[tokio::test]
async fn the_site_asks_again_for_keys_that_the_table_leaves_out_of_a_batch() {
    let (site, ann, _) = on_a_site_with_ann().await;
    site.aws.faults().fail("BatchGetItem", Times::N(7), Fault::Unprocessed);
    assert_eq!(site.me(&ann).await.as_deref(), Some("ann"));
    site.aws.faults().fail("BatchGetItem", Times::Always, Fault::Unprocessed);
    let header = ann.authorization();
    let answer = site.graphql_as(Some(&header), "{ me { username } }", Value::Null).await;
    assert_unavailable(&answer, "me");
}
