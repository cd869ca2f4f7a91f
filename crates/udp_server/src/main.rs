//! 基于 UDP 协议的聊天程序服务端，对应课程 2.2.2 节的 `udp_server.py`（讲义：`docs/2.2.2-udp-sockets.md`）。
//!
//! 终端 1：`cargo run -p udp_server`；终端 2：`cargo run -p udp_client`。先启动服务端。
//! 终端 1 显示客户端发来的消息，在 `>>` 后输入回复；收到 `##` 时服务端结束。

use std::env;
use std::error::Error;
use std::io::{self, Write};
use std::net::UdpSocket;

const ADDR: &str = "0.0.0.0:5555"; // 0.0.0.0：本机的所有网卡
const BUFFER_SIZE: usize = 256; // 字节

fn main() -> Result<(), Box<dyn Error>> {
    let bind_addr = env::args().nth(1).unwrap_or(ADDR.to_string());
    // 1. 创建 UDP socket 对象；2. 绑定地址（std 一次完成）
    let udp_socket = UdpSocket::bind(&bind_addr)
        .map_err(|e| format!("无法绑定 {bind_addr}：{e}。请换一个地址，形如 127.0.0.1:6000"))?;
    eprintln!("UDP 服务端已启动：{}", udp_socket.local_addr()?);
    let mut buffer = [0; BUFFER_SIZE];
    // 3. 循环收发消息
    loop {
        // 收消息（Windows 上，数据报超过 256 字节时出错：只放弃这一个）
        let Ok((n, addr)) = udp_socket.recv_from(&mut buffer) else { continue };
        let data = &buffer[..n];
        // 服务器端接收到 ## 退出
        if data == b"##" {
            break;
        }
        // 不是 UTF-8 的字节、在 256 字节处被截断的汉字：Python 抛出 UnicodeDecodeError，这里显示 �
        println!("从{addr}获取到消息: {}", String::from_utf8_lossy(data));
        // 输入结束时 Python 抛出 EOFError，这里退出
        let Some(msg) = input(">>")? else { break };
        // 发消息（超过 65507 字节的回复、来自端口 0 的消息，发不出去：Python 抛出 OSError，这里继续）
        if let Err(e) = udp_socket.send_to(msg.as_bytes(), addr) {
            eprintln!("无法回复 {addr}：{e}");
        }
    }
    // 4. 释放资源
    drop(udp_socket);
    Ok(())
}

/// 与 Python 的 `input()` 相同：显示提示符，读入一行，去掉换行；输入结束（Ctrl-D）时返回 `None`。
fn input(prompt: &str) -> io::Result<Option<String>> {
    print!("{prompt}");
    io::stdout().flush()?; // 没有换行的输出留在缓冲区里，需要主动送出
    io::stdin().lines().next().transpose()
}
