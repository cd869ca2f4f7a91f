//! 典型错误：边收边写入 `new.jpg`。
//!
//! - 想法：反正最后要得到 `new.jpg`，直接创建它最省事。
//! - 结果：创建的那一刻，旧图片就没有了；客户端中途离开，留下半张图片。应写入旁边的文件，收完再改名。
//!
//! 拒绝它的测试：`robust` 的 `old_picture_stays_until_the_new_one_is_complete`。
//! 运行：`cargo run -p image_upload_solution --example image_upload_write_in_place -- server`

use std::env;
use std::fs::File;
use std::io::{self, Write};
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
    let n = io::copy(&mut conn, &mut File::create("new.jpg")?)?;
    println!("收到 {n} 字节，已保存为 new.jpg");
    conn.write_all(format!("{n}\n").as_bytes())
}
