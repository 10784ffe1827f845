//! The look of every page, on a phone and on a desk, in light and in dark, and its form for users who cannot see it.

use std::path::PathBuf;

use accounts::model::Purpose;
use serde_json::json;

use crate::browser::{Browser, DESKTOP, PHONE};
use crate::product::Product;

const NEW: &str = "zmxn73hhQQp";

/// Looks at the page that is open: pictures of it for people, and what axe-core says.
pub(crate) async fn look_at(browser: &Browser, name: &str) {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../target/screenshots"));
    std::fs::create_dir_all(&folder).expect("a folder");
    for scheme in ["light", "dark"] {
        browser.prefer(scheme).await;
        for (window, size) in [("phone", PHONE), ("desktop", DESKTOP)] {
            browser.resize(size).await;
            let picture = folder.join(format!("{name}-{scheme}-{window}.png"));
            std::fs::write(picture, browser.screenshot().await).expect("a picture is written");
            let wrong = browser.violations().await;
            assert!(wrong.is_empty(), "{name}, {scheme}, {window}: {wrong:#?}");
            let overflow = browser.run(
                "return document.documentElement.scrollWidth - document.documentElement.clientWidth",
            );
            assert_eq!(overflow.await, 0, "{name} on a {window} is wider than that");
        }
    }
    let elsewhere = browser.run(
        "return performance.getEntriesByType('resource').map(part => part.name)
             .filter(name => !name.startsWith(location.origin))",
    );
    assert_eq!(elsewhere.await, json!([]), "{name} sends no request to another host");
}

/// Sends the form without the browser's own validation.
async fn send_form(browser: &Browser) {
    browser.run("document.querySelector('form').noValidate = true").await;
    browser.click("button").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_of_a_new_account_can_be_seen_and_read_out() {
    let product = Product::with(&[("APP_URL", "https://app.example")]).await;
    let browser = Browser::start().await;
    browser.open(&product.url("/")).await;
    look_at(&browser, "start").await;
    browser.open(&product.url("/mailbox")).await;
    look_at(&browser, "mailbox-empty").await;
    product.sign_up().await;
    // The page shows the mail without a reload.
    browser.assert_heading_2("Activate your account on Example").await;
    look_at(&browser, "mailbox").await;
    browser.picture("mailbox", (900, 600)).await;
    let link = product.mailed_link(&browser, 1).await;

    browser.open(&product.expired(&link, Purpose::Activation).await).await;
    browser.assert_heading("This link is too old").await;
    look_at(&browser, "too-old").await;
    browser.click("button").await;
    browser.assert_heading("Check your email").await;
    look_at(&browser, "sent-again").await;

    browser.open(&product.url("/activate/garbage")).await;
    browser.assert_heading("This link is not valid").await;
    look_at(&browser, "invalid").await;
    browser.open(&product.url("/activate")).await;
    browser.assert_heading("Enter your code").await;
    look_at(&browser, "code").await;
    browser.fill_in("#email", "ann@example.com").await;
    browser.fill_in("#code", "no code").await;
    send_form(&browser).await;
    browser.text("#code-error").await;
    look_at(&browser, "code-error").await;

    browser.open(&link).await;
    browser.assert_heading("Confirm your address").await;
    look_at(&browser, "confirm").await;
    browser.picture("account-page", (390, 430)).await;
    browser.click("button").await;
    browser.assert_heading("Your address is confirmed").await;
    look_at(&browser, "confirmed").await;
    browser.open(&link).await;
    browser.assert_heading("Your address was confirmed before").await;
    look_at(&browser, "confirmed-before").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_about_passwords_can_be_seen_and_read_out() {
    let product = Product::with(&[("APP_URL", "https://app.example")]).await;
    let browser = Browser::start().await;
    product.sign_up().await;
    product.mailed_link(&browser, 1).await;
    browser.open(&product.url("/password-reset")).await;
    browser.assert_heading("Forgot your password?").await;
    look_at(&browser, "forgot").await;
    browser.fill_in("#email", "nobody").await;
    send_form(&browser).await;
    browser.text("#email-error").await;
    look_at(&browser, "forgot-error").await;
    browser.fill_in("#email", "ann@example.com").await;
    browser.click("button").await;
    browser.assert_heading("Check your email").await;
    look_at(&browser, "forgot-sent").await;

    let link = product.mailed_link(&browser, 2).await;
    browser.open(&link).await;
    browser.assert_heading("Choose a new password").await;
    look_at(&browser, "reset").await;
    for (password, again, error) in
        [("1234567", "1234567", "password"), (NEW, "another one", "again")]
    {
        browser.fill_in("#password", password).await;
        browser.fill_in("#again", again).await;
        send_form(&browser).await;
        browser.text(&format!("#{error}-error")).await;
        look_at(&browser, &format!("reset-error-{error}")).await;
    }
    browser.fill_in("#password", NEW).await;
    browser.fill_in("#again", NEW).await;
    browser.click("button").await;
    browser.assert_heading("Your password is set").await;
    look_at(&browser, "reset-done").await;
}

/// German words are long, and Persian runs from right to left.
#[tokio::test(flavor = "multi_thread")]
async fn the_pages_can_be_seen_and_read_out_in_each_language() {
    let product = Product::with(&[("APP_URL", "https://app.example")]).await;
    let browser = Browser::start().await;
    product.sign_up().await;
    let link = product.mailed_link(&browser, 1).await;
    for (language, name, titles) in [
        (
            "de",
            "Deutsch",
            ["Ihre Adresse bestätigen", "Passwort vergessen?", "Sehen Sie in Ihr Postfach"],
        ),
        (
            "fa",
            "فارسی",
            ["نشانی خود را تأیید کنید", "گذرواژه را فراموش کرده‌اید؟", "ایمیل خود را ببینید"],
        ),
    ] {
        let [confirm, forgot, sent] = titles;
        browser.open(&link).await;
        browser.click(&format!("footer a[hreflang={language}]")).await;
        browser.assert_heading(confirm).await;
        assert_eq!(browser.text("footer [aria-current]").await, name);
        look_at(&browser, &format!("confirm-{language}")).await;
        browser.open(&product.url(&format!("/password-reset/garbage?lang={language}"))).await;
        look_at(&browser, &format!("invalid-{language}")).await;
        // The choice goes along with each link and each form.
        browser.click("main a[href*=password-reset]").await;
        browser.assert_heading(forgot).await;
        browser.fill_in("#email", "ann").await;
        send_form(&browser).await;
        browser.text("#email-error").await;
        look_at(&browser, &format!("forgot-error-{language}")).await;
        browser.fill_in("#email", "ann@example.com").await;
        browser.click("button").await;
        browser.assert_heading(sent).await;
        look_at(&browser, &format!("forgot-sent-{language}")).await;
        browser.open(&product.url(&format!("/activate?lang={language}"))).await;
        browser.fill_in("#email", "ann@example.com").await;
        browser.fill_in("#code", "no code").await;
        send_form(&browser).await;
        browser.text("#code-error").await;
        look_at(&browser, &format!("code-error-{language}")).await;
    }
}

const PASSWORDLESS: (&str, &str) = ("ALLOW_PASSWORDLESS_REGISTRATION", "true");
type SettingList = &'static [(&'static str, &'static str)];

/// Settings, the colour in a browser's form, and in the form of a person.
const COLORS: [(SettingList, &str, &str); 3] = [
    (&[PASSWORDLESS, ("PAGE_COLOR", "#facc15")], "rgb(250, 204, 21)", "yellow"),
    (&[PASSWORDLESS, ("PAGE_COLOR", "#ffffff")], "rgb(255, 255, 255)", "white"),
    (&[PASSWORDLESS, ("PAGE_COLOR", "#000")], "rgb(0, 0, 0)", "black"),
];

#[tokio::test(flavor = "multi_thread")]
async fn the_first_password_can_be_set_in_any_colour() {
    for (settings, color, name) in COLORS {
        let (product, browser) = (Product::with(settings).await, Browser::start().await);
        product.sign_up_without_password().await;
        let link = product.mailed_link(&browser, 2).await;
        browser.open(&link).await;
        browser.assert_heading("Set your password").await;
        let script = "return getComputedStyle(document.querySelector('button')).backgroundColor";
        assert_eq!(browser.run(script).await, color, "the site's own style sheet holds");
        look_at(&browser, &format!("set-{name}")).await;
        browser.open(&product.url("/password-set/garbage")).await;
        browser.assert_heading("This link is not valid").await;
        look_at(&browser, &format!("invalid-{name}")).await;
    }
}
