//! 基于 UDP 协议的聊天程序客户端，对应课程 2.2.2 节的 `udp_client.py`（讲义：`docs/2.2.2-udp-sockets.md`）。
//!
//! 终端 1：`cargo run -p udp_server`；终端 2：`cargo run -p udp_client`。先启动服务端。
//! 在终端 2 的 `>>` 后输入消息，等待服务端回复；输入 `##` 后两个程序都结束。

use std::env;
use std::error::Error;
use std::io::{self, Write};
use std::net::{ToSocketAddrs, UdpSocket};

const ADDR: &str = "127.0.0.1:5555";
const BUFFER_SIZE: usize = 256; // 字节

fn main() -> Result<(), Box<dyn Error>> {
    let addr = env::args().nth(1).unwrap_or(ADDR.to_string());
    // 与 AF_INET 相同，只用 IPv4：localhost 的第一个地址可能是 ::1
    let mut addrs = addr.to_socket_addrs().map_err(|e| format!("无法使用地址 {addr}：{e}"))?;
    let addr = addrs.find(|a| a.is_ipv4()).ok_or(format!("{addr} 不是 IPv4 的地址"))?;
    // 1. 创建 UDP socket 对象（端口 0：由系统选一个空闲端口，Python 在第一次发送时才这样做）
    let udp_socket = UdpSocket::bind("0.0.0.0:0")?;
    let mut buffer = [0; BUFFER_SIZE];
    // 2. 循环收发消息
    loop {
        // 发消息（输入结束时 Python 抛出 EOFError，这里当作 ##）
        let msg = input(">>")?.unwrap_or("##".to_string());
        udp_socket.send_to(msg.as_bytes(), addr).map_err(|e| format!("无法发送到 {addr}：{e}"))?;
        if msg == "##" {
            break;
        }
        // 收消息（Windows 上，回复超过 256 字节、服务端没有启动时出错：只放弃这一次）
        let Ok((n, _)) = udp_socket.recv_from(&mut buffer) else {
            eprintln!("没有收到回复：{addr}");
            continue;
        };
        let data = &buffer[..n];
        // 不是 UTF-8 的字节：Python 抛出 UnicodeDecodeError，这里显示 �
        println!("从服务器端收到消息: {}", String::from_utf8_lossy(data));
    }
    // 3. 释放资源
    drop(udp_socket);
    Ok(())
}

/// 与 Python 的 `input()` 相同：显示提示符，读入一行，去掉换行；输入结束（Ctrl-D）时返回 `None`。
fn input(prompt: &str) -> io::Result<Option<String>> {
    print!("{prompt}");
    io::stdout().flush()?; // 没有换行的输出留在缓冲区里，需要主动送出
    io::stdin().lines().next().transpose()
}
