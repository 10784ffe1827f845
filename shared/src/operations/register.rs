//! Sign up.

use jiff::Timestamp;

use super::{Accounts, TokenPair, active};
use crate::error::{AuthError, Field, Violation, Violations};
use crate::model::Purpose;
use crate::model::name::Name;
use crate::model::password::Owner;
use crate::model::session::seconds_after;
use crate::model::{
    Client, Email, Factor, Mail, PendingSignUp, PlainPassword, Session, User, Username,
};
use crate::store::{Created, StoreError, Subject, Taken};
use crate::telemetry::metrics::SIGN_UPS;
use crate::telemetry::{note, operation};

/// How many generated usernames to try when the request has no username.
pub(super) const MADE_USERNAMES: usize = 8;

/// The data of a sign-up.
#[derive(Clone, Debug)]
pub struct Registration {
    /// As typed.
    pub email: String,
    /// As typed; `None` if the username is made from the address.
    pub username: Option<String>,
    /// As typed.
    pub first_name: Option<String>,
    /// As typed.
    pub last_name: Option<String>,
    /// The first password, or the reason why there is none.
    pub password: FirstPassword,
    /// Violations of inputs that exist on the wire of a front only. They are reported with the rest, and no account
    /// is created.
    pub refused: Violations,
    /// Whether the front can hand out tokens. If not, no session is opened, also where the site gives tokens out.
    pub takes_tokens: bool,
}

/// The password of a new account.
#[derive(Clone, Debug)]
pub enum FirstPassword {
    /// As typed.
    Given(PlainPassword),
    /// None was given: the user sets it later, by a mailed link.
    Absent,
    /// The front has refused it already, and says why: the core does not validate it.
    Refused,
}

/// A new account, or with concealed accounts, a sign-up that is pending.
#[derive(Clone, Debug)]
pub struct Registered {
    /// The new user.
    pub user: User,
    /// If the site gives out tokens at registration.
    pub tokens: Option<TokenPair>,
}

impl Registration {
    /// A registration without names, and without violations of the front.
    pub fn new(email: String, username: Option<String>, password: FirstPassword) -> Self {
        let refused = Violations::default();
        let (first_name, last_name) = (None, None);
        Self { email, username, first_name, last_name, password, refused, takes_tokens: true }
    }
}

impl Accounts {
    /// Creates an account whose address is not proven yet, and mails link and code to its address, in one
    /// transaction: a sign-up that loses a race for address or name writes nothing. Where the site allows accounts
    /// without a password, such an account gets a second mail, with a link to set one.
    ///
    /// Where accounts are concealed, it writes a pending sign-up instead, for each address alike: the link or the code
    /// creates the account, see [`Accounts::verify_account`]. If the address has an account, the outbox sends another
    /// mail in place of the link and the code of the sign-up.
    ///
    /// # Errors
    /// [`AuthError::Invalid`] with all violations: malformed input, a taken username, a missing password if the site
    /// requires one, and, unless accounts are concealed, a taken address; [`AuthError::Throttled`];
    /// [`AuthError::Unavailable`].
    pub async fn register(
        &self,
        registration: Registration,
        client: &Client,
    ) -> Result<Registered, AuthError> {
        operation!(self.clock, "register", async {
            let takes_tokens = registration.takes_tokens;
            let Validated { email, username, is_username_made, first_name, last_name, password } =
                self.validate(registration).await?;
            self.admit_to_new_address(client).await?;
            let hash = match password {
                Some(password) => Some(self.hash(password).await?),
                None => None,
            };

            let now = self.clock.now();
            let user = User::new(self.random.id(now).into(), &username, &email, hash, now);
            let locale = client.languages.clone();
            let ends_at = self.end_of_sign_up(now);
            let mut user = User { first_name, last_name, locale, ends_at, ..user };
            let mails = self.first_mails(&user, &email);
            self.count_new_addresses(mails.len()).await?;
            let gives_tokens = self.policy.tokens_on_register
                && !self.policy.conceal_accounts
                && !self.needs_second_factor(&user).await?;
            let has_tokens = takes_tokens && gives_tokens;
            let session = has_tokens.then(|| self.new_session(&user, Factor::Password, client));

            for _ in 0..MADE_USERNAMES {
                match self.create(&user, &mails, session.as_ref()).await? {
                    Created::Done => {
                        note("user", user.id);
                        if !self.policy.conceal_accounts {
                            self.count_sign_up();
                        }
                        let tokens = session.map(|session| self.token_pair(&user, &session));
                        return Ok(Registered { user, tokens });
                    }
                    Created::Taken(taken) if is_username_made && !taken.email => {
                        self.rename(&mut user, &username);
                    }
                    Created::Taken(taken) => {
                        let mut violations = Violations::default();
                        let username = taken.username && !is_username_made;
                        let taken = Taken { username, ..taken };
                        self.add_taken(&mut violations, taken, Some(&email)).await?;
                        return Err(violations.into());
                    }
                }
            }
            Err(AuthError::Unavailable("every username that was made is taken".into()))
        })
    }

    /// When a new account ends unless its address is proven: its address and its name may belong to another person.
    /// Where users can use accounts without a proof, no account ends.
    pub(super) fn end_of_sign_up(&self, now: Timestamp) -> Option<i64> {
        let lifetime = self.policy.unverified_account_lifetime;
        (!self.policy.allow_login_not_verified).then(|| seconds_after(now, lifetime))
    }

    async fn create(
        &self,
        user: &User,
        mails: &[Mail],
        session: Option<&Session>,
    ) -> Result<Created, StoreError> {
        if !self.policy.conceal_accounts {
            return self.store.create_user(user, mails, session).await;
        }
        let ends_at = seconds_after(user.created_at, self.policy.unverified_account_lifetime);
        self.store.create_pending(&PendingSignUp::new(user.clone(), ends_at), mails).await
    }

    /// Counts a new account.
    pub(super) fn count_sign_up(&self) {
        SIGN_UPS.add(1, &[], self.clock.now());
    }

    /// Gives the user a name that is made from `username`.
    pub(super) fn rename(&self, user: &mut User, username: &Username) {
        user.set_username(&username.with_number(self.random_number()));
    }

    /// A username for a user who has chosen none. Names are public, so it does not reveal a concealed address.
    pub(super) fn made_username(&self, email: &Email) -> Username {
        if self.policy.conceal_accounts {
            return Username::numbered(self.random_number());
        }
        Username::made_from(email, &self.policy.reserved_usernames)
    }

    fn random_number(&self) -> u32 {
        u32::from_le_bytes(self.random.bytes())
    }

    /// Mails link and code again. The answer and its time are the same for an address without an account. For such an
    /// address, the newest pending sign-up counts.
    ///
    /// # Errors
    /// [`AuthError::Invalid`] for a malformed address, and for that of a verified account unless accounts are
    /// concealed; [`AuthError::Throttled`]; [`AuthError::Unavailable`].
    pub async fn resend_activation(&self, email: &str, client: &Client) -> Result<(), AuthError> {
        operation!(self.clock, "resend_activation", async {
            let refused = |found: Vec<Violation>| Violations::of(Field::Email, found);
            let email = Email::parse(email).map_err(refused)?;
            self.admit_mail_to_new_address(client).await?;
            let (owner, pending) = tokio::join!(self.owner(&email), self.newest_pending(&email));
            let recipient = match (owner?, pending?) {
                (None, Some(PendingSignUp { account, .. })) => {
                    let email = account.first_email();
                    Some((account, email))
                }
                (owner, _) => owner,
            };
            match active(recipient) {
                Some((user, _)) if user.is_verified && !self.policy.conceal_accounts => {
                    // A front may hide this answer. Then its time must not reveal it.
                    self.send_nothing().await?;
                    Err(refused(vec![Violation::AlreadyVerified]).into())
                }
                Some((user, email)) if !user.is_verified => {
                    let mail = self.new_link(Purpose::Activation, &user, &email);
                    self.send(mail.in_one_of(client.languages.clone())).await
                }
                Some(_) => {
                    note("reason", "already_verified");
                    self.send_nothing().await
                }
                None => self.send_nothing().await,
            }
        })
    }

    /// Reads the table only where accounts are concealed.
    async fn newest_pending(&self, email: &Email) -> Result<Option<PendingSignUp>, StoreError> {
        if !self.policy.conceal_accounts {
            return Ok(None);
        }
        self.store.newest_pending(&email.digest()).await
    }

    /// The mails that are due to a new user, in the order in which they are to arrive. A pending sign-up has one,
    /// also if it has no password: there is no account yet to set one for.
    fn first_mails(&self, user: &User, email: &Email) -> Vec<Mail> {
        let is_activated = self.policy.send_activation_email || user.password.is_none();
        if self.policy.conceal_accounts {
            let mail = is_activated.then(|| self.new_link(Purpose::Activation, user, email));
            return mail.map(|mail| mail.in_one_of(user.locale.clone())).into_iter().collect();
        }
        let mut mails = Vec::new();
        if self.policy.send_activation_email {
            mails.push(self.new_link(Purpose::Activation, user, email));
        }
        if user.password.is_none() {
            mails.push(self.new_link(Purpose::PasswordSet, user, email));
        }
        mails
    }

    /// Finds all violations at once. For a registration that fails anyway, it also checks whether address and name are
    /// free. For any other, the transaction decides.
    async fn validate(&self, registration: Registration) -> Result<Validated, AuthError> {
        let mut violations = registration.refused;
        let mut keep = |field, found: Vec<Violation>| violations.add_all(field, found);
        let email =
            Email::parse(&registration.email).map_err(|found| keep(Field::Email, found)).ok();
        // A name that is refused for its characters only is still compared with the password: Django checks the
        // characters last.
        let mut odd_name = "";
        let username = match &registration.username {
            Some(typed) => Username::parse(typed)
                .and_then(|name| self.check_new_username(name, email.as_ref()))
                .map_err(|found| {
                    if found == [Violation::UsernameMalformed] {
                        odd_name = typed;
                    }
                    keep(Field::Username, found);
                })
                .ok(),
            None if self.policy.conceal_accounts => Some(Username::numbered(self.random_number())),
            None => email.as_ref().map(|email| self.made_username(email)),
        };
        let is_username_made = registration.username.is_none();
        let typed = |username: Option<Username>| username.filter(|_| !is_username_made);
        let mut name = |field, typed: Option<String>| match Name::parse(&typed.unwrap_or_default())
        {
            Ok(name) => name.as_str().to_owned(),
            Err(found) => {
                keep(field, found);
                String::new()
            }
        };
        let first_name = name(Field::FirstName, registration.first_name);
        let last_name = name(Field::LastName, registration.last_name);
        match &registration.password {
            FirstPassword::Given(password) => {
                let owner = Owner {
                    username: username.as_ref().map_or(odd_name, Username::name),
                    first_name: &first_name,
                    last_name: &last_name,
                    email: email.as_ref().map_or("", Email::address),
                };
                keep(Field::Password, self.password_violations(password, owner).await?);
            }
            FirstPassword::Absent if !self.policy.allow_passwordless_registration => {
                keep(Field::Password, vec![Violation::Required]);
            }
            FirstPassword::Absent | FirstPassword::Refused => {}
        }
        let password = match registration.password {
            FirstPassword::Given(password) => Some(password),
            FirstPassword::Absent => None,
            // This is a fault in any case.
            FirstPassword::Refused => return self.refuse(violations, email, typed(username)).await,
        };
        match (email, username) {
            (Some(email), Some(username)) if violations.is_empty() => {
                Ok(Validated { email, username, is_username_made, first_name, last_name, password })
            }
            (email, username) => self.refuse(violations, email, typed(username)).await,
        }
    }

    pub(super) fn check_new_username(
        &self,
        name: Username,
        email: Option<&Email>,
    ) -> Result<Username, Vec<Violation>> {
        // A taken name is public. So a name that is an address would reveal who has the address.
        if self.policy.conceal_accounts && name.name().contains('@') {
            return Err(vec![Violation::UsernameIsEmail]);
        }
        let own: Vec<&Email> = email.into_iter().collect();
        let found = name.violations_as_new(&own, &self.policy.reserved_usernames);
        if found.is_empty() { Ok(name) } else { Err(found) }
    }

    async fn refuse(
        &self,
        mut violations: Violations,
        email: Option<Email>,
        username: Option<Username>,
    ) -> Result<Validated, AuthError> {
        let taken = self.store.taken(email.as_ref(), username.as_ref()).await?;
        self.add_taken(&mut violations, taken, email.as_ref()).await?;
        Err(violations.into())
    }

    /// Adds violations for a taken address and a taken name. A second address of an account has a text of its own, as
    /// in django-graphql-auth.
    async fn add_taken(
        &self,
        violations: &mut Violations,
        taken: Taken,
        email: Option<&Email>,
    ) -> Result<(), AuthError> {
        let email = email.filter(|_| !self.policy.conceal_accounts);
        self.add_all_taken(violations, taken, email).await
    }

    /// The same, for staff, who may see which addresses have accounts.
    pub(super) async fn add_taken_for_staff(
        &self,
        violations: &mut Violations,
        taken: Taken,
        email: &Email,
    ) -> Result<(), AuthError> {
        self.add_all_taken(violations, taken, Some(email)).await
    }

    async fn add_all_taken(
        &self,
        violations: &mut Violations,
        taken: Taken,
        email: Option<&Email>,
    ) -> Result<(), AuthError> {
        if let Some(email) = email.filter(|_| taken.email) {
            let is_second = self.is_second_address(email).await?;
            let taken =
                if is_second { Violation::SecondaryEmailTaken } else { Violation::EmailTaken };
            violations.add(Field::Email, taken);
        }
        if taken.username {
            violations.add(Field::Username, Violation::UsernameTaken);
        }
        Ok(())
    }

    async fn is_second_address(&self, email: &Email) -> Result<bool, AuthError> {
        let guard = self.store.find_user(&Subject::Email(email.clone())).await?;
        let Some(owner) = guard else { return Ok(false) };
        let owner = self.store.user(owner).await?;
        Ok(owner.is_some_and(|owner| owner.email_key != email.key()))
    }
}

/// A valid registration.
struct Validated {
    email: Email,
    username: Username,
    is_username_made: bool,
    first_name: String,
    last_name: String,
    password: Option<PlainPassword>,
}
