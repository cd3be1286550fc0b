//! The baselines that judge a pull request are those of its base: a change must not lower its own bar.

use std::path::{Component, Path, PathBuf};

use super::step::Step;
use crate::app::error::AppError;
use crate::config::{BaselinesFrom, Origin, Resolved};
use crate::github::{GitHub, GitHubError, PullSource};
use crate::host::files;
use crate::report::markdown::NoteKind;

/// Beside the result, so that whoever reads it has what it was held against.
const FOLDER: &str = "baselines-of-base";

impl Step {
    /// Puts the base's stored baselines in the place of the checkout's, where the step is about a pull request or a merge.
    pub(super) async fn use_base(&mut self, resolved: &mut Resolved) -> Result<(), AppError> {
        let base = self.base().await;
        // An event that names a pull request may well have checked it out: its own files must not judge it.
        if base.is_none() && matches!(self.event.pull, PullSource::Number(_)) {
            return Err(no_base(self.trouble.first()));
        }
        let Some(base) = base else { return Ok(()) };
        resolved.outputs.save_baseline = false;
        // What a database holds, no checkout can change.
        if self.plan.baselines_from == BaselinesFrom::Checkout || resolved.outputs.store.is_some() {
            return Ok(());
        }
        let folder = resolved.outputs.baselines.clone();
        let Some(github) = &self.github else {
            return if folder.exists() { Err(no_token(&folder)) } else { Ok(()) };
        };
        let Some(inside) = inside(&folder) else { return Err(outside(&folder)) };
        let result = resolved.outputs.result.parent().unwrap_or(Path::new(""));
        let copy = result.join(FOLDER);
        files::remove_folder(&copy)?;
        fetch(github, &inside, &base, &copy).await?;
        resolved.outputs.baselines = copy;
        self.origin = Some((inside.clone(), base));
        self.tell_changes(resolved, &inside).await;
        Ok(())
    }

    /// The commit that the head is held against.
    async fn base(&mut self) -> Option<String> {
        if let Some(pull) = self.pull().await {
            return Some(pull.base_sha);
        }
        let is_merge = self.event.name == "merge_group";
        self.event.base.as_ref().filter(|_| is_merge).map(|base| base.sha.clone())
    }

    /// Tells the reader when the pull request touches what judges it.
    async fn tell_changes(&mut self, resolved: &Resolved, baselines: &str) {
        let (Some(pull), Some(github)) = (self.pull().await, &self.github) else { return };
        let changed = match github.changed_files(pull.number).await {
            Ok(changed) => changed,
            Err(error) => return self.cannot("list the files of the pull request", &error),
        };
        let under = format!("{baselines}/");
        let stored: Vec<&String> = changed.iter().filter(|path| path.starts_with(&under)).collect();
        if let Some(first) = stored.first() {
            let more =
                if stored.len() > 1 { format!(" and {} more", stored.len() - 1) } else { String::new() };
            self.note(
                NoteKind::Warning,
                format!("This pull request changes {first}{more}. It was judged by the files of its base."),
            );
        }
        let files = resolved.values.iter().filter_map(|entry| match &entry.origin {
            Origin::File { path, .. } => inside(Path::new(path)),
            _ => None,
        });
        let mut files: Vec<String> = files.filter(|path| changed.contains(path)).collect();
        files.dedup();
        for path in files.iter().take(2) {
            self.note(
                NoteKind::Warning,
                format!("This pull request changes {path}, which says what is measured and what is allowed. Look at that change, too."),
            );
        }
    }
}

async fn fetch(github: &GitHub, folder: &str, commit: &str, copy: &Path) -> Result<(), AppError> {
    let is_baseline = |path: &str| Path::new(path).extension().is_some_and(|ending| ending == "json");
    let told = |error: GitHubError| {
        let AppError { side, message, hint } = error.into();
        AppError { side, message: format!("cannot read the base's {folder}: {message}"), hint }
    };
    for entry in github.folder(folder, commit).await.map_err(told)? {
        let Some(name) = Path::new(&entry.path).file_name().filter(|_| is_baseline(&entry.path)) else {
            continue;
        };
        if let Some(text) = github.file(&entry.path, commit).await.map_err(told)? {
            files::write_atomic(&copy.join(name), text.as_bytes())?;
        }
    }
    Ok(())
}

/// A path as the repository knows it; none for one that leaves the workspace.
pub(super) fn inside(path: &Path) -> Option<String> {
    let mut clean = PathBuf::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => clean.push(name),
            Component::CurDir => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    clean.to_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

fn no_token(folder: &Path) -> AppError {
    AppError::usage(
        format!(
            "a pull request is judged by the baselines of its base, and without a token they cannot be read; {} is the pull request's own",
            folder.display()
        ),
        "leave github-token as it is and give the job 'permissions: {contents: read}', or check the base out beside it and name that folder: baselines: base/baselines, baselines-from: checkout",
    )
}

fn no_base(why: Option<&String>) -> AppError {
    let why = why.and_then(|text| text.lines().next()).unwrap_or("the step has no github-token");
    AppError::usage(
        format!("the base of the pull request is not known, whose baselines would judge it: {why}"),
        "give the job 'permissions: {contents: read, pull-requests: read}' and a github-token",
    )
}

fn outside(folder: &Path) -> AppError {
    AppError::usage(
        format!(
            "baselines {}: the base's cannot be read, because the folder is not inside the repository",
            folder.display()
        ),
        "name it relative to the repository's root, or say baselines-from: checkout if these files are not the pull request's",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_the_repository_are_asked_for() {
        assert_eq!(inside(Path::new("./perf/baselines/")), Some("perf/baselines".to_owned()));
        for path in ["/etc", "../baselines", "a/../../b", "", "."] {
            assert_eq!(inside(Path::new(path)), None, "{path}");
        }
    }
}
