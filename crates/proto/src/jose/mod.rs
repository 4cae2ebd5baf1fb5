//! RS256 JWTs and the keys that sign and verify them (RFC 7515, 7517, 7519; spec 01b §7).
//!
//! ```
//! use ostiary_proto::jose::{self, SigningKey};
//!
//! let (key, _sealed_elsewhere) = SigningKey::generate("jwk-test-1").unwrap();
//! let token = key.sign(br#"{"sub":"member-test-ada","exp":1767225900}"#);
//!
//! let public = key.public_key();
//! let claims = jose::verify(&token, |kid| (kid == public.kid()).then_some(public)).unwrap();
//! assert_eq!(claims["sub"], "member-test-ada");
//! assert_eq!(jose::check_times(&claims, 1767225900), Err(jose::JwtError::Expired));
//! ```
//!
//! Verifying says who signed a token, not whether it still counts: [`check_times`], [`check_issuer`] and
//! [`check_audience`] are separate, because a session JWT past its `exp` is still an answerable question to the
//! session it names.

mod claims;
mod foreign;
mod keys;
mod verify;

pub use claims::{Claims, check_audience, check_issuer, check_times};
pub use foreign::{ForeignKey, verify_foreign};
pub use keys::{KeyError, PublicKey, SigningKey};
pub use verify::{JwtError, TOKEN_BYTES_MAX, verify};
