//! Read a page of a list, from its start or from its end.

use super::cursor::Cursor;
use super::{Bounds, Filter, MAX_OFFSET, MAX_PAGE, MAX_READ, Page, Row};
use crate::crypto::Seal;
use crate::error::{AuthError, BadPage};
use crate::model::{User, UserId};
use crate::store::{Listing, Order, Place, Store};

/// Where the rows of a list come from.
#[derive(Debug)]
pub(super) enum Source {
    /// No other user can be in the list.
    One(Box<User>),
    /// All users of an index.
    All(Order),
    /// These, by age.
    Known(Vec<Place>),
}

impl Source {
    pub(super) fn order(&self) -> &Order {
        match self {
            Self::All(order) => order,
            Self::One(_) | Self::Known(_) => &Order::Age,
        }
    }
}

/// A list of which a page is read.
pub(super) struct List<'a> {
    pub(super) store: &'a Store,
    pub(super) source: Source,
    pub(super) filter: &'a Filter,
}

/// The result of a read of the list.
#[derive(Default)]
struct Found {
    users: Vec<(Place, User)>,
    /// Where the read stopped, because it had read the most users that it may.
    broke_off: Option<Place>,
}

impl List<'_> {
    /// The page of those bounds.
    pub(super) async fn page(&self, mut bounds: Bounds, seal: &Seal) -> Result<Page, AuthError> {
        if bounds.offset > 0 {
            match self.pass_over(&bounds).await? {
                Some(last) => bounds.after = Some(last),
                None => return Ok(Page::default()),
            }
        }
        let mut page = Page::default();
        let (mut found, is_backwards) = match (bounds.first, bounds.last) {
            (None, Some(last)) => {
                let mut found = self.read(&bounds, true, last).await?;
                page.has_previous = found.users.len() > last || found.broke_off.is_some();
                found.users.truncate(last);
                found.users.reverse();
                (found, true)
            }
            (first, last) => {
                let first = first.unwrap_or(MAX_PAGE);
                let mut found = self.read(&bounds, false, first).await?;
                page.has_next = found.users.len() > first || found.broke_off.is_some();
                found.users.truncate(first);
                if let Some(surplus) = last.and_then(|last| found.users.len().checked_sub(last)) {
                    page.has_previous = surplus > 0;
                    found.users.drain(..surplus);
                }
                (found, false)
            }
        };
        let is_by_age = matches!(self.source.order(), Order::Age);
        let sealed = |place| Cursor { place, is_by_age }.seal(seal);
        let broke_off = found.broke_off.take().map(sealed);
        let rows = found.users.into_iter();
        page.rows = rows.map(|(place, user)| Row { cursor: sealed(place), user }).collect();
        page.start = page.rows.first().map(|row| row.cursor.clone());
        page.end = page.rows.last().map(|row| row.cursor.clone());
        match broke_off {
            Some(place) if is_backwards => page.start = Some(place),
            Some(place) => page.end = Some(place),
            None => {}
        }
        Ok(page)
    }

    /// The last place that `offset` passes over; `None` if the list is not that long.
    async fn pass_over(&self, bounds: &Bounds) -> Result<Option<Place>, AuthError> {
        if !matches!(self.source, Source::One(_)) && !self.filter.is_selective() {
            let places = self.listing(bounds, false).next(bounds.offset).await?;
            let is_long = places.len() == bounds.offset;
            return Ok(places.into_iter().last().filter(|_| is_long));
        }
        let mut found = self.read(bounds, false, bounds.offset).await?;
        if found.users.len() < bounds.offset && found.broke_off.is_some() {
            return Err(AuthError::BadPage(BadPage::OffsetTooLarge { limit: MAX_OFFSET }));
        }
        let is_long = found.users.len() >= bounds.offset;
        found.users.truncate(bounds.offset);
        Ok(found.users.pop().filter(|_| is_long).map(|(place, _)| place))
    }

    /// The users who pass the filter, up to one more than `wanted`: the surplus user shows that there are more.
    async fn read(
        &self,
        bounds: &Bounds,
        is_backwards: bool,
        wanted: usize,
    ) -> Result<Found, AuthError> {
        let mut found = Found::default();
        if let Source::One(user) = &self.source {
            let place = place(user);
            let is_inside = bounds.after.as_ref().is_none_or(|after| after.user < place.user)
                && bounds.before.as_ref().is_none_or(|before| place.user < before.user);
            if is_inside && self.filter.passes(user) {
                found.users.push((place, User::clone(user)));
            }
            return Ok(found);
        }
        let mut listing = self.listing(bounds, is_backwards);
        let (mut read, mut step) = (0, 0);
        while found.users.len() <= wanted {
            let missing = wanted + 1 - found.users.len();
            // The fewer pass, the more are read at a time.
            let batch = missing.max(step).min(MAX_PAGE + 1);
            step = batch * 2;
            let places = listing.next(batch).await?;
            let is_end = places.len() < batch;
            let ids: Vec<UserId> = places.iter().map(|place| place.user).collect();
            let mut users = self.store.users(&ids).await?;
            read += places.len();
            let last = places.last().cloned();
            let read_users = places.into_iter().filter_map(|place| users.remove(&place.user));
            let passing = read_users.filter(|user| self.filter.passes(user));
            found.users.extend(passing.map(|user| (place(&user), user)));
            if is_end {
                break;
            }
            if read >= MAX_READ && found.users.len() <= wanted {
                found.broke_off = last;
                break;
            }
        }
        Ok(found)
    }

    fn listing(&self, bounds: &Bounds, is_backwards: bool) -> Listing<'_> {
        let (after, before) = (bounds.after.as_ref(), bounds.before.as_ref());
        match &self.source {
            Source::All(order) => self.store.list_users(order.clone(), after, before, is_backwards),
            Source::Known(places) => {
                self.store.list_known(places.clone(), after, before, is_backwards)
            }
            Source::One(user) => {
                self.store.list_known(vec![place(user)], after, before, is_backwards)
            }
        }
    }
}

fn place(user: &User) -> Place {
    Place { user: user.id, username_key: user.username_key.clone() }
}
