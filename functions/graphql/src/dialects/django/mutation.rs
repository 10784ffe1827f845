//! The library's mutations: parse, call, translate.

use accounts::Accounts;
use accounts::accounts::{Credentials, Registration};
use accounts::error::{Field, Violation, Violations};
use accounts::model::PlainPassword;
use async_graphql::{Context, Object};

use super::envelope::settle;
use super::types::{
    ObtainJsonWebToken, RefreshToken, Register, RevokeToken, VerifyAccount, VerifyToken,
};
use crate::caller::RequestCaller;
use crate::refusal::Refusal;

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
    ) -> Result<Option<Register>, Refusal> {
        let (password, refused) = confirmed(password1, password2);
        let registration = Registration { email, username, password, refused };
        let client = ctx.data_unchecked::<RequestCaller>().client();
        Ok(Some(settle(accounts(ctx).register(registration, client).await)?.into()))
    }

    /// Prove the address of an account by the token that was mailed to it.
    async fn verify_account(
        &self,
        ctx: &Context<'_>,
        token: String,
    ) -> Result<Option<VerifyAccount>, Refusal> {
        Ok(Some(settle(accounts(ctx).verify_account(&token).await)?.into()))
    }

    /// Log in with a password and one of email and username.
    #[graphql(name = "tokenAuth")]
    async fn log_in(
        &self,
        ctx: &Context<'_>,
        password: String,
        email: Option<String>,
        username: Option<String>,
    ) -> Result<Option<ObtainJsonWebToken>, Refusal> {
        let credentials = credentials(email, username)?;
        let caller = ctx.data_unchecked::<RequestCaller>();
        let password = PlainPassword::new(password);
        let (envelope, done) =
            settle(accounts(ctx).log_in(credentials, password, caller.client()).await)?;
        if let Some(logged_in) = &done {
            caller.log_in(logged_in.user.clone()).await;
        }
        Ok(Some((envelope, done).into()))
    }

    /// Look into an access token.
    async fn verify_token(
        &self,
        ctx: &Context<'_>,
        token: String,
    ) -> Result<Option<VerifyToken>, Refusal> {
        Ok(Some(settle(accounts(ctx).verify_token(&token).await)?.into()))
    }

    /// Exchange a refresh token for the next pair of tokens.
    #[graphql(name = "refreshToken")]
    async fn refresh(
        &self,
        ctx: &Context<'_>,
        refresh_token: String,
    ) -> Result<Option<RefreshToken>, Refusal> {
        let client = ctx.data_unchecked::<RequestCaller>().client();
        Ok(Some(settle(accounts(ctx).refresh(&refresh_token, client).await)?.into()))
    }

    /// End the session that a refresh token belongs to.
    #[graphql(name = "revokeToken")]
    async fn revoke(
        &self,
        ctx: &Context<'_>,
        refresh_token: String,
    ) -> Result<Option<RevokeToken>, Refusal> {
        Ok(Some(settle(accounts(ctx).revoke(&refresh_token).await)?.into()))
    }
}

fn accounts<'a>(ctx: &Context<'a>) -> &'a Accounts {
    ctx.data_unchecked::<Accounts>()
}

/// Django's form: both entries must be there and be the same; the second one is judged.
fn confirmed(first: String, second: String) -> (Option<PlainPassword>, Violations) {
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
