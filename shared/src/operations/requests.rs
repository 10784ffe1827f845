//! The limits of requests that cost: how many accounts, mails and attempts at codes one network, one member of staff
//! and all networks together may cause.
//!
//! The limits are beside those of guessing, in [`LIMITS`](crate::model::guessing::LIMITS). A permitted request is
//! counted before it costs a hash or a mail. A refused request costs one read.

use jiff::Timestamp;

use super::Accounts;
use crate::crypto::Work;
use crate::error::AuthError;
use crate::model::{Client, Email, Mail, Permission, Purpose, Rule, Scope, Tally, User, UserId};
use crate::store::{Guesser, end_of_hour};
use crate::telemetry::metrics::NEW_ADDRESS_MAILS;
use crate::telemetry::note;

/// Whether the site may mail to further addresses that are new, in this hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NewAddresses {
    /// It may, as far as is known.
    Room,
    /// It may not.
    Full,
}

/// The network of a request, and its tally.
struct Requester {
    network: String,
    tally: (Guesser, Tally),
    /// The proof of work of the request.
    work: Option<Work>,
}

/// The tallies and the room for a request, read in one call.
struct Found {
    /// `None` if no network is counted.
    requester: Option<Requester>,
    /// Another tally that the request counts in.
    other: Option<(Guesser, Tally)>,
    room: NewAddresses,
}

impl Requester {
    /// What a tally permits.
    fn permission(&self, tally: &Tally, now: Timestamp) -> Permission {
        Permission::by([tally], self.work.is_some(), now)
    }
}

impl Accounts {
    /// Counts a request of that client, for its network. Many users share the address of a server, so that is not
    /// counted.
    ///
    /// # Errors
    /// [`AuthError::Throttled`] beyond the limits of a network; [`AuthError::Unavailable`].
    pub(super) async fn admit(&self, client: &Client) -> Result<NewAddresses, AuthError> {
        let Found { requester, room, .. } = self.look(client, None).await?;
        self.count_for(requester).await?;
        Ok(room)
    }

    /// The same, for an attempt at a code. Returns the tally of attempts for the address, whether or not it has a code.
    ///
    /// # Errors
    /// [`AuthError::Throttled`] beyond the limits of the network, or of the address; [`AuthError::Unavailable`].
    pub(super) async fn admit_code(
        &self,
        purpose: Purpose,
        email: &Email,
        client: &Client,
    ) -> Result<Option<(Guesser, Tally)>, AuthError> {
        let digest = self.proofs.blinds().of(&["codes", purpose.name(), email.key()]);
        self.admit_attempt(Guesser { scope: Scope::Codes, digest }, client).await
    }

    /// The same, for an attempt that counts in the tally of `codes`. The caller counts it by [`Accounts::count_code`].
    ///
    /// # Errors
    /// [`AuthError::Throttled`] beyond the limits of the network, or of the code; [`AuthError::Unavailable`].
    pub(super) async fn admit_attempt(
        &self,
        codes: Guesser,
        client: &Client,
    ) -> Result<Option<(Guesser, Tally)>, AuthError> {
        let codes = Some(codes).filter(|_| self.policy.limits_guesses);
        let Found { requester, other, .. } = self.look(client, codes).await?;
        self.count_for(requester).await?;
        Ok(other)
    }

    /// Counts a try of a code for its address.
    ///
    /// # Errors
    /// [`AuthError::Throttled`] if others have reached the limit meanwhile; [`AuthError::Unavailable`].
    pub(super) async fn count_code(
        &self,
        codes: Option<&(Guesser, Tally)>,
    ) -> Result<(), AuthError> {
        let Some((guesser, tally)) = codes else { return Ok(()) };
        let now = self.clock.now();
        let permission = |tally: &Tally| tally.permission(now);
        self.permit(self.store.count_failure((guesser, tally), "", now, permission).await?, None)
    }

    /// As [`Accounts::admit`], for a request that mails to a new address, or would if the address were new: beyond the
    /// limit of the site, the answer is the same for each address.
    ///
    /// # Errors
    /// [`AuthError::Throttled`], also beyond the limit of the whole site; [`AuthError::Unavailable`].
    pub(super) async fn admit_to_new_address(&self, client: &Client) -> Result<(), AuthError> {
        let Found { requester, room, .. } = self.look(client, None).await?;
        if room == NewAddresses::Full {
            return self.full();
        }
        self.count_for(requester).await
    }

    /// The same, and counts its mail, whether or not one is due: so the time of the answer does not reveal that.
    ///
    /// # Errors
    /// As [`Accounts::admit_to_new_address`].
    pub(super) async fn admit_mail_to_new_address(&self, client: &Client) -> Result<(), AuthError> {
        self.admit_to_new_address(client).await?;
        self.count_new_addresses(1).await
    }

    /// Sends a mail that the owner of an address has asked for. If the account is not verified, the mail counts as one to a
    /// new address; none is sent when the site may not mail to further ones. The answer does not reveal that.
    ///
    /// # Errors
    /// [`AuthError::Unavailable`].
    pub(super) async fn send_to_owner(
        &self,
        user: &User,
        mail: Mail,
        new_addresses: NewAddresses,
    ) -> Result<(), AuthError> {
        if user.is_verified {
            return self.send(mail).await;
        }
        if new_addresses == NewAddresses::Full {
            note("reason", Rule::NewAddresses.name());
            return self.send_nothing().await;
        }
        // At the same time, so that the time of the answer is that of any other address.
        let (counted, sent) = tokio::join!(self.count_new_addresses(1), self.send(mail));
        match counted {
            Ok(()) | Err(AuthError::Throttled { .. }) => sent,
            Err(error) => Err(error),
        }
    }

    /// Counts that many mails to new addresses.
    ///
    /// # Errors
    /// [`AuthError::Throttled`] if the site may not send as many in this hour; [`AuthError::Unavailable`].
    pub(super) async fn count_new_addresses(&self, mails: usize) -> Result<(), AuthError> {
        let Some(most) = self.most_new_addresses().filter(|_| mails > 0) else { return Ok(()) };
        let (count, now) = (u32::try_from(mails).unwrap_or(u32::MAX), self.clock.now());
        if !self.store.count_new_addresses(count, most, now).await? {
            return self.full();
        }
        NEW_ADDRESS_MAILS.add(count.into(), &[], now);
        Ok(())
    }

    /// Counts a mail that a member of staff causes, or a change that the role does not allow.
    ///
    /// # Errors
    /// [`AuthError::Throttled`] beyond the limit; [`AuthError::Unavailable`].
    pub(super) async fn count_for_staff(
        &self,
        scope: Scope,
        staff: UserId,
    ) -> Result<(), AuthError> {
        if !self.policy.limits_guesses {
            return Ok(());
        }
        let digest = self.proofs.blinds().of(&["staff", &staff.to_string()]);
        self.count_each(Guesser { scope, digest }).await
    }

    /// Counts a request for a challenge of a passkey log-in, for the network of that client.
    ///
    /// # Errors
    /// [`AuthError::Throttled`] beyond the limit; [`AuthError::Unavailable`].
    pub(super) async fn admit_challenge(&self, client: &Client) -> Result<(), AuthError> {
        let Some(network) = self.network(client) else { return Ok(()) };
        let digest = self.proofs.blinds().of(&["challenges of ip", &network]);
        self.count_each(Guesser { scope: Scope::Challenges, digest }).await
    }

    async fn count_each(&self, guesser: Guesser) -> Result<(), AuthError> {
        let tally = self.store.tallies(std::slice::from_ref(&guesser)).await?.pop();
        let (tally, now) = (tally.unwrap_or_default(), self.clock.now());
        let permission = |tally: &Tally| tally.permission(now);
        self.permit(self.store.count_failure((&guesser, &tally), "", now, permission).await?, None)
    }

    /// Reads the tally of the client's network, the other tally, and whether the site may mail to new addresses. Fails
    /// if one of the tallies is locked.
    async fn look(&self, client: &Client, other: Option<Guesser>) -> Result<Found, AuthError> {
        let network = self.network(client);
        let of_network = network.as_deref().map(|network| {
            let digest = self.proofs.blinds().of(&["requests of ip", network]);
            Guesser { scope: Scope::Requests, digest }
        });
        let most = self.most_new_addresses();
        let guessers: Vec<_> = of_network.iter().chain(&other).cloned().collect();
        if guessers.is_empty() && most.is_none() {
            return Ok(Found { requester: None, other: None, room: NewAddresses::Room });
        }
        let now = self.clock.now();
        let (tallies, mails) = self.store.tallies_and_new_addresses(&guessers, now).await?;
        let mut tallies = tallies.into_iter();
        let of_network =
            of_network.and_then(|guesser| tallies.next().map(|tally| (guesser, tally)));
        let requester = network.zip(of_network).map(|(network, tally)| {
            let work = self.work(Some(&network), client);
            Requester { network, tally, work }
        });
        if let Some(requester) = &requester {
            self.permit(requester.permission(&requester.tally.1, now), Some(&requester.network))?;
        }
        let other = other.zip(tallies.next());
        if let Some((_, tally)) = &other {
            self.permit(tally.permission(now), None)?;
        }
        let is_full = most.is_some_and(|most| mails >= most);
        let room = if is_full { NewAddresses::Full } else { NewAddresses::Room };
        Ok(Found { requester, other, room })
    }

    async fn count_for(&self, requester: Option<Requester>) -> Result<(), AuthError> {
        let Some(requester) = requester else { return Ok(()) };
        let (now, (guesser, tally)) = (self.clock.now(), &requester.tally);
        let network = Some(requester.network.as_str());
        self.spend(tally.permission(now), requester.work.as_ref(), network).await?;
        let permission = |tally: &Tally| requester.permission(tally, now);
        let counted = self.store.count_failure((guesser, tally), "", now, permission).await?;
        self.permit(counted, network)
    }

    fn full(&self) -> Result<(), AuthError> {
        self.permit(Permission::Until(end_of_hour(self.clock.now()), Rule::NewAddresses), None)
    }

    /// `None` without a limit.
    fn most_new_addresses(&self) -> Option<u32> {
        let most = self.policy.new_address_mails_per_hour;
        (self.policy.limits_guesses && most > 0).then_some(most)
    }
}
