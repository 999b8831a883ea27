//! Figures in words.

use crate::domain::BlockKind;
use crate::rules::view::View;

/// `numerator / denominator` to the nearest tenth, as a number of tenths; rounded up where the nearest would read as
/// being at or below `limit` (hundredths) although it is above.
pub fn nearest_tenths(numerator: i64, denominator: i64, limit: i64) -> i64 {
    let above = numerator * 100 > limit * denominator;
    match (numerator * 20 + denominator).checked_div(2 * denominator) {
        Some(tenths) if above && tenths * 10 <= limit => ceil_div(numerator * 10, denominator),
        Some(tenths) => tenths,
        None => i64::MAX,
    }
}

/// Tenths as text: "9.3", "12".
pub fn tenths(n: i64) -> String {
    if n % 10 == 0 { (n / 10).to_string() } else { format!("{}.{}", n / 10, n % 10) }
}

/// What a staffing alert says when its ward is empty.
pub fn emptied(view: &View<'_>) -> String {
    let at = view.when(&[BlockKind::Patients]);
    format!("Ward {}: 0 patients, no staffing limit applies. {at}", view.facts.ward.code)
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
