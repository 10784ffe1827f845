//! The account pages in a real browser, against the whole product: Chromium, by its own driver.

#![allow(missing_docs, reason = "the tests' names are sentences")]
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "that fails a test")]

mod account;
mod appearance;
mod browser;
mod console;
mod driver;
mod flows;
mod front_end;
mod keyboard;
mod links;
mod passkeys;
mod product;
mod second_factor;
mod sign_up;
