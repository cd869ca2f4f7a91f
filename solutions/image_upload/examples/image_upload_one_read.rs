//! 典型错误：一次 `read` 就是整张图片。
//!
//! - 想法：客户端一次发完，缓冲区也够大，服务端 `read` 一次就得到整张图片，在本机上试也常常成功。
//! - 结果：TCP 是字节流：`read` 返回已经到达的一段，图片只保存了开头；要读到返回 0 为止。
//!
//! 拒绝它的测试：`basic` 的 `server_saves_the_picture`。
//! 运行：`cargo run -p image_upload_solution --example image_upload_one_read -- server`

use std::env;
use std::fs;
use std::io::{self, Read, Write};
use std::net::TcpListener;

fn main() -> io::Result<()> {
    let addr = env::args().nth(2).unwrap_or("0.0.0.0:5555".to_string());
    let tcp_socket = TcpListener::bind(addr)?;
    eprintln!("图片服务端已启动：{}", tcp_socket.local_addr()?);
    loop {
        let (mut conn, _) = tcp_socket.accept()?;
        let mut buffer = vec![0; 1024 * 1024];
        let n = conn.read(&mut buffer)?;
        fs::write("new.jpg", &buffer[..n])?;
        println!("收到 {n} 字节，已保存为 new.jpg");
        conn.write_all(format!("{n}\n").as_bytes())?;
    }
}
