//! 故障测试（答案的 `tests/fire.rs`）的工具：可以重放的随机数，随机的客户端，任何时候都能重置的连接。

use std::os::fd::OwnedFd;
use std::process::Command;
use std::time::{Duration, Instant};
use std::{env, thread};

use crate::{Peer, Program};

/// 可以重放的随机数：同一个种子得到同样的一串（SplitMix64 算法）。
pub struct Random(u64);

impl Random {
    /// 小于 `n` 的数；`n` 不能是 0。
    pub fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) % n as u64) as usize
    }

    /// 任意 `n` 个字节。
    pub fn bytes(&mut self, n: usize) -> Vec<u8> {
        (0..n).map(|_| self.below(256) as u8).collect()
    }

    /// 由 `messages` 变来的字节：截断、粘连、改动一个字节，或者完全随机。
    pub fn mangle(&mut self, messages: &[&[u8]]) -> Vec<u8> {
        let pick = |random: &mut Random| messages[random.below(messages.len())].to_vec();
        let mut bytes = pick(self);
        match self.below(4) {
            0 => bytes.truncate(self.below(bytes.len())),
            1 => (0..self.below(5)).for_each(|_| bytes.extend(pick(self))),
            2 => {
                let i = self.below(bytes.len());
                bytes[i] = self.below(256) as u8;
            }
            _ => {
                let n = self.below(3000);
                bytes = self.bytes(n);
            }
        }
        bytes
    }
}

/// 一轮失败时，写出怎样重放。
struct Replay(u64);

impl Drop for Replay {
    fn drop(&mut self) {
        if thread::panicking() {
            let package = env::var("CARGO_PKG_NAME").unwrap_or_default();
            let test = thread::current().name().unwrap_or_default().to_string();
            eprintln!("重放：FIRE_SEED={} cargo test -p {package} --test fire {test}", self.0);
        }
    }
}

/// 运行 `round`，直到环境变量 `FIRE_SECONDS`（默认 2 秒）用完。
///
/// 第一轮的种子是环境变量 `FIRE_SEED`（默认 1），以后每轮加 1；失败时写出这一轮的种子。
pub fn rounds(mut round: impl FnMut(&mut Random)) {
    let number = |name, default| env::var(name).map_or(default, |n| n.parse().expect(name));
    let (first, limit) = (number("FIRE_SEED", 1), Duration::from_secs(number("FIRE_SECONDS", 2)));
    let start = Instant::now();
    let mut seed = first;
    while seed == first || start.elapsed() < limit {
        let _replay = Replay(seed);
        round(&mut Random(seed));
        seed += 1;
    }
    println!("种子 {first} 至 {}", seed - 1);
}

/// 一个随机的客户端：向 `server` 发送 `bytes`，随机地分段，随机地结束（关闭写方向、离开、重置）。
pub fn attack(server: &Program, random: &mut Random, bytes: &[u8]) {
    let client = server.connect();
    let size = 1 + random.below(bytes.len().max(1));
    bytes.chunks(size).for_each(|piece| client.send(piece));
    match random.below(3) {
        0 => {
            client.finish();
            client.receive_to_end_within(Duration::from_secs(8));
        }
        1 => client.close(),
        _ => reset_now(client),
    }
}

/// 能不能用 [`reset_now`]；不能时打印一句，测试可以跳过这一种。
pub fn has_perl() -> bool {
    let perl = Command::new("perl").args(["-MSocket", "-e1"]).status();
    let found = perl.is_ok_and(|status| status.success());
    if !found {
        println!("跳过重置：这台计算机没有 perl");
    }
    found
}

/// 立即以重置断开连接，不管有没有没读的数据。
///
/// `std` 不能设置 `SO_LINGER`，所以由 perl 在继承的同一个套接字上设置；没有 perl 则崩溃。
pub fn reset_now(peer: Peer) {
    let script = "use Socket; setsockopt(STDIN, SOL_SOCKET, SO_LINGER, pack('ii', 1, 0)) or die";
    let stream = peer.stream_to_reset();
    let stdin = OwnedFd::from(stream.try_clone().expect("可以复制"));
    let status = Command::new("perl").args(["-e", script]).stdin(stdin).status();
    assert!(status.expect("故障测试需要 perl").success(), "perl 不能设置 SO_LINGER");
}
