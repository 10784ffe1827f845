use embedded::{Fault, Times};
use jiff::SignedDuration;
use journeys::{BASE_URL, PASSWORD, Site, s};
use std::sync::Arc;

/// How long after a sign-up the clean-up first looks whether its mail is stuck.
pub(crate) const LOOKED_AT: SignedDuration = SignedDuration::from_mins(5);

pub(crate) async fn with_a_due_mail() -> Site {
    let site = Site::start().await;
    site.sign_up("ann").await;
    site
}

pub(crate) fn sent(site: &Site) -> usize {
    site.aws.mailbox().messages().len()
}

/// Lets the stream bring a mail that SES does not take until it holds up no other.
pub(crate) async fn use_up_the_retries(site: &Site) {
    for retrying in [1, 1, 0] {
        let delivery = site.deliver_mail().await;
        assert_eq!((delivery.retrying, delivery.failed.len()), (retrying, 0));
    }
}

/// Lets that many hours pass, with runs of the clean-up, which makes stuck mails due.
pub(crate) async fn wait_for(site: &Site, hours: i64) {
    for _ in 0..hours * 4 {
        site.advance(SignedDuration::from_mins(15));
        site.clean_up().await;
        assert_eq!(site.deliver_mail().await.retrying, 0);
    }
}

#[tokio::test]
async fn the_activation_mail_has_link_and_code_in_both_parts() {
    let site = with_a_due_mail().await;
    let mails = site.mails_to("ann@example.com").await;
    let [mail] = mails.as_slice() else { panic!("{mails:?}") };
    assert_eq!(mail.subject, "Activate your account on Example");
    assert_eq!(mail.source, "\"Example\" <accounts@latchkey.example>");
    let (link, code) =
        (site.link_token("ann@example.com").await, site.code("ann@example.com").await);
    for part in [mail.text.as_deref().unwrap(), mail.html.as_deref().unwrap()] {
        assert!(part.contains(&format!("{BASE_URL}/activate/{link}")), "{part}");
        assert!(part.contains(&code), "{part}");
        assert!(part.contains("Hello ann!"), "{part}");
    }
}

#[tokio::test]
async fn a_link_goes_to_the_configured_site_whatever_host_the_request_named() {
    let site = Site::start().await;
    let query = format!(
        "mutation {{ register(email: \"ann@example.com\", username: \"ann\", \
         password1: \"{PASSWORD}\", password2: \"{PASSWORD}\") {{ success }} }}"
    );
    let headers = [
        ("content-type", "application/json"),
        ("host", "evil.example"),
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-proto", "http"),
        ("forwarded", "host=evil.example"),
        ("origin", "https://evil.example"),
    ];
    let body = serde_json::json!({ "query": query }).to_string();
    let answer = site.send(axum::http::Method::POST, "/graphql", &headers, body).await;
    assert_eq!(answer.json()["data"]["register"]["success"], true);
    let mail = site.mails_to("ann@example.com").await.remove(0);
    let whole = format!("{mail:?}");
    assert!(!whole.contains("evil"), "{whole}");
    assert!(whole.contains(&format!("{BASE_URL}/activate/")), "{whole}");
}

#[tokio::test]
async fn a_link_goes_below_a_site_that_has_a_path() {
    let site = Site::with(&[("BASE_URL", "https://other.example/accounts/")]).await;
    site.sign_up("ann").await;
    let text = site.mails_to("ann@example.com").await.remove(0).text.unwrap();
    assert!(text.contains("\nhttps://other.example/accounts/activate/ey"), "{text}");
}

#[tokio::test]
async fn a_mail_escapes_names_in_its_html() {
    let site = Site::with(&[("SITE_NAME", "A <b>& \"B\"")]).await;
    site.sign_up("ann").await;
    // No name that can be registered needs it.
    let mut user = site.item("USER#", "USER").await;
    user.insert("username".to_owned(), s("<i>ann"));
    site.put(user).await;
    let mail = site.mails_to("ann@example.com").await.remove(0);
    assert_eq!(mail.subject, "Activate your account on A <b>& \"B\"");
    let text = mail.text.unwrap();
    assert!(text.starts_with("A <b>& \"B\"\n") && text.contains("Hello <i>ann!"), "{text}");
    let html = mail.html.unwrap();
    assert!(!html.contains("<b>") && html.contains("A &lt;b&gt;&amp; &quot;B&quot;"), "{html}");
    assert!(!html.contains("<i>") && html.contains("Hello &lt;i&gt;ann!"), "{html}");
}

#[tokio::test]
async fn a_record_that_comes_again_sends_nothing() {
    let site = with_a_due_mail().await;
    let event = site.mail_event().await;
    for _ in 0..3 {
        let response = email_event::handle(site.outbox(), event.clone()).await;
        assert!(response.batch_item_failures.is_empty());
    }
    assert_eq!(sent(&site), 1);
    assert_eq!(site.mail_states().await, ["sent"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_comes_twice_at_once_sends_one_mail() {
    let site = Arc::new(with_a_due_mail().await);
    let event = site.mail_event().await;
    journeys::at_once(10, |_| {
        let (site, event) = (site.clone(), event.clone());
        async move { email_event::handle(site.outbox(), event).await }
    })
    .await;
    assert_eq!(sent(&site), 1);
    assert_eq!(site.mail_states().await, ["sent"]);
}

#[tokio::test]
async fn the_sender_drops_an_activation_mail_to_a_user_who_has_verified_meanwhile() {
    let site = with_a_due_mail().await;
    // As a link of an earlier mail would have done.
    let mut user = site.item("USER#", "USER").await;
    user.insert("is_verified".to_owned(), aws_sdk_dynamodb::types::AttributeValue::Bool(true));
    site.put(user).await;
    site.deliver_mail().await;
    assert_eq!(sent(&site), 0);
    assert_eq!(site.mail_states().await, ["dropped"]);
}

#[tokio::test]
async fn a_mail_whose_link_is_over_is_not_sent() {
    let site = Site::with(&[("EXPIRATION_ACTIVATION_TOKEN", "60")]).await;
    site.sign_up("ann").await;
    site.advance(SignedDuration::from_secs(60));
    site.deliver_mail().await;
    assert_eq!(sent(&site), 0);
    assert_eq!(site.mail_states().await, ["dropped"]);
}

#[tokio::test]
async fn a_mail_to_a_user_who_is_gone_is_not_sent() {
    let site = with_a_due_mail().await;
    let user = site.item("USER#", "USER").await;
    let request = site.dynamodb.delete_item().table_name(site.aws.table_name());
    request.key("pk", user["pk"].clone()).key("sk", s("USER")).send().await.unwrap();
    site.deliver_mail().await;
    assert_eq!((sent(&site), site.mail_states().await), (0, vec!["dropped".to_owned()]));
}

#[tokio::test]
async fn a_mail_that_ses_will_never_take_is_refused_once() {
    let site = with_a_due_mail().await;
    site.aws.faults().fail("SendEmail", Times::N(1), Fault::Rejected);
    assert_eq!(site.deliver_mail().await.retrying, 0);
    assert_eq!(site.mail_states().await, ["refused"]);
    site.advance(LOOKED_AT);
    assert_eq!(site.clean_up().await.mails, 0);
    site.deliver_mail().await;
    assert_eq!(sent(&site), 0);
}

#[tokio::test]
async fn a_record_that_is_no_mail_holds_up_none_of_the_others() {
    let site = Site::start().await;
    site.sign_up("ann").await;
    let poison = [("pk", "MAIL#poison"), ("sk", "MAIL"), ("kind", "mail"), ("state", "due")];
    site.put(poison.map(|(name, value)| (name.to_owned(), s(value))).into()).await;
    site.sign_up("bob").await;
    let mut failed = Vec::new();
    for _ in 0..20 {
        failed.extend(site.deliver_mail().await.failed);
    }
    let keys: Vec<_> = failed.iter().map(|record| format!("{:?}", record.change.keys)).collect();
    assert_eq!(keys.len(), 1, "{keys:?}");
    assert!(keys[0].contains("MAIL#poison"), "{keys:?}");
    assert_eq!(sent(&site), 2);
}

#[tokio::test]
async fn an_item_that_cannot_be_read_holds_up_none_of_the_others() {
    let site = Site::start().await;
    site.sign_up("ann").await;
    let mut broken = site.item("MAIL#", "MAIL").await;
    let id = "01890a5d-ac96-774b-bcce-b302099a8057";
    broken.extend([("pk".to_owned(), s(format!("MAIL#{id}"))), ("id".to_owned(), s("none"))]);
    site.put(broken).await;
    site.sign_up("bob").await;
    for is_retrying in [true, true, false] {
        assert_eq!(site.deliver_mail().await.retrying > 0, is_retrying);
    }
    assert_eq!(sent(&site), 2);
    wait_for(&site, 44).await;
    let mut states = site.mail_states().await;
    states.sort();
    assert_eq!(states, ["failed", "sent", "sent"]);
}

#[tokio::test]
async fn nothing_secret_lies_in_the_table_or_its_stream() {
    let site = Site::start().await;
    let ann = site.sign_up("ann").await;
    let (link, code) = (site.link_token(&ann.email()).await, site.code(&ann.email()).await);
    let unverified = site.dump().await;
    assert_eq!(site.verify_account(&link).await["success"], true);
    let later = site.log_in(&ann).await;
    let last = site.refreshed(&later).await;
    site.deliver_mail().await;
    let all = [unverified, site.dump().await, site.stream_dump().await].concat().join("\n");
    assert!(all.contains("ann@example.com"), "the right text was looked at");
    let mut words = all.split(|c: char| !c.is_ascii_alphanumeric());
    assert!(!words.any(|word| word == code), "{code}");
    let mut secrets = vec![PASSWORD.to_owned()];
    for token in [&link, &ann.refresh, &later.refresh, &last.refresh, &last.access] {
        secrets.push(token.clone());
        secrets.push(token.rsplit_once('.').unwrap().1.to_owned());
    }
    for secret in secrets {
        assert!(!all.contains(&secret), "{secret}");
    }
}
