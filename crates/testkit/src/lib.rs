//! 测试用的工具：启动一个程序，扮演它的对方，失败时画出经过。只用 `std`。
//!
//! 一个测试是一条[规则](rule)：先写规则和常见的原因，再由测试扮演对方，例如 `exercises/qa_bot/tests/basic.rs`。
//!
//! 套接字都不阻塞。每一次等待都是同一个循环（`World::wait`）：它看遍这个测试的程序和套接字，到达了什么就记下什么，
//! 不管测试正在等哪一个；没有读的字节只是看（`peek`），仍然留在套接字里。

pub mod common;
pub mod draw;
#[cfg(unix)]
pub mod fire;
mod program;
mod tcp;
mod timeline;
mod udp;
mod world;

pub use program::Program;
pub use tcp::{Listener, Peer, nobody_listens};
pub use udp::UdpPeer;
pub use world::{Outcome, PAUSE, Rule, rule};

/// 这台计算机有没有 `python3`；没有时打印一句，测试可以跳过。
pub fn has_python() -> bool {
    let python = std::process::Command::new("python3").arg("-V").output();
    let found = python.is_ok_and(|output| output.status.success());
    if !found {
        println!("跳过：这台计算机没有 python3");
    }
    found
}
