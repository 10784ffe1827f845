//! See the accounts of others.

mod cursor;
mod list;

use super::{Accounts, Caller};
use crate::crypto::Seal;
use crate::error::{AuthError, BadPage};
use crate::model::username::{MAX_KEY_BYTES, fold};
use crate::model::{Email, LegacyId, User, UserId, Username};
use crate::policy::UsersQuery;
use crate::store::{Order, Place, Subject};
use crate::telemetry::operation;

use cursor::Cursor;
use list::{List, Source};

/// The most rows of a page, and the number of rows if the request names none.
pub const MAX_PAGE: usize = 100;
/// The most users that are read for a page when a filter passes over most of them.
pub const MAX_READ: usize = 1_000;
/// The most rows that can be passed over.
pub const MAX_OFFSET: usize = 10_000;
/// Up to this many matches of a username prefix are sorted by sign-up time. More matches come in the order of the
/// index, by name.
pub const MAX_BY_AGE: usize = 200;

/// A filter of users. A user must pass all fields that are given. Space around texts is dropped, and an empty text
/// counts as not given (as in django-filter).
#[derive(Clone, Debug, Default)]
pub struct UserFilter {
    /// The first address, in any spelling that logs in.
    pub email: Option<String>,
    /// The second address, in any spelling that logs in.
    pub secondary_email: Option<String>,
    /// The primary key in the system that the user was imported from, exactly.
    pub legacy_id: Option<String>,
    /// The username, in any case.
    pub username: Option<String>,
    /// A part of the username, in any case.
    pub username_contains: Option<String>,
    /// How the username starts, in any case.
    pub username_starts_with: Option<String>,
    /// Neither banned nor deleted.
    pub is_active: Option<bool>,
    /// Archived.
    pub is_archived: Option<bool>,
    /// With a proven address.
    pub is_verified: Option<bool>,
}

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

/// An identifier of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserRef {
    /// The id.
    Id(UserId),
    /// The primary key in the system that the user was imported from.
    LegacyId(LegacyId),
}

impl UserRef {
    fn is(&self, user: &User) -> bool {
        match self {
            Self::Id(id) => *id == user.id,
            Self::LegacyId(id) => user.legacy_id.as_deref() == Some(id.as_str()),
        }
    }
}

/// A part of a list.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// In the list's order, also when read from the end.
    pub rows: Vec<Row>,
    /// Whether more rows follow the page. If a filter skips more than [`MAX_READ`] users, that is not known: then it
    /// is `true`, and `end` leads to the next rows.
    pub has_next: bool,
    /// The same for the rows before the page, with `start`.
    pub has_previous: bool,
    /// Where the page starts.
    pub start: Option<String>,
    /// Where it ends.
    pub end: Option<String>,
}

/// A user in a list.
#[derive(Clone, Debug)]
pub struct Row {
    /// Leads to the rows before and after it.
    pub cursor: String,
    /// The user.
    pub user: User,
}

impl Accounts {
    /// A page of the users that the caller may see. [`UsersQuery`] says who sees all users. Any other user sees only
    /// the own account, and an anonymous caller sees no users then. They come in the order of sign-up; by name, when
    /// the request filters by a prefix of the name and more than [`MAX_BY_AGE`] users match.
    ///
    /// The cost depends on the page, not on the number of users. Filters other than by address, username, its prefix or
    /// legacy id are applied row by row, to at most [`MAX_READ`] users at a time. Then a page may have fewer rows than
    /// match, or no rows, and says that there are more.
    ///
    /// # Errors
    /// [`AuthError::BadPage`], [`AuthError::Unavailable`].
    pub async fn list_users(
        &self,
        caller: Option<&Caller>,
        filter: UserFilter,
        window: Window,
    ) -> Result<Page, AuthError> {
        operation!(self.clock, "list_users", async {
            let filter = Filter::parse(filter)?;
            let bounds = Bounds::parse(window, self.tokens.cursor_seal())?;
            let source = self.source(caller, &filter, &bounds).await?;
            self.page(source, &filter, bounds).await
        })
    }

    /// A page of all users, for staff: as [`Accounts::list_users`].
    pub(super) async fn list_all(
        &self,
        filter: UserFilter,
        window: Window,
    ) -> Result<Page, AuthError> {
        let filter = Filter::parse(filter)?;
        let bounds = Bounds::parse(window, self.tokens.cursor_seal())?;
        let source = self.source_of_all(&filter, &bounds).await?;
        self.page(source, &filter, bounds).await
    }

    async fn page(
        &self,
        source: Option<Source>,
        filter: &Filter,
        bounds: Bounds,
    ) -> Result<Page, AuthError> {
        let Some(source) = source else { return Ok(Page::default()) };
        if !bounds.is_in_order(source.order()) {
            return Err(AuthError::BadPage(BadPage::EndBeforeStart));
        }
        let list = List { store: &self.store, source, filter };
        list.page(bounds, self.tokens.cursor_seal()).await
    }

    /// The user of that reference; `None` when there is no such user, or the caller may not see the user. A caller
    /// without permission gets the same answer for a malformed id, for which `named` is `None`.
    ///
    /// # Errors
    /// [`AuthError::Unauthenticated`] for an anonymous caller, unless the users are public;
    /// [`AuthError::Unavailable`].
    pub async fn find_user(
        &self,
        caller: Option<&Caller>,
        named: Option<UserRef>,
    ) -> Result<Option<User>, AuthError> {
        operation!(self.clock, "find_user", async {
            match (named, caller) {
                (Some(named), caller) if self.sees_all(caller) => {
                    let id = match named {
                        UserRef::Id(id) => Some(id),
                        UserRef::LegacyId(id) => {
                            self.store.find_user(&Subject::LegacyId(id)).await?
                        }
                    };
                    let Some(id) = id else { return Ok(None) };
                    Ok(self.store.user(id).await?)
                }
                (None, caller) if self.sees_all(caller) => Ok(None),
                (_, None) => Err(AuthError::Unauthenticated),
                (named, Some(caller)) => {
                    let is_own = named.is_some_and(|named| named.is(&caller.user));
                    Ok(is_own.then(|| caller.user.clone()))
                }
            }
        })
    }

    fn sees_all(&self, caller: Option<&Caller>) -> bool {
        match self.policy.users_query {
            UsersQuery::Public => true,
            UsersQuery::Authenticated => caller.is_some(),
            UsersQuery::Staff => caller.is_some_and(|caller| self.admin(caller).is_ok()),
        }
    }

    /// The source of the rows; `None` if there can be no rows.
    async fn source(
        &self,
        caller: Option<&Caller>,
        filter: &Filter,
        bounds: &Bounds,
    ) -> Result<Option<Source>, AuthError> {
        if !self.sees_all(caller) {
            return Ok(caller.map(|caller| Source::One(Box::new(caller.user.clone()))));
        }
        self.source_of_all(filter, bounds).await
    }

    /// The source of the rows for a caller who sees all users.
    async fn source_of_all(
        &self,
        filter: &Filter,
        bounds: &Bounds,
    ) -> Result<Option<Source>, AuthError> {
        let subject = match filter.candidates() {
            Candidates::One(subject) => subject,
            Candidates::NoUser => return Ok(None),
            Candidates::AnyUser => {
                return Ok(Some(match &filter.prefix {
                    None => Source::All(Order::Age),
                    Some(prefix) => self.starting_with(prefix, bounds).await?,
                }));
            }
        };
        let Some(id) = self.store.find_user(&subject).await? else { return Ok(None) };
        Ok(self.store.user(id).await?.map(|user| Source::One(Box::new(user))))
    }
}

impl Accounts {
    /// Users whose names have that prefix: by age if they are few, as in the list of all; by name if they are many. A
    /// request with a cursor stays in the order of the cursor.
    async fn starting_with(&self, prefix: &str, bounds: &Bounds) -> Result<Source, AuthError> {
        let order = Order::Name { prefix: prefix.to_owned() };
        let most = match bounds.is_by_age {
            Some(false) => return Ok(Source::All(order)),
            Some(true) => MAX_OFFSET,
            None => MAX_BY_AGE,
        };
        let mut listing = self.store.list_users(order.clone(), None, None, false);
        let known = listing.next(most + 1).await?;
        if known.len() <= most {
            Ok(Source::Known(known))
        } else if bounds.is_by_age.is_some() {
            Err(AuthError::BadPage(BadPage::OtherList))
        } else {
            Ok(Source::All(order))
        }
    }
}

/// A [`UserFilter`] without empty texts.
#[derive(Debug)]
struct Filter {
    given: UserFilter,
    email: Option<Email>,
    secondary_email: Option<Email>,
    username: Option<Username>,
    legacy_id: Option<LegacyId>,
    /// The filter has an address, a name or a legacy id that no user can have.
    is_impossible: bool,
    /// Folded as the keys of usernames are.
    contains: Option<String>,
    prefix: Option<String>,
}

impl Filter {
    fn parse(filter: UserFilter) -> Result<Self, AuthError> {
        let text = |text: Option<String>| match text.as_deref().map(str::trim) {
            Some(text) if text.contains('\0') => Err(AuthError::BadPage(BadPage::NullCharacter)),
            None | Some("") => Ok(None),
            Some(text) => Ok(Some(text.to_owned())),
        };
        let given = UserFilter {
            email: text(filter.email)?,
            secondary_email: text(filter.secondary_email)?,
            legacy_id: text(filter.legacy_id)?,
            username: text(filter.username)?,
            username_contains: text(filter.username_contains)?,
            username_starts_with: text(filter.username_starts_with)?,
            ..filter
        };
        let address = |text: &Option<String>| text.as_deref().map(Email::parse).transpose();
        let email = address(&given.email);
        let secondary_email = address(&given.secondary_email);
        let username = given.username.as_deref().map(Username::parse).transpose();
        let legacy_id = given.legacy_id.as_deref().map(LegacyId::parse);
        let contains = given.username_contains.as_deref().map(fold);
        let prefix = given.username_starts_with.as_deref().map(fold);
        // The table refuses a search for a text that is longer than a key can be.
        let is_too_long =
            |part: &Option<String>| part.as_ref().is_some_and(|it| it.len() > MAX_KEY_BYTES);
        let is_impossible = email.is_err()
            || secondary_email.is_err()
            || username.is_err()
            || legacy_id == Some(None)
            || is_too_long(&contains)
            || is_too_long(&prefix);
        Ok(Self {
            email: email.unwrap_or_default(),
            secondary_email: secondary_email.unwrap_or_default(),
            username: username.unwrap_or_default(),
            legacy_id: legacy_id.flatten(),
            is_impossible,
            given,
            contains,
            prefix,
        })
    }

    fn candidates(&self) -> Candidates {
        let email = self.email.as_ref().or(self.secondary_email.as_ref());
        match (email, &self.username, &self.legacy_id) {
            _ if self.is_impossible => Candidates::NoUser,
            (Some(email), ..) => Candidates::One(Subject::Email(email.clone())),
            (None, Some(username), _) => Candidates::One(Subject::Username(username.clone())),
            (None, None, Some(id)) => Candidates::One(Subject::LegacyId(id.clone())),
            (None, None, None) => Candidates::AnyUser,
        }
    }

    /// True if rows must be filtered after reading the index.
    fn is_selective(&self) -> bool {
        let UserFilter { is_active, is_archived, is_verified, .. } = &self.given;
        self.contains.is_some() || [is_active, is_archived, is_verified].iter().any(|f| f.is_some())
    }

    fn passes(&self, user: &User) -> bool {
        fn is<T: PartialEq + ?Sized>(wanted: Option<&T>, has: Option<&T>) -> bool {
            wanted.is_none() || wanted == has
        }
        let key = &user.username_key;
        let second = user.secondary_email_key.as_deref();
        !self.is_impossible
            && is(self.email.as_ref().map(Email::key), Some(user.email_key.as_str()))
            && is(self.secondary_email.as_ref().map(Email::key), second)
            && is(self.username.as_ref().map(Username::key), Some(key.as_str()))
            && is(self.legacy_id.as_ref().map(LegacyId::as_str), user.legacy_id.as_deref())
            && self.contains.as_ref().is_none_or(|part| key.contains(part))
            && self.prefix.as_ref().is_none_or(|prefix| key.starts_with(prefix))
            && is(self.given.is_active.as_ref(), Some(&user.is_active))
            && is(self.given.is_archived.as_ref(), Some(&user.is_archived))
            && is(self.given.is_verified.as_ref(), Some(&user.is_verified))
    }
}

/// The users who can pass a filter.
#[derive(Debug)]
enum Candidates {
    AnyUser,
    /// At most the one user with this address, name or legacy id.
    One(Subject),
    /// There is no such address, name or legacy id.
    NoUser,
}

/// A [`Window`] that makes sense.
#[derive(Debug)]
struct Bounds {
    after: Option<Place>,
    before: Option<Place>,
    /// The order of the list that the cursors are from.
    is_by_age: Option<bool>,
    offset: usize,
    first: Option<usize>,
    last: Option<usize>,
}

impl Bounds {
    fn parse(window: Window, seal: &Seal) -> Result<Self, AuthError> {
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

    fn is_in_order(&self, order: &Order) -> bool {
        match (&self.after, &self.before) {
            (Some(after), Some(before)) => order.key(after) < order.key(before),
            _ => true,
        }
    }
}
