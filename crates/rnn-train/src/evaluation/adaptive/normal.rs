//! Quantiles of the normal and of Student's t distribution.

/// The quantile of the normal distribution at `p`.
///
/// See Wichura, "Algorithm AS 241: The percentage points of the normal distribution", Applied
/// Statistics 37, 1988. Below 2e-11 and above 1 minus that, it is that of the bound.
pub(super) fn normal(p: f64) -> f64 {
    const CENTRE: [[f64; 8]; 2] = [
        [
            2_509.080_928_730_122_6,
            33_430.575_583_588_13,
            67_265.770_927_008_7,
            45_921.953_931_549_87,
            13_731.693_765_509_46,
            1_971.590_950_306_551_3,
            133.141_667_891_784_38,
            3.387_132_872_796_366_5,
        ],
        [
            5_226.495_278_852_854,
            28_729.085_735_721_943,
            39_307.895_800_092_71,
            21_213.794_301_586_597,
            5_394.196_021_424_751,
            687.187_007_492_057_9,
            42.313_330_701_600_91,
            1.0,
        ],
    ];
    const TAIL: [[f64; 8]; 2] = [
        [
            7.745_450_142_783_414e-4,
            0.022_723_844_989_269_184,
            0.241_780_725_177_450_6,
            1.270_458_252_452_368_4,
            3.647_848_324_763_204_5,
            5.769_497_221_460_691,
            4.630_337_846_156_546,
            1.423_437_110_749_683_5,
        ],
        [
            1.050_750_071_644_416_9e-9,
            5.475_938_084_995_345e-4,
            0.015_198_666_563_616_457,
            0.148_103_976_427_480_08,
            0.689_767_334_985_1,
            1.676_384_830_183_803_8,
            2.053_191_626_637_759,
            1.0,
        ],
    ];
    let ratio = |[above, below]: [[f64; 8]; 2], at: f64| {
        let value = |factors: [f64; 8]| factors.iter().fold(0.0, |sum, factor| sum * at + factor);
        value(above) / value(below)
    };
    let from_centre = p - 0.5;
    if from_centre.abs() <= 0.425 {
        return from_centre * ratio(CENTRE, 0.180_625 - from_centre * from_centre);
    }
    let depth = (-p.min(1.0 - p).ln()).sqrt().min(5.0);
    ratio(TAIL, depth - 1.6).copysign(from_centre)
}

/// The quantile of Student's t distribution at `p`, as a multiple of that of the normal.
///
/// It is the expansion in the inverse degrees of freedom. See Abramowitz and Stegun, "Handbook of
/// Mathematical Functions", 1964, formula 26.7.5.
pub(super) fn student(p: f64, freedom: f64) -> f64 {
    let z = normal(p);
    let first = (z.powi(3) + z) / 4.0;
    let second = (5.0 * z.powi(5) + 16.0 * z.powi(3) + 3.0 * z) / 96.0;
    let third = (3.0 * z.powi(7) + 19.0 * z.powi(5) + 17.0 * z.powi(3) - 15.0 * z) / 384.0;
    let further = first / freedom + second / freedom.powi(2) + third / freedom.powi(3);
    1.0 + further / z
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_match_printed_tables() {
        for (p, expected) in [
            (0.55, 0.125_661_346_855_074),
            (0.95, 1.644_853_626_951_472_2),
            (0.05, -1.644_853_626_951_472_2),
            (0.995, 2.575_829_303_548_901),
            (0.999_999, 4.753_424_308_817_087),
        ] {
            assert!((normal(p) - expected).abs() < 1e-12, "{p}: {}", normal(p));
        }
        // Student's t with 10 and with 30 degrees of freedom.
        for (freedom, expected) in [(10.0, 1.812_461), (30.0, 1.697_261)] {
            let quantile = normal(0.95) * student(0.95, freedom);
            assert!((quantile - expected).abs() < 2e-4, "{freedom}: {quantile}");
        }
    }
}
