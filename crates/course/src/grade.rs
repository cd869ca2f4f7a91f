//! `cargo course grade DIR NAME`：目录中的每个目录是一名学生，各得一行 CSV。

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::{fs, process};

use crate::cargo::{self, Built};
use crate::exercise::{self, STAGES};
use crate::runner::{self, Report};
use crate::{Result, mirror};

/// 一份作业的分数：每一关通过和全部的测试各多少；第一个没有通过的测试，或者不能测试的原因。
struct Mark {
    numbers: String,
    problem: String,
}

/// 给 `dir` 中的全部学生评分，练习为 `name`。
pub fn grade(root: &Path, dir: &Path, name: &str) -> Result<bool> {
    let students = students(dir)?;
    eprintln!("学生的程序以你的权限运行；放在容器中评分的命令见 docs/instructor.md。正在编译……");
    let place = Place::new(root, name)?;
    let mut out = io::stdout();
    // 有开头的 U+FEFF，Excel 才当作 UTF-8
    writeln!(out, "\u{feff}学生,第一关通过,第一关全部,第二关通过,第二关全部,第一个没有通过的")?;
    for (number, student) in students.iter().enumerate() {
        let id = student.file_name().unwrap_or_default().to_string_lossy();
        eprintln!("{}/{} {id}……", number + 1, students.len());
        let sources = [student.join(format!("exercises/{name}/src")), student.join("src")];
        let src = sources.iter().find(|src| has_rust(src)).map(PathBuf::as_path);
        let Mark { numbers, problem } = place.mark(src).map_err(|e| format!("{id}：{e}"))?;
        eprintln!("{numbers} {problem}");
        if src.is_none() {
            eprintln!("其中没有 src/*.rs，也没有 exercises/{name}/src/*.rs");
        } else if !problem.is_empty() {
            // 计算机的问题不算学生的：答案在同一个地方也要通过
            let answer = root.join(format!("solutions/{name}/robust/src"));
            let problem = place.mark(Some(&answer))?.problem;
            if !problem.is_empty() {
                let cause = "这台计算机太忙、磁盘已满或者限制太低";
                return Err(format!("答案也没有通过（{problem}）：{cause}，{id} 没有评分").into());
            }
        }
        writeln!(out, "{},{numbers},{}", field(&id), field(&problem))?;
    }
    Ok(true)
}

/// 目录 `dir` 中的各个目录，按名字排列。
fn students(dir: &Path) -> Result<Vec<PathBuf>> {
    let problem = |e| format!("无法读取 {}：{e}", dir.display());
    let mut students = Vec::new();
    for entry in fs::read_dir(dir).map_err(problem)? {
        let path = entry.map_err(problem)?.path();
        if path.is_dir() {
            students.push(path);
        } else {
            eprintln!("跳过 {}：不是学生的目录", path.display());
        }
    }
    students.sort();
    if students.is_empty() {
        return Err(format!("{} 中没有学生的目录", dir.display()).into());
    }
    Ok(students)
}

/// 目录 `src` 中有没有 Rust 程序。
fn has_rust(src: &Path) -> bool {
    let entries = fs::read_dir(src).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).any(|path| path.extension().is_some_and(|e| e == "rs"))
}

/// CSV 的一格：加上引号；`=` 等开头的不是公式。
fn field(text: &str) -> String {
    let quote = if text.starts_with(['=', '+', '-', '@']) { "'" } else { "" };
    format!("\"{quote}{}\"", text.replace('"', "\"\""))
}

/// 评分的地方：工作区的又一个副本，用完删去；同时进行的评分各有一个。
struct Place<'a> {
    root: &'a Path,
    name: &'a str,
    tests: Built,
    dir: PathBuf,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.dir);
    }
}

impl<'a> Place<'a> {
    fn new(root: &'a Path, name: &'a str) -> Result<Self> {
        let copy = root.join("target/course");
        mirror::mirror(root, &copy)?;
        let package = format!("{name}_robust");
        let args = ["--target-dir=target", "--test=basic", "--test=robust", "-p", &package];
        let tests = cargo::build(&copy, &args)?;
        if !tests.success {
            return Err(format!("不能编译答案和测试：\n{}", tests.messages).into());
        }
        let dir = root.join(format!("target/course-grade-{}", process::id()));
        let place = Place { root, name, tests, dir };
        mirror::mirror(root, &place.dir)?;
        Ok(place)
    }

    /// 测试目录 `src` 中的程序，返回分数；没有交的（`None`）一个也没有通过。
    fn mark(&self, src: Option<&Path>) -> Result<Mark> {
        let (program, mut problem) = match src {
            Some(src) => self.compile(src)?,
            None => (None, "没有交".to_string()),
        };
        let mut numbers = Vec::new();
        for (_, file) in STAGES {
            let tests = exercise::tests(self.root, self.name, file)?;
            let mut report = Report::default();
            if let Some(program) = &program {
                let exe = self.tests.path(&format!("solutions/{}/robust", self.name), file)?;
                report = runner::run(exe, &self.dir, Some(program), &tests)?;
            }
            numbers.push(format!("{},{}", report.passed.len(), tests.len()));
            if let (Some((first, _)), true) = (report.failed.first(), problem.is_empty()) {
                problem = first.clone();
            }
        }
        Ok(Mark { numbers: numbers.join(","), problem })
    }

    /// 编译目录 `src` 中的程序，返回它的路径，或者不能编译的原因；没有交 `main.rs` 的，用课程的。
    fn compile(&self, src: &Path) -> Result<(Option<PathBuf>, String)> {
        let member = format!("exercises/{}", self.name);
        let here = self.dir.join(&member).join("src");
        if let Err(e) = mirror::copy(src, &here, &self.dir) {
            return Ok((None, e.to_string()));
        }
        if !here.join("main.rs").exists() {
            fs::copy(self.root.join(&member).join("src/main.rs"), here.join("main.rs"))?;
        }
        // 目标目录总是空的：不会把前一份作业的程序当作这一份的
        let target = self.dir.join("target");
        if target.exists() {
            fs::remove_dir_all(&target)?;
        }
        let args = ["--target-dir=target", "--bin", self.name, "-p", self.name];
        let built = cargo::build(&self.dir, &args)?;
        if !built.success {
            eprintln!("{}", built.messages);
            return Ok((None, "不能编译".to_string()));
        }
        Ok((Some(built.path(&member, self.name)?.to_path_buf()), String::new()))
    }
}
