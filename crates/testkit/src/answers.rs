//! 对答案的检查：错误的参数、典型错误、第一关的答案、只改动一处的答案。
//!
//! 这里的检查自己调用 cargo，用共用的测试去测另一个程序（环境变量 `TESTKIT_PROGRAM`）。

use std::collections::{BTreeMap, BTreeSet};
use std::env::consts::EXE_SUFFIX;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::thread;

use crate::Program;

/// 各运行一个测试时，同时检验的程序个数：它们多半在等期限，不占处理器。
const ONE_TEST_EACH: usize = 16;

/// 各运行全部测试时，同时检验的程序个数。
const ALL_TESTS_EACH: usize = 4;

/// 编译工作区中的另一个程序 `name`，返回它的路径；`exe` 是本包程序的路径。
pub fn neighbour(exe: &Path, name: &str) -> PathBuf {
    build(exe, &["-p", name]);
    exe.with_file_name(format!("{name}{EXE_SUFFIX}"))
}

/// 编译包 `package` 的示例 `name`，返回它的路径；`exe` 与本包的程序在同一个目录。
pub fn example(exe: &Path, package: &str, name: &str) -> PathBuf {
    build(exe, &["-p", package, "--example", name]);
    exe.with_file_name("examples").join(format!("{name}{EXE_SUFFIX}"))
}

/// 运行 `cargo build`，参数为 `args`，没有通过编译则崩溃；产物与程序 `exe` 在同一个目录。
fn build(exe: &Path, args: &[&str]) {
    let status = cargo("build", exe).arg("--quiet").args(args).status();
    assert!(status.expect("无法运行 cargo").success(), "{args:?} 没有通过编译");
}

/// `cargo COMMAND`：编译方式、产物的目录都与程序 `exe` 相同，不管它们由参数还是环境变量指定。
fn cargo(command: &str, exe: &Path) -> Command {
    let mut cargo = Command::new(env!("CARGO"));
    // exe 是 目标目录/debug/程序；指定了 --target 时，目标目录之下多一层，同样适用
    let target_dir = exe.ancestors().nth(2).expect("程序在目标目录中");
    cargo.arg(command).arg("--target-dir").arg(target_dir).env_remove("CARGO_BUILD_TARGET");
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    cargo
}

/// 检查练习的程序 `exe` 遇到错误的参数时说明用法，退出状态为 2。
#[track_caller]
pub fn assert_usage(exe: &Path) {
    for args in [&["abc"][..], &["server", "abc"], &["server", "127.0.0.1:0", "127.0.0.1:0", "a"]] {
        let mut program = Program::start(exe, args);
        program.explain("命令行的参数有误：在标准错误上说明用法，退出状态为 2。");
        program.assert_exit(2);
        program.assert_stdout("");
        if !program.stderr().starts_with("用法：") {
            program.fail("标准错误以“用法：”开头");
        }
    }
}

/// 一个练习的答案：它的包名、目录（`CARGO_MANIFEST_DIR`）和程序的路径。
pub struct Answer<'a> {
    /// 包名，例如 `qa_bot_solution`。
    pub package: &'a str,
    /// 包的目录。
    pub dir: &'a Path,
    /// 编译好的程序。
    pub exe: &'a Path,
}

impl Answer<'_> {
    /// 练习的名字，也是目录的名字。
    fn name(&self) -> &str {
        self.package.trim_end_matches("_solution")
    }

    /// 练习中的文件 `file` 的内容。
    fn exercise_file(&self, file: &str) -> String {
        read(&self.dir.join("../../exercises").join(self.name()).join(file))
    }

    /// 用 `test` 中名字含有 `filter` 的测试检验程序 `program`，返回没有通过的测试。
    #[track_caller]
    fn failures(&self, program: &Path, test: &str, filter: &[&str]) -> BTreeSet<String> {
        let mut cargo = cargo("test", self.exe);
        cargo.args(["-p", self.package, "--test", test, "--"]).args(filter);
        cargo.env("TESTKIT_PROGRAM", program).env_remove("RUST_BACKTRACE");
        let output = cargo.output().expect("无法运行 cargo");
        let stdout = String::from_utf8_lossy(&output.stdout);
        let ran = stdout.contains("test result: ") && !stdout.contains("running 0 tests");
        assert!(ran, "没有运行 {test} 的测试：{}", String::from_utf8_lossy(&output.stderr));
        let failed =
            |line: &str| Some(line.strip_prefix("test ")?.strip_suffix(" ... FAILED")?.into());
        stdout.lines().filter_map(failed).collect()
    }

    /// `basic` 和 `robust` 中没有通过的测试；前者加上 `basic/`。
    #[track_caller]
    fn all_failures(&self, program: &Path) -> BTreeSet<String> {
        let basic = self.failures(program, "basic", &[]).into_iter();
        let mut failed: BTreeSet<String> = basic.map(|test| format!("basic/{test}")).collect();
        failed.extend(self.failures(program, "robust", &[]));
        failed
    }

    /// 编译好的 cargo example 的路径。
    fn example(&self, name: &str) -> PathBuf {
        self.exe.with_file_name("examples").join(format!("{name}{EXE_SUFFIX}"))
    }

    /// 检查没有写地址时用的是课程的地址，而不占用它的端口：程序得不到套接字的描述符，错误中写明地址。
    #[cfg(unix)]
    #[track_caller]
    pub fn assert_default_addresses(&self) {
        let cases: &[(usize, &[&str], &str)] = match self.name() {
            "http_image" => &[(3, &[], "0.0.0.0:8000")],
            "image_upload" => &[
                (3, &["server"], "0.0.0.0:5555"),
                (4, &["client", "photo.jpg"], "127.0.0.1:5555"), // 另一个描述符用于图片
            ],
            _ => &[(3, &["server"], "0.0.0.0:5555"), (3, &["client"], "127.0.0.1:5555")],
        };
        for (limit, args, addr) in cases {
            // 标准输出空着，启动程序时用的描述符就有位置
            let script = format!(
                "exec 1>&- 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-; ulimit -n {limit}; exec \"$0\" \"$@\""
            );
            let exe = self.exe.to_str().expect("路径是 UTF-8");
            let mut program =
                Program::start_in(self.dir, "sh", &[&["-c", &script, exe], *args].concat());
            program.explain("没有写地址时，用课程的地址。");
            program.type_line("tcp");
            program.wait_stderr(addr);
            if program.stderr().contains("用法") {
                program.fail("不写地址也可以，不说明用法");
            }
        }
    }

    /// 检查每个典型错误（`mistakes/*.rs`）都被它自己指明的测试拒绝。
    ///
    /// 文件开头写明 ``//! 拒绝它的测试：`basic` 的 `some_test`。``。
    #[track_caller]
    pub fn assert_mistakes_are_rejected(&self) {
        build(self.exe, &["-p", self.package, "--examples"]);
        let mistakes: Vec<PathBuf> = fs::read_dir(self.dir.join("mistakes"))
            .expect("没有 mistakes 目录")
            .map(|entry| entry.expect("无法读取 mistakes 目录").path())
            .collect();
        assert!(!mistakes.is_empty(), "没有典型错误");
        report(&mistakes, ONE_TEST_EACH, |mistake| {
            let name = mistake.file_stem().expect("文件名").to_string_lossy();
            let source = read(mistake);
            let line = source.lines().find(|line| line.starts_with("//! 拒绝它的测试："));
            let quoted: Vec<&str> = line.unwrap_or_default().split('`').collect();
            let [_, test, _, filter, _] = quoted[..] else {
                return Some(format!("{name}：没有指明拒绝它的测试"));
            };
            let failed = self.failures(&self.example(&name), test, &["--exact", filter]);
            failed.is_empty().then(|| format!("{name} 没有被 {test} 的 {filter} 拒绝"))
        });
    }

    /// 检查第一关的答案通过 `basic`，在 `robust` 中恰好通不过它自己指明的测试。
    ///
    /// `basic/*.rs` 的开头写明“`robust` 中它通不过：”，其后是各个测试的名字。
    #[track_caller]
    pub fn assert_first_stage_is_honest(&self) {
        let example = format!("{}_basic", self.name());
        build(self.exe, &["-p", self.package, "--example", &example]);
        let mut named = BTreeSet::new();
        for file in ["server.rs", "client.rs"] {
            let source = fs::read_to_string(self.dir.join("basic").join(file)).unwrap_or_default();
            let header: Vec<&str> =
                source.lines().take_while(|line| line.starts_with("//!")).collect();
            let header = header.join("\n");
            let tests = header.split_once("通不过：").unwrap_or_default().1;
            named.extend(tests.split('`').skip(1).step_by(2).map(String::from));
        }
        let failed = self.all_failures(&self.example(&example));
        assert_eq!(failed, named, "左：第一关的答案通不过的测试；右：它的开头写明的");
    }

    /// 检查 `README.md` 的“第二关”：每条规则都以检查它的测试结尾，`robust` 的每个测试都检查某条规则，
    /// 而且在 `changes.txt` 中有一处改动。
    #[track_caller]
    pub fn assert_rules_name_their_tests(&self) {
        let readme = self.exercise_file("README.md");
        let rules = rules(&readme);
        let (robust, fire) =
            ["robust", "fire"].map(|t| tests(&self.exercise_file(&format!("tests/{t}.rs")))).into();
        let changes = read(&self.dir.join("changes.txt"));
        let changed: BTreeSet<&str> = changes
            .lines()
            .filter_map(|line| line.strip_prefix("== ")?.split(' ').next())
            .collect();
        let mut rules_of: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        let mut problems = Vec::new();
        for rule in &rules {
            let names: Vec<&str> = rule.split('`').skip(1).step_by(2).collect();
            let known = |name: &&&str| robust.contains(**name) || fire.contains(**name);
            if names.last().filter(known).is_none() {
                problems.push(format!("没有以测试的名字结尾：{rule}"));
            }
            for name in names.iter().filter(known) {
                rules_of.entry(name).or_default().push(rule);
            }
        }
        for (test, rules) in &rules_of {
            if rules.len() > 1 && !rules.iter().all(|rule| rule.contains("同一个测试")) {
                problems.push(format!("几条规则由 {test} 检查，没有写明“同一个测试”"));
            }
        }
        for test in &robust {
            if !rules_of.contains_key(test.as_str()) {
                problems.push(format!("没有一条规则指明由 {test} 检查"));
            }
            if !changed.contains(test.as_str()) {
                problems.push(format!("changes.txt 中没有只由 {test} 发现的改动"));
            }
        }
        assert!(!rules.is_empty() && problems.is_empty(), "第二关：\n{}", problems.join("\n"));
    }

    /// 检查 `changes.txt`：把答案改动一处，恰好有一个测试变红。`temp` 是空的目录，改动之后的答案放在其中。
    ///
    /// 一处改动以 `== 测试 文件` 开头，然后是去掉的行（`-` 开头，在文件中只出现一次）和换上的行（`+` 开头），
    /// 可以有几组；`#` 开头的是说明。
    #[track_caller]
    pub fn assert_changes_turn_one_test_red(&self, temp: &Path) {
        let text = read(&self.dir.join("changes.txt"));
        let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        let starts: Vec<usize> =
            (0..lines.len()).filter(|&i| lines[i].starts_with("== ")).collect();
        assert!(!starts.is_empty(), "changes.txt 中没有改动");
        let ends = starts.iter().skip(1).copied().chain([lines.len()]);
        let changes: Vec<(usize, &[&str])> =
            starts.iter().zip(ends).map(|(&i, end)| (i, &lines[i..end])).collect();
        report(&changes, ALL_TESTS_EACH, |(line, change)| {
            let [_, test, file] = change[0].split(' ').collect::<Vec<_>>()[..] else {
                return Some(format!("不合格式：{}", change[0]));
            };
            let dir = temp.join(line.to_string());
            let changed = match apply(&change[1..], &read(&self.dir.join(file))) {
                Ok(changed) => changed,
                Err(problem) => return Some(format!("{}：{problem}", change[0])),
            };
            let program = match self.compile(&dir, file, &changed) {
                Ok(program) => program,
                Err(problem) => return Some(format!("{} 没有通过编译：\n{problem}", change[0])),
            };
            let right = |failed: &BTreeSet<String>| failed.len() == 1 && failed.contains(test);
            let mut failed = self.all_failures(&program);
            if !right(&failed) {
                failed = self.all_failures(&program); // 可能是机器太忙：再看一次
            }
            (!right(&failed))
                .then(|| format!("{}：变红的是 {failed:?}\n{}", change[0], change[1..].join("\n")))
        });
    }

    /// 把答案复制到 `dir`，其中的 `file` 换成 `content`，编译，返回程序的路径；没有通过时返回编译器的话。
    fn compile(&self, dir: &Path, file: &str, content: &str) -> Result<PathBuf, String> {
        fs::create_dir_all(dir.join("src")).expect("无法创建目录");
        for from in [self.dir, &self.dir.join("src")] {
            for entry in
                fs::read_dir(from).expect("无法读取答案").map(|entry| entry.expect("目录项"))
            {
                let relative = entry.path().strip_prefix(self.dir).expect("在答案中").to_path_buf();
                if entry.path().is_file() {
                    fs::copy(entry.path(), dir.join(relative)).expect("无法复制答案");
                }
            }
        }
        fs::write(dir.join(file), content).expect("无法写入改动");
        let program = dir.join(format!("program{EXE_SUFFIX}"));
        let mut rustc = Command::new("rustc");
        rustc
            .args(["--edition", "2024", "--cap-lints", "allow", "src/main.rs", "-o"])
            .arg(&program);
        let output = rustc.current_dir(dir).env("CARGO_PKG_NAME", self.package).output();
        let output = output.expect("无法运行 rustc");
        let problem = String::from_utf8_lossy(&output.stderr).into_owned();
        if output.status.success() { Ok(program) } else { Err(problem) }
    }
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|e| panic!("无法读取 {}：{e}", path.display()))
}

/// 对每一项运行 `check`，同时有 `at_once` 项；它返回的问题汇总为一次失败。
#[track_caller]
fn report<T: Sync>(items: &[T], at_once: usize, check: impl Fn(&T) -> Option<String> + Sync) {
    let (next, problems) = (Mutex::new(items.iter()), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..at_once {
            scope.spawn(|| {
                while let Some(item) = { next.lock().expect("另一项检查崩溃").next() } {
                    if let Some(problem) = check(item) {
                        problems.lock().expect("另一项检查崩溃").push(problem);
                    }
                }
            });
        }
    });
    let problems = problems.into_inner().expect("检查崩溃");
    assert!(problems.is_empty(), "{} 项不合格：\n{}", problems.len(), problems.join("\n"));
}

/// 把改动 `change` 的各行用于 `source`，返回改动之后的内容，或者不能改动的原因。
fn apply(change: &[&str], source: &str) -> Result<String, String> {
    let mut source = source.to_string();
    let mut rest = change.iter().filter(|line| !line.is_empty()).peekable();
    while rest.peek().is_some() {
        let mut take = |sign: char| {
            let mut text = String::new();
            while let Some(line) = rest.next_if(|line| line.starts_with(sign)) {
                text += &line[1..];
                text += "\n";
            }
            text
        };
        let (old, new) = (take('-'), take('+'));
        if old.is_empty() || source.matches(&old).count() != 1 {
            return Err(format!("在文件中不是恰好出现一次：\n{old}{new}"));
        }
        source = source.replace(&old, &new);
    }
    Ok(source)
}

/// `README.md` 中“第二关”的各条规则：带编号的一项，连同缩进的续行。
fn rules(readme: &str) -> Vec<String> {
    let lines = readme.lines().skip_while(|line| !line.starts_with("## 第二关")).skip(1);
    let mut rules: Vec<String> = Vec::new();
    let mut in_rule = false;
    for line in lines.take_while(|line| !line.starts_with("## ")) {
        let number = line.split_once(". ").is_some_and(|(n, _)| n.parse::<u32>().is_ok());
        in_rule = number || in_rule && line.starts_with(' ');
        match rules.last_mut() {
            _ if number => rules.push(line.to_string()),
            Some(rule) if in_rule => rule.push_str(line),
            _ => {}
        }
    }
    rules
}

/// 测试文件 `source` 中各个测试的名字。
fn tests(source: &str) -> BTreeSet<String> {
    let tests = source.split("#[test]").skip(1);
    tests
        .filter_map(|rest| Some(rest.split_once("fn ")?.1.split_once('(')?.0.to_string()))
        .collect()
}
