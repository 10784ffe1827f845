//! Sign up where nobody is to find out who has an account.

use super::{Accounts, Registered};
use crate::error::{AuthError, Field, Violation, Violations};
use crate::model::session::seconds_after;
use crate::model::{Email, Mail, Notice, User, Username};
use crate::store::Created;

/// What a registration asks for that somebody may have already.
pub(super) struct Concealed<'a> {
    pub(super) email: &'a Email,
    pub(super) username: &'a Username,
    pub(super) is_username_made: bool,
}

impl Accounts {
    /// Creates the account, or if the address has one, tells its owner by mail and answers alike. What is
    /// asked of the table, and how much is written, is the same for both, so that the time tells nothing;
    /// and the name is held for a while, as a new account would hold it, so that a second registration
    /// tells nothing either. A name that is taken is told: names are public.
    pub(super) async fn register_concealed(
        &self,
        Concealed { email, username, is_username_made }: Concealed<'_>,
        mut user: User,
        mails: &[Mail],
    ) -> Result<Registered, AuthError> {
        let (owner, taken) =
            tokio::join!(self.owner(email), self.store.taken(Some(email), Some(username)));
        let (owner, taken) = (owner?, taken?);
        let is_refused = taken.username && !is_username_made;
        if is_refused {
            return Err(Violations::of(Field::Username, [Violation::UsernameTaken]).into());
        }
        if taken.username {
            self.rename(&mut user, username);
        }
        if taken.email {
            self.pretend(&user, owner, mails.len()).await?;
            return Ok(Registered { user, tokens: None });
        }
        match self.store.create_user(&user, mails, None).await? {
            Created::Done => {
                self.note_registered(&user);
                Ok(Registered { user, tokens: None })
            }
            // Somebody was faster with the address, and gets the mail.
            Created::Taken(taken) if taken.email => Ok(Registered { user, tokens: None }),
            Created::Taken(_) => {
                Err(Violations::of(Field::Username, [Violation::UsernameTaken]).into())
            }
        }
    }

    /// Writes as much as a new account is, and of it only the notice to the owner of the address counts.
    async fn pretend(
        &self,
        user: &User,
        owner: Option<(User, Email)>,
        mails: usize,
    ) -> Result<(), AuthError> {
        let now = self.clock.now();
        let notice = owner.map(|(owner, email)| {
            let notice = self.new_notice(Notice::AlreadyRegistered, &owner, &email);
            notice.in_one_of(user.locale.clone())
        });
        let until = seconds_after(now, self.policy.activation_token_lifetime);
        // The guard of the address and the user, and the mails that are not the notice.
        let nothing = 2 + mails - usize::from(notice.is_some()).min(mails);
        let nothing: Vec<_> = (0..nothing).map(|_| self.random.id(now).into()).collect();
        self.store.pretend_to_create_user(user, until, notice.as_ref(), &nothing, now).await?;
        tracing::info!("an address that has an account was to be registered");
        Ok(())
    }
}
