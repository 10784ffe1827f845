use journeys::Site;

#[tokio::test]
async fn a_user_signs_up_verifies_logs_in_and_logs_out() {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    assert_eq!(site.me(&ann).await.as_deref(), Some("ann"));
    let ann = site.refreshed(&ann).await;
    assert_eq!(site.revoke_token(&ann.refresh).await["success"], true);
    assert_eq!(site.me(&ann).await, None);
    assert_eq!(site.refresh_token(&ann.refresh).await["success"], false);
}
