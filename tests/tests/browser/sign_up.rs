//! The pages of an application in a browser: sign up, prove the address, log in, and go on in the application.

use crate::appearance::look_at;
use crate::browser::Browser;
use crate::product::Product;

const COOKIES: (&str, &str) = ("TOKENS_IN_COOKIES", "only");

/// Signs up Ann on the page that is open.
async fn sign_up(browser: &Browser, again: &str) {
    browser.fill_in("#email", "ann@example.com").await;
    browser.fill_in("#username", "ann").await;
    browser.fill_in("#password", journeys::PASSWORD).await;
    browser.fill_in("#again", again).await;
    browser.click("main button").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn users_sign_up_log_in_and_go_on_in_the_application_on_another_origin() {
    // Another port is another origin: that of the application.
    let (product, app) = (Product::with(&[COOKIES]).await, Product::start().await);
    let browser = Browser::start().await;
    let home = app.url("/mailbox");
    let query = format!("?next={home}");
    browser.open(&product.url(&format!("/login{query}"))).await;
    browser.assert_heading("Log in").await;
    look_at(&browser, "login").await;
    browser.click("main a[href*='/signup']").await;
    browser.assert_heading("Create an account").await;
    look_at(&browser, "signup").await;
    sign_up(&browser, "another").await;
    browser.wait_for_text("#again-error", "didn’t match").await;
    assert_eq!(browser.focus().await, "again");
    look_at(&browser, "signup-error").await;
    sign_up(&browser, journeys::PASSWORD).await;
    browser.assert_heading("Check your email").await;
    look_at(&browser, "signed-up").await;

    let link = product.mailed_link(&browser, 1).await;
    browser.open(&link).await;
    browser.click("main button").await;
    browser.assert_heading("Your address is confirmed").await;
    browser.open(&product.url(&format!("/login{query}"))).await;
    browser.fill_in("#name", "ann").await;
    browser.fill_in("#password", "wrong").await;
    browser.click("main button").await;
    browser.wait_for_text("#log-in-error", "The name or the password is wrong.").await;
    look_at(&browser, "login-wrong").await;
    assert_eq!(browser.cookies().await, [""; 0]);
    browser.fill_in("#password", journeys::PASSWORD).await;
    browser.click("main button").await;
    browser.assert_heading("Mailbox").await;
    assert_eq!(browser.address().await, home);
    browser.open(&product.url("/done/logged-in")).await;
    browser.assert_heading("You are logged in").await;
    let mut cookies = browser.cookies().await;
    cookies.sort();
    assert_eq!(cookies, ["JWT", "JWT-device", "JWT-refresh-token"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_of_an_application_can_be_seen_and_read_out_in_each_language() {
    let (product, browser) = (Product::with(&[COOKIES]).await, Browser::start().await);
    for language in ["de", "fa"] {
        for page in ["login", "signup", "done/signed-up", "done/logged-in"] {
            browser.open(&product.url(&format!("/{page}?lang={language}"))).await;
            browser.text("main h1").await;
            look_at(&browser, &format!("{}-{language}", page.replace('/', "-"))).await;
        }
    }
}
