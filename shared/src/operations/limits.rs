//! What the limits of guessing and those of requests have in common: the network of a client, its proof of work, and
//! the answer during a lock.

use std::net::IpAddr;
use std::num::NonZeroU32;

use super::Accounts;
use crate::crypto::Work;
use crate::error::AuthError;
use crate::model::{Client, Permission};
use crate::telemetry::metrics::THROTTLED;
use crate::telemetry::note;

/// How many seconds a client must wait before it tries a disabled password again. The password works only after a
/// reset.
const DISABLED_RETRY: i64 = 24 * 60 * 60;

impl Accounts {
    /// The network that a request comes from, if it is limited.
    pub(super) fn network(&self, client: &Client) -> Option<String> {
        let is_own = self.policy.limits_guesses && !client.shares_ip;
        client.ip.as_deref().filter(|_| is_own).map(network)
    }

    /// Spends a proof of work, unless the attempt is permitted without it.
    ///
    /// # Errors
    /// [`AuthError::Throttled`] for one that was spent before; [`AuthError::Unavailable`].
    pub(super) async fn spend(
        &self,
        without: Permission,
        work: Option<&Work>,
        network: Option<&str>,
    ) -> Result<(), AuthError> {
        let Some(work) = work.filter(|_| without != Permission::Permitted) else { return Ok(()) };
        if self.store.spend(&work.seed, work.ends_at).await? {
            return Ok(());
        }
        note("work", "spent");
        self.permit(without, network)
    }

    /// The proof of work of a request, if it is right.
    pub(super) fn work(&self, network: Option<&str>, client: &Client) -> Option<Work> {
        let shown = network.zip(client.work.as_deref()).filter(|_| self.policy.takes_work);
        let (network, proof) = shown?;
        self.proofs.blinds().work(network, proof, self.clock.now())
    }

    /// Fails unless the attempt is permitted. If the lock takes work, the error has a challenge for that network.
    pub(super) fn permit(
        &self,
        permission: Permission,
        network: Option<&str>,
    ) -> Result<(), AuthError> {
        let now = self.clock.now();
        let (rule, seconds) = match permission {
            Permission::Permitted => return Ok(()),
            Permission::Until(end, rule) => (rule, end - now.as_second()),
            Permission::Disabled(rule) => (rule, DISABLED_RETRY),
        };
        note("reason", rule.name());
        THROTTLED.add(1, &[("Rule", rule.name())], now);
        let seconds = u32::try_from(seconds).unwrap_or_default();
        let retry_after = NonZeroU32::new(seconds).unwrap_or(NonZeroU32::MIN);
        let network = network.filter(|_| self.policy.takes_work && rule.takes_work());
        let blinds = self.proofs.blinds();
        let challenge = network.map(|network| blinds.challenge(network, &self.random, now));
        Err(AuthError::Throttled { retry_after, limited: rule.limited(), challenge })
    }
}

/// The network that a limit counts: an IPv4 address, or the /64 of an IPv6 address, because a provider gives a customer
/// a whole /64.
pub(super) fn network(ip: &str) -> String {
    match ip.parse() {
        Ok(IpAddr::V6(ip)) => match ip.to_ipv4_mapped() {
            Some(ip) => ip.to_string(),
            None => format!("{:x?}", &ip.segments()[..4]),
        },
        Ok(IpAddr::V4(ip)) => ip.to_string(),
        Err(_) => ip.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_an_address_of_version_4_or_64_bits_of_version_6() {
        assert_eq!(network("192.0.2.7"), "192.0.2.7");
        assert_eq!(network("::ffff:192.0.2.7"), "192.0.2.7");
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), network("2001:db8:1:2::1"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
    }
}
