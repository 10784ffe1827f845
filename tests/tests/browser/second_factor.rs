//! The second factor in a browser: an app is added, asked for, and removed.

use accounts::clock::Clock;
use totp_rs::Totp;

use crate::appearance::look_at;
use crate::browser::Browser;
use crate::product::Product;

/// Sends the form with the password, and waits for no answer: a page that is opened before the answer ends the log-in.
pub(crate) async fn log_in(
    product: &Product,
    browser: &Browser,
    root: &str,
    name: &str,
    password: &str,
) {
    browser.open(&product.url(root)).await;
    browser.fill_in("#name", name).await;
    browser.fill_in("#password", password).await;
    browser.click("main button").await;
}

/// Signs Ann up, and proves her address.
pub(crate) async fn verified(product: &Product, browser: &Browser) {
    product.sign_up().await;
    let link = product.mailed_link(browser, 1).await;
    browser.open(&link).await;
    browser.click("button").await;
    browser.assert_heading("Your address is confirmed").await;
}

/// The texts of all elements that the selector finds.
async fn texts(browser: &Browser, css: &str) -> Vec<String> {
    let script = format!("return [...document.querySelectorAll('{css}')].map(it => it.innerText)");
    let found = browser.run(&script).await;
    let found = found.as_array().expect("a list").iter();
    found.map(|text| text.as_str().expect("a text").to_owned()).collect()
}

/// The code that an authenticator app shows now, after it has read the QR code of the page.
async fn code(browser: &Browser) -> String {
    let uri = browser.run("return document.querySelector(\"a[href^='otpauth:']\").href").await;
    let app = Totp::from_url(uri.as_str().expect("a URI")).expect("the URI of an app");
    app.generate(Clock::System.now().as_second().unsigned_abs()).to_string()
}

/// Adds an app from the page of the account. Gives the recovery codes.
async fn add_app(browser: &Browser, look: bool) -> Vec<String> {
    browser.click("main a[href*='/second-factor']").await;
    browser.assert_heading("Second factor").await;
    if look {
        look_at(browser, "factor-off").await;
    }
    browser.click("form[action*='/second-factor/add'] button").await;
    browser.assert_heading("Add an authenticator app").await;
    if look {
        look_at(browser, "factor-app").await;
        browser.fill_in("#code", "000").await;
        browser.click("main button").await;
        browser.wait_for_text("#code-error", "That code is wrong.").await;
        look_at(browser, "factor-app-wrong").await;
    }
    browser.fill_in("#code", &code(browser).await).await;
    browser.click("main button").await;
    browser.assert_heading("Recovery codes").await;
    let codes = texts(browser, ".codes code").await;
    assert_eq!(codes.len(), 10);
    codes
}

#[tokio::test(flavor = "multi_thread")]
async fn users_add_an_app_log_in_by_two_steps_and_remove_it() {
    let (product, browser) = (Product::start().await, Browser::start().await);
    verified(&product, &browser).await;
    // A session without a second factor stays.
    let before = Browser::start().await;
    log_in(&product, &before, "/account", "ann", journeys::PASSWORD).await;
    before.assert_heading("Your account").await;

    log_in(&product, &browser, "/account", "ann", journeys::PASSWORD).await;
    browser.assert_heading_2("Where you are logged in").await;
    let codes = add_app(&browser, true).await;
    look_at(&browser, "factor-codes").await;
    browser.click("main a.button").await;
    browser.wait_for_text(".done", "The second factor is added.").await;
    look_at(&browser, "factor-added").await;
    browser.click("a[href*='/second-factor/remove']").await;
    browser.assert_heading("Remove the second factor").await;
    look_at(&browser, "factor-remove").await;
    for language in ["de", "fa"] {
        browser.open(&product.url(&format!("/account/second-factor?lang={language}"))).await;
        look_at(&browser, &format!("factor-on-{language}")).await;
    }
    browser.open(&product.url("/account")).await;
    look_at(&browser, "account-with-factor").await;
    browser.click("form[action*=log-out] button").await;

    log_in(&product, &browser, "/account", "ann", journeys::PASSWORD).await;
    browser.assert_heading("Enter a code").await;
    assert_eq!(browser.focus().await, "code");
    look_at(&browser, "second-step").await;
    browser.fill_in("#code", "000").await;
    browser.click("main button").await;
    browser.wait_for_text("#code-error", "That code is wrong").await;
    look_at(&browser, "second-step-wrong").await;
    browser.fill_in("#code", &codes[0].to_uppercase()).await;
    browser.click("main button").await;
    browser.assert_heading("Your account").await;
    assert!(browser.text("main .entries:last-of-type").await.contains("9 left"));

    // A session that has not proven the second factor asks for it.
    before.open(&product.url("/account/second-factor/remove")).await;
    before.click("main button").await;
    before.assert_heading("Confirm that it is you").await;
    look_at(&before, "step-up").await;
    before.fill_in("#code", "000").await;
    before.click("main button").await;
    before.wait_for_text("#code-error", "That code is wrong").await;
    look_at(&before, "step-up-wrong").await;
    before.fill_in("#code", &codes[1]).await;
    before.click("main button").await;
    before.wait_for_text(".done", "The second factor is removed.").await;
    look_at(&before, "factor-removed").await;
    assert!(product.is_let_in(journeys::PASSWORD).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_of_the_second_factor_can_be_read_in_each_language() {
    let (product, browser) = (Product::start().await, Browser::start().await);
    verified(&product, &browser).await;
    log_in(&product, &browser, "/account", "ann", journeys::PASSWORD).await;
    browser.assert_heading_2("Where you are logged in").await;
    for language in ["de", "fa"] {
        let look = async |name: &str| look_at(&browser, &format!("{name}-{language}")).await;
        browser.open(&product.url(&format!("/account/second-factor?lang={language}"))).await;
        look("factor-off").await;
        browser.click("form[action*='/second-factor/add'] button").await;
        browser.text(".secret").await;
        look("factor-app").await;
        browser.fill_in("#code", &code(&browser).await).await;
        browser.click("main button").await;
        browser.text(".codes code").await;
        look("factor-codes").await;
        let codes = texts(&browser, ".codes code").await;
        browser.click("main a.button").await;
        browser.text(".done").await;
        look("factor-added").await;

        let other = Browser::start().await;
        let account = format!("/account?lang={language}");
        log_in(&product, &other, &account, "ann", journeys::PASSWORD).await;
        other.fill_in("#code", "000").await;
        other.click("main button").await;
        other.text("#code-error").await;
        look_at(&other, &format!("second-step-{language}")).await;
        other.fill_in("#code", &codes[0]).await;
        other.click("main button").await;
        other.text("main .entries").await;
        browser.click("a[href*='/second-factor/remove']").await;
        browser.click("main button").await;
        browser.text(".done").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn staff_remove_the_second_factor_of_a_user_and_keep_it() {
    let (product, browser) = (Product::start().await, Browser::start().await);
    product.create_superuser("boss", "zmxn73hhQQp and more").await;
    verified(&product, &browser).await;
    log_in(&product, &browser, "/account", "ann", journeys::PASSWORD).await;
    add_app(&browser, false).await;

    let desk = Browser::start().await;
    log_in(&product, &desk, "/admin", "boss", "zmxn73hhQQp and more").await;
    desk.assert_heading("Overview").await;
    desk.fill_in("#q", "ann").await;
    desk.click(".search button").await;
    desk.assert_heading("ann").await;
    desk.click(".actions a[href*='/remove-second-factor']").await;
    desk.assert_heading("Remove the second factor").await;
    look_at(&desk, "console-remove-factor").await;
    desk.fill_in("#reason", "lost phone").await;
    desk.click("main form button").await;
    desk.wait_for_text(".done", "The second factor ends in three days").await;
    look_at(&desk, "console-factor-ends").await;
    browser.open(&product.url("/account/second-factor")).await;
    browser.text(".notice").await;
    look_at(&browser, "factor-ends").await;
    desk.click(".actions a[href*='/keep-second-factor']").await;
    desk.click("main form button").await;
    desk.wait_for_text(".done", "The second factor stays.").await;
}
