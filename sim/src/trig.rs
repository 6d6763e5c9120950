//! Trigonometry and the exponential from plain arithmetic.
//!
//! The platform's mathematics library rounds differently from machine to machine; these use only
//! operations that IEEE 754 pins down, so that a world has the same bits everywhere.

use std::f64::consts::{FRAC_PI_2, FRAC_PI_6, LN_2, PI};

const PIO2_HIGH: f64 = 1.570_796_326_734_125_6;
const PIO2_LOW: f64 = 6.077_100_506_506_192e-11;

/// Sine and cosine of `angle_rad`, to about 1e-12 for |angle| below a million.
#[must_use]
pub fn sin_cos(angle_rad: f64) -> (f64, f64) {
    let quarter = (angle_rad / FRAC_PI_2).round();
    let r = (angle_rad - quarter * PIO2_HIGH) - quarter * PIO2_LOW;
    let q = r * r;
    let s = r
        * (1.0
            - q / 6.0 * (1.0 - q / 20.0 * (1.0 - q / 42.0 * (1.0 - q / 72.0 * (1.0 - q / 110.0 * (1.0 - q / 156.0))))));
    let c = 1.0
        - q / 2.0
            * (1.0
                - q / 12.0
                    * (1.0 - q / 30.0 * (1.0 - q / 56.0 * (1.0 - q / 90.0 * (1.0 - q / 132.0 * (1.0 - q / 182.0))))));
    match (quarter as i64) & 3 {
        0 => (s, c),
        1 => (c, -s),
        2 => (-s, -c),
        _ => (-c, s),
    }
}

/// Tangent of `angle_rad`.
#[must_use]
pub fn tan(angle_rad: f64) -> f64 {
    let (s, c) = sin_cos(angle_rad);
    s / c
}

fn atan_small(x: f64) -> f64 {
    let q = x * x;
    let mut sum = 0.0;
    for k in (0..10).rev() {
        let term = 1.0 / f64::from(2 * k + 1);
        sum = if k % 2 == 0 { term } else { -term } + sum * q;
    }
    x * sum
}

fn atan_positive(x: f64) -> f64 {
    const SQRT_3: f64 = 1.732_050_807_568_877_2;
    if x > 1.0 {
        FRAC_PI_2 - atan_positive(1.0 / x)
    } else if x > 0.267_949_192_431_122_7 {
        FRAC_PI_6 + atan_small((x * SQRT_3 - 1.0) / (SQRT_3 + x))
    } else {
        atan_small(x)
    }
}

/// The angle of the vector (`x`, `y`) in `(-pi, pi]`; 0 for the zero vector.
#[must_use]
pub fn atan2(y: f64, x: f64) -> f64 {
    if x == 0.0 && y == 0.0 {
        return 0.0;
    }
    let base = if x == 0.0 { FRAC_PI_2 } else { atan_positive((y / x).abs()) };
    let half = if x < 0.0 { PI - base } else { base };
    if y < 0.0 { -half } else { half }
}

/// e to the power `x`, to about 1e-13 relative; 0 far below and infinity far above.
#[must_use]
pub fn exp(x: f64) -> f64 {
    if x < -700.0 {
        return 0.0;
    }
    if x > 700.0 {
        return f64::INFINITY;
    }
    let power = (x / LN_2).round();
    let r = x - power * LN_2;
    let mut sum = 1.0;
    for k in (1..=12).rev() {
        sum = 1.0 + sum * r / f64::from(k);
    }
    sum * f64::from_bits(((power as i64 + 1023) as u64) << 52)
}

/// `angle_rad` moved by whole turns into `[-pi, pi]`.
#[must_use]
pub fn wrap(angle_rad: f64) -> f64 {
    angle_rad - 2.0 * PI * (angle_rad / (2.0 * PI)).round()
}

/// Length of the vector (`x`, `y`).
#[must_use]
pub fn length(x: f64, y: f64) -> f64 {
    (x * x + y * y).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_platform_library() {
        for i in -4000..4000 {
            let x = f64::from(i) * 0.01;
            let (s, c) = sin_cos(x);
            assert!((s - x.sin()).abs() < 1e-11 && (c - x.cos()).abs() < 1e-11, "at {x}");
            assert!((exp(x) - x.exp()).abs() <= 1e-11 * x.exp(), "exp at {x}");
            let y = f64::from(i % 37) - 18.0;
            assert!((atan2(y, x) - y.atan2(x)).abs() < 1e-10, "atan2 at {y} {x}");
        }
    }
}
