//! Figures in words.

use crate::domain::Fraction;

/// The tenths of a measure that a reader sees: the nearest, but one above its limit never reads as being at it.
pub fn shown_tenths(measured: &Fraction, limit: &Fraction) -> i64 {
    let (numerator, denominator) = (measured.numerator, measured.denominator);
    let up = ceil_div(numerator * 10, denominator);
    if denominator == 0 {
        return up;
    }
    let nearest = (20 * numerator + denominator) / (2 * denominator);
    let above = numerator * limit.denominator > limit.numerator * denominator;
    if above && nearest * limit.denominator <= limit.numerator * 10 { up } else { nearest }
}

/// Tenths with one decimal: "9.3", "8".
pub fn tenths(tenths: i64) -> String {
    if tenths % 10 == 0 { (tenths / 10).to_string() } else { format!("{}.{}", tenths / 10, tenths % 10) }
}

/// Division of non-negative numbers rounded up; `i64::MAX` over zero.
pub fn ceil_div(numerator: i64, denominator: i64) -> i64 {
    if denominator == 0 {
        return if numerator == 0 { 0 } else { i64::MAX };
    }
    numerator / denominator + i64::from(numerator % denominator != 0)
}

/// `numerator / denominator` exactly enough for a need of nurses: "4", "4.5", "4.25", rounded up to hundredths.
pub fn hundredths(numerator: i64, denominator: i64) -> String {
    let n = ceil_div(numerator * 100, denominator);
    match (n / 100, n % 100) {
        (whole, 0) => whole.to_string(),
        (whole, part) if part % 10 == 0 => format!("{whole}.{}", part / 10),
        (whole, part) => format!("{whole}.{part:02}"),
    }
}
