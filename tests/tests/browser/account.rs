//! The pages of the own account in a browser: where the user is logged in, and what happened.

use crate::appearance::look_at;
use crate::browser::Browser;
use crate::product::Product;

async fn log_in(product: &Product, browser: &Browser, password: &str) {
    browser.open(&product.url("/account")).await;
    browser.fill_in("#name", "ann").await;
    browser.fill_in("#password", password).await;
    browser.click("main button").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn users_see_where_they_are_logged_in_and_log_out_there() {
    let product = Product::start().await;
    let browser = Browser::start().await;
    product.sign_up().await;
    let link = product.mailed_link(&browser, 1).await;
    browser.open(&link).await;
    browser.click("button").await;
    browser.assert_heading("Your address is confirmed").await;
    let ann = product.log_in(journeys::PASSWORD).await;

    log_in(&product, &browser, "wrong").await;
    browser.wait_for_text("#log-in-error", "The name or the password is wrong.").await;
    look_at(&browser, "account-log-in").await;
    log_in(&product, &browser, journeys::PASSWORD).await;
    browser.assert_heading_2("Where you are logged in").await;
    look_at(&browser, "account").await;
    assert!(product.is_me(&ann).await);
    browser.click("form[action*=end-other-sessions] button").await;
    browser.wait_for_text(".done", "You are logged out everywhere else.").await;
    assert!(!product.is_me(&ann).await, "the next request is refused");

    browser.fill_in("#password", "wrong").await;
    browser.click("form[action*=data] button").await;
    browser.wait_for_text("#password-error", "That password is wrong.").await;
    look_at(&browser, "account-wrong-password").await;

    for (language, heading) in [("de", "Ihr Konto"), ("fa", "حساب شما")] {
        browser.click(&format!("footer a[hreflang={language}]")).await;
        browser.assert_heading(heading).await;
        look_at(&browser, &format!("account-{language}")).await;
    }
    browser.open(&product.url("/account/activity")).await;
    browser.assert_heading("Recent activity").await;
    look_at(&browser, "account-activity").await;
    browser.click("main a[href$='/account']").await;
    browser.click("form[action*=log-out] button").await;
    browser.assert_heading("Your account").await;
    browser.open(&product.url("/account/activity")).await;
    browser.text("#password").await;
}
