//! The types that several dialects share in the one schema: users, and their ids.

use accounts::Accounts;
use accounts::crypto::AccessClaims;
use accounts::error::AuthError;
use accounts::model::{Gender as ModelGender, LegacyId, User, UserId};
use accounts::operations::{PersonalData, SentMails, UserRef};
use async_graphql::{ComplexObject, Context, Enum, ID, Interface, SimpleObject};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::sync::OnceCell;

use crate::caller::RequestCaller;
use crate::graphql_error::{GraphQlError, Nullable};
use crate::scalars::{DateTime, GenericScalar};

/// An object with an id of its own.
#[derive(Debug, Interface)]
#[graphql(field(name = "id", ty = "&ID"))]
pub(crate) enum Node {
    /// A user account.
    User(UserNode),
}

/// A user account.
#[derive(Debug, SimpleObject)]
#[graphql(complex)]
pub(crate) struct UserNode {
    #[graphql(skip)]
    user: User,
    #[graphql(skip)]
    recovery_codes: OnceCell<usize>,
    /// Opaque.
    id: ID,
    /// The last log-in before the import of an imported user; null for others. A log-in to Latchkey does not change it.
    last_login: Option<DateTime>,
    username: String,
    first_name: String,
    last_name: String,
    /// Whether the user may see all accounts.
    is_staff: bool,
    /// A banned or deleted user is not active.
    is_active: bool,
    date_joined: DateTime,
    email: String,
    pk: Option<ID>,
    archived: Option<bool>,
    /// Whether the user has proven the address.
    verified: Option<bool>,
    secondary_email: Option<String>,
    gender: Option<Gender>,
    position: Option<String>,
    department: Option<String>,
    /// The picture's key; `profilePictureUrl` shows it.
    profile_picture: Option<String>,
}

// The engine allocates the future of the largest of these methods for each selected field. So a method that calls AWS has
// a box of its own.
#[ComplexObject]
impl UserNode {
    /// A URL that a browser can show the picture from, for an hour at the least.
    async fn profile_picture_url(&self, ctx: &Context<'_>) -> Nullable<String> {
        let url = Box::pin(ctx.data_unchecked::<Accounts>().picture_url(&self.user)).await;
        url.map_err(GraphQlError::from).transpose()
    }

    /// Whether a log-in of the user needs a second factor. For the user and for staff; null for others.
    async fn has_second_factor(&self, ctx: &Context<'_>) -> Nullable<bool> {
        match ctx.data_unchecked::<RequestCaller>().ask().await {
            Ok(caller) => {
                let is_own = caller.as_ref().is_some_and(|caller| caller.user.id == self.user.id);
                let may_see = is_own || ctx.data_unchecked::<Accounts>().admin(&caller?).is_ok();
                may_see.then_some(Ok(self.user.has_second_factor))
            }
            Err(error) => Some(Err(error.into())),
        }
    }

    /// How many recovery codes the user has left. For the user; null for others.
    async fn recovery_codes_left(&self, ctx: &Context<'_>) -> Nullable<usize> {
        let read = async {
            let caller = ctx.data_unchecked::<RequestCaller>().ask().await?;
            let Some(caller) = caller.filter(|caller| caller.user.id == self.user.id) else {
                return Ok(None);
            };
            // Aliases of the field read the table once.
            let factors = ctx.data_unchecked::<Accounts>().factors(&caller);
            let read = self
                .recovery_codes
                .get_or_try_init(|| async { Ok::<_, AuthError>(factors.await?.recovery_codes) });
            Ok(Some(*read.await?))
        };
        Box::pin(read).await.map_err(|error: AuthError| error.into()).transpose()
    }

    /// Whether an activation mail was ever sent. For staff; null for others.
    async fn registration_sent(&self, ctx: &Context<'_>) -> Nullable<bool> {
        of_mails(ctx, &self.user, |mails| Some(mails.registration_sent)).await
    }

    /// Whether a mail with a password reset link was ever sent. For staff; null for others.
    async fn reset_sent(&self, ctx: &Context<'_>) -> Nullable<bool> {
        of_mails(ctx, &self.user, |mails| Some(mails.reset_sent)).await
    }

    /// The kind of the last mail that could not be sent to the user, until one is sent: `activation`,
    /// `password_reset` … For staff; null for others.
    async fn mail_not_sent(&self, ctx: &Context<'_>) -> Nullable<String> {
        of_mails(ctx, &self.user, |mails| mails.not_sent).await
    }
}

/// The state of the mails to a user, for staff.
async fn of_mails<T>(
    ctx: &Context<'_>,
    user: &User,
    part: impl FnOnce(SentMails) -> Option<T>,
) -> Nullable<T> {
    match ctx.data_unchecked::<RequestCaller>().ask().await {
        Ok(caller) => {
            let caller = caller?;
            let admin = ctx.data_unchecked::<Accounts>().admin(&caller).ok()?;
            part(admin.sent_mails(user)).map(Ok)
        }
        Err(error) => Some(Err(error.into())),
    }
}

/// The gender that a user states.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum Gender {
    Male,
    Female,
    Other,
}

impl From<ModelGender> for Gender {
    fn from(stated: ModelGender) -> Self {
        match stated {
            ModelGender::Male => Self::Male,
            ModelGender::Female => Self::Female,
            ModelGender::Other => Self::Other,
        }
    }
}

impl From<Gender> for ModelGender {
    fn from(gender: Gender) -> Self {
        match gender {
            Gender::Male => Self::Male,
            Gender::Female => Self::Female,
            Gender::Other => Self::Other,
        }
    }
}

impl From<User> for UserNode {
    fn from(user: User) -> Self {
        Self {
            id: node_id(user.id),
            last_login: user.last_login.map(DateTime),
            username: user.username.clone(),
            first_name: user.first_name.clone(),
            last_name: user.last_name.clone(),
            is_staff: user.role.is_staff(),
            is_active: user.is_active,
            date_joined: DateTime(user.created_at),
            email: user.email.clone(),
            pk: Some(ID(user.id.to_string())),
            archived: Some(user.is_archived),
            verified: Some(user.is_verified),
            secondary_email: user.secondary_email.clone(),
            gender: user.gender.map(Gender::from),
            position: Some(user.position.clone()),
            department: Some(user.department.clone()),
            profile_picture: user.profile_picture.clone(),
            recovery_codes: OnceCell::new(),
            user,
        }
    }
}

/// The payload of an access token, as answers show it.
pub(crate) fn payload(claims: &AccessClaims) -> GenericScalar {
    GenericScalar(async_graphql::value!({
        "username": claims.username.clone(),
        "exp": claims.exp,
        "origIat": claims.orig_iat,
    }))
}

/// The personal data of a user, as a value.
pub(crate) fn document(data: &PersonalData) -> GenericScalar {
    let data = serde_json::to_value(data).unwrap_or_default();
    GenericScalar(async_graphql::Value::from_json(data).unwrap_or_default())
}

/// The id that the whole schema knows a user by.
pub(crate) fn node_id(user: UserId) -> ID {
    ID(STANDARD.encode(format!("UserNode:{user}")))
}

/// The user of such an id, or of a bare one.
pub(crate) fn user_of(id: &ID) -> Option<UserId> {
    bare(id).parse().ok()
}

/// The same; or else the user of that legacy id, bare or as graphene-django made global ids.
pub(crate) fn named_by(id: &ID) -> Option<UserRef> {
    let bare = bare(id);
    let id = bare.parse().ok().map(UserRef::Id);
    id.or_else(|| LegacyId::parse(&bare).map(UserRef::LegacyId))
}

fn bare(id: &ID) -> String {
    let id = id.trim();
    let bare = STANDARD.decode(id).ok().and_then(|text| String::from_utf8(text).ok());
    let bare = bare.as_deref().and_then(|text| text.strip_prefix("UserNode:"));
    bare.unwrap_or(id).to_owned()
}
