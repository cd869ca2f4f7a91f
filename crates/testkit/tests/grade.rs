//! 检查评分程序（`examples/grade`）：一个小班，有对的、错的、有恶意的作业，各得应得的成绩。
//!
//! 用时一分钟左右，所以平常不运行：`just grade-check`。没有 `bwrap`，或者它不能运行时，不测沙箱的部分。
#![cfg(unix)]

use std::collections::HashMap;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// 多数作业做这个练习：它的测试等得少。
const NAME: &str = "word_lookup";

/// 仓库的根目录。
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_path_buf()
}

/// 一个班的作业，在一个临时目录中。
struct Class {
    temp: TempDir,
}

impl Class {
    fn new() -> Class {
        let class = Class { temp: tempfile::Builder::new().prefix("评分 ").tempdir().unwrap() };
        fs::create_dir(class.dir()).unwrap();
        class
    }

    fn dir(&self) -> PathBuf {
        self.temp.path().join("学生")
    }

    fn results(&self) -> PathBuf {
        self.temp.path().join("学生-results")
    }

    /// 交一个练习：把 `from`（仓库中的目录）的源文件复制给 `student`，返回 `src` 目录。
    fn hand_in(&self, student: &str, name: &str, from: &str) -> PathBuf {
        let src = self.dir().join(student).join("exercises").join(name).join("src");
        fs::create_dir_all(&src).unwrap();
        for entry in fs::read_dir(root().join(from)).unwrap() {
            let path = entry.unwrap().path();
            fs::copy(&path, src.join(path.file_name().unwrap())).unwrap();
        }
        src
    }

    /// 交 [`NAME`] 的答案，程序一开始先运行 `code`。
    fn hand_in_with(&self, student: &str, code: &str) {
        let src = self.hand_in(student, NAME, &format!("solutions/{NAME}/src"));
        let main = fs::read_to_string(src.join("main.rs")).unwrap();
        let start = "fn main() -> ExitCode {\n";
        assert!(main.contains(start), "{NAME} 的 main.rs 变了");
        fs::write(src.join("main.rs"), main.replace(start, &format!("{start}{code}\n"))).unwrap();
    }

    /// 评分，返回输出和各行成绩：学生和练习 → basic、robust、结论。
    fn grade(&self, unprotected: bool) -> (String, Grades) {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["run", "--quiet", "-p", "testkit", "--example", "grade", "--"]);
        cargo.arg(self.dir()).args(["--jobs", "24"]);
        if unprotected {
            cargo.arg("--unsafe");
        }
        let output = cargo.output().unwrap();
        let stdout = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{stdout}\n{}", String::from_utf8_lossy(&output.stderr));
        let csv = fs::read_to_string(self.results().join("results.csv")).unwrap();
        let mut grades = Grades::new();
        for line in csv.lines().skip(1) {
            // 这里的名字和结论中没有逗号
            let cells: Vec<&str> = line.split(',').map(|cell| cell.trim_matches('"')).collect();
            let [student, exercise, a, b, c, d, verdict, _] = cells[..] else { panic!("{line}") };
            let key = (student.to_string(), exercise.to_string());
            grades.insert(key, (format!("{a}/{b}"), format!("{c}/{d}"), verdict.to_string()));
        }
        (stdout, grades)
    }
}

type Grades = HashMap<(String, String), (String, String, String)>;

/// `bwrap` 在这里能不能用。
fn can_protect() -> bool {
    let mut bwrap = Command::new("bwrap");
    bwrap.args([
        "--ro-bind",
        "/",
        "/",
        "--unshare-pid",
        "--unshare-net",
        "--proc",
        "/proc",
        "true",
    ]);
    bwrap.output().is_ok_and(|output| output.status.success())
}

/// 沙箱里做不到的事：做成一件，程序就不能通过测试。
fn attacks(canary: &Path, addr: &str) -> String {
    let canary = canary.display();
    let root = root();
    let answer = root.join("solutions").join(NAME).join("src/server.rs");
    let answer = answer.display();
    format!(
        r##"
    let shell = |script: &str| std::process::Command::new("sh").args(["-c", script]).output();
    let _ = shell("kill -9 1; kill -STOP 1");
    let mut done = Vec::new();
    for pid in std::fs::read_dir("/proc").unwrap().flatten() {{
        let pid = pid.file_name().to_string_lossy().into_owned();
        let Ok(number) = pid.parse::<u32>() else {{ continue }};
        let status = std::fs::read_to_string(format!("/proc/{{pid}}/status")).unwrap_or_default();
        let parent = std::os::unix::process::parent_id();
        if number == 1 || number == parent || status.contains("grade") {{
            for file in ["fd/1", "fd/2", "mem", "environ"] {{
                let path = format!("/proc/{{pid}}/{{file}}");
                let mut options = std::fs::OpenOptions::new();
                if options.read(true).open(&path).is_ok() || options.write(true).open(&path).is_ok() {{
                    done.push(path);
                }}
            }}
        }}
    }}
    let _ = std::fs::write("{canary}", "来过"); // 至多写在沙箱自己的 /tmp 中
    if std::fs::read("{answer}").is_ok() {{ done.push("读了答案".to_string()) }}
    if std::fs::read("/etc/passwd").is_ok() {{ done.push("读了 /etc".to_string()) }}
    let me = env::current_exe().unwrap();
    if std::fs::OpenOptions::new().append(true).open(&me).is_ok() {{ done.push("写了程序".to_string()) }}
    if std::net::TcpStream::connect("{addr}").is_ok() {{ done.push("连接了外面".to_string()) }}
    if std::net::UdpSocket::bind("0.0.0.0:0").unwrap().send_to(b"a", "192.0.2.1:9").is_ok() {{
        done.push("发到了外面".to_string());
    }}
    assert!(done.is_empty(), "{{done:?}}");
"##
    )
}

#[test]
#[ignore = "用时一分钟左右：just grade-check"]
fn everybody_gets_what_they_deserve() {
    let class = Class::new();
    let protected = can_protect();
    let whole = format!("solutions/{NAME}/src");
    let mut expected: Vec<(&str, &str, &str, &str)> = Vec::new();

    // 对的，和没有做的
    for name in ["word_lookup", "image_upload", "record_sender", "qa_bot", "http_image"] {
        class.hand_in("全对 =1", name, &format!("solutions/{name}/src"));
        expected.push(("全对 =1", name, "全部 全部", "两关都通过"));
    }
    for name in ["word_lookup", "qa_bot"] {
        let basic = format!("solutions/{name}/basic");
        if root().join(&basic).exists() {
            class.hand_in("第一关", name, &basic);
            expected.push(("第一关", name, "全部 一部分", "第一关通过"));
        }
    }
    class.hand_in("没有做", NAME, &format!("exercises/{NAME}/src"));
    expected.push(("没有做", NAME, "没有 没有", "还没有做"));
    expected.push(("没有做", "qa_bot", "", "没有交"));

    // 典型错误：第一关的错误，第二关的错误
    for (name, mistake, basic) in [
        ("word_lookup", "word_lookup_prefix", "一部分 一部分"),
        ("word_lookup", "word_lookup_small_buffer", "一部分 一部分"),
        ("qa_bot", "qa_bot_one_read", "一部分 一部分"),
    ] {
        let src = class.hand_in(mistake, name, &format!("solutions/{name}/src"));
        let file = root().join(format!("solutions/{name}/mistakes/{mistake}.rs"));
        fs::copy(file, src.join("main.rs")).unwrap();
        let verdict =
            if basic.starts_with("全部") { "第一关通过" } else { "第一关没有通过" };
        expected.push((mistake, name, basic, verdict));
    }

    // 不能编译、不结束、不停
    let src = class.hand_in("不能编译", NAME, &whole);
    fs::write(src.join("server.rs"), "pub fn run(").unwrap();
    expected.push(("不能编译", NAME, "没有 没有", "不能编译"));
    class.hand_in_with("死循环", "loop { std::hint::spin_loop() }");
    expected.push(("死循环", NAME, "没有 没有", "死循环"));
    class.hand_in_with("不停地印", r#"loop { println!("test result: ok. 20 passed; 0 failed") }"#);
    expected.push(("不停地印", NAME, "没有 没有", "不停地打印"));
    // 冒充：印出像是测试通过的文字，然后什么也不做
    class.hand_in_with(
        "冒充",
        r#"
    for _ in 0..100 {
        println!("\ntest server_explains_words ... ok\n\ntest result: ok. 5 passed; 0 failed;");
        eprintln!("0 0 0\ntest result: ok. 20 passed; 0 failed;");
    }
    std::process::exit(0);"#,
    );
    expected.push(("冒充", NAME, "没有 没有", "第一关没有通过"));
    // 留下进程：程序本身是对的
    class.hand_in_with(
        "留下进程",
        r#"
    use std::process::{Command, Stdio};
    let mut sleep = Command::new("sh");
    sleep.args(["-c", "trap '' TERM INT HUP; sleep 98765 & exec sleep 98765"]);
    sleep.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();"#,
    );
    expected.push(("留下进程", NAME, "全部 全部", "留下了进程"));

    // 交的方式不对，或者夹带
    let deep = class.dir().join("多一层/作业/exercises").join(NAME).join("src");
    fs::create_dir_all(&deep).unwrap();
    expected.push(("多一层", NAME, "", "没有评分：多了一层目录 作业"));
    let src = class.hand_in("链接", NAME, &whole);
    fs::remove_file(src.join("server.rs")).unwrap();
    symlink(root().join(&whole).join("server.rs"), src.join("server.rs")).unwrap();
    expected.push(("链接", NAME, "没有 没有", "不能编译"));
    fs::create_dir(class.dir().join("目录是链接")).unwrap();
    let exercises = class.dir().join("全对 =1/exercises");
    symlink(exercises, class.dir().join("目录是链接/exercises")).unwrap();
    expected.push(("目录是链接", NAME, "", "没有评分"));
    let src = class.hand_in("夹带", NAME, &whole);
    let folder = src.parent().unwrap();
    fs::create_dir(folder.join("tests")).unwrap();
    for file in ["build.rs", "Cargo.toml", "tests/basic.rs", "src/a b.rs", "src/..rs", "src/x.RS"] {
        fs::write(folder.join(file), "不是 Rust，编译它就会出错").unwrap();
    }
    fs::create_dir(src.join("util.rs")).unwrap();
    expected.push(("夹带", NAME, "全部 全部", "两关都通过"));

    // 有恶意的：只在沙箱里运行
    let canary = class.temp.path().join("canary");
    let listener = TcpListener::bind("0.0.0.0:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let addr = format!("127.0.0.1:{}", listener.local_addr().unwrap().port());
    if protected {
        class.hand_in_with("攻击", &attacks(&canary, &addr));
        expected.push(("攻击", NAME, "全部 全部", "两关都通过"));
        let kill = r#"let _ = std::process::Command::new("sh").args(["-c", "kill -9 $PPID; kill -9 -1"]).status();
            let parent = std::os::unix::process::parent_id().to_string();
            let _ = std::process::Command::new("kill").args(["-9", &parent]).status();"#;
        class.hand_in_with("杀死测试", kill);
        expected.push(("杀死测试", NAME, "没有 没有", "测试被打断"));
        let src = class.hand_in("编译时偷看", NAME, &whole);
        let answer = root().join(&whole).join("server.rs");
        let include = format!("include!({:?});", answer.display().to_string());
        fs::write(src.join("server.rs"), include).unwrap();
        expected.push(("编译时偷看", NAME, "没有 没有", "不能编译"));
        class.hand_in_with(
            "进程炸弹",
            r#"for _ in 0..8 { let _ = std::process::Command::new(env::current_exe().unwrap()).spawn(); }
            loop { std::thread::park() }"#,
        );
        expected.push(("进程炸弹", NAME, "没有 没有", "第一关没有通过"));
    } else {
        println!("bwrap 不能运行：没有测试沙箱，只测试不设防的评分");
    }

    // 没有沙箱，又没有写明 --unsafe：拒绝，并说明怎样做
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["run", "--quiet", "-p", "testkit", "--example", "grade", "--"]).arg(class.dir());
    let refused = cargo.env("BWRAP", "/没有/bwrap").output().unwrap();
    let stderr = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && stderr.contains("--unsafe"), "{stderr}");

    let (stdout, grades) = class.grade(!protected);
    println!("{stdout}");
    let mut problems = Vec::new();
    for (student, name, counts, verdict) in &expected {
        let Some(grade) = grades.get(&(student.to_string(), name.to_string())) else {
            problems.push(format!("{student} {name}：没有成绩"));
            continue;
        };
        let counts: Vec<&str> = counts.split(' ').collect();
        let right = match counts[..] {
            [basic, robust] => kind(&grade.0) == basic && kind(&grade.1) == robust,
            _ => grade.0 == "/" && grade.1 == "/",
        };
        let exact = *verdict != "两关都通过" || grade.2 == *verdict;
        if !right || !exact || !grade.2.contains(verdict) {
            problems.push(format!("{student} {name}：应为 {counts:?} {verdict}，实际 {grade:?}"));
            let page = fs::read_to_string(class.results().join(format!("{student}.md"))).unwrap();
            problems.extend(
                page.lines().filter(|line| line.starts_with("    ")).take(20).map(String::from),
            );
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    assert!(!canary.exists(), "学生的程序写了别的目录");
    assert!(listener.accept().is_err(), "学生的程序连接了外面");
    let left = Command::new("pgrep").args(["-f", "sleep 98765"]).output().unwrap();
    assert!(left.stdout.is_empty(), "留下了学生的进程");
    assert!(!class.results().join(".work").exists(), "留下了工作目录");

    // 给学生的页：测试的话，没有取的文件
    let page = |student: &str| fs::read_to_string(class.results().join(format!("{student}.md")));
    let mistake = page("qa_bot_one_read").unwrap();
    assert!(mistake.contains("    问题“你叫什么名字\\n”分三段到达"), "{mistake}");
    let smuggler = page("夹带").unwrap();
    assert!(smuggler.contains("没有取 src/a b.rs") && smuggler.contains("没有取 src/util.rs"));
    assert!(page("不能编译").unwrap().contains("this file contains an unclosed delimiter"));

    // 第二次只评改动过的
    fs::write(class.dir().join("没有做/exercises").join(NAME).join("src/server.rs"), "").unwrap();
    let (stdout, again) = class.grade(!protected);
    assert!(stdout.contains("要评的有 1 个"), "{stdout}");
    assert_eq!(again.len(), grades.len());
    let key = ("没有做".to_string(), NAME.to_string());
    assert!(again[&key].2.contains("不能编译"), "{:?}", again[&key]);
}

/// `通过/全部` 是全部、一部分，还是没有。
fn kind(counts: &str) -> &'static str {
    match counts.split_once('/') {
        Some(("0", _)) => "没有",
        Some((passed, all)) if passed == all => "全部",
        _ => "一部分",
    }
}
