//! Colours, and which of them can be read on which.

use std::fmt;

/// The least contrast of text to its background (WCAG 2.2, 1.4.3).
const READABLE: f64 = 4.5;
/// How many steps there are from a colour to black or to white.
const STEPS: u8 = 50;

/// An opaque colour. `Display` is its hex notation in CSS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Color([u8; 3]);

impl Color {
    /// Black.
    pub const BLACK: Self = Self([0; 3]);
    /// White.
    pub const WHITE: Self = Self([255; 3]);

    /// A colour by its red, green and blue.
    pub const fn new(red: u8, green: u8, blue: u8) -> Self {
        Self([red, green, blue])
    }

    /// `#rgb` or `#rrggbb`, and nothing else that CSS has.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#')?;
        let digits: Option<Vec<u8>> = digits.chars().map(hex_digit).collect();
        let digits = digits?;
        match digits.len() {
            3 => Some(Self::from_fn(|part| digits[part] * 17)),
            6 => Some(Self::from_fn(|part| digits[2 * part] * 16 + digits[2 * part + 1])),
            _ => None,
        }
    }

    fn from_fn(part: impl FnMut(usize) -> u8) -> Self {
        Self(std::array::from_fn(part))
    }

    /// Black or white: the one that is easier to read on this colour. One of the two has a contrast of more than 4.5
    /// to every colour.
    #[must_use]
    pub fn text_on(self) -> Self {
        let (black, white) = (self.contrast(Self::BLACK), self.contrast(Self::WHITE));
        if white >= black { Self::WHITE } else { Self::BLACK }
    }

    /// This colour, or the nearest one towards black or white that can be read as text on all of
    /// `backgrounds`, which are all light or all dark.
    #[must_use]
    pub fn readable_on(self, backgrounds: &[Self]) -> Self {
        let end = backgrounds.first().map_or(Self::BLACK, |background| background.text_on());
        let is_readable = |color: &Self| {
            backgrounds.iter().all(|background| color.contrast(*background) >= READABLE)
        };
        (0..=STEPS).map(|step| self.towards(end, step)).find(is_readable).unwrap_or(end)
    }

    /// From 1 (the same) to 21 (black and white), as WCAG 2.2 defines it.
    pub fn contrast(self, other: Self) -> f64 {
        let (one, other) = (self.luminance() + 0.05, other.luminance() + 0.05);
        if one > other { one / other } else { other / one }
    }

    fn luminance(self) -> f64 {
        let [red, green, blue] = self.0.map(|part| {
            let part = f64::from(part) / 255.0;
            if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        });
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }

    fn towards(self, end: Self, step: u8) -> Self {
        let (steps, step) = (u16::from(STEPS), u16::from(step));
        let mixed = |from: u8, to: u8| {
            let mixed = (u16::from(from) * (steps - step) + u16::from(to) * step) / steps;
            u8::try_from(mixed).unwrap_or(to)
        };
        Self::from_fn(|part| mixed(self.0[part], end.0[part]))
    }
}

fn hex_digit(digit: char) -> Option<u8> {
    digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

impl fmt::Display for Color {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.0;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn color(text: &str) -> Color {
        Color::parse(text).expect("a colour")
    }

    #[test]
    fn a_colour_has_three_or_six_hex_digits_behind_a_hash() {
        assert_eq!(color("#1D4ed8").to_string(), "#1d4ed8");
        assert_eq!(color("#0fA").to_string(), "#00ffaa");
        for bad in ["", "#", "1d4ed8", "#12", "#12345", "#1d4ed8ff", "#1d4edg", "#+12", "# 123456"]
        {
            assert_eq!(Color::parse(bad), None, "{bad}");
        }
        for bad in ["red", "#fff;}", "#１２３", "rgb(0,0,0)", "##fffff"] {
            assert_eq!(Color::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn contrast_is_that_of_wcag() {
        let near = |one: f64, other: f64| (one - other).abs() < 0.005;
        assert!(near(Color::BLACK.contrast(Color::WHITE), 21.0));
        assert!(near(color("#777777").contrast(Color::WHITE), 4.48));
        assert!(near(color("#1d4ed8").contrast(Color::WHITE), 6.70));
    }

    #[test]
    fn text_on_any_colour_can_be_read() {
        for red in (0..=255).step_by(15) {
            for green in (0..=255).step_by(15) {
                for blue in (0..=255).step_by(15) {
                    let color = Color::new(red, green, blue);
                    assert!(color.contrast(color.text_on()) >= READABLE, "{color}");
                    for background in [Color::WHITE, color.text_on(), Color::new(24, 24, 27)] {
                        let text = color.readable_on(&[background]);
                        assert!(text.contrast(background) >= READABLE, "{color} on {background}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_colour_that_can_be_read_stays_as_it_is() {
        let blue = color("#1d4ed8");
        assert_eq!(blue.readable_on(&[Color::WHITE]), blue);
        assert_ne!(blue.readable_on(&[Color::BLACK]), blue);
    }
}
