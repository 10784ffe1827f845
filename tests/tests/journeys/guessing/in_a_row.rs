//! Wrong passwords in a row disable a password.

use jiff::SignedDuration;
use journeys::PASSWORD;

use super::{HERE, THERE, address, device_token, guess, with_ann, with_token};

#[tokio::test]
async fn a_hundred_wrong_passwords_in_a_row_disable_a_password_and_notify_its_user() {
    let (site, ann) = with_ann().await;
    let token = device_token(&site, "ann").await;
    let mut result = Vec::new();
    for number in 1..=100 {
        let wait = SignedDuration::from_mins(16);
        site.advance(wait);
        assert_eq!(guess(&site, &address(number), "ann", "not it").await, "invalid_credentials");
        if [9, 10, 49, 50, 99, 100].contains(&number) {
            site.clean_up().await;
            let mails = site.mails_to(&ann.email()).await;
            let subjects = mails.iter().filter(|mail| mail.subject.contains("password"));
            result.push((number, subjects.map(|mail| mail.subject.clone()).collect::<Vec<_>>()));
        }
    }
    let warned = |times| vec!["Many wrong passwords for your account on Example".to_owned(); times];
    let disabled = [warned(2), vec!["Your password on Example is disabled".to_owned()]].concat();
    let expected = vec![
        (9, warned(0)),
        (10, warned(1)),
        (49, warned(1)),
        (50, warned(2)),
        (99, warned(2)),
        (100, disabled),
    ];
    assert_eq!(result, expected);
    // The account is locked by that. After the lock, the right password is answered as a wrong one.
    assert_eq!(guess(&site, HERE, "ann", PASSWORD).await, "throttled");
    site.advance(SignedDuration::from_hours(31 * 24));
    assert_eq!(guess(&site, HERE, "ann", PASSWORD).await, "invalid_credentials");
    assert_eq!(guess(&site, HERE, "ann", "not it").await, "invalid_credentials");
    // A device that the account knows logs in, and makes the password good again.
    assert_eq!(with_token(&site, "ann", &token).await, "ok");
    assert_eq!(guess(&site, THERE, "ann", PASSWORD).await, "ok");
}

#[tokio::test]
async fn a_reset_makes_another_password_good_for_one_that_is_disabled() {
    let (site, ann) = with_ann().await;
    for number in 1..=100 {
        site.advance(SignedDuration::from_mins(16));
        guess(&site, &address(number), "ann", "not it").await;
    }
    site.clean_up().await;
    site.mails_to(&ann.email()).await;
    site.send_password_reset(&ann.email()).await;
    let token = site.link_token(&ann.email()).await;
    let new = "zmxn73hhQQp";
    assert_eq!(site.reset_password(&token, new, new).await["success"], true);
    assert_eq!(guess(&site, THERE, "ann", new).await, "ok");
}

#[tokio::test]
async fn an_address_gets_two_warnings_of_guesses_a_day_and_the_next_ones_later() {
    let (site, ann) = with_ann().await;
    let warnings = async || {
        site.clean_up().await;
        let mails = site.mails_to(&ann.email()).await;
        mails.iter().filter(|mail| mail.subject.starts_with("Many wrong passwords")).count()
    };
    for _ in 0..4 {
        for number in 0..10 {
            let wrong = guess(&site, &address(number), "ann", "not it").await;
            assert_eq!(wrong, "invalid_credentials");
        }
        site.deliver_mail().await;
        site.advance(SignedDuration::from_hours(1));
        assert_eq!(guess(&site, HERE, "ann", PASSWORD).await, "ok");
    }
    assert_eq!(warnings().await, 2);
    site.advance(SignedDuration::from_hours(19));
    assert_eq!(warnings().await, 2);
    site.advance(SignedDuration::from_hours(3));
    assert_eq!(warnings().await, 4);
}
