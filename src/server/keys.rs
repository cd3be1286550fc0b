//! Keys of the API: made of 256 random bits, shown once, known by their hash.

use std::io;

use sha2::{Digest as _, Sha256};

use crate::document::v1::service::KeyScope;
use crate::host::{RealClock, nonce};
use crate::store::StoredKey;

/// A key that was just made. No `Debug`: it is shown once, on purpose.
pub struct NewKey {
    /// What its owner writes into `Authorization: Bearer …`.
    pub text: String,
    /// What is stored.
    pub stored: StoredKey,
}

/// Tells our keys from others where one is found.
pub(super) const PREFIX: &str = "llt_";

/// Makes a key from the system's own source of chance.
pub fn new_key(name: &str, scope: KeyScope) -> io::Result<NewKey> {
    let text = format!("{PREFIX}{}{}", nonce()?, nonce()?);
    let stored = StoredKey {
        name: name.to_owned(),
        scope,
        hash: hash(&text),
        created: RealClock::wall(),
        revoked: None,
    };
    Ok(NewKey { text, stored })
}

/// SHA-256 of a key. Nothing slower is needed: there are 2^256 keys to try.
pub(super) fn hash(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_long_and_never_stored() {
        let (one, two) = (new_key("a", KeyScope::Run).unwrap(), new_key("a", KeyScope::Run).unwrap());
        assert_eq!(one.text.len(), PREFIX.len() + 64);
        assert_ne!(one.text, two.text);
        assert_eq!(one.stored.hash, hash(&one.text));
        assert!(!format!("{:?}", one.stored).contains(&one.text));
    }
}
