//! One repository of the fake, and how tests set it up and look into it.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// Flat: full paths to names of blobs.
pub(crate) type Tree = BTreeMap<String, String>;

pub(crate) struct Repo {
    pub(crate) full_name: String,
    pub(crate) pulls: Vec<Pull>,
    pub(crate) comments: Vec<Comment>,
    /// As they were posted, newest last, with the commit in `sha`.
    pub(crate) statuses: Vec<Value>,
    pub(crate) checks: Vec<Value>,
    pub(crate) blobs: BTreeMap<String, String>,
    pub(crate) trees: BTreeMap<String, Tree>,
    pub(crate) commits: BTreeMap<String, Commit>,
    /// `heads/main` and the like.
    pub(crate) refs: BTreeMap<String, String>,
    next: u64,
}

pub(crate) struct Comment {
    pub(crate) id: u64,
    pub(crate) issue: u64,
    pub(crate) author: String,
    pub(crate) body: String,
}

pub(crate) struct Pull {
    pub(crate) number: u64,
    pub(crate) open: bool,
    pub(crate) title: String,
    pub(crate) body: String,
    pub(crate) head_branch: String,
    pub(crate) head_sha: String,
    /// `None` when the fork was deleted.
    pub(crate) head_repo: Option<String>,
    pub(crate) base_branch: String,
    pub(crate) merge_commit: Option<String>,
    pub(crate) files: Vec<Value>,
}

pub(crate) struct Commit {
    pub(crate) tree: String,
    pub(crate) parents: Vec<String>,
    pub(crate) message: String,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Merge {
    Squash,
    WithCommit,
}

impl Repo {
    pub(crate) fn new(full_name: &str) -> Self {
        let mut repo = Self {
            full_name: full_name.to_owned(),
            pulls: Vec::new(),
            comments: Vec::new(),
            statuses: Vec::new(),
            checks: Vec::new(),
            blobs: BTreeMap::new(),
            trees: BTreeMap::new(),
            commits: BTreeMap::new(),
            refs: BTreeMap::new(),
            next: 100,
        };
        repo.commit("main", &[("README.md", "hello\n")]);
        repo
    }

    pub(crate) fn fresh(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// A commit on top of a branch, which is made if need be.
    pub(crate) fn commit(&mut self, branch: &str, texts: &[(&str, &str)]) -> String {
        let parents: Vec<String> = self.refs.get(&format!("heads/{branch}")).cloned().into_iter().collect();
        let mut tree = parents.first().map(|parent| self.tree_of(parent).clone()).unwrap_or_default();
        for (path, text) in texts {
            let blob = self.blob(text);
            tree.insert((*path).to_owned(), blob);
        }
        let tree = self.tree(tree);
        let sha = self.write_commit(Commit { tree, parents, message: format!("on {branch}") });
        self.refs.insert(format!("heads/{branch}"), sha.clone());
        sha
    }

    /// The branch `branch` as `from` stands.
    pub(crate) fn branch(&mut self, branch: &str, from: &str) {
        let sha = self.head(from);
        self.refs.insert(format!("heads/{branch}"), sha);
    }

    pub(crate) fn head(&self, branch: &str) -> String {
        self.refs[&format!("heads/{branch}")].clone()
    }

    pub(crate) fn text(&self, branch: &str, path: &str) -> Option<String> {
        let blob = self.tree_of(&self.head(branch)).get(path)?;
        Some(self.blobs[blob].clone())
    }

    /// A pull request from a branch of this repository, or of another whose commit is named.
    pub(crate) fn open_pull(
        &mut self,
        head_branch: &str,
        base_branch: &str,
        fork: Option<(&str, &str)>,
    ) -> u64 {
        let number = self.fresh();
        self.pulls.push(Pull {
            number,
            open: true,
            title: format!("Pull {number}"),
            body: String::new(),
            head_branch: head_branch.to_owned(),
            head_sha: fork.map_or_else(|| self.head(head_branch), |(_, sha)| sha.to_owned()),
            head_repo: Some(fork.map_or_else(|| self.full_name.clone(), |(name, _)| name.to_owned())),
            base_branch: base_branch.to_owned(),
            merge_commit: None,
            files: Vec::new(),
        });
        number
    }

    pub(crate) fn pull(&mut self, number: u64) -> &mut Pull {
        self.pulls.iter_mut().find(|pull| pull.number == number).unwrap()
    }

    pub(crate) fn close(&mut self, number: u64) {
        self.pull(number).open = false;
    }

    pub(crate) fn merge(&mut self, number: u64, how: Merge) {
        let (head, base) = {
            let pull = self.pull(number);
            (pull.head_sha.clone(), pull.base_branch.clone())
        };
        let mut parents = vec![self.head(&base)];
        if matches!(how, Merge::WithCommit) {
            parents.push(head.clone());
        }
        let mut tree = self.tree_of(&parents[0]).clone();
        tree.extend(self.tree_of(&head).clone());
        let tree = self.tree(tree);
        let merged = self.write_commit(Commit { tree, parents, message: format!("merge {number}") });
        self.refs.insert(format!("heads/{base}"), merged.clone());
        let pull = self.pull(number);
        (pull.open, pull.merge_commit) = (false, Some(merged));
    }

    pub(crate) fn comment(&mut self, issue: u64, author: &str, body: &str) -> u64 {
        let id = self.fresh();
        self.comments.push(Comment { id, issue, author: author.to_owned(), body: body.to_owned() });
        id
    }

    /// The bodies on a pull request by one author.
    pub(crate) fn bodies(&self, issue: u64, author: &str) -> Vec<String> {
        let of = self.comments.iter().filter(|comment| comment.issue == issue && comment.author == author);
        of.map(|comment| comment.body.clone()).collect()
    }

    pub(crate) fn blob(&mut self, text: &str) -> String {
        let sha = name(&format!("blob {text}"));
        self.blobs.insert(sha.clone(), text.to_owned());
        sha
    }

    pub(crate) fn tree(&mut self, tree: Tree) -> String {
        let sha = name(&format!("tree {tree:?}"));
        self.trees.insert(sha.clone(), tree);
        sha
    }

    pub(crate) fn write_commit(&mut self, commit: Commit) -> String {
        // Two commits of the same content are still two, as their times differ.
        let sha =
            name(&format!("commit {} {:?} {} {}", commit.tree, commit.parents, commit.message, self.fresh()));
        self.commits.insert(sha.clone(), commit);
        sha
    }

    pub(crate) fn tree_of(&self, commit: &str) -> &Tree {
        &self.trees[&self.commits[commit].tree]
    }

    /// A commit by its own name or by that of a branch.
    pub(crate) fn resolve(&self, reference: &str) -> Option<String> {
        let branch = self.refs.get(&format!("heads/{reference}")).cloned();
        branch.or_else(|| self.commits.contains_key(reference).then(|| reference.to_owned()))
    }

    pub(crate) fn is_ancestor(&self, old: &str, new: &str) -> bool {
        old == new
            || self
                .commits
                .get(new)
                .is_some_and(|commit| commit.parents.iter().any(|parent| self.is_ancestor(old, parent)))
    }
}

/// Forty hexadecimal digits of the content.
fn name(content: &str) -> String {
    let digest = Sha256::digest(content.as_bytes());
    let half = |bytes: &[u8]| bytes.iter().fold(0_u128, |number, byte| number << 8 | u128::from(*byte));
    format!("{:020x}{:020x}", half(&digest[..10]), half(&digest[10..20]))
}

impl Comment {
    pub(crate) fn json(&self, repo: &str) -> Value {
        json!({
            "id": self.id,
            "node_id": format!("IC_{}", self.id),
            "url": format!("https://api.github.com/repos/{repo}/issues/comments/{}", self.id),
            "html_url": format!("https://github.com/{repo}/pull/{}#issuecomment-{}", self.issue, self.id),
            "issue_url": format!("https://api.github.com/repos/{repo}/issues/{}", self.issue),
            "body": self.body,
            "user": user(&self.author),
            "created_at": "2026-01-31T12:00:00Z",
            "updated_at": "2026-01-31T12:00:00Z",
            "author_association": "CONTRIBUTOR",
        })
    }
}

/// Somebody's account.
pub(crate) fn user(login: &str) -> Value {
    let kind = if login.ends_with("[bot]") { "Bot" } else { "User" };
    json!({ "login": login, "id": 1, "type": kind, "site_admin": false })
}

impl Pull {
    pub(crate) fn json(&self, repo: &Repo) -> Value {
        let home = |full_name: &str| json!({ "id": 1, "name": full_name.rsplit('/').next(), "full_name": full_name });
        json!({
            "id": self.number,
            "number": self.number,
            "state": if self.open { "open" } else { "closed" },
            "title": self.title,
            "body": self.body,
            "html_url": format!("https://github.com/{}/pull/{}", repo.full_name, self.number),
            "merge_commit_sha": self.merge_commit,
            "merged_at": (!self.open && self.merge_commit.is_some()).then_some("2026-01-31T12:00:00Z"),
            "head": { "ref": self.head_branch, "sha": self.head_sha, "repo": self.head_repo.as_deref().map(home) },
            "base": { "ref": self.base_branch, "sha": repo.head(&self.base_branch), "repo": home(&repo.full_name) },
        })
    }
}
