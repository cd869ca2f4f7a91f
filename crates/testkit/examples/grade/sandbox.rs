//! 运行学生的代码：在 bubblewrap（`bwrap`）的沙箱中编译和测试，每次一个新的沙箱，结束时其中的进程全部结束。
//!
//! 沙箱里只有系统的程序和指明的几个目录，没有家目录，没有别人的作业；网络只有它自己的环回地址；只能写
//! `/tmp` 和编译的输出目录。第一个进程是本程序（[`supervise`]），它运行测试，报告结果。学生的程序
//! 杀不死它（进程号 1 不受同一沙箱中的信号影响），也不能写它的输出：文件没有读权限，系统就不允许别的进程
//! 打开它的 `/proc/PID/fd` 和 `/proc/PID/mem`。测试程序也没有读权限，它被杀死只算这个测试没有通过。

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// 测试和编译的输出最多保留这么多字节。
const MAX_OUTPUT: u64 = 256 * 1024;

/// 沙箱中每个进程的限制：虚拟内存，处理器时间（秒）；一个沙箱的进程和线程的个数。
const LIMITS: [&str; 4] = ["--as=8589934592", "--cpu=20", "--core=0", "--nproc=400"];

/// 沙箱里的 `/tmp` 在内存中，最多这么大。
const TMP_SIZE: &str = "1073741824";

/// 沙箱里看得见的系统：编译器、链接器、测试用到的命令和它们的库。
const SYSTEM: [&str; 9] = [
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/nix",
    "/etc/ld.so.cache",
    "/etc/alternatives",
];

/// 运行的结果。
pub struct Outcome {
    pub end: End,
    /// 程序和测试用掉的处理器时间。
    pub cpu: Duration,
    /// 测试结束之后，还有学生的进程在运行。
    pub left_processes: bool,
    pub seconds: f64,
    pub output: String,
}

/// 怎样结束的。
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum End {
    Passed,
    Failed,
    /// 测试程序被信号杀死，或者沙箱没有启动。
    Killed,
    TimedOut,
}

pub struct Sandbox {
    /// `bwrap` 命令；没有时不设防。
    bwrap: Option<OsString>,
    /// root 启动的沙箱先换成没有权力的用户，其他用户本来就是。
    root: bool,
    sized_tmp: bool,
    /// 本程序的副本，只能执行。
    pub supervisor: PathBuf,
}

impl Sandbox {
    /// `bwrap` 能用就用它；不能用时返回原因，`unprotected` 为真时不设防。
    pub fn new(supervisor: PathBuf, unprotected: bool) -> Result<Sandbox, String> {
        let root = fs::metadata("/proc/self").is_ok_and(|metadata| metadata.uid() == 0);
        let mut sandbox = Sandbox { bwrap: None, root, sized_tmp: false, supervisor };
        if unprotected {
            return Ok(sandbox);
        }
        let bwrap = std::env::var_os("BWRAP").unwrap_or("bwrap".into());
        let help = Command::new(&bwrap).arg("--help").output();
        let help = help.map_err(|e| format!("没有找到 bwrap（bubblewrap 包）：{e}"))?;
        sandbox.sized_tmp = String::from_utf8_lossy(&help.stdout).contains("--size");
        sandbox.bwrap = Some(bwrap);
        let outcome = sandbox.run(0, 10, "true", &[], &Job::default());
        match outcome.end {
            End::Passed => Ok(sandbox),
            _ => Err(format!("bwrap 在这台机器上不能运行：{}", outcome.output.trim())),
        }
    }

    pub fn protects(&self) -> bool {
        self.bwrap.is_some()
    }

    /// 在沙箱中运行 `program`，最多 `limit` 秒；同时运行的各个沙箱，`slot` 各不相同。
    pub fn run(
        &self,
        slot: usize,
        limit: u64,
        program: impl AsRef<OsStr>,
        args: &[&OsStr],
        job: &Job,
    ) -> Outcome {
        let mut command = match &self.bwrap {
            Some(bwrap) => self.bwrap(bwrap, slot, job),
            None => Command::new(&self.supervisor),
        };
        command.arg("--supervise").arg(limit.to_string()).arg(program).args(args);
        command.current_dir(job.dir.unwrap_or(Path::new("/")));
        command.env_clear().envs(job.env.iter().copied());
        let path = std::env::var_os("PATH").unwrap_or_default();
        command.env(
            "PATH",
            if self.protects() { "/usr/local/bin:/usr/bin:/bin".into() } else { path },
        );
        command.env("HOME", "/tmp").env("RUST_BACKTRACE", "0").env("LANG", "C.UTF-8");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());

        let start = Instant::now();
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(e) => return Outcome::broken(format!("无法启动 {command:?}：{e}")),
        };
        let stdin = child.stdin.take();
        let output = read(child.stdout.take().expect("输出是管道"));
        let report = read(child.stderr.take().expect("输出是管道"));
        // 监督进程自己遵守期限；再等 20 秒还没有报告，就连沙箱一起杀死
        let report = report.recv_timeout(Duration::from_secs(limit + 20));
        drop(stdin);
        let _ = child.kill();
        let _ = child.wait();
        let output = output.recv_timeout(Duration::from_secs(5)).unwrap_or_default();
        let report = report.unwrap_or_else(|_| "timeout 0 0".to_string());
        let seconds = start.elapsed().as_secs_f64();
        let words: Vec<&str> = report.lines().last().unwrap_or_default().split(' ').collect();
        let [end, cpu, left] = words[..] else { return Outcome::broken(report) };
        let end = match end {
            "0" => End::Passed,
            "timeout" => End::TimedOut,
            "killed" => End::Killed,
            _ => End::Failed,
        };
        let cpu = Duration::from_millis(cpu.parse().unwrap_or_default());
        Outcome { end, cpu, left_processes: left != "0", seconds, output }
    }

    fn bwrap(&self, bwrap: &OsStr, slot: usize, job: &Job) -> Command {
        let mut command = Command::new(bwrap);
        command.args(["--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts"]);
        command.args(["--die-with-parent", "--new-session", "--as-pid-1", "--cap-drop", "ALL"]);
        match self.root {
            true => command.args(["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]),
            false => command.args(["--unshare-user", "--cap-drop", "ALL"]),
        };
        for path in SYSTEM {
            mount(&mut command, "--ro-bind-try", Path::new(path));
        }
        command.args(["--proc", "/proc", "--dev", "/dev", "--perms", "1777"]);
        if self.sized_tmp {
            command.args(["--size", TMP_SIZE]);
        }
        command.args(["--tmpfs", "/tmp"]);
        for path in job.readable.iter().chain([&self.supervisor.as_path()]) {
            mount(&mut command, "--ro-bind", path);
        }
        if let Some(path) = job.writable {
            mount(&mut command, "--bind", path);
        }
        command.arg("--");
        if self.root {
            let id = (60_000 + slot).to_string(); // 各个沙箱的用户不同，进程的个数分别计算
            command.args(["setpriv", "--reuid", &id, "--regid", &id, "--clear-groups"]);
            command.args(["--bounding-set=-all", "--inh-caps=-all", "--no-new-privs"]);
            command.args(["--pdeathsig", "KILL"]);
        }
        command.arg("prlimit").args(LIMITS).arg(&self.supervisor);
        command
    }
}

/// 让沙箱看见 `path`，路径与外面相同；上级目录谁都可以进入（`bwrap` 自己造的不行）。
fn mount(command: &mut Command, how: &str, path: &Path) {
    let parents: Vec<&Path> = path.ancestors().skip(1).collect();
    for parent in parents.iter().rev() {
        command.args(["--perms", "0755", "--dir"]).arg(parent);
    }
    command.arg(how).args([path, path]);
}

/// 沙箱里看得见的路径（与外面相同）、工作目录和环境变量。
#[derive(Default)]
pub struct Job<'a> {
    pub readable: Vec<&'a Path>,
    pub writable: Option<&'a Path>,
    pub dir: Option<&'a Path>,
    pub env: Vec<(&'a str, &'a OsStr)>,
}

impl Outcome {
    fn broken(output: String) -> Outcome {
        let (cpu, seconds) = (Duration::ZERO, 0.0);
        Outcome { end: End::Killed, cpu, left_processes: false, seconds, output }
    }
}

/// 在后台读到结尾，只保留前 [`MAX_OUTPUT`] 字节。
fn read(mut pipe: impl Read + Send + 'static) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut kept = Vec::new();
        let _ = pipe.by_ref().take(MAX_OUTPUT).read_to_end(&mut kept);
        let _ = io::copy(&mut pipe, &mut io::sink());
        let _ = sender.send(String::from_utf8_lossy(&kept).into_owned());
    });
    receiver
}

/// 沙箱里的第一个进程：运行一条命令，它的两种输出都写到标准输出；在标准错误上报告
/// 退出状态（或者 killed、timeout）、用掉的处理器时间（毫秒）、有没有留下进程。
pub fn supervise(args: &[OsString]) -> ExitCode {
    let [limit, program, args @ ..] = args else { return ExitCode::from(2) };
    let limit = Duration::from_secs(limit.to_string_lossy().parse().unwrap_or(60));
    let stdout = io::stdout();
    let (out, err) = (stdout.as_fd().try_clone_to_owned(), stdout.as_fd().try_clone_to_owned());
    let (Ok(out), Ok(err)) = (out, err) else { return ExitCode::from(2) };
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::null()).stdout(out).stderr(err).process_group(0);
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(e) => {
            println!("无法启动 {command:?}：{e}");
            eprintln!("killed 0 0");
            return ExitCode::from(2);
        }
    };
    // 评分程序结束了（例如 Ctrl-C），标准输入就到了结尾：沙箱也结束
    let group = format!("-{}", child.id());
    let of_watcher = group.clone();
    thread::spawn(move || {
        let _ = io::stdin().read(&mut [0]);
        kill_group(&of_watcher);
        std::process::exit(2);
    });
    let status = wait(&mut child, limit);
    let mut cpu = own_cpu();
    let mut left = false;
    let group_id = u64::from(child.id());
    for process in other_processes() {
        // 不设防时，只认得同一个进程组的
        if std::process::id() == 1 || process.group == group_id {
            left |= process.state != 'Z';
            cpu += process.ticks;
        }
    }
    kill_group(&group);
    let end = match status {
        None => "timeout".to_string(),
        Some(status) => match status.signal() {
            Some(_) => "killed".to_string(),
            None => status.code().unwrap_or(1).to_string(),
        },
    };
    // 测试自己没有正常结束，学生的程序当然还在
    left &= status.is_some_and(|status| status.code().is_some());
    eprintln!("{end} {} {}", cpu * 10, u8::from(left));
    ExitCode::SUCCESS
}

/// 杀死一个进程组。
fn kill_group(group: &str) {
    let mut kill = Command::new("kill");
    let _ = kill.args(["-KILL", "--", group]).stderr(Stdio::null()).status();
}

/// 等子进程结束；超过 `limit` 就杀死它，返回 `None`。
fn wait(child: &mut Child, limit: Duration) -> Option<ExitStatus> {
    let start = Instant::now();
    while start.elapsed() < limit {
        if let Ok(Some(status)) = child.try_wait() {
            return Some(status);
        }
        thread::sleep(Duration::from_millis(10));
    }
    let _ = child.kill();
    let _ = child.wait();
    None
}

/// 已经回收的子进程用掉的处理器时间，以百分之一秒计；没有 `/proc` 的系统上是 0。
fn own_cpu() -> u64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    fields(&stat, 13) + fields(&stat, 14)
}

/// 别的进程；没有 `/proc` 的系统上是空的。
struct Process {
    state: char,
    group: u64,
    ticks: u64,
}

fn other_processes() -> Vec<Process> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let processes = pids.filter(|&pid| pid != std::process::id()).filter_map(|pid| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let state = stat.rsplit_once(") ")?.1.chars().next()?;
        let ticks = fields(&stat, 11) + fields(&stat, 12);
        Some(Process { state, group: fields(&stat, 2), ticks })
    });
    processes.collect()
}

/// `/proc/PID/stat` 中名字之后的第 `n` 个数（从 0 数起）。
fn fields(stat: &str, n: usize) -> u64 {
    let rest = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
    rest.split(' ').nth(n).and_then(|field| field.parse().ok()).unwrap_or(0)
}
