//! A requirement with a day from which it holds.

use jiff::{SignedDuration, Timestamp};
use journeys::Site;

use super::{add_app, first_step, is_honoured, outcome};

/// The tests start at noon of the day before.
const TOMORROW: &[(&str, &str)] = &[("MFA_REQUIRED", "all from 2026-03-02")];

/// Five minutes before the day.
async fn before_the_day() -> Site {
    let site = Site::with(TOMORROW).await;
    site.advance(SignedDuration::from_mins(12 * 60 - 5));
    site
}

#[tokio::test]
async fn before_the_day_log_ins_go_as_ever_and_from_then_on_sessions_without_the_factor_end() {
    let site = Site::with(TOMORROW).await;
    let ann = site.signed_in("ann").await;
    let day: Timestamp = "2026-03-02T00:00:00Z".parse().unwrap();
    let caller = site.caller(&ann).await;
    assert_eq!(site.accounts.second_factor_due(&caller), Some(day));
    site.advance(day.duration_since(site.now()) - SignedDuration::from_secs(1));
    assert_eq!(outcome(&site, "ann").await, "session");
    let ann = site.refreshed(&ann).await;
    site.advance(SignedDuration::from_secs(1));
    assert!(!is_honoured(&site, &ann).await);
    assert_eq!(site.refresh_token(&ann.refresh).await["success"], false);
    add_app(&site, &first_step(&site, "ann").await).await.unwrap();
}

#[tokio::test]
async fn a_user_who_has_added_a_factor_in_time_notices_nothing() {
    let site = before_the_day().await;
    let ann = site.signed_in("ann").await;
    let secured = crate::second_factor::secure(&site, &ann).await;
    let caller = site.caller(&secured.ann).await;
    assert_eq!(site.accounts.second_factor_due(&caller), None);
    site.advance(SignedDuration::from_mins(10));
    let ann = site.assert_goes_on(&secured.ann).await;
    assert!(is_honoured(&site, &ann).await);
    assert_eq!(outcome(&site, "ann").await, "second_factor_required");
}

/// The grace is also for those who take a factor off again.
#[tokio::test]
async fn before_the_day_the_last_factor_can_be_removed_and_after_it_not() {
    let site = before_the_day().await;
    let ann = site.signed_in("ann").await;
    let secured = crate::second_factor::secure(&site, &ann).await;
    let caller = site.caller(&secured.ann).await;
    site.accounts.remove_app(&caller).await.unwrap();
    let secured = crate::second_factor::secure(&site, &secured.ann).await;
    site.advance(SignedDuration::from_mins(10));
    let ann = secured.ann;
    let code = secured.phone.code(&site);
    let caller = site.caller(&ann).await;
    let proof = accounts::operations::second_factor::StepUp::Code(code);
    let next = site.accounts.step_up(&caller, proof).await.unwrap();
    let caller = site.accounts.authenticate(&next.access).await.unwrap();
    assert_eq!(super::code(site.accounts.remove_app(&caller).await), "last_factor");
}
