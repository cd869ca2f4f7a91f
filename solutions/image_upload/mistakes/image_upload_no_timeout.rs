//! 典型错误：没有读超时。
//!
//! - 想法：客户端总会发完，`io::copy` 总会返回。
//! - 结果：客户端断电、断网时，一个字节也不再来，也没有结尾：服务端永远等待，后面的客户端都排在它后面。
//!
//! 拒绝它的测试：`robust` 的 `five_seconds_of_silence`。
//! 运行：`cargo run -p image_upload_solution --example image_upload_no_timeout -- server`

use std::env;
use std::fs::{self, File};
use std::io::{self, Write};
use std::net::{TcpListener, TcpStream};

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
    let mut part = File::create("new.jpg.part")?;
    let n = io::copy(&mut stream, &mut part)?;
    if n > 0 {
        fs::rename("new.jpg.part", "new.jpg")?;
        println!("收到 {n} 字节，已保存为 new.jpg");
    }
    stream.write_all(format!("{n}\n").as_bytes())
}
