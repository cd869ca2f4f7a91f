//! 性能比较：`just bench`。答案、只用 `std` 的对照程序、Python 程序在同一次运行中轮流测量；怎样取值见 `best`。
//!
//! 对照程序在 `peers.rs`，负载和计时在 `load.rs`，Python 程序在 `../python`；没有 python3 时不测它们。

mod load;
mod peers;

use std::env;
use std::fs::{self, File};
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use load::{Asker, Cpu, Sample, memory};
use testkit::{Program, neighbour};

/// 有负载时，每个程序测量的次数。
const ROUNDS: usize = 3;

/// 上传的文件的字节数：1 GiB。
const PICTURE_SIZE: usize = 1 << 30;

/// 不说话的连接的个数。
const IDLE: usize = 1000;

/// 答案的名字。
const OURS: &str = "答案";

/// 一个问题和它的回答，各占一行。
const QUESTION: &str = "你叫什么名字\n";
const ANSWER: &str = "我叫小美\n";

/// 表格的栏目：先是比值，后是数值。
const HEADINGS: [&str; 9] = [
    "比值 Ratio",
    "CPU 比 CPU ratio",
    "目标 Target",
    "项目 Item",
    "对照 Reference",
    "答案（p50/p99） Ours",
    "对照的值 Theirs",
    "答案的 CPU（用户+系统） Our CPU (user+sys)",
    "对照的 CPU Their CPU",
];

fn main() {
    let args: Vec<String> = env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    if let Some(result) = peers::run(&args) {
        return result.expect("对照程序出错");
    }
    if !args.contains(&"--bench") {
        return; // cargo test --all-targets 也会运行这里
    }
    let mut bench = Bench::new();
    bench.image_upload();
    bench.qa_bot();
    bench.protocols();
    bench.word_lookup();
    bench.http_image();
    bench.idle_connections();
    bench.start_up();
    bench.builds();
}

/// 一个正在运行的服务端。
struct Server {
    name: &'static str,
    program: Program,
    addr: SocketAddr,
}

/// 量的是什么。
#[derive(Clone, Copy)]
enum Unit {
    /// 一件工作的时间，越小越好；比值是时间之比。
    Seconds,
    /// 每秒的件数，越大越好；比值是件数之比。
    PerSecond,
}

/// 测量用的文件，和表格中已经得到的各行。
struct Bench {
    start: Instant,
    root: PathBuf,
    dir: PathBuf,
    /// Python 解释器；没有时为空。
    python: String,
    rows: Vec<[String; HEADINGS.len()]>,
}

impl Bench {
    /// 准备工作目录；有内存盘就用内存盘：要量的是网络和程序，不是磁盘。
    fn new() -> Bench {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("仓库的根目录");
        let ram_disk = Path::new("/dev/shm");
        let base = if ram_disk.is_dir() { ram_disk.to_path_buf() } else { env::temp_dir() };
        let dir = base.join("network-course-bench"); // 名字固定：上一次中断时留下的文件，这一次删除
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir(&dir).expect("无法创建工作目录");
        // python3 可能是再启动解释器的脚本：直接用解释器
        let script = "import sys; print(sys.executable, end='')";
        let python = Command::new("python3").args(["-c", script]).output();
        let python = python.map_or(String::new(), |o| String::from_utf8_lossy(&o.stdout).into());
        if python.is_empty() {
            println!("没有 python3，不与 Python 程序比较 · no python3, its rows are left out");
        }
        Bench { start: Instant::now(), root: root.to_path_buf(), dir, python, rows: Vec::new() }
    }

    /// 在标准错误上写出进度。
    fn progress(&self, what: &str) {
        eprintln!("[{:3.0} s] {what}", self.start.elapsed().as_secs_f64());
    }

    /// 启动一个服务端，等它写出地址。
    fn server(&self, name: &'static str, exe: impl AsRef<Path>, args: &[&str]) -> Server {
        let mut program = Program::start_in(&self.dir, exe, args);
        let addr = program.addr();
        Server { name, program, addr }
    }

    /// 练习 `name` 的答案。
    fn solution(&self, name: &str) -> PathBuf {
        let deps = env::current_exe().expect("本程序的路径");
        neighbour(deps.parent().expect("deps 目录"), &format!("{name}_solution"))
    }

    /// 对照程序：就是本程序，参数是它的名字。
    fn bare(&self) -> PathBuf {
        env::current_exe().expect("本程序的路径")
    }

    /// `benches/python` 中的程序 `name` 的路径。
    fn script(&self, name: &str) -> String {
        self.root.join("crates/testkit/benches/python").join(name).display().to_string()
    }

    /// 加入一行：`ours` 与 `theirs` 比较；`targets` 是目标和是否达到，没有量到时不写。
    fn row(
        &mut self,
        item: &str,
        unit: Unit,
        ours: &Sample,
        (reference, theirs): (&str, &Sample),
        targets: &[(&str, Option<bool>)],
    ) {
        let time_ratio = match unit {
            Unit::Seconds => ours.time / theirs.time,
            Unit::PerSecond => theirs.time / ours.time,
        };
        let targets = targets.iter().filter_map(|(target, reached)| {
            Some(format!("{target} {}", if (*reached)? { "✓" } else { "✗" }))
        });
        let targets: Vec<String> = targets.collect();
        self.rows.push([
            ratio(Some(time_ratio)),
            ratio(cpu_ratio(ours, theirs)),
            targets.join("，"),
            item.to_string(),
            reference.to_string(),
            value(unit, ours),
            value(unit, theirs),
            cpu(ours),
            cpu(theirs),
        ]);
    }

    /// 加入没有对照的一行。
    fn plain_row(&mut self, item: &str, value: String, targets: &str) {
        let mut row = [const { String::new() }; HEADINGS.len()];
        (row[2], row[3], row[5]) = (targets.to_string(), item.to_string(), value); // 目标、项目、答案
        self.rows.push(row);
    }

    fn image_upload(&mut self) {
        self.progress("image_upload：准备 1 GiB 的文件");
        let file = self.dir.join("picture");
        let mut writer = File::create(&file).expect("无法创建文件");
        let block: Vec<u8> = (0..1 << 20).map(|i| (i % 251) as u8).collect();
        (0..PICTURE_SIZE >> 20)
            .for_each(|_| writer.write_all(&block).expect("无法写入文件，上传要用 3 GiB"));

        let file = file.display().to_string();
        let size = PICTURE_SIZE.to_string();
        let (solution, bare) = (self.solution("image_upload"), self.bare());
        let upload_server = self.script("upload_server.py");
        let upload_client = self.script("upload_client.py");
        let python = self.python.clone();
        // 名字、服务端、客户端
        type Pair<'a> = (&'static str, &'a Path, Vec<&'a str>, Vec<&'a str>);
        let mut pairs: Vec<Pair> = vec![
            (OURS, &solution, vec!["server", "127.0.0.1:0"], vec!["client", &file]),
            ("std：文件到文件", &bare, vec!["file_server"], vec!["file_client", &file]),
            ("std：两端 io::copy", &bare, vec!["copy_server"], vec!["copy_client", &file]),
            ("std：内存到内存", &bare, vec!["memory_server"], vec!["memory_client", &size]),
        ];
        if !python.is_empty() {
            let python = Path::new(&python);
            pairs.push(("Python", python, vec![&upload_server], vec![&upload_client, &file]));
        }
        // 每次启动新的服务端：同一个程序的不同进程，速度也会差一成
        let measure = |i: usize| {
            let (name, exe, server, client) = &pairs[i];
            self.progress(&format!("image_upload {name}"));
            let server = self.server(name, exe, server);
            let addr = server.addr.to_string();
            load::upload(&server.program, Command::new(exe).args(client).arg(addr))
        };
        let samples = best(5, pairs.len(), measure);
        let ours = &samples[0];
        for (&(name, ..), theirs) in pairs.iter().zip(&samples).skip(1) {
            let targets: &[_] = match name {
                "std：文件到文件" => &[
                    ("时间 ≤1.1", Some(ours.time <= 1.1 * theirs.time)),
                    ("CPU ≤1.1", cpu_ratio(ours, theirs).map(|ratio| ratio <= 1.1)),
                ],
                _ => &[],
            };
            self.row("image_upload，1 GiB", Unit::Seconds, ours, (name, theirs), targets);
        }
        let _ = fs::remove_file(file);
        let _ = fs::remove_file(self.dir.join("new.jpg"));
    }

    /// 三个问答服务端：答案、对照程序、Python 程序，和各自的回答。
    fn line_servers(&self) -> Vec<(Server, &'static str)> {
        let ours = self.server(OURS, self.solution("qa_bot"), &["server", "127.0.0.1:0"]);
        let mut servers = vec![
            (ours, ANSWER),
            (self.server("std：逐行回送", self.bare(), &["line_echo"]), QUESTION),
        ];
        if !self.python.is_empty() {
            let script = self.script("qa_server.py");
            servers.push((self.server("Python", &self.python, &[&script]), ANSWER));
        }
        servers
    }

    fn qa_bot(&mut self) {
        let servers = self.line_servers();
        for (connections, pause) in [(1, 0), (64, 0), (1000, 0), (1000, 100)] {
            let note = if pause > 0 { "，每 100 ms 问一次" } else { "" };
            let item = format!("qa_bot，{connections} 个连接{note}");
            let pause = Duration::from_millis(pause);
            let samples = best(ROUNDS, servers.len(), |i| {
                let (server, answer) = &servers[i];
                self.progress(&format!("{item} {}", server.name));
                load::lines(&server.program, server.addr, connections, pause, QUESTION, answer)
            });
            let ours = &samples[0];
            for ((server, _), theirs) in servers.iter().zip(&samples).skip(1) {
                let faster = theirs.time / ours.time;
                let p99 = ours.latency.zip(theirs.latency).map(|(a, b)| a.1 / b.1).unwrap();
                let targets: &[_] = match (server.name, connections) {
                    ("Python", 64) => &[("≥2.5", Some(faster >= 2.5))],
                    ("Python", 1000) if pause.is_zero() => {
                        &[("p99 ≤1/20", Some(p99 <= 1.0 / 20.0))]
                    }
                    ("Python", _) | (_, 1) => &[],
                    _ if pause.is_zero() => &[("≥0.9", Some(faster >= 0.9))],
                    _ => &[],
                };
                self.row(&item, Unit::PerSecond, ours, (server.name, theirs), targets);
            }
        }
    }

    /// 同一件工作，不同的协议和写法：一个客户端，一问一答。
    fn protocols(&mut self) {
        let bare = |name| self.server(name, self.bare(), &[name]);
        let [tcp, twice, udp] = ["line_echo", "line_echo_in_two_writes", "udp_echo"].map(bare);
        let samples = best(ROUNDS, 3, |i| {
            self.progress(&format!("{} 1 个客户端", [&tcp, &twice, &udp][i].name));
            match i {
                0 => load::lines(&tcp.program, tcp.addr, 1, Duration::ZERO, QUESTION, QUESTION),
                1 => load::lines(&twice.program, twice.addr, 1, Duration::ZERO, QUESTION, QUESTION),
                _ => load::datagrams(&udp.program, udp.addr, 1, &[QUESTION], str::to_string),
            }
        });
        let tcp = ("std：TCP 逐行回送", &samples[0]);
        self.row("std：TCP，一行分两次写，1 个客户端", Unit::PerSecond, &samples[1], tcp, &[]);
        self.row("std：UDP 原样发回，1 个客户端", Unit::PerSecond, &samples[2], tcp, &[]);
    }

    fn word_lookup(&mut self) {
        let dict = self.root.join("exercises/word_lookup/dict.txt");
        let text = fs::read_to_string(&dict).expect("没有词典");
        let entries: Vec<(&str, &str)> = text.lines().filter_map(|l| l.split_once('\t')).collect();
        // 词典中的每个单词，和一个没有的单词
        let words: Vec<&str> = entries.iter().map(|entry| entry.0).chain(["xyz"]).collect();
        let explain = |word: &str| {
            let found = entries.iter().find(|entry| entry.0 == word);
            found.map_or("没有找到这个单词", |entry| entry.1).to_string()
        };
        let mut servers = vec![
            self.server(OURS, self.solution("word_lookup"), &["server", "127.0.0.1:0"]),
            self.server("std：原样发回", self.bare(), &["udp_echo"]),
        ];
        if !self.python.is_empty() {
            let args = [&self.script("word_server.py"), dict.to_str().expect("路径是 UTF-8")];
            servers.push(self.server("Python", &self.python, &args));
        }
        let samples = best(ROUNDS, servers.len(), |i| {
            let server = &servers[i];
            self.progress(&format!("word_lookup {}", server.name));
            match server.name {
                "std：原样发回" => {
                    load::datagrams(&server.program, server.addr, 4, &words, str::to_string)
                }
                _ => load::datagrams(&server.program, server.addr, 4, &words, explain),
            }
        });
        let ours = &samples[0];
        for (server, theirs) in servers.iter().zip(&samples).skip(1) {
            let user = |sample| cpu_each(sample).map(|cpu| cpu.user);
            let cheaper = user(ours).zip(user(theirs)).map(|(ours, theirs)| ours <= theirs / 4.0);
            let targets: &[_] = match server.name {
                "Python" => &[("用户 CPU ≤1/4", cheaper)],
                _ => &[("≥0.9", Some(theirs.time / ours.time >= 0.9))],
            };
            self.row("word_lookup", Unit::PerSecond, ours, (server.name, theirs), targets);
        }
    }

    fn http_image(&mut self) {
        let image = self.root.join("exercises/http_image/image.jpg");
        let image_size = fs::metadata(&image).expect("没有图片").len() as usize;
        let ours = self.server(OURS, self.solution("http_image"), &["127.0.0.1:0"]);
        let mut page = Vec::new();
        let header = load::get(ours.addr, "/", &mut page).expect("无法取得网页");
        page.drain(..header);
        let page_size = page.len().to_string();
        let mut servers = vec![
            ours,
            self.server("std：一个连接一个线程", self.bare(), &["http", &page_size]),
            self.server("std：64 个线程", self.bare(), &["http_with_64_threads", &page_size]),
        ];
        if !self.python.is_empty() {
            let page_file = self.dir.join("page.html");
            fs::write(&page_file, &page).expect("无法写入文件");
            let files = [page_file, image].map(|file| file.display().to_string());
            let args = [&self.script("http_server.py"), &files[0], &files[1]];
            servers.push(self.server("Python", &self.python, &args.map(String::as_str)));
        }
        for (path, size) in [("/", page.len()), ("/image.jpg", image_size)] {
            for clients in [1, 64] {
                let item = format!("http_image {path}，{clients} 个客户端");
                // 只用 std 的对照程序只有网页
                let bare = (path, clients) == ("/", 64);
                let servers: Vec<&Server> =
                    servers.iter().filter(|s| bare || !s.name.starts_with("std")).collect();
                let samples = best(ROUNDS, servers.len(), |i| {
                    self.progress(&format!("{item} {}", servers[i].name));
                    load::requests(&servers[i].program, servers[i].addr, clients, path, size)
                });
                let ours = &samples[0];
                for (server, theirs) in servers.iter().zip(&samples).skip(1) {
                    let faster = |n| Some(theirs.time / ours.time >= n);
                    let cheaper = |n| cpu_ratio(ours, theirs).map(|ratio| ratio <= 1.0 / n);
                    let targets: &[_] = match (server.name, path, clients) {
                        ("Python", "/", 64) => &[("≥4.5", faster(4.5)), ("CPU ≤1/7", cheaper(7.0))],
                        ("Python", "/", _) => &[("CPU ≤1/3", cheaper(3.0))],
                        ("Python", _, 64) => &[("≥4", faster(4.0))],
                        ("std：一个连接一个线程", ..) => &[("CPU ≤1/2", cheaper(2.0))],
                        _ => &[],
                    };
                    self.row(&item, Unit::PerSecond, ours, (server.name, theirs), targets);
                }
            }
        }
    }

    fn idle_connections(&mut self) {
        let mib = |m: Option<f64>| m.map_or("—".to_string(), |m| format!("{m:.1} MiB"));
        let alone = self.server(OURS, self.solution("qa_bot"), &["server", "127.0.0.1:0"]);
        for (server, answer) in self.line_servers() {
            let ours = server.name == OURS;
            let name = if ours { "qa_bot" } else { server.name };
            self.progress(&format!("{name}，{IDLE} 个不说话的连接"));
            let at_rest = memory(server.program.id());
            let connect = |_| Asker::connect(server.addr, QUESTION, answer).expect("无法连接");
            let _idle: Vec<Asker> = (0..IDLE).map(connect).collect();
            let full = memory(server.program.id());
            let target = match full {
                Some(0.0..64.0) if ours => "<64 MiB ✓",
                Some(_) if ours => "<64 MiB ✗",
                _ => "",
            };
            self.plain_row(&format!("{name}：内存，没有连接"), mib(at_rest), "");
            self.plain_row(&format!("{name}：内存，{IDLE} 个连接"), mib(full), target);
            if ours {
                let servers = [&alone, &server];
                let samples = best(ROUNDS, 2, |i| {
                    load::lines(
                        &servers[i].program,
                        servers[i].addr,
                        1,
                        Duration::ZERO,
                        QUESTION,
                        ANSWER,
                    )
                });
                let [alone, last] = [&samples[0], &samples[1]];
                let targets = [("≥0.9", Some(alone.time / last.time >= 0.9))];
                let item = format!("qa_bot，第 {} 个连接", IDLE + 1);
                self.row(&item, Unit::PerSecond, last, ("只有一个连接", alone), &targets);
            }
        }
    }

    fn start_up(&mut self) {
        self.progress("启动");
        let script = self.script("qa_server.py");
        let (solution, bare) = (self.solution("qa_bot"), self.bare());
        let count = if self.python.is_empty() { 2 } else { 3 };
        let samples = best(10, count, |i| {
            let (exe, args): (&Path, &[&str]) = match i {
                0 => (&solution, &["server", "127.0.0.1:0"]),
                1 => (&bare, &["line_echo"]),
                _ => (Path::new(&self.python), &[&script]),
            };
            load::start_up(|| Program::start(exe, args))
        });
        for (name, theirs) in ["std：逐行回送", "Python"].iter().zip(&samples[1..]) {
            self.row("qa_bot，启动", Unit::Seconds, &samples[0], (name, theirs), &[]);
        }
    }

    fn builds(&mut self) {
        for (args, name) in
            [(&["build", "--workspace"][..], "cargo build --workspace"), (&["test"], "cargo test")]
        {
            let target = self.dir.join("target");
            for state in ["第一次", "再一次"] {
                self.progress(&format!("{name}，{state}"));
                let start = Instant::now();
                let mut cargo = Command::new(env!("CARGO"));
                cargo.args(args).current_dir(&self.root).env("CARGO_TARGET_DIR", &target);
                let output = cargo.output().expect("无法运行 cargo");
                assert!(output.status.success(), "{name} 失败：{output:?}");
                let time = format!("{:.1} s", start.elapsed().as_secs_f64());
                self.plain_row(&format!("{name}，{state}"), time, "");
            }
            let _ = fs::remove_dir_all(target);
        }
    }

    /// 打印表格（Markdown 的格式）。
    fn print(&self) {
        let head = HEADINGS.map(String::from);
        let line = HEADINGS.map(|_| "---".to_string());
        let mut rows = vec![&head, &line];
        rows.extend(&self.rows);
        let widths: Vec<usize> = (0..HEADINGS.len())
            .map(|i| rows.iter().map(|row| width(&row[i])).max().unwrap())
            .collect();
        for row in rows {
            let cells = row.iter().zip(&widths);
            let cells: Vec<String> = cells
                .map(|(cell, max)| format!("{cell}{}", " ".repeat(max - width(cell))))
                .collect();
            println!("| {} |", cells.join(" | "));
        }
        self.progress("完成");
    }
}

impl Drop for Bench {
    /// 中途出错，也打印已经得到的各行。
    fn drop(&mut self) {
        self.print();
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// 轮流测量 `n` 个程序，各 `rounds` 次：时间取最好的一次，延迟也是那一次的。
///
/// 处理器时间计时的单位是 10 毫秒：只做一件大事的，取最少的一次；做了许多件小事的，取平均。
fn best(rounds: usize, n: usize, mut measure: impl FnMut(usize) -> Sample) -> Vec<Sample> {
    let mut best: Vec<Sample> = (0..n).map(&mut measure).collect();
    for round in 1..rounds {
        // 每轮换一个开头：跟在谁后面，也有影响
        for i in (0..n).map(|i| (i + round) % n) {
            let (best, sample) = (&mut best[i], measure(i));
            if sample.time < best.time {
                (best.time, best.latency) = (sample.time, sample.latency);
            }
            let cpu = best.cpu.zip(sample.cpu);
            if sample.count == 1 {
                best.cpu = cpu.map(|(a, b)| if a.total() < b.total() { a } else { b });
            } else {
                best.cpu = cpu.map(|(a, b)| a.plus(b));
                best.count += sample.count;
            }
        }
    }
    best
}

/// 每件工作的处理器时间；没有量到，或者一共不到十个计时单位，是 `None`。
fn cpu_each(sample: &Sample) -> Option<Cpu> {
    let count = sample.count as f64;
    let cpu = sample.cpu.filter(|cpu| cpu.total() >= 0.1)?;
    Some(Cpu { user: cpu.user / count, system: cpu.system / count })
}

/// `ours` 与 `theirs` 每件工作的处理器时间之比。
fn cpu_ratio(ours: &Sample, theirs: &Sample) -> Option<f64> {
    Some(cpu_each(ours)?.total() / cpu_each(theirs)?.total())
}

/// 适合阅读的比值。
fn ratio(ratio: Option<f64>) -> String {
    match ratio {
        None => "—".to_string(),
        Some(ratio @ 0.1..) => format!("{ratio:.2}"),
        Some(ratio) => format!("{ratio:.4}"),
    }
}

/// 一项的值，速率附有延迟。
fn value(unit: Unit, sample: &Sample) -> String {
    let value = match unit {
        Unit::Seconds => seconds(sample.time),
        Unit::PerSecond => format!("{:.0}/s", 1.0 / sample.time),
    };
    let latency = sample.latency.map(|(p50, p99)| format!("（{}/{}）", seconds(p50), seconds(p99)));
    value + &latency.unwrap_or_default()
}

/// 每件工作的处理器时间：用户时间＋系统时间。
fn cpu(sample: &Sample) -> String {
    let cpu = cpu_each(sample);
    cpu.map_or("—".to_string(), |cpu| format!("{}+{}", seconds(cpu.user), seconds(cpu.system)))
}

/// 适合阅读的时间。
fn seconds(time: f64) -> String {
    match time {
        0.0 => "0".to_string(),
        1.0.. => format!("{time:.2} s"),
        1e-3.. => format!("{:.1} ms", time * 1e3),
        _ => format!("{:.1} µs", time * 1e6),
    }
}

/// 文字在终端上的宽度：汉字和全角标点占两格。
fn width(text: &str) -> usize {
    text.chars().map(|c| if c >= '\u{2E80}' { 2 } else { 1 }).sum()
}
