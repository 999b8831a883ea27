//! Figures in words.

/// `numerator / denominator` to one decimal, rounded up: a ward above its limit never reads as being at it.
pub fn tenths(numerator: i64, denominator: i64) -> String {
    let tenths = ceil_div(numerator * 10, denominator);
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
