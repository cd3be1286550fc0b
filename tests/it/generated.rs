//! What is generated from the settings table into files that people read: `UPDATE_DOCS=1 cargo test --test it generated` rewrites them.

use std::path::Path;

use llm_loadtest::config::{action_environment, action_inputs, inputs_table};

/// The part between the two lines that hold these marks.
fn check(file: &str, name: &str, wanted: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let text = std::fs::read_to_string(&path).unwrap();
    let after = |mark: &str| {
        let at = text.find(mark).unwrap_or_else(|| panic!("{file} has no '{mark}'"));
        at + text[at..].find('\n').unwrap() + 1
    };
    let begin = after(&format!("{name}: begin"));
    let end_mark = text[begin..].find(&format!("{name}: end")).expect("an end") + begin;
    let end = text[..end_mark].rfind('\n').unwrap() + 1;
    if std::env::var_os("UPDATE_DOCS").is_some() {
        let new = format!("{}{wanted}{}", &text[..begin], &text[end..]);
        std::fs::File::create(&path)
            .and_then(|mut file| std::io::Write::write_all(&mut file, new.as_bytes()))
            .unwrap();
        return;
    }
    let found = &text[begin..end];
    assert!(
        found == wanted,
        "{file} is not what the settings say; UPDATE_DOCS=1 cargo test --test it generated"
    );
}

#[test]
fn action_yml_has_every_setting_as_its_input() {
    check("action.yml", "inputs", &action_inputs());
    check("docker/action.yml", "inputs", &action_inputs());
    check("docker/action.yml", "env", &action_environment());
}

#[test]
fn the_documentation_lists_every_input() {
    check("docs/ACTION.md", "inputs", &format!("{}\n", inputs_table()));
}

#[test]
fn the_documentation_of_the_server_lists_every_endpoint() {
    check("docs/SERVE.md", "endpoints", &llm_loadtest::server::reference());
}
