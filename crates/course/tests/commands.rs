//! `cargo course` 的三个命令，在一个很小的课程中：练习 `one` 的程序打印几个词，每个测试要其中一个。

mod common;

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::SystemTime;

use common::no_cargo;
use tempfile::TempDir;

/// 完成的、没有完成的和不能编译的 `server.rs`。
const DONE: &str = "pub fn run() { println!(\"alpha beta gamma\"); }";
const HALF: &str = "pub fn run() { println!(\"alpha beta\"); }";
const STUB: &str = "pub fn run() { todo!(\"第 1 步\") }";
const WRONG: &str = "pub fn run() { println!(\"alpha\") + }";

const MAIN: &str = "mod server; fn main() { server::run() }";

/// 测试的开头：程序打印的内容里有 `word`。
const SAYS: &str = r#"
fn says(word: &str) {
    assert!(std::env::var("BUSY").is_err(), "计算机太忙");
    let own = option_env!("CARGO_BIN_EXE_one").or(option_env!("CARGO_BIN_EXE_one_robust"));
    let program = std::env::var("TESTKIT_PROGRAM").unwrap_or(own.unwrap().to_string());
    let output = std::process::Command::new(program).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains(word), "应当打印 {word}，实际是 {said:?}");
}
"#;

/// 一个很小的课程；`README` 先提到 `says_beta`，后提到 `says_alpha`。
fn course(server: &str) -> TempDir {
    let temp = TempDir::with_prefix("课程 ").unwrap(); // 路径中有汉字和空格
    let test = |name: &str| format!("#[test]\nfn says_{name}() {{ says({name:?}) }}\n");
    let package = |name: &str| {
        format!("[package]\nname = {name:?}\nedition = \"2024\"\nversion = \"0.1.0\"\n")
    };
    let tests = [
        ("exercises/one/tests/basic.rs", [SAYS, &test("alpha"), &test("beta")].concat()),
        (
            "exercises/one/tests/robust.rs",
            [SAYS, &test("gamma"), "#[test]\n#[cfg(any())]\nfn elsewhere() {}"].concat(),
        ),
    ];
    let shared = "[[test]]\nname = \"basic\"\npath = \"../../../exercises/one/tests/basic.rs\"\n\
                  [[test]]\nname = \"robust\"\npath = \"../../../exercises/one/tests/robust.rs\"\n";
    let members = "[workspace]\nresolver = \"3\"\nmembers = [\n    \"exercises/one\",\n    \
                   \"solutions/one/robust\", # 答案\n]\n";
    for (file, content) in tests.iter().map(|(file, content)| (*file, content.as_str())).chain([
        ("Cargo.toml", members),
        ("exercises/one/Cargo.toml", &package("one")),
        ("exercises/one/README.md", "先 `cargo course check one says_beta`，再 `says_alpha`"),
        ("exercises/one/src/main.rs", MAIN),
        ("exercises/one/src/server.rs", server),
        ("exercises/mine/notes.md", "学生自己的目录"),
        ("solutions/one/robust/Cargo.toml", &(package("one_robust") + shared)),
        ("solutions/one/robust/src/main.rs", MAIN),
        ("solutions/one/robust/src/server.rs", DONE),
    ]) {
        write(temp.path(), file, content);
    }
    temp
}

fn write(dir: &Path, file: &str, content: &str) {
    let path = dir.join(file);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

/// 在课程 `root` 中运行 `cargo course ARGS`；不能启动 cargo 的系统上跳过（见 `no_cargo`）。
fn run(root: &Path, args: &[&str], settings: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_course"));
    command.args(args).current_dir(root).env("CARGO_MANIFEST_DIR", root.join("crates/course"));
    command.envs(settings.iter().copied()).output().unwrap()
}

/// 退出状态是 `status`，返回标准输出。
#[track_caller]
fn stdout(output: &Output, status: i32) -> String {
    let [stdout, stderr] =
        [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
    assert_eq!(output.status.code(), Some(status), "标准输出：\n{stdout}\n标准错误：\n{stderr}");
    stdout.into_owned()
}

#[track_caller]
fn assert_has(text: &str, part: &str) {
    assert!(text.contains(part), "没有 {part:?}：\n{text}");
}

#[test]
fn check_shows_only_the_first_failure() {
    if no_cargo() {
        return;
    }
    let temp = course(STUB);
    let output = stdout(&run(temp.path(), &["check", "one"], &[]), 1);
    assert_has(&output, "第一关：通过 0 个，没有通过的第一个是 says_beta\n");
    assert_has(&output, "应当打印 beta");
    assert_has(
        &output,
        "还有 1 个没有通过：says_alpha\n只检查这一个：cargo course check one says_beta\n",
    );
    assert!(!output.contains("应当打印 alpha") && !output.contains("第二关"), "{output}");
    // 个人的设置不影响它
    let settings = [
        ("CARGO_TERM_COLOR", "always"),
        ("CARGO_TERM_VERBOSE", "true"),
        ("RUST_BACKTRACE", "full"),
        ("RUST_TEST_NOCAPTURE", "1"),
        ("RUST_TEST_SHUFFLE", "1"),
        ("RUST_TEST_THREADS", "1"),
        ("TESTKIT_PROGRAM", "nothing"),
    ];
    let without_ids = |text: &str| text.split(['(', ')']).step_by(2).collect::<String>();
    let other = stdout(&run(temp.path(), &["check", "one"], &settings), 1);
    assert_eq!(without_ids(&other), without_ids(&output), "有了个人的设置（左），结果就不同");
    // 第一关通过之后是第二关
    write(temp.path(), "exercises/one/src/server.rs", HALF);
    let output = stdout(&run(temp.path(), &["check", "one"], &[]), 1);
    assert_has(&output, "第一关：2 个全部通过。\n");
    assert_has(&output, "第二关：通过 0 个，没有通过的第一个是 says_gamma\n");
    // 只检查一个测试
    stdout(&run(temp.path(), &["check", "one", "says_alpha"], &[]), 0);
    let unknown = run(temp.path(), &["check", "one", "says_delta"], &[]);
    assert_has(&String::from_utf8_lossy(&unknown.stderr), "one 没有测试 says_delta");
    let unknown = run(temp.path(), &["check", "won"], &[]);
    assert_has(&String::from_utf8_lossy(&unknown.stderr), "没有练习 won；练习有：one");
}

#[test]
fn check_does_not_trust_modification_times() {
    if no_cargo() {
        return;
    }
    let temp = course(DONE);
    let output = stdout(&run(temp.path(), &["check", "one"], &[]), 0);
    assert_has(&output, "第二关：1 个全部通过。\n");
    assert_has(&output, "这个系统上不能检查：elsewhere\n");
    assert_has(&output, "两关都完成了！");
    // 解压出来的旧文件
    write(temp.path(), "exercises/one/src/server.rs", STUB);
    let file = File::options().write(true).open(temp.path().join("exercises/one/src/server.rs"));
    file.unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
    stdout(&run(temp.path(), &["check", "one"], &[]), 1);
    // 去掉的文件不再编译，编辑器的文件不算
    write(temp.path(), "exercises/one/src/server.rs", DONE);
    write(temp.path(), "exercises/one/build.rs", "fn main() { panic!() }");
    stdout(&run(temp.path(), &["check", "one"], &[]), 1);
    fs::remove_file(temp.path().join("exercises/one/build.rs")).unwrap();
    write(temp.path(), "exercises/one/tests/.#basic.rs", "不是程序");
    stdout(&run(temp.path(), &["check", "one"], &[]), 0);
}

#[test]
fn check_shows_what_does_not_compile() {
    if no_cargo() {
        return;
    }
    let temp = course(WRONG);
    let output = run(temp.path(), &["check", "one"], &[]);
    stdout(&output, 1);
    let stderr = String::from_utf8_lossy(&output.stderr).replace('\\', "/");
    assert_has(&stderr, "--> exercises/one/src/server.rs:1:");
    assert_has(&stderr, "one 不能编译");
    let output = stdout(&run(temp.path(), &["progress"], &[]), 0);
    assert_has(&output, "one            不能编译：cargo course check one\n");
    write(temp.path(), "exercises/one/Cargo.toml", "[package]");
    let output = run(temp.path(), &["check", "one"], &[]);
    assert_has(&String::from_utf8_lossy(&output.stderr), "不在练习的程序里");
}

#[test]
fn progress_counts() {
    if no_cargo() {
        return;
    }
    let temp = course(HALF);
    let output = stdout(&run(temp.path(), &["progress"], &[]), 0);
    assert_has(
        &output,
        "one            第一关  2/2    第二关  0/2    （这个系统上不能检查：elsewhere）\n",
    );
}

#[test]
fn grade_gives_each_student_a_row() {
    if no_cargo() {
        return;
    }
    let temp = course(STUB);
    let class = temp.path().join("students");
    write(&class, "full/src/server.rs", DONE); // 没有交 main.rs
    write(&class, "half/exercises/one/src/server.rs", HALF);
    write(&class, "half/exercises/one/src/main.rs", MAIN);
    write(&class, "stub, 1/src/server.rs", STUB);
    write(&class, "wrong/src/server.rs", WRONG);
    write(&class, "=deep/deep/src/server.rs", DONE);
    write(&class, "名单.txt", "");
    let output = run(temp.path(), &["grade", "students", "one"], &[]);
    let expected = "\u{feff}学生,第一关通过,第一关全部,第二关通过,第二关全部,第一个没有通过的\n\
                    \"'=deep\",0,2,0,2,\"没有交\"\n\
                    \"full\",2,2,1,2,\"\"\n\
                    \"half\",2,2,0,2,\"says_gamma\"\n\
                    \"stub, 1\",0,2,0,2,\"says_beta\"\n\
                    \"wrong\",0,2,0,2,\"不能编译\"\n";
    assert_eq!(stdout(&output, 0), expected, "{}", String::from_utf8_lossy(&output.stderr));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_has(&stderr, "跳过 students");
    assert_has(&stderr, "3/5 half……\n2,2,0,2 says_gamma\n");
    // 答案也不通过：不是学生的错误
    let output = run(temp.path(), &["grade", "students", "one"], &[("BUSY", "1")]);
    assert!(!stdout(&output, 1).contains("full"));
    assert_has(&String::from_utf8_lossy(&output.stderr), "答案也没有通过（says_beta）");
    let left = fs::read_dir(temp.path().join("target")).unwrap().count();
    assert_eq!(left, 1, "target 中只留下 course");
}

#[test]
fn nobody_reads_the_output() {
    if no_cargo() {
        return;
    }
    let temp = course(STUB);
    let mut command = Command::new(env!("CARGO_BIN_EXE_course"));
    command.arg("progress").env("CARGO_MANIFEST_DIR", temp.path().join("crates/course"));
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "", "标准输出已经关闭时，什么也不说");
}

#[test]
fn wrong_arguments_show_the_usage() {
    for args in [&[][..], &["check"], &["grade", "a"], &["test"], &["check", "a", "b", "c"]] {
        let output = run(Path::new("."), args, &[]);
        assert_eq!(output.status.code(), Some(2));
        assert_has(&String::from_utf8_lossy(&output.stderr), "用法：cargo course check");
    }
}
