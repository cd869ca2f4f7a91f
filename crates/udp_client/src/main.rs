//! 基于 UDP 协议的聊天程序客户端，对应课程 2.2.2 节的 `udp_client.py`（讲义：`docs/2.2-udp.md`）。
//!
//! 终端 1：`cargo run -p udp_server`；终端 2：`cargo run -p udp_client`。先启动服务端。
//! 在终端 2 的 `>>` 后输入消息，等待服务端回复；输入 `##` 后两个程序都结束。

use std::env;
use std::error::Error;
use std::io::{self, BufRead, Write};
use std::net::{ToSocketAddrs, UdpSocket};

const ADDR: &str = "127.0.0.1:5555";
const BUFFER_SIZE: usize = 256; // 字节

fn main() -> Result<(), Box<dyn Error>> {
    let addr = env::args().nth(1).unwrap_or(ADDR.to_string());
    // 1. 创建 UDP socket 对象（地址族与服务端相同：Python 由 AF_INET 指定，[::1] 不能用；
    //    端口 0：由系统选一个空闲端口，Python 在第一次发送时才这样做）
    let first = addr.to_socket_addrs().ok().and_then(|mut addrs| addrs.next());
    let any_addr = if first.is_some_and(|a| a.is_ipv6()) { "[::]:0" } else { "0.0.0.0:0" };
    let udp_socket = UdpSocket::bind(any_addr).map_err(|e| format!("无法创建 UDP 套接字：{e}"))?;
    let mut buffer = [0; BUFFER_SIZE];
    // 2. 循环收发消息
    loop {
        // 发消息（输入结束时 Python 抛出 EOFError，这里当作 ##）
        let msg = input(">>")?.unwrap_or("##".to_string());
        udp_socket
            .send_to(msg.as_bytes(), &addr)
            .map_err(|e| format!("无法发送到 {addr}：{e}（地址形如 {ADDR}）"))?;
        if msg == "##" {
            break;
        }
        // 收消息（不是 UTF-8 的字节：Python 抛出 UnicodeDecodeError，这里显示 �）
        match udp_socket.recv_from(&mut buffer) {
            Ok((n, _)) => {
                let data = String::from_utf8_lossy(&buffer[..n]);
                println!("从服务器端收到消息: {data}");
            }
            // Windows 上回复超过 256 字节、服务端没有启动时出错：只放弃这一次
            Err(e) => eprintln!("没有收到回复：{e}"),
        }
    }
    // 3. 释放资源
    drop(udp_socket);
    Ok(())
}

/// 显示提示符并读入一行，返回值不含换行；输入结束（Ctrl-D）时返回 `None`。
fn input(prompt: &str) -> Result<Option<String>, String> {
    print!("{prompt}");
    let _ = io::stdout().flush(); // 没有换行的输出留在缓冲区里，需要主动送出
    let mut line = Vec::new();
    let mut stdin = io::stdin().lock();
    stdin.read_until(b'\n', &mut line).map_err(|e| format!("无法读取标准输入：{e}"))?;
    // 退格只删去半个汉字时，读到的不是 UTF-8：Python 抛出 UnicodeDecodeError，这里得到 �
    Ok(String::from_utf8_lossy(&line).lines().next().map(String::from))
}
