//! What holds of the whole table when nothing fails any more, and all retries are done.

use std::collections::{BTreeMap, BTreeSet};

use accounts::model::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use jiff::SignedDuration;
use journeys::{Item, forge};

use super::World;

/// How long a mail may wait before it is looked at again, at most.
const PATIENCE: SignedDuration = SignedDuration::from_hours(2);

fn text(item: &Item, name: &str) -> String {
    item.get(name).and_then(|value| value.as_s().ok().cloned()).unwrap_or_default()
}

fn number(item: &Item, name: &str) -> Option<i64> {
    item.get(name)?.as_n().ok()?.parse().ok()
}

fn texts(item: &Item, name: &str) -> Vec<String> {
    let list = item.get(name).and_then(|value| value.as_l().ok());
    list.into_iter().flatten().filter_map(|value| value.as_s().ok().cloned()).collect()
}

/// The unique keys of the names of an account.
fn names(account: &Item) -> Vec<String> {
    let mut keys = texts(account, "username_looks");
    keys.push(text(account, "username_key"));
    keys.iter().map(|key| format!("USERNAME#{key}")).collect()
}

/// The unique keys of the addresses of an account.
fn addresses(account: &Item) -> Vec<String> {
    let keys = ["email_key", "secondary_email_key"].map(|name| text(account, name));
    keys.iter().filter(|key| !key.is_empty()).map(|key| format!("EMAIL#{key}")).collect()
}

/// The unique keys that are reserved for an account: its former addresses may take it back.
fn reserved(account: &Item, now: i64) -> Vec<String> {
    let former = account.get("former_emails").and_then(|list| list.as_l().ok());
    let former = former.into_iter().flatten().filter_map(|one| one.as_m().ok());
    former
        .filter(|one| one.get("may_return") == Some(&AttributeValue::Bool(true)))
        .filter(|one| number(one, "until").is_some_and(|until| now < until))
        .map(|one| format!("EMAIL#{}", text(one, "email_key")))
        .collect()
}

impl World {
    /// All faults end, and all that is retried is done.
    pub(super) async fn come_to_rest(&self) {
        let faults = self.site.aws.faults();
        faults.clear();
        for _ in 0..3 {
            self.site.deliver_mail().await;
            self.see_mails().await;
            self.site.clean_up().await;
            self.site.advance(PATIENCE);
        }
        self.site.deliver_mail().await;
        self.see_mails().await;
        self.site.clean_up().await;
    }

    pub(super) async fn assert_consistent(&self) {
        let now = self.site.now().as_second();
        let items = self.site.all().await;
        let of_sort = |sort: &str| {
            items.iter().filter(move |item| text(item, "sk") == sort).collect::<Vec<_>>()
        };
        let lives = |item: &&&Item| number(item, "expires_at").is_none_or(|end| now < end);
        let users = of_sort("USER");
        let pending: Vec<&Item> = items
            .iter()
            .filter(|item| text(item, "sk").starts_with("PENDING#"))
            .filter(|item| lives(&item))
            .collect();
        for user in &users {
            assert_ne!(number(user, "ends_at"), Some(0), "a deleted account is left: {user:?}");
        }
        let users: Vec<_> = users
            .into_iter()
            .filter(|user| number(user, "ends_at").is_none_or(|end| now < end))
            .collect();
        let pending: Vec<_> =
            pending.iter().filter_map(|item| item["account"].as_m().ok()).collect();

        // Each account and each sign-up has its unique keys, and no other has them.
        let guards: BTreeMap<_, _> = of_sort("GUARD")
            .iter()
            .filter(lives)
            .map(|item| (text(item, "pk"), text(item, "user_id")))
            .collect();
        // Of an account that stays, they stay, too.
        let ending: BTreeSet<_> = of_sort("GUARD")
            .iter()
            .filter(|item| item.contains_key("expires_at"))
            .map(|item| text(item, "pk"))
            .collect();
        let mut owned = BTreeMap::new();
        for user in &users {
            let stays = number(user, "ends_at").is_none();
            for key in names(user).into_iter().chain(addresses(user)) {
                let id = text(user, "id");
                assert_eq!(guards.get(&key), Some(&id), "{key} of {user:?}");
                assert!(!stays || !ending.contains(&key), "{key} ends, and not {user:?}");
                owned.insert(key, id);
            }
        }
        for account in &pending {
            for key in names(account) {
                let id = text(account, "id");
                assert_eq!(guards.get(&key), Some(&id), "{key} of a sign-up: {account:?}");
                owned.insert(key, id);
            }
        }
        for user in &users {
            for key in reserved(user, now) {
                let id = text(user, "id");
                assert_eq!(guards.get(&key), Some(&id), "{key} is reserved for {user:?}");
                owned.insert(key, id);
            }
        }
        assert_eq!(guards, owned, "a unique key without an owner");

        // No item of an account outlives it.
        let ids: BTreeSet<_> = users.iter().map(|user| text(user, "id")).collect();
        for item in items.iter().filter(|item| text(item, "sk").starts_with("SESSION#")) {
            let user = text(item, "pk").replace("USER#", "");
            assert!(ids.contains(&user), "a session without a user: {item:?}");
        }
        let sign_ups: BTreeSet<_> = pending.iter().map(|account| text(account, "id")).collect();
        for item in items.iter().filter(|item| text(item, "sk").starts_with("OTP#")) {
            let user = text(item, "user_id");
            let is_owned = ids.contains(&user) || sign_ups.contains(&user);
            assert!(is_owned || !lives(&&item), "a code without a user: {item:?}");
        }
        for item in &items {
            let sort = text(item, "sk");
            let may_stay = ["USER", "GUARD"].contains(&sort.as_str());
            assert!(may_stay || item.contains_key("expires_at"), "it never ends: {item:?}");
            let ends = number(item, "ends_at").is_some();
            assert!(sort != "USER" || !ends || item.contains_key("sweep_pk"), "{item:?}");
        }
        self.assert_mails_are_accounted_for();
        self.assert_sessions_end_with_their_users(&ids).await;
    }

    /// Each promised mail was decided on, and each one has come to an end.
    fn assert_mails_are_accounted_for(&self) {
        let decided = self.decided.lock().unwrap();
        let mut of_kind = BTreeMap::<_, usize>::new();
        let mut sent = BTreeMap::<_, usize>::new();
        for mail in decided.values() {
            let state = text(mail, "state");
            // The mails of a deleted account are deleted with it.
            let is_left = self.present.lock().unwrap().contains(&text(mail, "pk"));
            assert!(!is_left || !["due", "sending"].contains(&state.as_str()), "{mail:?}");
            *of_kind.entry((text(mail, "mail"), text(mail, "to"))).or_default() += 1;
            if state == "sent" {
                *sent.entry(text(mail, "to")).or_default() += 1;
            }
        }
        for ((kind, address), promised) in self.promised.lock().unwrap().iter() {
            let found = of_kind.get(&((*kind).to_owned(), address.clone())).copied();
            let decided: Vec<_> = decided.values().collect();
            assert!(found >= Some(*promised), "{promised} {kind} to {address}: {decided:?}");
        }
        let messages = self.site.aws.mailbox().messages();
        for (address, count) in sent {
            let arrived = messages.iter().filter(|mail| mail.to.contains(&address)).count();
            assert!(arrived >= count, "{arrived} of {count} mails to {address}");
        }
    }

    /// No token works without its user.
    async fn assert_sessions_end_with_their_users(&self, ids: &BTreeSet<String>) {
        let held = self.held.lock().unwrap().clone();
        for held in held {
            let user = forge::payload(&held.access)["sub"].as_str().unwrap().to_owned();
            if !ids.contains(&user) {
                let refreshed = self.site.accounts.refresh(&held.refresh, &Client::default()).await;
                assert!(refreshed.is_err(), "{user} is deleted, and has a new token");
                assert!(self.site.accounts.authenticate(&held.access).await.is_err());
            }
        }
    }

    /// The clean-up has left nothing that it has to delete.
    pub(super) async fn assert_nothing_is_overdue(&self) {
        let now = self.site.now().as_second();
        for item in self.site.all().await {
            let is_due = number(&item, "sweep_at").is_some_and(|at| at <= now);
            assert!(!is_due, "the clean-up leaves {item:?}");
        }
    }
}
