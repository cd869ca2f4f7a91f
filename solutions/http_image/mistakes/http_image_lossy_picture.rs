//! 典型错误：把图片转换为文字。
//!
//! - 想法：响应是文字，用 `format!` 组织；图片先用 `from_utf8_lossy` 转换为字符串。
//! - 结果：JPEG 不是 UTF-8：每处无效的字节都变成 `�`，图片损坏，浏览器显示不出来。
//!
//! 拒绝它的测试：`basic` 的 `picture_is_complete`。
//! 运行：`cargo run -p http_image_solution --example http_image_lossy_picture`

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
    let (status, content_type, body) = match server::find_content(&header) {
        Ok((content_type, body)) => ("200 OK", content_type, body),
        Err(status) => (status, "text/plain", status.as_bytes()),
    };
    let body = String::from_utf8_lossy(body);
    let length = body.len();
    let response = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\n\
         Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
    stream.write_all(response.as_bytes())?;
    stream.shutdown(Shutdown::Write)?;
    io::copy(&mut reader, &mut io::sink())?;
    Ok(())
}
