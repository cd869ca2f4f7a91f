//! 基于 TCP 协议的聊天程序服务端，对应课程 2.3.2 节的 `tcp_server.py`（讲义：`docs/2.3.2-tcp-server.md`）。
//!
//! 终端 1：`cargo run -p tcp_server`；终端 2：`cargo run -p tcp_client`。先启动服务端。
//! 在终端 1 的 `>>` 后回复客户端；客户端离开后等待下一个，Ctrl-C 结束服务端。

use std::env;
use std::error::Error;
use std::io::{self, Read, Write};
use std::net::TcpListener;

const ADDR: &str = "0.0.0.0:5555"; // 0.0.0.0：本机的所有网卡
const BUFFER_SIZE: usize = 256; // 字节

fn main() -> Result<(), Box<dyn Error>> {
    let bind_addr = env::args().nth(1).unwrap_or(ADDR.to_string());
    // 1. 创建 TCP socket 对象；2. 绑定地址；3. 设置监听（std 一次完成）
    let tcp_socket = TcpListener::bind(&bind_addr)
        .map_err(|e| format!("无法绑定 {bind_addr}：{e}。请换一个地址，形如 127.0.0.1:6000"))?;
    eprintln!("TCP 服务端已启动：{}", tcp_socket.local_addr()?);
    let mut buffer = [0; BUFFER_SIZE];
    // 4. 循环接收客户端连接
    'server: loop {
        println!("等待客户端连接");
        let (mut conn, addr) = tcp_socket.accept()?;
        // 5. 循环收发消息
        loop {
            // 收消息（0 字节或出错：客户端没有发 ## 就离开了，Python 会一再收到空消息）
            let n = conn.read(&mut buffer).unwrap_or(0);
            let data = &buffer[..n];
            if data.is_empty() || data == b"##" {
                break;
            }
            println!("从客户端收到消息: {}", String::from_utf8_lossy(data));
            // 空行在 TCP 中一个字节也不发，双方会一直等待：再次提示
            let mut msg = String::new();
            while msg.is_empty() {
                let Some(line) = input(">>")? else { break 'server };
                msg = line;
            }
            // 发消息（出错：客户端已离开，下一次收消息时得知）
            if let Err(e) = conn.write_all(msg.as_bytes()) {
                eprintln!("无法回复 {addr}：{e}");
            }
        }
        drop(conn);
    }
    // 6. 释放资源
    drop(tcp_socket);
    Ok(())
}

/// 与 Python 的 `input()` 相同：显示提示符，读入一行，去掉换行；输入结束（Ctrl-D）时返回 `None`。
fn input(prompt: &str) -> io::Result<Option<String>> {
    print!("{prompt}");
    io::stdout().flush()?; // 没有换行的输出留在缓冲区里，需要主动送出
    io::stdin().lines().next().transpose()
}
