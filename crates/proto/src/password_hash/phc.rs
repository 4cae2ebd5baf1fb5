//! The text form that most schemes share: `$id$v=19$name=value,…$salt$hash`, with salt and hash in base64 without
//! padding (the PHC string format), and the ways in which other systems write bytes.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD_NO_PAD};

/// Reads base64 with or without padding.
const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD_ALPHABET: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE_ALPHABET: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// A text in PHC form, taken apart.
pub(super) struct Phc<'a> {
    /// The name of the scheme.
    pub(super) id: &'a str,
    /// The version, for schemes that have one.
    pub(super) version: Option<u32>,
    parameters: Vec<(&'a str, &'a str)>,
    /// The salt.
    pub(super) salt: Vec<u8>,
    /// The hash.
    pub(super) hash: Vec<u8>,
}

impl<'a> Phc<'a> {
    /// `None` when the text does not have exactly these parts.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.strip_prefix('$')?.split('$');
        let id = parts.next()?;
        let mut part = parts.next()?;
        let version = match part.strip_prefix("v=") {
            Some(version) => {
                part = parts.next()?;
                Some(decimal(version)?)
            }
            None => None,
        };
        let parameters = part.split(',').map(|pair| pair.split_once('=')).collect::<Option<Vec<_>>>()?;
        let salt = decode_canonical(parts.next()?)?;
        let hash = decode_canonical(parts.next()?)?;
        parts.next().is_none().then_some(Phc { id, version, parameters, salt, hash })
    }

    /// The values of exactly these parameters, in this order.
    pub(super) fn values<const N: usize>(&self, names: [&str; N]) -> Option<[&'a str; N]> {
        let has_these = self.parameters.iter().map(|(name, _)| *name).eq(names);
        let mut values = self.parameters.iter().map(|(_, value)| *value);
        has_these.then(|| std::array::from_fn(|_| values.next().unwrap_or_default()))
    }

    /// The values of exactly these parameters, in this order, as numbers.
    pub(super) fn numbers<const N: usize>(&self, names: [&str; N]) -> Option<[u32; N]> {
        let values = self.values(names)?;
        let mut numbers = [0; N];
        for (number, value) in numbers.iter_mut().zip(values) {
            *number = decimal(value)?;
        }
        Some(numbers)
    }
}

/// A number in its one spelling: digits, no sign, no leading zero.
fn decimal(text: &str) -> Option<u32> {
    let is_canonical = text == "0" || !text.starts_with('0');
    (is_canonical && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}

/// Bytes in the base64 of the PHC form.
pub(super) fn encode(bytes: &[u8]) -> String {
    STANDARD_NO_PAD.encode(bytes)
}

/// Reads what [`encode`] writes, in that one spelling.
pub(super) fn decode_canonical(text: &str) -> Option<Vec<u8>> {
    STANDARD_NO_PAD.decode(text).ok()
}

/// Base64 as other systems write it: either alphabet, padded or not.
pub(super) fn decode_lenient(text: &str) -> Option<Vec<u8>> {
    STANDARD_ALPHABET.decode(text).or_else(|_| URL_SAFE_ALPHABET.decode(text)).ok()
}

/// Pairs of hexadecimal digits in either case.
pub(super) fn decode_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    if !text.len().is_multiple_of(2) {
        return None;
    }
    text.as_bytes().chunks(2).map(|pair| u8::try_from(digit(pair[0])? * 16 + digit(pair[1])?).ok()).collect()
}
