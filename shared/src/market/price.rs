//! Prices and quantities as decimals, never as floating point.

use super::ParseError;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// Above this no listed asset has ever been quoted or traded; a larger number is a fault.
const MAX_PRICE: Decimal = Decimal::from_parts(2_764_472_320, 232_830, 0, false, 0); // 1e15
/// Longest number text worth reading, in bytes: 29 digits, sign, point and exponent.
const MAX_TEXT_BYTES: usize = 64;

/// A price above zero. It keeps the digits its venue wrote (`0.35210000` stays so), compares by
/// value, and is written without an exponent.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(
    description = "A price above zero as decimal text without an exponent; the venue's own digits.",
    extend("pattern" = r"^\d+(\.\d+)?$", "examples" = ["67218.6"])
)]
pub struct Price(Decimal);

/// A size or volume, zero or more, in the same form as [`Price`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(
    description = "A size or volume, zero or more, as decimal text without an exponent.",
    extend("pattern" = r"^\d+(\.\d+)?$", "examples" = ["0.01045638"])
)]
pub struct Quantity(Decimal);

impl Price {
    /// The number behind it.
    #[must_use]
    pub fn decimal(self) -> Decimal {
        self.0
    }
}

impl Quantity {
    /// The number behind it.
    #[must_use]
    pub fn decimal(self) -> Decimal {
        self.0
    }

    /// Whether it is exactly nothing.
    #[must_use]
    pub fn is_zero(self) -> bool {
        self.0.is_zero()
    }
}

/// Reads a number exactly: what would have to be rounded is refused.
fn exact(text: &str) -> Result<Decimal, ParseError> {
    let wrong = || ParseError::Number(text.chars().take(MAX_TEXT_BYTES).collect());
    if text.is_empty() || text.len() > MAX_TEXT_BYTES || text.contains('_') {
        return Err(wrong());
    }
    match text.find(['e', 'E']) {
        None => Decimal::from_str_exact(text).map_err(|_| wrong()),
        Some(at) => {
            let mantissa = Decimal::from_str_exact(&text[..at]).map_err(|_| wrong())?;
            let exponent: i32 = text[at + 1..].parse().map_err(|_| wrong())?;
            shift(mantissa, exponent).ok_or_else(wrong)
        }
    }
}

/// `number` times ten to the power of `exponent`, or nothing when it does not fit exactly.
fn shift(number: Decimal, exponent: i32) -> Option<Decimal> {
    if exponent.unsigned_abs() > 2 * Decimal::MAX_SCALE {
        return None;
    }
    let scale = i32::try_from(number.scale()).ok()? - exponent;
    if scale >= 0 {
        Decimal::try_from_i128_with_scale(number.mantissa(), scale.unsigned_abs()).ok()
    } else {
        let factor = 10_i128.checked_pow(scale.unsigned_abs())?;
        Decimal::try_from_i128_with_scale(number.mantissa().checked_mul(factor)?, 0).ok()
    }
}

impl FromStr for Price {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::try_from(exact(text)?)
    }
}

impl TryFrom<Decimal> for Price {
    type Error = ParseError;

    fn try_from(number: Decimal) -> Result<Self, ParseError> {
        if number <= Decimal::ZERO {
            Err(ParseError::NotPositive(number.to_string()))
        } else if number > MAX_PRICE {
            Err(ParseError::Absurd(number.to_string()))
        } else {
            Ok(Self(number))
        }
    }
}

impl FromStr for Quantity {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let number = exact(text)?;
        if number.is_sign_negative() && !number.is_zero() {
            Err(ParseError::NotPositive(text.into()))
        } else {
            Ok(Self(number))
        }
    }
}

impl TryFrom<String> for Price {
    type Error = ParseError;

    fn try_from(text: String) -> Result<Self, ParseError> {
        text.parse()
    }
}

impl TryFrom<String> for Quantity {
    type Error = ParseError;

    fn try_from(text: String) -> Result<Self, ParseError> {
        text.parse()
    }
}

impl From<Price> for String {
    fn from(price: Price) -> Self {
        price.to_string()
    }
}

impl From<Quantity> for String {
    fn from(quantity: Quantity) -> Self {
        quantity.to_string()
    }
}

impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn keeps_the_venues_digits_and_compares_by_value() {
        let padded: Price = "0.35210000".parse().unwrap();
        assert_eq!(padded.to_string(), "0.35210000");
        assert_eq!(padded, "0.3521".parse().unwrap());
    }

    #[test]
    fn expands_exponents() {
        assert_eq!("5.3e-8".parse::<Price>().unwrap().to_string(), "0.000000053");
        assert_eq!("1.2E3".parse::<Price>().unwrap().to_string(), "1200");
        assert!("1e-40".parse::<Price>().is_err());
        assert!("1e99999999999".parse::<Price>().is_err());
    }

    #[test]
    fn a_price_is_above_zero_and_not_absurd() {
        for text in ["0", "-1", "", "NaN", "inf", "1_000", "0x10", "1e16", "1,5"] {
            assert!(text.parse::<Price>().is_err(), "{text}");
        }
        assert_eq!(MAX_PRICE.to_string(), "1000000000000000");
    }

    #[test]
    fn a_quantity_may_be_zero_and_is_never_rounded() {
        assert!("0.00".parse::<Quantity>().unwrap().is_zero());
        assert!("-0.1".parse::<Quantity>().is_err());
        assert!("1.0000000000000000000000000000000001".parse::<Quantity>().is_err());
        assert_eq!("0.00000005300000000000".parse::<Quantity>().unwrap().to_string().len(), 22);
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_without_a_panic(text in "\\PC{0,40}") {
            let _ = text.parse::<Price>();
            let _ = text.parse::<Quantity>();
        }

        #[test]
        fn what_is_written_is_read_back(units in 1_u64.., scale in 0_u32..20) {
            let text = Decimal::from_i128_with_scale(i128::from(units), scale).to_string();
            if let Ok(price) = text.parse::<Price>() {
                prop_assert_eq!(price.to_string(), text);
            }
        }
    }
}
