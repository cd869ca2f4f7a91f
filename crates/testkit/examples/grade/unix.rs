//! 评分的过程：编译测试，编译每个程序，运行全部测试，写出结果。

use std::collections::hash_map::DefaultHasher;
use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::hash::{Hash, Hasher};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use crate::sandbox::{End, Job, Outcome, Sandbox, supervise};
use crate::submission::{Sources, collect, printable};

type Error = Box<dyn std::error::Error>;

/// 一个测试最多这么多秒：测试自己在 15 秒之内结束，其余留给很忙的机器。
const TEST_LIMIT: u64 = 40;

/// 编译一个程序最多这么多秒。
const COMPILE_LIMIT: u64 = 60;

/// 失败的测试用了这么多秒的处理器时间，就是空转；这样的测试有几个，就是死循环。
const BUSY: f64 = 0.5;
const BUSY_TESTS: usize = 3;

/// 失败的测试不超过这么多，就在最后单独再运行一次：可能是机器太忙。
const DOUBTFUL: usize = 2;

/// 一个测试的说明最多显示这么多行。
const MAX_LINES: usize = 80;

/// 一关的测试：`basic` 或 `robust`。
struct Suite {
    kind: &'static str,
    binary: PathBuf,
    tests: Vec<String>,
}

/// 一个练习。
struct Exercise {
    name: String,
    /// `exercises/NAME`，测试要读其中的数据文件。
    dir: PathBuf,
    data: Vec<PathBuf>,
    suites: [Suite; 2],
    /// 测试、数据和评分程序的摘要：变了就要重新评分。
    digest: u64,
}

/// 一名学生的一个练习。
struct Unit<'a> {
    student: String,
    exercise: &'a Exercise,
    sources: Sources,
    digest: u64,
    dir: PathBuf,
    /// 每个测试的结果，次序同 `suites`；编译的输出。
    outcomes: Mutex<Vec<Option<Outcome>>>,
    compiled: Mutex<Option<Outcome>>,
}

/// 成绩表的一行，和说明中的一节。
#[derive(Clone)]
struct Row {
    student: String,
    exercise: String,
    /// 通过、全部；没有评分时是 `None`。
    counts: Option<[(usize, usize); 2]>,
    verdict: String,
    seconds: f64,
    section: String,
}

pub fn main() -> ExitCode {
    let args: Vec<OsString> = env::args_os().skip(1).collect();
    if args.first().is_some_and(|arg| arg == "--supervise") {
        return supervise(&args[1..]);
    }
    let mut dir = None;
    let mut unprotected = false;
    let mut jobs = 8 * thread::available_parallelism().map_or(2, usize::from);
    let mut rest = args.into_iter();
    while let Some(arg) = rest.next() {
        match arg.to_str() {
            Some("--unsafe") => unprotected = true,
            Some("--jobs") => match rest.next().and_then(|n| n.to_str()?.parse().ok()) {
                Some(n @ 1..) => jobs = n,
                _ => return usage(),
            },
            Some(option) if option.starts_with('-') => return usage(),
            _ if dir.is_none() => dir = Some(PathBuf::from(arg)),
            _ => return usage(),
        }
    }
    let Some(dir) = dir else { return usage() };
    match grade(&dir, unprotected, jobs) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("错误：{e}");
            ExitCode::FAILURE
        }
    }
}

fn usage() -> ExitCode {
    eprintln!("用法：just grade DIR [--unsafe] [--jobs N]");
    eprintln!("DIR 中每名学生一个目录，其中有 exercises/NAME/src；结果写在 DIR-results");
    ExitCode::from(2)
}

fn grade(dir: &Path, unprotected: bool, jobs: usize) -> Result<(), Error> {
    let start = Instant::now();
    let dir = dir.canonicalize().map_err(|e| format!("无法读取 {}：{e}", dir.display()))?;
    let students = students(&dir)?;
    let mut name = dir.file_name().ok_or("不能评整个文件系统")?.to_os_string();
    name.push("-results");
    let results = dir.with_file_name(name);
    let work = Work::new(&results)?;
    let supervisor = work.0.join("grade");
    copy_executable(&env::current_exe()?, &supervisor)?;
    let sandbox = Sandbox::new(supervisor, unprotected).map_err(|e| {
        format!(
            "{e}\n学生的程序会在这台机器上不受限制地运行。请安装 bubblewrap，或者换虚拟机；\
             确实要这样做，就加上 --unsafe"
        )
    })?;
    if !sandbox.protects() {
        println!("注意：没有沙箱，学生的程序可以读写你的文件、连接网络");
    }

    println!("编译测试……");
    let exercises = exercises(&work.0)?;
    let mut rows = Vec::new();
    let mut units = Vec::new();
    for student in &students {
        for exercise in &exercises {
            match prepare(&dir, &results, student, exercise, &work.0, units.len())? {
                Prepared::Row(row) => rows.push(row),
                Prepared::Unit(unit) => units.push(unit),
            }
        }
    }
    let count = students.len() * exercises.len();
    println!("{} 名学生，共 {count} 个程序，要评的有 {} 个", students.len(), units.len());
    rows.extend(run(&sandbox, &units, jobs, &results)?);

    let order = |row: &Row| students.iter().position(|student| *student == row.student);
    rows.sort_by(|a, b| order(a).cmp(&order(b)).then_with(|| a.exercise.cmp(&b.exercise)));
    write_results(&results, &rows)?;
    print_table(&rows, &exercises);
    println!("结果：{}/results.csv，每名学生的说明在旁边的 .md 文件中", results.display());
    println!("用了 {:.0} 秒", start.elapsed().as_secs_f64());
    Ok(())
}

/// 各名学生的目录名。
fn students(dir: &Path) -> Result<Vec<String>, Error> {
    if dir.join("exercises").is_dir() {
        return Err("DIR 里应当每名学生一个目录；这里直接就是 exercises".into());
    }
    let mut students = Vec::new();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') {
            continue;
        }
        match entry.file_type()?.is_dir() && entry.file_name().to_str().is_some() {
            true => students.push(name),
            false => println!("没有评分：{} 不是目录", line(&name)),
        }
    }
    students.sort();
    match students.is_empty() {
        true => Err("DIR 里没有学生的目录".into()),
        false => Ok(students),
    }
}

/// 评分时的工作目录，结束时删去。
struct Work(PathBuf);

impl Work {
    fn new(results: &Path) -> Result<Work, Error> {
        fs::create_dir_all(results.join(".cache"))?;
        let work = results.join(".work");
        if let Ok(pid) = fs::read_to_string(work.join("pid")) {
            if Path::new("/proc").join(&pid).exists() {
                return Err(format!("另一个评分正在进行（进程 {pid}）").into());
            }
        }
        let _ = fs::remove_dir_all(&work); // 上一次中途停止时留下的
        fs::DirBuilder::new().mode(0o700).create(&work)?;
        fs::write(work.join("pid"), std::process::id().to_string())?;
        Ok(Work(work))
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// 复制一个程序，只能执行，不能读（见 `sandbox.rs`）。
fn copy_executable(from: &Path, to: &Path) -> Result<(), Error> {
    fs::copy(from, to)?;
    fs::set_permissions(to, fs::Permissions::from_mode(0o111))?;
    Ok(())
}

/// 编译五个练习的测试，列出其中的各个测试。
fn exercises(work: &Path) -> Result<Vec<Exercise>, Error> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize()?;
    let mut found = Vec::new();
    let workspace = fs::read_to_string(root.join("Cargo.toml"))?;
    let members = workspace.lines().filter_map(|line| line.trim().strip_prefix("\"exercises/"));
    for name in members.filter_map(|rest| rest.strip_suffix("\",")).map(String::from) {
        let dir = root.join("exercises").join(&name);
        let mut hasher = DefaultHasher::new();
        for source in [include_str!("unix.rs"), include_str!("sandbox.rs")] {
            source.hash(&mut hasher);
        }
        let mut suites = Vec::new();
        for kind in ["basic", "robust"] {
            let original = test_binary(&root, &name, kind)?;
            fs::read(&original)?.hash(&mut hasher);
            let binary = work.join(format!("{name}-{kind}"));
            copy_executable(&original, &binary)?;
            let list = Command::new(&binary).args(["--list", "--format", "terse"]).output()?;
            let list = String::from_utf8(list.stdout)?;
            let tests = list.lines().filter_map(|line| line.strip_suffix(": test"));
            let tests: Vec<String> = tests.map(String::from).collect();
            if tests.is_empty() {
                return Err(format!("{name} 的 {kind} 没有测试").into());
            }
            suites.push(Suite { kind, binary, tests });
        }
        let mut data = Vec::new();
        for entry in fs::read_dir(&dir)? {
            let path = entry?.path();
            if path.extension().is_some_and(|e| e == "txt" || e == "jpg") {
                fs::read(&path)?.hash(&mut hasher);
                data.push(path);
            }
        }
        let suites = suites.try_into().map_err(|_| "每个练习有两组测试")?;
        found.push(Exercise { name, dir, data, suites, digest: hasher.finish() });
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

/// 编译一组测试，返回它的路径。
fn test_binary(root: &Path, name: &str, kind: &str) -> Result<PathBuf, Error> {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or("cargo".into()));
    cargo.args(["test", "--quiet", "--no-run", "-p", name, "--test", kind]);
    let output = cargo.args(["--message-format", "json"]).current_dir(root).output()?;
    let json = String::from_utf8_lossy(&output.stdout);
    let test = json.lines().find(|line| line.contains(r#""kind":["test"]"#)).unwrap_or_default();
    let path = test.split_once(r#""executable":""#).and_then(|(_, rest)| rest.split_once('"'));
    match path {
        Some((path, _)) if output.status.success() => Ok(PathBuf::from(path)),
        _ => Err(format!(
            "{name} 的测试没有通过编译，请在没有改动过的仓库中评分：\n{}",
            String::from_utf8_lossy(&output.stderr)
        )
        .into()),
    }
}

enum Prepared<'a> {
    /// 不用评，或者评过。
    Row(Row),
    Unit(Unit<'a>),
}

fn prepare<'a>(
    dir: &Path,
    results: &Path,
    student: &str,
    exercise: &'a Exercise,
    work: &Path,
    number: usize,
) -> Result<Prepared<'a>, Error> {
    let sources = match collect(&dir.join(student), &exercise.name) {
        Ok(sources) => sources,
        Err(verdict) => {
            return Ok(Prepared::Row(Row {
                student: student.to_string(),
                exercise: exercise.name.clone(),
                counts: None,
                section: format!("## {}\n\n{verdict}\n", exercise.name),
                verdict,
                seconds: 0.0,
            }));
        }
    };
    let mut hasher = DefaultHasher::new();
    (exercise.digest, &sources.files, &sources.notes).hash(&mut hasher);
    let digest = hasher.finish();
    if let Some(row) = Row::load(results, student, &exercise.name, digest) {
        return Ok(Prepared::Row(row));
    }
    // 编译时看得见的：学生的源文件，main.rs 没有交时是练习给出的，和数据文件
    let unit = work.join(number.to_string());
    let copy = unit.join("exercises").join(&exercise.name);
    fs::create_dir_all(copy.join("src"))?;
    fs::create_dir_all(unit.join("out"))?;
    fs::set_permissions(unit.join("out"), fs::Permissions::from_mode(0o777))?;
    for path in &exercise.data {
        fs::copy(path, copy.join(path.file_name().unwrap_or_default()))?;
    }
    fs::copy(exercise.dir.join("src/main.rs"), copy.join("src/main.rs"))?;
    for (name, content) in &sources.files {
        fs::write(copy.join("src").join(name), content)?;
    }
    let tests = exercise.suites.iter().map(|suite| suite.tests.len()).sum();
    Ok(Prepared::Unit(Unit {
        student: student.to_string(),
        exercise,
        sources,
        digest,
        dir: unit,
        outcomes: Mutex::new((0..tests).map(|_| None).collect()),
        compiled: Mutex::new(None),
    }))
}

/// `workers` 个线程依次取 `items` 处理；`f` 的第一个参数是线程的号码。
fn parallel<T: Sync>(workers: usize, items: &[T], f: impl Fn(usize, &T) + Sync) {
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for worker in 0..workers.min(items.len()) {
            let (next, f) = (&next, &f);
            scope.spawn(move || {
                while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
                    f(worker, item);
                }
            });
        }
    });
}

/// 编译并测试全部程序。
fn run(sandbox: &Sandbox, units: &[Unit], jobs: usize, results: &Path) -> Result<Vec<Row>, Error> {
    if units.is_empty() {
        return Ok(Vec::new());
    }
    let sysroot = Command::new("rustc").args(["--print", "sysroot"]).output()?;
    let sysroot = PathBuf::from(String::from_utf8(sysroot.stdout)?.trim_end());
    let cores = thread::available_parallelism().map_or(2, usize::from);
    let start = Instant::now();
    let done = AtomicUsize::new(0);
    parallel(cores, units, |slot, unit| {
        *unit.compiled.lock().unwrap() = Some(unit.compile(sandbox, slot, &sysroot));
        let done = done.fetch_add(1, Ordering::Relaxed) + 1;
        if done % 10 == 0 || done == units.len() {
            println!("编译 {done}/{}", units.len());
        }
    });
    println!("编译用了 {:.0} 秒，开始测试", start.elapsed().as_secs_f64());

    let start = Instant::now();
    let rows = Mutex::new(Vec::new());
    let doubtful = Mutex::new(Vec::new());
    let finish = |unit: &Unit, row: Row| {
        row.save(results, unit.digest);
        let _ = fs::remove_dir_all(&unit.dir);
        let mut rows = rows.lock().unwrap();
        rows.push(row.clone());
        let rest = start.elapsed().as_secs_f64() / rows.len() as f64;
        let minutes = rest * (units.len() - rows.len()) as f64 / 60.0;
        let (n, all, name) = (rows.len(), units.len(), line(&unit.student));
        println!(
            "[{n:3}/{all}] {name} {}：{}（约余 {minutes:.0} 分）",
            row.exercise,
            row.summary()
        );
    };
    for unit in units.iter().filter(|unit| !unit.is_compiled()) {
        finish(unit, unit.row());
    }
    let compiled: Vec<&Unit> = units.iter().filter(|unit| unit.is_compiled()).collect();
    let all_tests = |unit: &&'_ Unit| 0..unit.outcomes.lock().unwrap().len();
    let pairs: Vec<(&Unit, usize)> =
        compiled.iter().flat_map(|unit| all_tests(unit).map(move |test| (*unit, test))).collect();
    parallel(jobs, &pairs, |slot, &(unit, test)| {
        if unit.test(sandbox, slot, test) {
            let failed = unit.failed();
            match failed.len() {
                1..=DOUBTFUL => {
                    doubtful.lock().unwrap().extend(failed.into_iter().map(|test| (unit, test)));
                }
                _ => finish(unit, unit.row()),
            }
        }
    });
    let doubtful = doubtful.into_inner().unwrap();
    if !doubtful.is_empty() {
        println!("只差一两个测试的，把失败的再运行一次（{} 个测试）", doubtful.len());
        parallel(2 * cores, &doubtful, |slot, &(unit, test)| {
            unit.test(sandbox, slot, test);
        });
        for unit in compiled.iter().filter(|unit| unit.dir.exists()) {
            finish(unit, unit.row());
        }
    }
    Ok(rows.into_inner().unwrap())
}

impl Unit<'_> {
    fn program(&self) -> PathBuf {
        self.dir.join("out").join(&self.exercise.name)
    }

    fn is_compiled(&self) -> bool {
        matches!(&*self.compiled.lock().unwrap(), Some(Outcome { end: End::Passed, .. }))
    }

    /// 与 `cargo test` 一样编译；学生的目录里没有别的东西可以 `include_str!`。
    fn compile(&self, sandbox: &Sandbox, slot: usize, sysroot: &Path) -> Outcome {
        let name = self.exercise.name.as_str();
        let (source, program) = (format!("exercises/{name}/src/main.rs"), self.program());
        let mut args = vec!["--edition", "2024", "--crate-name", name, "-A", "warnings"];
        args.extend(["-F", "unsafe_code", "-C", "strip=symbols", &source, "-o"]);
        let mut args: Vec<&OsStr> = args.into_iter().map(OsStr::new).collect();
        args.push(program.as_os_str());
        let out = self.dir.join("out");
        let sources = self.dir.join("exercises");
        let job = Job {
            readable: vec![sysroot, &sources],
            writable: Some(&out),
            dir: Some(&self.dir),
            env: vec![
                ("CARGO_PKG_NAME", name.as_ref()),
                ("CARGO_PKG_VERSION", env!("CARGO_PKG_VERSION").as_ref()),
                ("CARGO_MANIFEST_DIR", "exercises".as_ref()),
            ],
        };
        sandbox.run(slot, COMPILE_LIMIT, sysroot.join("bin/rustc"), &args, &job)
    }

    fn suite_and_test(&self, index: usize) -> (&Suite, &str) {
        let [basic, robust] = &self.exercise.suites;
        match basic.tests.get(index) {
            Some(test) => (basic, test),
            None => (robust, &robust.tests[index - basic.tests.len()]),
        }
    }

    /// 运行一个测试；这个程序的测试都有了结果时，返回 `true`。
    fn test(&self, sandbox: &Sandbox, slot: usize, index: usize) -> bool {
        let (suite, test) = self.suite_and_test(index);
        let program = self.program();
        let mut readable = vec![suite.binary.as_path(), program.as_path()];
        readable.extend(self.exercise.data.iter().map(PathBuf::as_path));
        let env = vec![("TESTKIT_PROGRAM", program.as_os_str())];
        let job = Job { readable, writable: None, dir: Some(Path::new("/tmp")), env };
        let args = ["--exact".as_ref(), test.as_ref()];
        let outcome = sandbox.run(slot, TEST_LIMIT, &suite.binary, &args, &job);
        let mut outcomes = self.outcomes.lock().unwrap();
        outcomes[index] = Some(outcome);
        outcomes.iter().all(Option::is_some)
    }

    /// 没有通过的测试。
    fn failed(&self) -> Vec<usize> {
        let outcomes = self.outcomes.lock().unwrap();
        let failed =
            |outcome: &Option<Outcome>| outcome.as_ref().is_some_and(|o| o.end != End::Passed);
        (0..outcomes.len()).filter(|&index| failed(&outcomes[index])).collect()
    }

    /// 得出结论，写出说明。
    fn row(&self) -> Row {
        let compiled = self.compiled.lock().unwrap();
        let outcomes = self.outcomes.lock().unwrap();
        let mut seconds = compiled.as_ref().map_or(0.0, |outcome| outcome.seconds);
        let mut counts = self.exercise.suites.each_ref().map(|suite| (0, suite.tests.len()));
        let mut failures = String::new();
        let mut unfinished = 0;
        let mut busy = 0;
        let mut remarks: Vec<&str> = Vec::new();
        for (index, outcome) in outcomes.iter().enumerate() {
            let Some(outcome) = outcome else { continue };
            let (suite, test) = self.suite_and_test(index);
            seconds += outcome.seconds;
            let failed = outcome.end != End::Passed;
            busy += usize::from(failed && outcome.cpu.as_secs_f64() >= BUSY);
            let program = self.program().display().to_string(); // 路径是教师的机器上的
            let text = &outcome.output.replace(&program, &self.exercise.name);
            let remark = [
                (outcome.left_processes, "留下了进程"),
                (failed && text.contains("程序不停地打印"), "不停地打印"),
                (failed && text.contains("对方不停地发送"), "不停地发送"),
                (outcome.end == End::TimedOut, "测试超时"),
                (outcome.end == End::Killed, "测试被打断"),
            ];
            remarks.extend(remark.iter().filter(|(found, _)| *found).map(|(_, text)| *text));
            if failed {
                unfinished += usize::from(text.contains("not yet implemented"));
                failures += &format!(
                    "\n`{}` 的 `{test}`：\n\n{}",
                    suite.kind,
                    indented(message(text, test))
                );
            } else {
                counts[usize::from(suite.kind == "robust")].0 += 1;
            }
        }
        let [basic, robust] = counts;
        let mut verdict = match compiled.as_ref().map(|outcome| outcome.end) {
            Some(End::Failed) => "不能编译",
            Some(End::TimedOut | End::Killed) => "编译没有完成",
            _ if basic.0 == basic.1 && robust.0 == robust.1 => "两关都通过",
            _ if basic.0 == basic.1 => "第一关通过",
            _ if unfinished == basic.1 + robust.1 => "还没有做",
            _ => "第一关没有通过",
        }
        .to_string();
        remarks.sort();
        remarks.dedup();
        match busy {
            0 => {}
            1..BUSY_TESTS => remarks.push("有时空转"),
            _ => remarks.push("死循环"),
        }
        for remark in remarks {
            verdict += &format!("；{remark}");
        }
        if let Some(Outcome { end: End::Failed | End::TimedOut | End::Killed, output, .. }) =
            &*compiled
        {
            failures = format!("\n{}", indented(output));
        }
        let mut section = format!("## {}\n\n**{verdict}**", self.exercise.name);
        section +=
            &format!("，`basic` {}/{}，`robust` {}/{}\n", basic.0, basic.1, robust.0, robust.1);
        for note in &self.sources.notes {
            section += &format!("\n{note}\n");
        }
        section += &failures;
        let (student, exercise) = (self.student.clone(), self.exercise.name.clone());
        Row { student, exercise, counts: Some(counts), verdict, seconds, section }
    }
}

/// 测试的说明：去掉测试框架自己的话。
fn message<'a>(output: &'a str, test: &str) -> &'a str {
    let start = format!("---- {test} stdout ----\n");
    let text = output.split_once(&start).map_or(output, |(_, rest)| rest);
    let text = text.rsplit_once("\nfailures:\n").map_or(text, |(text, _)| text);
    let panicked = text.find("panicked at ").and_then(|at| Some(at + text[at..].find('\n')?));
    let text = &text[panicked.unwrap_or(0)..];
    text.split("\nnote: run with `RUST_BACKTRACE").next().unwrap_or(text).trim_matches('\n')
}

/// Markdown 中原样显示的文字：每行缩进 4 格，里面的任何字符都不起作用。
fn indented(text: &str) -> String {
    let text = printable(text);
    let mut lines: Vec<String> = text.lines().map(|line| format!("    {line}\n")).collect();
    if lines.len() > MAX_LINES {
        lines.truncate(MAX_LINES);
        lines.push("    （以下省略）\n".to_string());
    }
    lines.concat()
}

/// 一行文字：没有控制字符。
fn line(text: &str) -> String {
    printable(text).replace(['\n', '\t'], " ")
}

impl Row {
    fn summary(&self) -> String {
        match self.counts {
            Some([basic, robust]) => format!(
                "basic {}/{}，robust {}/{}，{}",
                basic.0, basic.1, robust.0, robust.1, self.verdict
            ),
            None => self.verdict.clone(),
        }
    }

    fn cache(results: &Path, student: &str, exercise: &str) -> PathBuf {
        results.join(".cache").join(format!("{student}-{exercise}"))
    }

    fn save(&self, results: &Path, digest: u64) {
        let Some([basic, robust]) = self.counts else { return };
        let text = format!(
            "{digest} {} {} {} {} {} {}\n{}",
            basic.0, basic.1, robust.0, robust.1, self.seconds, self.verdict, self.section
        );
        // 写不成，下一次重新评分就是了
        let _ = fs::write(Row::cache(results, &self.student, &self.exercise), text);
    }

    fn load(results: &Path, student: &str, exercise: &str, digest: u64) -> Option<Row> {
        let text = fs::read_to_string(Row::cache(results, student, exercise)).ok()?;
        let (head, section) = text.split_once('\n')?;
        let words: Vec<&str> = head.splitn(7, ' ').collect();
        let [saved, a, b, c, d, seconds, verdict] = words[..] else { return None };
        let n = |text: &str| text.parse::<usize>().ok();
        (saved.parse() == Ok(digest)).then_some(())?;
        Some(Row {
            student: student.to_string(),
            exercise: exercise.to_string(),
            counts: Some([(n(a)?, n(b)?), (n(c)?, n(d)?)]),
            verdict: verdict.to_string(),
            seconds: seconds.parse().ok()?,
            section: section.to_string(),
        })
    }
}

/// 写 `results.csv` 和每名学生的一页。
fn write_results(results: &Path, rows: &[Row]) -> Result<(), Error> {
    // 开头的 BOM 让 Excel 知道这是 UTF-8
    let mut csv =
        String::from("\u{feff}学生,练习,basic 通过,basic 全部,robust 通过,robust 全部,结论,秒\n");
    for row in rows {
        let counts = row.counts.map_or(",,,".to_string(), |[basic, robust]| {
            format!("{},{},{},{}", basic.0, basic.1, robust.0, robust.1)
        });
        let (student, verdict) = (quoted(&row.student), quoted(&row.verdict));
        csv += &format!("{student},{},{counts},{verdict},{:.1}\n", row.exercise, row.seconds);
    }
    fs::write(results.join("results.csv"), csv)?;
    for of_student in rows.chunk_by(|a, b| a.student == b.student) {
        let student = &of_student[0].student;
        let mut page = format!(
            "# {}\n\n| 练习 | basic | robust | 结论 |\n| --- | --- | --- | --- |\n",
            line(student)
        );
        for row in of_student {
            let counts = row.counts.map_or([String::new(), String::new()], |counts| {
                counts.map(|(passed, all)| format!("{passed}/{all}"))
            });
            page += &format!(
                "| {} | {} | {} | {} |\n",
                row.exercise, counts[0], counts[1], row.verdict
            );
        }
        page += "\n在自己的机器上重做一个测试：`cargo test -p 练习 --test basic 测试`。\n";
        for row in of_student {
            page += &format!("\n{}", row.section);
        }
        fs::write(results.join(format!("{student}.md")), page)?;
    }
    Ok(())
}

/// CSV 的一格；电子表格不把它当作公式。
fn quoted(text: &str) -> String {
    let text = line(text).replace('"', "\"\"");
    let formula = text.starts_with(['=', '+', '-', '@']);
    format!("\"{}{text}\"", if formula { "'" } else { "" })
}

/// 终端中的成绩表：每名学生一行。
fn print_table(rows: &[Row], exercises: &[Exercise]) {
    println!();
    let width = rows.iter().map(|row| columns(&line(&row.student))).max().unwrap_or(0);
    print!("{}", " ".repeat(width));
    exercises.iter().for_each(|exercise| print!("  {:14}", exercise.name));
    println!("  （basic robust）");
    for of_student in rows.chunk_by(|a, b| a.student == b.student) {
        let student = line(&of_student[0].student);
        print!("{student}{}", " ".repeat(width - columns(&student)));
        for row in of_student {
            let verdict = row.verdict.split('；').next().unwrap_or_default();
            let cell = match row.counts {
                Some([basic, robust]) if verdict != "不能编译" => {
                    format!("{}/{} {}/{}", basic.0, basic.1, robust.0, robust.1)
                }
                _ => verdict.split('：').next().unwrap_or_default().to_string(),
            };
            print!("  {cell}{}", " ".repeat(14_usize.saturating_sub(columns(&cell))));
        }
        println!();
    }
    let mut said = Vec::new();
    for row in rows.iter().filter(|row| row.verdict.starts_with("没有评分")) {
        let text = format!("{}：{}", line(&row.student), row.verdict);
        if !said.contains(&text) {
            println!("{text}");
            said.push(text);
        }
    }
}

/// 在终端中占几列：汉字占两列。
fn columns(text: &str) -> usize {
    text.chars().map(|c| if c >= '\u{1100}' { 2 } else { 1 }).sum()
}
