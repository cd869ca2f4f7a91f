//! 练习在哪里，有哪些测试，测试的次序。

use std::path::{Path, PathBuf};
use std::{env, fs};

use crate::Result;

/// 两关的名称和测试文件。
pub const STAGES: [(&str, &str); 2] = [("第一关", "basic"), ("第二关", "robust")];

/// 工作区的根目录；由 `cargo run` 说，因此两处工作区可以共用一个目标目录。
pub fn root() -> PathBuf {
    let dir = env::var_os("CARGO_MANIFEST_DIR").unwrap_or(env!("CARGO_MANIFEST_DIR").into());
    Path::new(&dir).ancestors().nth(2).expect("本包在 crates/course").to_path_buf()
}

/// 读文件；读不到时，错误中有它的名字。
pub fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(|e| format!("无法读取 {}：{e}", path.display()).into())
}

/// 工作区的成员，即 `Cargo.toml` 中 `members` 列出的目录。
pub fn members(root: &Path) -> Result<Vec<String>> {
    let manifest = read(&root.join("Cargo.toml"))?;
    let list = manifest.split_once("\nmembers = [").ok_or("Cargo.toml 中没有 members")?.1;
    let lines = list.lines().take_while(|line| *line != "]");
    Ok(lines.filter_map(|line| line.trim().split('"').nth(1)).map(String::from).collect())
}

/// 各个练习的名字，次序与 `Cargo.toml` 相同。
pub fn names(root: &Path) -> Result<Vec<String>> {
    let members = members(root)?;
    Ok(members.iter().filter_map(|m| m.strip_prefix("exercises/")).map(String::from).collect())
}

/// 练习 `name` 的测试文件 `test` 中的测试，按 `README.md` 提到它们的次序，没有提到的在最后。
pub fn tests(root: &Path, name: &str, test: &str) -> Result<Vec<String>> {
    let names = names(root)?;
    if !names.iter().any(|known| known == name) {
        return Err(format!("没有练习 {name}；练习有：{}", names.join("、")).into());
    }
    let dir = root.join("exercises").join(name);
    let readme = read(&dir.join("README.md"))?;
    let code = readme.split('`').skip(1).step_by(2);
    let mentioned: Vec<&str> = code.flat_map(str::split_whitespace).collect();
    let mut tests = test_names(&read(&dir.join(format!("tests/{test}.rs")))?);
    tests.sort_by_key(|test| mentioned.iter().position(|m| m == test).unwrap_or(usize::MAX));
    Ok(tests)
}

/// 测试文件 `source` 中各个测试的名字。
pub fn test_names(source: &str) -> Vec<String> {
    let tests = source.split("#[test]").skip(1).filter_map(|rest| rest.split_once("fn "));
    tests.map(|(_, rest)| rest.split('(').next().unwrap_or("").to_string()).collect()
}
