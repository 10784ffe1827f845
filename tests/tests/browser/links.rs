//! Links that have expired.

use accounts::model::Purpose;
use journeys::PASSWORD;

use crate::browser::Browser;
use crate::product::Product;

#[tokio::test(flavor = "multi_thread")]
async fn an_old_link_is_answered_with_a_button_that_mails_a_new_one() {
    let (product, browser) = (Product::start().await, Browser::start().await);
    product.sign_up().await;
    let link = product.mailed_link(&browser, 1).await;
    browser.open(&product.expired(&link, Purpose::Activation).await).await;
    browser.assert_heading("This link is too old").await;
    browser.click("button").await;
    browser.assert_heading("Check your email").await;
    product.mailed_link(&browser, 2).await;
    assert!(!product.is_let_in(PASSWORD).await);
    browser.click("summary").await;
    browser.click("article pre a").await;
    browser.click("button").await;
    browser.assert_heading("Your address is confirmed").await;
    assert!(product.is_let_in(PASSWORD).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_used_reset_link_leads_to_the_page_that_mails_another() {
    let (product, browser) = (Product::start().await, Browser::start().await);
    browser.open(&product.url("/password-reset/garbage")).await;
    browser.assert_heading("This link is not valid").await;
    browser.click("main a").await;
    browser.assert_heading("Forgot your password?").await;
}
