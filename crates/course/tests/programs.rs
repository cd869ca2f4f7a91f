//! 骨架、答案、典型错误，各用共用的测试运行一遍：该失败的失败，该通过的通过。

mod common;

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use common::{
    build, exercises, files, finish, is_stub, no_cargo, report, root, side_by_side, text,
};
use course::cargo::Built;
use course::exercise::{self, STAGES, test_names};
use course::runner;
use testkit::{Program, rule};

/// 一个骨架的全部测试都失败，最多需要的时间。
const SOON: Duration = Duration::from_secs(8);

/// 编译好的答案、典型错误和测试；只编译一次。
fn answers() -> &'static Built {
    static BUILT: OnceLock<Built> = OnceLock::new();
    BUILT.get_or_init(|| {
        let packages = exercises().into_iter();
        let packages: Vec<String> = packages
            .flat_map(|name| [format!("{name}_solution"), format!("{name}_robust")])
            .collect();
        let mut args = vec!["--bins", "--examples", "--test=basic", "--test=robust"];
        args.extend(packages.iter().flat_map(|package| ["-p", package]));
        build(&args)
    })
}

/// 练习 `name` 的测试文件 `file` 中的测试。
fn tests(name: &str, file: &str) -> Vec<String> {
    test_names(&text(&format!("exercises/{name}/tests/{file}.rs")))
}

#[test]
fn stubs_say_what_to_do() {
    if no_cargo() {
        return;
    }
    let stubs: Vec<String> = exercises().into_iter().filter(|name| is_stub(name)).collect();
    if stubs.is_empty() {
        return;
    }
    let mut args = vec!["--bins", "--test=basic", "--test=robust"];
    args.extend(stubs.iter().flat_map(|name| ["-p", name]));
    let built = build(&args);
    assert_eq!(built.messages, "", "骨架和测试编译时没有警告");
    report(side_by_side(&stubs, |name| {
        let mut problems = Vec::new();
        let start = Instant::now();
        for (_, file) in STAGES {
            let member = format!("exercises/{name}");
            let exe = built.path(&member, file).unwrap();
            let report = runner::run(exe, &root().join(&member), None, &tests(name, file)).unwrap();
            for test in report.passed {
                problems.push(format!("{name} 的骨架通过了 {file} 的 {test}"));
            }
            for (test, said) in report.failed {
                if !said.contains("not yet implemented") {
                    problems
                        .push(format!("{name} 的骨架：{file} 的 {test} 没有指出 todo!：\n{said}"));
                }
            }
        }
        if start.elapsed() > SOON {
            problems.push(format!("{name} 的骨架：测试用了 {:?} 才失败", start.elapsed()));
        }
        problems
    }));
}

#[test]
fn mistakes_are_rejected_by_the_test_they_name() {
    if no_cargo() {
        return;
    }
    let built = answers();
    let examples: Vec<(String, PathBuf)> = exercises()
        .into_iter()
        .flat_map(|name| {
            let files = files(&format!("solutions/{name}/examples"), "rs");
            files.into_iter().map(move |file| (name.clone(), file))
        })
        .collect();
    assert!(!examples.is_empty(), "solutions 中没有典型错误");
    report(side_by_side(&examples, |(name, file)| {
        let example = file.file_stem().unwrap().to_string_lossy();
        let source = exercise::read(file).unwrap_or_else(|e| panic!("{e}"));
        let header: Vec<&str> = source.lines().take_while(|line| line.starts_with("//!")).collect();
        let named = header.iter().find_map(|line| line.strip_prefix("//! 拒绝它的测试：`"));
        let named = named.and_then(|rest| rest.strip_suffix("`。")?.split_once("` 的 `"));
        let program = built.path(&format!("solutions/{name}"), &example).unwrap();
        let robust = format!("solutions/{name}/robust");
        let failed = |file: &str, tests: &[String]| {
            let exe = built.path(&robust, file).unwrap_or_else(|e| panic!("{e}"));
            runner::run(exe, &root().join(&robust), Some(program), tests).unwrap().failed
        };
        match named {
            Some((file, test)) if failed(file, &[test.to_string()]).is_empty() => {
                vec![format!("{example} 没有被 {file} 的 {test} 拒绝")]
            }
            Some(_) => Vec::new(),
            None if header.contains(&"//! 通过全部测试。") => {
                let failed = STAGES.iter().flat_map(|(_, file)| failed(file, &tests(name, file)));
                failed.map(|(test, said)| format!("{example} 没有通过 {test}：\n{said}")).collect()
            }
            None => {
                let form = "//! 拒绝它的测试：`basic` 的 `some_test`。";
                vec![format!("{example} 的开头没有写：{form}（或者：//! 通过全部测试。）")]
            }
        }
    }));
}

/// 在练习 `name` 的目录中启动它的答案；`sh` 是先执行的 shell 命令，没有就直接启动。
fn start(name: &str, sh: &str, args: &[&str]) -> Program {
    let built = answers();
    let exe = built.path(&format!("solutions/{name}/robust"), &format!("{name}_robust")).unwrap();
    let dir = root().join("exercises").join(name);
    if sh.is_empty() {
        return rule("").program_in(&dir, exe, args);
    }
    let script = format!("{sh}; exec \"$0\" \"$@\"");
    let args = [&["-c", &script, exe.to_str().unwrap()], args].concat();
    rule("").program_in(&dir, Path::new("sh"), &args)
}

#[test]
fn wrong_arguments_show_the_usage() {
    if no_cargo() {
        return;
    }
    let addr = "127.0.0.1:0";
    let wrong: [&[&str]; 3] = [&["abc"], &["server", "abc"], &["server", addr, addr, "a"]];
    report(side_by_side(&exercises(), |name| {
        let mut problems = Vec::new();
        for args in wrong {
            let program = start(name, "", args);
            finish(&program);
            program.expect_exit(2);
            let (stdout, stderr) = (program.stdout(), program.stderr());
            if !stdout.is_empty() || !stderr.starts_with("用法：") {
                problems.push(format!(
                    "{name} {args:?}：应当在标准错误上说明用法；\
                     实际是标准输出 {stdout:?}，标准错误 {stderr:?}"
                ));
            }
        }
        problems
    }));
}

/// 没有写地址时用课程的地址。不占用它的端口：程序得不到描述符，错误中写明地址。
#[test]
#[cfg(target_os = "linux")]
fn default_addresses_are_the_course_s() {
    report(side_by_side(&exercises(), |name| {
        let cases: &[(u32, &[&str], &str)] = match name.as_str() {
            "http_image" => &[(3, &[], "0.0.0.0:8000")],
            "image_upload" => &[
                (3, &["server"], "0.0.0.0:5555"),
                (4, &["client", "photo.jpg"], "127.0.0.1:5555"), // 图片也要一个描述符
            ],
            _ => &[(3, &["server"], "0.0.0.0:5555"), (3, &["client"], "127.0.0.1:5555")],
        };
        let mut problems = Vec::new();
        for (limit, args, addr) in cases {
            // 标准输出空着，启动程序时用的描述符就有位置
            let close = "exec 1>&- 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-";
            let program = start(name, &format!("{close}; ulimit -n {limit}"), args);
            program.type_line("tcp");
            finish(&program);
            let stderr = program.stderr();
            if !stderr.contains(addr) || stderr.contains("用法") {
                problems.push(format!("{name} {args:?}：默认的地址是 {addr}；标准错误：{stderr}"));
            }
        }
        problems
    }));
}
