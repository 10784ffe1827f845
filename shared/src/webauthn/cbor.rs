//! A reader of the CBOR that authenticators write (RFC 8949; CTAP 2.2, section 8).
//!
//! It accepts the canonical form of CTAP2: definite lengths, numbers in their shortest form, no tags. It does not check
//! the order of the members of a map, because nothing depends on it; callers refuse a member that comes twice. It
//! allocates nothing, so a claimed length costs nothing.

/// The deepest nesting. A compound attestation needs five levels.
const DEPTH: usize = 8;

const BYTES: u8 = 2;
const TEXT: u8 = 3;
const ARRAY: u8 = 4;
const MAP: u8 = 5;
const SIMPLE: u8 = 7;

/// Reads item by item. `None` means that the bytes are not such an item; the reader is of no use after that.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The bytes that have not been read.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.0
    }

    /// The next bytes, as many as that.
    pub(super) fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    /// Major type, additional information and value of the next item.
    fn head(&mut self) -> Option<(u8, u8, u64)> {
        let [first] = *self.take(1)? else { return None };
        let (major, info) = (first >> 5, first & 31);
        let length = match info {
            0..=23 => return Some((major, info, info.into())),
            24..=27 => 1_usize << (info - 24),
            _ => return None,
        };
        let value = self.take(length)?.iter().fold(0, |value, byte| value << 8 | u64::from(*byte));
        let least = [24, 1 << 8, 1 << 16, 1 << 32][usize::from(info - 24)];
        // A float has no shorter form.
        (value >= least || major == SIMPLE).then_some((major, info, value))
    }

    fn head_of(&mut self, wanted: u8) -> Option<usize> {
        let (major, _, value) = self.head()?;
        if major == wanted { usize::try_from(value).ok() } else { None }
    }

    /// A byte string.
    pub(super) fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = self.head_of(BYTES)?;
        self.take(length)
    }

    /// A text.
    pub(super) fn text(&mut self) -> Option<&'a str> {
        let length = self.head_of(TEXT)?;
        std::str::from_utf8(self.take(length)?).ok()
    }

    /// An integer.
    pub(super) fn integer(&mut self) -> Option<i64> {
        let (major, _, value) = self.head()?;
        let value = i64::try_from(value).ok()?;
        match major {
            0 => Some(value),
            1 => Some(-1 - value),
            _ => None,
        }
    }

    /// The start of a map: the number of its members.
    pub(super) fn map(&mut self) -> Option<usize> {
        self.head_of(MAP)
    }

    /// Any item, with all items inside it.
    pub(super) fn skip(&mut self) -> Option<()> {
        self.skip_within(DEPTH)
    }

    /// A map, with all items inside it.
    pub(super) fn skip_map(&mut self) -> Option<()> {
        let is_map = self.0.first().is_some_and(|first| first >> 5 == MAP);
        if is_map { self.skip() } else { None }
    }

    fn skip_within(&mut self, depth: usize) -> Option<()> {
        let (major, info, value) = self.head()?;
        match (major, info) {
            (0 | 1, _) | (SIMPLE, 20..=23 | 25..=27) => Some(()),
            (BYTES, _) => self.take(usize::try_from(value).ok()?).map(drop),
            (TEXT, _) => {
                let text = self.take(usize::try_from(value).ok()?)?;
                std::str::from_utf8(text).ok().map(drop)
            }
            (ARRAY | MAP, _) => {
                let depth = depth.checked_sub(1)?;
                // Each item takes a byte at least, so a claimed number ends with the bytes.
                let items = if major == MAP { value.checked_mul(2)? } else { value };
                (0..items).try_for_each(|_| self.skip_within(depth))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_whole(bytes: &[u8]) -> bool {
        let mut reader = Reader::new(bytes);
        reader.skip().is_some() && reader.rest().is_empty()
    }

    /// From RFC 8949, appendix A.
    #[test]
    fn well_formed_items_are_read_to_their_end() {
        for hex in [
            "00",
            "17",
            "1818",
            "1903e8",
            "1a000f4240",
            "1bffffffffffffffff",
            "20",
            "3903e7",
            "f93c00",
            "fa47c35000",
            "fb3ff199999999999a",
            "f4",
            "f5",
            "f6",
            "40",
            "4401020304",
            "60",
            "6449455446",
            "62c3bc",
            "80",
            "83010203",
            "8301820203820405",
            "a0",
            "a201020304",
            "a26161016162820203",
            "826161a161626163",
        ] {
            assert!(is_whole(&unhex(hex)), "{hex}");
            for cut in 0..hex.len() / 2 {
                assert!(!is_whole(&unhex(hex)[..cut]), "{hex} cut to {cut}");
            }
        }
    }

    #[test]
    fn items_that_ctap2_forbids_are_refused() {
        for (hex, problem) in [
            ("1817", "a number that is not in its shortest form"),
            ("1900ff", "a number that is not in its shortest form"),
            ("1a0000ffff", "a number that is not in its shortest form"),
            ("1b00000000ffffffff", "a number that is not in its shortest form"),
            ("580101", "a length that is not in its shortest form"),
            ("5f42010243030405ff", "bytes of an indefinite length"),
            ("9f01ff", "an array of an indefinite length"),
            ("bf6161 01ff", "a map of an indefinite length"),
            ("c11a514b67b0", "a tag"),
            ("1c", "a reserved length"),
            ("f0", "an unassigned simple value"),
            ("f8ff", "an unassigned simple value"),
            ("62c328", "a text that is not UTF-8"),
            ("a101", "a map with half a member"),
        ] {
            assert!(!is_whole(&unhex(&hex.replace(' ', ""))), "{problem}: {hex}");
        }
    }

    #[test]
    fn nesting_and_claimed_lengths_are_bounded() {
        let nested = |depth| [vec![0x81; depth], vec![0]].concat();
        assert!(is_whole(&nested(DEPTH)));
        assert!(!is_whole(&nested(DEPTH + 1)));
        assert!(!is_whole(&nested(1_000_000)));
        for claim in [
            "5bffffffffffffffff",
            "9bffffffffffffffff00",
            "bbffffffffffffffff0000",
            "bb80000000000000000000",
        ] {
            assert!(!is_whole(&unhex(claim)), "{claim}");
        }
    }

    #[test]
    fn each_reader_accepts_its_own_type_only() {
        let read = |hex: &str| {
            let bytes = unhex(hex);
            let reader = || Reader::new(&bytes);
            let found = [
                reader().bytes().is_some(),
                reader().text().is_some(),
                reader().integer().is_some(),
                reader().map().is_some(),
                reader().skip_map().is_some(),
            ];
            found.map(u8::from)
        };
        assert_eq!(read("4101"), [1, 0, 0, 0, 0]);
        assert_eq!(read("6161"), [0, 1, 0, 0, 0]);
        assert_eq!(read("01"), [0, 0, 1, 0, 0]);
        assert_eq!(read("390100"), [0, 0, 1, 0, 0]);
        assert_eq!(read("a0"), [0, 0, 0, 1, 1]);
        assert_eq!(read("80"), [0; 5]);
        assert_eq!(read("f5"), [0; 5]);
        assert_eq!(Reader::new(&unhex("390100")).integer(), Some(-257));
        assert_eq!(Reader::new(&unhex("3bffffffffffffffff")).integer(), None);
    }

    fn unhex(hex: &str) -> Vec<u8> {
        crate::webauthn::tests::unhex(hex)
    }
}
