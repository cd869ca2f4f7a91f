//! 典型错误：先回答，再改名。
//!
//! - 想法：字节已经收齐，回答和改名谁先谁后都一样。
//! - 结果：改名可能失败；那时客户端已经打印“上传成功”，服务端却没有这张图片。做完了才能确认。
//!
//! 拒绝它的测试：`robust` 的 `picture_that_cannot_be_saved`。
//! 运行：`cargo run -p image_upload_solution --example image_upload_answer_first -- server`

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
    stream.write_all(format!("{n}\n").as_bytes())?;
    if n > 0 {
        fs::rename("new.jpg.part", "new.jpg")?;
        println!("收到 {n} 字节，已保存为 new.jpg");
    }
    Ok(())
}
