//! File names that people can read and every file system takes.

use crate::base::Seed;
use crate::document::v1::Key;

/// Enough for a model's name; three parts stay far below the 255 bytes of common file systems.
const PART_MAX: usize = 48;

/// `<workload>--<model>--<hardware>.json`.
pub(super) fn file_name(key: &Key) -> String {
    let Key { workload, model, hardware, workload_hash: _ } = key;
    let parts = [workload, model, hardware].map(|part| slug(part));
    format!("{}.json", parts.join("--"))
}

/// `<workload>--<head>--<hash of everything that makes the question>.json`.
pub(super) fn ledger_name(key: &Key, head: &str, base: &str) -> String {
    let Key { workload, model, hardware, workload_hash } = key;
    // Lengths keep apart what only its parts would not: ("a", "bc") is another question than ("ab", "c").
    let parts = [workload, model, hardware, workload_hash, head, base];
    let whole: String = parts.map(|part| format!("{}:{part}", part.len())).concat();
    format!("{}--{}--{:016x}.json", slug(workload), slug(head), Seed(0).child(&whole).0)
}

/// Lower-case letters, digits and single dashes. What was cut, or left nothing, is told apart by a hash of the whole.
fn slug(text: &str) -> String {
    let mut slug = String::new();
    for c in text.chars() {
        if c.is_ascii_alphanumeric() {
            slug.push(c.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    let slug = slug.trim_end_matches('-');
    if !slug.is_empty() && slug.len() <= PART_MAX {
        return slug.to_owned();
    }
    let hash = Seed(0).child(text).0 & 0xffff_ffff;
    let head = slug[..slug.len().min(PART_MAX)].trim_end_matches('-');
    let dash = if head.is_empty() { "" } else { "-" };
    format!("{head}{dash}{hash:08x}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn name(workload: &str, model: &str, hardware: &str) -> String {
        file_name(&Key {
            workload: workload.to_owned(),
            model: model.to_owned(),
            hardware: hardware.to_owned(),
            workload_hash: String::new(),
        })
    }

    #[test]
    fn names_are_readable() {
        insta::assert_snapshot!(name("chat", "meta-llama/Llama-3.1-8B", "H100 80GB ×2"), @"chat--meta-llama-llama-3-1-8b--h100-80gb-2.json");
        insta::assert_snapshot!(name("日本", &"x/".repeat(100), "../../etc"), @"3b0a2f06--x-x-x-x-x-x-x-x-x-x-x-x-x-x-x-x-x-x-x-x-x-x-x-x-3b1ec9c8--etc.json");
        assert_ne!(name("日本", "m", "h"), name("中国", "m", "h"));
    }

    proptest! {
        #[test]
        fn any_key_names_a_plain_file(workload in ".*", model in ".*", hardware in ".*") {
            let name = name(&workload, &model, &hardware);
            prop_assert!(name.len() < 200);
            prop_assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.'));
            prop_assert_eq!(name.matches('.').count(), 1);
            prop_assert!(!name.starts_with('-'));
        }
    }
}
