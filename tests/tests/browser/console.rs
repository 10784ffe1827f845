//! The console of staff in a browser: from the first log-in to the trail of it all.

use serde_json::json;

use crate::appearance::look_at;
use crate::browser::Browser;
use crate::product::Product;

const PASSWORD: &str = "zmxn73hhQQp and more";

/// Opens the console for the superuser.
async fn open(product: &Product, browser: &Browser) {
    browser.open(&product.url("/admin")).await;
    browser.assert_heading("Staff console").await;
    browser.fill_in("#name", "boss").await;
    browser.fill_in("#password", PASSWORD).await;
    browser.click("main button").await;
    browser.assert_heading("Overview").await;
}

/// The confirmation page of a change, from the page of the user.
async fn ask(browser: &Browser, change: &str, heading: &str) {
    browser.click(&format!(".actions a[href*='/{change}']")).await;
    browser.assert_heading(heading).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn staff_find_ban_and_delete_a_user_among_five_thousand() {
    let product = Product::start().await;
    product.create_superuser("boss", PASSWORD).await;
    product.sign_up().await;
    product.add_users(5_000);
    let browser = Browser::start().await;
    product.mailed_link(&browser, 1).await;
    browser.open(&product.url("/admin")).await;
    browser.assert_heading("Staff console").await;
    look_at(&browser, "console-log-in").await;
    open(&product, &browser).await;
    look_at(&browser, "console-home").await;
    browser.picture("console", (1000, 700)).await;
    browser.click("header nav a[href$='/users']").await;
    browser.assert_heading("Users").await;
    look_at(&browser, "console-users").await;
    browser.picture("console-users", (390, 700)).await;
    browser.fill_in("#q", "ann@example.com").await;
    browser.click(".search button").await;
    browser.assert_heading("ann").await;
    look_at(&browser, "console-user").await;

    ask(&browser, "verify", "Mark the address as verified").await;
    browser.click("main form button").await;
    browser.wait_for_text(".done", "The address counts as verified.").await;
    let ann = product.log_in(journeys::PASSWORD).await;
    assert!(product.is_me(&ann).await);
    ask(&browser, "ban", "Ban the user").await;
    look_at(&browser, "console-ban").await;
    browser.fill_in("#reason", "spam").await;
    browser.click("main form button").await;
    browser.wait_for_text(".done", "The user is banned.").await;
    look_at(&browser, "console-banned").await;
    browser.picture("console-user", (1000, 800)).await;
    assert!(!product.is_me(&ann).await, "the next request is refused");
    assert!(!product.is_let_in(journeys::PASSWORD).await);
    ask(&browser, "lift-ban", "Lift the ban").await;
    browser.click("main form button").await;
    browser.wait_for_text(".done", "The ban is lifted.").await;

    let ann = product.log_in(journeys::PASSWORD).await;
    browser.open(&browser.address().await).await;
    browser.click("td a[href*='end-session']").await;
    browser.assert_heading("End the session").await;
    browser.click("main form button").await;
    browser.wait_for_text(".done", "The session has ended.").await;
    assert!(!product.is_me(&ann).await);
    ask(&browser, "send-reset", "Send a password reset mail").await;
    browser.click("main form button").await;
    browser.wait_for_text(".done", "The mail is on its way.").await;

    ask(&browser, "delete", "Delete for good").await;
    look_at(&browser, "console-delete").await;
    browser.fill_in("#name", "anna").await;
    browser.click("main form button").await;
    browser.text("#name-error").await;
    look_at(&browser, "console-delete-error").await;
    browser.fill_in("#name", "ann").await;
    browser.click("main form button").await;
    browser.wait_for_text(".done", "The user is deleted for good.").await;
    look_at(&browser, "console-trail").await;
    let rows = "return [...document.querySelectorAll('tbody tr td:nth-of-type(1)')]
        .map(cell => cell.firstChild.textContent.trim()).reverse()";
    let events = json!([
        "Signed up",
        "Address verified",
        "Logged in",
        "Banned",
        "Ban lifted",
        "Logged in",
        "Session ended",
        "Reset mail sent",
        "Deleted"
    ]);
    assert_eq!(browser.run(rows).await, events);

    // A user who is no staff does not get in, and sees nothing.
    browser.click("header form button").await;
    browser.assert_heading("Staff console").await;
    browser.open(&product.url("/admin/users")).await;
    browser.assert_heading("There is no such page").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_console_can_be_read_in_each_language() {
    let product = Product::start().await;
    product.create_superuser("boss", PASSWORD).await;
    product.sign_up().await;
    let browser = Browser::start().await;
    open(&product, &browser).await;
    for (language, heading) in [("de", "Benutzer"), ("fa", "کاربران")] {
        browser.open(&product.url(&format!("/admin?lang={language}"))).await;
        look_at(&browser, &format!("console-home-{language}")).await;
        browser.click("header nav a[href*='/users']").await;
        browser.assert_heading(heading).await;
        look_at(&browser, &format!("console-users-{language}")).await;
        browser.click("tbody a").await;
        browser.assert_heading("ann").await;
        look_at(&browser, &format!("console-user-{language}")).await;
        browser.click(".actions a[href*='/delete']").await;
        look_at(&browser, &format!("console-delete-{language}")).await;
        browser.open(&product.url(&format!("/admin/network?lang={language}&ip=nonsense"))).await;
        look_at(&browser, &format!("console-network-{language}")).await;
        browser.open(&product.url(&format!("/admin/invite?lang={language}"))).await;
        look_at(&browser, &format!("console-invite-{language}")).await;
    }
}
