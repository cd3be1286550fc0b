//! Files and the Git Data API of the fake.

use serde_json::{Value, json};

use super::mischief::Answer;
use super::repo::{Commit, Repo, Tree};
use super::routes::{Ask, Reply, not_for_integrations, not_found};

pub(super) fn route(repo: &mut Repo, ask: &Ask, parts: &[&str]) -> Reply {
    match (ask.method, parts) {
        ("GET", ["contents", path]) => contents(repo, ask, path),
        ("GET", ["git", "ref", reference]) => match repo.refs.get(*reference) {
            Some(sha) => Reply::Json(200, reference_json(reference, sha)),
            None => not_found(),
        },
        ("GET", ["git", "commits", sha]) => match repo.commits.get(*sha) {
            Some(commit) => Reply::Json(200, commit_json(sha, commit)),
            None => not_found(),
        },
        ("POST" | "PATCH", ["git", ..]) if !(ask.may)("contents") => not_for_integrations("contents=write"),
        ("POST", ["git", "trees"]) => write_tree(repo, ask.body),
        ("POST", ["git", "commits"]) => {
            let text = |name: &str| ask.body[name].as_str().unwrap_or_default().to_owned();
            let parents = ask.body["parents"].as_array().into_iter().flatten().filter_map(Value::as_str);
            let commit = Commit {
                tree: text("tree"),
                parents: parents.map(str::to_owned).collect(),
                message: text("message"),
            };
            if !repo.trees.contains_key(&commit.tree) {
                return refused(422, "Tree SHA does not exist");
            }
            let sha = repo.write_commit(commit);
            Reply::Json(201, commit_json(&sha, &repo.commits[&sha]))
        }
        ("POST", ["git", "refs"]) => {
            let text = |name: &str| ask.body[name].as_str().unwrap_or_default().to_owned();
            let (name, sha) = (text("ref"), text("sha"));
            match name.strip_prefix("refs/") {
                Some(short) if repo.refs.contains_key(short) => refused(422, "Reference already exists"),
                Some(short) => {
                    repo.refs.insert(short.to_owned(), sha.clone());
                    Reply::Json(201, reference_json(short, &sha))
                }
                None => refused(422, "Reference name must start with 'refs'"),
            }
        }
        ("PATCH", ["git", "refs", reference]) => move_reference(repo, ask.body, reference),
        _ => refused(404, &format!("the fake has no route {} {}", ask.method, parts.join(" "))),
    }
}

fn contents(repo: &Repo, ask: &Ask, path: &str) -> Reply {
    let reference = ask.query.get("ref").map_or("main", String::as_str);
    let Some(commit) = repo.resolve(reference) else {
        return refused(404, &format!("No commit found for the ref {reference}"));
    };
    let tree = repo.tree_of(&commit);
    if let Some(blob) = tree.get(path) {
        let text = &repo.blobs[blob];
        if ask.raw {
            return Reply::Raw(text.clone());
        }
        return Reply::Json(200, json!({ "type": "file", "path": path, "sha": blob, "size": text.len() }));
    }
    let folder = if path.is_empty() { String::new() } else { format!("{path}/") };
    let mut listed: Vec<Value> = Vec::new();
    for (full, blob) in tree {
        let Some(below) = full.strip_prefix(&folder) else { continue };
        let (name, kind) = below.split_once('/').map_or((below, "file"), |(name, _)| (name, "dir"));
        let size = if kind == "file" { repo.blobs[blob].len() } else { 0 };
        if listed.last().is_none_or(|last| last["name"] != name) {
            let path = format!("{folder}{name}");
            listed.push(json!({ "type": kind, "name": name, "path": path, "sha": blob, "size": size }));
        }
    }
    if listed.is_empty() { not_found() } else { Reply::Json(200, listed.into()) }
}

fn write_tree(repo: &mut Repo, body: &Value) -> Reply {
    let mut tree = match body["base_tree"].as_str() {
        Some(base) => match repo.trees.get(base) {
            Some(tree) => tree.clone(),
            None => return not_found(),
        },
        None => Tree::new(),
    };
    for entry in body["tree"].as_array().into_iter().flatten() {
        let path = entry["path"].as_str().unwrap_or_default().to_owned();
        match entry["content"].as_str() {
            Some(content) => {
                let blob = repo.blob(content);
                tree.insert(path, blob);
            }
            None if tree.remove(&path).is_none() => return refused(422, "GitRPC::BadObjectState"),
            None => {}
        }
    }
    let listed: Vec<Value> = tree
        .iter()
        .map(|(path, sha)| json!({ "path": path, "mode": "100644", "type": "blob", "sha": sha, "size": 1 }))
        .collect();
    let sha = repo.tree(tree);
    Reply::Json(201, json!({ "sha": sha, "truncated": false, "tree": listed }))
}

fn move_reference(repo: &mut Repo, body: &Value, reference: &str) -> Reply {
    let new = body["sha"].as_str().unwrap_or_default();
    let Some(old) = repo.refs.get(reference).cloned() else {
        return refused(422, "Reference does not exist");
    };
    if body["force"] != json!(true) && !repo.is_ancestor(&old, new) {
        return refused(422, "Update is not a fast forward");
    }
    repo.refs.insert(reference.to_owned(), new.to_owned());
    let name = repo.full_name.clone();
    for pull in &mut repo.pulls {
        let own = pull.head_repo.as_deref() == Some(&name);
        if pull.open && own && format!("heads/{}", pull.head_branch) == reference {
            new.clone_into(&mut pull.head_sha);
        }
    }
    Reply::Json(200, reference_json(reference, new))
}

fn reference_json(short: &str, sha: &str) -> Value {
    json!({
        "ref": format!("refs/{short}"),
        "node_id": "REF_1",
        "url": format!("https://api.github.com/repos/o/r/git/refs/{short}"),
        "object": { "type": "commit", "sha": sha, "url": format!("https://api.github.com/repos/o/r/git/commits/{sha}") },
    })
}

fn commit_json(sha: &str, commit: &Commit) -> Value {
    let parents: Vec<Value> = commit.parents.iter().map(|sha| json!({ "sha": sha })).collect();
    json!({
        "sha": sha,
        "message": commit.message,
        "tree": { "sha": commit.tree },
        "parents": parents,
        "html_url": format!("https://github.com/o/r/commit/{sha}"),
    })
}

fn refused(status: u16, message: &str) -> Reply {
    Reply::Refused(Answer::new(status, message))
}
