//! The raw table: for data that no API shows, and for items that no release writes.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use aws_sdk_dynamodb::types::AttributeValue;

use crate::Site;

/// A raw item of the table.
pub type Item = HashMap<String, AttributeValue>;

/// Text, as an attribute.
pub fn s(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

/// A number, as an attribute.
pub fn n(number: i64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

impl Site {
    /// All items of the table with their keys, as sorted text. Tests search it for secrets, or compare it with an
    /// earlier one.
    pub async fn dump(&self) -> Vec<String> {
        let mut dump: Vec<String> = self.all().await.iter().map(sorted).collect();
        dump.sort();
        dump
    }

    /// The same, without the audit trail.
    pub async fn dump_without_trail(&self) -> Vec<String> {
        let mut dump = self.dump().await;
        dump.retain(|item| !item.contains("\"pk\": S(\"AUDIT#"));
        dump
    }

    /// The sort keys of all items whose partition key has that prefix.
    pub async fn items(&self, partition: &str) -> Vec<String> {
        let keys = self.found(partition).await;
        keys.iter().map(|item| text(item, "sk")).collect()
    }

    /// The only item whose partition key starts with `partition`, and its sort key with `sort`.
    pub async fn item(&self, partition: &str, sort: &str) -> Item {
        let mut found = self.found(partition).await;
        found.retain(|item| text(item, "sk").starts_with(sort));
        assert_eq!(found.len(), 1, "{partition} {sort}");
        found.remove(0)
    }

    /// The owner of each address and each name, by the unique keys and by the accounts: two sorted lists, which must
    /// be equal. Addresses that are only reserved for an account are in neither list.
    pub async fn owners(&self) -> [Vec<(String, String)>; 2] {
        let (mut unique_keys, mut accounts) = (Vec::new(), Vec::new());
        let (mut kept, mut ending) = (Vec::new(), Vec::new());
        for item in self.all().await {
            match text(&item, "sk").as_str() {
                "GUARD" => {
                    let unique_key = (text(&item, "pk"), text(&item, "user_id"));
                    ending.extend(item.contains_key("expires_at").then(|| unique_key.clone()));
                    unique_keys.push(unique_key);
                }
                "USER" => {
                    let keys = [
                        ("EMAIL", "email_key"),
                        ("EMAIL", "secondary_email_key"),
                        ("USERNAME", "username_key"),
                        ("LEGACY", "legacy_id"),
                    ];
                    for (kind, field) in keys.into_iter().filter(|(_, key)| item.contains_key(*key))
                    {
                        let key = format!("{kind}#{}", text(&item, field));
                        accounts.push((key, text(&item, "id")));
                    }
                    let looks = item.get("username_looks").and_then(|looks| looks.as_l().ok());
                    let looks = looks.into_iter().flatten().filter_map(|look| look.as_s().ok());
                    accounts
                        .extend(looks.map(|look| (format!("USERNAME#{look}"), text(&item, "id"))));
                    let former = item.get("former_emails").and_then(|list| list.as_l().ok());
                    let former = former.into_iter().flatten().filter_map(|one| one.as_m().ok());
                    let keys = former.map(|one| format!("EMAIL#{}", text(one, "email_key")));
                    kept.extend(keys.map(|key| (key, text(&item, "id"))));
                }
                _ => {}
            }
        }
        kept.retain(|unique_key| ending.contains(unique_key) && !accounts.contains(unique_key));
        unique_keys.retain(|unique_key| !kept.contains(unique_key));
        unique_keys.sort();
        accounts.sort();
        [unique_keys, accounts]
    }

    /// The states of the mails, in the order of their creation.
    pub async fn mail_states(&self) -> Vec<String> {
        let mut mails = self.found("MAIL#").await;
        mails.sort_by_key(|mail| text(mail, "pk"));
        mails.iter().map(|mail| text(mail, "state")).collect()
    }

    /// Asserts that each address of each user has its unique key, and that no other address has one.
    pub async fn assert_addresses_have_unique_keys(&self) {
        let addresses = |mut owners: Vec<(String, String)>| {
            owners.retain(|(key, _)| key.starts_with("EMAIL#"));
            owners
        };
        let [unique_keys, accounts] = self.owners().await.map(addresses);
        assert_eq!(unique_keys, accounts);
    }

    /// Writes an item as it is.
    pub async fn put(&self, item: Item) {
        let request = self.dynamodb.put_item().table_name(self.aws.table_name());
        request.set_item(Some(item)).send().await.expect("an item is put");
    }

    /// All items, as a backup has them.
    pub async fn all_items(&self) -> Vec<Item> {
        self.all().await
    }

    /// Restores the table: these items, and no others.
    pub async fn restore(&self, items: &[Item]) {
        for item in self.all().await {
            let delete = self.dynamodb.delete_item().table_name(self.aws.table_name());
            let key = ["pk", "sk"].map(|name| (name.to_owned(), item[name].clone()));
            delete.set_key(Some(key.into())).send().await.expect("an item is deleted");
        }
        for item in items {
            self.put(item.clone()).await;
        }
    }

    async fn found(&self, partition: &str) -> Vec<Item> {
        let mut items = self.all().await;
        items.retain(|item| text(item, "pk").starts_with(partition));
        items
    }

    /// All items, in no order.
    pub async fn all(&self) -> Vec<Item> {
        let request = self.dynamodb.scan().table_name(self.aws.table_name());
        let pages = request.into_paginator().items().send();
        pages.collect::<Result<_, _>>().await.expect("a scan")
    }
}

/// The attributes in the order of their names, at every depth.
fn sorted(item: &Item) -> String {
    let item: BTreeMap<_, _> = item.iter().map(|(name, value)| (name, Sorted(value))).collect();
    format!("{item:?}")
}

struct Sorted<'a>(&'a AttributeValue);

impl fmt::Debug for Sorted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let AttributeValue::M(map) = self.0 {
            write!(f, "M({})", sorted(map))
        } else if let AttributeValue::L(list) = self.0 {
            write!(f, "L({:?})", list.iter().map(Sorted).collect::<Vec<_>>())
        } else {
            self.0.fmt(f)
        }
    }
}

fn text(item: &Item, name: &str) -> String {
    item.get(name).and_then(|value| value.as_s().ok().cloned()).unwrap_or_default()
}
