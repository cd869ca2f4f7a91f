//! 典型错误：几个线程写同一个临时文件。
//!
//! - 想法：每个连接一个线程，大家都写 `new.jpg.part`，收完改名。
//! - 结果：两个客户端同时上传，后一个清空了前一个的文件：图片混在一起，改名时文件已被别的线程改走。同时服务就要各用各的临时文件。
//!
//! 拒绝它的测试：`robust` 的 `twenty_clients_at_once`。
//! 运行：`cargo run -p image_upload_solution --example image_upload_shared_part -- server`

use std::env;
use std::fs::{self, File};
use std::io::{self, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

fn main() -> io::Result<()> {
    let addr = env::args().nth(2).unwrap_or("0.0.0.0:5555".to_string());
    let listener = TcpListener::bind(addr)?;
    eprintln!("图片服务端已启动：{}", listener.local_addr()?);
    for stream in listener.incoming().flatten() {
        thread::spawn(move || {
            if let Err(e) = serve(&stream) {
                eprintln!("{e}");
            }
        });
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
