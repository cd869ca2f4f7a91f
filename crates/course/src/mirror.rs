//! 工作区的副本：cargo 由修改时间判断要不要重新编译，而解压、复制出来的文件，时间可能是旧的。
//! 副本中的文件由这里写入，内容不同才写，所以它们的时间总是对的；学生的文件不动。

use std::path::Path;
use std::{fs, process};

use crate::Result;
use crate::exercise::members;

/// 使目录 `to` 中有 `root` 的清单和各个成员。
pub fn mirror(root: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).map_err(|e| format!("无法创建 {}：{e}", to.display()))?;
    for file in ["Cargo.toml", "Cargo.lock", "rust-toolchain.toml"] {
        if root.join(file).exists() {
            write(&root.join(file), &to.join(file), to)?;
        }
    }
    for member in members(root)? {
        copy(&root.join(&member), &to.join(&member), to)?;
    }
    Ok(())
}

/// 使 `base` 之下的目录 `to` 与 `from` 相同；编辑器的文件（`.` 开头）、指向目录的符号链接不算。
pub fn copy(from: &Path, to: &Path, base: &Path) -> Result<()> {
    let problem = |e| format!("无法复制 {}：{e}", from.display());
    fs::create_dir_all(to).map_err(problem)?;
    for entry in fs::read_dir(from).map_err(problem)? {
        let entry = entry.map_err(problem)?;
        let (path, to) = (entry.path(), to.join(entry.file_name()));
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        } else if path.is_file() {
            write(&path, &to, base)?;
        } else if !path.is_symlink() {
            copy(&path, &to, base)?;
        }
    }
    // 原来有而现在没有的，不能留着：cargo 会编译它们
    for entry in fs::read_dir(to).map_err(problem)?.flatten() {
        let old = entry.path();
        if !from.join(entry.file_name()).exists() {
            if old.is_dir() { fs::remove_dir_all(&old) } else { fs::remove_file(&old) }
                .map_err(problem)?;
        }
    }
    Ok(())
}

/// 把文件 `from` 的内容写到 `to`，相同就不写；写在别处再改名，同时编译的人读不到半个文件。
fn write(from: &Path, to: &Path, base: &Path) -> Result<()> {
    let problem = |e| format!("无法复制 {}：{e}", from.display());
    let content = fs::read(from).map_err(problem)?;
    if !fs::read(to).is_ok_and(|old| old == content) {
        let part = base.join(format!(".part-{}", process::id()));
        fs::write(&part, content).map_err(problem)?;
        fs::rename(&part, to).map_err(problem)?;
    }
    Ok(())
}
