//! Sign up where nobody is to find out who has an account.

use super::register::MADE_USERNAMES;
use super::{Accounts, Registered};
use crate::error::{AuthError, Field, Violation, Violations};
use crate::model::code::Purpose;
use crate::model::{Email, Mail, Notice, User, Username};
use crate::store::{Created, Taken};
use crate::telemetry::note;

/// What a registration asks for that somebody may have already.
pub(super) struct Concealed<'a> {
    pub(super) email: &'a Email,
    pub(super) username: &'a Username,
    pub(super) is_username_made: bool,
}

impl Accounts {
    /// Creates the account, or if the address has one, tells its owner by mail and answers alike. What is
    /// asked of the table, and how much is written, is the same for both, so that the time tells nothing;
    /// and the name is held from then on, as long as a new account would hold it, so that another
    /// registration tells nothing either. A name that is taken is told: names are public.
    pub(super) async fn register_concealed(
        &self,
        Concealed { email, username, is_username_made }: Concealed<'_>,
        mut user: User,
        mails: &[Mail],
    ) -> Result<Registered, AuthError> {
        for _ in 0..MADE_USERNAMES {
            let name = Username::parse(&user.username).ok();
            let (owner, taken) =
                tokio::join!(self.owner(email), self.store.taken(Some(email), name.as_ref()));
            let (owner, taken) = (owner?, taken?);
            let created = if taken.username {
                Created::Taken(Taken { email: false, username: true })
            } else if taken.email {
                note("reason", "email_taken");
                self.pretend(&user, owner, mails.len()).await?
            } else {
                self.store.create_user(&user, mails, None).await?
            };
            match created {
                Created::Done => {
                    if !taken.email {
                        self.note_registered(&user);
                    }
                    return Ok(Registered { user, tokens: None });
                }
                // Somebody was faster with the address, and gets the mail.
                Created::Taken(taken) if taken.email => {
                    return Ok(Registered { user, tokens: None });
                }
                Created::Taken(_) if is_username_made => self.rename(&mut user, username),
                Created::Taken(_) => {
                    return Err(Violations::of(Field::Username, [Violation::UsernameTaken]).into());
                }
            }
        }
        Err(AuthError::Unavailable("every username that was made is taken".into()))
    }

    /// Writes as much as a new account is, and of it only the mail to the owner of the address counts: that
    /// there is an account, or, where it waits to be verified, its link.
    async fn pretend(
        &self,
        user: &User,
        owner: Option<(User, Email)>,
        mails: usize,
    ) -> Result<Created, AuthError> {
        let now = self.clock.now();
        let told = owner.map(|(owner, email)| {
            let told = if owner.is_verified {
                self.new_notice(Notice::AlreadyRegistered, &owner, &email)
            } else {
                self.new_link(Purpose::Activation, &owner, &email)
            };
            told.in_one_of(user.locale.clone())
        });
        // The guard of the address, the user and the mails, less the mail that counts.
        let nothing = 2 + mails - usize::from(told.is_some());
        let nothing: Vec<_> = (0..nothing).map(|_| self.random.id(now).into()).collect();
        let done = self.store.pretend_to_create_user(user, told.as_ref(), &nothing, now).await?;
        if done == Created::Done {
            tracing::info!("an address that has an account was to be registered");
        }
        Ok(done)
    }
}
