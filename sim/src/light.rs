//! The light of an hour: what changes in a picture although nothing in the world has moved.

use crate::rng::Rng;
use crate::trig::sin_cos;

/// Light conditions, separate from the world, so that one world can be seen at several times.
/// The default is the light that the world was built in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Light {
    /// Brightness of everything, 1 for plain.
    pub ambient: f64,
    /// Where the sun stands, radians counter-clockwise from east; matters outdoors only.
    pub sun_azimuth_rad: f64,
    /// How much of the light on upright outdoor surfaces comes from that sun, 0 to 1; at 0 the sun
    /// that the world was built under shines on.
    pub sun_strength: f64,
    /// Colour of the light: factors for red, green and blue, 1 for plain.
    pub tint: [f64; 3],
}

impl Default for Light {
    fn default() -> Self {
        Self { ambient: 1.0, sun_azimuth_rad: 0.0, sun_strength: 0.0, tint: [1.0; 3] }
    }
}

impl Light {
    /// Some hour of some day: from dim to bright, from warm to cold, the sun anywhere.
    #[must_use]
    pub fn sample(rng: &mut Rng) -> Self {
        let warmth = rng.range(-0.16, 0.16);
        Self {
            ambient: rng.range(0.5, 1.2),
            sun_azimuth_rad: rng.range(-std::f64::consts::PI, std::f64::consts::PI),
            sun_strength: if rng.chance(0.6) { rng.range(0.2, 0.9) } else { 0.0 },
            tint: [1.0 + warmth, 1.0 + rng.range(-0.04, 0.04), 1.0 - warmth],
        }
    }

    /// Factors for the three channels.
    pub(crate) fn channels(&self) -> [f32; 3] {
        self.tint.map(|t| (t * self.ambient).clamp(0.0, 4.0) as f32)
    }

    /// Direction to the sun and its strength, where there is one of its own.
    pub(crate) fn sun(&self) -> Option<([f32; 2], f32)> {
        let strength = self.sun_strength.clamp(0.0, 1.0);
        (strength > 0.0).then(|| {
            let (sin, cos) = sin_cos(self.sun_azimuth_rad);
            ([cos as f32, sin as f32], strength as f32)
        })
    }
}
