//! Passkeys in a browser, with the virtual authenticator of WebDriver.

use std::time::{Duration, Instant};

use crate::appearance::look_at;
use crate::browser::Browser;
use crate::product::Product;
use crate::second_factor::{log_in, verified};

/// Longer than a signal to the authenticator takes.
const LONG: Duration = Duration::from_mins(1);
const PAGE: &str = "/account/passkeys";

/// Adds a passkey from the page with the list.
async fn add(browser: &Browser, name: &str) {
    browser.click("form[action*='/passkeys/begin'] button").await;
    browser.assert_heading("Add a passkey").await;
    if !name.is_empty() {
        browser.fill_in("#name", name).await;
    }
    browser.click("form[data-passkey=create] button").await;
}

async fn log_out(product: &Product, browser: &Browser) {
    browser.open(&product.url("/account")).await;
    browser.click("form[action*=log-out] button").await;
    browser.text("#password").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn users_add_a_passkey_log_in_by_it_and_remove_it() {
    let (product, browser) = (Product::start().await, Browser::start().await);
    verified(&product, &browser).await;
    // A session without a second factor stays.
    let other = Browser::start().await;
    log_in(&product, &other, "/account", "ann", journeys::PASSWORD).await;
    other.assert_heading_2("Where you are logged in").await;

    let device = browser.plug_in_authenticator().await;
    browser.know_pin(&device, false).await;
    log_in(&product, &browser, "/account", "ann", journeys::PASSWORD).await;
    browser.assert_heading_2("Where you are logged in").await;
    browser.click("main a[href*='/passkeys']").await;
    browser.assert_heading("Passkeys").await;
    look_at(&browser, "passkeys-none").await;
    // The user does not give the PIN.
    add(&browser, "Laptop").await;
    browser.wait_for_text("[data-when=cancelled]", "The browser gave no passkey.").await;
    look_at(&browser, "passkey-cancelled").await;
    browser.know_pin(&device, true).await;
    browser.click("form[data-passkey=create] button").await;
    browser.assert_heading("Recovery codes").await;
    browser.click("main a.button").await;
    browser.wait_for_text(".done", "The passkey is added.").await;
    browser.click("summary").await;
    look_at(&browser, "passkeys").await;
    assert!(browser.text("main .entries").await.contains("Laptop"));
    // The browser knows that it has one.
    add(&browser, "").await;
    browser.wait_for_text("[data-when=exists]", "This device has a passkey").await;
    look_at(&browser, "passkey-exists").await;

    // C15: the offer in the field for the name. The virtual authenticator takes it at once.
    browser.know_pin(&device, false).await;
    log_out(&product, &browser).await;
    look_at(&browser, "log-in-passkey").await;
    browser.know_pin(&device, true).await;
    browser.open(&product.url("/account")).await;
    browser.assert_heading_2("Where you are logged in").await;

    // The button. Without the PIN, the offer fails before.
    browser.know_pin(&device, false).await;
    log_out(&product, &browser).await;
    browser.click("form[data-passkey=get] button").await;
    browser.wait_for_text("[data-when=cancelled]", "The browser gave no passkey.").await;
    browser.know_pin(&device, true).await;
    browser.click("form[data-passkey=get] button").await;
    browser.assert_heading_2("Where you are logged in").await;

    // The second step after the password: it asks for no PIN.
    browser.know_pin(&device, false).await;
    log_out(&product, &browser).await;
    browser.fill_in("#name", "ann").await;
    browser.fill_in("#password", journeys::PASSWORD).await;
    browser.click("form[action$=log-in] button").await;
    browser.assert_heading("Confirm that it is you").await;
    look_at(&browser, "second-step-passkey").await;
    browser.click("form[data-passkey=get] button").await;
    browser.assert_heading_2("Where you are logged in").await;

    // On another device with the same passkey, in a session that has not proven it.
    let copy = other.plug_in_authenticator().await;
    let passkey = browser.passkeys(&device).await.remove(0);
    other.add_passkey(&copy, passkey).await;
    other.open(&product.url(PAGE)).await;
    other.click("summary").await;
    other.click("form[action*='/passkeys/remove'] button").await;
    other.assert_heading("Confirm that it is you").await;
    look_at(&other, "step-up-passkey").await;
    other.click("form[data-passkey=get] button").await;
    other.wait_for_text(".done", "The passkey is removed.").await;
    look_at(&other, "passkey-removed").await;
    // C16: the provider of the passkeys learns that none is left.
    let start = Instant::now();
    while !other.passkeys(&copy).await.is_empty() {
        assert!(start.elapsed() < LONG, "the signal removes the passkey");
    }
    assert!(product.is_let_in(journeys::PASSWORD).await);
    // The first device has not learned it. Its passkey is refused, and it keeps it: the site never says that it does not
    // know a passkey.
    log_out(&product, &browser).await;
    browser.know_pin(&device, true).await;
    browser.click("form[data-passkey=get] button").await;
    // A log-in would lead on. The page that answers offers the passkey once more, and the device gives it again.
    let start = Instant::now();
    while !browser.address().await.contains("/log-in/passkey") {
        assert!(start.elapsed() < LONG, "the passkey is refused");
    }
    browser.know_pin(&device, false).await;
    assert_eq!(browser.passkeys(&device).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_of_passkeys_can_be_read_in_each_language() {
    let (product, browser) = (Product::start().await, Browser::start().await);
    verified(&product, &browser).await;
    let device = browser.plug_in_authenticator().await;
    log_in(&product, &browser, "/account", "ann", journeys::PASSWORD).await;
    browser.assert_heading_2("Where you are logged in").await;
    for language in ["de", "fa"] {
        let look = async |name: &str| look_at(&browser, &format!("{name}-{language}")).await;
        let page = product.url(&format!("{PAGE}?lang={language}"));
        browser.open(&page).await;
        look("passkeys-none").await;
        browser.click("form[action*='/passkeys/begin'] button").await;
        browser.text("#name-hint").await;
        look("passkey-new").await;
        browser.click("form[data-passkey=create] button").await;
        browser.text(".codes code").await;
        browser.click("main a.button").await;
        browser.text(".done").await;
        browser.click("summary").await;
        look("passkeys").await;
        browser.click("form[action*='/passkeys/remove'] button").await;
        browser.text("[data-accepted-passkeys], .done").await;
        browser.know_pin(&device, false).await;
        let start = Instant::now();
        while !browser.passkeys(&device).await.is_empty() {
            assert!(start.elapsed() < LONG, "the signal removes the passkey");
        }
        browser.know_pin(&device, true).await;
    }
    browser.know_pin(&device, false).await;
    log_out(&product, &browser).await;
    for language in ["de", "fa"] {
        browser.open(&product.url(&format!("/account?lang={language}"))).await;
        look_at(&browser, &format!("log-in-passkey-{language}")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn staff_open_the_console_by_a_passkey() {
    let (product, browser) = (Product::start().await, Browser::start().await);
    product.create_superuser("boss", "zmxn73hhQQp and more").await;
    browser.plug_in_authenticator().await;
    log_in(&product, &browser, "/account", "boss", "zmxn73hhQQp and more").await;
    browser.assert_heading_2("Where you are logged in").await;
    browser.open(&product.url(PAGE)).await;
    add(&browser, "Key").await;
    browser.assert_heading("Recovery codes").await;
    browser.open(&product.url("/admin")).await;
    browser.assert_heading("Overview").await;
}
