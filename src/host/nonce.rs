//! A word that nobody can guess.

use std::fs::File;
use std::io::{self, Read};

/// 32 hexadecimal digits from the system's own source of chance.
pub fn nonce() -> io::Result<String> {
    let mut bytes = [0_u8; 16];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}

#[cfg(test)]
mod tests {
    use super::nonce;

    #[test]
    fn no_two_are_alike() {
        let (one, two) = (nonce().unwrap(), nonce().unwrap());
        assert!(one.len() == 32 && two.len() == 32 && one != two, "{one} {two}");
    }
}
