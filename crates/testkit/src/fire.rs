//! 故障测试（各练习的 `tests/fire.rs`）的工具：可以重放的随机数、逐轮计数、坏客户端、重置连接、资源限制。

use std::fmt;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use crate::timeline::Timeline;
use crate::{Program, TcpStream, connect};

/// 缓慢的坏客户端，每个字节之后停这么久。
const SLOW: Duration = Duration::from_millis(2);

/// 描述符用完时，一秒之内最多说明几次错误；空转的程序要说明几万次。
const MAX_ERRORS: usize = 200;

/// 描述符用完时，一秒之内最多用去的处理器时间；空转的程序用满一秒。
const MAX_PROCESSOR_TIME: Duration = Duration::from_millis(200);

/// 一个坏客户端最多接收的字节数：服务端可能不停地回答。
const MAX_RECEIVED: u64 = 1 << 20;

/// 可以重放的随机数：同一个种子得到同样的一串数（SplitMix64 算法）。
pub struct Random(u64);

impl Random {
    /// 以 `seed` 为种子。
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    /// 小于 `n` 的数；`n` 不能是 0。
    pub fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) % n as u64) as usize
    }

    /// `choices` 中的任意一个。
    pub fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len())]
    }

    /// 任意 `n` 个字节。
    pub fn bytes(&mut self, n: usize) -> Vec<u8> {
        (0..n).map(|_| self.below(256) as u8).collect()
    }
}

/// 各种故障和检查各有多少次；几个线程可以同时计数。
#[derive(Default)]
pub struct Tally(Mutex<Vec<(&'static str, usize)>>);

impl Tally {
    /// `what` 又有 `n` 次。
    pub fn add(&self, what: &'static str, n: usize) {
        let mut counts = self.0.lock().expect("计数的线程崩溃");
        match counts.iter_mut().find(|(name, _)| *name == what) {
            Some((_, count)) => *count += n,
            None => counts.push((what, n)),
        }
    }
}

/// 一轮失败时，写出怎样重放。
struct Replay(u64);

impl Drop for Replay {
    fn drop(&mut self) {
        if thread::panicking() {
            let package = std::env::var("CARGO_PKG_NAME").unwrap_or_default();
            let test = thread::current().name().unwrap_or_default().to_string();
            let seed = self.0;
            eprintln!(
                "重放：FIRE_SEED={seed} cargo test -p {package} --test fire -- --ignored --exact {test}"
            );
        }
    }
}

/// 运行 `round`，环境变量 `FIRE_SECONDS`（秒，默认 0）没有用完就再来一轮，最后打印各种故障的次数。
///
/// 第一轮的种子是环境变量 `FIRE_SEED`（默认 1），以后每轮加 1；失败时打印这一轮的种子。
pub fn rounds(mut round: impl FnMut(&mut Random, &Tally)) {
    let number = |name, default| std::env::var(name).map_or(default, |n| n.parse().expect(name));
    let limit = Duration::from_secs(number("FIRE_SECONDS", 0));
    let first = number("FIRE_SEED", 1);
    let (start, tally) = (Instant::now(), Tally::default());
    let mut seed = first;
    loop {
        let _replay = Replay(seed);
        let timeline = Timeline::current();
        timeline.lift_budget(); // 一轮可以有许多客户端
        round(&mut Random::new(seed), &tally);
        seed += 1;
        if start.elapsed() >= limit {
            break;
        }
    }
    let package = std::env::var("CARGO_PKG_NAME").unwrap_or_default();
    let test = thread::current().name().unwrap_or_default().to_string();
    let counts = tally.0.into_inner().expect("计数的线程崩溃");
    let counts: Vec<String> = counts.iter().map(|(what, n)| format!("{what} {n} 次")).collect();
    println!("{package} {test}：种子 {first} 至 {}，{}", seed - 1, counts.join("，"));
}

/// 坏客户端怎样结束。
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Ending {
    /// 关闭写方向，再读到服务端关闭。
    HalfClose,
    /// 立即关闭，不等回答。
    Vanish,
    /// 重置连接。
    Reset,
}

/// 一个坏客户端：发送什么，怎样分段，怎样结束。
pub struct Peer {
    /// 发送的全部字节。
    pub bytes: Vec<u8>,
    /// 怎样结束。
    pub ending: Ending,
    size: usize,
    pause: Duration,
}

impl fmt::Display for Peer {
    /// 用于失败信息：发送的开头一段，怎样结束。
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let (n, start) = (self.bytes.len(), &self.bytes[..self.bytes.len().min(200)]);
        let start = String::from_utf8_lossy(start);
        write!(f, "坏客户端发出 {start:?}（共 {n} 字节），结束：{:?}", self.ending)
    }
}

impl Peer {
    /// 随机的坏客户端：发送任意字节，或者截断、粘连、改动的 `messages`；种类计入 `tally`。
    pub fn random(random: &mut Random, tally: &Tally, messages: &[Vec<u8>]) -> Peer {
        let mut bytes = random.pick(messages).clone();
        let kind = *random.pick(&["随机字节", "截断", "粘连", "改动一个字节"]);
        match kind {
            "随机字节" => {
                let n = random.below(3000);
                bytes = random.bytes(n);
            }
            "截断" => bytes.truncate(random.below(bytes.len())),
            "粘连" => (0..random.below(5)).for_each(|_| bytes.extend(random.pick(messages))),
            _ => {
                let i = random.below(bytes.len());
                bytes[i] = random.below(256) as u8;
            }
        }
        tally.add(kind, 1);
        Peer::new(random, tally, bytes)
    }

    /// 发送 `bytes` 的坏客户端：怎样分段、怎样结束是随机的，计入 `tally`。
    pub fn new(random: &mut Random, tally: &Tally, bytes: Vec<u8>) -> Peer {
        let (pace, size, pause) = match random.below(3) {
            0 => ("一次发完", bytes.len().max(1), Duration::ZERO),
            1 if bytes.len() < 200 => ("缓慢", 1, SLOW),
            _ => ("分段", 1 + random.below(100), Duration::ZERO),
        };
        let ending = *random.pick(&[Ending::HalfClose, Ending::Vanish, Ending::Reset]);
        tally.add(pace, 1);
        tally.add(
            match ending {
                Ending::HalfClose => "半关闭",
                Ending::Vanish => "离开",
                Ending::Reset => "重置",
            },
            1,
        );
        Peer { bytes, ending, size, pause }
    }

    /// 连接 `addr`，发送，结束；返回收到的字节，只有 [`Ending::HalfClose`] 才接收。
    ///
    /// 服务端可以不等发完就断开；半关闭之后，期限已过连接还没有结束，则崩溃。
    pub fn attack(&self, addr: SocketAddr) -> Vec<u8> {
        let stream = self.send(addr);
        let mut received = Vec::new();
        match self.ending {
            Ending::Vanish => {}
            Ending::Reset => reset_now(stream),
            Ending::HalfClose => {
                let _ = stream.shutdown(Shutdown::Write);
                let result = (&stream).take(MAX_RECEIVED).read_to_end(&mut received);
                let waited = result.is_err_and(|e| crate::timed_out(&e));
                assert!(!waited, "关闭了写方向，服务端没有结束连接：{self}");
            }
        }
        received
    }

    /// 连接 `addr`，发送，不结束；服务端不等发完就断开时，不再发送。
    pub fn send(&self, addr: SocketAddr) -> TcpStream {
        let mut stream = connect(addr);
        let _ = stream.set_nodelay(true);
        for piece in self.bytes.chunks(self.size) {
            if stream.write_all(piece).is_err() {
                break;
            }
            thread::sleep(self.pause);
        }
        stream
    }
}

/// 让 `peers` 攻击 `addr`，同时有 `threads` 个；返回每一个收到的字节，次序相同。
pub fn attack_all(peers: &[Peer], addr: SocketAddr, threads: usize) -> Vec<Vec<u8>> {
    in_parallel(peers, threads, |peer| peer.attack(addr))
}

/// 对 `items` 的每一项运行 `job`，同时有 `threads` 个线程；返回每一项的结果，次序相同。
pub fn in_parallel<T: Sync, R: Send>(
    items: &[T],
    threads: usize,
    job: impl Fn(&T) -> R + Sync,
) -> Vec<R> {
    let (share, job) = (items.len().div_ceil(threads).max(1), &job);
    thread::scope(|scope| {
        let shares: Vec<_> = items
            .chunks(share)
            .map(|items| scope.spawn(move || items.iter().map(job).collect::<Vec<R>>()))
            .collect();
        shares.into_iter().flat_map(|share| share.join().expect("坏客户端的线程崩溃")).collect()
    })
}

/// 立即以重置（RST）断开连接，不管有没有没读的数据。
///
/// `std` 不能设置 `SO_LINGER`，所以由 perl 在继承的同一个套接字上设置；没有 perl 则崩溃。
pub fn reset_now(stream: TcpStream) {
    stream.note_reset();
    let inherited = OwnedFd::from(stream.as_std().try_clone().expect("无法复制套接字"));
    let script = "use Socket; setsockopt(STDIN, SOL_SOCKET, SO_LINGER, pack('ii', 1, 0)) or die";
    let status = Command::new("perl").args(["-e", script]).stdin(inherited).status();
    assert!(status.expect("故障测试需要 perl").success(), "perl 不能设置 SO_LINGER");
}

/// 在目录 `dir` 中启动服务端 `exe`，参数为 `args`，返回它和它的地址；`situation` 说明测试做什么。
///
/// 之前先运行 shell 命令 `limit`，例如 `ulimit -n 40`；不需要时是 `true`。
#[track_caller]
pub fn start_limited(
    dir: &Path,
    limit: &str,
    exe: &Path,
    args: &[&str],
    situation: &str,
) -> (Program, SocketAddr) {
    let script = format!(r#"{limit}; exec "$0" "$@""#);
    let exe = exe.to_str().expect("路径是 UTF-8");
    let mut server = Program::start_in(dir, "sh", &[&["-c", &script, exe], args].concat());
    server.explain(situation);
    let addr = server.addr();
    (server, addr)
}

/// 用作 [`start_limited`] 的 `limit`：让服务端受文件权限的约束。
///
/// 权限管不住 root，所以服务端以 root 运行时，先去掉它的这项权力（用 Linux 的 setpriv）。
pub const OBEY_PERMISSIONS: &str =
    r#"test "$(id -u)" != 0 || exec setpriv --bounding-set=-dac_override "$0" "$@""#;

/// 检查描述符用完时，服务端说明错误，不空转，也不结束；返回它和它的地址，占用描述符的连接都已断开。
///
/// 服务端最多有 `limit` 个描述符（标准输入、输出、错误和监听的套接字已占四个）。
#[track_caller]
pub fn exhaust_descriptors(
    dir: &Path,
    limit: usize,
    exe: &Path,
    args: &[&str],
) -> (Program, SocketAddr) {
    let situation = "服务端的描述符用完，不能再接受连接：应在标准错误上写一行，稍等再试，不结束。\n\
         常见原因：accept 出错时只 continue，程序没有任何输出地反复重试，占满一个处理器；或者用了 ? 或 unwrap，\n\
         整个程序结束。应写出错误，再用 thread::sleep 等一会儿（例如 100 毫秒）。";
    // 测试可能从 cargo 继承了别的描述符：先关闭，限制才有准数
    let close = "exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-";
    let (mut server, addr) =
        start_limited(dir, &format!("{close}; ulimit -n {limit}"), exe, args, situation);
    let before = server.stderr().lines().count();
    let clients: Vec<_> = (0..limit).map(|_| connect(addr)).collect();
    server.wait_stderr_lines(before + 1);
    let used = server.processor_time();
    let end = Instant::now() + Duration::from_secs(1);
    while Instant::now() < end {
        server.wait_output(end.saturating_duration_since(Instant::now()));
    }
    server.assert_running();
    let errors = server.stderr().lines().count() - before;
    if errors > MAX_ERRORS {
        server.fail(&format!("出错之后稍等再试；实际一秒之内出错 {errors} 次"));
    }
    let used = server.processor_time() - used;
    if used > MAX_PROCESSOR_TIME {
        server.fail(&format!("出错之后稍等再试；实际一秒之内用去处理器 {used:?}"));
    }
    drop(clients);
    (server, addr)
}
