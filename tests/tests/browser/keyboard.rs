//! Without a mouse.

use serde_json::json;

use crate::browser::{Browser, ENTER, TAB};
use crate::product::Product;

const NEW: &str = "zmxn73hhQQp";

/// Whether what has the focus shows it.
async fn assert_focus_is_seen(browser: &Browser) {
    let outline = browser.run(
        "const style = getComputedStyle(document.activeElement);
         return [style.outlineStyle, parseFloat(style.outlineWidth) >= 2]",
    );
    assert_eq!(outline.await, json!(["solid", true]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_reset_by_the_keyboard_alone() {
    let (product, browser) = (Product::start().await, Browser::start().await);
    product.sign_up().await;
    product.mailed_link(&browser, 1).await;
    browser.open(&product.url("/password-reset")).await;
    browser.press(TAB).await;
    assert_eq!(browser.focus().await, "email");
    assert_focus_is_seen(&browser).await;
    browser.press("ann@example.com").await;
    browser.press(TAB).await;
    assert_eq!(browser.run("return document.activeElement.tagName").await, "BUTTON");
    assert_focus_is_seen(&browser).await;
    browser.press(ENTER).await;
    browser.assert_heading("Check your email").await;

    let link = product.mailed_link(&browser, 2).await;
    browser.open(&link).await;
    // The account has proven nothing yet, so its owner may choose the name.
    browser.press(TAB).await;
    assert_eq!(browser.focus().await, "username");
    for field in ["password", "again"] {
        browser.press(TAB).await;
        assert_eq!(browser.focus().await, field);
        browser.press(NEW).await;
    }
    browser.press(ENTER).await;
    browser.assert_heading("Your password is set").await;
    assert!(product.is_let_in(NEW).await);
}
