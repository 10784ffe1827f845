//! A log-in on a device that the account does not know is mailed to the user.

use accounts::model::{Client, PlainPassword};
use accounts::operations::{Credentials, FirstPassword, Registration};
use embedded::{Fault, Times};
use jiff::SignedDuration;
use journeys::{Actor, PASSWORD, Site};

const SUBJECT: &str = "New log-in to your account on Example";
const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
const NEWER_FIREFOX: &str =
    "Mozilla/5.0 (X11; Linux x86_64; rv:141.0) Gecko/20100101 Firefox/141.0.1";

fn client(ip: &str, agent: &str) -> Client {
    Client { ip: Some(ip.to_owned()), user_agent: Some(agent.to_owned()), ..Client::default() }
}

/// Logs in, and returns the device token.
async fn log_in(site: &Site, client: Client) -> String {
    let name = Credentials::Username("ann".to_owned());
    let password = PlainPassword::new(PASSWORD.to_owned());
    site.accounts.log_in(name, password, &client).await.unwrap().device
}

/// How many of these mails the user has got so far.
async fn mails(site: &Site, ann: &Actor) -> usize {
    let mails = site.mails_to(&ann.email()).await;
    mails.iter().filter(|mail| mail.subject == SUBJECT).count()
}

/// A site with ann, who has signed up and logged in from `192.0.2.1`, with Firefox.
async fn with_ann(settings: &'static [(&'static str, &'static str)]) -> (Site, Actor) {
    let site = Site::with(settings).await;
    let ann = Actor { name: "ann".to_owned(), ..Actor::default() };
    let password = FirstPassword::Given(PlainPassword::new(PASSWORD.to_owned()));
    let new = Registration::new(ann.email(), Some(ann.name.clone()), password);
    site.accounts.register(new, &client("192.0.2.1", FIREFOX)).await.unwrap();
    let link = site.link_token(&ann.email()).await;
    site.accounts.verify_account(&link).await.unwrap();
    log_in(&site, client("192.0.2.1", FIREFOX)).await;
    assert_eq!(mails(&site, &ann).await, 0, "the first log-in");
    (site, ann)
}

#[tokio::test]
async fn another_network_or_another_browser_is_a_new_device_once() {
    let (site, ann) = with_ann(&[]).await;
    for (ip, agent, so_far) in [
        ("192.0.2.1", FIREFOX, 0),
        ("192.0.2.1", NEWER_FIREFOX, 0),
        ("192.0.2.2", FIREFOX, 1),
        ("192.0.2.2", FIREFOX, 1),
        ("192.0.2.1", "curl/8.0", 2),
        ("2001:db8::1", FIREFOX, 3),
        ("2001:db8::2", FIREFOX, 3),
    ] {
        log_in(&site, client(ip, agent)).await;
        assert_eq!(mails(&site, &ann).await, so_far, "{ip} {agent}");
    }
    let mails = site.mails_to(&ann.email()).await;
    let mail = mails.iter().find(|mail| mail.subject == SUBJECT).unwrap();
    assert!(mail.text.as_deref().unwrap().contains("from the IP address 192.0.2.2."), "{mail:?}");
    assert!(mail.text.as_deref().unwrap().contains("/password-reset"), "{mail:?}");
}

#[tokio::test]
async fn a_device_with_its_token_is_known_everywhere() {
    let (site, ann) = with_ann(&[("THROTTLE", "on")]).await;
    let token = log_in(&site, client("192.0.2.1", FIREFOX)).await;
    let device = |token: &str| Client {
        device: Some(token.to_owned()),
        ..client("198.51.100.7", "another browser")
    };
    log_in(&site, device(&token)).await;
    assert_eq!(mails(&site, &ann).await, 0);
    log_in(&site, Client { device: None, ..client("198.51.100.8", "curl") }).await;
    assert_eq!(mails(&site, &ann).await, 1);
}

#[tokio::test]
async fn an_account_that_was_unused_for_long_knows_no_device() {
    let (site, ann) = with_ann(&[]).await;
    site.advance(SignedDuration::from_hours(24 * 400));
    site.clean_up().await;
    log_in(&site, client("192.0.2.1", FIREFOX)).await;
    assert_eq!(mails(&site, &ann).await, 1);
}

#[tokio::test]
async fn the_log_in_is_done_even_if_the_mail_cannot_be_written() {
    let (site, ann) = with_ann(&[]).await;
    // The first two writes are those of the session and of its event.
    site.aws.faults().fail("PutItem", Times::N(2), Fault::Pass);
    site.aws.faults().fail("PutItem", Times::Always, Fault::Rejected);
    log_in(&site, client("192.0.2.2", FIREFOX)).await;
    site.end_faults().await;
    assert_eq!(mails(&site, &ann).await, 0);
}

#[tokio::test]
async fn a_known_device_costs_nothing_and_the_setting_turns_the_mails_off() {
    let (site, ann) = with_ann(&[]).await;
    let cost = async |site: &Site, ip| {
        site.calls.take();
        log_in(site, client(ip, FIREFOX)).await;
        site.calls.take().calls
    };
    let known = cost(&site, "192.0.2.1").await;
    assert_eq!(cost(&site, "192.0.2.2").await, known + 1);
    let site = site.restarted_with(&[("NEW_DEVICE_MAILS", "off")]);
    assert_eq!(cost(&site, "192.0.2.3").await, known);
    assert_eq!(mails(&site, &ann).await, 1);
}

#[tokio::test]
async fn an_address_gets_five_mails_about_new_devices_a_day_and_the_next_ones_later() {
    let (site, ann) = with_ann(&[("THROTTLE", "on")]).await;
    for number in 2..10 {
        log_in(&site, client(&format!("192.0.2.{number}"), FIREFOX)).await;
        assert_eq!(mails(&site, &ann).await, 5.min(number - 1), "{number}");
        site.advance(SignedDuration::from_hours(2));
        site.clean_up().await;
    }
    site.advance(SignedDuration::from_hours(24));
    site.clean_up().await;
    assert_eq!(mails(&site, &ann).await, 8);
}
