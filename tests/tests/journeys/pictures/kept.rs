//! For how long a picture is kept, and who sees it.

use std::sync::Arc;

use accounts::AuthError;
use accounts::model::PlainPassword;
use image::ImageFormat;
use jiff::SignedDuration;
use journeys::{PASSWORD, Site, show};

use super::files::{file, flag, png};
use super::start_with_picture;

#[tokio::test]
async fn a_new_picture_takes_the_place_of_the_old_one() {
    let (site, ann, old) = start_with_picture().await;
    let url = site.picture_url(&ann).await.unwrap();
    site.set_picture(&ann, file(&flag(2, 2), ImageFormat::Gif)).await.unwrap();
    let new = site.picture_key(&ann).await.unwrap();
    assert_ne!(new, old);
    assert_eq!(site.objects().await, [new]);
    assert_eq!(show(&url).await.status, 404);
}

#[tokio::test]
async fn a_picture_can_be_taken_away_more_than_once() {
    let (site, ann, _) = start_with_picture().await;
    let caller = site.caller(&ann).await;
    for _ in 0..2 {
        site.accounts.remove_picture(&caller).await.unwrap();
        assert_eq!(site.picture_key(&ann).await, None);
        assert_eq!(site.picture_url(&ann).await, None);
        assert_eq!(site.objects().await, [""; 0]);
    }
    site.set_picture(&ann, png()).await.unwrap();
    assert_eq!(site.picture(&ann).await.status, 200);
}

#[tokio::test]
async fn the_url_of_a_picture_works_for_an_hour_and_is_the_same_for_half_of_it() {
    let site = Site::with(&[("ACCESS_TOKEN_LIFETIME", "86400")]).await;
    let ann = site.signed_in("ann").await;
    site.set_picture(&ann, png()).await.unwrap();
    let first = site.picture_url(&ann).await.unwrap();
    assert!(first.starts_with(&format!("{}/latchkey-pictures/", site.aws.endpoint_url())));
    site.advance(SignedDuration::from_mins(29));
    assert_eq!(site.picture_url(&ann).await.as_ref(), Some(&first));
    site.advance(SignedDuration::from_mins(60));
    assert_eq!(show(&first).await.status, 200);
    site.advance(SignedDuration::from_secs(61));
    assert_eq!(show(&first).await.status, 403);
    assert_eq!(site.picture(&ann).await.status, 200);
}

#[tokio::test]
async fn the_url_of_a_picture_asks_nothing_of_anybody() {
    let (site, ann, _) = start_with_picture().await;
    let user = site.caller(&ann).await.user;
    site.aws.tally().start();
    site.accounts.picture_url(&user).await.unwrap().unwrap();
    assert_eq!(site.aws.tally().take(), []);
}

#[tokio::test]
async fn a_permanently_deleted_user_leaves_no_picture() {
    let site = Arc::new(Site::with(&[("ALLOW_DELETE_ACCOUNT", "true")]).await);
    let (ann, bob) = (site.signed_in("ann").await, site.signed_in("bob").await);
    site.set_picture(&ann, png()).await.unwrap();
    site.set_picture(&bob, png()).await.unwrap();
    let caller = site.caller(&ann).await;
    site.accounts.delete_account(&caller, PlainPassword::new(PASSWORD)).await.unwrap();
    assert_eq!(site.objects().await, [site.picture_key(&bob).await.unwrap()]);
    // An upload that comes too late leaves nothing either.
    let late = site.accounts.set_picture(&caller, png()).await;
    assert!(matches!(late, Err(AuthError::Unauthenticated)), "{late:?}");
    let late = site.accounts.remove_picture(&caller).await;
    assert!(matches!(late, Err(AuthError::Unauthenticated)), "{late:?}");
    assert_eq!(site.objects().await, [site.picture_key(&bob).await.unwrap()]);
}

#[tokio::test]
async fn a_deletion_does_not_overlook_a_picture_that_came_meanwhile() {
    let site = Arc::new(Site::with(&[("ALLOW_DELETE_ACCOUNT", "true")]).await);
    let ann = site.signed_in("ann").await;
    let before = site.caller(&ann).await;
    site.set_picture(&ann, png()).await.unwrap();
    site.accounts.delete_account(&before, PlainPassword::new(PASSWORD)).await.unwrap();
    assert_eq!(site.objects().await, [""; 0]);
}

#[tokio::test]
async fn an_account_that_is_only_made_inactive_keeps_its_picture() {
    let (site, ann, key) = start_with_picture().await;
    let caller = site.caller(&ann).await;
    site.accounts.delete_account(&caller, PlainPassword::new(PASSWORD)).await.unwrap();
    assert_eq!(site.objects().await, [key]);
}

#[tokio::test]
async fn an_unverified_user_may_have_a_picture() {
    let site = Site::start().await;
    let ann = site.sign_up("ann").await;
    site.set_picture(&ann, png()).await.unwrap();
    assert_eq!(site.picture(&ann).await.status, 200);
}

#[tokio::test]
async fn without_a_bucket_there_are_no_pictures() {
    let (site, ann, _) = start_with_picture().await;
    let site = Arc::into_inner(site).unwrap().restarted_with(&[("PICTURES_BUCKET", "")]);
    let caller = site.caller(&ann).await;
    let set = site.accounts.set_picture(&caller, png()).await;
    let removed = site.accounts.remove_picture(&caller).await;
    for refused in [set, removed] {
        let Err(error) = refused else { panic!("done") };
        assert_eq!(
            (error.code(), &*error.to_string()),
            ("pictures_off", "This site keeps no pictures.")
        );
    }
    assert_eq!(site.picture_url(&ann).await, None);
    site.accounts.delete_account(&caller, PlainPassword::new(PASSWORD)).await.unwrap();
}
