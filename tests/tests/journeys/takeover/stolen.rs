//! An account whose access token is stolen, and the effect of a call on it.

use std::collections::{BTreeMap, BTreeSet};

use accounts::model::{Client, PlainPassword};
use jiff::SignedDuration;
use journeys::{Actor, Item, PASSWORD, Site};
use serde_json::{Value, json};

const OWNER: &str = "ann@example.com";
const THIEF: &str = "mallory@evil.example";

/// The attributes of a user that decide who can log in, and how.
const WAYS_IN: &[&str] = &[
    "email",
    "email_key",
    "former_emails",
    "is_active",
    "is_archived",
    "is_verified",
    "password",
    "pending_email",
    "pending_secondary_email",
    "role",
    "secondary_email",
    "secondary_email_key",
    "username",
    "username_key",
];

/// An account, a token of which is in wrong hands, and the table as it was then.
pub(super) struct Stolen {
    pub(super) site: Site,
    pub(super) thief: Actor,
    owner: Actor,
    items: Vec<Item>,
}

impl Stolen {
    pub(super) async fn token() -> Self {
        let site = Site::with(&[("ALLOW_DELETE_ACCOUNT", "true")]).await;
        let owner = site.signed_in("ann").await;
        let caller = site.caller(&owner).await;
        let (second, password) = ("ann@second.example", PlainPassword::new(PASSWORD.to_owned()));
        site.accounts
            .send_secondary_email_activation(&caller, second, password, &Client::default())
            .await
            .unwrap();
        site.accounts.verify_secondary_email(&site.link_token(second).await).await.unwrap();
        let thief = site.log_in(&owner).await;
        site.deliver_mail().await;
        site.advance(SignedDuration::from_mins(11));
        let items = site.all_items().await;
        Self { site, thief, owner, items }
    }

    /// The value of an attacker for an input of that name.
    pub(super) fn typed(&self, name: &str) -> Option<Value> {
        Some(match name {
            "email" => THIEF.into(),
            "username" => "mallory".into(),
            "password" | "oldPassword" | "old_password" => "a guess".into(),
            "password1" | "password2" | "newPassword1" | "newPassword2" | "new_password" => {
                "an evil jf84jfKKd".into()
            }
            "token" | "refreshToken" | "refresh" | "challenge" | "setup" | "loginId"
            | "login_id" => self.thief.access.clone().into(),
            "otp" | "code" => "000000".into(),
            "credential" => "{}".into(),
            "name" => "Mine".into(),
            "id" | "session" => self.owner.session_id().into(),
            "firstName" | "lastName" | "first_name" | "last_name" | "position" | "department" => {
                "Mallory".into()
            }
            "gender" => "OTHER".into(),
            "profilePicture" => Value::Null,
            "food" => "a hot dog".into(),
            "find" => OWNER.into(),
            "user" => self.owner.user_id().to_string().into(),
            "users" => json!([self.owner.user_id().to_string()]),
            "role" => "SUPERUSER".into(),
            "reason" => "none".into(),
            "ip" => "192.0.2.1".into(),
            "count" => 100.into(),
            "dryRun" => false.into(),
            "trustDevice" | "trust_device" => true.into(),
            _ => return None,
        })
    }

    /// The result of a call, in a word, and the changes of the table.
    pub(super) async fn effect(&self, outcome: &str) -> String {
        let (before, after) = (by_key(&self.items), by_key(&self.site.all_items().await));
        let keys = before.keys().chain(after.keys()).filter(|key| !key.starts_with("AUDIT#"));
        let keys: BTreeSet<_> = keys.collect();
        let mut effects = BTreeSet::new();
        for key in keys {
            match (before.get(key), after.get(key)) {
                (Some(before), Some(after)) if key.ends_with(" USER") => {
                    let names: BTreeSet<_> = before.keys().chain(after.keys()).collect();
                    let changed =
                        names.into_iter().filter(|name| before.get(*name) != after.get(*name));
                    for name in changed {
                        assert!(!WAYS_IN.contains(&name.as_str()), "{name}: {outcome}");
                        effects.insert(format!("sets {name}"));
                    }
                }
                (Some(_), None) if key.contains(" SESSION#") => {
                    let is_own = key.ends_with(&self.thief.session_id());
                    effects
                        .insert(format!("ends {} session", if is_own { "its" } else { "another" }));
                }
                (None, Some(mail)) if key.ends_with(" MAIL") => {
                    let text = |name: &str| mail[name].as_s().unwrap().clone();
                    let to = if text("to") == OWNER { "the owner" } else { "the thief" };
                    let is_theirs = text("user_id") == self.owner.user_id().to_string();
                    assert!(!is_theirs || to == "the owner", "{outcome}");
                    let whose = if is_theirs { "" } else { " of another account" };
                    effects.insert(format!("mails {}{whose} to {to}", text("mail")));
                }
                (before, after) if before != after => {
                    let kind = key.split_once(' ').unwrap().1.split('#').next().unwrap();
                    let is_owners = key.contains(&self.owner.user_id().to_string());
                    assert!(!is_owners || kind == "SESSION", "{key}: {outcome}");
                    let what = if before.is_none() { "adds" } else { "changes" };
                    assert!(!(is_owners && before.is_none()), "a session of the owner: {outcome}");
                    effects.insert(format!("{what} {kind}"));
                }
                _ => {}
            }
        }
        let by_password = self.site.is_password(&self.owner, PASSWORD).await;
        assert!(by_password, "the owner gets in no more: {outcome}");
        self.site.restore(&self.items).await;
        let effects: Vec<_> = effects.into_iter().collect();
        if effects.is_empty() {
            outcome.to_owned()
        } else {
            format!("{outcome}: {}", effects.join(", "))
        }
    }
}

fn by_key(items: &[Item]) -> BTreeMap<String, Item> {
    let text = |item: &Item, name: &str| item[name].as_s().unwrap().clone();
    items
        .iter()
        .map(|item| (format!("{} {}", text(item, "pk"), text(item, "sk")), item.clone()))
        .collect()
}
