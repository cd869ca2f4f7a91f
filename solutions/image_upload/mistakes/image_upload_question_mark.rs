//! 典型错误：在接受连接的循环里用 `?`。
//!
//! - 想法：`?` 会把错误交给 `main`，`main` 会打印它，正好。
//! - 结果：`main` 打印之后就结束了：一个客户端的错误关掉了所有人的服务端。循环里的错误要就地处理。
//!
//! 拒绝它的测试：`robust` 的 `picture_that_cannot_be_saved`。
//! 运行：`cargo run -p image_upload_solution --example image_upload_question_mark -- server`

use std::env;
use std::fs::{self, File};
use std::io::{self, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

fn main() -> io::Result<()> {
    let addr = env::args().nth(2).unwrap_or("0.0.0.0:5555".to_string());
    let listener = TcpListener::bind(addr)?;
    eprintln!("图片服务端已启动：{}", listener.local_addr()?);
    for stream in listener.incoming().flatten() {
        serve(&stream)?;
    }
    Ok(())
}

fn serve(mut stream: &TcpStream) -> io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut part = File::create("new.jpg.part")?;
    let n = io::copy(&mut stream, &mut part)?;
    if n > 0 {
        fs::rename("new.jpg.part", "new.jpg")?;
        println!("收到 {n} 字节，已保存为 new.jpg");
    }
    stream.write_all(format!("{n}\n").as_bytes())
}
