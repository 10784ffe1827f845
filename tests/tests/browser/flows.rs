//! The actions of a user who has just read a mail.

use journeys::PASSWORD;

use crate::browser::Browser;
use crate::product::Product;

const NEW: &str = "zmxn73hhQQp";

#[tokio::test(flavor = "multi_thread")]
async fn a_user_signs_up_confirms_the_address_and_logs_in() {
    let (product, browser) = (Product::start().await, Browser::start().await);
    product.sign_up().await;
    let link = product.mailed_link(&browser, 1).await;
    product.scan(&link).await;
    assert!(!product.is_let_in(PASSWORD).await, "a scan of the mail confirms nothing");
    browser.click("summary").await;
    browser.click("article pre a").await;
    browser.assert_heading("Confirm your address").await;
    assert!(!product.is_let_in(PASSWORD).await, "a look at the page confirms nothing");
    browser.click("button").await;
    browser.assert_heading("Your address is confirmed").await;
    assert!(product.is_let_in(PASSWORD).await);
    browser.open(&link).await;
    browser.assert_heading("Your address was confirmed before").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_button_of_the_mail_opens_the_page_in_a_window_of_its_own() {
    let (product, browser) = (Product::start().await, Browser::start().await);
    product.sign_up().await;
    product.mailed_link(&browser, 1).await;
    browser.enter_frame("iframe").await;
    browser.click("a").await;
    browser.enter_newest_window().await;
    browser.assert_heading("Confirm your address").await;
    browser.click("button").await;
    browser.assert_heading("Your address is confirmed").await;
    assert!(product.is_let_in(PASSWORD).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn graphiql_asks_the_api_and_no_other_machine() {
    let (product, browser) = (Product::start().await, Browser::start().await);
    browser.open(&product.url("/graphql")).await;
    browser.click(".graphiql-execute-button").await;
    browser.wait_for_text(".result-window", "\"me\": null").await;
    browser.picture("graphiql", (900, 560)).await;
    let elsewhere = browser.run(
        "return performance.getEntriesByType('resource').map(part => part.name)
             .filter(name => !name.startsWith(location.origin) && !name.startsWith('data:'))",
    );
    assert_eq!(elsewhere.await, serde_json::json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_enters_the_code_instead_of_the_link() {
    let (product, browser) = (Product::start().await, Browser::start().await);
    product.sign_up().await;
    product.mailed_link(&browser, 1).await;
    browser.click("summary").await;
    let mail = browser.text("article pre").await;
    let is_code = |line: &&str| line.len() == 6 && line.bytes().all(|byte| byte.is_ascii_digit());
    let code = mail.lines().find(is_code).expect("a code in the mail");
    let wrong = if code == "000000" { "000001" } else { "000000" };
    browser.open(&product.url("/activate")).await;
    browser.fill_in("#email", "ann@example.com").await;
    browser.fill_in("#code", wrong).await;
    browser.click("button").await;
    assert!(browser.text("#code-error").await.contains("That code is wrong"));
    assert_eq!(browser.focus().await, "code");
    browser.fill_in("#code", code).await;
    browser.click("button").await;
    browser.assert_heading("Your address is confirmed").await;
    assert!(product.is_let_in(PASSWORD).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_resets_a_forgotten_password_and_mistypes_the_new_one_first() {
    let (product, browser) = (Product::start().await, Browser::start().await);
    product.sign_up().await;
    product.mailed_link(&browser, 1).await;
    browser.open(&product.url("/password-reset")).await;
    browser.fill_in("#email", "ann@example.com").await;
    browser.click("button").await;
    browser.assert_heading("Check your email").await;

    let link = product.mailed_link(&browser, 2).await;
    product.scan(&link).await;
    browser.click("summary").await;
    browser.click("article pre a").await;
    browser.assert_heading("Choose a new password").await;
    browser.fill_in("#password", NEW).await;
    browser.fill_in("#again", "another one").await;
    browser.click("button").await;
    assert!(browser.text("#again-error").await.contains("match."));
    assert_eq!(browser.focus().await, "again");
    let described = browser.run(
        "const field = document.getElementById('again');
         return [field.ariaInvalid, field.getAttribute('aria-describedby'),
                 document.getElementById('password').ariaInvalid]",
    );
    assert_eq!(described.await, serde_json::json!(["true", "again-error", null]));

    browser.fill_in("#password", "1234567890").await;
    browser.fill_in("#again", "1234567890").await;
    browser.click("button").await;
    assert!(browser.text("#password-error").await.contains("entirely numeric"));
    assert_eq!(browser.focus().await, "password");

    browser.fill_in("#password", NEW).await;
    browser.fill_in("#again", NEW).await;
    browser.click("button").await;
    browser.assert_heading("Your password is set").await;
    assert!(product.is_let_in(NEW).await);
    assert!(!product.is_let_in(PASSWORD).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_who_signed_up_without_a_password_sets_the_first_one() {
    let product = Product::with(&[("ALLOW_PASSWORDLESS_REGISTRATION", "true")]).await;
    let browser = Browser::start().await;
    product.sign_up_without_password().await;
    product.mailed_link(&browser, 2).await;
    browser.click("summary").await;
    browser.click("article pre a").await;
    browser.assert_heading("Set your password").await;
    browser.fill_in("#password", NEW).await;
    browser.fill_in("#again", NEW).await;
    browser.click("button").await;
    browser.assert_heading("Your password is set").await;
    assert!(product.is_let_in(NEW).await);
}

/// The script finds the same digests as the server, and sends the form by itself.
#[tokio::test(flavor = "multi_thread")]
async fn a_form_from_a_busy_network_goes_on_after_a_proof_of_work() {
    let product = Product::with(&[("THROTTLE", "on")]).await;
    for number in 0..20 {
        product.ask_for_reset(&format!("user{number}@example.com")).await;
    }
    let browser = Browser::start().await;
    browser.open(&product.url("/password-reset")).await;
    browser.fill_in("#email", "ann@example.com").await;
    browser.click("button").await;
    browser.assert_heading("Check your email").await;
}
