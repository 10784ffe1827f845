//! Many users, without the password hash that each sign-up would cost.

use accounts::model::{Email, User, Username};
use accounts::store::{Created, Shards};
use embedded::dynoxide::ImportOptions;
use embedded::dynoxide::types::{AttributeValue, Item};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::Site;

impl Site {
    /// Adds a user without a password, a millisecond after the one before.
    pub async fn add_user(&self, name: &str, change: impl FnOnce(&mut User)) -> User {
        let mut user = self.new_user(name);
        change(&mut user);
        let created = self.store.create_user(&user, &[], None).await.expect("the table answers");
        assert_eq!(created, Created::Done, "{name}");
        self.import(user.secondary_email_key.iter().map(|key| unique_key("EMAIL", key, &user)));
        user
    }

    /// Adds that many users, named `prefix0000`, `prefix0001` …, each a millisecond after the one
    /// before: their items at once, without a stream.
    pub async fn add_users(
        &self,
        prefix: &str,
        count: usize,
        change: impl Fn(usize, &mut User),
    ) -> Vec<User> {
        let mut users = vec![self.add_user(&format!("{prefix}0000"), |user| change(0, user)).await];
        let stored = self.item(&format!("USER#{}", users[0].id), "USER").await;
        assert_eq!(stored.len(), written(&users[0])[0].len(), "{stored:?}");
        for n in 1..count {
            let mut user = self.new_user(&format!("{prefix}{n:04}"));
            change(n, &mut user);
            users.push(user);
        }
        self.import(users[1..].iter().flat_map(written));
        users
    }

    fn new_user(&self, name: &str) -> User {
        self.advance(SignedDuration::from_millis(1));
        let username = Username::parse(name).expect("a username");
        let id = self.random.id(self.now());
        let ascii = if name.is_ascii() { name.to_owned() } else { id.to_string() };
        let email = Email::parse(&format!("{ascii}@example.com")).expect("an address");
        User::new(id.into(), &username, &email, None, self.now())
    }

    fn import(&self, items: impl Iterator<Item = Item>) {
        let (table, items) = (self.aws.table_name(), items.collect());
        let imported = self.aws.database().import_items(table, items, ImportOptions::default());
        imported.expect("items are imported");
    }
}

/// The items of a user, as the store writes them.
pub fn written(user: &User) -> [Item; 3] {
    let Ok(Value::Object(data)) = serde_json::to_value(user) else { panic!("a user has fields") };
    let attributes = data.into_iter().map(|(name, value)| (name, attribute(value)));
    let mut item: Item = attributes.collect();
    item.extend([
        ("pk".to_owned(), text(&format!("USER#{}", user.id))),
        ("sk".to_owned(), text("USER")),
        ("kind".to_owned(), text("user")),
        ("version".to_owned(), attribute(json!(1))),
        ("list_pk".to_owned(), text(&format!("USERS#{}", Shards::FEWEST.of_user(user.id)))),
    ]);
    [
        item,
        unique_key("EMAIL", &user.email_key, user),
        unique_key("USERNAME", &user.username_key, user),
    ]
}

fn unique_key(of: &str, key: &str, user: &User) -> Item {
    Item::from([
        ("pk".to_owned(), text(&format!("{of}#{key}"))),
        ("sk".to_owned(), text("GUARD")),
        ("kind".to_owned(), text("guard")),
        ("version".to_owned(), attribute(json!(1))),
        ("user_id".to_owned(), text(&user.id.to_string())),
    ])
}

fn attribute(value: Value) -> AttributeValue {
    match value {
        Value::Bool(value) => AttributeValue::BOOL(value),
        Value::Number(number) => AttributeValue::N(number.to_string()),
        Value::String(value) => AttributeValue::S(value),
        other @ (Value::Null | Value::Array(_) | Value::Object(_)) => {
            panic!("no attribute of a user: {other}")
        }
    }
}

fn text(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}
