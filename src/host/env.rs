//! The environment, read once and handed on as a value.

use std::collections::BTreeMap;

/// All variables of the process. Those that are not UTF-8 are left out: none of ours has such a value.
pub fn vars() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_path_is_among_the_variables() {
        assert!(super::vars().contains_key("PATH"));
    }
}
