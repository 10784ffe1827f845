//! Mails when a part fails: the function that sends them, SES, or the table.

use std::sync::Arc;

use accounts::store::{Claimed, Ending};
use embedded::{Fault, Gate, Times};
use jiff::SignedDuration;
use journeys::{Site, s};

use crate::mail::{LOOKED_AT, sent, use_up_the_retries, wait_for, with_a_due_mail};

/// Longer than a sender holds a mail.
const LEASE: SignedDuration = SignedDuration::from_secs(61);

/// The claim is an update, the flag of a first mail a transaction.
#[tokio::test]
async fn a_crash_between_send_and_mark_sends_the_same_link_and_code_again() {
    let site = with_a_due_mail().await;
    site.aws.faults().fail("TransactWriteItems", Times::Always, Fault::Dropped);
    assert_eq!(site.deliver_mail().await.retrying, 1);
    assert_eq!((sent(&site), site.mail_states().await), (1, vec!["sending".to_owned()]));
    site.end_faults().await;
    site.deliver_mail().await;
    assert_eq!(sent(&site), 1, "before the lease is over");

    site.advance(LOOKED_AT);
    assert_eq!(site.clean_up().await.mails, 1);
    let mails = site.mails_to("ann@example.com").await;
    let [first, second] = mails.as_slice() else { panic!("{mails:?}") };
    assert_eq!((&first.text, &first.html), (&second.text, &second.html));
    assert_eq!(site.mail_states().await, ["sent"]);
}

/// The sender has ended without a result.
#[tokio::test]
async fn a_mail_whose_sender_is_gone_goes_out_when_the_lease_is_over() {
    let site = with_a_due_mail().await;
    let id = site.item("MAIL#", "MAIL").await["id"].as_s().unwrap().parse().unwrap();
    let lease = SignedDuration::from_secs(60);
    let claimed = site.store.claim_mail(id, lease, site.now()).await.unwrap();
    assert!(matches!(claimed, Claimed::Yes(..)), "{claimed:?}");
    let event = site.mail_event().await;
    for (wait, expected) in [(0, 0), (59, 0), (1, 1)] {
        site.advance(SignedDuration::from_secs(wait));
        email_event::handle(site.outbox(), event.clone()).await;
        assert_eq!(sent(&site), expected, "{wait}");
    }
    // Had the first one only been slow, its end would change nothing.
    let claimed = site.store.claim_mail(id, lease, site.now()).await.unwrap();
    assert!(matches!(claimed, Claimed::Finished), "{claimed:?}");
}

#[tokio::test]
async fn a_mail_waits_for_ses_and_goes_out_by_the_streams_retries() {
    for fault in [Fault::Throttled, Fault::InternalError, Fault::Dropped] {
        let site = with_a_due_mail().await;
        site.aws.faults().fail("SendEmail", Times::Always, fault);
        for _ in 0..2 {
            assert_eq!(site.deliver_mail().await.retrying, 1);
        }
        site.end_faults().await;
        assert_eq!(site.deliver_mail().await.delivered, 1);
        assert_eq!((sent(&site), site.mail_states().await), (1, vec!["sent".to_owned()]));
    }
}

#[tokio::test]
async fn a_mail_that_goes_on_failing_goes_out_by_the_clean_up() {
    let site = with_a_due_mail().await;
    site.aws.faults().fail("SendEmail", Times::Always, Fault::InternalError);
    use_up_the_retries(&site).await;
    site.end_faults().await;
    site.deliver_mail().await;
    assert_eq!(sent(&site), 0, "no user has requested it again yet");

    site.advance(LOOKED_AT);
    assert_eq!(site.clean_up().await.mails, 1);
    site.deliver_mail().await;
    assert_eq!((sent(&site), site.mail_states().await), (1, vec!["sent".to_owned()]));
}

/// A first deployment: people put records into the DNS, and wait.
#[tokio::test]
async fn a_sender_that_ses_verifies_a_day_later_loses_no_mail() {
    let site = with_a_due_mail().await;
    site.aws.faults().fail("SendEmail", Times::Always, Fault::NotVerified);
    use_up_the_retries(&site).await;
    wait_for(&site, 24).await;
    assert_eq!(site.mail_states().await, ["sending"]);
    site.end_faults().await;
    wait_for(&site, 24).await;
    assert_eq!((sent(&site), site.mail_states().await), (1, vec!["sent".to_owned()]));
}

#[tokio::test]
async fn a_mail_that_cannot_be_sent_is_given_up_after_two_days_and_twelve_tries() {
    let site = with_a_due_mail().await;
    site.aws.faults().fail("SendEmail", Times::Always, Fault::NotVerified);
    use_up_the_retries(&site).await;
    wait_for(&site, 42).await;
    assert_eq!(site.mail_states().await, ["sending"]);
    wait_for(&site, 2).await;
    assert_eq!(site.mail_states().await, ["failed"]);
    assert_eq!(site.item("MAIL#", "MAIL").await["tries"].as_n().unwrap(), "12");
    let user = site.item("USER#", "USER").await;
    assert_eq!(user["mail_not_sent"], s("activation"));
    let heard = journeys::log::metrics();
    let failed = heard.iter().filter(|line| line["Outcome"] == "failed").count();
    let stuck = heard.iter().filter(|line| line["Outcome"] == "stuck").count();
    assert_eq!((failed, stuck), (1, 9), "three tries at once, nine later");
    site.end_faults().await;
    site.advance(SignedDuration::from_hours(6 * 24));
    wait_for(&site, 1).await;
    assert_eq!(sent(&site), 0);
}

/// Each time the function ends without a word.
#[tokio::test]
async fn a_mail_whose_sender_is_gone_again_and_again_is_given_up() {
    let site = with_a_due_mail().await;
    let id = site.item("MAIL#", "MAIL").await["id"].as_s().unwrap().parse().unwrap();
    for _ in 0..12 {
        let claimed = site.store.claim_mail(id, SignedDuration::ZERO, site.now()).await.unwrap();
        assert!(matches!(claimed, Claimed::Yes(..)), "{claimed:?}");
    }
    assert_eq!(site.deliver_mail().await.retrying, 0);
    assert_eq!((sent(&site), site.mail_states().await), (0, vec!["failed".to_owned()]));
}

/// Another function may have the mail by now.
#[tokio::test]
async fn a_sender_whose_lease_is_over_changes_nothing_but_that_it_sent_the_mail() {
    let site = with_a_due_mail().await;
    let id = site.item("MAIL#", "MAIL").await["id"].as_s().unwrap().parse().unwrap();
    let mut claims = Vec::new();
    for _ in 0..2 {
        let claimed = site.store.claim_mail(id, LEASE, site.now()).await.unwrap();
        let Claimed::Yes(claim, _) = claimed else { panic!("{claimed:?}") };
        claims.push(claim);
        site.advance(LEASE);
    }
    let before = site.item("MAIL#", "MAIL").await;
    site.store.release_mail(&claims[0]).await.unwrap();
    site.store.postpone_mail(&claims[0], 0).await.unwrap();
    for ending in [Ending::Dropped, Ending::Failed] {
        site.store.finish_mail(&claims[0], &ending, (None, &[])).await.unwrap();
    }
    assert_eq!(site.item("MAIL#", "MAIL").await, before);
    let ending = Ending::Sent("a name of SES's".to_owned());
    site.store.finish_mail(&claims[0], &ending, (None, &[])).await.unwrap();
    assert_eq!(site.mail_states().await, ["sent"]);
}

#[tokio::test]
async fn a_table_that_fails_in_the_middle_delays_a_mail_and_loses_none() {
    for operation in ["UpdateItem", "GetItem", "PutItem"] {
        for fault in [Fault::Dropped, Fault::Throttled, Fault::InternalError] {
            let site = with_a_due_mail().await;
            site.aws.faults().fail(operation, Times::N(3), fault.clone());
            assert_eq!(site.deliver_mail().await.retrying, 1, "{operation} {fault:?}");
            assert_eq!(sent(&site), 0);
            site.advance(LEASE);
            site.deliver_mail().await;
            assert_eq!(sent(&site), 1, "{operation} {fault:?}");
        }
    }
}

/// The SDK asks again, and finds the mail claimed: by itself.
#[tokio::test]
async fn a_claim_whose_answer_is_lost_is_known_again() {
    let site = with_a_due_mail().await;
    site.aws.faults().fail("UpdateItem", Times::N(1), Fault::AnswerLost);
    site.deliver_mail().await;
    assert_eq!((sent(&site), site.mail_states().await), (1, vec!["sent".to_owned()]));
}

/// The SDK asks again, and by then the mail is sent.
#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_is_written_twice_because_an_answer_is_lost_is_sent_once() {
    let site = Arc::new(Site::start().await);
    let ann = site.signed_in("ann").await;
    site.aws.mailbox().clear();
    let gate = Gate::new();
    site.aws.faults().fail("PutItem", Times::N(1), Fault::AnswerLost);
    site.aws.faults().fail("PutItem", Times::N(1), Fault::Held(gate.clone()));
    let asked = {
        let (site, email) = (site.clone(), ann.email());
        tokio::spawn(async move { site.send_password_reset(&email).await })
    };
    gate.arrived(1).await;
    site.deliver_mail().await;
    gate.open();
    assert_eq!(asked.await.unwrap()["success"], true);
    site.deliver_mail().await;
    assert_eq!(sent(&site), 1);
}

/// Whether SES has taken the mail cannot be known. It is sent again, as a lost mail is worse, but not before
/// the function has had its say.
#[tokio::test]
async fn a_mail_whose_answer_of_ses_is_lost_is_not_sent_again_by_the_sdk() {
    let site = with_a_due_mail().await;
    site.aws.faults().fail("SendEmail", Times::N(1), Fault::AnswerLost);
    assert_eq!(site.deliver_mail().await.retrying, 1);
    assert_eq!(sent(&site), 1);
    site.deliver_mail().await;
    let mails = site.mails_to("ann@example.com").await;
    let [first, second] = mails.as_slice() else { panic!("{mails:?}") };
    assert_eq!((&first.text, &first.html), (&second.text, &second.html));
}
