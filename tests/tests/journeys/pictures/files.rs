//! Files to upload.

use std::io::{Cursor, Write};

use flate2::Compression;
use flate2::write::ZlibEncoder;
use image::{DynamicImage, ImageFormat, Rgba, RgbaImage};

pub(crate) const FORMATS: [(ImageFormat, &str, &str); 4] = [
    (ImageFormat::Png, "png", "image/png"),
    (ImageFormat::Jpeg, "jpg", "image/jpeg"),
    (ImageFormat::WebP, "webp", "image/webp"),
    (ImageFormat::Gif, "gif", "image/gif"),
];

/// Left half red, right half blue.
pub(crate) fn flag(width: u32, height: u32) -> DynamicImage {
    let colour = |x| if x < width / 2 { Rgba([255, 0, 0, 255]) } else { Rgba([0, 0, 255, 255]) };
    RgbaImage::from_fn(width, height, |x, _| colour(x)).into()
}

pub(crate) fn file(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Vec::new();
    let picture = if format == ImageFormat::Jpeg {
        DynamicImage::from(picture.to_rgb8())
    } else {
        picture.clone()
    };
    picture.write_to(Cursor::new(&mut bytes), format).unwrap();
    bytes
}

pub(crate) fn png() -> Vec<u8> {
    file(&flag(40, 20), ImageFormat::Png)
}

/// A JPEG with EXIF in it: where it was taken, and how it is to be turned.
pub(crate) fn jpeg_with_exif(picture: &DynamicImage, orientation: u8) -> Vec<u8> {
    let mut exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x02".to_vec();
    exif.extend(b"\x01\x0e\0\x02\0\0\0\x0c\0\0\0\x26"); // ImageDescription, 12 characters
    exif.extend([0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0]);
    exif.extend(b"\0\0\0\0SECRETPLACE\0");
    // A thumbnail of its own, with an end of its own.
    exif.extend(file(&flag(8, 8), ImageFormat::Jpeg));
    let plain = file(picture, ImageFormat::Jpeg);
    let length = u16::try_from(exif.len() + 2).unwrap().to_be_bytes();
    [&plain[..2], &[0xFF, 0xE1], &length, &exif, &plain[2..]].concat()
}

pub(crate) fn chunk(kind: [u8; 4], data: &[u8]) -> Vec<u8> {
    let body = [&kind[..], data].concat();
    let crc = body.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xEDB8_8320 * (crc & 1)))
    });
    let length = u32::try_from(data.len()).unwrap().to_be_bytes();
    [&length[..], &body, &(!crc).to_be_bytes()].concat()
}

/// A PNG whose header claims that size, with a few bytes of pixels.
pub(crate) fn claiming(width: u32, height: u32) -> Vec<u8> {
    let size = [width.to_be_bytes(), height.to_be_bytes()].concat();
    let header = chunk(*b"IHDR", &[&size[..], &[8, 6, 0, 0, 0]].concat());
    let pixels = chunk(*b"IDAT", &[0x78, 0x9c, 0x63, 0, 0, 0, 1, 0, 1]);
    [b"\x89PNG\r\n\x1a\n", &header[..], &pixels, &chunk(*b"IEND", &[])].concat()
}

/// A PNG of noise in 16 colours, which as 8 bits for each of three channels takes three times as much.
pub(crate) fn noise_in_few_colours(side: u32) -> Vec<u8> {
    let mut noise = 1_u32;
    let mut next = || {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        noise.to_be_bytes()[0]
    };
    let palette: Vec<u8> = (0..48).map(|_| next()).collect();
    let mut pixels = ZlibEncoder::new(Vec::new(), Compression::none());
    for _ in 0..side {
        pixels.write_all(&[0]).unwrap();
        let row: Vec<u8> = (0..side / 2).map(|_| next()).collect();
        pixels.write_all(&row).unwrap();
    }
    let square = [side.to_be_bytes(), side.to_be_bytes()].concat();
    let header = chunk(*b"IHDR", &[&square[..], &[4, 3, 0, 0, 0]].concat());
    let pixels = [chunk(*b"PLTE", &palette), chunk(*b"IDAT", &pixels.finish().unwrap())].concat();
    [b"\x89PNG\r\n\x1a\n", &header[..], &pixels, &chunk(*b"IEND", &[])].concat()
}
