//! Users in order, from indexes of keys that are spread over parts. The cost of a page grows with the page, not with
//! the table.

use std::collections::{HashMap, VecDeque};

use aws_sdk_dynamodb::types::AttributeValue;
use futures::future::try_join_all;

use super::Store;
use super::item::{Key, list_pk, s};
use super::transaction::{Item, StoreError};
use crate::model::{User, UserId};

/// As many keys as one `BatchGetItem` takes.
const BATCH: usize = 100;

/// The place of a user, in either order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The user of the place; sorts by age.
    pub user: UserId,
    /// Sorts by name. Empty where only the age is known.
    pub username_key: String,
}

/// The order of a list, and which users are in it.
#[derive(Clone, Debug)]
pub enum Order {
    /// All, in the order in which they came.
    Age,
    /// Those whose username key has that prefix, by name.
    Name {
        /// Folded as the keys are; not empty.
        prefix: String,
    },
}

impl Order {
    /// The sort key of a place.
    pub fn key<'a>(&self, place: &'a Place) -> (&'a str, UserId) {
        match self {
            Self::Age => ("", place.user),
            Self::Name { .. } => (&place.username_key, place.user),
        }
    }

    fn index(&self) -> (&'static str, &'static str) {
        match self {
            Self::Age => ("list", "pk"),
            Self::Name { .. } => ("names", "username_key"),
        }
    }

    fn sort_key(&self, place: &Place) -> String {
        match self {
            Self::Age => Key::user(place.user).pk,
            Self::Name { .. } => place.username_key.clone(),
        }
    }

    /// The bounds of the list.
    fn bounds(&self) -> (String, String) {
        match self {
            Self::Age => ("USER#".to_owned(), "USER#~".to_owned()),
            Self::Name { prefix } => (prefix.clone(), format!("{prefix}{}", char::MAX)),
        }
    }
}

/// A walk along a list. Call [`Listing::next`] until it returns fewer than were wanted.
#[derive(Debug)]
pub struct Listing<'a> {
    store: &'a Store,
    order: Order,
    /// Both inclusive.
    range: (String, String),
    /// The cursors themselves, which are not part of the walk.
    ends: [Option<String>; 2],
    is_backwards: bool,
    parts: Vec<Part>,
}

#[derive(Debug)]
struct Part {
    list_pk: String,
    read: VecDeque<Place>,
    rest: Rest,
}

/// The rest of a part that was not read yet.
#[derive(Debug)]
enum Rest {
    All,
    After(Item),
    Nothing,
}

impl Store {
    /// A walk along the users between two places, neither of them included; backwards, it starts at
    /// the end. Nothing is read yet. Reads an index, which follows the table by some milliseconds.
    pub fn list_users(
        &self,
        order: Order,
        after: Option<&Place>,
        before: Option<&Place>,
        is_backwards: bool,
    ) -> Listing<'_> {
        let (first, last) = order.bounds();
        let ends = [after, before].map(|end| end.map(|place| order.sort_key(place)));
        let range = (
            ends[0].clone().map_or(first.clone(), |after| after.max(first)),
            ends[1].clone().map_or(last.clone(), |before| before.min(last)),
        );
        // A range with its ends the wrong way round is an error to DynamoDB; to us it is empty.
        let is_empty = range.0 > range.1;
        let parts = self.shards.all().map(|part| Part {
            list_pk: list_pk(part),
            read: VecDeque::new(),
            rest: if is_empty { Rest::Nothing } else { Rest::All },
        });
        let parts = parts.collect();
        Listing { store: self, order, range, ends, is_backwards, parts }
    }

    /// A walk along places that are known already, by age, as [`Store::list_users`] would give them.
    pub fn list_known(
        &self,
        mut places: Vec<Place>,
        after: Option<&Place>,
        before: Option<&Place>,
        is_backwards: bool,
    ) -> Listing<'_> {
        let mut listing = self.list_users(Order::Age, None, None, is_backwards);
        places.retain(|place| {
            after.is_none_or(|after| after.user < place.user)
                && before.is_none_or(|before| place.user < before.user)
        });
        places.sort_by_key(|place| place.user);
        if is_backwards {
            places.reverse();
        }
        let list_pk = String::new();
        listing.parts = vec![Part { list_pk, read: places.into(), rest: Rest::Nothing }];
        listing
    }

    /// The users of those ids, as far as they are there.
    pub async fn users(&self, ids: &[UserId]) -> Result<HashMap<UserId, User>, StoreError> {
        let batches = ids.chunks(BATCH).map(|ids| {
            let keys = ids.iter().map(|id| Key::user(*id)).collect();
            self.batch_get(keys)
        });
        let items = try_join_all(batches).await?.into_iter().flatten();
        let users = items.map(|item| self.read_user(item)).collect::<Result<Vec<_>, _>>()?;
        let users = users.into_iter().filter(|user| self.stands(user));
        Ok(users.map(|user| (user.id, user)).collect())
    }
}

impl Listing<'_> {
    /// The next `count` places; fewer only at the end.
    pub async fn next(&mut self, count: usize) -> Result<Vec<Place>, StoreError> {
        let mut places = Vec::with_capacity(count);
        while places.len() < count {
            self.read_on(count - places.len()).await?;
            let Some(place) = self.take_first() else { break };
            places.push(place);
        }
        Ok(places)
    }

    /// Reads until each part has its next place, if there is one. Reads all parts at the same time. Users are spread
    /// evenly, so that a page seldom needs two reads of a part.
    async fn read_on(&mut self, wanted: usize) -> Result<(), StoreError> {
        let parts = usize::from(self.store.shards.count());
        let limit = wanted / parts * 3 / 2 + 4;
        let (store, range, is_backwards) = (self.store, &self.range, self.is_backwards);
        let index = self.order.index();
        let reads = self.parts.iter_mut().filter(|part| part.read.is_empty()).map(|part| {
            let ends = &self.ends;
            async move {
                while part.read.is_empty() && !matches!(part.rest, Rest::Nothing) {
                    part.read_on(store, index, range, ends, is_backwards, limit).await?;
                }
                Ok::<_, StoreError>(())
            }
        });
        try_join_all(reads).await.map(|_| ())
    }

    fn take_first(&mut self) -> Option<Place> {
        let (order, is_backwards) = (&self.order, self.is_backwards);
        let parts = self.parts.iter_mut().filter(|part| !part.read.is_empty());
        let first = parts.reduce(|first, part| {
            let is_earlier = order.key(&part.read[0]) < order.key(&first.read[0]);
            if is_earlier == is_backwards { first } else { part }
        });
        first.and_then(|part| part.read.pop_front())
    }
}

impl Part {
    async fn read_on(
        &mut self,
        store: &Store,
        (index, sort_key): (&str, &str),
        (low, high): &(String, String),
        ends: &[Option<String>; 2],
        is_backwards: bool,
        limit: usize,
    ) -> Result<(), StoreError> {
        let start = match std::mem::replace(&mut self.rest, Rest::Nothing) {
            Rest::All => None,
            Rest::After(key) => Some(key),
            Rest::Nothing => return Ok(()),
        };
        let answer = store
            .client
            .query()
            .table_name(&store.table)
            .index_name(index)
            .key_condition_expression("list_pk = :part AND #sort BETWEEN :low AND :high")
            .expression_attribute_names("#sort", sort_key)
            .expression_attribute_values(":part", s(&self.list_pk))
            .expression_attribute_values(":low", s(low))
            .expression_attribute_values(":high", s(high))
            .scan_index_forward(!is_backwards)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .set_exclusive_start_key(start)
            .send()
            .await?;
        if let Some(key) = answer.last_evaluated_key {
            self.rest = Rest::After(key);
        }
        let items = answer.items.unwrap_or_default().into_iter();
        let inside = items.filter(|item| {
            let key = item.get(sort_key).and_then(|key| key.as_s().ok());
            !ends.iter().flatten().any(|end| Some(end) == key)
        });
        self.read.extend(inside.filter_map(place));
        Ok(())
    }
}

fn place(mut item: Item) -> Option<Place> {
    let mut text = |name: &str| match item.remove(name) {
        Some(AttributeValue::S(text)) => Some(text),
        _ => None,
    };
    let user = text("pk")?.strip_prefix("USER#")?.parse().ok()?;
    Some(Place { user, username_key: text("username_key").unwrap_or_default() })
}
