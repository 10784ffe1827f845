//! The part of a list that a page shows.

use super::cursor::Cursor;
use super::{MAX_OFFSET, MAX_PAGE};
use crate::crypto::Seal;
use crate::error::{AuthError, BadPage};
use crate::store::{Order, Place};

/// The part of a list that a request asks for, as in Relay's connections. A cursor that is not valid counts as not
/// given.
#[derive(Clone, Debug, Default)]
pub struct Window {
    /// How many from the start.
    pub first: Option<i64>,
    /// How many from the end. If `first` is given, too: how many from the end of those first ones.
    pub last: Option<i64>,
    /// Only what comes after that cursor.
    pub after: Option<String>,
    /// Only what comes before that cursor.
    pub before: Option<String>,
    /// How many to pass over.
    pub offset: Option<i64>,
}

/// A [`Window`] that makes sense.
#[derive(Debug)]
pub(super) struct Bounds {
    pub(super) after: Option<Place>,
    pub(super) before: Option<Place>,
    /// The order of the list that the cursors are from.
    pub(super) is_by_age: Option<bool>,
    pub(super) offset: usize,
    pub(super) first: Option<usize>,
    pub(super) last: Option<usize>,
}

impl Bounds {
    pub(super) fn parse(window: Window, seal: &Seal) -> Result<Self, AuthError> {
        let bad = |page| Err(AuthError::BadPage(page));
        for (argument, requested) in [("first", window.first), ("last", window.last)] {
            let requested = requested.unwrap_or_default();
            if usize::try_from(requested).is_ok_and(|requested| requested > MAX_PAGE) {
                return bad(BadPage::TooMany { argument, requested, limit: MAX_PAGE });
            }
        }
        if window.offset.is_some() && window.before.is_some() {
            return bad(BadPage::OffsetBefore);
        }
        let count = |name, number: i64| {
            usize::try_from(number).map_err(|_| AuthError::BadPage(BadPage::Negative(name)))
        };
        let offset = count("offset", window.offset.unwrap_or_default())?;
        if offset > MAX_OFFSET {
            return bad(BadPage::OffsetTooLarge { limit: MAX_OFFSET });
        }
        let open = |cursor: Option<String>| cursor.and_then(|cursor| Cursor::open(&cursor, seal));
        let (after, before) = (open(window.after), open(window.before));
        let is_by_age = after.as_ref().or(before.as_ref()).map(|cursor| cursor.is_by_age);
        Ok(Self {
            after: after.map(|cursor| cursor.place),
            before: before.map(|cursor| cursor.place),
            is_by_age,
            offset,
            first: window.first.map(|first| count("first", first)).transpose()?,
            // A negative number counts as 0, as in django-graphql-auth.
            last: window.last.map(|last| usize::try_from(last).unwrap_or_default()),
        })
    }

    pub(super) fn is_in_order(&self, order: &Order) -> bool {
        match (&self.after, &self.before) {
            (Some(after), Some(before)) => order.key(after) < order.key(before),
            _ => true,
        }
    }
}
