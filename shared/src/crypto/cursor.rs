//! Cursors: places in a list, sealed, so that a client can hand one back and make none up.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

use super::Secret;
use crate::store::Place;

/// The bytes of a seal: as many as nobody guesses, in a text that is short.
const TAG: usize = 16;
/// The bytes of an id.
const ID: usize = 16;

/// A place in a list, and which of the two orders the list is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The place.
    pub place: Place,
    /// By age, not by name.
    pub is_by_age: bool,
}

/// Makes cursors, and reads them.
#[derive(Clone)]
pub struct Cursors(Vec<hmac::Key>);

impl Cursors {
    /// Cursors under keys derived from `secret`.
    pub(super) fn new(secret: &Secret) -> Self {
        let keys = secret.derive("cursor").into_iter();
        Self(keys.map(|key| hmac::Key::new(hmac::HMAC_SHA256, key.as_slice())).collect())
    }

    /// The cursor as a client gets it.
    pub fn seal(&self, cursor: &Cursor) -> String {
        let mut bytes = vec![u8::from(cursor.is_by_age)];
        bytes.extend(cursor.place.user.bytes());
        bytes.extend(cursor.place.username_key.as_bytes());
        let tag = hmac::sign(&self.0[0], &bytes);
        bytes.extend(&tag.as_ref()[..TAG]);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The cursor that a client gives back; `None` for what is none of ours.
    pub fn open(&self, cursor: &str) -> Option<Cursor> {
        let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
        let (sealed, tag) = bytes.split_at_checked(bytes.len().checked_sub(TAG)?)?;
        let is_ours = self.0.iter().any(|key| {
            let ours = hmac::sign(key, sealed);
            aws_lc_rs::constant_time::verify_slices_are_equal(&ours.as_ref()[..TAG], tag).is_ok()
        });
        let (order, place) = sealed.split_first()?;
        let (id, username_key) = place.split_first_chunk::<ID>()?;
        let username_key = String::from_utf8(username_key.to_vec()).ok()?;
        let place = Place { user: Uuid::from_bytes(*id).into(), username_key };
        is_ours.then_some(Cursor { place, is_by_age: *order == 1 })
    }
}

impl std::fmt::Debug for Cursors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Cursors")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cursors(secrets: &str) -> Cursors {
        Cursors::new(&Secret::parse(secrets).unwrap())
    }

    fn cursor() -> Cursor {
        let place = Place { user: Uuid::from_u128(7).into(), username_key: "jörg".to_owned() };
        Cursor { place, is_by_age: true }
    }

    #[test]
    fn a_cursor_leads_back_to_its_cursor() {
        let cursors = cursors(&"a".repeat(32));
        assert_eq!(cursors.open(&cursors.seal(&cursor())), Some(cursor()));
    }

    #[test]
    fn a_cursor_with_any_bit_changed_is_none() {
        let cursors = cursors(&"a".repeat(32));
        let sealed = URL_SAFE_NO_PAD.decode(cursors.seal(&cursor())).unwrap();
        for bit in 0..sealed.len() * 8 {
            let mut changed = sealed.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(cursors.open(&URL_SAFE_NO_PAD.encode(changed)), None, "{bit}");
        }
    }

    #[test]
    fn what_is_no_cursor_is_none() {
        let cursors = cursors(&"a".repeat(32));
        for text in ["", "rubbish", "YXJyYXljb25uZWN0aW9uOjM=", "AAAA", "é"] {
            assert_eq!(cursors.open(text), None, "{text}");
        }
    }

    #[test]
    fn a_cursor_outlives_a_rotation_of_the_secret() {
        let (old, new) = ("o".repeat(32), "n".repeat(32));
        let sealed = cursors(&old).seal(&cursor());
        assert_eq!(cursors(&format!("{new},{old}")).open(&sealed), Some(cursor()));
        assert_eq!(cursors(&new).open(&sealed), None);
    }
}
