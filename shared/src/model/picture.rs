//! Profile pictures: which ones are accepted, and how they are stored.

use std::io::Cursor;

use image::codecs::gif::GifEncoder;
use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::codecs::webp::WebPEncoder;
use image::metadata::Orientation;
use image::{DynamicImage, Frame, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits};

use super::UserId;
use crate::error::Violation;

/// The most bytes of an upload: 2 MiB.
pub const MAX_BYTES: usize = 2 << 20;
/// The most pixels on a side.
pub const MAX_SIDE: u32 = 4096;
/// The most that a decoder may take beside the pixels, which `MAX_SIDE` bounds.
const MAX_DECODER_BYTES: u64 = 192 << 20;
/// The most bytes of a stored picture. A picture that takes more after it is encoded is halved until it fits: a lossy
/// WebP becomes lossless, many times its size.
const MAX_KEPT: usize = 4 << 20;
/// Of 100. Above it, files grow without a visible gain.
const JPEG_QUALITY: u8 = 85;
/// From 1, the best, to 30; colours are searched for only where a frame has more than 256.
const GIF_SPEED: i32 = 10;

/// A format that is accepted, and kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `image/png`.
    Png,
    /// `image/jpeg`.
    Jpeg,
    /// `image/webp`.
    WebP,
    /// `image/gif`.
    Gif,
}

impl Format {
    /// The format that the first bytes show. A file name or a header does not count.
    fn of(bytes: &[u8]) -> Option<Self> {
        let format = image::guess_format(bytes).ok()?;
        [Self::Png, Self::Jpeg, Self::WebP, Self::Gif].into_iter().find(|own| own.codec() == format)
    }

    fn codec(self) -> ImageFormat {
        match self {
            Self::Png => ImageFormat::Png,
            Self::Jpeg => ImageFormat::Jpeg,
            Self::WebP => ImageFormat::WebP,
            Self::Gif => ImageFormat::Gif,
        }
    }

    /// The content type, for browsers.
    pub fn content_type(self) -> &'static str {
        self.codec().to_mime_type()
    }

    fn extension(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpg",
            Self::WebP => "webp",
            Self::Gif => "gif",
        }
    }
}

/// A picture that is safe to show. It is encoded here from pixels alone, so it holds nothing else: no place where it
/// was taken, and no polyglot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    format: Format,
    bytes: Vec<u8>,
}

impl Picture {
    /// Reads a picture, and writes it anew in the same format: upright, without metadata (a colour
    /// profile is metadata too), of an animation the first frame, with 8 bits for a channel. Its size in
    /// pixels stays, unless it would take more than 4 MiB.
    ///
    /// Takes a second of work and 200 MiB at worst: not for async threads, nor for several at once.
    ///
    /// # Errors
    /// [`Violation::PictureEmpty`], [`Violation::PictureTooLarge`] above [`MAX_BYTES`],
    /// [`Violation::PictureDimensions`] above [`MAX_SIDE`], as its header says, before any pixel is decoded;
    /// [`Violation::PictureInvalid`] for a file that is no PNG, JPEG, WebP or GIF, or is incomplete.
    pub fn parse(bytes: &[u8]) -> Result<Self, Violation> {
        if bytes.is_empty() {
            return Err(Violation::PictureEmpty);
        }
        if bytes.len() > MAX_BYTES {
            return Err(Violation::PictureTooLarge);
        }
        let format = Format::of(bytes).ok_or(Violation::PictureInvalid)?;
        let pixels = decode(format, bytes)?;
        let bytes = encode_to_fit(format, pixels).map_err(|_| Violation::PictureInvalid)?;
        Ok(Self { format, bytes })
    }

    /// Its format.
    pub fn format(&self) -> Format {
        self.format
    }

    /// The file.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// The key of its object: `profile_pics/<user>/<random>.<ext>`. It cannot be guessed, and no two pictures ever
    /// have the same key.
    pub fn key(&self, user: UserId, random: [u8; 16]) -> String {
        let (random, extension) = (u128::from_be_bytes(random), self.format.extension());
        format!("profile_pics/{user}/{random:032x}.{extension}")
    }
}

fn decode(format: Format, bytes: &[u8]) -> Result<DynamicImage, Violation> {
    // The decoder would fill the missing part with grey.
    if format == Format::Jpeg && !has_end(bytes) {
        return Err(Violation::PictureInvalid);
    }
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format.codec());
    reader.limits(limits());
    let mut decoder = reader.into_decoder().map_err(|error| refused(&error))?;
    let (width, height) = decoder.dimensions();
    if width.max(height) > MAX_SIDE {
        return Err(Violation::PictureDimensions);
    }
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let pixels = DynamicImage::from_decoder(decoder).map_err(|error| refused(&error))?;
    let mut pixels = in_8_bits(pixels);
    pixels.apply_orientation(orientation);
    Ok(pixels)
}

fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_DECODER_BYTES);
    limits
}

fn refused(error: &ImageError) -> Violation {
    if matches!(error, ImageError::Limits(_)) {
        Violation::PictureDimensions
    } else {
        Violation::PictureInvalid
    }
}

/// Whether a JPEG has its end-of-image marker. Pixels never spell it, but a thumbnail in a segment
/// before them does.
fn has_end(jpeg: &[u8]) -> bool {
    let mut rest = jpeg.get(2..).unwrap_or_default();
    while let [0xFF, marker, high, low, ..] = *rest {
        let length = usize::from(u16::from_be_bytes([high, low]));
        rest = rest.get(2 + length..).unwrap_or_default();
        if marker == 0xDA {
            break;
        }
    }
    rest.windows(2).any(|pair| pair == [0xFF, 0xD9])
}

fn in_8_bits(pixels: DynamicImage) -> DynamicImage {
    match (pixels.color().has_color(), pixels.color().has_alpha()) {
        (false, false) => pixels.into_luma8().into(),
        (false, true) => pixels.into_luma_alpha8().into(),
        (true, false) => pixels.into_rgb8().into(),
        (true, true) => pixels.into_rgba8().into(),
    }
}

fn encode_to_fit(format: Format, mut pixels: DynamicImage) -> Result<Vec<u8>, ImageError> {
    loop {
        let bytes = encode(format, &pixels)?;
        if bytes.len() <= MAX_KEPT {
            return Ok(bytes);
        }
        pixels = pixels.thumbnail(pixels.width().div_ceil(2), pixels.height().div_ceil(2));
    }
}

fn encode(format: Format, pixels: &DynamicImage) -> Result<Vec<u8>, ImageError> {
    let mut bytes = Vec::new();
    match format {
        Format::Png => {
            let (speed, filter) = (CompressionType::Default, FilterType::Adaptive);
            pixels.write_with_encoder(PngEncoder::new_with_quality(&mut bytes, speed, filter))?;
        }
        Format::Jpeg => {
            pixels.write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY))?;
        }
        Format::WebP => pixels.write_with_encoder(WebPEncoder::new_lossless(&mut bytes))?,
        Format::Gif => {
            let frame = Frame::new(pixels.to_rgba8());
            GifEncoder::new_with_speed(&mut bytes, GIF_SPEED).encode_frame(frame)?;
        }
    }
    Ok(bytes)
}
