//! 典型错误：把读的错误当作结尾。
//!
//! - 想法：`tcp_server` 用 `unwrap_or(0)` 处理出错的 `read`，这里照样写。
//! - 结果：超时、重置都成了“收完了”，半张图片换掉了旧图片。聊天时两者都是“客户端离开了”；收文件时，只有返回 0 才是收完。
//!
//! 拒绝它的测试：`robust` 的 `silence`。
//! 运行：`cargo run -p image_upload_solution --example image_upload_error_is_end -- server`

use std::env;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::net::TcpListener;
use std::time::Duration;

fn main() -> io::Result<()> {
    let addr = env::args().nth(2).unwrap_or("0.0.0.0:5555".to_string());
    let tcp_socket = TcpListener::bind(addr)?;
    eprintln!("图片服务端已启动：{}", tcp_socket.local_addr()?);
    loop {
        if let Err(e) = serve(&tcp_socket) {
            eprintln!("没有服务完一个客户端：{e}");
        }
    }
}

fn serve(tcp_socket: &TcpListener) -> io::Result<()> {
    let (mut conn, _) = tcp_socket.accept()?;
    conn.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut part = File::create("new.jpg.part")?;
    let (mut total, mut buffer) = (0, [0; 8192]);
    loop {
        let n = conn.read(&mut buffer).unwrap_or(0);
        if n == 0 {
            break;
        }
        part.write_all(&buffer[..n])?;
        total += n;
    }
    if total > 0 {
        fs::rename("new.jpg.part", "new.jpg")?;
        println!("收到 {total} 字节，已保存为 new.jpg");
    }
    conn.write_all(format!("{total}\n").as_bytes())
}
