//! Protocol formats and cryptography of Ostiary: opaque tokens, sealed values, session JWTs and PKCE.
//!
//! Nothing here does I/O or reads a clock, and randomness comes in as a [`random::RandomSource`], so every
//! function gives the same answer to the same question. All cryptography is that of one library (aws-lc-rs);
//! nothing outside this crate names it.
//!
//! Ada signs in. Her session token is 33 random bytes ([`random::token`]); the database keeps only its
//! [`hash::sha256`]. The application's backend wants to trust her without asking every time, so she also gets a
//! JWT signed by the project's [`jose::SigningKey`], which any holder of the published keys can
//! [`jose::verify`]. The private half of that key rests in the database sealed under the
//! [`seal::MasterKey`].

pub mod hash;
pub mod jose;
pub mod password_hash;
pub mod pkce;
pub mod random;
pub mod seal;
pub mod totp;
