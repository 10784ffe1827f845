//! Access tokens whose signature was verified a short time ago. A client sends the same token with each request, and to
//! verify its signature is expensive.
//!
//! Only the signature, the kind and the form of a token are kept. Issuer, audience and time are compared each time, and
//! each request still reads user and session from the table.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use aws_lc_rs::digest::{SHA256, digest};

use super::AccessClaims;

/// How many tokens are kept: about 200 KB.
const MOST: usize = 256;

/// The SHA-256 of a token. The token itself is not kept: memory that leaks reveals no token.
type Hash = [u8; 32];

/// The claims of tokens by their hashes. The oldest token makes room for a new one.
#[derive(Default)]
pub(super) struct VerifiedTokens(Mutex<Entries>);

#[derive(Default)]
struct Entries {
    claims: HashMap<Hash, AccessClaims>,
    /// Each hash in `claims` once, the oldest first.
    order: VecDeque<Hash>,
}

impl VerifiedTokens {
    /// The claims of a token that was verified before.
    pub(super) fn find(&self, token: &str) -> Option<AccessClaims> {
        self.with(|kept| kept.claims.get(&hash(token)).cloned())
    }

    /// Keeps the claims of a valid token.
    pub(super) fn keep(&self, token: &str, claims: &AccessClaims) {
        let hash = hash(token);
        self.with(|kept| {
            if kept.claims.insert(hash, claims.clone()).is_none() {
                kept.order.push_back(hash);
            }
            if kept.order.len() > MOST
                && let Some(oldest) = kept.order.pop_front()
            {
                kept.claims.remove(&oldest);
            }
        });
    }

    /// Forgets a token.
    pub(super) fn forget(&self, token: &str) {
        let hash = hash(token);
        self.with(|kept| {
            if kept.claims.remove(&hash).is_some() {
                kept.order.retain(|kept| *kept != hash);
            }
        });
    }

    fn with<R>(&self, run: impl FnOnce(&mut Entries) -> R) -> R {
        run(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn hash(token: &str) -> Hash {
    let mut hash = Hash::default();
    hash.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
    hash
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};
    use uuid::Uuid;

    use super::*;
    use crate::config::Settings;
    use crate::crypto::{Issuer, Secret, Signing, TokenError, Tokens};
    use crate::model::{Client, Email, Factor, Session, User, Username};

    fn now() -> Timestamp {
        "2026-03-01T12:00:00Z".parse().unwrap()
    }

    fn of(audience: &str) -> Tokens {
        let issuer = Issuer { name: "https://a.example".into(), audience: audience.into() };
        let secret = Secret::parse(&"a".repeat(32)).unwrap();
        Tokens::new(&secret, &Signing::EdDsa, issuer).unwrap()
    }

    fn claims(tokens: &Tokens) -> AccessClaims {
        let policy = Settings::new(|_| None).policy().unwrap();
        let (name, email) = (Username::parse("ann"), Email::parse("ann@example.com"));
        let (name, email) = (name.unwrap(), email.unwrap());
        let user = User::new(Uuid::from_u128(1).into(), &name, &email, None, now());
        let (id, client) = (Uuid::from_u128(2).into(), Client::default());
        let session = Session::new(id, &user, Factor::Password, &client, &policy, now());
        tokens.access_claims(&user, &session, &policy)
    }

    #[test]
    fn a_kept_token_expires_when_it_says() {
        let tokens = of("latchkey");
        let claims = claims(&tokens);
        let token = tokens.access(&claims);
        let at = |second| Timestamp::from_second(second).unwrap();
        assert_eq!(tokens.read_access(&token, now()), Ok(claims.clone()));
        assert_eq!(tokens.read_access(&token, at(claims.exp - 1)), Ok(claims.clone()));
        assert_eq!(tokens.read_access(&token, at(claims.exp)), Err(TokenError::Expired));
        assert!(tokens.verified.find(&token).is_none());
        assert_eq!(tokens.read_access(&token, at(claims.exp)), Err(TokenError::Expired));
    }

    #[test]
    fn a_token_that_is_not_valid_is_not_kept() {
        let tokens = of("latchkey");
        let claims = claims(&tokens);
        let token = tokens.access(&claims);
        let (message, signature) = token.rsplit_once('.').unwrap();
        let first = if signature.starts_with('A') { 'B' } else { 'A' };
        let altered = format!("{message}.{first}{}", &signature[1..]);
        let late = now() + SignedDuration::from_hours(24);
        for (token, at, error) in
            [(&altered, now(), TokenError::Invalid), (&token, late, TokenError::Expired)]
        {
            assert_eq!(tokens.read_access(token, at), Err(error));
            assert!(tokens.verified.find(token).is_none());
        }
        assert_eq!(tokens.read_access(&token, now()), Ok(claims));
        assert_eq!(tokens.read_access(&altered, now()), Err(TokenError::Invalid));
    }

    #[test]
    fn a_kept_token_of_another_audience_is_refused() {
        let (others, tokens) = (of("others"), of("latchkey"));
        let claims = claims(&others);
        let token = others.access(&claims);
        tokens.verified.keep(&token, &claims);
        assert_eq!(tokens.read_access(&token, now()), Err(TokenError::Invalid));
    }

    #[test]
    fn the_oldest_token_makes_room_for_a_new_one() {
        let (kept, claims) = (VerifiedTokens::default(), claims(&of("latchkey")));
        for token in 0..=MOST {
            kept.keep(&token.to_string(), &claims);
            // The same token again is still one entry.
            kept.keep(&token.to_string(), &claims);
        }
        assert!(kept.find("0").is_none());
        assert!((1..=MOST).all(|token| kept.find(&token.to_string()).is_some()));
        kept.forget("1");
        kept.keep("new", &claims);
        assert!(kept.find("1").is_none() && kept.find("2").is_some());
        assert_eq!(kept.with(|kept| (kept.claims.len(), kept.order.len())), (MOST, MOST));
    }
}
