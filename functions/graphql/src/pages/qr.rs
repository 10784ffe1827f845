//! QR codes as SVG in the page: no script draws them, and no other request fetches them.

use std::fmt::Write as _;

use minijinja::{Value, context};
use qrcodegen::{QrCode, QrCodeEcc};

/// The white frame that a reader needs, in modules (ISO/IEC 18004, 9.1).
const QUIET: i32 = 4;

/// The width of the drawing, and the path of its dark modules; nothing for a text that is too long for a code.
pub(super) fn drawn(text: &str) -> Option<Value> {
    let code = QrCode::encode_text(text, QrCodeEcc::Medium).ok()?;
    let mut path = String::new();
    for y in 0..code.size() {
        let mut x = 0;
        while x < code.size() {
            let run = (x..code.size()).take_while(|at| code.get_module(*at, y)).count();
            let run = i32::try_from(run).ok()?;
            if run > 0 {
                let (left, top) = (x + QUIET, y + QUIET);
                write!(path, "M{left} {top}h{run}v1h-{run}z").ok()?;
            }
            x += run.max(1);
        }
    }
    Some(context! { width => code.size() + 2 * QUIET, path })
}

#[cfg(test)]
mod tests {
    use rqrr::{Grid, SimpleGrid};

    use super::*;

    /// The text that another program reads in the drawing.
    fn read(drawing: &Value) -> String {
        let number = |text: &str| text.parse::<usize>().unwrap();
        let width: usize = drawing.get_attr("width").unwrap().try_into().unwrap();
        let path = drawing.get_attr("path").unwrap().to_string();
        let mut dark = vec![vec![false; width]; width];
        for run in path.split('M').skip(1) {
            let (x, rest) = run.split_once(' ').unwrap();
            let (y, rest) = rest.split_once('h').unwrap();
            let (length, rest) = rest.split_once('v').unwrap();
            assert_eq!(rest, format!("1h-{length}z"));
            dark[number(y)][number(x)..][..number(length)].fill(true);
        }
        let quiet = usize::try_from(QUIET).unwrap();
        let frame = dark.iter().take(quiet).chain(dark.iter().rev().take(quiet));
        assert!(frame.flatten().all(|module| !module), "the frame is white");
        let size = width - 2 * quiet;
        let grid = SimpleGrid::from_func(size, |x, y| dark[y + quiet][x + quiet]);
        Grid::new(grid).decode().unwrap().1
    }

    #[test]
    fn a_reader_finds_the_text_in_the_drawing() {
        let long = format!("otpauth://totp/{}?secret={}", "%D8%B3".repeat(100), "A".repeat(32));
        for text in ["otpauth://totp/Site:ann%40a.example?secret=GEZDGNBV&digits=6", &long] {
            assert_eq!(read(&drawn(text).unwrap()), text);
        }
    }

    #[test]
    fn a_text_that_is_too_long_has_no_drawing() {
        assert!(drawn(&"a".repeat(3_000)).is_none());
    }
}
