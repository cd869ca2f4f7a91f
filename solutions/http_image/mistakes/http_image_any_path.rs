//! 典型错误：不是图片，就是网页。
//!
//! - 想法：这里只有网页和图片：请求里有 `/image.jpg` 就发图片，其余都发网页。
//! - 结果：浏览器请求 `/favicon.ico`，得到的是网页，还以为那就是图标；输错的地址也“成功”了。
//!
//! 拒绝它的测试：`basic` 的 `favicon_is_not_found`。
//! 运行：`cargo run -p http_image_solution --example http_image_any_path`

use std::env;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;

#[allow(dead_code)]
#[path = "../src/server.rs"]
mod server; // 借用其中正确的部分

fn main() -> io::Result<()> {
    let addr = env::args().nth(1).unwrap_or("0.0.0.0:8000".to_string());
    let listener = TcpListener::bind(addr)?;
    eprintln!("图片网页服务端已启动：{}", listener.local_addr()?);
    for stream in listener.incoming().flatten() {
        thread::spawn(move || serve(&stream));
    }
    Ok(())
}

fn serve(mut stream: &TcpStream) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut header = Vec::new();
    while !header.ends_with(b"\r\n\r\n") {
        if reader.read_until(b'\n', &mut header)? == 0 {
            return Ok(());
        }
    }
    let request_line = String::from_utf8_lossy(&header).lines().next().unwrap_or("").to_string();
    let path = if request_line.contains("/image.jpg") { "/image.jpg" } else { "/" };
    let content = server::find_content(format!("GET {path} HTTP/1.0\n").as_bytes());
    stream.write_all(&server::response(content, false))?;
    stream.shutdown(Shutdown::Write)?;
    io::copy(&mut reader, &mut io::sink())?;
    Ok(())
}
