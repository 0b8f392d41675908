//! Tanh and the logistic function, in a form that compilers vectorise.
//!
//! Both are built on `e^y - 1 = 2^n (e^r - 1) + (2^n - 1)`, which keeps its relative accuracy near
//! zero. The error is at most 4 ulp in [-20, 20].
//!
//! NaN and infinities pass through. No comparison with NaN is true. The limits are written so that
//! NaN takes the path of ordinary numbers, whose arithmetic keeps it. (Selecting NaN at the end
//! would become a masked store, which machines without AVX-512 run in microcode.)

use pulp::Simd;

use super::real::Real;

/// Hyperbolic tangent.
#[inline(always)]
pub(crate) fn tanh<T: Real, S: Simd>(x: T) -> T {
    // tanh rounds to 1 from 10 (f32) or 20 (f64) on.
    let limit = T::from_f64(40.0);
    let twice = T::from_f64(2.0) * x.abs();
    let (power, rest) = (-if twice > limit { limit } else { twice }).exp_parts::<S>();
    let minus_one = power.fused::<S>(rest, power - T::ONE);
    (-minus_one / (T::from_f64(2.0) + minus_one)).copysign(x)
}

/// The logistic function `1 / (1 + e^-x)`.
#[inline(always)]
pub(crate) fn sigmoid<T: Real, S: Simd>(x: T) -> T {
    let size = x.abs();
    let (power, rest) = (-if size > T::EXP_LIMIT { T::EXP_LIMIT } else { size }).exp_parts::<S>();
    let exp = power.fused::<S>(rest, power);
    let exp = if size > T::EXP_LIMIT { T::ZERO } else { exp };
    (if x < T::ZERO { exp } else { T::ONE }) / (T::ONE + exp)
}
