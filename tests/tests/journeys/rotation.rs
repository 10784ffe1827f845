//! A new secret, by the steps of docs/operate.md, and the data that a restored table brings back.

use axum::http::Method;
use journeys::{Actor, Site};

type Given = &'static [(&'static str, &'static str)];

const OLD: Given = &[];
const OLD_FIRST: Given = &[(
    "AUTH_SECRET",
    "a secret for tests that has more than 32 bytes, another secret for tests of as many bytes",
)];
const NEW_FIRST: Given = &[(
    "AUTH_SECRET",
    "another secret for tests of as many bytes, a secret for tests that has more than 32 bytes",
)];
const NEW: Given = &[("AUTH_SECRET", "another secret for tests of as many bytes")];

/// The steps of a rotation, in their order.
const STEPS: [Given; 4] = [OLD, OLD_FIRST, NEW_FIRST, NEW];

/// Ann's tokens are good, and so are those that they are refreshed to.
async fn goes_on(site: &Site, ann: &Actor) -> Actor {
    assert_eq!(site.me(ann).await.as_deref(), Some("ann"));
    let ann = site.refreshed(ann).await;
    assert_eq!(site.me(&ann).await.as_deref(), Some("ann"));
    ann
}

async fn is_out(site: &Site, ann: &Actor) -> bool {
    let refreshed = site.refresh_token(&ann.refresh).await;
    site.me(ann).await.is_none() && refreshed["success"] == false
}

async fn key_ids(site: &Site) -> Vec<String> {
    let answer = site.send(Method::GET, "/.well-known/jwks.json", &[], "").await.json();
    let keys = answer["keys"].as_array().into_iter().flatten();
    keys.map(|key| key["kid"].as_str().unwrap_or_default().to_owned()).collect()
}

#[tokio::test]
async fn between_two_steps_tokens_are_good_where_the_step_is_done_and_where_it_is_not() {
    let mut site = Site::start().await;
    let mut ann = site.signed_in("ann").await;
    for step in STEPS.windows(2) {
        site = site.restarted_with(step[0]);
        ann = goes_on(&site, &ann).await;
        site = site.restarted_with(step[1]);
        ann = goes_on(&site, &ann).await;
        site = site.restarted_with(step[0]);
        ann = goes_on(&site, &ann).await;
    }
}

#[tokio::test]
async fn between_two_steps_mailed_links_work() {
    for (step, name) in STEPS.windows(2).zip(["ann", "bob", "cleo"]) {
        let site = Site::with(step[0]).await;
        let actor = site.sign_up(name).await;
        let link = site.link_token(&actor.email()).await;
        let site = site.restarted_with(step[1]);
        assert_eq!(site.verify_account(&link).await["success"], true);
    }
}

#[tokio::test]
async fn a_key_is_published_before_it_signs_and_until_nothing_of_it_is_out() {
    let mut site = Site::start().await;
    let mut published = Vec::new();
    for step in STEPS {
        site = site.restarted_with(step);
        published.push(key_ids(&site).await);
    }
    let [old, new] = [&published[0][0], &published[3][0]];
    assert_ne!(old, new);
    assert_eq!(published[1..3], [vec![old.clone(), new.clone()], vec![new.clone(), old.clone()]]);
}

#[tokio::test]
async fn without_the_first_step_a_function_with_the_old_secret_refuses_new_tokens() {
    let site = Site::with(NEW_FIRST).await;
    let ann = site.signed_in("ann").await;
    let site = site.restarted_with(OLD);
    assert!(is_out(&site, &ann).await);
}

#[tokio::test]
async fn a_restored_table_brings_ended_sessions_back_and_a_new_secret_alone_ends_all() {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    let before = site.all_items().await;
    assert_eq!(site.revoke_token(&ann.refresh).await["success"], true);
    assert!(is_out(&site, &ann).await);

    site.restore(&before).await;
    assert_eq!(site.me(&ann).await.as_deref(), Some("ann"));

    let site = site.restarted_with(NEW);
    assert!(is_out(&site, &ann).await);
    goes_on(&site, &site.log_in(&ann).await).await;
}
