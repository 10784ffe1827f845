//! Cursors: sealed places in a list.

use uuid::Uuid;

use crate::crypto::Seal;
use crate::store::Place;

/// The bytes of an id.
const ID: usize = 16;

/// A place in a list, and which of the two orders the list is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cursor {
    pub(super) place: Place,
    /// By age, not by name.
    pub(super) is_by_age: bool,
}

impl Cursor {
    /// The cursor as a client gets it.
    pub(super) fn seal(&self, seal: &Seal) -> String {
        let mut bytes = vec![u8::from(self.is_by_age)];
        bytes.extend(self.place.user.bytes());
        bytes.extend(self.place.username_key.as_bytes());
        seal.seal(bytes)
    }

    /// The cursor that a client sends back. `None` for any other text.
    pub(super) fn open(cursor: &str, seal: &Seal) -> Option<Self> {
        let bytes = seal.open(cursor)?;
        let (order, place) = bytes.split_first()?;
        let (id, username_key) = place.split_first_chunk::<ID>()?;
        let username_key = String::from_utf8(username_key.to_vec()).ok()?;
        let place = Place { user: Uuid::from_bytes(*id).into(), username_key };
        Some(Self { place, is_by_age: *order == 1 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::Secret;

    fn seal() -> Seal {
        Seal::new(&Secret::parse(&"a".repeat(32)).unwrap(), "cursor")
    }

    #[test]
    fn a_sealed_cursor_opens_as_the_same_cursor() {
        let place = Place { user: Uuid::from_u128(7).into(), username_key: "jörg".to_owned() };
        let cursor = Cursor { place, is_by_age: true };
        assert_eq!(Cursor::open(&cursor.seal(&seal()), &seal()), Some(cursor));
    }

    #[test]
    fn sealed_bytes_that_are_no_place_do_not_open() {
        let sealed = seal().seal(vec![1; ID]);
        assert_eq!(Cursor::open(&sealed, &seal()), None);
    }
}
