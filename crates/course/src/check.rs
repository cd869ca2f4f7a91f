//! `cargo course check NAME [TEST]`：第一关通过之后是第二关；只显示第一个没有通过的测试。

use std::io::{self, Write};
use std::path::Path;

use crate::exercise::{self, STAGES};
use crate::{Result, cargo, mirror, runner};

/// 检查练习 `name`，或者只检查它的测试 `only`；全部通过时返回 `true`。
pub fn check(root: &Path, name: &str, only: Option<&str>) -> Result<bool> {
    let mut out = io::stdout();
    let mut stages = Vec::new();
    for (stage, file) in STAGES {
        let mut tests = exercise::tests(root, name, file)?;
        tests.retain(|test| only.is_none_or(|only| test == only));
        if !tests.is_empty() {
            stages.push((stage, file, tests));
        }
    }
    if stages.is_empty() {
        let only = only.unwrap_or("");
        return Err(
            format!("{name} 没有测试 {only}；测试的名字见 exercises/{name}/README.md").into()
        );
    }

    writeln!(out, "正在编译 {name}……（第一次要等一会儿）")?;
    let copy = root.join("target/course");
    mirror::mirror(root, &copy)?;
    let args = ["--target-dir=target", "--test=basic", "--test=robust", "-p", name];
    let built = cargo::build(&copy, &args)?;
    if !built.success {
        eprintln!("{}\n", built.messages);
        return match built.does_not_compile(name) {
            true => Err(format!("{name} 不能编译：先改正上面的第一个 error").into()),
            false => Err("cargo 没有成功：原因见上，不在练习的程序里".into()),
        };
    }
    for (stage, file, tests) in stages {
        writeln!(out, "{stage}：正在运行 {} 个测试……", tests.len())?;
        let member = format!("exercises/{name}");
        let report = runner::run(built.path(&member, file)?, &copy.join(&member), None, &tests)?;
        if !report.missing.is_empty() {
            writeln!(out, "这个系统上不能检查：{}", report.missing.join("、"))?;
        }
        let passed = report.passed.len();
        let Some(((first, said), rest)) = report.failed.split_first() else {
            writeln!(out, "{stage}：{passed} 个全部通过。")?;
            continue;
        };
        writeln!(out, "{stage}：通过 {passed} 个，没有通过的第一个是 {first}\n\n{said}\n")?;
        if !rest.is_empty() {
            let names: Vec<&str> = rest.iter().map(|(name, _)| name.as_str()).collect();
            writeln!(out, "还有 {} 个没有通过：{}", rest.len(), names.join("、"))?;
        }
        writeln!(out, "只检查这一个：cargo course check {name} {first}")?;
        return Ok(false);
    }
    let names = exercise::names(root)?;
    let next = names.iter().skip_while(|other| *other != name).nth(1);
    let compare = format!("与 solutions/{name} 中的答案对照一下");
    let after = match (only, next) {
        (Some(_), _) => format!("接着检查整个练习：cargo course check {name}"),
        (None, Some(next)) => format!("两关都完成了！{compare}，再做下一个练习：exercises/{next}"),
        (None, None) => format!("两关都完成了！{compare}；全部的进度：cargo course progress"),
    };
    writeln!(out, "{after}")?;
    Ok(true)
}
