//! Pictures for people: a small canvas over `image` and `embedded-graphics`.

use std::convert::Infallible;
use std::path::Path;

use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{OriginDimensions, Point, Size};
use embedded_graphics::mono_font::{MonoTextStyle, ascii::FONT_7X13};
use embedded_graphics::pixelcolor::{Rgb888, RgbColor};
use embedded_graphics::primitives::{Circle, Line, Primitive, PrimitiveStyle, Rectangle};
use embedded_graphics::text::{Baseline, Text};
use embedded_graphics::{Drawable, Pixel};
use image::RgbImage;

use crate::frame::Picture;

/// A colour, RGB.
pub type Colour = [u8; 3];

/// Dark text on white.
pub const INK: Colour = [33, 37, 41];
/// The recorded drive. Chosen with [`DRIVEN`] and [`GOAL`] so that all three differ in brightness too.
pub const TAUGHT: Colour = [120, 160, 235];
/// The robot's own drive.
pub const DRIVEN: Colour = [214, 69, 20];
/// The goal.
pub const GOAL: Colour = [20, 120, 60];

/// An RGB picture to draw on; whatever falls outside is left out.
pub struct Canvas(RgbImage);

impl Canvas {
    /// A white canvas.
    #[must_use]
    pub fn new(width: u32, height: u32) -> Self {
        Self(RgbImage::from_pixel(width.clamp(1, 8192), height.clamp(1, 8192), image::Rgb([255; 3])))
    }

    /// Copies a picture to (x, y), `scale` times as large.
    pub fn picture(&mut self, x: u32, y: u32, picture: &Picture, scale: u32) {
        let scale = scale.max(1);
        for py in 0..picture.height() * scale {
            for px in 0..picture.width() * scale {
                let index = ((py / scale) * picture.width() + px / scale) as usize * 3;
                let (Some(rgb), true) =
                    (picture.rgb().get(index..index + 3), x + px < self.0.width() && y + py < self.0.height())
                else {
                    continue;
                };
                self.0.put_pixel(x + px, y + py, image::Rgb([rgb[0], rgb[1], rgb[2]]));
            }
        }
    }

    /// A line of text; (x, y) is its upper left corner.
    pub fn text(&mut self, x: i32, y: i32, text: &str, colour: Colour) {
        let style = MonoTextStyle::new(&FONT_7X13, rgb(colour));
        let Ok(_) = Text::with_baseline(text, Point::new(x, y), style, Baseline::Top).draw(self);
    }

    /// A line through points, `width` pixels wide.
    pub fn path(&mut self, points: &[(f64, f64)], colour: Colour, width: u32) {
        for pair in points.windows(2) {
            let [a, b] = pair else { continue };
            let line = Line::new(point(*a), point(*b)).into_styled(PrimitiveStyle::with_stroke(rgb(colour), width));
            let Ok(()) = line.draw(self);
        }
    }

    /// A filled disc around a point.
    pub fn disc(&mut self, centre: (f64, f64), radius: u32, colour: Colour) {
        let disc =
            Circle::with_center(point(centre), radius * 2 + 1).into_styled(PrimitiveStyle::with_fill(rgb(colour)));
        let Ok(()) = disc.draw(self);
    }

    /// A cross at a point.
    pub fn cross(&mut self, (x, y): (f64, f64), radius: u32, colour: Colour) {
        let r = f64::from(radius);
        self.path(&[(x - r, y - r), (x + r, y + r)], colour, 3);
        self.path(&[(x - r, y + r), (x + r, y - r)], colour, 3);
    }

    /// A filled rectangle.
    pub fn bar(&mut self, x: i32, y: i32, width: u32, height: u32, colour: Colour) {
        let style = PrimitiveStyle::with_fill(rgb(colour));
        let Ok(()) = Rectangle::new(Point::new(x, y), Size::new(width, height)).into_styled(style).draw(self);
    }

    /// A frame around a rectangle.
    pub fn frame(&mut self, x: i32, y: i32, width: u32, height: u32, colour: Colour) {
        let style = PrimitiveStyle::with_stroke(rgb(colour), 1);
        let Ok(()) = Rectangle::new(Point::new(x, y), Size::new(width, height)).into_styled(style).draw(self);
    }

    /// Writes a PNG.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), image::ImageError> {
        self.0.save_with_format(path, image::ImageFormat::Png)
    }
}

fn rgb(colour: Colour) -> Rgb888 {
    Rgb888::new(colour[0], colour[1], colour[2])
}

fn point((x, y): (f64, f64)) -> Point {
    Point::new(x.round().clamp(-1e6, 1e6) as i32, y.round().clamp(-1e6, 1e6) as i32)
}

impl OriginDimensions for Canvas {
    fn size(&self) -> Size {
        Size::new(self.0.width(), self.0.height())
    }
}

impl DrawTarget for Canvas {
    type Color = Rgb888;
    type Error = Infallible;

    fn draw_iter<I: IntoIterator<Item = Pixel<Rgb888>>>(&mut self, pixels: I) -> Result<(), Infallible> {
        for Pixel(at, colour) in pixels {
            if let (Ok(x), Ok(y)) = (u32::try_from(at.x), u32::try_from(at.y))
                && x < self.0.width()
                && y < self.0.height()
            {
                self.0.put_pixel(x, y, image::Rgb([colour.r(), colour.g(), colour.b()]));
            }
        }
        Ok(())
    }
}
