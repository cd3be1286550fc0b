//! Whose files are whose: what root writes into another user's folder is given to that user.

use std::fs;
use std::os::unix::fs::{MetadataExt, lchown};
use std::path::Path;

/// A user and a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner {
    user: u32,
    group: u32,
}

impl Owner {
    /// Who owns this folder; none where it cannot be seen.
    pub fn of(folder: &Path) -> Option<Self> {
        let facts = fs::symlink_metadata(folder).ok()?;
        Some(Self { user: facts.uid(), group: facts.gid() })
    }

    /// Gives away what root owns: `path`, what lies beneath it, and the folders between `workspace` and it. Links are not
    /// followed, and what lies outside the workspace is left alone. Answers with the number of files and folders that stayed
    /// with root because the system refused.
    pub fn take(self, workspace: &Path, path: &Path) -> usize {
        if self.user == 0 {
            return 0;
        }
        let (Ok(workspace), Ok(path)) = (workspace.canonicalize(), path.canonicalize()) else { return 0 };
        let Ok(inside) = path.strip_prefix(&workspace) else { return 0 };
        let mut refused = 0;
        let mut folder = workspace.clone();
        for name in inside {
            folder.push(name);
            refused += self.take_one(&folder);
        }
        refused + if path == workspace { 0 } else { self.take_beneath(&path, DEPTH_MAX) }
    }

    fn take_beneath(self, folder: &Path, depth: usize) -> usize {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        entries
            .map(|entry| {
                let path = entry.path();
                let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
                let beneath = if is_folder && depth > 0 { self.take_beneath(&path, depth - 1) } else { 0 };
                beneath + self.take_one(&path)
            })
            .sum()
    }

    fn take_one(self, path: &Path) -> usize {
        let is_roots = fs::symlink_metadata(path).is_ok_and(|facts| facts.uid() == 0);
        usize::from(is_roots && lchown(path, Some(self.user), Some(self.group)).is_err())
    }
}

/// Deeper than any folder that we make.
const DEPTH_MAX: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::files::write_atomic;

    #[test]
    fn the_workspaces_owner_gets_what_root_wrote_there_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let workspace = folder.path().join("workspace");
        for path in ["results/deep/a.json", "results/b.json", "other.txt"] {
            write_atomic(&workspace.join(path), b"x").unwrap();
        }
        let outside = folder.path().join("outside.txt");
        write_atomic(&outside, b"x").unwrap();
        std::os::unix::fs::symlink(&outside, workspace.join("results/link")).unwrap();
        let before = Owner::of(&workspace).unwrap();
        let mine = Owner { user: 4242, group: 4243 };
        let refused = mine.take(&workspace, &workspace.join("results/deep"));
        assert_eq!(mine.take(&workspace, &outside), 0);
        if before.user != 0 {
            // Whoever is not root owns no file of root's, and so gives none away.
            assert_eq!(refused, 0);
            return;
        }
        let of = |path: &str| Owner::of(&workspace.join(path)).unwrap();
        assert_eq!((refused, of("results/deep"), of("results/deep/a.json")), (0, mine, mine));
        assert_eq!((of("results"), of("results/b.json"), of("other.txt")), (mine, before, before));
        mine.take(&workspace, &workspace.join("results"));
        assert_eq!((of("results/b.json"), of("results/link")), (mine, mine));
        assert_eq!((Owner::of(&outside).unwrap(), of("other.txt")), (before, before), "a link was followed");
        assert_eq!(Owner { user: 0, group: 0 }.take(&workspace, &workspace.join("results")), 0);
    }
}
