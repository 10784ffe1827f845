//! A set of passwords as a binary fuse filter, and the form of its file.
//!
//! The file has, with integers in little-endian order:
//!
//! | bytes | content |
//! |---|---|
//! | 8 | `LKBREACH` |
//! | 2 | the version of the form: 1 |
//! | 2 | the bits of a fingerprint: 16 |
//! | 4, 4, 8 | the length of a segment, the length of all segments but two, and the seed of the filter |
//! | 8 | how many passwords it has |
//! | 32 | the SHA-256 of everything before and after |
//! | the rest | the fingerprints |

use std::fmt;
use std::io::{self, Read, Write};

use aws_lc_rs::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use xorf::{BinaryFuse16, Descriptor, Filter as _};

use crate::model::PlainPassword;

const MAGIC: [u8; 8] = *b"LKBREACH";
const VERSION: u16 = 1;
const BITS: u16 = 16;
/// The bytes of the header before its checksum.
const FIELDS: usize = 36;
/// The bytes of the header.
const HEADER: usize = FIELDS + CHECKSUM;
const CHECKSUM: usize = 32;
/// The bytes of a fingerprint.
const WIDTH: u64 = 2;
/// The most passwords: beyond, the numbers of the filter would overflow.
const MAX_COUNT: usize = 1_000_000_000;

/// The key of a password in a filter: the first 64 bits of its SHA-1. Lists of breached passwords contain SHA-1 hashes;
/// the hash protects nothing here.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PasswordDigest(u64);

impl PasswordDigest {
    /// The digest of exactly these bytes.
    pub fn of_bytes(password: &[u8]) -> Self {
        Self::of_sha1(digest(&SHA1_FOR_LEGACY_USE_ONLY, password).as_ref())
    }

    /// The digests of a password as it was typed, and of its normalised form: a list may have either.
    pub fn all_of(password: &PlainPassword) -> [Self; 2] {
        [password, &password.normalised()].map(|form| Self::of_bytes(form.expose()))
    }

    /// Reads a SHA-1 as lists write it: 40 hexadecimal digits.
    pub fn parse(sha1: &str) -> Option<Self> {
        let is_sha1 = sha1.len() == 40 && sha1.bytes().all(|digit| digit.is_ascii_hexdigit());
        let first = sha1.get(..16).filter(|_| is_sha1)?;
        u64::from_str_radix(first, 16).ok().map(Self)
    }

    fn of_sha1(sha1: &[u8]) -> Self {
        Self(sha1.iter().take(8).fold(0, |all, byte| all << 8 | u64::from(*byte)))
    }
}

impl fmt::Debug for PasswordDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordDigest")
    }
}

/// Why there is no filter.
#[derive(Debug, thiserror::Error)]
pub enum FilterError {
    /// The file cannot be read.
    #[error("it cannot be read: {0}")]
    Io(#[from] io::Error),
    /// The file has another format.
    #[error("it is no filter of breached passwords: `breached-passwords build` makes one")]
    NotAFilter,
    /// Another release wrote the file.
    #[error("it is of version {0}, and this release reads version {VERSION}: build it anew")]
    Version(u16),
    /// The file is too short or too long.
    #[error("it has {actual} bytes in place of {expected}: build or copy it anew")]
    Length {
        /// The length by the header.
        expected: u64,
        /// The length of the file.
        actual: u64,
    },
    /// A header that no filter has.
    #[error("its header makes no sense: build it anew")]
    Header,
    /// Some bytes of the file have changed.
    #[error("its checksum is wrong: build it anew")]
    Checksum,
    /// There is no password to build a filter of.
    #[error("there is no password for it")]
    Empty,
    /// There are too many passwords for a filter.
    #[error("{0} passwords are more than the {MAX_COUNT} that a filter can have")]
    TooMany(usize),
    /// The construction failed. Only equal keys can cause that, and there are none.
    #[error("it cannot be constructed: {0}")]
    Construction(&'static str),
}

/// A set of passwords. It has each password that it was made of, and by mistake one in 65,536 of the others.
pub struct Filter {
    fuse: BinaryFuse16,
    count: u64,
}

impl Filter {
    /// A filter of those passwords. Equal ones count once.
    ///
    /// # Errors
    /// No password, or too many.
    pub fn of(mut digests: Vec<PasswordDigest>) -> Result<Self, FilterError> {
        digests.sort_unstable();
        digests.dedup();
        match digests.len() {
            0 => return Err(FilterError::Empty),
            count if count > MAX_COUNT => return Err(FilterError::TooMany(count)),
            _ => {}
        }
        let keys = digests.iter().map(|digest| digest.0);
        let fuse = BinaryFuse16::try_from_iterator(keys).map_err(FilterError::Construction)?;
        Ok(Self { fuse, count: digests.len() as u64 })
    }

    /// How many passwords it was made of.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Whether it has that password.
    pub fn contains(&self, digest: PasswordDigest) -> bool {
        self.fuse.contains(&digest.0)
    }

    /// Writes the file.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let fields = Fields::of(self).to_bytes();
        let mut checksum = Context::new(&SHA256);
        checksum.update(&fields);
        self.in_chunks(|bytes| {
            checksum.update(bytes);
            Ok(())
        })?;
        out.write_all(&fields)?;
        out.write_all(checksum.finish().as_ref())?;
        self.in_chunks(|bytes| out.write_all(bytes))?;
        out.flush()
    }

    /// The bytes of the fingerprints, chunk by chunk.
    fn in_chunks(&self, mut each: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        for chunk in self.fuse.fingerprints.chunks(32 * 1024) {
            let bytes: Vec<u8> = chunk.iter().flat_map(|it| it.to_le_bytes()).collect();
            each(&bytes)?;
        }
        Ok(())
    }

    /// Checks whether a file of that length can be a filter, by its header.
    ///
    /// # Errors
    /// The header does not fit a filter of that length, or the file cannot be read.
    pub fn check(input: &mut impl Read, length: u64) -> Result<(), FilterError> {
        Fields::read(input, length).map(drop)
    }

    /// Reads a file of that length. It takes no more memory than the file has bytes.
    ///
    /// # Errors
    /// It is no whole filter, or it cannot be read.
    pub fn read(input: &mut impl Read, length: u64) -> Result<Self, FilterError> {
        let (fields, expected) = Fields::read(input, length)?;
        let mut checksum = Context::new(&SHA256);
        checksum.update(&fields.to_bytes());
        let mut left = usize::try_from(fields.fingerprints()).map_err(|_| FilterError::Header)?;
        let mut fingerprints = Vec::with_capacity(left);
        let mut chunk = vec![0; 64 * 1024];
        while left > 0 {
            chunk.truncate(left.saturating_mul(2));
            input.read_exact(&mut chunk)?;
            checksum.update(&chunk);
            fingerprints.extend(chunk.as_chunks().0.iter().map(|it| u16::from_le_bytes(*it)));
            left -= chunk.len() / 2;
        }
        if checksum.finish().as_ref() != expected {
            return Err(FilterError::Checksum);
        }
        let fuse = BinaryFuse16 {
            descriptor: fields.descriptor(),
            fingerprints: fingerprints.into_boxed_slice(),
        };
        Ok(Self { fuse, count: fields.count })
    }
}

impl fmt::Debug for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Filter").field("count", &self.count).finish_non_exhaustive()
    }
}

/// The fields of the header that the checksum covers.
struct Fields {
    segment_length: u32,
    segment_count_length: u32,
    seed: u64,
    count: u64,
}

impl Fields {
    fn of(Filter { fuse, count }: &Filter) -> Self {
        let Descriptor { seed, segment_length, segment_count_length, .. } = fuse.descriptor;
        Self { segment_length, segment_count_length, seed, count: *count }
    }

    fn to_bytes(&self) -> [u8; FIELDS] {
        let mut bytes = [0; FIELDS];
        let fields: [&[u8]; 7] = [
            &MAGIC,
            &VERSION.to_le_bytes(),
            &BITS.to_le_bytes(),
            &self.segment_length.to_le_bytes(),
            &self.segment_count_length.to_le_bytes(),
            &self.seed.to_le_bytes(),
            &self.count.to_le_bytes(),
        ];
        for (to, from) in bytes.iter_mut().zip(fields.into_iter().flatten()) {
            *to = *from;
        }
        bytes
    }

    /// Reads the header of a file of that length, and the checksum in it.
    fn read(input: &mut impl Read, length: u64) -> Result<(Self, [u8; CHECKSUM]), FilterError> {
        let magic: [u8; 8] = take(input)?;
        if magic != MAGIC {
            return Err(FilterError::NotAFilter);
        }
        let version = u16::from_le_bytes(take(input)?);
        if version != VERSION {
            return Err(FilterError::Version(version));
        }
        let bits = u16::from_le_bytes(take(input)?);
        let fields = Self {
            segment_length: u32::from_le_bytes(take(input)?),
            segment_count_length: u32::from_le_bytes(take(input)?),
            seed: u64::from_le_bytes(take(input)?),
            count: u64::from_le_bytes(take(input)?),
        };
        let checksum = take(input)?;
        if bits != BITS || !fields.is_consistent() {
            return Err(FilterError::Header);
        }
        let expected = HEADER as u64 + WIDTH * fields.fingerprints();
        if length != expected {
            return Err(FilterError::Length { expected, actual: length });
        }
        Ok((fields, checksum))
    }

    /// Whether every look-up stays within the fingerprints. Otherwise a look-up would panic.
    fn is_consistent(&self) -> bool {
        self.segment_length.is_power_of_two()
            && self.segment_count_length > 0
            && self.segment_count_length.is_multiple_of(self.segment_length)
            && u32::try_from(self.fingerprints()).is_ok()
            && (1..=self.fingerprints()).contains(&self.count)
    }

    fn fingerprints(&self) -> u64 {
        u64::from(self.segment_count_length) + 2 * u64::from(self.segment_length)
    }

    fn descriptor(&self) -> Descriptor {
        Descriptor {
            seed: self.seed,
            segment_length: self.segment_length,
            segment_length_mask: self.segment_length - 1,
            segment_count_length: self.segment_count_length,
        }
    }
}

/// The next bytes. A file that ends before is too short for a header.
fn take<const N: usize>(input: &mut impl Read) -> Result<[u8; N], FilterError> {
    let mut bytes = [0; N];
    match input.read_exact(&mut bytes) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(FilterError::NotAFilter),
        done => Ok(done.map(|()| bytes)?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digests(range: std::ops::Range<u32>) -> Vec<PasswordDigest> {
        range.map(|it| PasswordDigest::of_bytes(it.to_string().as_bytes())).collect()
    }

    fn file_of(digests: Vec<PasswordDigest>) -> Vec<u8> {
        let mut file = Vec::new();
        Filter::of(digests).unwrap().write(&mut file).unwrap();
        file
    }

    fn read(file: &[u8]) -> Result<Filter, FilterError> {
        Filter::read(&mut &*file, file.len() as u64)
    }

    /// With a checksum that fits, as an attacker could write it.
    fn with_checksum(mut file: Vec<u8>) -> Vec<u8> {
        let mut checksum = Context::new(&SHA256);
        checksum.update(&file[..FIELDS]);
        checksum.update(&file[HEADER..]);
        file[FIELDS..HEADER].copy_from_slice(checksum.finish().as_ref());
        file
    }

    /// The answers of `sha1sum`, in the form of lists, in either case.
    #[test]
    fn a_digest_is_the_sha1_that_lists_have() {
        for (password, sha1) in [
            ("password", "5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8"),
            ("", "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
            ("Müller", "CD2562F4B5ECC3E02E669737FDE72B4CA6F2039F"),
        ] {
            let of_bytes = PasswordDigest::of_bytes(password.as_bytes());
            assert_eq!(PasswordDigest::parse(sha1), Some(of_bytes), "{password}");
        }
        let sha1 = "5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8";
        for bad in
            ["", &sha1[1..], &format!("{sha1}0"), &sha1.replace('B', "G"), &sha1.replace("5B", "é")]
        {
            assert_eq!(PasswordDigest::parse(bad), None, "{bad}");
        }
        assert_eq!(format!("{:?}", PasswordDigest::of_bytes(b"x")), "PasswordDigest");
    }

    #[test]
    fn a_filter_of_any_size_has_its_passwords_after_it_was_written_and_read() {
        for count in [1, 2, 3, 5, 10, 100, 10_000] {
            let all = digests(0..count);
            let twice = all.iter().chain(&all).copied().collect();
            let filter = read(&file_of(twice)).unwrap();
            assert_eq!(filter.count(), u64::from(count));
            assert!(all.iter().all(|digest| filter.contains(*digest)), "{count}");
        }
        assert!(matches!(Filter::of(Vec::new()), Err(FilterError::Empty)));
    }

    /// The docs promise one mistake in 65,536. Of 200,000 other passwords, three are expected.
    #[test]
    fn few_other_passwords_are_found_by_mistake() {
        let filter = Filter::of(digests(0..20_000)).unwrap();
        let others = digests(20_000..220_000);
        let mistakes = others.iter().filter(|digest| filter.contains(**digest)).count();
        assert!(mistakes < 20, "{mistakes}");
    }

    /// The size that docs and messages promise.
    #[test]
    fn a_password_takes_about_18_bits() {
        let bytes = file_of(digests(0..200_000)).len();
        assert!((200_000 * 2..200_000 * 5 / 2).contains(&bytes), "{bytes}");
    }

    #[test]
    fn a_file_that_was_cut_or_has_more_at_its_end_is_refused_by_its_header() {
        let file = file_of(digests(0..100));
        for length in [0, 1, 7, 8, 9, 11, 12, 35, FIELDS, HEADER - 1] {
            let error = read(&file[..length]).unwrap_err();
            assert!(matches!(error, FilterError::NotAFilter), "{length}: {error}");
        }
        for length in [HEADER, HEADER + 1, file.len() - 1] {
            let error = read(&file[..length]).unwrap_err();
            assert!(matches!(error, FilterError::Length { .. }), "{length}: {error}");
            Filter::check(&mut &file[..length], length as u64).unwrap_err();
        }
        let longer = [file.clone(), vec![0]].concat();
        assert!(matches!(read(&longer), Err(FilterError::Length { .. })));
        // It got shorter after it was opened.
        let cut = &file[..file.len() - 10];
        let error = Filter::read(&mut &*cut, file.len() as u64).unwrap_err();
        assert!(matches!(error, FilterError::Io(_)), "{error}");
    }

    #[test]
    fn another_file_and_another_version_are_different_errors() {
        let mut file = file_of(digests(0..100));
        assert!(matches!(read(&[b'x'; 4096]), Err(FilterError::NotAFilter)));
        file[8] = 2;
        let error = read(&file).unwrap_err().to_string();
        assert_eq!(error, "it is of version 2, and this release reads version 1: build it anew");
    }

    /// Each single bit, in the header and in the fingerprints.
    #[test]
    fn a_flipped_bit_is_found() {
        let file = file_of(digests(0..20));
        for bit in 0..8 * file.len() {
            let mut flipped = file.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(read(&flipped).is_err(), "bit {bit}");
        }
    }

    /// Whatever a header claims, with a checksum that fits: no panic, and no memory beyond the length of the file.
    #[test]
    fn a_header_that_no_filter_has_is_refused() {
        let file = file_of(digests(0..100));
        let with = |at: usize, value: u32| {
            let mut file = file.clone();
            file[at..at + 4].copy_from_slice(&value.to_le_bytes());
            with_checksum(file)
        };
        for value in [0, 1, 3, 5, 1 << 20, 1 << 31, u32::MAX] {
            for at in [10, 12, 16, 28, 32] {
                if let Ok(filter) = read(&with(at, value)) {
                    let found = digests(0..1000).iter().filter(|it| filter.contains(**it)).count();
                    assert!(found <= 1000);
                }
            }
        }
        assert!(matches!(read(&with(12, 0)), Err(FilterError::Header)));
        assert!(matches!(read(&with(12, 3)), Err(FilterError::Header)));
        assert!(matches!(read(&with(16, 0)), Err(FilterError::Header)));
        assert!(matches!(read(&with(32, u32::MAX)), Err(FilterError::Header)));
        assert!(matches!(read(&with(16, 1 << 31)), Err(FilterError::Length { .. })));
    }
}
