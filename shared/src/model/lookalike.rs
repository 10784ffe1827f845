//! Names that look like other names (Unicode Technical Standard #39).

use std::collections::BTreeSet;

use unicode_normalization::UnicodeNormalization;
use unicode_security::{MixedScript, RestrictionLevel, RestrictionLevelDetection};

use super::username::fold;

/// The letters that look like something else, in ascending order, each with the start of its look in the text. The look
/// ends where the next one starts.
static LOOKALIKES: (&[(char, u32)], &str) = include!(concat!(env!("OUT_DIR"), "/lookalikes.rs"));

/// Whether the letters of a name come from one script, or from scripts that are written together, as
/// Japanese is. A Cyrillic `а` among Latin letters serves only to look like another name
/// (UTS 39, 5.2: *single script* or *highly restrictive*).
pub fn is_of_one_script(name: &str) -> bool {
    name.is_single_script() || name.check_restriction_level(RestrictionLevel::HighlyRestrictive)
}

/// The look of a name that looks like another one, in the form of [`fold`]: `coco` for the Cyrillic `сосо`. Letters
/// look different in upper and in lower case, so a name can have two looks.
///
/// ASCII looks like itself: that `1` looks like `l` is a reader's problem in every name, and `rn` is not `m`.
pub fn looks(name: &str) -> BTreeSet<String> {
    let key = fold(name);
    let looks = [name, &key].map(|written| fold(&latin_letters_of(written)));
    looks.into_iter().filter(|look| *look != key).collect()
}

/// The name with each letter that is not ASCII replaced by the letter that it is confused with.
fn latin_letters_of(name: &str) -> String {
    let mut seen = String::new();
    for letter in name.nfd() {
        if letter.is_ascii() {
            seen.push(letter);
        } else {
            seen.push_str(look_of(letter).unwrap_or(letter.encode_utf8(&mut [0; 4])));
        }
    }
    seen
}

/// What a letter looks like, unless it looks only like itself (UTS 39: the *skeleton*). The look of an invisible letter is
/// empty. The letter is decomposed.
fn look_of(letter: char) -> Option<&'static str> {
    let (rows, text) = LOOKALIKES;
    let row = rows.binary_search_by_key(&letter, |(letter, _)| *letter).ok()?;
    let start = |row: usize| rows.get(row).and_then(|(_, start)| usize::try_from(*start).ok());
    text.get(start(row)?..start(row + 1).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use unicode_security::skeleton;

    use super::*;

    fn looks_like(name: &str) -> Vec<String> {
        looks(name).into_iter().collect()
    }

    #[test]
    fn a_name_of_letters_from_two_scripts_is_found() {
        for mixed in ["\u{430}dmin", "\u{3bf}ffice", "paypa\u{4cf}", "ann\u{5d0}"] {
            assert!(!is_of_one_script(mixed), "{mixed}");
        }
        for one in [
            "ann",
            "jörg",
            "علی۲",
            "李雷",
            "たなか太郎",
            "иван-2",
            "Νίκος",
            "김철수",
            "a.b@c+d-e_f",
            "123",
        ] {
            assert!(is_of_one_script(one), "{one}");
        }
    }

    #[test]
    fn a_name_that_looks_like_another_has_its_look() {
        assert_eq!(looks_like("\u{441}\u{43e}\u{441}\u{43e}"), ["coco"], "Cyrillic");
        assert_eq!(looks_like("adm\u{131}n"), ["admin"], "dotless i");
        assert_eq!(looks_like("عل\u{6cc}"), ["عل\u{649}"], "Persian and Arabic yeh");
        assert_eq!(looks_like("\u{412}\u{41e}\u{412}"), ["bob", "\u{299}o\u{299}"], "capitals");
    }

    #[test]
    fn the_table_has_the_looks_of_all_letters() {
        let mut differing = 0;
        for letter in ('\u{80}'..=char::MAX).filter(|letter| letter.nfd().eq([*letter])) {
            let expected: String = skeleton(letter.encode_utf8(&mut [0; 4])).collect();
            differing += usize::from(look_of(letter).is_some());
            let mut itself = [0; 4];
            assert_eq!(
                look_of(letter).unwrap_or(letter.encode_utf8(&mut itself)),
                expected,
                "{letter:?}"
            );
        }
        assert!(differing > 6_000, "{differing}");
        assert_eq!(look_of('\u{200b}'), Some(""), "an invisible letter");
    }

    #[test]
    fn a_name_that_looks_like_itself_has_no_look() {
        for plain in ["ann", "Paul1", "modern", "jörg", "JÖRG", "müller", "李雷", "STRASSE"] {
            assert_eq!(looks_like(plain), [""; 0], "{plain}");
        }
    }
}
