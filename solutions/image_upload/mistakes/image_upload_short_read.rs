//! 典型错误：读到的比缓冲区小，就当作结束。
//!
//! - 想法：从文件读时，只有最后一段不满缓冲区；从网络读也一样。
//! - 结果：网络上的每一段都可能不满缓冲区，图片因此断在第一个停顿处；只有返回 0 才是结尾。
//!
//! 拒绝它的测试：`basic` 的 `server_reads_to_the_end`。
//! 运行：`cargo run -p image_upload_solution --example image_upload_short_read -- server`

use std::env;
use std::fs::{self, File};
use std::io::{self, Read, Write};
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
    let mut buffer = [0; 1024];
    let mut total = 0;
    loop {
        let n = stream.read(&mut buffer)?;
        part.write_all(&buffer[..n])?;
        total += n;
        if n < buffer.len() {
            break;
        }
    }
    if total > 0 {
        fs::rename("new.jpg.part", "new.jpg")?;
        println!("收到 {total} 字节，已保存为 new.jpg");
    }
    stream.write_all(format!("{total}\n").as_bytes())
}
