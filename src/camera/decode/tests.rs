//! Rules of the decoders, on pictures made here.

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder};

use super::*;

/// Colourful enough that no part of it is the grey a decoder fills in.
fn scene(width: u32, height: u32) -> Vec<u8> {
    (0..height).flat_map(|y| (0..width).flat_map(move |x| [(x * 5) as u8, (y * 7) as u8, 40 + ((x ^ y) as u8 & 63)])).collect()
}

fn jpeg_of(width: u32, height: u32) -> Vec<u8> {
    let mut out = Vec::new();
    JpegEncoder::new_with_quality(&mut out, 90).encode(&scene(width, height), width, height, ExtendedColorType::Rgb8).unwrap();
    out
}

fn png_of(bytes: &[u8], width: u32, height: u32, colour: ExtendedColorType) -> Vec<u8> {
    let mut out = Vec::new();
    PngEncoder::new(&mut out).write_image(bytes, width, height, colour).unwrap();
    out
}

/// Overwrites the size in a JPEG's frame header.
fn with_claimed_size(jpeg: &[u8], width: u16, height: u16) -> Vec<u8> {
    let mut out = jpeg.to_vec();
    let at = out.windows(2).position(|w| w == [0xff, 0xc0]).unwrap();
    out[at + 5..at + 7].copy_from_slice(&height.to_be_bytes());
    out[at + 7..at + 9].copy_from_slice(&width.to_be_bytes());
    out
}

#[test]
fn jpeg_decodes_to_about_what_was_encoded() {
    let picture = decode(&jpeg_of(64, 48)).unwrap();
    assert_eq!((picture.width(), picture.height()), (64, 48));
    let original = scene(64, 48);
    let error: u64 = picture.rgb().iter().zip(&original).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    assert!(error / (original.len() as u64) < 12, "mean error {}", error / original.len() as u64);
}

#[test]
fn jpeg_cut_at_any_length_is_an_error() {
    let whole = jpeg_of(64, 48);
    for len in 0..whole.len() {
        assert!(decode(&whole[..len]).is_err(), "cut at {len} of {} was accepted", whole.len());
    }
}

#[test]
fn jpeg_cut_in_its_data_is_called_cut_off() {
    let whole = jpeg_of(64, 48);
    let error = decode(&whole[..whole.len() - 200]).unwrap_err();
    assert!(matches!(error, DecodeError::Truncated { .. }), "{error}");
}

#[test]
fn jpeg_with_trailing_bytes_is_accepted() {
    let mut padded = jpeg_of(32, 32);
    padded.resize(padded.len() + 5000, 0);
    assert!(decode(&padded).is_ok());
}

#[test]
fn jpeg_claiming_16k_by_16k_is_refused_by_its_header() {
    let error = decode(&with_claimed_size(&jpeg_of(64, 48), 16384, 16384)).unwrap_err();
    assert!(matches!(error, DecodeError::Picture(PictureError::Size { width: 16384, height: 16384 })), "{error}");
}

#[test]
fn jpeg_claiming_more_pixels_than_its_bytes_can_hold_is_refused() {
    let error = decode(&with_claimed_size(&jpeg_of(64, 48), 8000, 4000)).unwrap_err();
    assert!(matches!(error, DecodeError::Bomb { width: 8000, .. }), "{error}");
}

#[test]
fn jpeg_of_zero_size_is_refused() {
    assert!(decode(&with_claimed_size(&jpeg_of(64, 48), 0, 0)).is_err());
}

#[test]
fn jpeg_grey_becomes_rgb() {
    let mut out = Vec::new();
    let grey: Vec<u8> = (0..32 * 32).map(|i| (i / 4) as u8).collect();
    JpegEncoder::new(&mut out).encode(&grey, 32, 32, ExtendedColorType::L8).unwrap();
    let picture = decode(&out).unwrap();
    assert!(picture.rgb().chunks_exact(3).all(|p| p[0] == p[1] && p[1] == p[2]));
    assert!(picture.rgb()[0] < 10 && picture.rgb()[3 * 1023] > 240);
}

#[test]
fn jpeg_cmyk_and_12_bit_are_refused_with_the_reason() {
    let whole = jpeg_of(16, 16);
    let at = whole.windows(2).position(|w| w == [0xff, 0xc0]).unwrap();
    for (offset, value, word) in [(4, 12, "12 bits"), (9, 4, "CMYK")] {
        let mut bytes = whole.clone();
        bytes[at + offset] = value;
        let error = decode(&bytes).unwrap_err();
        assert!(matches!(&error, DecodeError::Unsupported { detail, .. } if detail.contains(word)), "{error}");
    }
}

#[test]
fn jpeg_missing_restart_intervals_is_called_cut_off() {
    // Only the structure matters here, so the entropy-coded data is one byte an interval.
    let file = |restarts: u8| {
        let mut f = vec![0xff, 0xd8, 0xff, 0xdd, 0, 4, 0, 1];
        f.extend([0xff, 0xc0, 0, 11, 8, 0, 16, 0, 16, 1, 1, 0x22, 0]);
        f.extend([0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0, 0x55]);
        (0..restarts).for_each(|i| f.extend([0xff, 0xd0 + i, 0x55]));
        f.extend([0xff, 0xd9]);
        f
    };
    assert_eq!(jpeg::walk(&file(3)).unwrap().width, 16);
    let error = jpeg::walk(&file(2)).unwrap_err();
    assert!(matches!(&error, DecodeError::Truncated { detail, .. } if detail.contains("2 restart markers of 3")), "{error}");
}

#[test]
fn jpeg_with_any_byte_changed_never_panics() {
    let whole = jpeg_of(24, 24);
    for at in 0..whole.len() {
        for value in [0x00, 0xff, whole[at] ^ 0x80] {
            let mut bytes = whole.clone();
            bytes[at] = value;
            if let Ok(picture) = decode(&bytes) {
                assert_eq!(picture.rgb().len(), picture.width() as usize * picture.height() as usize * 3);
            }
        }
    }
}

#[test]
fn png_comes_back_bit_for_bit() {
    let original = scene(40, 30);
    let picture = decode(&png_of(&original, 40, 30, ExtendedColorType::Rgb8)).unwrap();
    assert_eq!(picture.rgb(), original);
}

#[test]
fn png_of_grey_alpha_and_16_bit_becomes_rgb8() {
    let grey = decode(&png_of(&[7, 200], 2, 1, ExtendedColorType::L8)).unwrap();
    assert_eq!(grey.rgb(), [7, 7, 7, 200, 200, 200]);
    let alpha = decode(&png_of(&[1, 2, 3, 9], 1, 1, ExtendedColorType::Rgba8)).unwrap();
    assert_eq!(alpha.rgb(), [1, 2, 3]);
    let deep: Vec<u8> = [0_u16, 0x8080, 0xffff].iter().flat_map(|v| v.to_ne_bytes()).collect();
    let deep = decode(&png_of(&deep, 1, 1, ExtendedColorType::Rgb16)).unwrap();
    assert_eq!(deep.rgb(), [0, 128, 255]);
}

#[test]
fn png_cut_at_any_length_never_gives_another_picture() {
    let original = scene(40, 30);
    let whole = png_of(&original, 40, 30, ExtendedColorType::Rgb8);
    // The end chunk (12 bytes) carries no pixels.
    for len in 0..whole.len() - 16 {
        assert!(decode(&whole[..len]).is_err(), "cut at {len} of {} was accepted", whole.len());
    }
}

#[test]
fn png_claiming_a_huge_size_is_refused_by_its_header() {
    let mut bomb = png_of(&scene(8, 8), 8, 8, ExtendedColorType::Rgb8);
    bomb[16..20].copy_from_slice(&60_000_u32.to_be_bytes());
    assert!(matches!(decode(&bomb).unwrap_err(), DecodeError::Picture(PictureError::Size { width: 60_000, .. })));
    bomb[16..20].copy_from_slice(&8000_u32.to_be_bytes());
    bomb[20..24].copy_from_slice(&4000_u32.to_be_bytes());
    assert!(matches!(decode(&bomb).unwrap_err(), DecodeError::Bomb { .. }));
}

#[test]
fn unknown_bytes_are_refused_with_their_beginning() {
    let error = decode(b"GIF89a").unwrap_err();
    assert!(error.to_string().contains("[47, 49, 46, 38]"), "{error}");
    assert!(decode(b"").is_err());
}

fn raw(encoding: RawEncoding, width: u32, height: u32, step: u32, data: &[u8]) -> Result<Picture, DecodeError> {
    decode_raw(&RawImage { width, height, encoding, step, big_endian: false, data })
}

#[test]
fn raw_channel_orders_are_honoured() {
    for (encoding, data) in [
        (RawEncoding::Rgb8, &[1, 2, 3][..]),
        (RawEncoding::Bgr8, &[3, 2, 1]),
        (RawEncoding::Rgba8, &[1, 2, 3, 9]),
        (RawEncoding::Bgra8, &[3, 2, 1, 9]),
    ] {
        assert_eq!(raw(encoding, 1, 1, data.len() as u32, data).unwrap().rgb(), [1, 2, 3], "{encoding:?}");
    }
    assert_eq!(raw(RawEncoding::Mono8, 2, 1, 2, &[5, 6]).unwrap().rgb(), [5, 5, 5, 6, 6, 6]);
}

#[test]
fn raw_step_skips_the_padding_of_each_row() {
    let data = [1, 2, 3, 0xee, 0xee, 4, 5, 6];
    assert_eq!(raw(RawEncoding::Rgb8, 1, 2, 5, &data).unwrap().rgb(), [1, 2, 3, 4, 5, 6]);
}

#[test]
fn raw_mono16_keeps_the_upper_byte_of_either_byte_order() {
    let image = |big_endian| RawImage { width: 1, height: 1, encoding: RawEncoding::Mono16, step: 2, big_endian, data: &[0x12, 0x34] };
    assert_eq!(decode_raw(&image(true)).unwrap().rgb(), [0x12; 3]);
    assert_eq!(decode_raw(&image(false)).unwrap().rgb(), [0x34; 3]);
}

#[test]
fn raw_yuv_gives_the_colours_of_bt601() {
    // Red is Y 81, U 90, V 240 in BT.601 limited range; white is 235, black is 16.
    let near = |got: &[u8], want: [u8; 3]| assert!(got.iter().zip(want).all(|(a, b)| a.abs_diff(b) <= 3), "{got:?} {want:?}");
    let uyvy = raw(RawEncoding::Uyvy, 2, 1, 4, &[90, 81, 240, 81]).unwrap();
    near(&uyvy.rgb()[3..], [255, 0, 0]);
    let yuyv = raw(RawEncoding::Yuyv, 2, 1, 4, &[81, 90, 81, 240]).unwrap();
    assert_eq!(yuyv.rgb(), uyvy.rgb());
    let grey = raw(RawEncoding::Yuyv, 2, 1, 4, &[235, 128, 16, 128]).unwrap();
    near(&grey.rgb()[..3], [255; 3]);
    near(&grey.rgb()[3..], [0; 3]);
}

#[test]
fn raw_nv12_shares_its_colour_between_two_rows_and_honours_step() {
    // 2x4, step 3: rows of Y with one byte of padding, then two rows of UV.
    let y = [[81, 81, 0], [81, 81, 0], [235, 235, 0], [16, 16, 0]].concat();
    let data = [&y[..], &[90, 240, 0, 128, 128]].concat();
    let picture = raw(RawEncoding::Nv12, 2, 4, 3, &data).unwrap();
    let red = raw(RawEncoding::Uyvy, 2, 1, 4, &[90, 81, 240, 81]).unwrap();
    assert_eq!(&picture.rgb()[..6], red.rgb());
    assert_eq!(&picture.rgb()[6..12], red.rgb());
    assert!(picture.rgb()[12..18].iter().all(|&v| v > 252));
    assert!(picture.rgb()[18..].iter().all(|&v| v < 3));
}

#[test]
fn raw_step_and_length_that_do_not_fit_are_refused_with_the_numbers() {
    let step = raw(RawEncoding::Rgb8, 4, 1, 11, &[0; 12]).unwrap_err();
    assert_eq!(step, DecodeError::Step { encoding: "rgb8", width: 4, step: 11, needed: 12 });
    let length = raw(RawEncoding::Rgb8, 4, 2, 12, &[0; 23]).unwrap_err();
    assert!(matches!(length, DecodeError::Length { needed: 24, got: 23, .. }), "{length}");
    assert!(raw(RawEncoding::Rgb8, 0, 0, 0, &[]).is_err());
    assert!(raw(RawEncoding::Mono8, 1, 8192, u32::MAX, &[0; 9]).is_err());
    assert!(matches!(raw(RawEncoding::Yuyv, 3, 1, 6, &[0; 6]).unwrap_err(), DecodeError::OddSize { .. }));
}

#[test]
fn raw_encodings_parse_by_their_ros_names() {
    for encoding in [RawEncoding::Rgb8, RawEncoding::Mono16, RawEncoding::Uyvy, RawEncoding::Yuyv, RawEncoding::Nv12] {
        assert_eq!(encoding.name().parse::<RawEncoding>().unwrap(), encoding);
    }
    let error = "bayer_rggb8".parse::<RawEncoding>().unwrap_err();
    assert!(error.to_string().contains("debayer"), "{error}");
}
