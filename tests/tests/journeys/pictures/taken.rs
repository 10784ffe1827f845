//! The files that are accepted as pictures, and the stored form.

use accounts::error::Violation;
use accounts::model::picture::MAX_BYTES;
use accounts::{AuthError, Field};
use image::codecs::gif::GifEncoder;
use image::{DynamicImage, Frame, GenericImageView, ImageFormat, Rgba, RgbaImage};

use super::files::{
    FORMATS, chunk, claiming, file, flag, jpeg_with_exif, noise_in_few_colours, png,
};
use super::{assert_unchanged, start, start_with_picture};

fn violation(result: Result<(), AuthError>) -> Violation {
    let Err(AuthError::Invalid(violations)) = result else { panic!("{result:?}") };
    let found: Vec<_> = violations.iter().collect();
    assert_eq!((found.len(), found[0].0), (1, Field::ProfilePicture));
    found[0].1
}

#[tokio::test]
async fn a_picture_of_each_format_is_shown_as_it_is() {
    let (site, ann) = start().await;
    for (format, extension, content_type) in FORMATS {
        site.set_picture(&ann, file(&flag(40, 20), format)).await.unwrap();
        let key = site.picture_key(&ann).await.unwrap();
        let (start, random) = key.rsplit_once('/').unwrap();
        assert_eq!(start, format!("profile_pics/{}", ann.user_id()));
        let (random, ext) = random.split_once('.').unwrap();
        assert_eq!((random.len(), ext), (32, extension));

        let shown = site.picture(&ann).await;
        assert_eq!(shown.status, 200);
        for (name, value) in [
            ("content-type", content_type),
            ("content-disposition", "inline"),
            ("cache-control", "private, max-age=3600"),
        ] {
            assert_eq!(shown.headers[name], value, "{extension}");
        }
        let picture = image::load_from_memory_with_format(&shown.bytes, format).unwrap();
        assert_eq!(picture.dimensions(), (40, 20));
        let Rgba([red, _, blue, _]) = picture.get_pixel(5, 5);
        assert!(red > 240 && blue < 15, "{extension}: {red} {blue}");
        let Rgba([red, _, blue, _]) = picture.get_pixel(35, 15);
        assert!(red < 15 && blue > 240, "{extension}: {red} {blue}");
    }
}

#[tokio::test]
async fn metadata_is_gone_and_the_picture_is_upright() {
    let (site, ann) = start().await;
    let turned = jpeg_with_exif(&flag(40, 20), 6);
    assert!(turned.windows(6).any(|part| part == b"SECRET"));
    site.set_picture(&ann, turned).await.unwrap();
    let shown = site.picture(&ann).await.bytes;
    for gone in ["Exif", "SECRET"] {
        assert!(!shown.windows(gone.len()).any(|part| part == gone.as_bytes()), "{gone}");
    }
    let picture = image::load_from_memory(&shown).unwrap();
    assert_eq!(picture.dimensions(), (20, 40));
    // After a turn to the right, the left side is at the top.
    let Rgba([red, _, _, _]) = picture.get_pixel(10, 5);
    let Rgba([_, _, blue, _]) = picture.get_pixel(10, 35);
    assert!(red > 240 && blue > 240, "{red} {blue}");
}

#[tokio::test]
async fn text_in_a_png_and_what_is_hidden_behind_a_picture_are_gone() {
    let (site, ann) = start().await;
    let plain = png();
    let text = chunk(*b"tEXt", b"Author\0SECRET");
    let hidden = [&plain[..33], &text, &plain[33..], b"<script>SECRET</script>"].concat();
    site.set_picture(&ann, hidden).await.unwrap();
    let shown = site.picture(&ann).await.bytes;
    assert!(!shown.windows(6).any(|part| part == b"SECRET"));
}

#[tokio::test]
async fn of_an_animation_the_first_frame_is_kept() {
    let (site, ann) = start().await;
    let mut animation = Vec::new();
    let mut encoder = GifEncoder::new(&mut animation);
    let blue = RgbaImage::from_pixel(40, 20, Rgba([0, 0, 255, 255]));
    encoder.encode_frame(Frame::new(flag(40, 20).to_rgba8())).unwrap();
    encoder.encode_frame(Frame::new(blue)).unwrap();
    drop(encoder);
    site.set_picture(&ann, animation).await.unwrap();
    let shown = site.picture(&ann).await.bytes;
    let picture = image::load_from_memory(&shown).unwrap();
    assert_eq!(picture.get_pixel(5, 5), Rgba([255, 0, 0, 255]));
    let frames = shown.windows(2).filter(|pair| *pair == [0x21, 0xF9]).count();
    assert_eq!(frames, 1);
}

#[tokio::test]
async fn a_deep_or_grey_picture_has_8_bits_for_a_channel() {
    let (site, ann) = start().await;
    let flag = flag(40, 20);
    for deep in [
        DynamicImage::from(flag.to_rgba16()),
        DynamicImage::from(flag.to_rgb16()),
        DynamicImage::from(flag.to_luma_alpha16()),
        DynamicImage::from(flag.to_luma16()),
    ] {
        site.set_picture(&ann, file(&deep, ImageFormat::Png)).await.unwrap();
        let shown = image::load_from_memory(&site.picture(&ann).await.bytes).unwrap();
        assert_eq!(shown.color().channel_count(), deep.color().channel_count());
        assert_eq!(shown.color().bytes_per_pixel(), deep.color().channel_count());
        assert_eq!(shown.to_luma8(), flag.to_luma8());
    }
}

#[tokio::test]
async fn a_picture_that_is_too_large_after_encoding_is_halved() {
    let (site, ann) = start().await;
    for (side, kept) in [(1_000, 1_000), (2_000, 1_000)] {
        site.set_picture(&ann, noise_in_few_colours(side)).await.unwrap();
        let shown = site.picture(&ann).await.bytes;
        assert!(shown.len() <= 4 << 20, "{}", shown.len());
        assert_eq!(image::load_from_memory(&shown).unwrap().dimensions(), (kept, kept));
    }
}

#[tokio::test]
async fn the_content_decides_and_not_the_name() {
    let (site, ann) = start().await;
    let jpeg = file(&flag(40, 20), ImageFormat::Jpeg);
    // A file that starts like a PNG, and goes on like a JPEG.
    let lie = [b"\x89PNG\r\n\x1a\n", &jpeg[..]].concat();
    assert_eq!(violation(site.set_picture(&ann, lie).await), Violation::PictureInvalid);
    site.set_picture(&ann, jpeg).await.unwrap();
    assert_eq!(site.picture(&ann).await.headers["content-type"], "image/jpeg");
}

#[tokio::test]
async fn what_is_no_picture_is_refused_and_changes_nothing() {
    let (site, ann, key) = start_with_picture().await;
    let svg = "<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>";
    let html = b"GIF89a\x01\0\x01\0\0\0\0<html><script>alert(1)</script>".to_vec();
    let bmp = file(&flag(4, 4), ImageFormat::Png).split_off(8);
    let mut files = vec![b"hello".to_vec(), svg.into(), html, bmp, vec![0; 100], vec![0xFF; 100]];
    files.push(b"RIFF\x0c\0\0\0WEBPVP8 ".to_vec());
    files.push(b"%PDF-1.7".to_vec());
    files
        .push(b"BM\x3a\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\x01\0\0\0\x01\0\0\0\x01\0\x18\0".to_vec());
    for file in files {
        let shown = String::from_utf8_lossy(&file).into_owned();
        let refused = violation(site.set_picture(&ann, file).await);
        assert_eq!(refused, Violation::PictureInvalid, "{shown}");
    }
    assert_unchanged(&site, &ann, &key).await;
}

#[tokio::test]
async fn a_picture_that_breaks_off_is_refused() {
    let (site, ann) = start().await;
    let mut noise = 1_u32;
    let busy = RgbaImage::from_fn(64, 64, |_, _| {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let [red, green, ..] = noise.to_be_bytes();
        Rgba([red & 0xF0, green & 0xF0, 0, 255])
    });
    for (format, extension, _) in FORMATS {
        let whole = file(&busy.clone().into(), format);
        for part in [whole.len() / 10, whole.len() / 2, whole.len() * 9 / 10] {
            let refused = site.set_picture(&ann, whole[..part].to_vec()).await;
            let (all, part) = (whole.len(), part);
            let found = violation(refused);
            assert_eq!(found, Violation::PictureInvalid, "{extension}: {part} of {all}");
        }
    }
    // Its thumbnail is whole.
    let whole = jpeg_with_exif(&busy.into(), 1);
    let part = whole[..whole.len() - 500].to_vec();
    assert_eq!(violation(site.set_picture(&ann, part).await), Violation::PictureInvalid);
    assert_eq!(site.objects().await, [""; 0]);
}

#[tokio::test]
async fn a_picture_that_is_too_large_is_refused_by_its_header() {
    let (site, ann) = start().await;
    for (width, height) in [(30_000, 30_000), (4_097, 1), (1, 4_097), (u32::MAX >> 1, 1)] {
        let refused = violation(site.set_picture(&ann, claiming(width, height)).await);
        assert_eq!(refused, Violation::PictureDimensions, "{width} × {height}");
    }
    for (format, extension, _) in FORMATS {
        let wide = file(&flag(4_097, 1), format);
        let refused = violation(site.set_picture(&ann, wide).await);
        assert_eq!(refused, Violation::PictureDimensions, "{extension}");
        let wide = file(&flag(4_096, 1), format);
        site.set_picture(&ann, wide).await.unwrap();
    }
    assert_eq!(violation(site.set_picture(&ann, claiming(0, 1)).await), Violation::PictureInvalid);
}

#[tokio::test]
async fn more_than_2_mib_and_nothing_at_all_are_refused() {
    let (site, ann) = start().await;
    let mut large = png();
    large.resize(MAX_BYTES, 0);
    site.set_picture(&ann, large.clone()).await.unwrap();
    large.push(0);
    let refused = violation(site.set_picture(&ann, large).await);
    assert_eq!(refused, Violation::PictureTooLarge);
    assert_eq!(violation(site.set_picture(&ann, Vec::new()).await), Violation::PictureEmpty);
}
