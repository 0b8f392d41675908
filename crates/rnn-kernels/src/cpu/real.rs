//! The two number types of the CPU core, and the vector operations of its matrix product.

use std::{
    fmt::Debug,
    ops::{Add, AddAssign, Div, Mul, Neg, Sub},
};

use pulp::{MemMask, Simd, bytemuck::Pod};

/// `f32` or `f64`: scalar arithmetic for the cells, vectors of the machine's width for the matrix
/// product.
pub(crate) trait Real:
    Pod
    + Debug
    + Default
    + PartialOrd
    + Send
    + Sync
    + Add<Output = Self>
    + AddAssign
    + Div<Output = Self>
    + Mul<Output = Self>
    + Neg<Output = Self>
    + Sub<Output = Self>
    + 'static
{
    /// One vector register.
    type Vector<S: Simd>: Copy;
    /// Mask of the vector lanes in use.
    type Mask<S: Simd>: Copy;

    /// Zero.
    const ZERO: Self;
    /// One.
    const ONE: Self;

    /// Number of values in a vector.
    fn lanes<S: Simd>() -> usize;

    /// The mask of the first `count` lanes.
    fn mask<S: Simd>(simd: S, count: usize) -> Self::Mask<S>;

    /// Creates a vector of equal values.
    fn splat<S: Simd>(simd: S, value: Self) -> Self::Vector<S>;

    /// `a * b + c`, rounded once if the machine has the instruction.
    fn mul_add<S: Simd>(
        simd: S,
        a: Self::Vector<S>,
        b: Self::Vector<S>,
        c: Self::Vector<S>,
    ) -> Self::Vector<S>;

    /// Selects the first vector in the lanes of a mask, the second in the others.
    fn select<S: Simd>(
        simd: S,
        mask: Self::Mask<S>,
        inside: Self::Vector<S>,
        outside: Self::Vector<S>,
    ) -> Self::Vector<S>;

    /// Reads a vector.
    ///
    /// # Safety
    ///
    /// `from` must be valid for reading a whole vector; it need not be aligned.
    unsafe fn load<S: Simd>(from: *const Self) -> Self::Vector<S>;

    /// Writes a vector.
    ///
    /// # Safety
    ///
    /// `to` must be valid for writing a whole vector; it need not be aligned.
    unsafe fn store<S: Simd>(to: *mut Self, vector: Self::Vector<S>);

    /// Reads the lanes of a mask; the others are zero.
    ///
    /// # Safety
    ///
    /// `from` must be valid for reading the lanes of the mask.
    unsafe fn load_masked<S: Simd>(
        simd: S,
        mask: Self::Mask<S>,
        from: *const Self,
    ) -> Self::Vector<S>;

    /// Writes the lanes of a mask.
    ///
    /// # Safety
    ///
    /// `to` must be valid for writing the lanes of the mask.
    unsafe fn store_masked<S: Simd>(
        simd: S,
        mask: Self::Mask<S>,
        to: *mut Self,
        vector: Self::Vector<S>,
    );

    /// `self * factor + term`, rounded once if the machine has the instruction. Otherwise it rounds
    /// twice: libm's replacement is 50 times slower.
    fn fused<S: Simd>(self, factor: Self, term: Self) -> Self;

    /// `(2^n, e^r - 1)` with `n ln 2 + r = self` and `|r| <= ln 2 / 2`.
    ///
    /// `self` must be in [-87, 0] for `f32`, in [-708, 0] for `f64`.
    fn exp_parts<S: Simd>(self) -> (Self, Self);

    /// Largest absolute value of an argument of `exp_parts`.
    const EXP_LIMIT: Self;

    /// Absolute value.
    fn abs(self) -> Self;

    /// This value with the sign of another.
    fn copysign(self, sign: Self) -> Self;

    /// Converts from a 64-bit float.
    fn from_f64(value: f64) -> Self;
}

/// Coefficients `1/2!, 1/3!, ...` of `(e^r - 1 - r) / r^2`, highest power first.
const TAYLOR_F32: [f32; 6] = [1.0 / 5040.0, 1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5];
const TAYLOR_F64: [f64; 12] = [
    1.0 / 6_227_020_800.0,
    1.0 / 479_001_600.0,
    1.0 / 39_916_800.0,
    1.0 / 3_628_800.0,
    1.0 / 362_880.0,
    1.0 / 40_320.0,
    1.0 / 5_040.0,
    1.0 / 720.0,
    1.0 / 120.0,
    1.0 / 24.0,
    1.0 / 6.0,
    0.5,
];

macro_rules! real {
    (
        $type:ident, $bits:ident, $vector:ident, $mask:ident, $lanes:ident,
        $mask_between:ident, $splat:ident, $mul_add:ident, $select:ident, $load:ident,
        $store:ident, taylor $taylor:ident,
        mantissa $mantissa:literal, bias $bias:literal, magic $magic:literal,
        ln_2 $ln_2_high:literal $ln_2_low:literal, limit $limit:literal
    ) => {
        impl Real for $type {
            type Vector<S: Simd> = S::$vector;
            type Mask<S: Simd> = MemMask<S::$mask>;

            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            const EXP_LIMIT: Self = $limit;

            #[inline(always)]
            fn lanes<S: Simd>() -> usize {
                S::$lanes
            }

            #[inline(always)]
            fn mask<S: Simd>(simd: S, count: usize) -> Self::Mask<S> {
                simd.$mask_between(0, count as $bits)
            }

            #[inline(always)]
            fn splat<S: Simd>(simd: S, value: Self) -> Self::Vector<S> {
                simd.$splat(value)
            }

            #[inline(always)]
            fn mul_add<S: Simd>(
                simd: S,
                a: Self::Vector<S>,
                b: Self::Vector<S>,
                c: Self::Vector<S>,
            ) -> Self::Vector<S> {
                simd.$mul_add(a, b, c)
            }

            #[inline(always)]
            fn select<S: Simd>(
                simd: S,
                mask: Self::Mask<S>,
                inside: Self::Vector<S>,
                outside: Self::Vector<S>,
            ) -> Self::Vector<S> {
                simd.$select(mask.mask(), inside, outside)
            }

            #[inline(always)]
            unsafe fn load<S: Simd>(from: *const Self) -> Self::Vector<S> {
                // SAFETY: the caller guarantees the whole vector; vectors are plain data.
                unsafe { from.cast::<S::$vector>().read_unaligned() }
            }

            #[inline(always)]
            unsafe fn store<S: Simd>(to: *mut Self, vector: Self::Vector<S>) {
                // SAFETY: as in `load`.
                unsafe { to.cast::<S::$vector>().write_unaligned(vector) }
            }

            #[inline(always)]
            unsafe fn load_masked<S: Simd>(
                simd: S,
                mask: Self::Mask<S>,
                from: *const Self,
            ) -> Self::Vector<S> {
                // SAFETY: the caller guarantees the lanes of the mask; no others are read.
                unsafe { simd.$load(mask, from.cast()) }
            }

            #[inline(always)]
            unsafe fn store_masked<S: Simd>(
                simd: S,
                mask: Self::Mask<S>,
                to: *mut Self,
                vector: Self::Vector<S>,
            ) {
                // SAFETY: as in `load_masked`.
                unsafe { simd.$store(mask, to.cast(), vector) }
            }

            #[inline(always)]
            fn fused<S: Simd>(self, factor: Self, term: Self) -> Self {
                if S::IS_SCALAR { self * factor + term } else { self.mul_add(factor, term) }
            }

            #[inline(always)]
            fn exp_parts<S: Simd>(self) -> (Self, Self) {
                // Adding 1.5 * 2^mantissa rounds to an integer and leaves it in the lowest bits.
                let shifted = self.fused::<S>(std::$type::consts::LOG2_E, $magic);
                let n = shifted - $magic;
                let r = n.fused::<S>(-$ln_2_high, self);
                let r = n.fused::<S>(-$ln_2_low, r);
                let mut tail = $taylor[0];
                for coefficient in &$taylor[1..] {
                    tail = tail.fused::<S>(r, *coefficient);
                }
                let power = $type::from_bits(shifted.to_bits().wrapping_add($bias) << $mantissa);
                (power, (tail * r).fused::<S>(r, r))
            }

            #[inline(always)]
            fn abs(self) -> Self {
                <$type>::abs(self)
            }

            #[inline(always)]
            fn copysign(self, sign: Self) -> Self {
                <$type>::copysign(self, sign)
            }

            #[inline(always)]
            fn from_f64(value: f64) -> Self {
                value as $type
            }
        }
    };
}

real!(
    f32, u32, f32s, m32s, F32_LANES, mask_between_m32s, splat_f32s, mul_add_e_f32s, select_f32s,
    mask_load_ptr_f32s, mask_store_ptr_f32s, taylor TAYLOR_F32, mantissa 23, bias 127,
    magic 12_582_912.0, ln_2 0.693_359_4 -2.121_944_4e-4, limit 87.0
);
real!(
    f64, u64, f64s, m64s, F64_LANES, mask_between_m64s, splat_f64s, mul_add_e_f64s, select_f64s,
    mask_load_ptr_f64s, mask_store_ptr_f64s, taylor TAYLOR_F64, mantissa 52, bias 1023,
    magic 6_755_399_441_055_744.0,
    ln_2 0.693_147_180_369_123_8 1.908_214_929_270_587_7e-10, limit 708.0
);
