//! 基于 TCP 协议的聊天程序客户端，对应课程 2.3.3 节的 `tcp_client.py`（讲义：`docs/2.3.3-tcp-client.md`）。
//!
//! 终端 1：`cargo run -p tcp_server`；终端 2：`cargo run -p tcp_client`。先启动服务端。
//! 在终端 2 的 `>>` 后输入消息，等待服务端回复；输入 `##` 后客户端结束。

use std::env;
use std::error::Error;
use std::io::{self, Read, Write};
use std::net::TcpStream;

const ADDR: &str = "127.0.0.1:5555";
const BUFFER_SIZE: usize = 256; // 字节

fn main() -> Result<(), Box<dyn Error>> {
    let addr = env::args().nth(1).unwrap_or(ADDR.to_string());
    // 1. 创建 TCP socket 对象；2. 连接服务器（std 一次完成）
    let mut tcp_socket = TcpStream::connect(&addr)
        .map_err(|e| format!("无法连接 {addr}：{e}。请检查地址，并先启动服务端"))?;
    let mut buffer = [0; BUFFER_SIZE];
    // 3. 循环收发消息
    loop {
        // 输入结束时 Python 抛出 EOFError，这里当作 ##
        let msg = input(">>")?.unwrap_or("##".to_string());
        // 空行在 TCP 中一个字节也不发，双方会一直等待：再次提示
        if msg.is_empty() {
            continue;
        }
        // 发消息
        tcp_socket.write_all(msg.as_bytes()).map_err(|e| format!("无法发送到 {addr}：{e}"))?;
        if msg == "##" {
            break;
        }
        // 收消息（0 字节：服务端已离开，Python 会一再收到空消息）
        let n = tcp_socket.read(&mut buffer).map_err(|e| format!("无法从 {addr} 接收：{e}"))?;
        if n == 0 {
            return Err(format!("服务端 {addr} 已断开连接").into());
        }
        let data = &buffer[..n];
        println!("从服务器收到消息: {}", String::from_utf8_lossy(data));
    }
    // 4. 释放资源
    drop(tcp_socket);
    Ok(())
}

/// 与 Python 的 `input()` 相同：显示提示符，读入一行，去掉换行；输入结束（Ctrl-D）时返回 `None`。
fn input(prompt: &str) -> io::Result<Option<String>> {
    print!("{prompt}");
    io::stdout().flush()?; // 没有换行的输出留在缓冲区里，需要主动送出
    io::stdin().lines().next().transpose()
}
