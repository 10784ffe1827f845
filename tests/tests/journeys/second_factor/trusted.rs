//! Trusted devices: on them, the first factor alone logs in, until the trust ends.

mod dialects;
mod ends;
mod pages;
mod races;

use accounts::error::AuthError;
use accounts::model::{Client, EventKind, PlainPassword, Trail, TrustedDevice};
use accounts::operations::second_factor::StepUp;
use accounts::operations::{Area, Caller, Credentials, LoggedIn};
use jiff::SignedDuration;
use journeys::{Actor, PASSWORD, Site};

use super::{Phone, Secured, secure, with_ann};

/// A site on which users trust devices for thirty days.
const TRUSTING: &[(&str, &str)] = &[("TRUSTED_DEVICE_DAYS", "30")];
const LIMITED: &[(&str, &str)] = &[("TRUSTED_DEVICE_DAYS", "30"), ("THROTTLE", "on")];
const DAY: SignedDuration = SignedDuration::from_hours(24);
const SECOND: SignedDuration = SignedDuration::from_secs(1);

/// A request of a browser, with that device token.
fn browser(device: Option<&str>) -> Client {
    Client {
        ip: Some("192.0.2.7".to_owned()),
        user_agent: Some("Mozilla/5.0 (X11; Linux) Firefox/140.0".to_owned()),
        device: device.map(str::to_owned),
        ..Client::default()
    }
}

/// The first step, by the password.
async fn by_password(
    site: &Site,
    name: &str,
    password: &str,
    device: Option<&str>,
) -> Result<LoggedIn, AuthError> {
    let credentials = Credentials::Username(name.to_owned());
    site.accounts.log_in(credentials, PlainPassword::new(password), &browser(device)).await
}

async fn log_in(site: &Site, name: &str, device: Option<&str>) -> Result<LoggedIn, AuthError> {
    by_password(site, name, PASSWORD, device).await
}

/// The log-in challenge of a first step that opened no session.
fn challenge(answer: Result<LoggedIn, AuthError>) -> String {
    match answer {
        Err(AuthError::SecondFactorRequired { challenge }) => challenge,
        other => panic!("{other:?}"),
    }
}

/// Both steps, with trust in the device.
async fn trust(site: &Site, phone: &Phone, device: Option<&str>) -> LoggedIn {
    let challenge = challenge(log_in(site, "ann", device).await);
    let client = Client { trusts_device: true, ..browser(device) };
    let code = phone.next(site);
    site.accounts.complete_log_in(&challenge, &code, &client).await.unwrap()
}

/// Ann, who trusts a device: the session in which the trust began.
async fn trusting(site: &Site) -> (Secured, LoggedIn) {
    let ann = with_ann(site).await;
    let opened = trust(site, &ann.phone, None).await;
    (ann, opened)
}

/// Whether a log-in on that device needs no second factor.
async fn is_trusted(site: &Site, device: &str) -> bool {
    match log_in(site, "ann", Some(device)).await {
        Ok(opened) => {
            assert!(opened.caller.session.is_by_trusted_device(), "{opened:?}");
            true
        }
        Err(AuthError::SecondFactorRequired { .. }) => false,
        Err(error) => panic!("{error:?}"),
    }
}

async fn devices(site: &Site, caller: &Caller) -> Vec<TrustedDevice> {
    site.accounts.trusted_devices(caller).await.unwrap()
}

/// The kinds of the events of a user, newest first.
async fn events(site: &Site, ann: &Actor) -> Vec<EventKind> {
    let page = site.store.trail(Trail::Of(ann.user_id()), None, 100).await.unwrap();
    page.events.iter().map(|event| event.event).collect()
}

/// The session claims only the proven factor, and sensitive operations require the other one.
#[tokio::test]
async fn a_trusted_device_needs_the_first_factor_alone_and_its_session_proves_no_more() {
    let site = Site::with(TRUSTING).await;
    let (Secured { phone, .. }, opened) = trusting(&site).await;
    assert_eq!(opened.tokens.claims.acr, "aal2");
    assert!(!opened.caller.session.is_by_trusted_device());
    site.advance(DAY);
    let later = log_in(&site, "ann", Some(&opened.device)).await.unwrap();
    let claims = &later.tokens.claims;
    assert_eq!((claims.amr.join(" "), claims.acr.as_str()), ("pwd".to_owned(), "aal1"));
    assert!(later.caller.session.is_by_trusted_device());
    let next = site.accounts.refresh(&later.tokens.refresh, &browser(None)).await.unwrap();
    assert_eq!((next.claims.amr.join(" "), next.claims.acr.as_str()), ("pwd".to_owned(), "aal1"));
    // An operation for which a stolen session must not be enough still requires the second factor.
    let caller = site.accounts.authenticate(&next.access).await.unwrap();
    let refused = site.accounts.export_account(&caller, PlainPassword::new(PASSWORD)).await;
    assert_eq!(refused.unwrap_err().code(), "step_up_required");
    let proof = StepUp::Code(phone.next(&site));
    let raised = site.accounts.step_up(&caller, proof).await.unwrap();
    assert_eq!(raised.claims.acr, "aal2");
    let caller = site.accounts.authenticate(&raised.access).await.unwrap();
    assert!(!caller.session.is_by_trusted_device());
    site.accounts.export_account(&caller, PlainPassword::new(PASSWORD)).await.unwrap();
    // The device keeps its name. A browser without the token needs the second factor.
    assert!(is_trusted(&site, &later.device).await);
    challenge(log_in(&site, "ann", None).await);
}

/// Also with the limits of guessing, which are on by default.
#[tokio::test]
async fn a_trusted_device_logs_in_where_guesses_are_limited_unless_it_has_guessed_too_often() {
    let site = Site::with(LIMITED).await;
    let (_, opened) = trusting(&site).await;
    let device = opened.device.as_str();
    assert!(is_trusted(&site, device).await);
    while by_password(&site, "ann", "wrong", Some(device)).await.unwrap_err().code()
        == "invalid_credentials"
    {}
    assert_eq!(log_in(&site, "ann", Some(device)).await.unwrap_err().code(), "throttled");
    site.advance(DAY);
    assert!(is_trusted(&site, device).await);
}

/// With the setting off, users cannot trust devices. At the console, they never can.
#[tokio::test]
async fn no_device_is_trusted_without_the_setting() {
    let site = Site::start().await;
    let Secured { ann, phone, .. } = with_ann(&site).await;
    let opened = trust(&site, &phone, None).await;
    assert!(!is_trusted(&site, &opened.device).await);
    assert!(devices(&site, &opened.caller).await.is_empty());
    assert!(!events(&site, &ann).await.contains(&EventKind::DeviceTrusted));
    // If the operator lowers the setting, an older trust ends by the lower value. With the old value, it is valid
    // again.
    let site = site.restarted_with(TRUSTING);
    let opened = trust(&site, &phone, None).await;
    site.advance(DAY * 2);
    let site = site.restarted_with(&[("TRUSTED_DEVICE_DAYS", "2")]);
    assert!(!is_trusted(&site, &opened.device).await);
    let site = site.restarted_with(&[("TRUSTED_DEVICE_DAYS", "3")]);
    assert!(is_trusted(&site, &opened.device).await);
    let site = site.restarted_with(&[]);
    assert!(!is_trusted(&site, &opened.device).await);
}

/// The trust ends by the clock.
#[tokio::test]
async fn a_trust_ends_after_the_days_of_the_setting_however_often_it_is_used() {
    let site = Site::with(TRUSTING).await;
    let (Secured { phone, .. }, opened) = trusting(&site).await;
    site.advance(DAY * 29);
    assert!(is_trusted(&site, &opened.device).await);
    site.advance(DAY - SECOND);
    assert!(is_trusted(&site, &opened.device).await);
    site.advance(SECOND);
    assert!(!is_trusted(&site, &opened.device).await);
    let caller = trust(&site, &phone, Some(&opened.device)).await.caller;
    assert_eq!(devices(&site, &caller).await.len(), 1, "the one that has ended is not listed");
}

/// A copy of the device token from before the trust does not log a thief in.
#[tokio::test]
async fn a_copy_of_the_token_from_before_the_trust_is_not_trusted() {
    let site = Site::with(TRUSTING).await;
    let Secured { phone, .. } = with_ann(&site).await;
    let step = challenge(log_in(&site, "ann", None).await);
    let code = phone.next(&site);
    let before = site.accounts.complete_log_in(&step, &code, &browser(None)).await.unwrap().device;
    let opened = trust(&site, &phone, Some(&before)).await;
    assert!(!is_trusted(&site, &before).await);
    assert!(is_trusted(&site, &opened.device).await);
}

/// Staff prove the second factor at each log-in to the console.
#[tokio::test]
async fn the_console_asks_on_a_trusted_device_too_and_trusts_none() {
    let site = Site::with(TRUSTING).await;
    let staff = site.signed_in_as(accounts::model::Role::Staff, "ann").await;
    let Secured { phone, .. } = secure(&site, &staff).await;
    let opened = trust(&site, &phone, None).await;
    let (area, password) = (Area::Console, PlainPassword::new(PASSWORD));
    let client = Client { trusts_device: true, ..browser(Some(&opened.device)) };
    let step = match site.accounts.open_pages(area, "ann", password, &client).await {
        Err(AuthError::SecondFactorRequired { challenge }) => challenge,
        other => panic!("{other:?}"),
    };
    let code = phone.next(&site);
    let console = site.accounts.complete_pages(area, &step, &code, &client).await.unwrap();
    assert_eq!(console.caller.session.trusted_device, None);
    assert_eq!(devices(&site, &opened.caller).await.len(), 1);
}

/// Concealment: before the right password, no answer depends on the owner of the device token, or on the trust.
#[tokio::test]
async fn the_token_of_another_user_or_of_an_ended_trust_changes_nothing() {
    let site = Site::with(TRUSTING).await;
    let (Secured { phone, .. }, opened) = trusting(&site).await;
    let bob = secure(&site, &site.signed_in("bob").await).await;
    let step = challenge(log_in(&site, "bob", None).await);
    let client = Client { trusts_device: true, ..browser(None) };
    let code = bob.phone.next(&site);
    let other = site.accounts.complete_log_in(&step, &code, &client).await.unwrap().device;
    let ended = trust(&site, &phone, None).await;
    let id = ended.caller.session.trusted_device.clone().unwrap();
    site.accounts.end_trusted_device(&ended.caller, &id).await.unwrap();
    let trusted = opened.device.as_str();
    let devices = [None, Some(trusted), Some(other.as_str()), Some(&*ended.device), Some("x")];
    for device in devices {
        let wrong = by_password(&site, "ann", "wrong", device).await.unwrap_err();
        assert_eq!(wrong.code(), "invalid_credentials");
        if device != Some(trusted) {
            challenge(log_in(&site, "ann", device).await);
        }
    }
    assert!(is_trusted(&site, trusted).await);
    // The table has the name of the device. The name alone is not a token.
    let name = opened.caller.session.trusted_device.unwrap();
    let dump = site.dump().await.join("\n");
    assert!(dump.contains(&name) && !dump.contains(trusted));
    assert!(!is_trusted(&site, &name).await);
}

/// The list shows data by which the user recognises the device, and nothing that opens a session. So does the export.
#[tokio::test]
async fn the_list_and_the_export_show_where_and_when() {
    let site = Site::with(TRUSTING).await;
    let (Secured { ann, .. }, opened) = trusting(&site).await;
    let begun = site.now();
    site.advance(DAY);
    let client = Client { ip: Some("198.51.100.9".to_owned()), ..browser(Some(&opened.device)) };
    let credentials = Credentials::Email(ann.email());
    let later = site.accounts.log_in(credentials, PlainPassword::new(PASSWORD), &client).await;
    let caller = later.unwrap().caller;
    let [device] = devices(&site, &caller).await.try_into().unwrap();
    assert_eq!((device.trusted_at, device.last_used_at), (begun, site.now()));
    assert_eq!(device.ends_at, begun + DAY * 30);
    assert_eq!(device.ip.as_deref(), Some("198.51.100.9"));
    assert!(device.user_agent.unwrap().contains("Firefox"));
    assert_eq!(caller.session.trusted_device.as_ref(), Some(&device.id));
    let operator = site.accounts.operator("olga").unwrap();
    let data = operator.export_user(ann.user_id()).await.unwrap();
    let data = serde_json::to_value(data).unwrap();
    let exported = &data["second_factors"]["trusted_devices"];
    assert_eq!(exported[0]["ip"], "198.51.100.9", "{exported}");
    assert!(!exported.to_string().contains(&device.id), "{exported}");
    assert_eq!(
        events(&site, &ann).await.iter().filter(|it| **it == EventKind::DeviceTrusted).count(),
        1
    );
}

/// A user has at most ten trusts. A further one ends the oldest.
#[tokio::test]
async fn an_eleventh_trust_ends_the_oldest() {
    let site = Site::with(TRUSTING).await;
    let Secured { phone, .. } = with_ann(&site).await;
    let mut opened = Vec::new();
    for _ in 0..11 {
        opened.push(trust(&site, &phone, None).await);
    }
    assert_eq!(devices(&site, &opened[10].caller).await.len(), 10);
    assert!(!is_trusted(&site, &opened[0].device).await);
    assert!(
        is_trusted(&site, &opened[1].device).await && is_trusted(&site, &opened[10].device).await
    );
}

/// `MFA_REQUIRED`: for users, the proof of the second factor at the beginning of the trust is enough. Staff prove the
/// factor at each log-in.
#[tokio::test]
async fn a_trusted_device_is_enough_for_users_who_must_have_a_second_factor_but_not_for_staff() {
    let site = Site::with(TRUSTING).await;
    let (Secured { ann, .. }, opened) = trusting(&site).await;
    let site = site.restarted_with(&[("TRUSTED_DEVICE_DAYS", "30"), ("MFA_REQUIRED", "all")]);
    let later = log_in(&site, "ann", Some(&opened.device)).await.unwrap();
    assert!(later.caller.session.is_by_trusted_device());
    site.accounts.authenticate(&later.tokens.access).await.unwrap();
    site.accounts.refresh(&later.tokens.refresh, &browser(None)).await.unwrap();
    // With the role of staff, the session is not valid any more, even if the epoch of the user were the same.
    let staff = accounts::model::Role::Staff;
    site.set_on_user(&ann, "role", journeys::s(staff.name())).await;
    challenge(log_in(&site, "ann", Some(&opened.device)).await);
    assert!(site.accounts.authenticate(&later.tokens.access).await.is_err());
}
