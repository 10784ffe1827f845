//! See the accounts of others.

mod cursor;
mod filter;
mod list;
mod window;

use super::{Accounts, Caller};
use crate::error::{AuthError, BadPage};
use crate::model::{LegacyId, User, UserId};
use crate::policy::UsersQuery;
use crate::store::{Order, Subject};
use crate::telemetry::operation;

pub use filter::UserFilter;
pub use window::Window;

use filter::{Candidates, Filter};
use list::{List, Source};
use window::Bounds;

/// The most rows of a page, and the number of rows if the request names none.
pub const MAX_PAGE: usize = 100;
/// The most users that are read for a page when a filter passes over most of them.
pub const MAX_READ: usize = 1_000;
/// The most rows that can be passed over.
pub const MAX_OFFSET: usize = 10_000;
/// Up to this many matches of a username prefix are sorted by sign-up time. More matches come in the order of the
/// index, by name.
pub const MAX_BY_AGE: usize = 200;

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
