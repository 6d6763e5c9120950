//! From a camera's picture to the numbers a graph takes, as the published stack does it: the whole
//! frame, Pillow's bicubic, then ImageNet normalisation, channels first.

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::U8x3;
use fast_image_resize::{FilterType, ResizeAlg, ResizeError, ResizeOptions, Resizer};

use super::error::{PolicyError, one_line};
use super::{ModelImage, ModelSpec};
use crate::frame::Picture;

/// Resizes the whole picture (no crop) to the model's size. A picture that already has it is passed on untouched.
///
/// # Errors
/// [`PolicyError::Resize`] when the resizer refuses the picture.
pub fn resize(picture: &Picture, spec: &ModelSpec) -> Result<ModelImage, PolicyError> {
    resize_to(picture, spec.width, spec.height)
}

/// As [`resize`], to `to_width` x `to_height` pixels.
///
/// # Errors
/// [`PolicyError::Resize`] when the resizer refuses the picture.
pub fn resize_to(picture: &Picture, to_width: u32, to_height: u32) -> Result<ModelImage, PolicyError> {
    let (width, height) = (picture.width(), picture.height());
    if (width, height) == (to_width, to_height) {
        return Ok(ModelImage { width, height, rgb: picture.shared() });
    }
    let failed = |reason: String| PolicyError::Resize { width, height, reason };
    let source = TypedImageRef::<U8x3>::from_buffer(width, height, picture.rgb()).map_err(|e| failed(one_line(&e)))?;
    // Two calls, because Pillow goes across first and rounds to bytes between the passes; left to
    // itself this resizer goes down first, which differs by more than one level at sharp edges.
    let mut across = TypedImage::new(to_width, height);
    convolve(&source, &mut across).map_err(|e| failed(one_line(&e)))?;
    let across = TypedImageRef::new(to_width, height, across.pixels()).map_err(|e| failed(one_line(&e)))?;
    let mut both = TypedImage::new(to_width, to_height);
    convolve(&across, &mut both).map_err(|e| failed(one_line(&e)))?;
    Ok(ModelImage { width: to_width, height: to_height, rgb: both.pixels().iter().flat_map(|pixel| pixel.0).collect() })
}

/// One pass of Pillow's bicubic (Catmull-Rom, the kernel widened when shrinking). Typed, because the
/// untyped call compiles the resizer for every pixel format there is, which takes minutes.
fn convolve(source: &TypedImageRef<'_, U8x3>, target: &mut TypedImage<'_, U8x3>) -> Result<(), ResizeError> {
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::CatmullRom));
    Resizer::new().resize_typed(source, target, &options)
}

/// Normalises pictures of one size, `(byte / 255 - mean) / std`, to `[3 * pictures, height, width]`, first
/// picture first (oldest, for a context).
///
/// # Errors
/// [`PolicyError::PictureSize`] when the pictures differ in size, [`PolicyError::BufferLength`] when `out`
/// does not hold exactly their numbers.
pub fn normalise(pictures: &[ModelImage], mean: [f32; 3], std: [f32; 3], out: &mut [f32]) -> Result<(), PolicyError> {
    let Some(first) = pictures.first() else {
        return Err(PolicyError::ContextLength { expected: 1, got: 0 });
    };
    let area = first.width as usize * first.height as usize;
    for picture in pictures {
        check_size(picture, first.width, first.height)?;
    }
    let expected = pictures.len() * 3 * area;
    if out.len() != expected || area == 0 {
        return Err(PolicyError::BufferLength { expected, got: out.len() });
    }
    let tables = levels(mean, std);
    for (picture, planes) in pictures.iter().zip(out.chunks_exact_mut(3 * area)) {
        for (channel, (plane, table)) in planes.chunks_exact_mut(area).zip(&tables).enumerate() {
            let bytes = picture.rgb.iter().skip(channel).step_by(3);
            for (number, &byte) in plane.iter_mut().zip(bytes) {
                *number = table.get(usize::from(byte)).copied().unwrap_or(0.0);
            }
        }
    }
    Ok(())
}

/// Refuses a picture of another size, or whose buffer does not hold what its size says.
pub(crate) fn check_size(picture: &ModelImage, width: u32, height: u32) -> Result<(), PolicyError> {
    let fits =
        (picture.width, picture.height) == (width, height) && picture.rgb.len() == width as usize * height as usize * 3;
    if fits {
        return Ok(());
    }
    Err(PolicyError::PictureSize { width, height, got_width: picture.width, got_height: picture.height })
}

/// The 256 values a byte can become, per channel: in the order of operations of the published stack,
/// so that the bits agree.
fn levels(mean: [f32; 3], std: [f32; 3]) -> [[f32; 256]; 3] {
    let mut tables = [[0.0; 256]; 3];
    for (table, (mean, std)) in tables.iter_mut().zip(mean.into_iter().zip(std)) {
        for (entry, byte) in table.iter_mut().zip(0u8..=255) {
            *entry = (f32::from(byte) / 255.0 - mean) / std;
        }
    }
    tables
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(width: u32, height: u32, first: u8) -> ModelImage {
        let rgb: Vec<u8> = (0..width * height * 3).map(|i| first.wrapping_add(i as u8)).collect();
        ModelImage { width, height, rgb: rgb.into() }
    }

    #[test]
    fn pictures_are_laid_out_channels_first_and_oldest_first() {
        let mut out = vec![f32::NAN; 2 * 3 * 2];
        normalise(&[image(2, 1, 0), image(2, 1, 100)], [0.0; 3], [1.0 / 255.0; 3], &mut out).unwrap();
        let levels: Vec<i32> = out.iter().map(|x| x.round() as i32).collect();
        assert_eq!(levels, [0, 3, 1, 4, 2, 5, 100, 103, 101, 104, 102, 105]);
    }

    #[test]
    fn a_context_of_mixed_sizes_is_refused() {
        let mut out = vec![0.0; 12];
        let error = normalise(&[image(2, 1, 0), image(1, 2, 0)], [0.0; 3], [1.0; 3], &mut out);
        assert!(matches!(error, Err(PolicyError::PictureSize { .. })));
    }

    #[test]
    fn a_buffer_of_the_wrong_length_is_refused() {
        let error = normalise(&[image(2, 1, 0)], [0.0; 3], [1.0; 3], &mut [0.0; 5]);
        assert!(matches!(error, Err(PolicyError::BufferLength { expected: 6, got: 5 })));
    }
}
