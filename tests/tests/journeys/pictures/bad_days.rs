//! The objects that are left of a picture after a failure, or after several uploads at once.

use accounts::AuthError;
use embedded::{Fault, Gate, Times};
use journeys::at_once;

use super::files::png;
use super::{assert_unchanged, start_with_picture};

fn assert_unavailable(result: &Result<(), AuthError>) {
    assert!(matches!(result, Err(AuthError::Unavailable(_))), "{result:?}");
}

#[tokio::test]
async fn an_upload_that_fails_leaves_the_old_picture() {
    for fault in [Fault::Dropped, Fault::Throttled, Fault::InternalError, Fault::Rejected] {
        let (site, ann, old) = start_with_picture().await;
        site.aws.faults().fail("s3:PutObject", Times::Always, fault.clone());
        assert_unavailable(&site.set_picture(&ann, png()).await);
        assert_unchanged(&site, &ann, &old).await;
        site.end_faults().await;
        site.set_picture(&ann, png()).await.unwrap();
        assert_eq!(site.objects().await.len(), 1, "{fault:?}");
    }
}

#[tokio::test]
async fn an_upload_whose_answer_is_lost_is_tried_again() {
    let (site, ann, _) = start_with_picture().await;
    site.aws.faults().fail("s3:PutObject", Times::N(1), Fault::AnswerLost);
    site.aws.faults().fail("s3:DeleteObject", Times::N(1), Fault::AnswerLost);
    site.set_picture(&ann, png()).await.unwrap();
    let key = site.picture_key(&ann).await.unwrap();
    assert_unchanged(&site, &ann, &key).await;
}

#[tokio::test]
async fn when_the_table_breaks_off_after_the_upload_the_new_object_goes() {
    // As often as the SDK tries.
    for (fault, tries) in [
        (Fault::Dropped, 3),
        (Fault::Throttled, 3),
        (Fault::InternalError, 3),
        (Fault::Rejected, 1),
    ] {
        let (site, ann, old) = start_with_picture().await;
        site.aws.faults().fail("TransactWriteItems", Times::N(tries), fault);
        assert_unavailable(&site.set_picture(&ann, png()).await);
        assert_unchanged(&site, &ann, &old).await;
    }
}

#[tokio::test]
async fn a_write_that_lands_after_its_object_was_taken_back_changes_nothing() {
    let (site, ann, old) = start_with_picture().await;
    site.aws.faults().fail("TransactWriteItems", Times::N(3), Fault::Dropped);
    let gate = Gate::new();
    site.aws.faults().fail("s3:DeleteObject", Times::N(1), Fault::Held(gate.clone()));
    let taken_back = async {
        gate.arrived(1).await;
        let new = site.objects().await.into_iter().find(|key| *key != old);
        gate.open();
        new.unwrap()
    };
    let (answer, new) = tokio::join!(site.set_picture(&ann, png()), taken_back);
    assert_unavailable(&answer);
    let user = site.store.user(ann.user_id()).await.unwrap().unwrap();
    site.store.set_picture(&user, &new).await.unwrap();
    assert_unchanged(&site, &ann, &old).await;
    site.set_picture(&ann, png()).await.unwrap();
    let next = site.picture_key(&ann).await.unwrap();
    assert_unchanged(&site, &ann, &next).await;
}

#[tokio::test]
async fn while_it_is_not_settled_whether_an_object_is_referred_to_it_stays() {
    let (site, ann, old) = start_with_picture().await;
    site.aws.faults().fail("TransactWriteItems", Times::Always, Fault::Dropped);
    site.aws.faults().fail("UpdateItem", Times::Always, Fault::Dropped);
    assert_unavailable(&site.set_picture(&ann, png()).await);
    site.end_faults().await;
    assert_eq!(site.picture_key(&ann).await.as_ref(), Some(&old));
    assert_eq!(site.objects().await.len(), 2);
}

#[tokio::test]
async fn a_picture_that_is_replaced_or_removed_is_deleted_once() {
    let (site, ann, _) = start_with_picture().await;
    let caller = site.caller(&ann).await;
    for is_removed in [false, true] {
        site.aws.tally().start();
        if is_removed {
            site.accounts.remove_picture(&caller).await.unwrap();
        } else {
            site.accounts.set_picture(&caller, png()).await.unwrap();
        }
        let mut calls = site.aws.tally().take();
        calls.retain(|call| call.operation == "DeleteObject");
        assert_eq!(calls.len(), 1, "{is_removed}");
    }
}

#[tokio::test]
async fn when_the_table_answers_nothing_any_more_an_object_may_be_left_but_none_is_missing() {
    let (site, ann, old) = start_with_picture().await;
    let caller = site.caller(&ann).await;
    site.aws.faults().fail("dynamodb:*", Times::Always, Fault::Dropped);
    assert_unavailable(&site.accounts.set_picture(&caller, png()).await);
    site.end_faults().await;
    assert_eq!(site.picture_key(&ann).await.as_ref(), Some(&old));
    assert_eq!(site.picture(&ann).await.status, 200);
    assert_eq!(site.objects().await.len(), 2);
}

#[tokio::test]
async fn a_change_whose_answers_are_lost_took_place() {
    // Tried again, and given up on.
    for lost in [1, 3] {
        let (site, ann, old) = start_with_picture().await;
        site.aws.faults().fail("TransactWriteItems", Times::N(lost), Fault::AnswerLost);
        site.set_picture(&ann, png()).await.unwrap();
        let new = site.picture_key(&ann).await.unwrap();
        assert_ne!(new, old);
        assert_unchanged(&site, &ann, &new).await;
    }
}

#[tokio::test]
async fn an_old_object_that_cannot_be_deleted_fails_nothing() {
    let (site, ann, old) = start_with_picture().await;
    site.aws.faults().fail("s3:DeleteObject", Times::Always, Fault::Rejected);
    site.set_picture(&ann, png()).await.unwrap();
    assert_ne!(site.picture_key(&ann).await.unwrap(), old);
    site.accounts.remove_picture(&site.caller(&ann).await).await.unwrap();
    assert_eq!(site.picture_key(&ann).await, None);
    assert_eq!(site.objects().await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_ten_pictures_at_once_one_stays_and_the_others_go() {
    let (site, ann, old) = start_with_picture().await;
    let caller = site.caller(&ann).await;
    // All of them are there before the first is referred to.
    let gate = Gate::new();
    site.aws.faults().fail("TransactWriteItems", Times::N(10), Fault::Held(gate.clone()));
    let jobs = at_once(10, |_| {
        let (site, caller) = (site.clone(), caller.clone());
        async move { site.accounts.set_picture(&caller, png()).await }
    });
    let opened = async {
        gate.arrived(10).await;
        assert_eq!(site.objects().await.len(), 11);
        gate.open();
    };
    let (answers, ()) = tokio::join!(jobs, opened);
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    let last = site.picture_key(&ann).await.unwrap();
    assert_ne!(last, old);
    assert_unchanged(&site, &ann, &last).await;
}
