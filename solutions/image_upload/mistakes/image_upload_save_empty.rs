//! 典型错误：空的上传也保存。
//!
//! - 想法：收到多少就保存多少，0 字节不需要特别处理。
//! - 结果：有人只是连接一下就离开（端口扫描、健康检查），旧图片就被换成了空文件。
//!
//! 拒绝它的测试：`robust` 的 `empty_upload_keeps_the_old_picture`。
//! 运行：`cargo run -p image_upload_solution --example image_upload_save_empty -- server`

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
        if let Err(e) = serve(&stream) {
            eprintln!("{e}");
        }
    }
    Ok(())
}

fn serve(mut stream: &TcpStream) -> io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut part = File::create("new.jpg.part")?;
    let n = io::copy(&mut stream, &mut part)?;
    fs::rename("new.jpg.part", "new.jpg")?;
    println!("收到 {n} 字节，已保存为 new.jpg");
    stream.write_all(format!("{n}\n").as_bytes())
}
