//! The hashes of other systems as requests carry them: a type, a text, and an object of parameters for some types.

use crate::cx::Result;
use crate::wire::Fields;
use ostiary_core::error::{Error, ErrorType};
use ostiary_proto::password_hash::{
    Argon2Import, DigestKind, FirebaseImport, PasswordHash, Pbkdf2Import, ScryptImport, TEXT_BYTES_MAX,
    Variant,
};

/// Reads `hash_type`, `hash` and the object that belongs to the type.
///
/// # Errors
/// `invalid_hash_type`, the error of the type for each value that does not fit, or `bad_request` for values that are
/// missing or of another JSON type.
pub fn read(fields: &Fields) -> Result<PasswordHash> {
    let hash_type = fields.required("hash_type")?;
    let hash = fields.required("hash")?;
    if hash.len() > TEXT_BYTES_MAX {
        return Err(ErrorType::InvalidHash.into());
    }
    let read = match hash_type {
        "bcrypt" => PasswordHash::from_bcrypt(hash),
        "phpass" => PasswordHash::from_phpass(hash),
        "md_5" => return digest(fields, DigestKind::Md5, "md_5_config", hash),
        "sha_1" => return digest(fields, DigestKind::Sha1, "sha_1_config", hash),
        "sha_512" => return digest(fields, DigestKind::Sha512, "sha_512_config", hash),
        "argon_2i" => return argon2(fields, Variant::I, hash),
        "argon_2id" => return argon2(fields, Variant::Id, hash),
        "scrypt" => return scrypt(fields, hash),
        "pbkdf_2" => return pbkdf2(fields, hash),
        "firebase_scrypt" => return firebase(fields, hash),
        _ => Err(ErrorType::InvalidHashType),
    };
    Ok(read?)
}

fn config(fields: &Fields, name: &str) -> Result<Option<Fields>> {
    Ok(fields.object(name)?.map(Fields::of))
}

fn required_config(fields: &Fields, name: &str) -> Result<Fields> {
    config(fields, name)?.ok_or_else(|| missing(name))
}

fn missing(name: &str) -> Error {
    ErrorType::BadRequest.with_message(format!("{name} is required for a hash of this type and form."))
}

fn number(fields: &Fields, name: &str) -> Result<i64> {
    fields.integer(name)?.ok_or_else(|| ErrorType::BadRequest.with_message(format!("{name} is required.")))
}

/// Salts may hold any character, so they are taken as they are.
fn digest(fields: &Fields, kind: DigestKind, name: &str, hash: &str) -> Result<PasswordHash> {
    let config = config(fields, name)?.unwrap_or_default();
    let salt = |name| if config.has(name) { config.verbatim(name) } else { Ok("") };
    Ok(PasswordHash::from_digest(kind, hash, salt("prepend_salt")?, salt("append_salt")?)?)
}

fn argon2(fields: &Fields, variant: Variant, hash: &str) -> Result<PasswordHash> {
    if hash.starts_with('$') {
        return Ok(PasswordHash::from_argon2(variant, hash, None)?);
    }
    let config = required_config(fields, "argon_2_config")?;
    let import = Argon2Import {
        salt: config.verbatim("salt")?,
        iteration_amount: number(&config, "iteration_amount")?,
        memory: number(&config, "memory")?,
        threads: number(&config, "threads")?,
        key_length: number(&config, "key_length")?,
    };
    Ok(PasswordHash::from_argon2(variant, hash, Some(&import))?)
}

fn scrypt(fields: &Fields, hash: &str) -> Result<PasswordHash> {
    if hash.starts_with('$') {
        return Ok(PasswordHash::from_scrypt(hash, None)?);
    }
    let config = required_config(fields, "scrypt_config")?;
    let import = ScryptImport {
        salt: config.required("salt")?,
        n_parameter: number(&config, "n_parameter")?,
        r_parameter: number(&config, "r_parameter")?,
        p_parameter: number(&config, "p_parameter")?,
        key_length: number(&config, "key_length")?,
    };
    Ok(PasswordHash::from_scrypt(hash, Some(&import))?)
}

fn pbkdf2(fields: &Fields, hash: &str) -> Result<PasswordHash> {
    let config = required_config(fields, "pbkdf_2_config")?;
    let import = Pbkdf2Import {
        salt: config.required("salt")?,
        iteration_amount: number(&config, "iteration_amount")?,
        key_length: number(&config, "key_length")?,
        algorithm: config.text("algorithm")?.filter(|algorithm| !algorithm.is_empty()),
    };
    Ok(PasswordHash::from_pbkdf2(hash, &import)?)
}

fn firebase(fields: &Fields, hash: &str) -> Result<PasswordHash> {
    let config = required_config(fields, "firebase_scrypt_config")?;
    let import = FirebaseImport {
        salt: config.required("salt")?,
        signer_key: config.required("signer_key")?,
        salt_separator: config.required("salt_separator")?,
        rounds: number(&config, "rounds")?,
        mem_cost: number(&config, "mem_cost")?,
    };
    Ok(PasswordHash::from_firebase(hash, &import)?)
}
