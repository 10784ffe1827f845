//! Proofs of work: what a client computes before it may go on, so that many attempts cost an attacker time.
//!
//! A challenge is `1.<rounds>.<bits>.<end>.<seed>.<digest>`. Latchkey stores nothing of it: the digest shows that
//! Latchkey issued it, and for which network. A client finds, for each round from 0, a number `n` for which the SHA-256
//! of the text `<seed>:<round>:<n>` begins with `bits` zero bits. Its proof is `<challenge>:<n>,<n>,…`, with the
//! numbers in the order of the rounds. Several short rounds take about the same time on each try; one long round does
//! not.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};

use super::Blinds;
use crate::random::Random;

/// How many numbers a client finds.
const ROUNDS: usize = 8;
/// How many zero bits each digest begins with. With [`ROUNDS`], about a million digests: a second on a phone.
const BITS: u32 = 17;
/// How long a challenge may be used.
const LIFETIME: SignedDuration = SignedDuration::from_mins(10);
/// The version of the format.
const VERSION: &str = "1";
/// More bytes than any proof has.
const MAX_BYTES: usize = 512;

/// A valid proof. It counts once, and only before its challenge ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Work {
    /// The name of the challenge.
    pub seed: String,
    /// The end of the challenge, in epoch seconds.
    pub ends_at: i64,
}

impl Blinds {
    /// A challenge for the clients of that network.
    pub fn challenge(&self, network: &str, random: &Random, now: Timestamp) -> String {
        let seed = URL_SAFE_NO_PAD.encode(random.bytes::<16>());
        let end = now.as_second().saturating_add(LIFETIME.as_secs());
        let challenge = format!("{VERSION}.{ROUNDS}.{BITS}.{end}.{seed}");
        let digest = self.of(&["challenge", &challenge, network]);
        format!("{challenge}.{digest}")
    }

    /// Whether that is a proof for a challenge of this network that has not ended.
    pub fn work(&self, network: &str, proof: &str, now: Timestamp) -> Option<Work> {
        if proof.len() > MAX_BYTES {
            return None;
        }
        let (challenge, numbers) = proof.split_once(':')?;
        let (challenge, given) = challenge.rsplit_once('.')?;
        let digest = self.of(&["challenge", challenge, network]);
        verify_slices_are_equal(digest.as_bytes(), given.as_bytes()).ok()?;
        // The digest is right, so the rest is as we issued it.
        let (challenge, seed) = challenge.rsplit_once('.')?;
        let (terms, end) = challenge.rsplit_once('.')?;
        let ends_at = end.parse().ok()?;
        let is_ours = terms == format!("{VERSION}.{ROUNDS}.{BITS}");
        (is_ours && now.as_second() < ends_at && is_solved(seed, numbers))
            .then(|| Work { seed: seed.to_owned(), ends_at })
    }
}

fn is_solved(seed: &str, numbers: &str) -> bool {
    let numbers: Vec<&str> = numbers.split(',').collect();
    numbers.len() == ROUNDS
        && numbers.iter().enumerate().all(|(round, number)| {
            let is_number = number.bytes().all(|byte| byte.is_ascii_digit());
            is_number && zeros(format!("{seed}:{round}:{number}").as_bytes()) >= BITS
        })
}

/// How many zero bits the digest of a text begins with.
fn zeros(text: &[u8]) -> u32 {
    match digest(&SHA256, text).as_ref().first_chunk() {
        Some(first) => u64::from_be_bytes(*first).leading_zeros(),
        None => 0,
    }
}

/// Does the work of that challenge, as a client does.
///
/// # Errors
/// When it is not a challenge of the format that is known here.
pub fn solve(challenge: &str) -> Result<String, &'static str> {
    let parts: Vec<&str> = challenge.split('.').collect();
    let [VERSION, rounds, bits, _end, seed, _digest] = parts[..] else {
        return Err("a challenge of another version");
    };
    let (Ok(rounds), Ok(bits)) = (rounds.parse::<usize>(), bits.parse::<u32>()) else {
        return Err("a malformed challenge");
    };
    let solved = (0..rounds).map(|round| {
        let mut text = format!("{seed}:{round}:").into_bytes();
        let prefix = text.len();
        (0..u64::MAX).find(|number| {
            text.truncate(prefix);
            text.extend_from_slice(number.to_string().as_bytes());
            zeros(&text) >= bits
        })
    });
    let numbers: Vec<String> = solved.flatten().map(|number| number.to_string()).collect();
    Ok(format!("{challenge}:{}", numbers.join(",")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::Secret;

    fn blinds(of: &str) -> Blinds {
        Blinds::new(&Secret::parse(&of.repeat(32)).unwrap())
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_proof_counts_for_its_network_and_its_time() {
        let blinds = blinds("a");
        let challenge = blinds.challenge("192.0.2.1", &Random::System, at(1_000));
        let proof = solve(&challenge).unwrap();
        let work = blinds.work("192.0.2.1", &proof, at(1_599)).unwrap();
        assert_eq!(work.ends_at, 1_600);
        assert!(challenge.contains(&work.seed));
        assert_eq!(blinds.work("192.0.2.1", &proof, at(1_600)), None);
        assert_eq!(blinds.work("192.0.2.2", &proof, at(1_000)), None);
        assert_eq!(self::blinds("b").work("192.0.2.1", &proof, at(1_000)), None);
    }

    #[test]
    fn an_altered_proof_is_none() {
        let blinds = blinds("a");
        let challenge = blinds.challenge("net", &Random::System, at(0));
        let proof = solve(&challenge).unwrap();
        assert!(blinds.work("net", &proof, at(0)).is_some());
        let (_, numbers) = proof.split_once(':').unwrap();
        let end = ".600.";
        assert!(challenge.contains(end));
        for altered in [
            String::new(),
            challenge.clone(),
            format!("{challenge}:"),
            format!("{challenge}:{}", ["0"; ROUNDS].join(",")),
            // Fewer rounds, and more.
            format!("{challenge}:{}", numbers.rsplit_once(',').unwrap().0),
            format!("{proof},{}", numbers.split(',').next().unwrap()),
            proof.replace(end, ".601."),
            proof.replace(".17.", ".1."),
            proof.replace(".8.", ".1."),
            proof.replacen(',', ", ", 1),
            format!("{proof}{}", " ".repeat(MAX_BYTES)),
        ] {
            assert_eq!(blinds.work("net", &altered, at(0)), None, "{altered}");
        }
    }

    /// Computed with Python's `hashlib`.
    #[test]
    fn the_digest_is_sha_256_of_seed_round_and_number() {
        assert_eq!(zeros(b"seed:0:0"), 2);
        assert_eq!(zeros(b"seed:3:3607"), 13);
    }
}
