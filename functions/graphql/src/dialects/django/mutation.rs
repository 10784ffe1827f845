//! The library's mutations: parse, call, translate.

use accounts::Accounts;
use accounts::accounts::{Credentials, Registration};
use accounts::error::{Field, Violation, Violations};
use accounts::model::PlainPassword;
use async_graphql::{Context, Object};

use super::envelope::answer;
use super::types::{
    ObtainJsonWebToken, RefreshToken, Register, RevokeToken, VerifyAccount, VerifyToken,
};
use crate::caller::RequestCaller;
use crate::refusal::{Nullable, Refusal};

/// The mutations of django-graphql-auth.
#[derive(Debug, Default)]
pub struct DjangoMutation;

#[Object]
impl DjangoMutation {
    /// Create an account, and mail an activation link and code to its address.
    async fn register(
        &self,
        ctx: &Context<'_>,
        email: String,
        username: String,
        password1: String,
        password2: String,
    ) -> Nullable<Register> {
        let (password, refused) = confirmed(&password1, password2);
        let registration = Registration { email, username, password, refused };
        let client = ctx.data_unchecked::<RequestCaller>().client();
        answer(accounts(ctx).register(registration, client).await)
    }

    /// Prove the address of an account by the token that was mailed to it.
    async fn verify_account(&self, ctx: &Context<'_>, token: String) -> Nullable<VerifyAccount> {
        answer(accounts(ctx).verify_account(&token).await)
    }

    /// Log in with a password and one of email and username.
    #[graphql(name = "tokenAuth")]
    async fn log_in(
        &self,
        ctx: &Context<'_>,
        password: String,
        email: Option<String>,
        username: Option<String>,
    ) -> Nullable<ObtainJsonWebToken> {
        let credentials = match credentials(email, username) {
            Ok(credentials) => credentials,
            Err(refusal) => return Some(Err(refusal)),
        };
        let caller = ctx.data_unchecked::<RequestCaller>();
        let password = PlainPassword::new(password);
        let result = accounts(ctx).log_in(credentials, password, caller.client()).await;
        if let Ok(logged_in) = &result {
            caller.log_in(logged_in.user.clone()).await;
        }
        answer(result)
    }

    /// Look into an access token.
    async fn verify_token(&self, ctx: &Context<'_>, token: String) -> Nullable<VerifyToken> {
        answer(accounts(ctx).verify_token(&token).await)
    }

    /// Exchange a refresh token for the next pair of tokens.
    #[graphql(name = "refreshToken")]
    async fn refresh(&self, ctx: &Context<'_>, refresh_token: String) -> Nullable<RefreshToken> {
        let client = ctx.data_unchecked::<RequestCaller>().client();
        answer(accounts(ctx).refresh(&refresh_token, client).await)
    }

    /// End the session that a refresh token belongs to.
    #[graphql(name = "revokeToken")]
    async fn revoke(&self, ctx: &Context<'_>, refresh_token: String) -> Nullable<RevokeToken> {
        answer(accounts(ctx).revoke(&refresh_token).await)
    }
}

fn accounts<'a>(ctx: &Context<'a>) -> &'a Accounts {
    ctx.data_unchecked::<Accounts>()
}

/// Django's form: both entries must be there and be the same; the second one is judged.
fn confirmed(first: &str, second: String) -> (Option<PlainPassword>, Violations) {
    let mut refused = Violations::default();
    if first.is_empty() {
        refused.add(Field::Password, Violation::Required);
    }
    if second.is_empty() {
        refused.add(Field::PasswordConfirmation, Violation::Required);
    } else if !first.is_empty() && first != second {
        refused.add(Field::PasswordConfirmation, Violation::PasswordMismatch);
    } else {
        return (Some(PlainPassword::new(second)), refused);
    }
    (None, refused)
}

fn credentials(email: Option<String>, username: Option<String>) -> Result<Credentials, Refusal> {
    match (email, username) {
        (Some(email), None) => Ok(Credentials::Email(email)),
        (None, Some(username)) => Ok(Credentials::Username(username)),
        _ => Err(Refusal::new(
            "invalid",
            "Must login with password and one of the following fields ['email', 'username'].",
        )),
    }
}
