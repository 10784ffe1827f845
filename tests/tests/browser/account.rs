//! The pages of the own account in a browser: where the user is logged in, and what happened.

use crate::appearance::look_at;
use crate::browser::Browser;
use crate::product::Product;

const NEW: &str = "zmxn73hhQQp";

async fn log_in(product: &Product, browser: &Browser, password: &str) {
    browser.open(&product.url("/account")).await;
    browser.fill_in("#name", "ann").await;
    browser.fill_in("#password", password).await;
    browser.click("main button").await;
}

/// Ann, who has logged in to her account.
async fn with_ann(product: &Product, browser: &Browser) {
    product.sign_up().await;
    let link = product.mailed_link(browser, 1).await;
    browser.open(&link).await;
    browser.click("button").await;
    browser.assert_heading("Your address is confirmed").await;
    log_in(product, browser, journeys::PASSWORD).await;
    browser.assert_heading_2("Settings").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn users_change_their_names_their_address_and_their_password_and_delete_the_account() {
    let (product, browser) = (Product::start().await, Browser::start().await);
    with_ann(&product, &browser).await;
    browser.click("a[href$='/account/profile']").await;
    browser.fill_in("#first_name", "Ann").await;
    browser.click("main button").await;
    browser.wait_for_text(".done", "Your name is saved.").await;

    browser.click("a[href$='/account/email']").await;
    browser.fill_in("#email", "ann@elsewhere.example").await;
    browser.click("main button").await;
    browser.wait_for_text(".done", "on its way to the new address").await;

    browser.click("a[href$='/account/password']").await;
    browser.fill_in("#password", "wrong").await;
    browser.fill_in("#new_password", NEW).await;
    browser.fill_in("#again", NEW).await;
    browser.click("main button").await;
    browser.wait_for_text("#password-error", "That password is wrong.").await;
    assert_eq!(browser.focus().await, "password");
    look_at(&browser, "account-password-wrong").await;
    browser.fill_in("#password", journeys::PASSWORD).await;
    browser.fill_in("#new_password", NEW).await;
    browser.fill_in("#again", NEW).await;
    browser.click("main button").await;
    browser.assert_heading("Your password is set").await;

    log_in(&product, &browser, NEW).await;
    browser.click("a[href$='/account/delete']").await;
    browser.fill_in("#name", "Anna").await;
    browser.fill_in("#password", NEW).await;
    browser.click("main button").await;
    browser.wait_for_text("#name-error", "That is not the username.").await;
    look_at(&browser, "account-delete-wrong").await;
    browser.fill_in("#name", "ann").await;
    browser.fill_in("#password", NEW).await;
    browser.click("main button").await;
    browser.assert_heading("Your account is deleted").await;
    look_at(&browser, "account-deleted").await;
    assert!(!product.is_let_in(NEW).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_of_changes_can_be_seen_and_read_out_in_each_language() {
    let (product, browser) = (Product::start().await, Browser::start().await);
    with_ann(&product, &browser).await;
    for language in ["en", "de", "fa"] {
        for change in ["profile", "password", "email", "second-email", "delete"] {
            browser.open(&product.url(&format!("/account/{change}?lang={language}"))).await;
            browser.text("main button").await;
            look_at(&browser, &format!("account-{change}-{language}")).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn users_upload_a_picture_and_see_it() {
    let (product, browser) = (Product::start().await, Browser::start().await);
    with_ann(&product, &browser).await;
    for language in ["de", "fa", "en"] {
        browser.open(&product.url(&format!("/account/picture?lang={language}"))).await;
        browser.text("main button").await;
        look_at(&browser, &format!("account-picture-{language}")).await;
    }
    let picture = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/images/mailbox.webp");
    let picture = std::fs::canonicalize(picture).expect("a picture");
    browser.choose_file("#picture", &picture.to_string_lossy()).await;
    browser.click("main button").await;
    browser.wait_for_text(".done", "Your picture is saved.").await;
    browser.open(&product.url("/account/picture")).await;
    // The policy of the page lets the browser load it from the bucket.
    let width = "return document.querySelector('main img').decode()
                     .then(() => document.querySelector('main img').naturalWidth, () => 0)";
    assert!(browser.run(width).await.as_u64() > Some(0), "the picture is shown");
    browser.click("form[action*=remove-picture] button").await;
    browser.wait_for_text(".done", "Your picture is removed.").await;
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
